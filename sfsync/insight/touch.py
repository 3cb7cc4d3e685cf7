"""When a record was worked on, from the tasks in the mirror, as the rules' views count it."""

from __future__ import annotations

from sfsync.insight.source import Source

RECENT_DAYS = 30


def contact(source: Source, alias: str) -> str:
    """A condition: the task is completed and none of those that the config says are no contact."""
    return " AND ".join([f"{alias}.IsClosed IS TRUE", *_none_of(source, alias, "touch_exclude_subjects")])


def done_on(source: Source, alias: str) -> str:
    """The day a completed task was done: that of its completion, else its due day, else that of its creation."""
    done = source.column("Task", alias, "CompletedDateTime", "timestamp with time zone")
    due = source.column("Task", alias, "ActivityDate", "date")
    made = source.column("Task", alias, "CreatedDate", "timestamp with time zone")
    return f"COALESCE(local_date({done}), {due}, local_date({made}))"


def touches(source: Source, sobject: str, alias: str) -> str:
    """The joins that `touched` needs, to the records of that alias; `t.recent` is how many of the last 30 days."""
    return f"LEFT JOIN ({_tasks(source, _link(sobject))}) t ON t.id = {alias}.Id {left_out(source, sobject, alias)}"


def touched(source: Source, sobject: str, alias: str) -> str:
    """The day of the last touch up to as_of: the later of LastActivityDate and the last completed task.

    A planned activity does not count. Needs the joins of `touches`.
    """
    activity = active_on(source, sobject, alias)
    return f"greatest2(CASE WHEN {activity} <= as_of() THEN {activity} END, t.day)"


def left_out(source: Source, sobject: str, alias: str) -> str:
    """The join that `active_on` needs; none where no task is left out."""
    link = _link(sobject)
    kept = _none_of(source, "x", "touch_exclude_subjects")
    if not kept or not source.has(sobject, "LastActivityDate") or not source.has("Task", link, "ActivityDate"):
        return ""
    days = (
        f"SELECT DISTINCT x.{link} AS id, x.ActivityDate AS day FROM live.Task x "
        f"WHERE x.IsClosed IS TRUE AND NOT ({' AND '.join(kept)})"
    )
    return f"LEFT JOIN ({days}) no_touch ON no_touch.id = {alias}.Id AND no_touch.day = {alias}.LastActivityDate"


def active_on(source: Source, sobject: str, alias: str) -> str:
    """LastActivityDate, which Salesforce takes from any task; null where it is the day of one that is left out."""
    activity = source.column(sobject, alias, "LastActivityDate", "date")
    return f"CASE WHEN no_touch.day IS NULL THEN {activity} END" if left_out(source, sobject, alias) else activity


def _link(sobject: str) -> str:
    """The Task's field that names such a record."""
    return "WhoId" if sobject in ("Lead", "Contact") else "WhatId"


def _tasks(source: Source, link: str) -> str:
    """id, day (last completed task up to as_of), recent; empty when the mirror keeps no tasks."""
    if not source.has("Task", link, "IsClosed"):
        return "SELECT CAST(NULL AS text) AS id, CAST(NULL AS date) AS day, 0 AS recent WHERE 1 = 0"
    return (
        "SELECT c.id, MAX(c.day) AS day, "
        f"SUM(CASE WHEN days_between(c.day, as_of()) < {RECENT_DAYS} THEN 1 ELSE 0 END) AS recent "
        f"FROM (SELECT t.{link} AS id, {done_on(source, 't')} AS day FROM live.Task t WHERE {contact(source, 't')} "
        f"AND t.{link} IS NOT NULL) c WHERE c.day <= as_of() GROUP BY c.id"
    )


def attempts(source: Source) -> str:
    """A SELECT of id (lead), at and owner (of the task): each time somebody tried to get in touch with a lead.

    Completed tasks on the lead, or on the contact it became, that are no inbound calls, no automatic replies and none
    of those that are no contact; and the first call and e-mail times of Sales Engagement, which name nobody.
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
        counted = [contact(source, "t"), *_none_of(source, "t", "automatic_replies", "LOWER({})")]
        tasks = (
            f"SELECT t.WhoId AS who, COALESCE({done}, {made}) AS at, {source.column('Task', 't', 'OwnerId', 'text')} "
            f"AS owner FROM live.Task t WHERE {' AND '.join(counted)} AND t.WhoId IS NOT NULL "
            f"AND COALESCE({inbound}, '') <> 'Inbound'"
        )
        found.append(f"SELECT t.who AS id, t.at, t.owner FROM ({tasks}) t")
        became = source.column("Lead", "l", "ConvertedContactId", "text")
        found.append(f"SELECT l.Id AS id, t.at, t.owner FROM live.Lead l JOIN ({tasks}) t ON t.who = {became}")
    nothing = f"SELECT CAST(NULL AS text) AS id, CAST(NULL AS {moment}) AS at, CAST(NULL AS text) AS owner WHERE 1 = 0"
    return " UNION ALL ".join(found) or nothing


def _none_of(source: Source, alias: str, setting: str, read: str = "{}") -> list[str]:
    """A condition per pattern of the setting: the task's subject, so read, does not meet it; one without meets none."""
    if not source.has("Task", "Subject"):
        return []
    subject = read.format(f"{alias}.Subject")
    return [f"({subject} LIKE :{name}) IS NOT TRUE" for name in source.settings.patterns[setting]]
