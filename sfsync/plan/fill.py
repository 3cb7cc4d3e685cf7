"""What a merge would lose: Salesforce's merge copies nothing from the losers, not even into blank fields.

So before any merge the master's blanks are filled from the other records of its cluster, as ordinary updates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import sqlalchemy as sa

from sfsync.plan.mirror import Fields, Row, read_fields, read_rows
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

STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")


def fills(con: sa.Connection, warehouse: Warehouse) -> tuple[list[Proposal], int]:
    """(proposals for the masters of clusters decided "merge", by Id; how many such clusters there are)."""
    if not warehouse.has_table(con, "sfsync.clusters"):
        return [], 0
    rows = con.execute(
        sa.text(
            "SELECT sobject, cluster, id, master FROM sfsync.clusters WHERE decision = 'merge' "
            "ORDER BY sobject, cluster, id"
        )
    ).all()
    found: list[Proposal] = []
    for sobject, members in groupby(rows, key=lambda r: str(r[0])):
        found += _of_object(con, warehouse, sobject, [(r[1], r[2], r[3]) for r in members])
    return found, len({(r[0], r[1]) for r in rows})


def fill(cluster: str, master: Row, others: Sequence[Row], fields: Fields) -> list[Proposal]:
    """What the master takes over from the others: a proposal per field, and one for a whole address."""
    newest = sorted(others, key=_stamp, reverse=True)
    oldest = sorted(others, key=lambda r: (str(r.values.get("CreatedDate") or "9"), r.ref.id))
    found = []
    for after, donor in _taken(master, newest, oldest, fields):
        found.append(Proposal(master.ref, after, {"cluster": cluster, "from": donor.ref.id}, "assisted"))
    return found


def fillable(fields: Fields) -> list[str]:
    """The fields that may be filled: writable, still there; no checkbox, no record's own key, nothing people decide."""
    return [
        f.name
        for f in fields.values()
        if f.updateable
        and not (f.gone or f.identifies)
        and f.name not in NEVER
        and (f.type != "boolean" or f.name in OPT_OUTS)
    ]


def _of_object(
    con: sa.Connection, warehouse: Warehouse, sobject: str, members: Sequence[tuple[str, str, bool]]
) -> list[Proposal]:
    fields = read_fields(con, warehouse, sobject)
    names = [*fillable(fields), *STAMPS, "IsConverted"]
    rows = read_rows(con, warehouse, sobject, {id for _, id, _ in members}, names)
    found: list[Proposal] = []
    for cluster, group in groupby(members, key=lambda m: m[0]):
        ids = list(group)
        if any(id not in rows or rows[id].values.get("IsConverted") is True for _, id, _ in ids):
            continue  # the org has moved on since the cluster was made
        master = next(rows[id] for _, id, chosen in ids if chosen)
        found += fill(cluster, master, [rows[id] for _, id, chosen in ids if not chosen], fields)
    return sorted(found, key=lambda p: (p.ref, sorted(p.after)))


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
