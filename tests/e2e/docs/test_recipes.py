"""The recipes of docs/recipes, run as they stand there. A block of sh is one script; the block of text behind it is what it
prints, with … for what differs from run to run; a block whose first line is a comment with a file's name is that file.

Recipes are written for the service on port 5000 and a folder with people/ and photos/: only addresses are replaced.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import PHOTOS, ROOT, free_port, running
from test_import_sources import CompreFace

RECIPES = ROOT / "docs/recipes"
PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
NAMES = sorted(path.stem for path in RECIPES.glob("*.md") if path.stem != "README")
KEY = "00000000-0000-0000-0000-000000000002"
PATHS = [str(ROOT / "build/deps/usr/sbin"), str(ROOT / "build/deps/usr/bin")]  # where config/install unpacks


def blocks_of(name):
    return re.findall(r"^```(\w+)\n(.*?)^```$", (RECIPES / f"{name}.md").read_text(), re.M | re.S)


def as_shown(shown):
    """Matches what a script printed: blanks and tabs alike, … for anything."""
    lines = [r"[ \t]+".join(re.escape(word) for word in line.split()).replace("…", ".*") for line in shown.splitlines()]
    return re.compile(r"\n".join(r"(?s:.*)" if line == ".*" else line + r"[ \t]*" for line in lines) + r"\s*")


class Kitchen:
    """A folder in which a recipe runs, with the commands that it names."""

    def __init__(self, folder, service, replaced=()):
        self.folder, self.service = folder, service
        self.replaced = {"http://127.0.0.1:5000": service.url, "8099": str(free_port()), **dict(replaced)}
        for person, photo in (("Barack Obama", "obama"), ("Joe Biden", "biden")):
            (folder / "people" / person).mkdir(parents=True)
            shutil.copy(PHOTOS / f"{photo}.jpg", folder / "people" / person / "1.jpg")
        (folder / "photos").mkdir()
        for photo in ("biden", "obama2"):
            shutil.copy(PHOTOS / f"{photo}.jpg", folder / "photos")
        (folder / "bin").mkdir()
        for name, command in {"vultusctl": f"{PROGRAMS}/vultusctl --data {service.data}", "python3": sys.executable,
                              "vultus": f"{sys.executable} -m vultus --url {service.url}"}.items():
            path = folder / "bin" / name
            path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            path.chmod(0o700)
        self.environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "clients/python"),
                            "PYTHONUNBUFFERED": "1"}

    def here(self, text):
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        return text

    def cook(self, name):
        """Runs the recipe's scripts, one after the other in one shell; the number of them."""
        blocks = [(kind, self.here(text)) for kind, text in blocks_of(name)]
        for kind, text in blocks:
            file = re.match(r"(?:#|//) (\w+\.\w+)\n", text)
            if file and kind != "sh":
                (self.folder / file.group(1)).write_text(text)
        scripts = [i for i, (kind, text) in enumerate(blocks)
                   if kind == "sh" and (shutil.which("node") or not text.startswith("node "))]
        whole = "set -eu\n" + "".join(f"{blocks[i][1]}printf '\\n@@\\n'\n" for i in scripts)
        ran = subprocess.run(["bash", "-c", whole], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300)
        assert ran.returncode == 0, f"{name}\n{ran.stdout}{ran.stderr}"
        printed = ran.stdout.split("\n@@\n")
        for i, got in zip(scripts, printed):
            kind, shown = blocks[i + 1] if i + 1 < len(blocks) else ("", "")
            assert kind != "text" or as_shown(shown).fullmatch(got), f"{name}\n{blocks[i][1]}\nshown:\n{shown}\ngot:\n{got}{ran.stderr}"
        return len(scripts)


def test_there_are_ten_and_the_list_has_all():
    listed = re.findall(r"\]\((\w+)\.md\)", (RECIPES / "README.md").read_text())
    assert len(NAMES) == 10 and sorted(listed) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("compreface", "proxy")])
def test_a_recipe(name, tmp_path):
    with running(settings=["api.access=keys"] if name == "collection" else [], defaults=()) as service:
        assert Kitchen(tmp_path, service).cook(name) >= 1
        assert service.fsck() == []


def test_from_compreface(tmp_path):
    faces = [("Barack Obama", (PHOTOS / "obama.jpg").read_bytes()), ("Joe Biden", (PHOTOS / "biden.jpg").read_bytes())]
    with running(defaults=()) as service, CompreFace(faces, key=KEY) as source:
        assert Kitchen(tmp_path, service, {"http://127.0.0.1:8000": source.url}).cook("compreface") == 2
