"""The `examples:` of a rule file.

An example is a mapping: keys in capitals are sObjects with their records, the others are ours. `world:` holds records
that every example has unless it gives its own for that sObject.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfsync.errors import nearest
from sfsync.rules.rule import Example, Param
from sfsync.yamlfile import YamlFile

GROUPS = ("passes", "flagged", "not_evaluated")
KEYS = ("name", "expect", "params", "missing", "reason", "describe", "as_of", "now", "time_zone")
EXPECT = ("Id", "kind", "sobject", "severity", "fix", "confidence", "message")


def read_examples(file: YamlFile, params: Mapping[str, Param]) -> tuple[Example, ...]:
    """The examples in the file's order; what is wrong goes to the file's problems."""
    data = file.data.get("examples") or {}
    if not isinstance(data, dict):
        file.problem("`examples` has the keys passes, flagged, not_evaluated and world.", "examples")
        return ()
    for key in data:
        if key not in (*GROUPS, "world"):
            file.problem(f'unknown key "{key}".{nearest(str(key), (*GROUPS, "world"))}', "examples", str(key))
    shared = data.get("world") or {}
    return tuple(
        example
        for group in GROUPS
        for i, entry in enumerate(data.get(group) or [])
        if (example := _example(file, group, i, entry, shared, params)) is not None
    )


def _example(
    file: YamlFile, group: Any, i: int, entry: Any, shared: Mapping[str, Any], params: Mapping[str, Param]
) -> Example | None:
    where = ("examples", group, i)
    if not isinstance(entry, dict):
        file.problem("an example is a mapping: name, records by sObject, expect.", *where)
        return None
    for key in entry:
        if not str(key)[:1].isupper() and key not in KEYS:
            file.problem(f'unknown key "{key}".{nearest(str(key), KEYS)}', *where, str(key))
    for name in entry.get("params") or {}:
        if name not in params:
            file.problem(f'unknown parameter "{name}".{nearest(str(name), list(params))}', *where, "params")
    world = {key: rows for key, rows in {**shared, **entry}.items() if str(key)[:1].isupper()}
    for sobject, rows in world.items():
        if not isinstance(rows, list) or not all(isinstance(row, dict) and "Id" in row for row in rows):
            file.problem(f"{sobject} must be a list of records with an Id.", *where, str(sobject))
            return None
    expect = entry.get("expect") or []
    _check_expect(file, group, expect, where)
    return Example(
        group=group,
        name=str(entry.get("name", f"{group} {i + 1}")),
        world=world,
        expect=expect,
        params=entry.get("params") or {},
        missing=tuple(entry.get("missing") or ()),
        reason=str(entry.get("reason", "")),
        describe=entry.get("describe") or shared.get("describe") or {},
        clock={key: entry[key] for key in ("as_of", "now", "time_zone") if key in entry},
    )


def _check_expect(file: YamlFile, group: str, expect: Any, where: tuple[str | int, ...]) -> None:
    if (group == "flagged") != bool(expect):
        file.problem(
            "a flagged example says what it expects: `expect: [{Id: …}]`."
            if group == "flagged"
            else f"an example under {group} expects no finding.",
            *where,
        )
    for row in expect:
        for key in row:
            if key not in EXPECT:
                file.problem(f'unknown key "{key}" in expect.{nearest(str(key), EXPECT)}', *where, "expect")
