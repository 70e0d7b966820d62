"""./run --device: which worker runs on what."""
import pathlib
import sys

import pytest

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
