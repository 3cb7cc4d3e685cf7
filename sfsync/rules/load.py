"""mappings/rules/*.yaml → Rules. Every problem of every file is reported at once, with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sfsync.errors import RuleError
from sfsync.mapping import shipped_folder
from sfsync.rules.read import RuleReader
from sfsync.rules.rule import Rule
from sfsync.rules.views import Views, load_views
from sfsync.yamlfile import YamlFile, read_yaml


@dataclass(frozen=True)
class _Source:
    file: YamlFile
    shipped: bool


def load_rules(user_folder: Path | None = None) -> list[Rule]:
    """The shipped rules and those of `<user_folder>/rules/*.yaml`, sorted by code; views likewise (see load_views).

    user_folder: the user's own mappings. A file there with the code of a shipped rule changes that rule: keys it gives
    replace the shipped ones (`params:` name by name), the others stay. Raises RuleError with every problem of every
    file as file:line.
    """
    if user_folder is None or not any((user_folder / kind).is_dir() for kind in ("rules", "views")):
        return list(_shipped_rules())
    return _load(user_folder)


@cache
def _shipped_rules() -> tuple[Rule, ...]:
    return tuple(_load(None))


def _load(user_folder: Path | None) -> list[Rule]:
    problems: list[str] = []
    shipped = _read_all(shipped_folder() / "rules", True, problems)
    own = _read_all(user_folder / "rules", False, problems) if user_folder else {}
    views = load_views(user_folder)
    rules = []
    for code in sorted({*shipped, *own}):
        try:
            rules.append(_rule(shipped.get(code), own.get(code), views))
        except RuleError as err:
            problems += err.problems
    if problems:
        raise RuleError(problems)
    return rules


def read_rule(path: Path) -> Rule:
    """One rule file by itself, with the views of the folder its own is in. Raises RuleError with all its problems."""
    return RuleReader(_mapping(read_yaml(path, RuleError)), load_views(path.parent.parent)).rule()


def _read_all(folder: Path, shipped: bool, problems: list[str]) -> dict[str, _Source]:
    found: dict[str, _Source] = {}
    for path in _files(folder):
        try:
            file = _mapping(read_yaml(path, RuleError))
        except RuleError as err:
            problems += err.problems
            continue
        code = str(file.data.get("code", ""))
        if code in found:
            other = found[code].file.path.name
            file.problem(f"code {code} belongs to {other} already; every rule has its own.", "code")
            problems += file.problems
            continue
        found[code] = _Source(file, shipped)
    return found


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.glob("*.yaml") if path.is_file()) if folder.is_dir() else ()


def _mapping(file: YamlFile) -> YamlFile:
    if not isinstance(file.data, dict):
        raise RuleError(f"{file.path}:1: a rule file starts with `code: CODE`.")
    return file


def _rule(shipped: _Source | None, own: _Source | None, views: Views) -> Rule:
    if own is None:
        assert shipped is not None
        return RuleReader(shipped.file, views).rule()
    if shipped is not None:
        own.file.data = _merged(shipped.file.data, own.file.data)
    return RuleReader(own.file, views).rule()


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**below, **above}
    if isinstance(below.get("params"), dict) and isinstance(above.get("params"), dict):
        merged["params"] = {**below["params"], **above["params"]}
    if "sql" in above and "examples" not in above:
        merged.pop("examples", None)  # examples prove the SQL they were written for
    return merged
