"""The main job as people meet it first: ./run's supervisor, the demo, order at start and stop."""
import os
import signal
import subprocess
import sys

import pytest
from conftest import PREFIX, ROOT, Service, running, wait_until


def test_demo_is_right(shared_service):
    done = subprocess.run(
        [sys.executable, ROOT / "clients/demo/demo.py", "--url", shared_service.url,
         "--photos", ROOT / "build/photos"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.strip().splitlines()[-1].split()
    assert last[0] == "demo:" and last[1] == last[3] and int(last[1]) >= 9, done.stdout


def test_two_services_side_by_side(shared_service, photos):
    with running() as other:
        shared_service.train("here", photos["small_biden"])
        assert other.call("GET", "/api/faces").json()["faces"] == []
        shared_service.clear()


def test_one_data_folder_has_one_service(shared_service):
    done = subprocess.run(
        [sys.executable, ROOT / "config/supervisor.py", "--port", "1", "--data", shared_service.data],
        capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "in use" in done.stderr


def test_stop_is_clean_and_faces_stay(tmp_path, photos):
    first = Service(tmp_path).wait_ready()
    pids = first.pids("vultus") + first.pids("redis")
    assert len(pids) == 4
    first.train("biden", photos["small_biden"])
    assert first.stop() == 0
    assert all(not os.path.exists(f"/proc/{pid}") for pid in pids)
    second = Service(tmp_path).wait_ready()
    try:
        assert second.recognize(photos["small_biden"])["faces"][0]["label"] == "biden"
        assert second.fsck() == []
    finally:
        assert second.stop() == 0


@pytest.mark.parametrize("program", ["vultus-worker", "vultus-broker", "vultus-api"])
def test_what_dies_is_started_again(shared_service, photos, program):
    [pid] = shared_service.pids(program)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: shared_service.pids(program) not in ([], [pid]), what=f"another {program}")
    wait_until(lambda: "started again" in shared_service.said())

    def answers():
        try:
            return shared_service.recognize(photos["small_obama"])
        except (OSError, AssertionError):
            return None
    assert len(wait_until(answers, 60)["faces"]) == 1


def test_an_unknown_setting_is_refused():
    for program in ("vultus-broker", "vultus-worker", "vultus-api"):
        binary = os.path.join(os.environ.get("VULTUS_BIN", ROOT / "build/release/bin"), program)
        done = subprocess.run([binary, "--set", "api.prot=5001", "--check-config"],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 2 and "prot" in done.stdout + done.stderr


def test_a_job_is_readable_in_redis(shared_service, photos):
    job = shared_service.submit("/api/recognize", [photos["small_biden"]])
    stored = shared_service.redis().hgetall(f"{PREFIX}job:{job['id']}")
    assert stored[b"state"] == b"succeeded" and stored[b"type"] == b"recognize"
    assert b'"faces"' in stored[b"result"]
