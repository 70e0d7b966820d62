"""The documents against the project. The shell lines of README.md run against a service; the answers that it shows
have the members shown; every option, setting, relative link and cited document exists.

README.md is written for a service on port 5000 that was built and started in the checkout, so three texts are replaced
before a line runs: the address, the folder of the photos, and vultusctl with its data folder. `$id` is the member `id`
of the latest answer that has one. curl fails on a status of 400 and above (.curlrc), which it does not do by itself.
"""
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest
from conftest import PHOTOS, ROOT, running

README = ROOT / "README.md"
PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
LINES_MAX, COLUMNS_MAX = 90, 100
SOURCES = {".hpp", ".cpp", ".cu", ".c", ".lua", ".py", ".js", ".cmake", ".toml", ".conf", ".yaml", ".service", ".target"}
NOT_OURS = {"build", "data", ".git", "__pycache__"}  # also folders that a run or a build has left


def files(*suffixes):
    for folder, below, names in os.walk(ROOT):
        below[:] = sorted(set(below) - NOT_OURS)
        yield from (pathlib.Path(folder) / name for name in sorted(names) if pathlib.Path(name).suffix in suffixes)


def named(path):
    return str(path.relative_to(ROOT))


DOCUMENTS = list(files(".md"))
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
PROGRAM = re.compile(r"(?<![\w-])(vultusctl|vultus-(?:api|broker|worker|camera|lfw)|\./run)\s([^`#\n]*)")


# ---- the shell lines ---------------------------------------------------------------------------------------------------

def blocks(language, page=README):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def shell_lines(page=README):
    return [line for block in blocks("sh", page) for line in block.splitlines() if line.strip() and not line.startswith("#")]


def has_members(shown, got, where="answer"):
    """Every member that is shown is there, with a value of the same JSON type; of an array, in its first element."""
    if isinstance(shown, dict):
        assert isinstance(got, dict), where
        for name, value in shown.items():
            assert name in got, f"{where} has no {name}: {got}"
            has_members(value, got[name], f"{where}.{name}")
    elif isinstance(shown, list):
        assert isinstance(got, list) and bool(got) >= bool(shown), f"{where} is {got}"
        for value in shown:
            has_members(value, got[0], f"{where}[0]")
    elif isinstance(shown, (int, float)) and not isinstance(shown, bool):
        assert isinstance(got, (int, float)), f"{where} is {got}"
    else:
        assert isinstance(got, type(shown)), f"{where} is {got}"


