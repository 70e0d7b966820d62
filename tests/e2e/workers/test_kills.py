"""kill -9 of each process in the middle of queued jobs: all end succeeded, each exactly once."""
import concurrent.futures
import os
import signal
import time

import pytest
import requests
from conftest import PREFIX, running, wait_until

JOBS = 200 if os.environ.get("VULTUS_LONG") else 80


def accept(service, photo, number):
    """Submits until accepted, as a client that retries does: one key, so one job."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            answer = requests.post(
                f"{service.url}/api/recognize", files={"file": photo}, timeout=30,
                headers={"Idempotency-Key": f"photo-{number}"})
        except requests.RequestException:
            time.sleep(0.1)
            continue
        if answer.status_code == 202:
            return answer.json()["id"]
        assert answer.status_code == 503, answer.text
        time.sleep(min(1.0, float(answer.headers["Retry-After"])))
    raise AssertionError("never accepted")


def poll(service, job_id):
    end = time.monotonic() + 180
    while time.monotonic() < end:
        try:
            answer = requests.get(f"{service.url}/api/jobs/{job_id}?wait=5", timeout=30)
        except requests.RequestException:
            time.sleep(0.1)
            continue
        if answer.status_code == 200 and answer.json()["state"] in ("succeeded", "failed", "dead", "cancelled"):
            return answer.json()
        time.sleep(0.05)
    raise AssertionError(f"{job_id} did not end")


@pytest.mark.parametrize("program", ["vultus-worker", "vultus-broker", "vultus-api", "redis"])
def test_kill_in_the_middle_of_many_jobs(photos, program):
    with running(workers=2) as service:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            ids = pool.map(lambda n: accept(service, photos["small_obama2"], n), range(JOBS))
            store = service.redis()
            time_of_kill = wait_until(lambda: store.zcard(f"{PREFIX}queue:done") >= 10, what="the first results")
            assert time_of_kill
            os.kill(service.pids(program)[0], signal.SIGKILL)
            ids = list(ids)
            assert len(set(ids)) == JOBS
            jobs = list(pool.map(lambda job_id: poll(service, job_id), ids))
        assert [job["state"] for job in jobs] == ["succeeded"] * JOBS
        assert all(len(job["result"]["faces"]) == 1 for job in jobs)
        ends = {}
        for _, fields in service.redis().xrange(f"{PREFIX}events"):
            if fields[b"to"] in (b"succeeded", b"failed", b"dead", b"cancelled"):
                ends[fields[b"job"]] = ends.get(fields[b"job"], 0) + 1
        assert ends == {job_id.encode(): 1 for job_id in ids}
        assert service.fsck() == []
        assert not list(service.redis().scan_iter(f"{PREFIX}job:*:image:*"))
