"""mappings/*.yaml → ObjectMapping: what we keep of one sObject, checked against the org's describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sfsync.errors import MappingError, nearest
from sfsync.moments import parse_duration
from sfsync.yamlfile import YamlFile, read_yaml

KEYS = (
    "sobject",
    "fields",
    "except",
    "needs",
    "track",
    "unstamped",
    "watermark",
    "api",
    "whole",
    "optional",
    "follows",
    "every",
)
SKIPPED_TYPES = frozenset({"address", "location", "base64", "complexvalue"})
"""Compound values (their parts are fields of their own) and binary ones. Source: Bulk API 2.0 guide, query limits."""


@dataclass(frozen=True)
class ObjectMapping:
    """What we keep of one sObject."""

    sobject: str
    path: Path
    fields: tuple[str, ...] | None = None
    """Field API names to keep; None keeps every field the user may read."""
    excluded: tuple[str, ...] = ()
    """Fields never kept, whether the org has them or not."""
    needs: tuple[str, ...] = ()
    """Helper sObjects pulled along with this one."""
    track: tuple[str, ...] = ()
    """Fields whose changes are kept in sfsync.history."""
    unstamped: tuple[str, ...] = ()
    """Fields the org changes by itself without a stamp that moves, and that are no formulas to the describe."""
    watermark: str | None = None
    """The stamp increments are read by; None takes SystemModstamp, else LastModifiedDate, else CreatedDate."""
    api: str = "auto"
    """auto, or rest for objects the Bulk API refuses."""
    whole: bool = False
    """Read in full each time: small metadata whose removed rows leave no trace."""
    follows: Mapping[str, str] = field(default_factory=dict)
    """Lookup field → parent sObject: rows are deleted and undeleted with the parent, without a stamp that moves."""
    every: timedelta = timedelta()
    """Read again no more often than this; for metadata that hardly ever changes."""
    optional: bool = False
    """An org or user may lack it: then it is left out with a warning."""

    def keep(self, describe: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The described fields to keep, in describe order; Id first. Compound and binary fields are skipped by type."""
        excluded = {name.casefold() for name in self.excluded}
        wanted = None if self.fields is None else {name.casefold() for name in self.fields} | _ALWAYS
        kept = [
            f
            for f in describe["fields"]
            if f["type"] not in SKIPPED_TYPES
            and f["name"].casefold() not in excluded
            and (wanted is None or f["name"].casefold() in wanted)
        ]
        return sorted(kept, key=lambda f: f["name"] != "Id")

    def drifts(self, field: Mapping[str, Any]) -> bool:
        """Whether the org changes this described field without moving a stamp: a formula, or one of `unstamped`."""
        return bool(field.get("calculated")) or field["name"].casefold() in {n.casefold() for n in self.unstamped}

    def problems(self, describe: Mapping[str, Any]) -> list[str]:
        """What the mapping names but the org does not show to this user, with file:line and the nearest name.

        A shipped mapping's `unstamped` is no claim that the org has these fields: some come with a feature only.
        """
        source = read_yaml(self.path, MappingError)
        known = [f["name"] for f in describe["fields"]]
        folded = {name.casefold() for name in known}
        unstamped = () if self.path.is_relative_to(shipped_folder()) else self.unstamped
        for key, names in (("fields", self.fields or ()), ("track", self.track), ("unstamped", unstamped)):
            for i, name in enumerate(names):
                if name.casefold() not in folded:
                    source.problem(
                        f'{self.sobject} has no field "{name}", or this user may not read it.{nearest(name, known)}',
                        key,
                        i,
                    )
        if self.watermark and self.watermark.casefold() not in folded:
            source.problem(
                f'{self.sobject} has no field "{self.watermark}".{nearest(self.watermark, known)}', "watermark"
            )
        return source.problems


_ALWAYS = {"id", "isdeleted", "systemmodstamp", "lastmodifieddate", "createddate", "masterrecordid"}
"""Kept whatever `fields` says: without them no increment, no delete and no merge could be followed."""


def shipped_folder() -> Path:
    """The mappings that come with sfsync: inside an installed package, or beside it in a checkout."""
    inside = Path(__file__).parent / "_mappings"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "mappings"