def run_lines(page, tmp_path, service):
    """What the lines of a page that call the service answer, in order."""
    (tmp_path / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
    answers = []
    replaced = {"http://127.0.0.1:5000": service.url, "build/photos": str(PHOTOS), "family.export": str(tmp_path / "family.export"),
                "import people": f"import {tmp_path}/people", "python3 -m vultus": f"{sys.executable} -m vultus --url {service.url}",
                "build/release/bin/vultusctl": f"{PROGRAMS}/vultusctl --data {service.data}"}
    environment = {**os.environ, "CURL_HOME": str(tmp_path), "url": service.url, "id": "none-yet",
                   "PYTHONPATH": str(ROOT / "clients/python")}
    for line in shell_lines(page):
        if not re.match(r"curl |build/release/bin/vultusctl |python3 -m vultus ", line):
            continue
        command = line
        for text, instead in replaced.items():
            command = command.replace(text, instead)
        done = subprocess.run(["bash", "-euc", command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{line}\n{command}\n{done.stdout}{done.stderr}"
        answers.append({})
        if done.stdout.startswith("{"):
            answers[-1] = json.loads(done.stdout)
            environment["id"] = answers[-1].get("id", environment["id"])
    return answers


@pytest.mark.parametrize("page, least", [("home", 6), ("automate", 8)])
def test_the_shell_lines_of_a_door_work(page, least, tmp_path):
    person = tmp_path / "people/Joe Biden"
    person.mkdir(parents=True)
    (person / "1.jpg").write_bytes((PHOTOS / "biden.jpg").read_bytes())
    with running() as service:
        answers = run_lines(ROOT / f"docs/{page}.md", tmp_path, service)
    assert len(answers) >= least, "the page shows fewer calls than it did"
    known = [face["label"] for one in answers if one.get("type") == "recognize" for face in one["result"]["faces"]]
    assert known and all(known), "the door ends with a name on a photo"
    for job in answers:
        assert job.get("state") in (None, "ready", "succeeded"), job


def test_the_shell_lines_of_readme_work_and_answer_as_shown(tmp_path):
    with running(defaults=()) as service:
        answers = run_lines(README, tmp_path, service)
    assert len(answers) >= 7, "README.md shows fewer calls than it did"
    assert blocks("json"), "README.md shows no answer"
    for block in blocks("json"):
        shown = json.loads(block)
        like = [one for one in answers if one.get("type") == shown["type"]]
        assert like, f"no call answered with a {shown['type']}"
        has_members(shown, like[0])
        for face, got in zip(shown["result"]["faces"], like[0]["result"]["faces"]):
            assert (face["status"], face["label"]) == (got["status"], got["label"])
            # Another embedder where the files of omz_0095 are not to be had.
            if like[0]["models"]["embedding"].startswith("omz_0095"):
                assert face["distance"] == pytest.approx(got["distance"], abs=0.01)
    for job in answers:
        assert job.get("state") in (None, "ready", "succeeded"), job


def test_the_words_that_readme_gives_to_run_are_taken():
    starts = [line.split("#")[0].split() for line in shell_lines() if line.startswith("./run")]
    assert len(starts) >= 3
    for _, *words in starts:
        if words[:1] == ["demo"]:
            continue
        words = words if words == ["--help"] else ["--check-words", *words]
        done = subprocess.run([sys.executable, ROOT / "config/supervisor.py", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


def test_readme_is_short():
    lines = README.read_text().splitlines()
    assert len(lines) <= LINES_MAX, f"{len(lines)} lines"
    assert [line for line in lines if len(line) > COLUMNS_MAX] == []


# ---- options and settings ----------------------------------------------------------------------------------------------

@functools.cache
def help_of(*command):
    return subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60).stdout


def options_of(program, words):
    """What the help has of the program, and of the commands among these words (`key create`)."""
    run = (sys.executable, str(ROOT / "config/supervisor.py"))
    if program == "./run":
        return OPTION.findall(help_of(*run)) + (options_of("vultusctl", words) if "--ctl" in words else [])
    tool = str(PROGRAMS / program)
    found = OPTION.findall(help_of(tool))
    if program == "vultusctl":
        commands = [word for word in words if re.fullmatch("[a-z][a-z-]*", word)]
        whole = [tuple(commands[:3])] if len(commands) > 2 else []  # `compat key create`
        for pair in [(one,) for one in commands] + [(commands[0], one) for one in commands[1:]] + whole:
            found += OPTION.findall(help_of(tool, *pair))
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_option_that_a_document_gives_to_a_program_exists(path):
    wrong = []
    for program, rest in PROGRAM.findall(path.read_text()):
        if (PROGRAMS / program).exists() or program == "./run":
            asked = set(OPTION.findall(rest))
            missing = asked - set(options_of(program, rest.split())) if asked else ()
            wrong += [f"{program} {rest}: {one}" for one in sorted(missing)]
    assert wrong == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_setting_that_a_document_sets_exists(path):
    settings = tomllib.loads((ROOT / "config/vultus.toml").read_text())
    cited = re.findall(r"--set (\w+)\.(\w+)=", path.read_text())
    assert [f"{section}.{key}" for section, key in cited if key not in settings.get(section, ())] == []


# ---- links and citations -----------------------------------------------------------------------------------------------

def headings(path):
    text = re.sub(r"^(```|~~~).*?^\1", "", path.read_text(), flags=re.M | re.S)
    return [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line).replace("`", "").strip()
            for line in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, re.M)]


def anchors(path):
    """As GitHub makes them of headings: lower case, blanks as hyphens, nothing else but letters, digits and underscores."""
    found = []
    for heading in headings(path):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        same = sum(one == slug for one, _ in found)
        found.append((slug, f"{slug}-{same}" if same else slug))
    return {anchor for _, anchor in found}


def links(path):
    text = re.sub(r"^(```|~~~).*?^\1", "", path.read_text(), flags=re.M | re.S)
    text = re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.M)
    text = re.sub(r"`[^`\n]*`", "`", text)
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"<(?:img|a)\b[^>]*?(?:src|href)=\"([^\"]+)\"", text)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_relative_link_leads_somewhere(path):
    wrong = []
    for link in links(path):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        target, _, anchor = link.partition("#")
        there = (path.parent / target).resolve() if target else path
        if not there.exists() or ROOT not in [there, *there.parents]:
            wrong.append(link)
        elif anchor and (there.suffix != ".md" or anchor not in anchors(there)):
            wrong.append(f"{link}: no such heading")
    assert wrong == []


def test_a_document_or_section_that_a_source_cites_exists():
    wrong = []
    for path in [*files(*SOURCES), *(ROOT / name for name in ("run", "test", "docker/Dockerfile", "api/openapi.json"))]:
        if path == pathlib.Path(__file__).resolve():
            continue
        text = path.read_text(errors="replace")
        for document, section in re.findall(r"(?<![\w/])([A-Za-z_][\w/]*\.md)\b(?:, \"([^\"\n]+)\")?", text):
            places = [one / document for one in path.parents if one == ROOT or ROOT in one.parents]
            places += [one for one in DOCUMENTS if one.name == document != "README.md"]  # a name that no other has
            found = next((place for place in places if place.exists()), None)
            if found is None:
                wrong.append(f"{named(path)}: {document}")
            elif section and section not in headings(found):
                wrong.append(f"{named(path)}: {document} has no section \"{section}\"")
    assert wrong == []


def test_every_document_is_reached_from_readme():
    reached, open_ = set(), [README]
    while open_:
        path = open_.pop()
        if path in reached or path.suffix != ".md" or not path.exists():
            continue
        reached.add(path)
        open_ += [(path.parent / link.partition("#")[0]).resolve() for link in links(path)
                  if not re.match(r"[a-z][a-z0-9+.-]*:|#", link)]
    assert [named(path) for path in DOCUMENTS if path not in reached] == []
