"""./run --doctor: looks at this machine, changes nothing, and says what to do about each thing that is wrong.

A finding is `ok`, `warning` (the service starts; or ./run mends it by itself) or `stops`. Exit code 1 if anything stops the service.
Each check is a function that yields findings; what it reads of the machine is a parameter, for the tests.
"""
import errno
import fcntl
import os
import pathlib
import platform
import re
import resource
import shutil
import socket
import subprocess
import sys
import typing

import fetch

from . import programs
from .folder import ROOM_BYTES, Folder, holders_of
from .output import Refused, one_line
from .words import ROOT, gpus

NAMES = ("vultus-api", "vultus-fetcher", "vultus-broker", "vultus-worker", "vultus-decoder", "vultusctl")
FEATURES = ("avx2", "bmi2", "fma")          # of x86-64-v3 (shared/cpu/cpu_check.cpp)
DESCRIPTORS_WANTED, DESCRIPTORS_MIN = 8192, 1024
REDIS_MIN, PYTHON_MIN = (7, 0), (3, 11)
GIB, MIB = 1 << 30, 1 << 20
BUILD_BYTES = 3 * GIB                       # of the release programs, packages and models
MEMORY_BYTES = 2 * GIB                      # a worker, Redis and the compiler
DATA_BYTES = GIB
PRIVATE = ("access.secret", "run/redis.password")


class Finding(typing.NamedTuple):
    level: str       # ok, warning, stops
    about: str
    found: str
    advice: str = ""


def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def size(bytes_):
    return f"{bytes_ / GIB:.1f} GiB" if bytes_ >= GIB else f"{bytes_ // MIB} MiB"


# ---- the machine -------------------------------------------------------------------------------------------------------

def system(release="/etc/os-release", install=ROOT / "config/install", may_install=None):
    name = re.search(r'^PRETTY_NAME="?([^"\n]+)', read(release), re.M)
    named = name.group(1) if name else "unknown"
    done = subprocess.run([install, "--missing", "build", "run"], capture_output=True, text=True,
                          env={**os.environ, "VULTUS_OS_RELEASE": str(release)})
    missing = done.stdout.split()
    if may_install is None:
        may_install = os.geteuid() == 0 or shutil.which("sudo") is not None
    if done.returncode not in (0, 1):
        yield Finding("stops", "system", named, one_line(done.stderr).removeprefix("config/install: "))
    elif missing:
        yield Finding("warning" if may_install else "stops", "packages", f"missing: {' '.join(missing)}",
                      "./run installs them" if may_install else "as root: config/install build run")
    else:
        yield Finding("ok", "system", f"{named}, no package is missing")


def cpu(cpuinfo="/proc/cpuinfo", machine=platform.machine()):
    flags = re.search(r"^flags\s*:(.*)$", read(cpuinfo), re.M)
    missing = [one for one in FEATURES if one not in (flags.group(1).split() if flags else ())]
    if machine != "x86_64":
        yield Finding("stops", "cpu", machine, "Vultus runs on x86-64 only")
    elif missing:
        yield Finding("stops", "cpu", f"no {', '.join(one.upper() for one in missing)}",
                      "an Intel CPU since 2013 or an AMD CPU since 2015; in a virtual machine let it have the host's CPU")
    else:
        yield Finding("ok", "cpu", f"{len(os.sched_getaffinity(0))} cores, {', '.join(one.upper() for one in FEATURES)}")


def memory(meminfo="/proc/meminfo"):
    total = re.search(r"^MemTotal:\s*(\d+) kB", read(meminfo), re.M)
    have = int(total.group(1)) << 10 if total else 0
    few = have < MEMORY_BYTES
    yield Finding("warning" if few else "ok", "memory", size(have), f"{size(MEMORY_BYTES)} are needed to build and to run one worker"
                  if few else "")


def limits(nofile=None):
    hard = (nofile or resource.getrlimit(resource.RLIMIT_NOFILE))[1]
    if hard == resource.RLIM_INFINITY or hard >= DESCRIPTORS_WANTED:
        yield Finding("ok", "limits", "open files: " + ("no limit" if hard == resource.RLIM_INFINITY else str(hard)))
    else:
        yield Finding("stops" if hard < DESCRIPTORS_MIN else "warning", "limits", f"open files: {hard}",
                      f"ulimit -Hn {DESCRIPTORS_WANTED}, or LimitNOFILE= of the unit: each connection takes one")


def python(version=sys.version_info):
    good = tuple(version[:2]) >= PYTHON_MIN
    yield Finding("ok" if good else "stops", "python", ".".join(str(part) for part in version[:3]),
                  "" if good else "3.11 or newer has to be /usr/bin/python3")


