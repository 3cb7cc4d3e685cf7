"""Candidates: the records that share a key with another, found by set-wise SQL (plain DuckDB and PostgreSQL alike).

Only these leave the database, so the Python that compares names never sees the other 95 % of an org.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sfsync.dedupe.compare import Candidate
from sfsync.dedupe.names import split_suffix
from sfsync.dedupe.survive import CHILDREN, NEEDED_FOR_WON, WON, content_fields
from sfsync.errors import WarehouseError
from sfsync.normalise.person import norm_person
from sfsync.warehouse import Warehouse

MAX_BLOCK = 25
"""Above this size a key is a data fault (a junk value, a form robot), not a person: reported, never compared."""


PHONE_DIGITS = 8


@dataclass(frozen=True)
class Block:
    """Records that share one key. `ids` are sorted."""

    kind: str
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Capped:
    """A key too common to compare. The value itself is personal and stays out; `first_id` leads to it."""

    kind: str
    size: int
    first_id: str


@dataclass(frozen=True)
class Blocks:
    in_scope: int
    """Live records looked at."""
    blocks: tuple[Block, ...]
    capped: tuple[Capped, ...]
    candidates: dict[str, Candidate]
    """By Id: everyone who stands in a block."""


def blocks(
    con: sa.Connection,
    warehouse: Warehouse,
    sobject: str,
    *,
    same: Iterable[tuple[str, str]] = (),
) -> Blocks:
    """The blocks of one sObject, by key and Id.

    same: pairs a person called the same, compared whatever their keys.
    Raises WarehouseError when the mirror or its normalised values are not there.
    """
    columns = _columns(con, warehouse, sobject)
    scope = _scope(sobject, columns)
    in_scope = con.execute(sa.text(f"SELECT count(*) FROM {scope}")).scalar_one()
    found, capped = _keys(con, scope)
    wanted = {id for block in found for id in block.ids}
    pairs = [Block("decision", pair) for pair in sorted(set(same))]
    extra = {id for block in pairs for id in block.ids} - wanted
    people = candidates_of(con, warehouse, sobject, columns, sorted(wanted | extra))
    known = tuple(b for b in (*found, *pairs) if all(id in people for id in b.ids))
    return Blocks(in_scope, known, capped, people)


def _columns(con: sa.Connection, warehouse: Warehouse, sobject: str) -> dict[str, str]:
    columns = warehouse.columns(con, f"live.{sobject}")
    if not columns:
        raise WarehouseError(f"{sobject} is not in the warehouse. Run `sfsync pull` first.")
    if not warehouse.has_table(con, f"sfsync.norm_{sobject}"):
        raise WarehouseError(f"{sobject} has no normalised values yet. Run `sfsync check` first.")
    return columns


def _scope(sobject: str, columns: dict[str, str]) -> str:
    open_only = " WHERE l.IsConverted IS NOT TRUE" if "IsConverted" in columns else ""
    return (
        f"(SELECT n.Id, n.email, n.email_role, n.person, n.company, {_phone('Phone', columns)} AS phone, "
        f"{_phone('MobilePhone', columns)} AS mobile "
        f"FROM sfsync.norm_{sobject} n JOIN live.{sobject} l ON l.Id = n.Id{open_only}) AS scope"
    )


def _phone(field: str, columns: dict[str, str]) -> str:
    """The last eight digits, so that a number whose country is not known meets the same number in full."""
    known = {"Phone": "n.phone", "MobilePhone": "n.mobile"}[field]
    raw = f"coalesce({known}, l.{field})" if field in columns else known
    digits = f"regexp_replace({raw}, '[^0-9]', '', 'g')"
    return f"CASE WHEN length({digits}) >= {PHONE_DIGITS} THEN right({digits}, {PHONE_DIGITS}) END"


def _keys(con: sa.Connection, scope: str) -> tuple[list[Block], tuple[Capped, ...]]:
    """One row per record of each shared key; keys too common come back as their size only."""
    by_phone = " UNION ".join(
        f"SELECT 'company_phone' AS kind, company AS a, {phone} AS b, Id FROM scope "
        f"WHERE company IS NOT NULL AND {phone} IS NOT NULL UNION "
        f"SELECT 'person_phone', person, {phone}, Id FROM scope "
        f"WHERE person IS NOT NULL AND {phone} IS NOT NULL"
        for phone in ("phone", "mobile")
    )
    statement = f"""
        WITH scope AS (SELECT * FROM {scope}), keys AS (
            SELECT 'email' AS kind, email AS a, '' AS b, Id FROM scope
            WHERE email IS NOT NULL AND email_role IS NOT TRUE UNION {by_phone}
        ), shared AS (
            SELECT kind, a, b, count(*) AS size, min(Id) AS first_id FROM keys
            GROUP BY kind, a, b HAVING count(*) > 1
        )
        SELECT s.kind, s.first_id, s.size, k.Id, s.a, s.b FROM shared s
        JOIN keys k ON k.kind = s.kind AND k.a = s.a AND k.b = s.b AND (s.size <= :most OR k.Id = s.first_id)
        ORDER BY s.kind, s.a, s.b, k.Id
    """
    found: dict[tuple[Any, ...], list[str]] = {}
    capped: list[Capped] = []
    for kind, first_id, size, id, *key in con.execute(sa.text(statement), {"most": MAX_BLOCK}):
        if size > MAX_BLOCK:
            capped.append(Capped(kind, size, first_id))
        else:
            found.setdefault((kind, *key), []).append(id)
    blocks = [Block(key[0], tuple(ids)) for key, ids in found.items()]
    return blocks, tuple(sorted(capped, key=lambda c: (c.kind, c.first_id, c.size)))


def candidates_of(
    con: sa.Connection, warehouse: Warehouse, sobject: str, columns: dict[str, str], ids: Sequence[str]
) -> dict[str, Candidate]:
    """Everything the comparison and the choice of the master need to know about these records."""

    def column(name: str) -> str:
        return f"l.{name}" if name in columns else "NULL"

    filled = " + ".join(f"CASE WHEN l.{c} IS NULL THEN 0 ELSE 1 END" for c in content_fields(columns)) or "0"
    joins, children = _children(con, warehouse, sobject)
    statement = f"""
        SELECT l.Id, n.email, n.email_role, {column("FirstName")}, {column("LastName")}, {column("Suffix")}, n.person,
            n.company, {_phone("Phone", columns)}, {_phone("MobilePhone", columns)}, {children}, {filled},
            {column("LastActivityDate")}, {column("CreatedDate")}, {_won(con, warehouse, sobject)}
        FROM live.{sobject} l JOIN sfsync.norm_{sobject} n ON n.Id = l.Id {joins} WHERE l.Id IN :ids
        {"AND l.IsConverted IS NOT TRUE" if "IsConverted" in columns else ""}
    """
    query = sa.text(statement).bindparams(sa.bindparam("ids", expanding=True))
    found: dict[str, Candidate] = {}
    for start in range(0, len(ids), 5000):
        for row in con.execute(query, {"ids": list(ids[start : start + 5000])}):
            found[row[0]] = _candidate(row)
    return found


def _children(con: sa.Connection, warehouse: Warehouse, sobject: str) -> tuple[str, str]:
    """(joins, expression) that count the related records of each candidate, as far as their objects are mirrored."""
    joins, terms = [], []
    for i, (child, field) in enumerate(CHILDREN.get(sobject, ())):
        if field in warehouse.columns(con, f"live.{child}"):
            grouped = f"SELECT {field} AS parent, count(*) AS n FROM live.{child} GROUP BY {field}"
            joins.append(f"LEFT JOIN ({grouped}) c{i} ON c{i}.parent = l.Id")
            terms.append(f"coalesce(c{i}.n, 0)")
    return " ".join(joins), " + ".join(terms) or "0"


def _won(con: sa.Connection, warehouse: Warehouse, sobject: str) -> str:
    """An expression: whether the candidate has a won opportunity, as far as they are mirrored."""
    needed = NEEDED_FOR_WON.get(sobject, ())
    if not needed or any(field not in warehouse.columns(con, f"live.{table}") for table, field in needed):
        return "false"
    return f"l.Id IN ({WON[sobject]})"


def _candidate(row: Sequence[Any]) -> Candidate:
    id, email, role, first, last, suffix, person, company, phone, mobile, children, filled, activity, created, won = row
    surname, generation = split_suffix(norm_person(None, last), suffix)
    return Candidate(
        id=id,
        email=None if role else email,
        given=norm_person(first, None),
        surname=surname,
        suffix=generation,
        person=person,
        company=company,
        phones=frozenset(p for p in (phone, mobile) if p),
        children=int(children),
        filled=int(filled),
        last_activity=activity,
        created=created,
        won=bool(won),
    )
