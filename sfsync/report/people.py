"""Duplicates and ownership: records that are one real thing, and who owns what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from sfsync.insight.table import percent, tenth
from sfsync.report.checked import OWNED
from sfsync.report.content import Block, Chart, Column, Record, Section, Table, Text
from sfsync.report.making import Making
from sfsync.rules.rule import SEVERITIES

CLUSTERS = ("group", "sobject", "id", "name", "role", "decision", "score_percent", "owner")
OWNERS = 25
DRAWN = 12
_OPEN = {"Lead": "IsConverted", "Opportunity": "IsClosed"}
"""Only those that still wait for somebody are counted."""


def duplicates_section(making: Making) -> Section:
    return Section("duplicates", "Duplicates", making.block("Duplicates", lambda: _duplicates(making)))


def ownership_section(making: Making) -> Section:
    return Section("ownership", "Ownership", making.block("Ownership", lambda: _ownership(making)))


def _duplicates(making: Making) -> Iterable[Block]:
    if making.stored.last_run("dedupe") is None and not _count(making, "SELECT count(*) FROM sfsync.clusters"):
        yield Text("Duplicates were never looked for. Run `sfsync dedupe`.", "problem")
        return
    sizes = _all(
        making,
        "SELECT sobject, decision, size, count(*) FROM (SELECT sobject, cluster, min(decision) AS decision, "
        "count(*) AS size FROM sfsync.clusters GROUP BY sobject, cluster) x GROUP BY sobject, decision, size "
        "ORDER BY sobject, decision, size",
    )
    if not sizes:
        yield Text("The last search found no duplicates.")
        return
    yield from _cluster_counts(sizes)
    yield _clusters(making, sorted({r[0] for r in sizes}), sum(int(r[3]) for r in sizes))


def _cluster_counts(sizes: Sequence[Any]) -> Iterable[Block]:
    by_size: dict[int, int] = {}
    for _, _, size, n in sizes:
        by_size[min(int(size), 6)] = by_size.get(min(int(size), 6), 0) + int(n)
    labels = [f"{size} records" if size < 6 else "6 and more" for size in sorted(by_size)]
    values = [float(by_size[size]) for size in sorted(by_size)]
    said = ", ".join(f"{label}: {value:,.0f} groups" for label, value in zip(labels, values, strict=True))
    yield Chart("cluster-sizes", "Groups of duplicates by size", "bars", labels, {"groups": values}, "groups", said)
    totals: dict[tuple[str, str], list[int]] = {}
    for sobject, decision, size, n in sizes:
        own = totals.setdefault((sobject, decision), [0, 0, 0])
        own[0] += int(n)
        own[1] += int(n) * int(size)
        own[2] += int(n) * (int(size) - 1)
    columns = (
        Column("sobject", "object"),
        Column("decision", "decision"),
        Column("groups", "groups", "number"),
        Column("records", "records in them", "number"),
        Column("surplus", "records too many", "number"),
    )
    notes = ("`merge`: sure enough to be proposed for merging; `review`: a person has to look.",)
    rows = [(*key, *counts) for key, counts in sorted(totals.items())]
    yield Table("cluster-totals", "Duplicates found", columns, rows, notes)


def _clusters(making: Making, sobjects: Sequence[str], groups: int) -> Table:
    """The first groups, the surest first, each with its members in one row per record."""
    limit = max(making.rows // 2, 1)
    shown, total, file = making.cut("clusters", CLUSTERS, _members(making, sobjects), lambda _, row: row[0] <= limit)
    rows = [
        (number, Record(sobject, id, name), role, decision, score, owner)
        for number, sobject, id, name, role, decision, score, owner in shown
    ]
    columns = (
        Column("group", "group", "number"),
        Column("record", "record", "record"),
        Column("role", "in a merge it"),
        Column("decision", "decision"),
        Column("score", "score %", "percent"),
        Column("owner", "owner"),
    )
    notes = (f"The first {limit:,} of {groups:,} groups.",) if groups > limit else ()
    return Table("clusters", "Groups of duplicates", columns, rows, notes, total, file, long=True)


def _members(making: Making, sobjects: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of CLUSTERS, few in memory at a time; the groups are numbered in their order."""
    named = " UNION ALL ".join(making.named(sobject) for sobject in sobjects)
    users = making.source.users
    sql = sa.text(
        "SELECT c.cluster, c.sobject, c.id, r.name, r.owner, c.master, c.decision, c.score FROM sfsync.clusters c "
        "JOIN (SELECT sobject, cluster, min(decision) AS decision, max(score) AS score FROM sfsync.clusters "
        "GROUP BY sobject, cluster) x ON x.sobject = c.sobject AND x.cluster = c.cluster "
        f"LEFT JOIN ({named}) r ON r.id = c.id ORDER BY x.decision, x.score DESC, c.sobject, c.cluster, "
        "CASE WHEN c.master THEN 0 ELSE 1 END, c.id"
    )
    number, last = 0, None
    for m in making.source.con.execute(sql, execution_options={"stream_results": True}):
        number += (m.sobject, m.cluster) != last
        last = (m.sobject, m.cluster)
        role = "survives" if m.master else "is merged away"
        yield number, m.sobject, m.id, m.name, role, m.decision, tenth(100 * m.score), users.get(m.owner, m.owner)


