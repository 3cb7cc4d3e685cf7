"""The findings of a check on their way into sfsync.findings: the database assembles them, row by row it is never ours.

A rule's rows stand in a table; from there message, severity, kind and fix are put together by one INSERT.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sfsync.model import Finding, Ref, Severity
from sfsync.rules.fixes import fix_change, fix_sql
from sfsync.rules.rule import SEVERITIES, Part, text_sql
from sfsync.rules.settings import ActiveRule
from sfsync.rules.sql import SqlProblem
from sfsync.warehouse.draft import Draft

COLUMNS = ("rule", "kind", "sobject", "id", "severity", "message", "fix")
_FIRST = 'message COLLATE "C", severity, fix'
_TWICE = "sfsync_twice"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Staged:
    """What a part of a rule brought."""

    findings: int
    """One for each identity."""
    records: int
    """On so many records."""


class Stage:
    """The table where findings wait; see COLUMNS."""

    def __init__(self, draft: Draft):
        self.draft = draft
        self.table = draft.kept("sfsync_stage")
        with draft.attempt():
            draft.create(self.table, ", ".join(f"{column} TEXT" for column in COLUMNS))

    def add(self, active: ActiveRule, part: Part, source: str, left_out: Collection[str] = ()) -> Staged:
        """Put the rows of a table in as findings of the rule's part; those of the kinds left out are skipped.

        Of several rows with one identity, the one whose message sorts first. Raises SqlProblem for a row without Id
        and for a severity there is none of.
        """
        columns = self._columns(source, typed=bool(active.rule.fixes))
        rows = _Rows(active, part, source, columns, left_out)
        count, staged = self._count(rows)
        if count:
            self.draft.con.exec_driver_sql(
                f"INSERT INTO {self.table} {rows.first_of_each() if staged.findings < count else rows.select()}",
                execution_options={"no_parameters": True},
            )
        return staged

    def settle(self, rule: str) -> Staged:
        """One finding for each identity of a rule whose parts may have named the same records."""
        columns = ", ".join(COLUMNS)
        self.draft.fill(
            _TWICE,
            f"SELECT {columns} FROM (SELECT s.*, row_number() OVER (PARTITION BY sobject, id, kind ORDER BY {_FIRST}) "
            f"AS place FROM {self.table} s WHERE rule = {text_sql(rule)}) x WHERE place = 1",
        )
        self.forget([rule])
        con = self.draft.con
        con.exec_driver_sql(f"INSERT INTO {self.table} SELECT {columns} FROM {_TWICE}")
        counts = f"SELECT count(*), count(DISTINCT sobject || ' ' || id) FROM {_TWICE}"
        return Staged(*map(int, con.exec_driver_sql(counts).one()))

    def forget(self, rules: Iterable[str]) -> None:
        for code in rules:
            with self.draft.attempt():
                self.draft.con.exec_driver_sql(f"DELETE FROM {self.table} WHERE rule = {text_sql(code)}")

    def findings(self) -> list[Finding]:
        """All of them, sorted by identity: for a small world."""
        rows = self.draft.con.exec_driver_sql(f"SELECT {', '.join(COLUMNS)} FROM {self.table} ORDER BY 1, 3, 4, 2")
        return [finding(*row) for row in rows]

    def _columns(self, source: str, *, typed: bool) -> dict[str, str]:
        """Column in small letters → its type, "" unless asked for."""
        con = self.draft.con
        names = [str(n).lower() for n in con.exec_driver_sql(f"SELECT * FROM {source} LIMIT 0").keys()]  # noqa: SIM118
        if not typed:
            return dict.fromkeys(names, "")
        types = ", ".join(f"CAST(pg_typeof(r.{name}) AS TEXT)" for name in names)
        told = con.exec_driver_sql(f"SELECT {types} FROM (SELECT 1 AS one) o LEFT JOIN {source} r ON 1 = 0").one()
        return {name: str(kind).lower() for name, kind in zip(names, told, strict=True)}

    def _count(self, rows: _Rows) -> tuple[int, Staged]:
        count, findings, records, nameless, wrong = self.draft.con.exec_driver_sql(
            rows.counts(), execution_options={"no_parameters": True}
        ).one()
        if nameless:
            raise SqlProblem("a row without Id was returned.")
        if wrong is not None:
            raise SqlProblem(f'severity "{wrong}" must be error, warning or info.')
        return int(count), Staged(int(findings), int(records))


class _Rows:
    """The SQL that makes findings of the rows of a table."""

    def __init__(
        self, active: ActiveRule, part: Part, source: str, columns: Mapping[str, str], left_out: Collection[str]
    ):
        self.active, self.rule, self.columns = active, active.rule, columns
        self.kind = "coalesce(CAST(r.kind AS TEXT), '')" if "kind" in columns else "''"
        whose = text_sql(part.sobject)
        self.sobject = f"coalesce(nullif(CAST(r.sobject AS TEXT), ''), {whose})" if "sobject" in columns else whose
        self.told = "severity" in columns and active.severity is None
        kinds = ", ".join(text_sql(kind) for kind in sorted(left_out))
        self.source = f"{source} r" + (f" WHERE {self.kind} NOT IN ({kinds})" if kinds else "")

    def counts(self) -> str:
        """One row: rows, identities, records, rows without Id, a severity that is none."""
        known = ", ".join(map(text_sql, SEVERITIES))
        wrong = f"min(CASE WHEN r.severity NOT IN ({known}) THEN r.severity END)" if self.told else "CAST(NULL AS TEXT)"
        by_kind = (
            f"SELECT {self.sobject} AS sobject, CAST(r.id AS TEXT) AS id, {self.kind} AS kind, count(*) AS n, "
            f"{wrong} AS wrong FROM {self.source} GROUP BY 1, 2, 3"
        )
        by_record = (
            f"SELECT sobject, id, count(*) AS kinds, sum(n) AS n, min(wrong) AS wrong FROM ({by_kind}) k GROUP BY 1, 2"
            if "kind" in self.columns
            else f"SELECT sobject, id, 1 AS kinds, n, wrong FROM ({by_kind}) k"
        )
        return (
            "SELECT coalesce(sum(n), 0), coalesce(sum(kinds), 0), count(*), "
            f"coalesce(sum(CASE WHEN coalesce(id, '') = '' THEN 1 ELSE 0 END), 0), min(wrong) FROM ({by_record}) x"
        )

    def select(self) -> str:
        return (
            f"SELECT {text_sql(self.rule.code)} AS rule, {self.kind} AS kind, {self.sobject} AS sobject, "
            f"CAST(r.id AS TEXT) AS id, {self._severity()} AS severity, {self._message()} AS message, "
            f"{fix_sql(self.active, self.kind, self.columns)} AS fix FROM {self.source}"
        )

    def first_of_each(self) -> str:
        return (
            f"SELECT {', '.join(COLUMNS)} FROM (SELECT x.*, row_number() OVER (PARTITION BY sobject, id, kind "
            f"ORDER BY {_FIRST}) AS place FROM ({self.select()}) x) y WHERE place = 1"
        )

    def _severity(self) -> str:
        usual = text_sql(self.active.severity or self.rule.severity)
        return f"coalesce(CAST(r.severity AS TEXT), {usual})" if self.told else usual

    def _message(self) -> str:
        texts = dict(self.rule.message)
        usual = self._filled(texts.pop("", self.rule.title))
        cases = "".join(f" WHEN {text_sql(kind)} THEN {self._filled(text)}" for kind, text in texts.items())
        return f"CASE {self.kind}{cases} ELSE {usual} END" if cases else usual

    def _filled(self, text: str) -> str:
        """A template with what its columns say in place of {column}."""
        parts = []
        for i, piece in enumerate(_PLACEHOLDER.split(text)):
            if i % 2 and piece.lower() in self.columns:
                parts.append(f"coalesce(CAST(r.{piece} AS TEXT), '(empty)')")
            elif piece:
                parts.append(text_sql("(empty)" if i % 2 else piece))
        return " || ".join(parts) or "''"


def finding(rule: str, kind: str, sobject: str, id: str, severity: Severity, message: str, fix: str | None) -> Finding:
    """A row with COLUMNS as a value."""
    ref = Ref(sobject, id)
    return Finding(rule, kind, ref, severity, message, fix_change(fix, rule, kind, ref))
