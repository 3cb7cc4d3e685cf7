"""One run at a time per warehouse: the second ends at once, naming the first."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sfsync.errors import Locked, WarehouseError


@contextmanager
def run_lock(beside: Path | None, command: str) -> Iterator[None]:
    """Hold the lock file next to `beside` (a warehouse file) for the block; None locks nothing.

    The operating system frees the lock when the process ends, however it ends.
    Raises Locked, and WarehouseError where no file can be made.
    """
    if beside is None:
        yield
        return
    import fcntl

    path = beside.with_name(beside.name + ".lock")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as err:
        raise WarehouseError(f"{path} cannot be made ({err.strerror}). May you write there?") from err
    with os.fdopen(opened, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Locked(f"another run holds the lock: {_holder(file.read())}. Try again when it has ended.") from None
        file.truncate(0)
        started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        json.dump({"command": command, "pid": os.getpid(), "started": started}, file)
        file.flush()
        yield
        file.truncate(0)


def _holder(text: str) -> str:
    try:
        who = json.loads(text)
        return f"sfsync {who['command']}, process {who['pid']}, since {who['started']}"
    except (ValueError, KeyError, TypeError):
        return "a run that is just starting"
