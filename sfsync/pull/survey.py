"""What a pull would read: every window, decided from describes, counts and what earlier pulls left."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.config import PullConfig
from sfsync.mapping import ObjectMapping
from sfsync.pull.look import Describes, Look, Looker
from sfsync.pull.state import State, check_org, read_state
from sfsync.pull.window import Window, window
from sfsync.salesforce.ids import to18
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse


@dataclass(frozen=True)
class Survey:
    """What a pull would read: asked of the org before anything is read or written."""

    org_id: str
    until: datetime
    """The org's clock before the first question: where the cursors will stand."""
    state: State
    look: Look
    looker: Looker
    place: Path
    """The folder for the staged pages of this org on their way into this warehouse."""


def survey(
    org: Org,
    warehouse: Warehouse,
    mappings: Sequence[ObjectMapping],
    config: PullConfig,
    *,
    full: bool = False,
    asked: Collection[str] = (),
    since: datetime | None = None,
) -> Survey:
    """Decide every window. Costs describes and counts (or the rows themselves, where they are few).

    Raises WrongOrg and MappingError.
    """
    org_id = to18(org.identity().org_id)
    state = read_state(warehouse)
    check_org(state, org_id, org.instance_url)
    until = org.server_time().replace(microsecond=0)
    due = [m for m in mappings if full or since or m.sobject in asked or state.due(m, until)]

    def window_of(mapping: ObjectMapping, describe: Mapping[str, Any]) -> Window:
        cursor, known = state.cursors.get(mapping.sobject), state.known.get(mapping.sobject, {})
        return window(
            mapping,
            describe,
            cursor,
            known,
            overlap=config.overlap,
            start=config.start,
            formulas_every=config.formulas_every,
            now=until,
            full=full,
            again=since,
        )

    looker = Looker(org, Describes(config.staging, org), window_of, until)
    return Survey(org_id, until, state, looker.look(due), looker, _place(config.staging / org_id, warehouse))


def _place(folder: Path, warehouse: Warehouse) -> Path:
    """One for each warehouse: two of one org may be filled at the same time, from the same page names."""
    return folder / hashlib.sha256(warehouse.name.encode()).hexdigest()[:8]