def _ownership(making: Making) -> Iterable[Block]:
    kept = [sobject for sobject in OWNED if making.source.has(sobject, "OwnerId")]
    if not kept:
        yield Text("None of the objects kept has an owner.", "problem")
        return
    owned: dict[str, dict[str, int]] = {}
    for sobject in kept:
        for owner, n in _all(making, _owned_sql(making, sobject)):
            owned.setdefault(owner or "", {})[sobject] = int(n)
    findings = _findings_by_owner(making, kept)
    active = _active(making)
    order = sorted(set(owned) | set(findings), key=lambda o: (-_weight(findings.get(o, {})), o))
    yield from _drawn(making, order, findings)
    yield _inactive(kept, owned, active)
    yield _owners(making, kept, order, owned, findings, active)


def _owned_sql(making: Making, sobject: str) -> str:
    done = _OPEN.get(sobject)
    where = f"WHERE x.{done} IS NOT TRUE" if done and making.source.has(sobject, done) else ""
    return f"SELECT x.OwnerId, count(*) FROM live.{sobject} x {where} GROUP BY x.OwnerId"


def _findings_by_owner(making: Making, kept: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for sobject in kept:
        for owner, severity, n in _all(
            making,
            f"SELECT x.OwnerId, f.severity, count(*) FROM sfsync.findings f JOIN live.{sobject} x ON x.Id = f.id "
            f"WHERE {making.stored.standing} AND f.sobject = :sobject GROUP BY x.OwnerId, f.severity",
            sobject=sobject,
        ):
            own = found.setdefault(owner or "", {})
            own[severity] = own.get(severity, 0) + int(n)
    return found


def _active(making: Making) -> dict[str, bool]:
    if not making.source.has("User", "IsActive"):
        return {}
    return {id: bool(active) for id, active in _all(making, "SELECT u.Id, u.IsActive FROM live.User u")}


def _drawn(making: Making, order: Sequence[str], findings: dict[str, dict[str, int]]) -> Iterable[Block]:
    first = [owner for owner in order if findings.get(owner)][:DRAWN]
    if not first:
        return
    labels = [_name(making, owner) for owner in first]
    series = {str(s): [float(findings[owner].get(s, 0)) for owner in first] for s in SEVERITIES}
    said = "; ".join(
        f"{label}: " + ", ".join(f"{values[i]:,.0f} {s}" for s, values in series.items())
        for i, label in enumerate(labels)
    )
    title = "Open findings by owner, errors weighing most"
    yield Chart("owner-findings", title, "stacked", labels, series, "findings", said)


def _inactive(kept: Sequence[str], owned: dict[str, dict[str, int]], active: dict[str, bool]) -> Table:
    rows = []
    for sobject in kept:
        total = sum(counts.get(sobject, 0) for counts in owned.values())
        idle = sum(counts.get(sobject, 0) for owner, counts in owned.items() if active.get(owner) is False)
        queued = sum(n.get(sobject, 0) for owner, n in owned.items() if owner.startswith("00G"))
        rows.append((sobject, total, idle, percent(idle, total) if active else None, queued))
    columns = (
        Column("sobject", "object"),
        Column("records", "records", "number"),
        Column("inactive", "owned by inactive users", "number"),
        Column("share", "share %", "percent"),
        Column("queued", "in queues", "number"),
    )
    notes = ["Leads: not converted ones. Opportunities: open ones."]
    if not active:
        notes.append("User is not in the warehouse: who is inactive is not known.")
    return Table("inactive-owners", "Records without an active owner", columns, rows, tuple(notes))


def _owners(
    making: Making,
    kept: Sequence[str],
    order: Sequence[str],
    owned: dict[str, dict[str, int]],
    findings: dict[str, dict[str, int]],
    active: dict[str, bool],
) -> Table:
    limit = min(OWNERS, making.rows)
    every = (
        (
            _name(making, owner),
            _state(owner, active),
            *(owned.get(owner, {}).get(sobject, 0) for sobject in kept),
            *(findings.get(owner, {}).get(severity, 0) for severity in SEVERITIES),
        )
        for owner in order
    )
    names = {"Lead": "leads", "Account": "accounts", "Contact": "contacts", "Opportunity": "open opportunities"}
    columns = (
        Column("owner", "owner"),
        Column("state", "state"),
        *(Column(sobject, names[sobject], "number") for sobject in kept),
        *(Column(f"{s}s", f"{s} findings", "number") for s in SEVERITIES),
    )
    header = [column.name for column in columns]
    shown, total, file = making.cut("owners", header, every, lambda place, _: place < limit)
    return Table("owners", "Owners", columns, shown, (), total, file)


def _state(owner: str, active: dict[str, bool]) -> str | None:
    if owner in active:
        return "active" if active[owner] else "inactive"
    return "queue" if owner.startswith("00G") else None


def _name(making: Making, owner: str) -> str:
    return making.source.users.get(owner) or owner or "(none)"


def _weight(findings: dict[str, int]) -> int:
    """Orders owners: by errors and warnings first, advice last."""
    return 100 * findings.get("error", 0) + 10 * findings.get("warning", 0) + findings.get("info", 0)


def _all(making: Making, sql: str, **values: Any) -> list[Any]:
    return list(making.source.con.execute(sa.text(sql), values))


def _count(making: Making, sql: str) -> int:
    return int(_all(making, sql)[0][0])
