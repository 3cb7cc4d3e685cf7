"""Plan ↔ file. JSON Lines: a header, then one change a line (the keys of each operation stand in `codec.KEYS`).

Line 1: {"sfsync_plan": 1, "org_id", "instance_url", "is_sandbox", "made_at", "changes": {op: count}, "digest"}.
Values are in the wire form of `plan.values`. The same plan gives the same bytes. Everything a push does is in here,
so the file holds personal data: it is written with mode 0600.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.errors import PlanError, nearest
from sfsync.model import Change
from sfsync.plan.codec import digest, from_line, to_line
from sfsync.plan.plan import Plan
from sfsync.plan.values import dumps, loads, to_wire
from sfsync.salesforce.ids import to18

VERSION = 1
HEADER = ("sfsync_plan", "org_id", "instance_url", "is_sandbox", "made_at", "changes", "digest")


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write the plan, whole or not at all: an existing file is replaced in one step. Raises PlanError."""
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
                out.write(render(plan))
                out.flush()
                os.fsync(out.fileno())
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as err:
        raise PlanError(f"{target} cannot be written: {err.strerror}. Check the folder and its rights.") from err


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
    header = {
        "sfsync_plan": VERSION,
        "org_id": plan.org_id,
        "instance_url": plan.instance_url,
        "is_sandbox": plan.is_sandbox,
        "made_at": to_wire(plan.made_at),
        "changes": plan.counts,
        "digest": plan.digest,
    }
    return "".join(dumps(line) + "\n" for line in (header, *map(to_line, plan.changes)))


def _read(path: Path, *, sealed: bool) -> Plan:
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as err:
        raise PlanError(f"{path} cannot be read: {err.strerror}. Write one with `sfsync plan`.") from err
    except UnicodeDecodeError as err:
        raise PlanError(f"{path}: not a plan file: it is not UTF-8 text. Write one with `sfsync plan`.") from err
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    header, problems = _header(lines[0])
    if header is None:  # nothing below can be judged when this is no plan, or one of another version
        raise PlanError([f"{path}:1: {p}" for p in problems])
    changes, wrong = _changes(lines)
    found = [f"{path}:1: {p}" for p in problems] + [f"{path}:{number}: {p}" for number, p in wrong]
    if sealed and not found:
        found = [f"{path}:1: {p}" for p in _seal_problems(path, header, changes)]
    if found:
        raise PlanError(found)
    return Plan(
        org_id=to18(header["org_id"]),
        instance_url=header["instance_url"],
        is_sandbox=header["is_sandbox"],
        made_at=datetime.fromisoformat(header["made_at"]),
        changes=tuple(changes),
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


def _changes(lines: list[str]) -> tuple[list[Change], list[tuple[int, str]]]:
    changes: list[Change] = []
    wrong: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        try:
            change, problems = from_line(loads(line))
        except ValueError as err:
            change, problems = None, [f"not a line of JSON: {err}"]
        if change is not None:
            first = seen.setdefault(change.ref.id or f"line {number}", number)
            if first != number:
                problems = [
                    f"{change.ref.sobject} {change.ref.id} stands in line {first} already; make one change of the two"
                ]
            changes.append(change)
        wrong += [(number, p) for p in problems]
    return changes, wrong


def _seal_problems(path: Path, header: Mapping[str, Any], changes: list[Change]) -> list[str]:
    edited = f"If you edited the file, check it and run `sfsync plan seal {path}`; else plan again."
    found = Counter(change.op for change in changes)
    promised = {op: n for op, n in header["changes"].items() if n}
    if promised != dict(found):
        said, there = (sum(n for n in c.values() if isinstance(n, int)) for c in (promised, found))
        return [
            f"the header counts {said} changes and the file holds {there}, or of other kinds: "
            f"a line was lost or added. {edited}"
        ]
    if digest(changes) != header["digest"]:
        return [f"the changes do not fit the digest in the header: the file was edited after planning. {edited}"]
    return []
