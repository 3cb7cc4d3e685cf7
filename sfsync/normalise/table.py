"""`sfsync.norm_<sObject>`: the normalised values of every live record, computed once per change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import phonenumbers
import sqlalchemy as sa

from sfsync.errors import MappingError, nearest
from sfsync.model import Value
from sfsync.normalise.beside import Rows, spread
from sfsync.normalise.columns import COLUMNS, SOURCES, Sources
from sfsync.normalise.company import norm_company
from sfsync.normalise.country import country_code
from sfsync.normalise.email import (
    is_disposable_domain,
    is_free_domain,
    is_role,
    norm_email,
    repair_email,
    valid_email,
)
from sfsync.normalise.fold import blank
from sfsync.normalise.lists import Lists, shipped_lists
from sfsync.normalise.person import norm_person
from sfsync.normalise.phone import norm_phone
from sfsync.normalise.text import find_text_issue, is_placeholder, number_tokens, repair_text, suggest_text
from sfsync.normalise.url import web_domain
from sfsync.warehouse import Warehouse, dialect

VERSION = "3"
"""Raised with every change of a normaliser's results: rows of another version are computed again."""
CHUNK = 10_000
"""Records held in memory at a time."""


def refresh(warehouse: Warehouse, sobject: str, *, lists: Lists | None = None) -> int:
    """Bring `sfsync.norm_<sobject>` up to `live.<sobject>`, in one transaction; creates the table if it is missing.

    Computes only new rows, rows whose SystemModstamp differs and rows of another normaliser or other lists; drops the
    rows of records that are no longer live. Fields the mirror lacks give nulls. Returns how many rows were computed;
    0 when the object is not mirrored. Raises MappingError for an sObject that has nothing to normalise.
    """
    if sobject not in SOURCES:
        raise MappingError(f"nothing of {sobject} is normalised.{nearest(sobject, list(SOURCES))}")
    with warehouse.write() as con:
        return refresh_in(con, warehouse, sobject, lists or shipped_lists())


def refresh_in(con: sa.Connection, warehouse: Warehouse, sobject: str, lists: Lists) -> int:
    """`refresh` inside the caller's transaction, of an sObject that has something to normalise."""
    known = {name.casefold(): name for name in warehouse.columns(con, f"live.{sobject}")}
    if not known:
        return 0
    fields = [field for field in SOURCES[sobject].fields if field.casefold() in known]
    version = _version(fields, lists)
    _create(warehouse, con, sobject)
    dialect.of(con).make_room(con, len(COLUMNS))
    _drop_outdated(con, sobject, version)
    results = spread(Work(sobject, fields, version, lists), _missing(con, sobject, fields))
    return sum(warehouse.load(con, f"sfsync.norm_{sobject}", list(COLUMNS), rows) for rows in results)


def refresh_all(warehouse: Warehouse, lists: Lists, progress: Callable[[str, int, int | None], None]) -> None:
    """`refresh` every sObject that has something to normalise; progress: ("normalise", objects done, of how many)."""
    for done, sobject in enumerate(SOURCES):
        progress("normalise", done, len(SOURCES))
        refresh(warehouse, sobject, lists=lists)
    progress("normalise", len(SOURCES), len(SOURCES))


def behind(con: sa.Connection, sobject: str) -> int:
    """How many live records have no row in `sfsync.norm_<sobject>`, or one of before their last change."""
    count = f"SELECT count(*) FROM live.{sobject} l WHERE {_NO_ROW.format(sobject)}"
    return int(con.exec_driver_sql(count).scalar_one())


@dataclass(frozen=True)
class Work:
    """Rows as `_missing` gives them → rows of COLUMNS."""

    sobject: str
    fields: Sequence[str]
    version: str
    lists: Lists

    def __call__(self, rows: Rows) -> Rows:
        normalise = normaliser(SOURCES[self.sobject], self.lists)
        return [
            (id, stamp, self.version, *normalise(dict(zip(self.fields, values, strict=True))))
            for id, stamp, *values in rows
        ]