def load_mappings(user_folder: Path | None = None) -> dict[str, ObjectMapping]:
    """All mappings by sObject. A user's file wins over the shipped one of the same sObject.

    Raises MappingError with every problem of every file.
    """
    found: dict[str, ObjectMapping] = {}
    problems: list[str] = []
    for folder in (shipped_folder(), user_folder):
        here: dict[str, Path] = {}
        for path in sorted(folder.glob("*.yaml")) if folder else ():
            try:
                mapping = read_mapping(path)
            except MappingError as err:
                problems += err.problems
                continue
            if mapping.sobject in here:
                problems.append(f"{path}:1: {mapping.sobject} is mapped by {here[mapping.sobject].name} already.")
            here[mapping.sobject] = path
            found[mapping.sobject] = mapping
    if problems:
        raise MappingError(problems)
    return found


def read_mapping(path: Path) -> ObjectMapping:
    source = read_yaml(path, MappingError)
    data = source.data
    if not isinstance(data, dict):
        raise MappingError(f"{path}:1: a mapping file starts with `sobject: NAME`.")
    for key in data:
        if key not in KEYS:
            source.problem(f'unknown key "{key}".{nearest(str(key), KEYS)}', str(key))
    sobject = data.get("sobject")
    if not isinstance(sobject, str) or not sobject.replace("_", "").isalnum():
        source.problem("`sobject:` must be an API name, as in Lead or Site__c.", "sobject")
    api = data.get("api", "auto")
    if api not in ("auto", "rest"):
        source.problem(f'api "{api}" must be auto or rest.', "api")
    fields = data.get("fields", "all")
    mapping = ObjectMapping(
        sobject=str(sobject),
        path=path,
        fields=None if fields == "all" else _names(source, "fields"),
        excluded=_names(source, "except"),
        needs=_names(source, "needs"),
        track=_names(source, "track"),
        unstamped=_unstamped(source),
        watermark=data.get("watermark"),
        api=str(api),
        whole=_flag(source, "whole"),
        optional=_flag(source, "optional"),
        follows=_follows(source),
        every=_every(source),
    )
    source.done(MappingError)
    return mapping


def closure(names: Sequence[str], mappings: Mapping[str, ObjectMapping]) -> list[ObjectMapping]:
    """The mappings of `names` and of everything they need: the asked ones first, then helpers; each once.

    Raises MappingError for a name without a mapping.
    """
    folded = {name.casefold(): name for name in mappings}
    ordered: dict[str, ObjectMapping] = {}
    problems = []
    queue = list(names)
    while queue:
        name = queue.pop(0)
        real = folded.get(name.casefold())
        if real is None:
            problems.append(
                f'no mapping for sObject "{name}".{nearest(name, list(mappings))} Write mappings/{name.lower()}.yaml '
                f"with `sobject: {name}`, or correct `objects:` in the config."
            )
        elif real not in ordered:
            ordered[real] = mappings[real]
            queue += mappings[real].needs
    if problems:
        raise MappingError(problems)
    return list(ordered.values())


def _names(source: YamlFile, key: str) -> tuple[str, ...]:
    value = source.data.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        source.problem(f"`{key}` is a list of names.", key)
        return ()
    return _unique(value)


def _unstamped(source: YamlFile) -> tuple[str, ...]:
    names = _names(source, "unstamped")
    for i, name in enumerate(names):
        if name.casefold() in _ALWAYS:
            source.problem(f'`unstamped` cannot hold "{name}": pulls tell by it what changed.', "unstamped", i)
    return names


def _follows(source: YamlFile) -> dict[str, str]:
    value = source.data.get("follows")
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        source.problem("`follows` maps a lookup field to its parent sObject, as in {LeadId: Lead}.", "follows")
        return {}
    return {str(k): str(v) for k, v in value.items()}


def _every(source: YamlFile) -> timedelta:
    value = source.data.get("every")
    found = timedelta() if value is None else parse_duration(str(value))
    if found is None:
        source.problem(f'every "{value}" is not a duration such as 10m, 2h or 7d.', "every")
    return found or timedelta()


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _flag(source: YamlFile, key: str) -> bool:
    value = source.data.get(key, False)
    if not isinstance(value, bool):
        source.problem(f"`{key}` must be true or false.", key)
    return value is True
