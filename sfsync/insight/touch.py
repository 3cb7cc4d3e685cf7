"""When a record was worked on, from the tasks in the mirror."""

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


def attempts(source: Source) -> str:
    """A SELECT of id (lead), at and owner (of the task): each time somebody tried to get in touch with a lead.

    Completed tasks on the lead, or on the contact it became, that are no inbound calls; and the first call and e-mail
    times of Sales Engagement, which name nobody.
    """
    moment = "timestamp with time zone"
    found = [
        f"SELECT l.Id AS id, l.{name} AS at, CAST(NULL AS text) AS owner FROM live.Lead l WHERE l.{name} IS NOT NULL"
        for name in ("FirstCallDateTime", "FirstEmailDateTime")
        if source.has("Lead", name)
    ]
    if source.has("Task", "WhoId", "IsClosed"):
        done = source.column("Task", "t", "CompletedDateTime", moment)
        made = source.column("Task", "t", "CreatedDate", moment)
        inbound = source.column("Task", "t", "CallType", "text")
        tasks = (
            f"SELECT t.WhoId AS who, COALESCE({done}, {made}) AS at, {source.column('Task', 't', 'OwnerId', 'text')} "
            "AS owner FROM live.Task t "
            f"WHERE t.IsClosed IS TRUE AND t.WhoId IS NOT NULL AND COALESCE({inbound}, '') <> 'Inbound'"
        )
        found.append(f"SELECT t.who AS id, t.at, t.owner FROM ({tasks}) t")
        contact = source.column("Lead", "l", "ConvertedContactId", "text")
        found.append(f"SELECT l.Id AS id, t.at, t.owner FROM live.Lead l JOIN ({tasks}) t ON t.who = {contact}")
    nothing = f"SELECT CAST(NULL AS text) AS id, CAST(NULL AS {moment}) AS at, CAST(NULL AS text) AS owner WHERE 1 = 0"
    return " UNION ALL ".join(found) or nothing