def normaliser(sources: Sources, lists: Lists) -> Callable[[Mapping[str | None, Any]], tuple[Value, ...]]:
    """record → the values of COLUMNS after `version`, in their order."""

    first_name, last_name = sources.person or (None, None)

    def values(record: Mapping[str | None, Any]) -> tuple[Value, ...]:
        text = record.get  # of None: None
        country = next((value for field in sources.country if not blank(value := text(field))), None)
        return (
            *_email_values(text(sources.email), lists),
            norm_phone(text(sources.phone), country or lists.phone_country, lists),
            norm_phone(text(sources.mobile), country or lists.phone_country, lists),
            norm_company(text(sources.company), lists),
            norm_person(text(first_name), text(last_name)),
            country_code(country, lists),
            site := web_domain(text(sources.web_domain)),
            is_free_domain(site, lists) if site else None,
            *_text_values({field: text(field) for field in sources.text}, lists),
            number_tokens(text(sources.numbers)) if sources.numbers else None,
            _listed([field for field in sources.placeholders if is_placeholder(text(field), lists)]),
        )

    return values


def _listed(fields: Sequence[str]) -> str | None:
    return f",{','.join(fields)}," if fields else None


def _email_values(text: str | None, lists: Lists) -> tuple[Value, ...]:
    if blank(text):
        return (None,) * 7
    address = norm_email(text)
    local, _, domain = address.partition("@") if address else ("", "", None)
    valid = text == address or valid_email(text)
    return (
        address,
        domain,
        valid,
        None if valid else repair_email(text),
        is_free_domain(domain, lists) if domain else None,
        is_disposable_domain(domain, lists) if domain else None,
        is_role(local, lists) if domain else None,
    )


def _text_values(fields: Mapping[str, str | None], lists: Lists) -> tuple[Value, ...]:
    found = find_text_issue(fields, lists)
    if found is None:
        return (None,) * 4
    issue, field = found
    return issue, field, repair_text(fields[field]), suggest_text(fields[field])


def _version(fields: Sequence[str], lists: Lists) -> str:
    parts = (VERSION, lists.digest, phonenumbers.__version__, *fields)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


_NO_ROW = (
    "NOT EXISTS (SELECT 1 FROM sfsync.norm_{0} n"
    " WHERE n.Id = l.Id AND n.SystemModstamp IS NOT DISTINCT FROM l.SystemModstamp)"
)


def _create(warehouse: Warehouse, con: sa.Connection, sobject: str) -> None:
    there = warehouse.columns(con, f"sfsync.norm_{sobject}")
    if there and [name.casefold() for name in there] != [name.casefold() for name in COLUMNS]:
        con.exec_driver_sql(f"DROP TABLE sfsync.norm_{sobject}")  # made by another version
    declared = {**COLUMNS, "Id": dialect.of(con).declared(COLUMNS["Id"], "id")}
    columns = ", ".join(f"{name} {kind}" for name, kind in declared.items())
    con.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS sfsync.norm_{sobject} ({columns})")


def _drop_outdated(con: sa.Connection, sobject: str, version: str) -> None:
    con.execute(
        sa.text(
            f"DELETE FROM sfsync.norm_{sobject} WHERE version <> :version OR NOT EXISTS "
            f"(SELECT 1 FROM live.{sobject} l WHERE l.Id = norm_{sobject}.Id "
            f"AND l.SystemModstamp IS NOT DISTINCT FROM norm_{sobject}.SystemModstamp)"
        ),
        {"version": version},
    )


def _missing(con: sa.Connection, sobject: str, fields: Sequence[str]) -> Iterator[Rows]:
    """Id, SystemModstamp (as text, for the database) and the fields of live records without a row, in chunks.

    In no order: a sort of a million rows takes more memory than the rest. They are looked for once and numbered in a
    table of their own: looking again for each chunk takes a scan each time.
    """
    names = ["Id", "stamp", *fields]
    chosen = ["l.Id", "CAST(l.SystemModstamp AS TEXT) AS stamp", *(f"l.{name}" for name in fields)]
    todo = f"sfsync.norm_{sobject}_todo"
    con.exec_driver_sql(f"DROP TABLE IF EXISTS {todo}")
    con.exec_driver_sql(
        f"CREATE TABLE {todo} AS SELECT row_number() OVER () AS place, {', '.join(chosen)} "
        f"FROM live.{sobject} l WHERE {_NO_ROW.format(sobject)}"
    )
    query = sa.text(f"SELECT {', '.join(names)} FROM {todo} WHERE place > :after AND place <= :until")
    after = 0
    while rows := con.execute(query, {"after": after, "until": after + CHUNK}).all():
        yield [tuple(row) for row in rows]
        after += CHUNK
    con.exec_driver_sql(f"DROP TABLE {todo}")
