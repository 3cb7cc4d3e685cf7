"""The first look of a pull: describes, rows of small increments, logs of deletions, in as few API calls as can be.

Describes are asked for with If-Modified-Since, so that an unchanged one costs a line. Windows are guessed from the
describes of the last pull, and asked for in the same composites: when nothing changed shape, an idle pull is done.
The logs are free: five queries fill a composite, and leave twenty parts for what is no query.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from sfsync.errors import MappingError, OrgError
from sfsync.mapping import ObjectMapping, shipped_folder
from sfsync.moments import utc_now
from sfsync.pull import deletions
from sfsync.pull.window import Window
from sfsync.salesforce.org import Org
from sfsync.salesforce.query import Ask, BatchResult
from sfsync.salesforce.soql import path

NEAR = timedelta(days=2)
"""A gap up to this is likely to be small: its rows are asked for at once, a larger one is counted first."""
FRESH = timedelta(days=1)
"""So long a describe may be called unmodified. Rights given to a user need not count as a modification of an object."""
SETTLED = timedelta(seconds=2)
"""Last-Modified has whole seconds: a describe of the second in which it changed may be the one from before."""


@dataclass
class Look:
    """What the first look brought."""

    windows: list[Window] = field(default_factory=list)
    first: dict[str, Any] = field(default_factory=dict)
    """sObject → the body of its query's first page."""
    counts: dict[str, int] = field(default_factory=dict)
    """sObject → rows in its window, where that is known."""
    logs: dict[str, deletions.Log] = field(default_factory=dict)
    """sObject → what its log of deletions said, where it answered."""
    missing: list[str] = field(default_factory=list)
    """Optional sObjects the org does not offer to this user."""

    def take(self, other: Look, sobject: str) -> None:
        """Replace what is known of one sObject by what another look at it alone brought."""
        at = next(i for i, w in enumerate(self.windows) if w.sobject == sobject)
        self.windows[at : at + 1] = other.windows
        self.missing += other.missing
        for mine, theirs in ((self.first, other.first), (self.counts, other.counts)):
            mine.pop(sobject, None)
            mine.update(theirs)


