"""Open query cursors."""

from __future__ import annotations

import secrets
import string
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sfsync.practice.errors import ApiError

if TYPE_CHECKING:
    from sfsync.practice.clock import Clock
    from sfsync.practice.results import QueryResult
    from sfsync.practice.settings import Settings

MOST_OPEN = 500
LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Cursor:
    id: str
    result: QueryResult
    user_id: str
    opened: datetime
    batch: int


class Locators:
    """Cursors by Id, readable again and again until they expire. Threads may share it."""

    def __init__(self, clock: Clock, settings: Settings):
        self._clock = clock
        self._settings = settings
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Cursor] = OrderedDict()

    def open(self, result: QueryResult, user_id: str, batch: int) -> Cursor:
        """Keep a result for later pages. The oldest cursor goes when there are too many."""
        cursor_id = "01g" + "".join(secrets.choice(LETTERS) for _ in range(15))
        cursor = Cursor(cursor_id, result, user_id, self._clock.now(), batch)
        with self._lock:
            self._open[cursor_id] = cursor
            oldest = self._open.popitem(last=False)[1] if len(self._open) > MOST_OPEN else None
        if oldest:
            oldest.result.close()
        return cursor

    def find(self, locator: str, user_id: str) -> tuple[Cursor, int]:
        """The cursor and the offset of `01g...-2000`. Raises ApiError 400 INVALID_QUERY_LOCATOR."""
        cursor_id, dash, offset = locator.partition("-")
        with self._lock:
            cursor = self._open.get(cursor_id)
            expired = cursor and self._clock.now() - cursor.opened > timedelta(hours=self._settings.locator_hours)
            if expired:
                del self._open[cursor_id]
        if cursor and expired:
            cursor.result.close()
        if cursor is None or expired or not dash or not offset.isdigit() or cursor.user_id != user_id:
            raise invalid_locator()
        if int(offset) >= cursor.result.total:
            raise invalid_locator()
        return cursor, int(offset)

    def close(self) -> None:
        with self._lock:
            cursors = list(self._open.values())
            self._open.clear()
        for cursor in cursors:
            cursor.result.close()


def invalid_locator() -> ApiError:
    return ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
