"""One Change ↔ one JSON object of a plan file, with every problem said."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sfsync.errors import nearest
from sfsync.model import Change, Ref
from sfsync.plan.values import dumps, to_wire
from sfsync.salesforce.ids import to18

Problems = list[str]

_ENDS = ("because", "confidence", "decision")
KEYS: Mapping[str, tuple[str, ...]] = {
    "update": ("op", "sobject", "id", "before", "after", *_ENDS),
    "merge": ("op", "sobject", "master", "losers", "before", "after", *_ENDS),
    "convert": ("op", "lead", "account", "contact", "opportunity", "status", "owner", "before", *_ENDS),
    "create": ("op", "sobject", "after", *_ENDS),
    "delete": ("op", "sobject", "id", "before", *_ENDS),
}
"""The keys of a line, in the order they are written. All must be there."""

EFFECTS = "effects"
"""Also in an update that has any, after `after`: what Salesforce sets by itself then. Never sent."""

_ID_KEY = {"update": "id", "merge": "master", "convert": "lead", "delete": "id"}
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_CONVERT_IDS = ("account", "contact", "owner")


def to_line(change: Change) -> dict[str, Any]:
    """The change as a plan file holds it. Fields are sorted by name, so the same change gives the same line."""
    data: dict[str, Any] = {
        "op": change.op,
        "sobject": change.ref.sobject,
        "before": _fields(change.before),
        "after": _fields(change.after),
        "because": [dict(sorted(b.items())) for b in change.because],
        "confidence": change.confidence,
        "decision": change.decision,
        "losers": list(change.losers),
    }
    if change.op in _ID_KEY:
        data[_ID_KEY[change.op]] = change.ref.id
    if change.op == "convert":
        data |= {k: change.after.get(k) for k in ("account", "contact", "status", "owner")}
        data["opportunity"] = {
            k[12:]: v for k, v in _fields(change.after).items() if k.startswith("opportunity.")
        } or None
    keys = KEYS[change.op]
    if change.effects:
        data[EFFECTS] = _fields(change.effects)
        keys = tuple(k for key in keys for k in ((key, EFFECTS) if key == "after" else (key,)))
    return {key: data[key] for key in keys}


def from_line(data: object) -> tuple[Change | None, Problems]:
    """The Change of one parsed line, or None with everything that is wrong with it."""
    if not isinstance(data, dict):
        return None, ["a change is a JSON object"]
    op = str(data.get("op"))
    if op not in KEYS:
        return None, [f'unknown op "{op}"; it is one of {", ".join(KEYS)}.{nearest(op, list(KEYS))}']
    problems = _keys({k: v for k, v in data.items() if op != "update" or k != EFFECTS}, KEYS[op])
    if not problems:
        problems = _common(data) + _by_op(op, data)
    if problems:
        return None, problems
    return _change(op, data), []


def text(change: Change) -> tuple[str, str]:
    """(the change's line in the file, what of it the digest is over: all but the decision); no line ends."""
    data = to_line(change)
    decision = data.pop("decision")  # always the last key
    summed = dumps(data)
    return f'{summed[:-1]}, "decision": {dumps(decision)}}}', summed


class Seal:
    """Counts and digest of changes, taken in one by one in order."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.counts: Counter[str] = Counter()

    def add(self, change: Change) -> str:
        """Take in the next change; its line in the file."""
        line, summed = text(change)
        self._digest.update(summed.encode() + b"\n")
        self.counts[change.op] += 1
        return line

    @property
    def digest(self) -> str:
        """sha256 (hex) over the lines of all changes in order, without their decisions."""
        return self._digest.hexdigest()


def seal_of(changes: Iterable[Change]) -> Seal:
    seal = Seal()
    for change in changes:
        seal.add(change)
    return seal


def _keys(data: Mapping[str, Any], wanted: Sequence[str]) -> Problems:
    unknown = [f'unknown key "{k}".{nearest(k, wanted)}' for k in data if k not in wanted]
    return unknown + [f'"{k}" is missing' for k in wanted if k not in data]


def _common(data: Mapping[str, Any]) -> Problems:
    problems = []
    for key in ("sobject", "status"):
        if key in data and not (isinstance(data[key], str) and data[key]):
            problems.append(f'"{key}" must be a name')
    if isinstance(data.get("sobject"), str) and not _NAME.fullmatch(data["sobject"]):
        problems.append(f'"{data["sobject"]}" is not the API name of an sObject')
    for key in ("before", "after", EFFECTS):
        if key in data:
            problems += _field_problems(key, data[key])
    because = data["because"]
    if not isinstance(because, list) or not because or not all(isinstance(b, dict) and b for b in because):
        problems.append('"because" must be a list of at least one reason, as [{"rule": "DQ-001"}]')
    elif not all(isinstance(b.get("rule", b.get("cluster", b.get("push"))), str) for b in because):
        problems.append('each reason in "because" names its "rule", "cluster" or "push"')
    if data["confidence"] not in ("auto", "assisted", "manual"):
        problems.append('"confidence" must be auto, assisted or manual')
    if data["decision"] not in ("accepted", "refused", None):
        problems.append('"decision" must be "accepted", "refused" or null')
    return problems


def _field_problems(key: str, fields: object) -> Problems:
    if not isinstance(fields, dict):
        return [f'"{key}" must be an object of fields and values']
    problems = [f'"{name}" in "{key}" is not the API name of a field' for name in fields if not _NAME.fullmatch(name)]
    for name, value in fields.items():
        try:
            to_wire(value)
        except ValueError as err:
            problems.append(f'"{key}.{name}": {err}')
    return problems


def _by_op(op: str, data: Mapping[str, Any]) -> Problems:
    problems = []
    if op in _ID_KEY:
        problems += _id_problems(_ID_KEY[op], data[_ID_KEY[op]])
    if op in ("update", "create") and data["after"] == {}:
        problems.append('"after" is empty: nothing would be written')
    if isinstance(data.get("after"), dict):
        problems += [f'"{k}" cannot be written' for k in data["after"] if k.casefold() in ("id", "systemmodstamp")]
    if op == "update" and isinstance(data["before"], dict) and isinstance(data["after"], dict):
        wanted = ["SystemModstamp", *data["after"]]
        problems += [
            f'"before" lacks "{k}", so a change in the org would not be seen' for k in wanted if k not in data["before"]
        ]
    if op == "merge":
        problems += _losers(data)
    if op == "convert":
        problems += [p for k in _CONVERT_IDS if data[k] is not None for p in _id_problems(k, data[k])]
        if data["opportunity"] is not None:
            problems += _field_problems("opportunity", data["opportunity"] or None)
    return problems


def _losers(data: Mapping[str, Any]) -> Problems:
    losers = data["losers"]
    if not isinstance(losers, list) or not losers:
        return ['"losers" must be a list of at least one Id']
    problems = [p for loser in losers for p in _id_problems("losers", loser)]
    if len({*map(str, losers), str(data["master"])}) < len(losers) + 1:
        problems.append("a record is named twice among the master and its losers")
    return problems


def _id_problems(key: str, value: object) -> Problems:
    try:
        to18(value)  # type: ignore[arg-type]  # it says so itself when this is no text
    except ValueError as err:
        return [f'"{key}": {err}']
    return []


def _change(op: Any, data: Mapping[str, Any]) -> Change:
    after = _fields(data.get("after", {}))
    if op == "convert":
        after = {k: data[k] for k in ("account", "contact", "status", "owner")}
        after |= {f"opportunity.{k}": v for k, v in _fields(data["opportunity"] or {}).items()}
    return Change(
        op=op,
        ref=Ref(data.get("sobject", "Lead"), to18(data[_ID_KEY[op]]) if op in _ID_KEY else ""),
        before=_fields(data.get("before", {})),
        after=after,
        because=tuple(data["because"]),
        confidence=data["confidence"],
        losers=tuple(to18(loser) for loser in data.get("losers", ())),
        decision=data["decision"],
        effects=_fields(data.get(EFFECTS, {})),
    )


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_wire(values[name]) for name in sorted(values)}
