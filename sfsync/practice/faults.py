"""Faults to order: what goes wrong, how often, for which requests.

Text form, one fault: `503:times=2,path=/query`. In front of the colon one of `KINDS`; after it any of
times (how many requests it hits; without it, all), after (how many matching requests pass first),
path (a regular expression, searched in the path), method, and the kind's own `seconds`, `rows`, `status`, `value`,
`message`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Point = Literal["delay", "request", "reply", "page", "total", "job", "locator", "row"]

KINDS: dict[str, tuple[Point, str]] = {
    "503": ("request", "SERVER_UNAVAILABLE; `seconds` gives a Retry-After"),
    "500": ("request", "UNKNOWN_EXCEPTION"),
    "429": ("request", "too many requests, with Retry-After (`seconds`, 1)"),
    "406": ("request", "an empty 406"),
    "html": ("request", "an HTML maintenance page (`status`, 503)"),
    "drop": ("request", "the connection is closed and nothing is done"),
    "slow": ("delay", "the answer takes `seconds` (1) longer"),
    "session": ("request", "the session expires just before the request"),
    "quota": ("request", "REQUEST_LIMIT_EXCEEDED"),
    "concurrent": ("request", "REQUEST_LIMIT_EXCEEDED because of too many long requests at once"),
    "cut": ("reply", "the connection is cut in mid-body"),
    "lost": ("reply", "the request is done, but the connection is cut before the answer"),
    "charset": ("reply", "the Content-Type names charset `value` (without value: none at all)"),
    "truncated": ("page", "a Bulk result page lacks `rows` (1) rows though its header counts them"),
    "columns": ("page", "a Bulk result page lacks its last column"),
    "swapped": ("page", "a Bulk result page is one of another finished job, headers and all"),
    "miscount": ("total", "a Bulk job counts `rows` (1) rows more than its pages hold"),
    "failed-job": ("job", "a Bulk job ends Failed with `message`"),
    "slow-job": ("job", "a Bulk job takes `seconds` (1) longer"),
    "locator": ("locator", "a query locator or Bulk result locator has expired"),
    "lock": ("row", "UNABLE_TO_LOCK_ROW for the first `rows` (1) rows of a write"),
}


@dataclass
class Fault:
    """One ordered fault. `seen` counts the requests that matched, `hits` those it hit."""

    kind: str
    times: int | None = None
    after: int = 0
    path: str = ""
    method: str = ""
    seconds: float | None = None
    rows: int = 1
    status: int = 503
    value: str = ""
    message: str = ""
    seen: int = field(default=0, compare=False)
    hits: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f'unknown fault "{self.kind}"; known are {", ".join(KINDS)}')
        try:
            re.compile(self.path)
        except re.error as err:
            raise ValueError(f'fault {self.kind}: path "{self.path}" is not a regular expression: {err}') from err

    @property
    def point(self) -> Point:
        return KINDS[self.kind][0]

    @property
    def over(self) -> bool:
        return self.times is not None and self.hits >= self.times

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read the text form. Raises ValueError naming what is wrong."""
        kind, _, rest = text.partition(":")
        given: dict[str, Any] = {}
        for pair in re.split(r",(?=[a-z]+=)", rest) if rest else []:
            key, equals, value = pair.partition("=")
            given[key.strip()] = value
            if not equals:
                raise ValueError(f'fault "{text}": "{pair}" is not key=value')
        return cls.of({"kind": kind.strip(), **given})

    @classmethod
    def of(cls, given: dict[str, Any]) -> Fault:
        """From a dict whose values may be text. Raises ValueError."""
        readers: dict[str, Any] = {
            "kind": str, "times": int, "after": int, "path": str, "method": str, "seconds": float,
            "rows": int, "status": int, "value": str, "message": str,
        }  # fmt: skip
        values: dict[str, Any] = {}
        for key, value in given.items():
            if key not in readers:
                raise ValueError(f'fault {given.get("kind")}: unknown key "{key}"; known are {", ".join(readers)}')
            try:
                values[key] = None if value is None else readers[key](value)
            except (TypeError, ValueError) as err:
                raise ValueError(f'fault {given.get("kind")}: {key}="{value}" is not a number') from err
        if "kind" not in values:
            raise ValueError("a fault needs a kind")
        return cls(**values)


class Faults:
    """The ordered faults of one server. Threads may share it."""

    def __init__(self, ordered: Iterable[str | Fault] = ()):
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        for fault in ordered:
            self.add(fault)

    def add(self, fault: str | Fault) -> Fault:
        """Order a fault, in text form or as an object. The one returned goes on counting its `hits`."""
        found = Fault.parse(fault) if isinstance(fault, str) else fault
        with self._lock:
            self._faults.append(found)
        return found

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def hits(self, kind: str) -> int:
        """How many requests faults of this kind have hit."""
        with self._lock:
            return sum(f.hits for f in self._faults if f.kind == kind)

    def take(self, point: Point, method: str, path: str) -> Fault | None:
        """The fault that hits this request at this point, counted as a hit; None when it goes through."""
        with self._lock:
            for fault in self._faults:
                if fault.point != point or fault.over or fault.method.upper() not in ("", method):
                    continue
                if not re.search(fault.path, path):
                    continue
                fault.seen += 1
                if fault.seen > fault.after:
                    fault.hits += 1
                    return fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(f) for f in self._faults]