def redis(which=shutil.which):
    server = next(filter(None, map(which, programs.SERVERS)), None)
    if not server:
        yield Finding("warning", "redis", "none in PATH", "./run installs redis-tools")
        return
    named = "valkey-server" if "valkey" in os.path.basename(server) else "redis-server"
    said = subprocess.run([named, "--version"], executable=server, capture_output=True, text=True).stdout
    version = re.search(r"v=(\d+)\.(\d+)(\S*)", said)
    good = version and (int(version.group(1)), int(version.group(2))) >= REDIS_MIN
    yield Finding("ok" if good else "stops", "redis", version.group(0).removeprefix("v=") if version else one_line(said) or "no version",
                  "" if good else f"{server} is too old or none: install Redis 7.0, Valkey 7.2 or newer")


def cards(found=None, driver="/proc/driver/nvidia/version", library=None):
    found = gpus() if found is None else found
    library = library or programs.PROGRAMS / "libvultus-cuda.so"
    if not found:
        yield Finding("ok", "gpu", "none: workers use the CPU")
        return
    version = re.search(r"Module\s+(\d[\d.]*)", read(driver))
    named = f"{len(found)}, driver {version.group(1) if version else 'unknown'}"
    if pathlib.Path(library).exists():
        yield Finding("ok", "gpu", named)
    else:
        yield Finding("warning", "gpu", f"{named}, not used", "./run --device cuda:0 builds libvultus-cuda.so (docs/gpu.md)")


# ---- what is installed -------------------------------------------------------------------------------------------------

