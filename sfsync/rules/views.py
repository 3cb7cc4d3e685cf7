"""Derived views: SELECTs with a name, which rules read like tables.

A view is `views/<name>.sql` in the mappings folder: a comment that holds YAML (`title`, `needs`, `optional`, `params`),
then one SELECT. A user's file of the same name replaces the shipped one. Nothing is created in the warehouse: a view is
written out as a common table expression wherever a rule names it. The rule takes over what the view needs and its
parameters; a `*` over a table means the columns the rule and its views declare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from sfsync.errors import RuleError, nearest
from sfsync.mapping import shipped_folder
from sfsync.rules.rule import Param
from sfsync.rules.sql import SqlProblem, Statement, parse

KEYS = ("title", "stored", "needs", "optional", "params")
_FILE = re.compile(r"\s*/\*(?P<head>.*?)\*/(?P<sql>.*)", re.DOTALL)
_WORD = re.compile(r"\bv_\w+")


@dataclass(frozen=True)
class View:
    """One view file, read and checked."""

    name: str
    title: str
    sql: str
    statement: Statement
    needs: Mapping[str, tuple[str, ...]]
    optional: Mapping[str, tuple[str, ...]]
    params: Mapping[str, Param]
    path: Path


@dataclass(frozen=True)
class Views:
    """The views of a mappings folder by name."""

    by_name: Mapping[str, View]

    @cached_property
    def statements(self) -> dict[str, Statement]:
        return {name: view.statement for name, view in self.by_name.items()}

    def named_in(self, texts: Iterable[str]) -> list[View]:
        """The views the SQL texts name, and those they read."""
        wanted = {word for text in texts for word in _WORD.findall(text)} & set(self.by_name)
        wanted |= {name for word in list(wanted) for name, _ in self.by_name[word].statement.views}
        return [self.by_name[name] for name in sorted(wanted)]


def load_views(user_folder: Path | None = None) -> Views:
    """The shipped views, those of `<user_folder>/views/*.sql` in their place or beside them.

    Raises RuleError with every problem as file:line.
    """
    shipped = shipped_folder() / "views"
    own = user_folder / "views" if user_folder else None
    if own is None or not own.is_dir() or own == shipped:
        return _shipped_views()
    return _read([shipped, own])


@cache
def _shipped_views() -> Views:
    return _read([shipped_folder() / "views"])


def _read(folders: Sequence[Path]) -> Views:
    paths = {path.stem: path for folder in folders for path in sorted(folder.glob("*.sql"))}
    found: dict[str, View] = {}
    problems: list[str] = []
    texts = {name: _split(path, problems) for name, path in paths.items()}
    waiting = {name: set(_WORD.findall(sql)) & set(paths) for name, (_, sql) in texts.items()}
    while waiting:
        ready = sorted(name for name, above in waiting.items() if not above - set(found))
        if not ready:
            circle = ", ".join(sorted(waiting))
            problems.append(f"{paths[min(waiting)]}:1: these views read one another in a circle: {circle}.")
            break
        for name in ready:
            del waiting[name]
            found[name] = _view(name, paths[name], *texts[name], found, problems)
    if problems:
        raise RuleError(problems)
    return Views(found)


def _split(path: Path, problems: list[str]) -> tuple[dict[str, Any], str]:
    match = _FILE.fullmatch(path.read_text(encoding="utf-8"))
    try:
        head = yaml.safe_load(match["head"]) if match else None
    except yaml.YAMLError as err:
        problems.append(f"{path}:1: the comment is not valid YAML: {getattr(err, 'problem', None) or err}.")
        return {}, ""
    if not isinstance(head, dict) or match is None:
        problems.append(f"{path}:1: a view begins with a comment: /* title: …, needs: {{Lead: [Id]}} */.")
        return {}, ""
    problems += [f'{path}:1: unknown key "{key}".{nearest(str(key), KEYS)}' for key in head if key not in KEYS]
    return head, match["sql"]


def _view(
    name: str, path: Path, head: dict[str, Any], sql: str, above: Mapping[str, View], problems: list[str]
) -> View:
    params = head.get("params") or {}
    used = [above[word] for word in dict.fromkeys(_WORD.findall(sql)) if word in above]
    inherited = {key: value for view in used for key, value in view.params.items()}
    try:
        statement = parse(sql, {**inherited, **params}, {view.name: view.statement for view in above.values()})
    except SqlProblem as err:
        problems.append(f"{path}:1: SQL {err}")
        statement = parse("select 1 as Id", {})
    needs, optional = (merge([_tables(head, key), *(getattr(v, key) for v in used)]) for key in ("needs", "optional"))
    if not re.fullmatch(r"v_[a-z0-9_]+", name):
        problems.append(f"{path}:1: the name of a view is v_ and small letters.")
    if head.get("stored", False) not in (True, False):
        problems.append(f"{path}:1: `stored` is true or false: whether a check works the view out once, for all rules.")
    elif head.get("stored"):
        statement = replace(statement, stored=merge([needs, optional]))
    problems += [
        f"{path}:1: the SQL reads {table}, which is not declared.{nearest(table, [*needs, *optional])}"
        for table in statement.tables
        if table not in needs and table not in optional
    ]
    return View(name, str(head.get("title", "")), sql, statement, needs, optional, {**inherited, **params}, path)


def _tables(head: Mapping[str, Any], key: str) -> dict[str, tuple[str, ...]]:
    return {str(table): tuple(columns) for table, columns in (head.get(key) or {}).items()}


def merge(several: Iterable[Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """Table → all its columns, each once, in the order they come."""
    merged: dict[str, dict[str, None]] = {}
    for tables in several:
        for table, columns in tables.items():
            merged.setdefault(table, {}).update(dict.fromkeys(columns))
    return {table: tuple(columns) for table, columns in merged.items()}
