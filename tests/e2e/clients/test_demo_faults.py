"""clients/demo against services that are absent, silent, slow and wrong: it ends in time, with 1 and one line why."""
import subprocess
import sys

import pytest
from bad_service import ALL, bad_service
from conftest import PHOTOS, ROOT


def demo(*words, **more):
    return subprocess.run([sys.executable, str(ROOT / "clients/demo/demo.py"), *map(str, words)], text=True,
                          stdout=more.get("stdout", subprocess.PIPE), stderr=subprocess.PIPE, timeout=60)


@pytest.mark.parametrize("fault", ALL)
def test_it_ends_with_a_reason(fault):
    with bad_service(fault) as service:
        done = demo("--url", service.url, "--photos", PHOTOS, "--timeout", 0.7)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done
    assert done.stderr.startswith("demo: ") and done.stderr.count("\n") == 1, done


def test_without_photos_it_says_so(tmp_path):
    done = demo("--url", "http://127.0.0.1:1", "--photos", tmp_path)
    assert done.returncode == 1 and str(tmp_path) in done.stderr, done


def test_words_that_are_wrong():
    for words in ([], ["--url", "http://x", "--timeout", "nan"]):
        assert demo(*words).returncode == 2
    done = demo("--url", "no address", "--photos", PHOTOS)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done
