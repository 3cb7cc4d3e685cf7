"""Plan ↔ file. JSON Lines: a header, then one change a line (the keys of each operation stand in `codec.KEYS`).

Line 1: {"sfsync_plan": 1, "org_id", "instance_url", "is_sandbox", "made_at", "changes": {op: count}, "digest"}.
Values are in the wire form of `plan.values`. The same plan gives the same bytes. Everything a push does is in here,
so the file holds personal data: it is written with mode 0600.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from sfsync.errors import PlanError, nearest
from sfsync.model import Change
from sfsync.plan.codec import KEYS, Seal, from_line
from sfsync.plan.plan import Plan
from sfsync.plan.values import dumps, loads, to_wire
from sfsync.salesforce.ids import to18

VERSION = 1
WHOLE = 4_000_000
"""Bytes of a file whose changes are kept in memory; those of a larger one are read from it each time."""
MANY = 200
"""Problems of one file after which the rest is not told."""
HEADER = ("sfsync_plan", "org_id", "instance_url", "is_sandbox", "made_at", "changes", "digest")


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write the plan, whole or not at all: an existing file is replaced in one step. Raises PlanError."""
    write_stream(plan, plan.changes, path)


def write_stream(plan: Plan, changes: Iterable[Change], path: str | Path) -> Plan:
    """Write changes as they come under the plan's head, in push order. The plan returned reads them from the file.

    Whole or not at all: an existing file is replaced in one step. Raises PlanError.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
                seal = _write(plan, changes, out, target.parent)
                out.flush()
                os.fsync(out.fileno())
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as err:
        raise PlanError(f"{target} cannot be written: {err.strerror}. Check the folder and its rights.") from err
    return replace(plan, changes=Lines(target, seal))


def _write(plan: Plan, changes: Iterable[Change], out: TextIO, folder: Path) -> Seal:
    seal = Seal()
    # The header counts and sums what follows it, so the lines wait elsewhere until all are known.
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder) as lines:
        for change in changes:
            lines.write(f"{seal.add(change)}\n")
        out.write(_head(plan, seal))
        lines.seek(0)
        shutil.copyfileobj(lines, out, 1 << 20)
    return seal


def read_plan(path: str | Path) -> Plan:
    """The plan in a file, checked in full. Raises PlanError with every problem, each with its line."""
    return _read(Path(path), sealed=True)


def seal(path: str | Path) -> Plan:
    """Recompute the header of a plan that a person edited, and write it back. Raises PlanError when a line is wrong."""
    plan = _read(Path(path), sealed=False)
    write_plan(plan, path)
    return plan


def render(plan: Plan) -> str:
    """The text of the plan file."""
    seal = Seal()
    lines = [f"{seal.add(change)}\n" for change in plan.changes]
    return _head(plan, seal) + "".join(lines)


class Lines(Collection[Change]):
    """The changes of a plan file that was checked, read from it each time they are gone through."""

    def __init__(self, path: Path, seal: Seal):
        self.path, self.seal = path, seal
        self._stamp = _stamp(path.stat())

    def __len__(self) -> int:
        return self.seal.counts.total()

    def __iter__(self) -> Iterator[Change]:
        try:
            with _open(self.path) as file:
                if _stamp(os.fstat(file.fileno())) != self._stamp:
                    raise PlanError(f"{self.path} was changed while it was worked on. Nothing is lost; try again.")
                next(file)
                for line in file:
                    change = from_line(loads(line))[0] if line.strip() else None
                    if change is not None:
                        yield change
        except OSError as err:
            raise PlanError(f"{self.path} cannot be read: {err.strerror}.") from err

    def __contains__(self, change: object) -> bool:
        return any(change == c for c in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Collection) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Collection) else False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def _head(plan: Plan, seal: Seal) -> str:
    header = {
        "sfsync_plan": VERSION,
        "org_id": plan.org_id,
        "instance_url": plan.instance_url,
        "is_sandbox": plan.is_sandbox,
        "made_at": to_wire(plan.made_at),
        "changes": {op: seal.counts[op] for op in KEYS},
        "digest": seal.digest,
    }
    return dumps(header) + "\n"


def _open(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="\n")


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path, *, sealed: bool) -> Plan:
    try:
        with _open(path) as file:
            header, problems = _header(next(file, "").rstrip("\r\n"))
            if header is None:  # nothing below can be judged when this is no plan, or one of another version
                raise PlanError([f"{path}:1: {p}" for p in problems])
            seal = Seal()
            small = os.fstat(file.fileno()).st_size <= WHOLE
            kept: list[Change] = []
            wrong: list[tuple[int, str]] = []
            for change in _changes(file, wrong):
                seal.add(change)
                if small:
                    kept.append(change)
    except OSError as err:
        raise PlanError(f"{path} cannot be read: {err.strerror}. Write one with `sfsync plan`.") from err
    except UnicodeDecodeError as err:
        raise PlanError(f"{path}: not a plan file: it is not UTF-8 text. Write one with `sfsync plan`.") from err
    found = [f"{path}:1: {p}" for p in problems] + [f"{path}:{number}: {p}" for number, p in wrong]
    if sealed and not found:
        found = [f"{path}:1: {p}" for p in _seal_problems(path, header, seal)]
    if found:
        raise PlanError(found)
    return Plan(
        org_id=to18(header["org_id"]),
        instance_url=header["instance_url"],
        is_sandbox=header["is_sandbox"],
        made_at=datetime.fromisoformat(header["made_at"]),
        changes=tuple(kept) if small else Lines(path, seal),
    )


def _header(line: str) -> tuple[dict[str, Any] | None, list[str]]:
    try:
        data = loads(line)
    except ValueError:
        data = None
    if not isinstance(data, dict) or "sfsync_plan" not in data:
        return None, ["not a plan file: the first line is no sfsync plan header. Write one with `sfsync plan`."]
    if data["sfsync_plan"] != VERSION:
        return None, [
            f"this is a plan of version {data['sfsync_plan']}; this sfsync reads version {VERSION}. Plan again."
        ]
    problems = [f'"{k}" is missing' for k in HEADER if k not in data]
    problems += [f'unknown key "{k}".{nearest(k, HEADER)}' for k in data if k not in HEADER]
    return data, problems or _header_values(data)


def _header_values(data: Mapping[str, Any]) -> list[str]:
    problems = []
    try:
        to18(data["org_id"])
    except ValueError as err:
        problems.append(f'"org_id": {err}')
    for key in ("instance_url", "digest"):
        if not isinstance(data[key], str):
            problems.append(f'"{key}" must be text')
    if not isinstance(data["is_sandbox"], bool):
        problems.append('"is_sandbox" must be true or false')
    try:
        if datetime.fromisoformat(data["made_at"]).tzinfo is None:
            raise ValueError
    except (TypeError, ValueError):
        problems.append('"made_at" must be a moment in UTC, as 2026-01-31T09:30:00Z')
    if not isinstance(data["changes"], dict):
        problems.append('"changes" must be an object of operations and counts')
    return problems


def _changes(lines: Iterable[str], wrong: list[tuple[int, str]]) -> Iterator[Change]:
    """The readable changes below the header; what is wrong goes to `wrong`, with its line."""
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        if len(wrong) >= MANY:
            wrong.append((number, "and so on: the lines from here on were not looked at"))
            return
        try:
            change, problems = from_line(loads(line))
        except ValueError as err:
            change, problems = None, [f"not a line of JSON: {err}"]
        if change is not None:
            # A master may take in records in several lines, and be updated besides.
            done = change.losers if change.op == "merge" else [change.ref.id] if change.ref.id else []
            lines_of = {id: seen.setdefault((change.op, id), number) for id in done}
            problems = [
                f"{change.ref.sobject} {id} stands in line {first} already; make one change of the two"
                for id, first in lines_of.items()
                if first != number
            ]
            yield change
        wrong += [(number, p) for p in problems]


def _seal_problems(path: Path, header: Mapping[str, Any], seal: Seal) -> list[str]:
    edited = f"If you edited the file, check it and run `sfsync plan seal {path}`; else plan again."
    promised = {op: n for op, n in header["changes"].items() if n}
    if promised != dict(seal.counts):
        said, there = (sum(n for n in c.values() if isinstance(n, int)) for c in (promised, seal.counts))
        return [
            f"the header counts {said} changes and the file holds {there}, or of other kinds: "
            f"a line was lost or added. {edited}"
        ]
    if seal.digest != header["digest"]:
        return [f"the changes do not fit the digest in the header: the file was edited after planning. {edited}"]
    return []
