"""docker/compose.yaml and the Dockerfile, as far as a machine without an engine can run them: who reads the secret, what is bounded, the
commands of the images, the health checks. `./test docker` builds and runs the images.
"""
import json
import os
import pathlib
import re
import stat
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, wait_until

sys.path.insert(0, str(ROOT / "docker"))

import check_compose  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
SCHEMA = json.loads((ROOT / "tests/e2e/start/compose_schema.json").read_text())


def stage(name):
    return re.search(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", DOCKERFILE, re.M | re.S).group(1)


def entrypoint(name):
    return json.loads(re.search(r"^ENTRYPOINT (\[.*?\])$", stage(name), re.M | re.S).group(1).replace("\\\n", ""))


def test_compose_fits_its_schema_agrees_with_the_dockerfile_and_bounds_everything():
    assert check_compose.findings(SCHEMA, COMPOSE, DOCKERFILE) == []


@pytest.mark.parametrize("change, finding", [
    (lambda services: services["worker"].pop("mem_limit"), "worker: has no mem_limit"),
    (lambda services: services["redis"].pop("pids_limit"), "redis: has no pids_limit"),
    (lambda services: services["worker"]["volumes"].append("secret:/data/secret:ro"), "worker: the volume 'secret' is for"),
    (lambda services: services["api"]["volumes"].remove("secret:/data/secret"), "api: the volume 'secret' is for"),
    (lambda services: services["api"].update(mem_limits="1g"), "services/api: Additional properties are not allowed ('mem_limits'"),
    (lambda services: services["redis"].update(restart="unless-stoped"), "services/redis/restart: 'unless-stoped' does not match"),
    (lambda services: services["redis"].update(stop_grace_period=60), "services/redis/stop_grace_period: 60 is not of type"),
    (lambda services: services["broker"].update(networks=["outside"]), "services/broker: "),
    (lambda services: services["worker"]["depends_on"]["redis"].update(condition="healthy"), "services/worker/depends_on/redis/condition"),
    (lambda services: services["models"].pop("build"), "services/models: 'build' is a required property"),
], ids=["memory", "processes", "reader", "owner", "unknown key", "a word", "a type", "two networks", "a condition", "absent"])
def test_the_check_of_compose_finds(change, finding):
    changed = json.loads(json.dumps(COMPOSE))
    change(changed["services"])
    assert any(one.startswith(finding) for one in check_compose.findings(SCHEMA, changed, DOCKERFILE))


def test_the_secret_is_where_the_images_look_for_it_and_not_among_the_sockets():
    for name in ("api", "broker"):
        assert f"{name}.secret_file=/data/secret/access.secret" in entrypoint(name)
        assert any(volume.startswith("secret:/data/secret") for volume in COMPOSE["services"][name]["volumes"])
    assert "/data/run/access.secret" not in DOCKERFILE
    assert "chmod 0700 /data/run /data/redis /data/secret" in stage("runtime")


def test_a_secret_of_before_is_taken_along(tmp_path):
    service = COMPOSE["services"]["secret"]
    [script] = service["command"]
    for name in ("run", "secret"):
        (tmp_path / name).mkdir(mode=0o700)
    old, own = tmp_path / "run/access.secret", tmp_path / "secret/access.secret"
    command = [*service["entrypoint"], script.replace("$$", "$").replace("/data/", f"{tmp_path}/")]

    def move():
        done = subprocess.run(command, capture_output=True, text=True, umask=0)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    move()
    assert not own.exists(), "there is none"
    old.write_text("one\n")
    old.chmod(0o600)
    move()
    assert own.read_text() == "one\n" and stat.S_IMODE(own.stat().st_mode) == 0o600 and not old.exists()
    old.write_text("two\n")
    move()
    assert own.read_text() == "one\n", "the one that is in use stays"


@pytest.mark.parametrize("name, program", [("broker", "vultus-broker"), ("worker-cpu", "vultus-worker"),
                                           ("worker-cuda", "vultus-worker"), ("api", "vultus-api")])
def test_the_command_of_the_image_is_taken(name, program):
    first, *words = entrypoint(name)
    assert first == program
    words = [word.replace("/etc/vultus/", f"{ROOT}/config/") for word in words]
    done = subprocess.run([PROGRAMS / program, *words, "--print-config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["redis"]["socket"] == "/data/run/redis.sock"


def test_the_redis_of_its_image_starts(tmp_path):
    _, _, *words = entrypoint("redis")
    redis = tmp_path / "redis"
    redis.mkdir()
    words = [word.replace("/data/redis", str(redis)).replace("/data/run", str(tmp_path)) for word in words]
    process = subprocess.Popen([ROOT / "config/redis", ROOT / "config/redis.conf", *words], stdout=subprocess.PIPE, text=True, umask=0o022)
    try:
        assert any("ready to accept connections" in line for line in process.stdout)
        wait_until((tmp_path / "redis.pid").exists, what="its pid")
        assert [path for path in tmp_path.rglob("*") if path != redis and path.lstat().st_mode & 0o077] == []
        assert redis.stat().st_mode & 0o077 == 0
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_redis_that_loads_is_not_ready_and_not_ill(tmp_path):
    told = tmp_path / "told"
    (tmp_path / "redis-cli").write_text(f"#!/bin/sh\ncat {told}\n")
    (tmp_path / "redis-cli").chmod(0o755)
    for said, code in (("PONG", 0), ("BUSY Redis is busy running a script.", 0), ("LOADING Redis is loading the dataset in memory", 1),
                       ("Could not connect to Redis", 1), ("", 1)):
        told.write_text(said + "\n")
        done = subprocess.run([ROOT / "docker/health", "redis"], env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
        assert done.returncode == code, said
    check = re.search(r"^HEALTHCHECK (.*)$", stage("redis"), re.M).group(1)
    assert "--start-period=1h" in check, "failures do not count meanwhile, and a success ends the period"


def test_the_document_of_an_image_has_its_packages_and_what_our_programs_are_made_of():
    import sbom  # of docker/
    ours = json.loads((PROGRAMS.parent / "vultus.spdx.json").read_text())
    made = sbom.document("vultus/api", "1.2.3", ["libssl3 3.0.1-1+deb12u2 amd64", "tzdata 2024a all"], ours)
    ids = [one["SPDXID"] for one in made["packages"]]
    assert len(ids) == len(set(ids)) == 3 + len(ours["packages"])
    assert all({one["spdxElementId"], one["relatedSpdxElement"]} <= {*ids, "SPDXRef-DOCUMENT"} for one in made["relationships"])
    assert [one["relatedSpdxElement"] for one in made["relationships"] if one["relationshipType"] == "DESCRIBES"] == ["SPDXRef-image"]
    assert made["packages"][1]["externalRefs"][0]["referenceLocator"] == "pkg:deb/debian/libssl3@3.0.1-1%2Bdeb12u2?arch=amd64"
    assert len(sbom.document("vultus/redis", "1", ["a 1 all"], {})["packages"]) == 2


def test_the_image_with_all_roles_is_closed_and_takes_the_words_of_run():
    script = (ROOT / "docker/start").read_text()
    words = re.search(r"supervisor\.py (.*)$", script.replace("\\\n", " "), re.M).group(1).replace('"$@"', "")
    assert "api.bind=0.0.0.0" in words and "--setup-link" in words and "insecure" not in script
    checked = subprocess.run(["bash", "-c", f"{sys.executable} {ROOT}/config/supervisor.py --check-words {words}"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert entrypoint("vultus") == ["vultus-start"] and "USER 10001:10001" in stage("vultus")


def test_each_way_of_installing_has_all_programs_of_the_service():
    """What ./run starts, directly or through another program, and its tool. vultus-camera and vultus-lfw are for those who build."""
    cmake = "".join(path.read_text() for path in [*(ROOT / name / "CMakeLists.txt" for name in ("api", "broker", "workers")),
                                                  *(ROOT / "clients").glob("*/CMakeLists.txt"), ROOT / "clients/CMakeLists.txt"] if path.exists())
    programs = set(re.findall(r"^vultus_program\((vultus\S*)", cmake, re.M)) - {"vultus-lfw", "vultus-camera"}
    assert len(programs) >= 6
    assert not re.search(r"^add_executable\(vultus", cmake, re.M), "vultus_program() refuses a CPU that it is not compiled for"

    def named(text):
        return set(re.findall(r"\bvultus(?:ctl|-[a-z]+)\b", text)) & programs
    assert named(re.search(r"install\(TARGETS (.*) RUNTIME", (ROOT / "config/install.cmake").read_text()).group(1)) == programs
    assert named(re.search(r"ninja -C (?:.*\\\n)*.*", (ROOT / "debian/rules").read_text()).group()) == programs
    assert named(re.search(r'^programs="(.*)"', (ROOT / "tests/portable/check").read_text(), re.M).group(1)) == programs
    assert named(re.search(r"^NAMES = (.*)", (ROOT / "config/starting/doctor.py").read_text(), re.M).group(1)) == programs
    for images in (["vultus"], ["broker", "worker-cpu", "api"]):
        assert set().union(*(set(re.findall(r"release/bin/(\S+)", stage(image))) for image in images)) & programs == programs
