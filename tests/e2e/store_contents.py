"""All that Redis holds, read while a service runs on it."""

READ = {b"string": lambda store, key: [store.get(key)],
        b"hash": lambda store, key: [part for pair in store.hgetall(key).items() for part in pair],
        b"list": lambda store, key: store.lrange(key, 0, -1),
        b"set": lambda store, key: list(store.smembers(key)),
        b"zset": lambda store, key: [part for member, score in store.zrange(key, 0, -1, withscores=True)
                                     for part in (member, str(score).encode())],
        b"stream": lambda store, key: [part for entry, row in store.xrange(key)
                                       for part in (entry, *(piece for pair in row.items() for piece in pair))]}


def contents(store, match="*"):
    """Keys with their values, both as bytes, of a store in which keys expire and come meanwhile: a key that ends between
    its listing and its reading has no type (b"none") or no value any more, and is left out."""
    found = {}
    for key in store.scan_iter(match, count=1000):
        kind = store.type(key)
        values = [] if kind == b"none" else [value for value in READ[kind](store, key) if value is not None]
        if values:
            found[key] = values
    return found
