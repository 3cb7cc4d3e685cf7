"""Describe → columns. Schema changes only ever add or widen; a field that vanished keeps its column and values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sfsync.warehouse import dialect, tables

OWN_COLUMNS = {"_deleted_reason": "TEXT", "_pulled_at": "TIMESTAMP WITH TIME ZONE"}

_PLAIN = {
    "boolean": "BOOLEAN",
    "int": "BIGINT",
    "long": "BIGINT",
    "date": "DATE",
    "datetime": "TIMESTAMP WITH TIME ZONE",
    "time": "TIME",
}
_EXACT = {"currency", "double", "percent"}


@dataclass(frozen=True)
class Drift:
    """How an sObject's fields differ from those of the last pull."""

    created: bool
    """The table is new."""
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    """Fields the org no longer shows to this user, newly so."""
    retyped: tuple[str, ...] = ()


def sql_type(field: Mapping[str, Any]) -> str:
    """The column type of a described field. Unknown describe types become text.

    Numbers are exact decimals of the described precision and scale; formula results carry more digits than the field
    shows, so they get room.
    """
    kind = field["type"]
    if kind in _EXACT:
        precision, scale = int(field.get("precision") or 0), int(field.get("scale") or 0)
        if not precision or field.get("calculated"):
            return f"DECIMAL(38,{min(max(scale, 12), 20)})"
        return f"DECIMAL({min(max(precision, scale + 1), 38)},{min(scale, 37)})"
    return _PLAIN.get(kind, "TEXT")


def widened(old: str, new: str) -> str:
    """A type that holds every value of both."""
    if old == new:
        return old
    a, b = (re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", t) for t in (old, new))
    if a and b:
        whole = max(int(m[1]) - int(m[2]) for m in (a, b))
        scale = max(int(m[2]) for m in (a, b))
        if whole + scale <= 38:
            return f"DECIMAL({whole + scale},{scale})"
    return "TEXT"


def ensure(con: sa.Connection, sobject: str, described: Sequence[Mapping[str, Any]], now: datetime) -> Drift:
    """Bring salesforce.<sobject>, live.<sobject> and sfsync.fields up to the describe, in the caller's transaction."""
    known = {row.field: row for row in con.execute(sa.select(tables.fields).where(tables.fields.c.sobject == sobject))}
    wanted = {f["name"]: sql_type(f) for f in described}
    created = not known
    added = tuple(name for name in wanted if name not in known)
    gone = tuple(name for name, row in known.items() if name not in wanted and row.gone_at is None)
    retyped = []
    sql = dialect.of(con)
    declared = {f["name"]: sql.declared(wanted[f["name"]], f["type"]) for f in described}
    if created:
        columns = {**declared, **OWN_COLUMNS}
        con.exec_driver_sql(
            f"CREATE TABLE salesforce.{sobject} ({', '.join(f'{column(n)} {t}' for n, t in columns.items())})"
        )
    else:
        for name in added:
            con.exec_driver_sql(f"ALTER TABLE salesforce.{sobject} ADD COLUMN {column(name)} {declared[name]}")
        for name, row in known.items():
            kind = widened(row.sql_type, wanted.get(name, row.sql_type))
            if kind != row.sql_type:
                sql.retype(con, sobject, column(name), kind)
                retyped.append(name)
            if name in wanted:
                wanted[name] = kind
    if created or added or retyped:
        _replace_view(con, sobject, [*known, *added])
    _write_fields(con, sobject, described, wanted, known, now)
    return Drift(created, () if created else added, gone, tuple(retyped))


def types(con: sa.Connection, sobject: str) -> dict[str, str]:
    """Field → column type, every column of the mirror but our own two, in describe order."""
    c = tables.fields.c
    rows = con.execute(sa.select(c.field, c.sql_type).where(c.sobject == sobject).order_by(c.ordinal))
    return {row.field: row.sql_type for row in rows}


def column(name: str) -> str:
    """A column's name in SQL: never quoted, unless the database could not read it otherwise."""
    return f'"{name}"' if name.casefold() in _RESERVED else name


def _replace_view(con: sa.Connection, sobject: str, fields: Sequence[str]) -> None:
    alive = "_deleted_reason IS NULL" + (" AND IsDeleted IS NOT TRUE" if "IsDeleted" in fields else "")
    con.exec_driver_sql(f"CREATE OR REPLACE VIEW live.{sobject} AS SELECT * FROM salesforce.{sobject} WHERE {alive}")


def _write_fields(
    con: sa.Connection,
    sobject: str,
    described: Sequence[Mapping[str, Any]],
    kinds: Mapping[str, str],
    known: Mapping[str, Any],
    now: datetime,
) -> None:
    here = {f["name"] for f in described}
    rows = [_field_row(sobject, i, f, kinds[f["name"]]) for i, f in enumerate(described)]
    for name, old in known.items():
        if name not in here:
            rows.append({**old._mapping, "ordinal": len(rows), "gone_at": old.gone_at or now})
    same = len(rows) == len(known) and all(
        name in known and dict(known[name]._mapping) == row for row in rows if (name := row["field"])
    )
    if same:
        return
    con.execute(sa.delete(tables.fields).where(tables.fields.c.sobject == sobject))
    con.execute(sa.insert(tables.fields), rows)


def _field_row(sobject: str, ordinal: int, f: Mapping[str, Any], kind: str) -> dict[str, Any]:
    values = [v["value"] for v in f.get("picklistValues") or () if v.get("active", True)]
    return {
        "sobject": sobject,
        "field": f["name"],
        "ordinal": ordinal,
        "type": f["type"],
        "label": f.get("label"),
        "length": f.get("length"),
        "precision": f.get("precision"),
        "scale": f.get("scale"),
        "nillable": f.get("nillable"),
        "createable": f.get("createable"),
        "updateable": f.get("updateable"),
        "calculated": f.get("calculated", False),
        "restricted": f.get("restrictedPicklist", False),
        "identifies": bool(f.get("unique") or f.get("externalId")),
        "picklist": json.dumps(values, ensure_ascii=False) if f["type"] in ("picklist", "multipicklist") else None,
        "reference_to": json.dumps(f.get("referenceTo") or []) if f["type"] == "reference" else None,
        "sql_type": kind,
        "gone_at": None,
    }


_RESERVED = frozenset(
    """all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
    current_date current_role current_time current_timestamp current_user default deferrable desc distinct do else end
    except false fetch for foreign from grant group having in initially intersect into lambda lateral leading limit
    localtime localtimestamp not null offset on only or order placing pivot primary qualify references returning select
    session_user some summarize symmetric table then to trailing true union unique unpivot user using variadic when
    where window with""".split()
)
"""Words DuckDB or PostgreSQL reserve. Source: keyword appendix of the PostgreSQL manual, duckdb_keywords()."""
