"""./run --device: which worker runs on what."""
import os
import pathlib
import sys

import pytest
from conftest import ROOT, running, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "config"))

from starting import words  # noqa: E402
from starting.output import Refused  # noqa: E402


def test_one_device_for_as_many_workers_as_asked():
    assert words.devices("auto", None) == ["auto"]
    assert words.devices("cuda:1", 2) == ["cuda:1", "cuda:1"]


def test_all_is_a_worker_for_each_card_and_processors_beside_them(monkeypatch):
    monkeypatch.setattr(words, "gpus", lambda: [0, 1])
    assert words.devices("all", None) == ["cuda:0", "cuda:1"]
    assert words.devices("all", 1) == ["cuda:0", "cuda:1", "cpu"]


def test_all_without_a_card_says_so(monkeypatch):
    monkeypatch.setattr(words, "gpus", lambda: [])
    with pytest.raises(Refused, match="no NVIDIA card"):
        words.devices("all", None)
    assert words.devices("all", 2) == ["cpu", "cpu"]


def test_auto_takes_the_cpu_if_the_networks_cannot_be_loaded_on_the_gpu():
    library = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin")).parent / "stand_in_gpu"
    with running(words=["--device", "auto"], settings=["worker.gpu_memory_mib=1"],
                 environment={"LD_LIBRARY_PATH": str(library)}) as service:
        workers = wait_until(lambda: service.call("GET", "/api/status").json()["workers"], what="a worker")
        assert [(one["device"], one.get("card", "")) for one in workers] == [("cpu", "")]
        logs = "\n".join(log.read_text(errors="replace") for log in service.data.glob("log/worker*.log"))
        said = [line for line in logs.splitlines() if "device_fallback" in line]
        assert len(said) == 1 and "worker.gpu_memory_mib" in said[0], logs[-2000:]
