"""vultus-decoder as the kernel sees it: what it may do, and what its end costs a photo: nothing."""
import concurrent.futures
import contextlib
import io
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess

import pytest
from conftest import ROOT, names, running, wait_until
from PIL import Image

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


def ready(service, photos):
    """The pid of the decoder, which waits for a photo."""
    assert names(service.recognize(photos["obama2"])) == ["Barack"]
    (pid,) = decoders(service)
    return pid


def holds(pid, photo):
    """Whether its worker gave it the photo; it need not have looked."""
    with open(f"/proc/{pid}/fd/4", "rb") as memory:
        memory.seek(1_000)
        return memory.read(500) == photo[1_000:1_500]


@pytest.mark.parametrize("how", ["stored", "direct", "train"])
def test_one_that_is_killed_under_a_photo_costs_nothing(service, photos, how):
    worker, pid = service.pids("vultus-worker"), ready(service, photos)
    os.kill(pid, signal.SIGSTOP)
    what = {"stored": ("/api/recognize", {}), "direct": ("/api/recognize", {"params": {"durable": "false"}}),
            "train": ("/api/train", {"data": {"name": "Barack"}})}[how]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(service.call, "POST", what[0], files={"file": photos["obama"]}, **what[1])
        wait_until(lambda: holds(pid, photos["obama"]), what="the photo")
        os.kill(pid, signal.SIGKILL)
        answer = asked.result()
    if how == "direct":
        assert answer.status_code == 200 and names(answer.json()) == ["Barack"], answer.text
    else:
        done = service.finish(answer.json())
        assert done["state"] == "succeeded" and done["attempt"] == 1, done
    assert service.pids("vultus-worker") == worker and pid not in decoders(service)
    assert "decoder_lost" in service.logs(100)


def test_who_is_killed_idle_is_no_zombie(service, photos):
    pid = ready(service, photos)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), what="its burial, without a photo")


def test_what_is_sent_to_the_group_is_for_the_worker(service, photos):
    pid = ready(service, photos)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    assert ready(service, photos) == pid


def test_another_collection_has_another_decoder(service, photos):
    pid = ready(service, photos)
    service.recognize(photos["obama2"], collection="others")
    assert pid not in decoders(service)


def test_a_worker_without_memory_for_one_ends_and_its_successor_does_the_photo(service, photos):
    (worker,), pid = service.pids("vultus-worker"), ready(service, photos)
    os.kill(pid, signal.SIGKILL)
    most = int(status(worker)["VmSize"].split()[0]) << 10
    resource.prlimit(worker, resource.RLIMIT_AS, (most, most))
    assert names(service.recognize(photos["obama2"])) == ["Barack"]
    assert service.pids("vultus-worker") != [worker]
    assert "ended with exit code 70" in service.said()


def heif(photo, tmp_path, *words):
    (tmp_path / "photo.png").write_bytes(photo)
    subprocess.run(["heif-enc", *words, "-q", "90", tmp_path / "photo.png", "-o", tmp_path / "photo.heif"], check=True,
                   capture_output=True)
    return (tmp_path / "photo.heif").read_bytes()


@pytest.mark.parametrize("codec", ["heic", "avif"])
def test_heic_and_avif_are_read_and_shut_in(service, photos, tmp_path, codec):
    out = io.BytesIO()
    Image.open(io.BytesIO(photos["obama2"])).convert("RGB").save(out, "PNG")
    photo = heif(out.getvalue(), tmp_path, *(["-A"] if codec == "avif" else []))
    jpeg_decoder = ready(service, photos)
    assert names(service.recognize(photo)) == ["Barack"]
    (pid,) = decoders(service)
    seen = status(pid)
    assert pid != jpeg_decoder and (seen["Seccomp"], seen["NoNewPrivs"], seen["Threads"]) == ("2", "1", "1"), seen
    assert "heif" in pathlib.Path(f"/proc/{pid}/maps").read_text()
    assert "heif" not in pathlib.Path(f"/proc/{ready(service, photos)}/maps").read_text(), "not where JPEG is read"


