"""One snapshot of the live opportunities per day: what forecasts are later judged by."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy import text

from sfsync.warehouse import Warehouse, tables

FIELDS = (
    "AccountId",
    "OwnerId",
    "StageName",
    "ForecastCategory",
    "Amount",
    "Probability",
    "CloseDate",
    "IsClosed",
    "IsWon",
)


def keep_opportunities(con: sa.Connection, warehouse: Warehouse, day: date) -> None:
    """Replace the day's snapshot by the opportunities as they are now. A field the mirror lacks stays null."""
    have = {name.casefold() for name in warehouse.columns(con, "live.Opportunity")}
    fields = [name for name in FIELDS if name.casefold() in have]
    snapshot = tables.opportunity_snapshot
    con.execute(sa.delete(snapshot).where(snapshot.c.day == day))
    con.execute(
        text(
            f"INSERT INTO sfsync.opportunity_snapshot (day, id, {', '.join(fields)}) "
            f"SELECT :day, Id, {', '.join(fields)} FROM live.Opportunity"
        ),
        {"day": day},
    )
