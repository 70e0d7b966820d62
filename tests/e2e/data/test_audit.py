"""Who did what, without a name: a service that asks nobody for a key has a secret too, under which the audit log hashes
the names, and `vultusctl audit --label` finds a person's entries by it.
"""
import hashlib
import json
import os
import pathlib
import stat
import subprocess

from conftest import PREFIX, ROOT

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))


def ctl(service, *words, code=0):
    done = subprocess.run([PROGRAMS / "vultusctl", "--data", service.data, *words], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def audit(service, *words):
    return json.loads(ctl(service, "--json", "audit", *words))["audit"]


def test_a_persons_entries_are_found_and_nobody_is_named(shared_service, photos):
    one = shared_service
    one.train("Barack Obama", photos["small_obama"])
    one.train("Joe", photos["small_biden"])
    job = one.call("POST", "/api/recognize", files={"file": photos["biden"]}).json()
    cancelled = one.call("DELETE", f"/api/jobs/{job['id']}").status_code in (200, 202)
    saved = one.data / "default.export"
    ctl(one, "export", saved)
    ctl(one, "restore", saved, "--collection", "copy")
    assert one.call("DELETE", "/api/faces/Barack%20Obama").status_code in (200, 202)
    assert stat.S_IMODE(os.stat(one.data / "access.secret").st_mode) == 0o600

    found = [(entry["what"], entry["collection"]) for entry in audit(one, "--label", "Barack Obama")]
    assert found == [("forget", "default"), ("restore", "copy"), ("train", "default")]
    everything = audit(one)
    whats = [entry["what"] for entry in everything]
    assert {"train", "restore", "export", "forget"} <= set(whats), whats
    assert ("cancel" in whats) == cancelled, whats
    assert all(entry["who"].startswith("vultusctl:") for entry in everything if entry["what"] in ("export", "restore"))
    stored = str(one.redis().xrange(f"{PREFIX}audit"))
    assert "Barack" not in stored and "Joe" not in stored
    for name in ("Barack Obama", "Joe"):  # nor can a list of names be tried on it
        for guess in (hashlib.sha1, hashlib.sha256, hashlib.blake2b, lambda text: hashlib.blake2b(text, digest_size=32)):
            assert guess(name.encode()).hexdigest() not in stored
    secret = bytes.fromhex((one.data / "access.secret").read_text())
    keyed = hashlib.blake2b(b"label Joe", key=secret, digest_size=32).hexdigest()
    assert keyed in stored
    one.clear()
