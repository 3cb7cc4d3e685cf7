"""One parsed rule file → Rule, complaining with line and nearest name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.errors import RuleError, nearest
from sfsync.rules.readexamples import read_examples
from sfsync.rules.readfix import read_fixes
from sfsync.rules.rule import SEVERITIES, Guard, Param, Part, Rule, Similar
from sfsync.rules.sql import SqlProblem, Statement, parse
from sfsync.rules.views import Views, merge
from sfsync.yamlfile import YamlFile

KEYS = (
    "code title severity basis objects needs optional params scope sql message fix advice why source profiles "
    "not_evaluated_when similar examples"
).split()
REQUIRED = ("code", "title", "severity", "basis", "objects", "sql", "message", "why")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SIMILAR = ("left", "right", "at_least", "kinds", "other")
_RESULT = frozenset({"id", "kind", "severity", "sobject"})


class RuleReader:
    """Reads one file; `rule()` raises RuleError with everything that is wrong in it."""

    def __init__(self, file: YamlFile, views: Views):
        self.file = file
        self.data: Mapping[str, Any] = file.data
        self.views = views
        self.used = views.named_in(_texts([self.data.get(key) for key in ("sql", "scope", "not_evaluated_when")]))
        self.columns: set[str] | None = set()
        """Columns of all parts' results in lower case; None when a * hides them."""

    def rule(self) -> Rule:
        self._keys()
        self.file.done(RuleError)
        params = {**{k: v for view in self.used for k, v in view.params.items()}, **self._params()}
        self.needs, self.optional = self._needs_and_optional(params)
        rule = Rule(
            code=self._code(),
            title=self._text("title"),
            severity=self._choice("severity", SEVERITIES),
            basis=self._choice("basis", ("platform", "house")),
            needs=self.needs,
            optional=self.optional,
            params=params,
            parts=self._parts(params),
            message=self._messages(),
            fixes=read_fixes(self.file, self._column),
            advice=self._text("advice"),
            why=self._text("why"),
            source=self._text("source"),
            guards=self._guards(params),
            profiles=tuple(self._names("profiles")),
            examples=read_examples(self.file, params),
            views={view.name: view.statement for view in self.used},
            similar=self._similar(params),
            path=self.file.path,
        )
        self.file.done(RuleError)
        return rule

    # -- keys

    def _keys(self) -> None:
        for key in self.data:
            if key not in KEYS:
                self.file.problem(f'unknown key "{key}".{nearest(str(key), KEYS)}', str(key))
        for key in REQUIRED:
            if self.data.get(key) in (None, "", [], {}):
                self.file.problem(f"`{key}:` is missing.", key)

    def _code(self) -> str:
        code = self._text("code")
        if not re.fullmatch(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*", code):
            self.file.problem(f'code "{code}" must be capitals, digits and hyphens, as in LEAD-STAT-001.', "code")
        return code

    def _text(self, key: str) -> str:
        value = self.data.get(key, "")
        if not isinstance(value, str):
            self.file.problem(f"`{key}` must be a text.", key)
            return ""
        return value.strip()

    def _choice(self, key: str, allowed: Sequence[str]) -> Any:
        value = self.data.get(key)
        if value not in allowed:
            self.file.problem(f'{key} "{value}" must be {_or(allowed)}.{nearest(str(value), allowed)}', key)
        return value

    def _names(self, key: str) -> list[str]:
        value = self.data.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.file.problem(f"`{key}` must be a list of names.", key)
            return []
        return value

    def _tables(self, key: str, params: Mapping[str, Param]) -> dict[str, tuple[str, ...]]:
        own = self._own_tables(key)
        for table, columns in own.items():
            for name in columns:
                if name.startswith(":") and not isinstance(params.get(name[1:], 0), (str, type(None))):
                    self.file.problem(f'there is no parameter "{name[1:]}" with the name of a field.', key, table)
        return merge([own, *(view.needs if key == "needs" else view.optional for view in self.used)])

    def _needs_and_optional(self, params: Mapping[str, Param]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a view needs, a rule needs; unless the rule itself calls the table optional, and is not about it."""
        needs, optional = self._tables("needs", params), self._tables("optional", params)
        own, objects = self.data.get("needs") or {}, self.data.get("objects") or []
        for table in self.data.get("optional") or {}:
            if table in needs and table not in own and table not in objects:
                optional = merge([optional, {table: needs.pop(table)}])
        return needs, optional

    def _own_tables(self, key: str) -> dict[str, tuple[str, ...]]:
        value = self.data.get(key) or {}
        if not isinstance(value, dict):
            self.file.problem(f"`{key}` maps a table to its columns, as `Lead: [Id, Status]`.", key)
            return {}
        for table, columns in value.items():
            if not isinstance(columns, list) or not all(isinstance(c, str) for c in columns):
                self.file.problem(f"`{key}.{table}` must be a list of columns.", key, str(table))
                return {}
        return {str(table): tuple(columns) for table, columns in value.items()}

    def _params(self) -> dict[str, Param]:
        value = self.data.get("params") or {}
        if not isinstance(value, dict):
            self.file.problem("`params` maps a name to its default.", "params")
            return {}
        for name, default in value.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)):
                self.file.problem(f'parameter "{name}" must be small letters, digits and _.', "params", str(name))
            if not _is_param(default):
                self.file.problem(
                    f"the default of {name} must be a text, a number, true or false, a list or a mapping of texts.",
                    "params",
                    str(name),
                )
        return value

    # -- SQL

    def _parts(self, params: Mapping[str, Param]) -> tuple[Part, ...]:
        objects = self._names("objects")
        sql, scope = self._per_object("sql", objects), self._per_object("scope", objects)
        parts = []
        for sobject, text in sql.items():
            where = ("sql", sobject) if isinstance(self.data["sql"], dict) else ("sql",)
            self._result(self._statement(text, params, *where), *where)
            counted = scope.get(sobject, sobject)
            if re.fullmatch(r"\w+", counted):
                counted = f"SELECT Id FROM live.{counted}"
            else:
                self._statement(counted, params, "scope")
            parts.append(Part(sobject, text, counted))
        return tuple(parts)

    def _per_object(self, key: str, objects: Sequence[str]) -> dict[str, str]:
        """One text for the first object, or a mapping with a text for each."""
        value = self.data.get(key)
        if value is None or not objects:
            return {}
        if isinstance(value, str):
            return {objects[0]: value}
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            self.file.problem(f"`{key}` must be one SELECT, or one for each object.", key)
            return {}
        for sobject in value:
            if sobject not in objects:
                self.file.problem(f"{sobject} is not among `objects:`.{nearest(str(sobject), objects)}", key, sobject)
        for sobject in objects:
            if sobject not in value:
                self.file.problem(f"`{key}` says nothing about {sobject}.", key)
        return {name: value[name] for name in objects if name in value}

    def _statement(self, text: str, params: Mapping[str, Param], *where: str | int) -> Statement | None:
        try:
            statement = parse(text, params, self.views.statements)
        except SqlProblem as err:
            self.file.problem(f"SQL {err}", *where)
            return None
        declared = [*self.needs, *self.optional]
        for table in statement.tables:
            if table not in declared:
                self.file.problem(
                    f"the SQL reads {table}, which is not declared.{nearest(table, declared)} "
                    "List it and its columns under `needs:` or `optional:`.",
                    *where,
                )
        return statement

    def _result(self, statement: Statement | None, *where: str | int) -> None:
        if statement is None or statement.columns is None:
            self.columns = None
            return
        names = {column.lower() for column in statement.columns}
        if "id" not in names:
            self.file.problem("the SELECT must return Id.", *where)
        if self.columns is not None:
            self.columns |= names

    def _column(self, name: str, *where: str | int) -> None:
        if self.columns is not None and name.lower() not in self.columns:
            known = sorted(self.columns - _RESULT)
            self.file.problem(f'the SELECT returns no column "{name}".{nearest(name, known)}', *where)

    def _guards(self, params: Mapping[str, Param]) -> tuple[Guard, ...]:
        value = self.data.get("not_evaluated_when") or []
        shaped = isinstance(value, list) and all(
            isinstance(g, dict) and {"when", "reason"} <= set(g) <= {"when", "reason", "kind"} for g in value
        )
        if not shaped:
            self.file.problem(
                "`not_evaluated_when` is a list of {when: SELECT, reason: text}, with kind: when only one is meant.",
                "not_evaluated_when",
            )
            return ()
        for i, guard in enumerate(value):
            self._statement(str(guard["when"]), params, "not_evaluated_when", i)
        return tuple(Guard(str(g["when"]), str(g["reason"]), str(g.get("kind", ""))) for g in value)

    # -- what becomes of a row

    def _messages(self) -> dict[str, str]:
        value = self.data["message"]
        texts = value if isinstance(value, dict) else {"": value}
        messages = {str(kind): str(text) for kind, text in texts.items()}
        for kind, text in messages.items():
            for name in _PLACEHOLDER.findall(text):
                self._column(name, *(("message", kind) if isinstance(value, dict) else ("message",)))
        return messages

    def _similar(self, params: Mapping[str, Param]) -> Similar | None:
        entry = self.data.get("similar")
        if entry is None:
            return None
        named = isinstance(entry, dict) and {"left", "right", "at_least"} <= set(entry) <= set(_SIMILAR)
        if not named or params.get(str(entry["at_least"])) is None:
            self.file.problem("`similar` is {left: column, right: column, at_least: parameter}.", "similar")
            return None
        other = entry.get("other")
        for key in ("left", "right", *(["other"] if other else [])):
            self._column(str(entry[key]), "similar", key)
        return Similar(entry["left"], entry["right"], entry["at_least"], tuple(entry.get("kinds") or ()), other)


def _texts(value: Any) -> list[str]:
    """Every text in a nested value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]


def _is_param(value: Any) -> bool:
    if value is None or isinstance(value, (str, int, float, bool)):
        return True
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [object()]
    return all(isinstance(item, str) for item in items)


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
