"""The list of what the programs are made of is whole: every library that one loads stands in it, with its licence."""
import functools
import json
import os
import pathlib
import re
import subprocess

import pytest
from conftest import ROOT

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
NAMES = {"vultus-api": "api", "vultus-broker": "broker", "vultus-worker": "worker", "vultus-camera": "camera",
         "vultus-lfw": "lfw", "vultusctl": "ctl", "vultus-fetcher": "api"}
FREE = {"MIT", "BSL-1.0", "BSD-3-Clause", "ISC", "Apache-2.0", "CC0-1.0", "Zlib", "IJG", "libpng-2.0", "LGPL-2.1-or-later", "curl",
        "LGPL-2.0-or-later", "LGPL-2.1-only OR MPL-1.1", "MIT-Modern-Variant",
        "LGPL-3.0-or-later", "BSD-2-Clause", "GPL-2.0-or-later",
        "LGPL-3.0-or-later WITH LGPL-3.0-linking-exception", "GPL-3.0-or-later WITH GCC-exception-3.1"}


def listed(program):
    rows = [[word.strip() for word in line.split("|")] for line in (ROOT / "config/dependencies.txt").read_text().splitlines()
            if line.strip() and not line.startswith("#")]
    return {row[2]: row for row in rows if program in row[3].split() or row[3] == "all"}


@functools.cache
def package_of(path):
    for name in (os.path.realpath(path), os.path.realpath(path).removeprefix("/usr"), path):
        found = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    raise AssertionError(f"{path} is of no package")


def packages_loaded(program):
    """Debian's packages of the libraries that a program names itself."""
    said = subprocess.run(["readelf", "-d", PROGRAMS / program], capture_output=True, text=True, check=True).stdout
    places = subprocess.run(["ldd", PROGRAMS / program], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"NEEDED.*\[(.+)\]", said):
        yield library, package_of(re.search(rf"^\s*{re.escape(library)} => (\S+)", places, re.MULTILINE).group(1))


@pytest.mark.parametrize("program", NAMES)
def test_every_library_that_is_loaded_is_listed(program):
    there = listed(NAMES[program])
    loaded = dict(packages_loaded(program))
    assert len(loaded) > 3
    # Debian lets one choose among builds of OpenBLAS; they have one licence.
    assert [library for library, package in loaded.items()
            if re.sub(r"^libopenblas0.*", "libopenblas0-pthread", package) not in there] == []


@pytest.mark.parametrize("program", ["vultus-api", "vultus-broker", "vultus-worker"])
def test_the_version_says_so(program):
    def said(*words):
        return subprocess.run([PROGRAMS / program, *words], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said("--version") == [f"{program} 0.1.0"]
    first, *rows = said("--version", "--verbose")
    assert first == f"{program} 0.1.0"
    wanted = listed(NAMES[program])
    assert {re.split(r"  +", row)[0] for row in rows} == {row[0] for row in wanted.values()}
    for package, row in wanted.items():
        (line,) = [line for line in rows if line.startswith(row[0] + " ")]
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True).stdout
        assert line.endswith(row[1]) and "unknown" not in line and version in line, line


def test_the_spdx_document_has_all_of_it():
    document = json.loads((PROGRAMS.parent / "vultus.spdx.json").read_text())
    assert (document["spdxVersion"], document["dataLicense"]) == ("SPDX-2.3", "CC0-1.0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
    ids = [one["SPDXID"] for one in document["packages"]]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", one) for one in ids)
    known = {*ids, "SPDXRef-DOCUMENT"}
    assert all({one["spdxElementId"], one["relatedSpdxElement"]} <= known for one in document["relationships"])
    assert {one["relatedSpdxElement"] for one in document["relationships"]} | {
        one["spdxElementId"] for one in document["relationships"]} >= set(ids), "a package that stands alone"
    for one in document["packages"]:
        assert one["versionInfo"] != "unknown", one
        assert all(part in FREE for part in one["licenseDeclared"].split(" AND ")), one
    models = [one for one in document["packages"] if one["name"].endswith((".dat", ".onnx"))]
    assert len(models) == 5 and all(len(one["checksums"][0]["checksumValue"]) == 64 for one in models)
