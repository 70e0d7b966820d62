"""The command line of ./run. Everything else follows the settings."""
import argparse
import os
import pathlib
import re

from .output import Refused

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WORKERS_MAX = 256


class Parser(argparse.ArgumentParser):
    """Prints one line instead of the whole usage."""

    def error(self, message):
        raise Refused(f"{message}; ./run --help shows what there is")


def number(least, most):
    def parse(text):
        if not re.fullmatch(r"-?[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return int(text)
    return parse


def parser():
    made = Parser(prog="./run", description="Builds and runs Vultus on this machine; './run demo' tries it once.",
                  epilog="A relative --data or --config is meant from the folder where you are. SIGINT and SIGTERM finish what is in "
                         "hand and stop everything in order; a second one ends everything at once. SIGHUP makes the api read a "
                         "renewed certificate. Exit codes: 0 stopped as asked, 2 cannot start: one line says why, and what to do.")
    made.add_argument("--port", type=number(0, 65535), help="of the api (5000, or api.port of the settings; 0: any free one)")
    made.add_argument("--data", help="folder for Redis' files, sockets and logs (data, or common.data of the settings)")
    made.add_argument("--workers", type=number(0, WORKERS_MAX), help="worker processes (default 1)")
    made.add_argument("--device", help="auto, cpu, cuda:N, or all: a worker for each card, and --workers on processors beside "
                                       "them if that is given (auto, or worker.device of the settings)")
    made.add_argument("--redis-port", type=number(0, 65535), default=0,
                      help="open Redis on this loopback port, with a generated password "
                           "(<data>/run/redis.password); without it only the unix socket")
    made.add_argument("--redis-users", action="store_true",
                      help="a Redis user for each kind of process, with just the commands it needs, and a password for "
                           "all others (<data>/redis-users)")
    made.add_argument("--curve", action="store_true",
                      help="links between api, broker and workers that are encrypted, both ends known by key; keys are "
                           "made if missing (<data>/keys)")
    made.add_argument("--setup-link", metavar="URL",
                      help="while there is no user: prints a link that begins with URL and makes the admin's account, once, within an "
                           "hour")
    made.add_argument("--ctl", nargs=argparse.REMAINDER, metavar="...",
                      help="starts Redis and the broker, does `vultusctl ...`, ends: makes the first key or user of a service that "
                           "does not start without one")
    made.add_argument("--doctor", action="store_true",
                      help="looks for what is missing or wrong, starts nothing; says what to do, and exits 1 if something stops the "
                           "service")
    made.add_argument("--config", help="settings file (default config/vultus.toml)")
    made.add_argument("--set", action="append", default=[], metavar="section.key=value",
                      help="one setting of config/vultus.toml; may be repeated")
    return made


def read_words(given=None):
    words = parser().parse_args(given)
    if any(one.startswith("redis.password=") for one in words.set):
        raise Refused("--set redis.password=... would show the password to everybody in `ps`: write it into a file with mode 0600 and "
                      "give --set redis.password_file=FILE")
    here = pathlib.Path(os.environ.get("VULTUS_CALLED_FROM") or os.getcwd())
    words.config = str(here / words.config) if words.config else str(ROOT / "config/vultus.toml")
    if words.data is not None:
        if not words.data:
            raise Refused("--data names no folder")
        words.data = str(here / words.data)
    words.devices = devices(words.device, words.workers)
    return words


def gpus():
    """Numbers of this machine's NVIDIA GPUs, as listed by the driver."""
    return sorted(int(name.removeprefix("nvidia")) for name in os.listdir("/dev")
                  if re.fullmatch(r"nvidia[0-9]+", name))


def devices(device, workers):
    """The device of each worker: the given one, or each GPU and `workers` CPUs. None: as in the settings."""
    if device != "all":
        return [device] * (1 if workers is None else workers)
    found = [f"cuda:{n}" for n in range(len(gpus()))] + ["cpu"] * (workers or 0)
    if not found:
        raise Refused("--device all: this machine has no NVIDIA card (or no driver); --device cpu runs without, --workers N adds "
                      "processors")
    return found
