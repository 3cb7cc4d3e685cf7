"""Tasks on leads, contacts, accounts and opportunities: done, planned, and overdue."""

from __future__ import annotations

from sfsync.practice.generate.workshop import DAY, Workshop

_SUBJECTS = ("Call", "Email", "Send Letter", "Send Quote", "Follow up after the fair", "Prepare demo", "Other")


def make_tasks(shop: Workshop) -> None:
    """Tables `todo` (one row each) and `touch` (per record: last closed task's day, open and overdue ones)."""
    per_record = (
        (
            "lead",
            "SELECT p AS key, number, created, owner, NULL AS c FROM lead_life WHERE fate IN (1, 2) AND owner "
            "< (SELECT count(*) FROM rep)",
            80,
        ),
        ("contact", "SELECT p AS key, number, created, owner, c FROM contact_no", 40),
        ("deal", "SELECT o AS key, number, created, owner, c FROM deal", 60),
        ("account", "SELECT c AS key, number, created, owner, c FROM account_no", 10),
    )
    union = " UNION ALL ".join(
        f"SELECT '{target}' AS target, {n} AS kind, key, number, created, owner, c, "
        f"key * 16 + {n * 4} + k AS dice FROM ({source}), range(2) t(k) "
        f"WHERE {shop.chance(f'{target} task', 'key * 2 + k', percent * 0.6 if percent > 50 else percent * 0.5)}"
        for n, (target, source, percent) in enumerate(per_record)
    )
    opened = f"created + CAST(({shop.now} - 60 - created) * {shop.share('task', 'dice')} AS BIGINT)"
    shop.temp(
        "todo",
        f"""
        SELECT *, row_number() OVER (ORDER BY dice) - 1 AS n, {shop.day("due")} AS due_day,
            CASE WHEN closed THEN least(due + {shop.roll("late", "dice", 2 * DAY)}, {shop.now}) END AS completed
        FROM (SELECT *, opened + {shop.roll("due", "dice", 21 * DAY)} AS due,
                {shop.now} - opened > {14 * DAY} AND {shop.chance("done", "dice", 85)} AS finished,
                finished AND opened + {21 * DAY} < {shop.now} AS closed
            FROM (SELECT *, {opened} AS opened FROM ({union})))""",
    )
    shop.temp(
        "touch",
        f"""
        SELECT target, key, max(CASE WHEN closed THEN due_day END) AS last_closed,
            count(*) FILTER (NOT closed) AS open_tasks,
            count(*) FILTER (NOT closed AND due_day < {shop.day(str(shop.now))}) AS overdue
        FROM todo GROUP BY target, key""",
    )


def store_tasks(shop: Workshop) -> None:
    """Write Task."""
    rows = shop.run('SELECT "ApiName", "IsClosed", "IsDefault" FROM "TaskStatus" ORDER BY "SortOrder"').fetchall()
    done = next(name for name, closed, _ in rows if closed)
    todo = [name for name, closed, _ in rows if not closed]
    status = (
        f"CASE WHEN closed THEN '{done}' ELSE {shop.pick('task status', 'dice', [todo[0], todo[0], *todo[:2]])} END"
    )
    priority = shop.pick("priority", "dice", ("Normal", "Normal", "Normal", "High", "Low"))
    shop.store(
        "Task",
        f"""
        SELECT *, Priority = 'High' AS IsHighPriority FROM (
        SELECT {shop.id("Task", "t.n")} AS Id,
            CASE target WHEN 'lead' THEN {shop.id("Lead", "t.number")} WHEN 'contact'
                THEN {shop.id("Contact", "t.number")} END AS WhoId,
            CASE target WHEN 'deal' THEN {shop.id("Opportunity", "t.number")} WHEN 'account'
                THEN {shop.id("Account", "t.number")} END AS WhatId,
            {shop.id("Account", "account_number")} AS AccountId, {shop.pick("subject", "dice", _SUBJECTS)} AS Subject,
            due_day AS ActivityDate, {status} AS Status, closed AS IsClosed, {priority} AS Priority, rep.id AS OwnerId,
            'Task' AS TaskSubtype, CASE WHEN closed THEN {shop.time("completed")} END AS CompletedDateTime,
            {shop.audit("opened", "coalesce(completed, opened)", "rep.id", "rep.id")}
        FROM todo t JOIN rep ON rep.n = t.owner
        LEFT JOIN (SELECT c, number AS account_number FROM account_no) USING (c)
        ORDER BY t.n)""",
    )