class Describes:
    """Describes kept between pulls, per org, API version and user: what a user may see is part of them."""

    def __init__(self, root: Path, org: Org):
        who = org.identity()
        self._folder = root / who.org_id / "describe" / f"{org.api_version}-{who.user_id}"

    def forget(self, sobject: str) -> None:
        """Ask for it in full next time."""
        (self._folder / f"{sobject}.json").unlink(missing_ok=True)

    def get(self, sobject: str) -> tuple[dict[str, Any], str] | None:
        """The describe and the Last-Modified it came with."""
        try:
            kept = json.loads((self._folder / f"{sobject}.json").read_text(encoding="utf-8"))
            asked = datetime.fromisoformat(kept["asked"])
            if not timedelta() <= utc_now() - asked < FRESH:
                return None
            return kept["describe"], str(kept["last_modified"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, sobject: str, describe: Mapping[str, Any], last_modified: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self._folder / f"{sobject}.json"
        scratch = target.with_suffix(".tmp")
        kept = {"asked": utc_now().isoformat(), "last_modified": last_modified, "describe": describe}
        scratch.write_text(json.dumps(kept), encoding="utf-8")
        os.replace(scratch, target)


class Looker:
    """Asks for what every mapping needs. `window_of` turns a describe into the window to read."""

    def __init__(self, org: Org, describes: Describes, window_of: Any, until: datetime):
        self._org = org
        self._describes = describes
        self._window_of = window_of
        self._until = until

    def forget(self, sobjects: Collection[str]) -> None:
        """The org did not keep to their describes: ask for them in full next time."""
        for sobject in sobjects:
            self._describes.forget(sobject)

    def look(self, mappings: Sequence[ObjectMapping]) -> Look:
        """Raises MappingError naming every object or field of a mapping that the org does not show."""
        kept = {m.sobject: self._describes.get(m.sobject) for m in mappings}
        here = {m.sobject for m in mappings}
        guessed = {
            m.sobject: self._window_of(m, found[0])
            for m in mappings
            if (found := kept[m.sobject]) and here.isdisjoint(m.follows.values())
        }
        look = Look()
        describes = [self._describe_ask(m.sobject, kept[m.sobject]) for m in mappings]
        answers, bodies = self._ask(look, describes, list(guessed.values()), list(guessed.values()))
        problems: list[str] = []
        for mapping, answer in zip(mappings, answers, strict=True):
            describe = self._take_describe(mapping.sobject, answer, kept[mapping.sobject])
            if describe is None or (mapping.optional and not describe.get("queryable", True)):
                self._absent(mapping, look, problems)
                continue
            window = self._window_of(mapping, describe)
            if not mapping.path.is_relative_to(shipped_folder()):
                problems += mapping.problems(describe)
            look.windows.append(window)
            guess = guessed.get(mapping.sobject)
            if guess is not None and guess.soql == window.soql:
                _take_data(look, window, bodies[mapping.sobject])
        if problems:
            raise MappingError(problems)
        self._look_again(look, guessed)
        return look

    def _ask(
        self, look: Look, describes: Sequence[Ask], windows: Sequence[Window], logged: Sequence[Window]
    ) -> tuple[list[BatchResult], dict[str, BatchResult]]:
        """(answers to the describes, sObject → answer about a window's rows), asked together with the logs."""
        logs = {w.sobject: (w, ask) for w in logged if (ask := deletions.ask(w, self._until)) is not None}
        asks = [*describes, *map(self._data_ask, windows), *(ask for _, ask in logs.values())]
        answers = self._org.composite(asks) if asks else []
        rows = len(describes) + len(windows)
        for (w, _), answer in zip(logs.values(), answers[rows:], strict=True):
            if (log := deletions.read(w, answer)) is not None:
                look.logs[w.sobject] = log
        bodies = {w.sobject: answer for w, answer in zip(windows, answers[len(describes) : rows], strict=True)}
        return answers[: len(describes)], bodies

    def _look_again(self, look: Look, guessed: Collection[str]) -> None:
        """Ask for what the guesses did not bring: everything on a first pull, changed shapes later.

        Rows that live and die with a parent row come only when a parent came: an increment without parents has none,
        back to where the parents were looked for.
        """
        open_ones = []
        unmoved = {w.sobject: w.since for w in look.windows if look.counts.get(w.sobject) == 0}
        for w in look.windows:
            parents = [unmoved.get(p) for p in w.mapping.follows.values()]
            if w.sobject in look.counts:
                continue
            if parents and not w.full and all(_covers(since, w.since) for since in parents):
                look.counts[w.sobject] = 0
                look.first[w.sobject] = {"totalSize": 0, "done": True, "records": []}
            else:
                open_ones.append(w)
        _, bodies = self._ask(look, [], open_ones, [w for w in look.windows if w.sobject not in guessed])
        for window in open_ones:
            _take_data(look, window, bodies[window.sobject])

    def _describe_ask(self, sobject: str, kept: tuple[dict[str, Any], str] | None) -> Ask:
        headers = {"If-Modified-Since": kept[1]} if kept else {}
        return Ask(f"sobjects/{sobject}/describe", headers)

    def _data_ask(self, window: Window) -> Ask:
        """The rows themselves when they are likely to be few, their number otherwise."""
        small = window.mapping.api == "rest" or window.watermark is None
        near = window.since is not None and not window.full and self._until - window.since < NEAR
        return Ask(path(window.soql if small or near else window.count_soql, all_rows=window.all_rows))

    def _take_describe(
        self, sobject: str, answer: BatchResult, kept: tuple[dict[str, Any], str] | None
    ) -> dict[str, Any] | None:
        if answer.status == 304 and kept is not None:
            return kept[0]
        if answer.ok and isinstance(answer.body, dict) and isinstance(answer.body.get("fields"), list):
            modified = {k.lower(): v for k, v in answer.headers.items()}.get("last-modified")
            if modified and _settled(str(modified), self._org.server_time()):
                self._describes.put(sobject, answer.body, str(modified))
            return answer.body
        problem = answer.error
        if answer.status == 404 or (problem and problem.code in ("NOT_FOUND", "INVALID_TYPE")):
            return None
        code = problem.code if problem else ""
        raise OrgError(f"describe of {sobject} failed: {code or answer.status}.", code=code, status=answer.status)

    def _absent(self, mapping: ObjectMapping, look: Look, problems: list[str]) -> None:
        if mapping.optional:
            look.missing.append(mapping.sobject)
            return
        try:
            self._org.describe(mapping.sobject)
        except OrgError as err:
            problems.append(f"{mapping.path}:1: {err}")


def _covers(parent: datetime | None, child: datetime | None) -> bool:
    """Whether the parent was looked for at least as far back: its last pull may have come further than the child's."""
    return parent is not None and child is not None and parent <= child


def _settled(last_modified: str, now: datetime) -> bool:
    try:
        return now - parsedate_to_datetime(last_modified) >= SETTLED
    except (ValueError, TypeError):
        return False


def _take_data(look: Look, window: Window, answer: BatchResult) -> None:
    """A query that failed here is left to the read itself, which says why or tries another way."""
    if not answer.ok or not isinstance(answer.body, dict) or "totalSize" not in answer.body:
        return
    look.counts[window.sobject] = int(answer.body["totalSize"])
    if answer.body.get("records") is not None and (answer.body["records"] or not look.counts[window.sobject]):
        look.first[window.sobject] = answer.body
