"""When a record was last worked on, from the tasks in the mirror."""

from __future__ import annotations

from sfsync.insight.source import Source

RECENT_DAYS = 30


def last_touch(source: Source, link: str) -> str:
    """A SELECT of id, day (last completed task up to as_of) and recent (how many in the last 30 days).

    link: the Task's field that names the record, WhoId or WhatId. Empty when the mirror keeps no tasks.
    """
    if not source.has("Task", link, "IsClosed"):
        return "SELECT CAST(NULL AS text) AS id, CAST(NULL AS date) AS day, 0 AS recent WHERE 1 = 0"
    done = source.column("Task", "t", "CompletedDateTime", "timestamp with time zone")
    due = source.column("Task", "t", "ActivityDate", "date")
    made = source.column("Task", "t", "CreatedDate", "timestamp with time zone")
    day = f"COALESCE(local_date({done}), {due}, local_date({made}))"
    return (
        "SELECT c.id, MAX(c.day) AS day, "
        f"SUM(CASE WHEN days_between(c.day, as_of()) < {RECENT_DAYS} THEN 1 ELSE 0 END) AS recent "
        f"FROM (SELECT t.{link} AS id, {day} AS day FROM live.Task t WHERE t.IsClosed IS TRUE "
        f"AND t.{link} IS NOT NULL) c WHERE c.day <= as_of() GROUP BY c.id"
    )


def touched(source: Source, sobject: str, alias: str, tasks: str) -> str:
    """The later of LastActivityDate and the last completed task; a planned activity does not count."""
    activity = source.column(sobject, alias, "LastActivityDate", "date")
    return f"greatest2(CASE WHEN {activity} <= as_of() THEN {activity} END, {tasks}.day)"
