"""The short notation of `tables.py`: one field a line.

    LastName string(80) required of=Name ; Last Name
    OwnerId reference required auto -> Group|User as Owner

Name, type (with length, or precision and scale), then words: `required` (not nillable), `ro` (the server's own),
`create` and `update` (writable only then), `auto` (the server fills it), `name`, `lookup`, `external`, `unique`,
`cased`, `nofilter`, `nosort`, `nogroup`, `of=` (its compound field), `in=` (its value set; `only=` when restricted),
`default=`. After `->` the objects it refers to and the relationship's name, after `;` the label, after `:=` a formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sfsync.practice.picklists import VALUE_SETS
from sfsync.practice.schema import Field

_DEFAULT_LENGTH = {
    **{"id": 18, "reference": 18, "email": 80, "phone": 40, "url": 255, "picklist": 255, "combobox": 255},
    **{"string": 255, "textarea": 255, "multipicklist": 4099},
}
_NUMERIC = ("currency", "percent", "double")
_WORDS: dict[str, dict[str, Any]] = {
    "required": {"nillable": False},
    "ro": {"createable": False, "updateable": False},
    "create": {"updateable": False},
    "update": {"createable": False},
    "auto": {"defaulted": True},
    "name": {"name_field": True},
    "lookup": {"id_lookup": True},
    "external": {"external_id": True, "id_lookup": True},
    "unique": {"unique": True},
    "cased": {"case_sensitive": True},
    "nofilter": {"filterable": False},
    "nosort": {"sortable": False},
    "nogroup": {"groupable": False},
}


def fields(text: str) -> Iterator[Field]:
    """The fields of a table written in the notation, in order. Raises ValueError with the line it cannot read."""
    for line in text.strip().splitlines():
        try:
            yield field(line.strip())
        except (KeyError, IndexError, ValueError) as err:
            raise ValueError(f"not a field: {line.strip()!r} ({err})") from err


def field(line: str) -> Field:
    line, _, formula = line.partition(" := ")
    line, _, label = line.partition(" ; ")
    line, _, target = line.partition(" -> ")
    name, kind, *words = line.split()
    kind, *sizes = re.findall(r"\w+", kind)
    made: dict[str, Any] = {"name": name, "type": kind, "label": label or _label(name), "custom": name.endswith("__c")}
    made |= _sizes(kind, [int(s) for s in sizes])
    made |= _by_type(kind, made["length"])
    for word in words:
        made |= _word(word, kind)
    if target:
        objects, _, relationship = target.partition(" as ")
        made |= {"refers": tuple(objects.strip().split("|")), "relationship": relationship.strip() or None}
    if formula:
        made |= {"formula": formula.strip(), "createable": False, "updateable": False, "nillable": True}
    return Field(**made)


def _sizes(kind: str, sizes: list[int]) -> dict[str, Any]:
    if kind in _NUMERIC:
        precision, scale = (sizes + [18, 0][len(sizes) :])[:2]
        return {"length": 0, "precision": precision, "scale": scale}
    if kind in ("int", "long"):
        return {"length": 0, "precision": sizes[0] if sizes else 8}
    return {"length": sizes[0] if sizes else _DEFAULT_LENGTH.get(kind, 0)}


def _by_type(kind: str, length: int) -> dict[str, Any]:
    if kind == "boolean":
        return {"nillable": False, "defaulted": True, "default": False}
    if kind in ("datetime", *_NUMERIC):
        return {"groupable": False}
    if kind == "address":
        return {"createable": False, "updateable": False, "sortable": False, "groupable": False}
    if kind == "multipicklist":
        return {"sortable": False, "groupable": False}
    if kind == "anyType" or (kind == "textarea" and length > 255):
        return {"filterable": False, "sortable": False, "groupable": False}
    return {}


def _word(word: str, kind: str) -> dict[str, Any]:
    key, _, value = word.partition("=")
    if key == "of":
        return {"compound": value}
    if key in ("in", "only"):
        values = VALUE_SETS[value]
        default = next((v.value for v in values if v.default), None)
        return {"values": values, "restricted": key == "only"} | ({"default": default} if default else {})
    if key == "default":
        return {"default": value == "true" if kind == "boolean" else value}
    return _WORDS[word]


def _label(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.removesuffix("__c").replace("_", " "))
    return re.sub(r"\bId$", "ID", words)