def test_a_picture_with_names_survives_its_decoder(photos):
    """The thread that draws has a decoder of its own."""
    with running(settings=["worker.vision_threads=1"]) as one:
        def annotated(photo):
            job = one.submit("/api/recognize", [photo], annotate="true")
            assert job["state"] == "succeeded" and job["attempt"] == 1, job
            return one.call("GET", f"/api/jobs/{job['id']}/image").status_code
        one.recognize(photos["obama"])
        first = decoders(one)
        assert annotated(photos["obama2"]) == 200
        (pid,) = set(decoders(one)) - set(first)
        os.kill(pid, signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(annotated, photos["obama"])
            wait_until(lambda: holds(pid, photos["obama"]), what="the photo")
            os.kill(pid, signal.SIGKILL)
            assert asked.result() == 200


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
    assert (done.returncode, "vultus-decoder is not in the folder of" in done.stderr) == (2, True), done.stderr


# ---- the filter itself: code in the decoder's place that does what it must not --------------------------

PROBE = r"""
#include "shared/base/privileges.hpp"
#include "workers/image/syscall_filter.hpp"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cstdlib>
#include <cstring>
#include <cerrno>
#include <csignal>
#include <sys/syscall.h>
#include <thread>
#include <vector>
int main(int, char** words) {
    vultus::forbid_new_privileges();
    const bool threads = words[2] != nullptr;
    if (threads) std::thread([] {}).join();
    if (!vultus::allow_memory_and_open_files_only(threads ? vultus::threads::some : vultus::threads::one)) return 3;
    const char* what = words[1];
    if (!std::strcmp(what, "thread")) std::thread([] { ::write(1, "t", 1); }).join();
    if (!std::strcmp(what, "vfork")) ::vfork();
    if (!std::strcmp(what, "action")) ::signal(SIGUSR1, SIG_IGN);
    if (!std::strcmp(what, "clone3")) {
        if (::syscall(SYS_clone3, nullptr, 0) == -1 && errno == ENOSYS) ::write(1, "ENOSYS", 6);
    }
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
    subprocess.run(["c++", "-std=c++20", "-w", f"-I{ROOT}", folder / "probe.cpp", ROOT / "workers/image/syscall_filter.cpp",
                    ROOT / "shared/base/privileges.cpp", ROOT / "shared/base/require.cpp", "-o", folder / "probe"], check=True)
    return folder / "probe"


@pytest.mark.parametrize("what", ["file", "socket", "program", "process", "code"])
def test_what_it_must_not_do_ends_it(probe, what):
    assert subprocess.run([probe, what]).returncode == -signal.SIGSYS


def test_what_it_needs_it_has(probe):
    assert subprocess.run([probe, "memory"], capture_output=True).stdout == b"x"


@pytest.mark.parametrize("what", ["file", "socket", "program", "process", "vfork", "code", "action"])
def test_with_threads_it_may_no_more(probe, what):
    assert subprocess.run([probe, what, "threads"]).returncode == -signal.SIGSYS


@pytest.mark.parametrize("what, answer", [("memory", b"x"), ("thread", b"t"), ("clone3", b"ENOSYS")])
def test_with_threads_it_has_threads(probe, what, answer):
    assert subprocess.run([probe, what, "threads"], capture_output=True).stdout == answer


def test_without_it_has_none(probe):
    assert subprocess.run([probe, "thread"]).returncode == -signal.SIGSYS


def gradient(kind, **options):
    """Many colours and no detail."""
    down = Image.linear_gradient("L")
    out = io.BytesIO()
    Image.merge("RGB", (down, down.rotate(90), down)).resize((8_000, 5_000), Image.Resampling.NEAREST).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("mib, kind, options", [
    (230, "JPEG", {}), (230, "PNG", {"compress_level": 1}), (230, "WEBP", {"quality": 1}),  # not for the pixels
    (330, "JPEG", {"progressive": True}), (330, "WEBP", {"lossless": True, "quality": 0, "method": 0}),  # not for the library
])
def test_memory_that_is_short_is_no_broken_photo(photos, mib, kind, options):
    photo = gradient(kind, **options)
    with decoder_alone(lambda: resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))) as (ask, _):
        assert ask(photo) == (0, 0, "out_of_memory")
        assert ask(photos["small_obama"])[0] > 0, "it lives"
    with decoder_alone() as (ask, _):
        assert ask(photo)[:2] == (8_000, 5_000)


@contextlib.contextmanager
def decoder_alone(prepare=lambda: None):
    """vultus-decoder without a worker: (what asks it to decode a photo, the process)."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    memory = os.memfd_create("photo")
    os.ftruncate(memory, (10 << 20) + 120_000_000)

    def at_3_and_4():
        link, file = os.dup2(its.fileno(), 30), os.dup2(memory, 31)
        os.dup2(link, 3), os.dup2(file, 4)
        prepare()
    process = subprocess.Popen([PROGRAMS / "vultus-decoder"], preexec_fn=at_3_and_4, close_fds=False)
    its.close()

    def ask(photo, size=None, shrink=1):
        os.pwrite(memory, photo, 0)
        ours.send(struct.pack("=QII", len(photo) if size is None else size, shrink, 0))
        width, height, why = struct.unpack_from("=III", ours.recv(128))
        return width, height, ERRORS[why]
    try:
        ours.settimeout(60)
        yield ask, process
        ours.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        os.close(memory)


# The list of shared/base/error.hpp, in its order.
ERRORS = re.findall(r"^    (\w+),", (ROOT / "shared/base/error.hpp").read_text().split("enum class errc {")[1].split("};")[0],
                    re.MULTILINE)


def test_messages_that_lie_are_refused():
    """Its worker is not its enemy, but a bug there should not be one here."""
    with decoder_alone() as (ask, _):
        for size, shrink in ((1 << 40, 1), (10 << 20, 1), (0, 1), (3, 8)):
            width, height, why = ask(b"", size, shrink)
            assert (width, height) == (0, 0) and why != ERRORS[0]
