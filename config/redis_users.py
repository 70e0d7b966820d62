#!/usr/bin/env python3
"""Separate Redis users for the api, the broker and the workers, each limited to the commands that Vultus calls.

    config/redis_users.py FOLDER

Writes to FOLDER, readable by its owner only: <user>.password for vultus-api, vultus-broker, vultus-worker and admin (existing
ones stay), and users.acl for `config/redis ... --aclfile FOLDER/users.acl`. Redis' default user in it is the administrator,
for redis-cli and vultusctl with the password in admin.password. `./run --redis-users` does all this.
"""
import errno
import hashlib
import os
import pathlib
import secrets
import sys

# The commands of the functions in shared/store/functions, which run with the rights of their caller.
FUNCTIONS = """copy decrby exists get hdel hexists hget hgetall hincrby hkeys hlen hmget hscan hset hstrlen hvals
incrby info lindex llen lpush lrange lrem persist pttl rename rpush sadd scan set sismember smembers srem strlen time unlink
xadd xlen xrange xrevrange xtrim zadd zcard zlexcount zpopmin zrange zrangebylex zrangebyscore zrem zremrangebyscore
zrevrange zrevrangebylex zrevrangebyscore zscan zscore""".split()
EVERYBODY = ["fcall", "fcall_ro", "ping", "config|get"]  # config: whether Redis would lose accepted jobs
# Only a broker loads the functions into Redis: whoever may load them decides what the others run.
# mget: workers of older versions read photos with it.
USERS = {"vultus-api": ["eval_ro", "xread"], "vultus-broker": ["function|load"], "vultus-worker": ["mget"]}


def write_private(path, text):
    """Atomically, readable by its owner only: a concurrent reader sees the old text or the new one."""
    fresh = pathlib.Path(f"{path}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_private(path):
    """The text of a file with a secret.

    errors  PermissionError: another user owns it, or others may read or write it
    """
    with open(path) as file:
        what = os.fstat(file.fileno())
        if what.st_uid not in (0, os.geteuid()):
            raise PermissionError(errno.EPERM, "belongs to another user: chown it", str(path))
        if what.st_mode & 0o077:
            raise PermissionError(errno.EPERM, "is open to others: chmod 600 it", str(path))
        return file.read().strip()


def password_of(folder, user):
    path = folder / f"{user}.password"
    if not path.exists():
        write_private(path, secrets.token_hex(24))
    return read_private(path)


def hashed(password):
    return "#" + hashlib.sha256(password.encode()).hexdigest()


def write_default_user(path, password):
    """Writes a file for Redis' --aclfile with one user without limits. Returns the path."""
    write_private(path, f"user default on {hashed(password)} ~* &* +@all\n")
    return path


def write_users(folder, admin=None):
    """Writes the file for Redis and returns its path. `admin`: the administrator's password; None: from its file, made if missing."""
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
    os.umask(0o077)
    try:
        print(write_users(sys.argv[1]))
    except OSError as why:
        print(f"redis_users: {why.filename or sys.argv[1]}: {why.strerror}", file=sys.stderr)
        sys.exit(2)
