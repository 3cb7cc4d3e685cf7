"""What a merge would lose: Salesforce's merge copies nothing from the losers, not even into blank fields.

So before any merge the master's blanks are filled from the other records of its cluster, as ordinary updates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa

from sfsync.dedupe.store import told_apart
from sfsync.plan.mirror import Fields, Row, batched, by_id, places_by_code, read_fields, read_rows
from sfsync.plan.proposal import Proposal
from sfsync.plan.values import Wire, canonical
from sfsync.warehouse import Warehouse

OPT_OUTS = ("HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall")
"""A person's wish holds for all their records: true anywhere is true."""

OLDEST = frozenset({"LeadSource"})
"""Filled from the oldest record: where somebody first came from stays true."""

NEVER = frozenset(
    """Id OwnerId Status RecordTypeId CurrencyIsoCode IndividualId MasterRecordId EmailBouncedDate
    EmailBouncedReason Jigsaw CleanStatus""".split()
)
"""Who works the record in which process is decided by people; what the platform notes belongs to its own record."""

ADDRESS = ("Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode")
GEO = ("Latitude", "Longitude", "GeocodeAccuracy")
"""An address is filled as one: half of one and half of another is the address of nobody."""

CLUSTERS = 2000
"""Of so many the records are held at a time."""

STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")


@dataclass
class Fills:
    """Proposals for the masters of clusters decided "merge"."""

    con: sa.Connection
    warehouse: Warehouse

    def counts(self) -> dict[str, int]:
        """sObject → clusters decided "merge"."""
        if not self.warehouse.has_table(self.con, "sfsync.clusters"):
            return {}
        rows = self.con.execute(
            sa.text("SELECT sobject, count(DISTINCT cluster) FROM sfsync.clusters WHERE decision = 'merge' GROUP BY 1")
        )
        return {str(sobject): int(n) for sobject, n in rows}

    def of(self, sobject: str) -> Iterator[Proposal]:
        """By the master's Id."""
        fields = read_fields(self.con, sobject)
        sql = (
            "SELECT m.id, c.id FROM sfsync.clusters m "
            "JOIN sfsync.clusters c ON c.sobject = m.sobject AND c.cluster = m.cluster "
            "WHERE m.decision = 'merge' AND m.master IS TRUE AND m.sobject = :sobject "
            'AND m.id COLLATE "C" > :after ORDER BY m.id COLLATE "C", c.id COLLATE "C" LIMIT :size'
        )
        members = by_id(self.con, sql, {"sobject": sobject})
        clusters = ((master, [id for _, id in group]) for master, group in groupby(members, key=lambda r: str(r[0])))
        for some in batched(clusters, CLUSTERS):
            yield from self._of_clusters(sobject, some, fields)

    def _of_clusters(self, sobject: str, clusters: Sequence[tuple[str, list[str]]], fields: Fields) -> list[Proposal]:
        names = [*fillable(fields), *STAMPS, "IsConverted"]
        rows = read_rows(self.con, self.warehouse, sobject, {id for _, ids in clusters for id in ids}, names)
        found: list[Proposal] = []
        apart = told_apart(self.con, self.warehouse, sobject)
        for master, ids in clusters:
            if any(id not in rows or rows[id].values.get("IsConverted") is True for id in ids) or apart(ids):
                continue  # the org, or a person, has moved on since the cluster was made
            made = fill(min(ids), rows[master], [rows[id] for id in ids if id != master], fields)
            found += sorted(made, key=lambda p: sorted(p.after))
        return found


def fill(cluster: str, master: Row, others: Sequence[Row], fields: Fields) -> list[Proposal]:
    """What the master takes over from the others: a proposal per field, and one for a whole address."""
    newest = sorted(others, key=_stamp, reverse=True)
    oldest = sorted(others, key=lambda r: (str(r.values.get("CreatedDate") or "9"), r.ref.id))
    found = []
    for after, donor in _taken(master, newest, oldest, fields):
        found.append(Proposal(master.ref, after, {"cluster": cluster, "from": donor.ref.id}, "assisted"))
    return found


def fillable(fields: Fields) -> list[str]:
    """The fields that may be filled: writable, still there; no checkbox, no record's own key, nothing people decide.

    Of a country or state that goes by a code only the code.
    """
    named = places_by_code(fields)
    return [
        f.name
        for f in fields.values()
        if f.updateable
        and not (f.gone or f.identifies)
        and f.name not in NEVER
        and f.name not in named
        and (f.type != "boolean" or f.name in OPT_OUTS)
    ]


def _taken(
    master: Row, newest: Sequence[Row], oldest: Sequence[Row], fields: Fields
) -> Iterator[tuple[dict[str, Wire], Row]]:
    addresses = _addresses(fields)
    in_address = {name for parts in addresses for name in parts}
    for name in fillable(fields):
        if name in in_address or name not in master.values:
            continue
        if name in OPT_OUTS:
            donor = next((r for r in newest if r.values.get(name) is True), None)
            wanted = master.values[name] is not True
        else:
            donors = oldest if name in OLDEST else newest
            donor = next((r for r in donors if not _blank(r.values.get(name))), None)
            wanted = _blank(master.values[name])
        if donor is not None and wanted:
            yield {name: donor.values[name]}, donor
    for parts in addresses:
        yield from _address(master, newest, parts, fields)


def _addresses(fields: Fields) -> list[list[str]]:
    """The parts of each address of the object, as [[Street, City, …]] or [[BillingStreet, …], [ShippingStreet, …]]."""
    names = {n: fields[n.casefold()].name for n in fillable(fields)}
    prefixes = sorted({n.removesuffix("Street") for n in names if n.endswith("Street")})
    return [[p + part for part in (*ADDRESS, *GEO) if p + part in names] for p in prefixes]


def _address(
    master: Row, newest: Sequence[Row], parts: Sequence[str], fields: Fields
) -> Iterator[tuple[dict[str, Wire], Row]]:
    """The missing parts, from the newest record whose address does not contradict what the master has."""
    mine = {p: master.values.get(p) for p in parts}
    for donor in newest:
        theirs = {p: donor.values.get(p) for p in parts}
        both = [p for p in parts if not _blank(mine[p]) and not _blank(theirs[p])]
        missing = {p: v for p, v in theirs.items() if _blank(mine[p]) and not _blank(v)}
        if missing and all(_loosely(mine[p], fields, p) == _loosely(theirs[p], fields, p) for p in both):
            yield missing, donor
            return


def _loosely(value: Wire, fields: Fields, name: str) -> object:
    return (
        " ".join(value.casefold().split()) if isinstance(value, str) else canonical(value, fields[name.casefold()].type)
    )


def _blank(value: Wire) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _stamp(row: Row) -> tuple[str, str]:
    values: Mapping[str, Wire] = row.values
    return (str(values.get("LastModifiedDate") or values.get("SystemModstamp") or ""), row.ref.id)
