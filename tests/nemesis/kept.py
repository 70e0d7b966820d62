"""A collection that forgets people who are not seen for a day. A run is shorter than that, so whoever is erased there
was erased by a clock that jumped."""
import time

import checker
import world as worlds
from clients import PHOTOS, Client

ROOM = "kept"
DAY_MS = 24 * 3600 * 1000
LABELS = {person: checker.names_of(person)[0] for person in list(PHOTOS)[:3]}


def teach(shared, seed):
    """Before anything is struck, as operations of the history."""
    client = Client("kept", seed, shared)
    for person, label in LABELS.items():
        operation = {"op": "train", "room": ROOM, "person": person, "label": label, "to": None, "outcome": "unknown", "job": None, "version": 0,
                     "said": None, "accepted": None, "end": None, "key_jobs": [], "behind": [], "floor": 0,
                     "begin": time.monotonic()}
        client.carry_out(operation)
        shared.record(operation)
    shared.world.store().fcall("vultus1_set_retention", 1, worlds.PREFIX, ROOM, DAY_MS, "nemesis")


def erased(store):
    """Labels that are gone, and what the audit log says of people who went because of their age."""
    epoch = (store.hget(f"{worlds.PREFIX}gallery:{ROOM}", "epoch") or b"0").decode()
    there = {label.decode() for label in store.hkeys(f"{worlds.PREFIX}gallery:{ROOM}:{epoch}:labels")}
    gone = [label for label in LABELS.values() if label not in there]
    forgotten = [str(entry) for entry, fields in store.xrange(f"{worlds.PREFIX}audit")
                 if fields[b"who"] == b"retention"]
    return gone + forgotten
