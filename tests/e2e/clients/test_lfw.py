"""vultus-lfw --url measures a running service: the same faces as in its own process, and an error that says why."""
import json
import os
import subprocess

from conftest import PHOTOS, ROOT, running

LFW = os.environ.get("VULTUS_BIN", str(ROOT / "build/e2e/bin")) + "/vultus-lfw"


def measured(folder, *words):
    command = [LFW, "--images", str(folder), "--pairs", str(folder / "pairs.txt"), "--json", "--distances",
               str(folder / "distances.txt"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=ROOT)


def test_a_service_is_measured_as_its_own_process_is(tmp_path):
    for name, number, sample in ("Obama", 1, "obama"), ("Obama", 2, "obama2"), ("Biden", 1, "biden"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / f"{name}_{number:04}.jpg").write_bytes((PHOTOS / f"{sample}.jpg").read_bytes())
    (tmp_path / "pairs.txt").write_text("1\nObama\t1\t2\nObama\t1\tBiden\t1\n")
    with running() as service:
        there = measured(tmp_path, "--url", service.url, "--threads", "2")
        assert there.returncode == 0, there.stderr
        report = json.loads(there.stdout)
        assert report["photos"] == 3 and report["photos_missed"] == 0
        got = [float(line) for line in (tmp_path / "distances.txt").read_text().split()]
        here = measured(tmp_path, "--detector", report["detector"], "--embedder", report["embedder"])
        assert here.returncode == 0, here.stderr
        assert json.loads(here.stdout)["embedding"] == report["embedding"]
        expected = [float(line) for line in (tmp_path / "distances.txt").read_text().split()]
        assert all(abs(one - other) < 1e-4 for one, other in zip(got, expected, strict=True)), (got, expected)
        assert service.redis().zcard("vultus:{0}:queue:all") == 0  # nothing was stored
    assert measured(tmp_path, "--url", "ftp://nowhere").returncode == 2
    assert measured(tmp_path, "--url", "http://127.0.0.1:1", "--embedding", "all").returncode == 2
    assert measured(tmp_path, "--detector", "hog,centerface").returncode == 2  # two runs, one file of distances


def test_what_is_not_there_is_named(tmp_path):
    for name, number in (("Obama", 1), ("Obama", 2), ("Biden", 1)):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / f"{name}_{number:04}.jpg").write_bytes((PHOTOS / "obama.jpg").read_bytes())
    (tmp_path / "pairs.txt").write_text("1\nObama\t1\t2\nObama\t1\tBiden\t1\n")
    missing = measured(tmp_path, "--embedder", "sface/unit")
    assert missing.returncode == 1 and "no embedder sface/unit" in missing.stderr, missing.stderr