def built(folder=None, cmake=ROOT / "CMakeLists.txt"):
    folder = pathlib.Path(folder or programs.PROGRAMS)
    wanted = re.search(r"project\(vultus VERSION (\S+)", read(cmake))
    for name in NAMES:
        if not os.access(folder / name, os.X_OK):
            yield Finding("warning", "programs", f"{folder / name} is missing", "./run builds it")
            return
    for name in NAMES:
        done = subprocess.run([folder / name, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            said = one_line(done.stderr) or f"exit code {done.returncode}"
            advice = "./run builds it for the libraries of this machine" if "shared libraries" in said else "see above, or build anew: ./run"
            yield Finding("stops", "programs", f"{name}: {said}", advice)
            return
        version = done.stdout.split()[-1]
        if wanted and version != wanted.group(1):
            yield Finding("warning", "programs", f"{name} {version}, and the source is {wanted.group(1)}", "./run builds it anew")
            return
    yield Finding("ok", "programs", f"{version} in {folder}")


def models(manifests=ROOT / "config/models", data=ROOT / "build"):
    try:
        known = fetch.read_manifests(pathlib.Path(manifests))
    except fetch.UNUSABLE as why:
        yield Finding("stops", "models", one_line(why), "restore config/models from the repository")
        return
    whole = []
    for name, model in known.items():
        for entry in fetch.missing(model, pathlib.Path(data)):
            path = pathlib.Path(data, model["place"], entry["name"])
            what = "has another SHA-256 than its manifest" if path.exists() else "is missing"
            optional = "" if model.get("required") else " (optional)"
            yield Finding("warning", "models", f"{name}: {path} {what}{optional}",
                          f"config/fetch.py {name if model['kind'] != 'photos' else 'photos'} fetches it; without a network "
                          f"config/fetch.py --models FOLDER")
            break
        else:
            whole.append(name)
    if whole:
        yield Finding("ok", "models", f"{', '.join(whole)}: SHA-256 checked")


# ---- the service -------------------------------------------------------------------------------------------------------

def settings(words):
    """(effective settings of the api or None, findings)"""
    named = [f"common.data={words.data}"] if words.data else []
    try:
        found = {name: programs.settings_of(name, words.config, named + words.set) for name in ("broker", "worker", "api")}
    except Refused as why:
        if "is not there" in str(why):
            return None, []
        return None, [Finding("stops", "settings", str(why), f"mend {words.config}, or the --set")]
    return found["api"], [Finding("ok", "settings", words.config)]


def existing(path):
    path = pathlib.Path(path)
    while not path.exists():
        path = path.parent
    return path


def disk(data, is_built, statvfs=os.statvfs):
    wanted = [(data, ROOM_BYTES, DATA_BYTES, "give --data a folder on another disk, or make room")]
    if not is_built:
        wanted.append((ROOT / "build", BUILD_BYTES, BUILD_BYTES, f"a build takes {size(BUILD_BYTES)}: make room"))
    for path, least, good, advice in wanted:
        room = statvfs(existing(path))
        left = room.f_bavail * room.f_frsize
        if left < good or (room.f_files and not room.f_favail):
            full = left < least or (room.f_files and not room.f_favail)
            yield Finding("stops" if full else "warning", "disk", f"{path}: {size(left)} free", advice)
        else:
            yield Finding("ok", "disk", f"{path}: {size(left)} free")


def in_use(folder):
    """The other processes that hold the lock of the data folder."""
    path = folder.run / "lock"
    try:
        with open(path) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return holders_of(path)
    except OSError:
        pass
    return []


def data_folder(path):
    folder = Folder(path)
    try:
        folder.check_name()
        if folder.path.exists():
            folder.check_owner()
    except Refused as why:
        yield Finding("stops", "data", str(why), "")
        return
    parent = existing(folder.path)
    if not os.access(parent, os.W_OK | os.X_OK) or os.statvfs(parent).f_flag & os.ST_RDONLY:
        yield Finding("stops", "data", f"{parent} cannot be written", "give --data a folder that this user may write")
        return
    open_to_others = [name for name in PRIVATE if (folder.path / name).exists() and (folder.path / name).stat().st_mode & 0o077]
    if open_to_others:
        yield Finding("warning", "data", f"others can read {', '.join(str(folder.path / name) for name in open_to_others)}",
                      "the next start corrects the mode; make new secrets if others use this machine")
    if folder.path.exists() and folder.path.stat().st_mode & 0o022:
        yield Finding("stops", "data", f"others may write into {folder.path}", f"chmod go-w {folder.path}, or give --data another folder")
        return
    state = ", in use by a running service" if in_use(folder) else "" if folder.path.exists() else ", made by the first start"
    yield Finding("ok", "data", f"{folder.path}{state}")


def port_holder(port):
    """Who listens on a TCP port, as far as this user may see it."""
    listening = {line.split()[9] for name in ("tcp", "tcp6") for line in read(f"/proc/net/{name}").splitlines()[1:]
                 if line.split()[3] == "0A" and int(line.split()[1].rsplit(":", 1)[1], 16) == port}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if any(os.readlink(f"/proc/{entry}/fd/{one}") in {f"socket:[{inode}]" for inode in listening}
                   for one in os.listdir(f"/proc/{entry}/fd")):
                return f"{read(f'/proc/{entry}/comm').strip()} (pid {entry})"
        except OSError:
            continue
    return "another process"


def ports(address, port, running, has_ipv6=os.path.exists("/proc/net/if_inet6")):
    if ":" in address and not has_ipv6:
        yield Finding("stops", "port", f"api.bind = {address}, and this machine has no IPv6", 'api.bind = "0.0.0.0" or "127.0.0.1"')
        return
    if port == 0 or running:
        yield Finding("ok", "port", f"{address} port {port or 'any'}" + (", the running service's" if running else ""))
        return
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((address, port))
    except OSError as why:
        if why.errno == errno.EADDRINUSE:
            yield Finding("stops", "port", f"{port} is used by {port_holder(port)}", "end it, or choose another --port")
        elif why.errno == errno.EACCES:
            yield Finding("stops", "port", f"{port} is for root only", "choose a --port from 1024, with a proxy in front")
        else:
            yield Finding("stops", "port", f"{address}: {why.strerror}", "api.bind has to be an address of this machine")
        return
    yield Finding("ok", "port", f"{address} port {port} is free")


# ---- all of it ---------------------------------------------------------------------------------------------------------

def findings(words):
    for check in (system, cpu, memory, limits, python, redis, cards):
        yield from check()
    made = list(built())
    yield from made
    yield from models()
    known, told = settings(words)
    yield from told
    data = pathlib.Path(ROOT / known["common"]["data"]) if known else pathlib.Path(words.data or ROOT / "data")
    yield from disk(data, made[0].level == "ok")
    yield from data_folder(data)
    api = known["api"] if known else {"bind": "127.0.0.1", "port": 5000}
    yield from ports(api["bind"], api["port"] if words.port is None else words.port, bool(in_use(Folder(data))))


def doctor(words, write=print):
    counts = {"ok": 0, "warning": 0, "stops": 0}
    for one in findings(words):
        counts[one.level] += 1
        write(f"{one.level:8} {one.about:9} {one.found}" + (f"; {one.advice}" if one.advice else ""))
    write(f"{counts['stops']} stop the service, {counts['warning']} warnings, {counts['ok']} ok")
    return 1 if counts["stops"] else 0
