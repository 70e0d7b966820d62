#!/usr/bin/env python3
"""Redis users of their own for the api, the broker and the workers, with just the commands that Vultus calls.

    config/redis_users.py FOLDER

Makes in FOLDER, readable for its owner alone: <user>.password for vultus-api, vultus-broker, vultus-worker and admin (those
that are there stay), and users.acl, which `config/redis ... --aclfile FOLDER/users.acl` takes. In it Redis' default user is
the administrator: redis-cli and vultusctl with the password of admin.password. `./run --redis-users` does all this.
"""
import hashlib
import os
import pathlib
import secrets
import sys

# What the functions in shared/functions call: they run with the rights of who calls them.
FUNCTIONS = """copy decrby exists get hdel hexists hget hgetall hincrby hkeys hlen hmget hscan hset hstrlen hvals incr incrby
info lindex llen lpush lrange lrem persist pttl rpush sadd scan set sismember smembers srem strlen time unlink xadd xlen
xrange xtrim zadd zcard zlexcount zpopmin zrange zrangebylex zrangebyscore zrem zremrangebyscore zrevrangebylex
zrevrangebyscore zscore""".split()
EVERYBODY = ["fcall", "fcall_ro", "ping", "config|get"]  # config: whether Redis would lose accepted jobs
# Only a broker puts the functions into Redis: whoever may do that decides what the others run.
USERS = {"vultus-api": ["eval_ro", "xread", "xrevrange"], "vultus-broker": ["function|load"], "vultus-worker": ["mget"]}


def write_private(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def password_of(folder, user):
    path = folder / f"{user}.password"
    if not path.exists():
        write_private(path, secrets.token_hex(24))
    return path.read_text().strip()


def hashed(password):
    return "#" + hashlib.sha256(password.encode()).hexdigest()


def write_users(folder, admin=None):
    """Gives the path of the file for Redis. `admin`: the administrator's password, if it is not to be made."""
    folder = pathlib.Path(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = [f"user default on {hashed(admin or password_of(folder, 'admin'))} ~* &* +@all"]
    for user, own in USERS.items():
        commands = " ".join(f"+{name}" for name in sorted({*FUNCTIONS, *EVERYBODY, *own}))
        lines.append(f"user {user} on {hashed(password_of(folder, user))} resetchannels ~vultus:* -@all {commands}")
    write_private(folder / "users.acl", "\n".join(lines) + "\n")
    return folder / "users.acl"


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    print(write_users(sys.argv[1]))
