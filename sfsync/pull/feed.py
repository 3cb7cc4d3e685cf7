"""Pages on their way into the warehouse while later ones are still being fetched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime

from sfsync.warehouse.page import Page


class Spoilt(Exception):
    """The pages handed over so far are not to be used: the read failed, or began anew."""


class Feed:
    """The pages of one read. One thread puts them in, another walks through them, from the first one each time.

    until: the pages hold every change before it. It may be set back before the first page, by a read that is resumed.
    """

    def __init__(self, until: datetime) -> None:
        self.until = until
        self._changed = threading.Condition()
        self._pages: list[Page] = []
        self._ended = False
        self._spoilt = False

    def put(self, page: Page) -> None:
        with self._changed:
            self._pages.append(page)
            self._changed.notify_all()

    def end(self) -> None:
        """These were all."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def spoil(self) -> None:
        """Whoever walks through the pages gets Spoilt. After `end` it does nothing."""
        with self._changed:
            self._spoilt = not self._ended
            self._changed.notify_all()

    def begun(self) -> bool:
        """Wait for the first page. False when none will come, or they are spoilt."""
        with self._changed:
            self._changed.wait_for(lambda: self._pages or self._ended or self._spoilt)
            return bool(self._pages) and not self._spoilt

    def __iter__(self) -> Iterator[Page]:
        taken = 0
        while (page := self._wait(taken)) is not None:
            taken += 1
            yield page

    def _wait(self, number: int) -> Page | None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._pages) > number or self._ended or self._spoilt)
            if self._spoilt:
                raise Spoilt
            return self._pages[number] if len(self._pages) > number else None
