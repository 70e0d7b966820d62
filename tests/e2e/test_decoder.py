"""vultus-decoder as the kernel sees it: what it may do, and what a photo that breaks it costs."""
import os
import pathlib
import signal
import socket
import struct
import subprocess

import pytest
from conftest import ROOT, names, running, wait_until

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))


def decoders(service):
    (worker,) = service.pids("vultus-worker")
    found = []
    for thread in pathlib.Path(f"/proc/{worker}/task").iterdir():
        found += [int(pid) for pid in (thread / "children").read_text().split()]
    return found


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: line.split(":")[1].strip() for line in lines}


@pytest.fixture(scope="module")
def service(photos):
    with running(settings=["worker.vision_threads=1"]) as one:
        one.train("Barack", photos["obama"])
        yield one


def test_it_is_shut_in(service):
    (pid,) = decoders(service)
    assert pathlib.Path(f"/proc/{pid}/exe").readlink().name == "vultus-decoder"
    seen = status(pid)
    assert (seen["Seccomp"], seen["NoNewPrivs"], seen["Threads"]) == ("2", "1", "1"), seen
    assert pathlib.Path(f"/proc/{pid}/environ").read_bytes() == b""
    files = {fd.name: os.readlink(fd) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
    assert {name for name in files if int(name) > 2} == {"3", "4"}, files
    assert files["3"].startswith("socket:") and "vultus-photo" in files["4"]
    assert int(seen["VmRSS"].split()[0]) < 60_000, seen["VmRSS"]


def test_one_that_is_killed_costs_a_photo_and_no_worker(service, photos):
    worker, (pid,) = service.pids("vultus-worker"), decoders(service)
    os.kill(pid, signal.SIGSTOP)
    job = service.call("POST", "/api/recognize", files={"file": photos["obama2"]}).json()
    wait_until(lambda: service.call("GET", f"/api/jobs/{job['id']}").json()["state"] == "running", what="the start")
    os.kill(pid, signal.SIGKILL)
    done = service.finish(job)
    assert (done["state"], done["error"]["code"]) == ("failed", "undecodable_image"), done
    assert names(service.recognize(photos["obama2"])) == ["Barack"]
    assert service.pids("vultus-worker") == worker and decoders(service) != [pid]
    assert "decoder_ended" in service.logs(100)


def test_no_decoder_outlives_its_worker(service, photos):
    (worker,), (pid,) = service.pids("vultus-worker"), decoders(service)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists() or status(pid)["State"].startswith("Z"), what="its end")
    assert names(service.recognize(photos["obama2"])) == ["Barack"]


def test_a_worker_without_its_decoder_does_not_start(tmp_path):
    """Rather than decoding in itself, unasked."""
    program = tmp_path / "vultus-worker"
    program.write_bytes((PROGRAMS / "vultus-worker").read_bytes())
    program.chmod(0o755)
    with running(workers=0) as other:
        done = subprocess.run([program, "--config", ROOT / "config/vultus.toml", "--set", f"common.data={other.data}", "--set",
                               f"worker.models={ROOT}/build/models", "--set", f"worker.calibration={ROOT}/config/calibration.txt"],
                              capture_output=True, text=True, timeout=60)
    assert (done.returncode, "vultus-decoder is not beside" in done.stderr) == (2, True), done.stderr


# ---- the filter itself: code in the decoder's place that does what it must not --------------------------

PROBE = r"""
#include "shared/privileges.hpp"
#include "workers/syscall_filter.hpp"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cstdlib>
#include <cstring>
#include <vector>
int main(int, char** words) {
    vultus::forbid_new_privileges();
    if (!vultus::allow_memory_and_open_files_only()) return 3;
    const char* what = words[1];
    if (!std::strcmp(what, "file")) ::open("/etc/passwd", O_RDONLY);
    if (!std::strcmp(what, "socket")) ::socket(AF_INET, SOCK_STREAM, 0);
    if (!std::strcmp(what, "program")) ::execl("/bin/true", "true", nullptr);
    if (!std::strcmp(what, "process")) ::fork();
    if (!std::strcmp(what, "code")) ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!std::strcmp(what, "memory")) { std::vector<char> much(200 << 20, 'x'); ::write(1, &much[1 << 20], 1); }
    return 0;
}
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.cpp").write_text(PROBE)
    subprocess.run(["c++", "-std=c++20", "-w", f"-I{ROOT}", folder / "probe.cpp", ROOT / "workers/syscall_filter.cpp",
                    ROOT / "shared/privileges.cpp", ROOT / "shared/require.cpp", "-o", folder / "probe"], check=True)
    return folder / "probe"


@pytest.mark.parametrize("what", ["file", "socket", "program", "process", "code"])
def test_what_it_must_not_do_ends_it(probe, what):
    assert subprocess.run([probe, what]).returncode == -signal.SIGSYS


def test_what_it_needs_it_has(probe):
    assert subprocess.run([probe, "memory"], capture_output=True).stdout == b"x"


def test_messages_that_lie_are_refused():
    """Its worker is not its enemy, but a bug there should not be one here."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    memory = os.memfd_create("photo")
    os.ftruncate(memory, (10 << 20) + 120_000_000)

    def at_3_and_4():
        link, file = os.dup2(its.fileno(), 30), os.dup2(memory, 31)
        os.dup2(link, 3), os.dup2(file, 4)
    process = subprocess.Popen([PROGRAMS / "vultus-decoder"], preexec_fn=at_3_and_4, close_fds=False)
    its.close()
    try:
        ours.settimeout(20)
        for size, shrink in ((1 << 40, 1), (10 << 20, 1), (0, 1), (3, 8)):
            ours.send(struct.pack("=QII", size, shrink, 0))
            width, height, why = struct.unpack_from("=III", ours.recv(128))
            assert (width, height) == (0, 0) and why > 0
        ours.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        os.close(memory)
