"""Two hosts on one machine, for the tests of encrypted links: network namespaces with a cable between them, on which
everything is written down. And a recorder on loopback that does the same where the kernel lets nobody make namespaces.
"""
import contextlib
import ctypes
import os
import socket
import subprocess
import threading

from conftest import wait_until

NEW_NET = 0x40000000  # CLONE_NEWNET
ALL_PROTOCOLS = 3     # ETH_P_ALL
libc = ctypes.CDLL(None, use_errno=True)


def namespaces_allowed():
    return subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0


class Host:
    """A network of its own, held by one process. `with host:` puts the calling thread there, and what it starts."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own, what="a network of its own")
        self.before = []
        with self:
            self.ip("link", "set", "lo", "up")

    def __enter__(self):
        self.before.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        self.go(f"/proc/{self.holder.pid}/ns/net")
        return self

    def __exit__(self, *_):
        home = self.before.pop()
        assert libc.setns(home, NEW_NET) == 0
        os.close(home)

    @staticmethod
    def go(path):
        there = os.open(path, os.O_RDONLY)
        done = libc.setns(there, NEW_NET)
        os.close(there)
        assert done == 0, os.strerror(ctypes.get_errno())

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def close(self):
        self.holder.kill()
        self.holder.wait()


@contextlib.contextmanager
def two_hosts():
    """Two of them, 10.77.0.1 and 10.77.0.2, joined by the cables `a` and `b` (one in each)."""
    with contextlib.ExitStack() as undo:
        hosts = []
        for _ in range(2):
            hosts.append(Host())
            undo.callback(hosts[-1].close)
        with hosts[0]:
            Host.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(hosts[1].holder.pid))
        for number, host in enumerate(hosts, 1):
            with host:
                Host.ip("address", "add", f"10.77.0.{number}/24", "dev", "cable")
                Host.ip("link", "set", "cable", "up")
        yield hosts


class Capture:
    """Every byte that goes over a host's cable while it is open. Call it in that host."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.socket.bind(("cable", 0))
        self.socket.settimeout(0.1)
        self.packets, self.ended = [], False
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        while not self.ended:
            with contextlib.suppress(TimeoutError):
                self.packets.append(self.socket.recv(1 << 17))

    def close(self):
        """All that was seen. A picture lies in several packets."""
        self.ended = True
        self.thread.join()
        self.socket.close()
        return b"".join(self.packets)


class Recorder:
    """A man in the middle on loopback: passes connections on and writes down what both sides say."""

    def __init__(self, to):
        self.to, self.said, self.open = to, [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.to)
            except OSError:
                return
            self.open += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=ends, daemon=True).start()

    def carry(self, near, far):
        with contextlib.suppress(OSError):
            while chunk := near.recv(1 << 16):
                self.said.append(chunk)
                far.sendall(chunk)
        for end in (near, far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        for end in (self.listener, *self.open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        return b"".join(self.said)


def share_seen(secret, wire, piece=48):
    """Which part of the pieces of a secret can be found on the wire; headers of packets cut some."""
    pieces = [secret[at:at + piece] for at in range(0, len(secret) - piece, piece)]
    return sum(one in wire for one in pieces) / len(pieces)
