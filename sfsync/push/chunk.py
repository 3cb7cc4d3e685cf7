"""Up to 200 lines of one sObject: read, judge, journal, send, journal; and again for what could not be settled."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sfsync.errors import AuthError, OrgError, QuotaFloor, RetryableOrgError, UnknownOutcome
from sfsync.model import Value
from sfsync.plan.facts import Facts
from sfsync.plan.guards import Guards, needs
from sfsync.plan.values import to_wire
from sfsync.push.about import About
from sfsync.push.journal import Entry, Journal
from sfsync.push.judge import CHANGED, Verdict, judge
from sfsync.push.select import Line

if TYPE_CHECKING:
    from sfsync.config import PushConfig
    from sfsync.salesforce.org import Org
    from sfsync.salesforce.records import SaveResult

LOCKED = "UNABLE_TO_LOCK_ROW"
LOST = "REPLY_LOST"
SENDS_AFTER_LOSS = 2
STOP = (AuthError, QuotaFloor, RetryableOrgError)
"""Refused before anything was done, and the next request would fare no better."""


@dataclass(frozen=True)
class Waits:
    """How often a row is sent, and how long to wait between: full jitter, doubling, in seconds."""

    tries: int = 5
    first: float = 1.0
    most: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def pause(self, round_number: int) -> None:
        self.sleep(random.uniform(self.first / 2, min(self.most, self.first * 2**round_number)))


@dataclass
class Chunk:
    """The lines of one chunk on their way. `run` gives each its final entry."""

    org: Org
    journal: Journal
    config: PushConfig
    about: About
    waits: Waits
    done: dict[int, Entry] = field(default_factory=dict)
    sends: Counter[int] = field(default_factory=Counter)
    losses: Counter[int] = field(default_factory=Counter)
    last: dict[int, Entry] = field(default_factory=dict)
    """The last entry with status "sent" of each line."""
    started: float = field(default_factory=time.monotonic)

    def run(self, lines: Sequence[Line]) -> dict[int, Entry]:
        """seq → final entry. Raises when the org cannot be gone on with; the journal then says what is certain."""
        waiting = list(lines)
        rounds = 0
        while waiting:
            if rounds:
                self.waits.pause(rounds)
            waiting = self._round(waiting)
            rounds += 1
        return self.done

    def _round(self, lines: Sequence[Line]) -> list[Line]:
        """One reading and at most one request. Returns the lines that need another."""
        now = self._read(lines)
        facts = self.about.facts(lines, now)
        entries = [self._decide(line, now[line.change.ref.id], facts) for line in lines]
        self.journal.write(entries)  # committed before the request: a crash from here on can be settled by reading
        sending = [e for e in entries if e.status == "sent"]
        self.done |= {e.line.seq: e for e in entries if e.status != "sent"}
        return self._send(sending) if sending else []

    def _read(self, lines: Sequence[Line]) -> dict[str, dict[str, Value] | None]:
        names = {n for line in lines for n in line.change.after}
        names |= {n for n in needs(self.about.sobject) if n.casefold() in self.about.fields} | {"SystemModstamp"}
        found = self.org.retrieve(self.about.sobject, [line.change.ref.id for line in lines], sorted(names))
        return {id: None if r is None else {n: to_wire(v) for n, v in r.items()} for id, r in found.items()}

    def _decide(self, line: Line, now: Mapping[str, Value] | None, facts: Facts) -> Entry:
        verdict = judge(line.change, now, facts, Guards.of(self.config))
        before = _touched(line, now, verdict.after or line.change.after)
        if verdict.status == "write":
            return self._write_or_give_up(line, before, verdict)
        entry = self.last.get(line.seq)
        if entry is not None and self.losses[line.seq] and verdict.status == "already":
            return _final(entry, "applied", message="the reply was lost; read back and found written")
        if entry is not None and self.losses[line.seq] and verdict.code == CHANGED:
            return _final(entry, "unknown", LOST, "the reply was lost, and the record has other values now; look at it")
        return Entry(
            line, verdict.status, verdict.code, verdict.message, before, line.change.after, done_at=datetime.now(UTC)
        )

    def _write_or_give_up(self, line: Line, before: Mapping[str, Value], verdict: Verdict) -> Entry:
        entry = self.last.get(line.seq)
        if entry is not None and self.losses[line.seq] >= SENDS_AFTER_LOSS:
            return _final(
                entry, "unknown", LOST, "the reply was lost twice and the values are not there; look at the record"
            )
        if entry is not None and self.sends[line.seq] >= self.waits.tries:
            seconds = time.monotonic() - self.started
            tries = f"locked after {self.sends[line.seq]} tries in {seconds:.0f} s"
            text = f"{tries}. Left unchanged; push the same plan again to retry it."
            return _final(entry, "failed", LOCKED, text)
        return Entry(line, "sent", before=before, after=verdict.after, requested_at=datetime.now(UTC))

    def _send(self, entries: Sequence[Entry]) -> list[Line]:
        for entry in entries:
            self.sends[entry.line.seq] += 1
            self.last[entry.line.seq] = entry
        records = [{"Id": e.line.change.ref.id, **e.after} for e in entries]
        try:
            results = self.org.update(
                self.about.sobject,
                records,
                assignment_rules=self.config.assignment_rules,
                duplicate_rules="allow" if self.config.duplicate_rules == "allow" else "block",
            )
        except UnknownOutcome:
            self.losses.update(e.line.seq for e in entries)
            return [e.line for e in entries]
        except OrgError as err:
            text = f"the request was refused as a whole, nothing was written: {_without_values(str(err), entries)}"
            self._finish([_final(e, "failed", err.code or "NOT_SENT", text) for e in entries])
            if isinstance(err, STOP):
                raise
            return []
        return self._receive(entries, results)

    def _receive(self, entries: Sequence[Entry], results: Sequence[SaveResult]) -> list[Line]:
        final: list[Entry] = []
        again: list[Line] = []
        for entry, result in zip(entries, results, strict=True):
            if result.ok:
                final.append(_final(entry, "applied"))
            elif _is_locked(result):
                again.append(entry.line)
            else:
                final.append(_final(entry, "failed", result.code, _without_values(result.message, [entry])))
        self._finish(final)
        return again

    def _finish(self, entries: Sequence[Entry]) -> None:
        self.journal.write(entries)
        self.done |= {e.line.seq: e for e in entries}


def _final(entry: Entry, status: str, code: str = "", message: str = "") -> Entry:
    return Entry(
        entry.line, status, code, message, entry.before, entry.after, entry.requested_at, done_at=datetime.now(UTC)
    )


def _touched(line: Line, now: Mapping[str, Value] | None, after: Mapping[str, Value]) -> dict[str, Value]:
    return {} if now is None else {n: now.get(n) for n in sorted([*after, "SystemModstamp"])}


def _is_locked(result: SaveResult) -> bool:
    # Automation of the org wraps the lock it ran into in a code of its own.
    return result.code == LOCKED or (result.code.startswith("CANNOT_") and LOCKED in result.message)


def _without_values(message: str, entries: Sequence[Entry]) -> str:
    """Salesforce's text without the personal values it likes to quote: the journal is read by more people."""
    values = {str(v) for e in entries for v in (*e.before.values(), *e.after.values()) if isinstance(v, str)}
    for value in sorted(values, key=len, reverse=True):
        if len(value) > 2:
            message = message.replace(value, "…")
    return message
