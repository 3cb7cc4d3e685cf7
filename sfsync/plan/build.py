"""Proposals → guards → Plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from sfsync.errors import WrongOrg
from sfsync.model import Change
from sfsync.plan.converts import converts
from sfsync.plan.creates import creates
from sfsync.plan.drafting import Drafting, Wanted
from sfsync.plan.file import write_stream
from sfsync.plan.merges import merges
from sfsync.plan.plan import Plan, object_order
from sfsync.plan.updates import updates
from sfsync.salesforce.ids import to18
from sfsync.warehouse import Warehouse


def build(warehouse: Warehouse, wanted: Wanted) -> Plan:
    """The plan that applies everything wanted.

    All fixes of one record become one Change with a reason each; a fix is taken whole or not at all. What is already
    so in the mirror is left out silently; what a guard or a disagreement keeps out stands in `Plan.refused`. Nothing
    is written anywhere. Raises WrongOrg when the warehouse mirrors another org.
    """
    with _drafting(warehouse, wanted) as drafting:
        changes = tuple(_changes(drafting))
        return _with_refused(replace(_head(wanted), changes=changes), drafting)


def build_file(warehouse: Warehouse, wanted: Wanted, path: str | Path, *, con: sa.Connection | None = None) -> Plan:
    """The same, written to a plan file as it is made: a plan of any size takes little memory.

    con: read by this connection. The plan returned reads its changes from the file. Raises PlanError when the file
    cannot be written.
    """
    with _drafting(warehouse, wanted, con) as drafting:
        written = write_stream(_head(wanted), _changes(drafting), path)
        return _with_refused(written, drafting)


@contextmanager
def _drafting(warehouse: Warehouse, wanted: Wanted, con: sa.Connection | None = None) -> Iterator[Drafting]:
    with nullcontext(con) if con is not None else warehouse.read() as reading:
        _same_org(warehouse.meta(reading), wanted.org_id, wanted.is_sandbox)
        yield Drafting(reading, warehouse, wanted)


def _changes(drafting: Drafting) -> Iterator[Change]:
    """In push order: merges, updates, converts, creates."""
    parts = (merges, updates, converts, creates) if drafting.wanted.findings else (updates,)
    for part in parts:
        yield from map(drafting.counted, part(drafting))
    drafting.brake()


def _head(wanted: Wanted) -> Plan:
    return Plan(to18(wanted.org_id), wanted.instance_url, wanted.is_sandbox, wanted.now.replace(microsecond=0), ())


def _with_refused(plan: Plan, drafting: Drafting) -> Plan:
    refused = sorted(drafting.refused, key=lambda r: (object_order(r.ref.sobject), r.ref.id, r.guard, r.reason))
    return replace(plan, refused=tuple(refused))


def _same_org(meta: Mapping[str, str], org_id: str, is_sandbox: bool) -> None:
    mirrored = meta.get("org_id")
    if mirrored and to18(mirrored) != to18(org_id):
        raise WrongOrg(f"the warehouse mirrors org {mirrored}, not {org_id}. Plan against its own org, or pull anew.")
    flag = meta.get("is_sandbox")
    if flag and (flag == "true") != is_sandbox:
        kind = "a sandbox" if flag == "true" else "production"
        raise WrongOrg(f"the warehouse was pulled from {kind} and org {org_id} says otherwise. Pull again (GUARD-15).")
