"""The tables of schema `sfsync`. Documented API: people query them, so columns are added, never renamed.

No primary keys: DuckDB's indexes double the time of a load and check constraints before a transaction ends.
Each table's key is said in its comment and kept by the code that writes it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, MetaData, Numeric, Table, Text

from sfsync.warehouse import dialect

metadata = MetaData(schema="sfsync")


def _table(name: str, comment: str, *columns: tuple[str, Any, str]) -> Table:
    return Table(name, metadata, *(Column(c, kind, comment=says) for c, kind, says in columns), comment=comment)


Moment = DateTime(timezone=True)
Exact = Numeric(38, 9)

meta = _table(
    "meta",
    "What this warehouse is a mirror of. Key: key.",
    (
        "key",
        Text,
        "org_id, instance_url, is_sandbox, org_name, time_zone, format, api_used, api_limit, api_seen_at …",
    ),
    ("value", Text, "the value as text"),
)
runs = _table(
    "runs",
    "One row per invocation that talked to the org or wrote here. Key: run_id.",
    ("run_id", Text, "sorts by time"),
    ("command", Text, "pull, check, dedupe, plan, push"),
    ("started_at", Moment, "UTC"),
    ("finished_at", Moment, "UTC; null while running or after a crash"),
    ("exit_code", BigInteger, "as the process ended"),
    ("api_calls", BigInteger, "requests that counted against the org's daily limit"),
    ("summary", Text, "JSON: what --format json printed"),
)
cursors = _table(
    "cursors",
    "How far each sObject has been read. Key: sobject.",
    ("sobject", Text, "API name"),
    ("until", Moment, "every change visible to the user before this moment has been read (org's clock, UTC)"),
    ("watermark", Text, "the field increments are read by; null when the object is read whole each time"),
    ("start", Moment, "rows last changed before this were never asked for; null: everything was"),
    ("rows", BigInteger, "rows in the mirror after the last commit, deleted ones included"),
    ("full_at", Moment, "when the object was last read in full"),
    ("late_rows", BigInteger, "rows of the last pull that became visible after the pull they belonged to"),
    ("late_seconds", BigInteger, "the worst lag of those rows, in seconds"),
    ("formulas_at", Moment, "when formula and unstamped fields were last read for every row: they are as of then"),
    ("reconciled_at", Moment, "when the Ids here were last compared with all Ids of the org"),
    ("deletions_at", Moment, "every deletion the org logged before this moment has been looked at"),
    ("run_id", Text, "the run that last committed"),
)
fields = _table(
    "fields",
    "Describe of every field we keep, as the last pull saw it. Key: sobject, field.",
    ("sobject", Text, "API name"),
    ("field", Text, "API name as Salesforce spells it"),
    ("ordinal", BigInteger, "position in describe"),
    ("type", Text, "describe type"),
    ("label", Text, "in the user's language"),
    ("length", BigInteger, "characters"),
    ("precision", BigInteger, "digits in all"),
    ("scale", BigInteger, "digits after the point"),
    ("nillable", Boolean, ""),
    ("createable", Boolean, "by this user"),
    ("updateable", Boolean, "by this user"),
    ("calculated", Boolean, "formula or roll-up: changes without moving SystemModstamp"),
    ("restricted", Boolean, "restricted picklist"),
    ("identifies", Boolean, "unique, or an external Id: its value belongs to one record"),
    ("picklist", Text, "JSON list of active values; null for other types"),
    ("reference_to", Text, "JSON list of sObjects; null for other types"),
    ("sql_type", Text, "type of our column"),
    ("gone_at", Moment, "since when describe lacks the field: its values are frozen as of then"),
)
picklists = _table(
    "picklists",
    "Which values of a picklist a record type has, lead and sales processes applied. Key: sobject, record_type, field.",
    ("sobject", Text, "API name"),
    ("record_type", Text, "RecordTypeId"),
    ("field", Text, "API name"),
    ("listed", Text, "JSON list of values"),
)
redirects = _table(
    "redirects",
    "Merged-away records. Follow until no row is found. Key: sobject, loser.",
    ("sobject", Text, "API name"),
    ("loser", Text, "Id of the record merged away"),
    ("survivor", Text, "its MasterRecordId"),
    ("run_id", Text, "the pull that saw it first"),
)
history = _table(
    "history",
    "Changes of tracked fields seen by pulls: first-hand from the first pull on. Key: sobject, id, field, changed_at.",
    ("sobject", Text, "API name"),
    ("id", Text, "record"),
    ("field", Text, "API name"),
    ("old", Text, "value before, as text"),
    ("new", Text, "value after, as text"),
    ("changed_at", Moment, "SystemModstamp of the row that brought the change"),
    ("run_id", Text, "the pull that saw it"),
)
opportunity_snapshot = _table(
    "opportunity_snapshot",
    "Live opportunities as the last pull of each day saw them. Key: day, id.",
    ("day", Date, "in the org's time zone"),
    ("id", Text, "Opportunity"),
    ("accountid", Text, ""),
    ("ownerid", Text, ""),
    ("stagename", Text, ""),
    ("forecastcategory", Text, ""),
    ("amount", Exact, "in the record's currency"),
    ("probability", Exact, "percent"),
    ("closedate", Date, ""),
    ("isclosed", Boolean, ""),
    ("iswon", Boolean, ""),
)
findings = _table(
    "findings",
    "Offences against rules, open and resolved. Key: rule, kind, sobject, id.",
    ("rule", Text, "code"),
    ("kind", Text, "which case of the rule; empty when it has one"),
    ("sobject", Text, "API name"),
    ("id", Text, "record, or a metadata value"),
    ("severity", Text, "error, warning, info"),
    ("message", Text, "for an admin to read"),
    ("fix", Text, "JSON: confidence, the values a fix would set, and what it does unless it updates; null without one"),
    ("first_seen", Moment, "UTC"),
    ("last_seen", Moment, "UTC"),
    ("resolved_at", Moment, "UTC; null while the finding stands"),
    ("run_id", Text, "the check that last saw it"),
    ("waived", Boolean, "whether a waiver covered it when a check or `check waive` last looked"),
)
waivers = _table(
    "waivers",
    "Findings people decided to live with; expired ones too. Key: rule, kind, sobject, id.",
    ("rule", Text, "code"),
    ("kind", Text, "only this case of the rule; null: every one"),
    ("sobject", Text, "API name; null with the Id"),
    ("id", Text, "only this record's; null: every one's"),
    ("reason", Text, "why the finding may stay"),
    ("who", Text, ""),
    ("waived_at", Moment, "UTC"),
    ("until", Date, "the last day it holds, in the org's time zone; null: until it is taken back"),
)
rule_runs = _table(
    "rule_runs",
    "What each rule came to in each check. Key: run_id, rule.",
    ("run_id", Text, ""),
    ("rule", Text, "code"),
    ("status", Text, "ok, findings, not_evaluated"),
    ("in_scope", BigInteger, "records the rule looked at: the denominator of its rate"),
    ("findings", BigInteger, "how many it flagged"),
    ("reason", Text, "why it was not evaluated"),
)
matches = _table(
    "matches",
    "Scored pairs of the last dedupe. Key: sobject, left_id, right_id.",
    ("sobject", Text, "API name"),
    ("left_id", Text, "the smaller Id"),
    ("right_id", Text, "the larger Id"),
    ("score", Exact, "0 to 1"),
    ("levels", Text, "JSON: comparison and level reached"),
    ("run_id", Text, ""),
)
clusters = _table(
    "clusters",
    "Records that are one real thing, from the last dedupe. Key: cluster, id.",
    ("cluster", Text, "the smallest record Id"),
    ("sobject", Text, "API name"),
    ("id", Text, "member"),
    ("master", Boolean, "true for the record that would survive"),
    ("decision", Text, "merge or review"),
    ("score", Exact, "the weakest link inside"),
    ("run_id", Text, ""),
)
decisions = _table(
    "decisions",
    "What people decided about pairs; kept for ever. Key: sobject, left_id, right_id.",
    ("sobject", Text, "API name"),
    ("left_id", Text, "the smaller Id"),
    ("right_id", Text, "the larger Id"),
    ("verdict", Text, "same or different"),
    ("who", Text, ""),
    ("decided_at", Moment, "UTC"),
    ("note", Text, ""),
)
pushes = _table(
    "pushes",
    "Pushes of plans to the org. Key: push_id.",
    ("push_id", Text, "sorts by time"),
    ("digest", Text, "of the plan"),
    ("plan", Text, "file name"),
    ("org_id", Text, ""),
    ("started_at", Moment, "UTC"),
    ("finished_at", Moment, "UTC; null while running or after a crash"),
    ("status", Text, "running, done, failed"),
)
outcomes = _table(
    "outcomes",
    "The journal: one row per change, written before its request and completed after its reply. Key: push_id, seq.",
    ("push_id", Text, ""),
    ("seq", BigInteger, "line of the plan, from 1"),
    ("op", Text, "update, merge, convert, create, delete"),
    ("sobject", Text, "API name"),
    ("id", Text, "record"),
    ("before", Text, "JSON: the touched fields as the org had them"),
    ("after", Text, "JSON: what was sent"),
    ("status", Text, "sent, then applied, already, stale, refused, failed or unknown"),
    ("code", Text, "Salesforce's statusCode or our guard's"),
    ("message", Text, "without personal values"),
    ("requested_at", Moment, "UTC"),
    ("done_at", Moment, "UTC"),
)
assignments = _table(
    "assignments",
    "Leads that pushed plans gave to somebody. Key: digest, id.",
    ("digest", Text, "of the plan"),
    ("push_id", Text, "the push that did it, or found it so; sorts by time"),
    ("id", Text, "lead"),
    ("reason", Text, "step of the ladder: NAMED, OPEN_DEAL, ACCOUNT_OWNER, SAME_COMPANY, TERRITORY, POOL, …"),
    ("pool", Text, "null when ownership decided"),
    ("turn", BigInteger, "place among all leads the pool has given out, from 1; null without a pool"),
    ("state", Text, "JSON: where the pool stood after it"),
    ("from_owner", Text, "owner when it was planned"),
    ("owner", Text, "new owner"),
    ("assigned_at", Moment, "UTC, when it was written; null when somebody else had given it to the same owner already"),
)


def create_all(con: sa.Connection) -> None:
    """Create what is missing, columns too. Runs inside the caller's transaction."""
    there = dialect.of(con).schemas(con)
    for schema in ("salesforce", "live", "sfsync"):
        if schema not in there:  # IF NOT EXISTS would ask for the right to create, even where there is nothing to do
            con.execute(sa.text(f"CREATE SCHEMA {schema}"))
    for table in metadata.sorted_tables:
        columns = ", ".join(f"{c.name} {c.type.compile(con.dialect)}" for c in table.columns)
        con.execute(sa.text(f"CREATE TABLE IF NOT EXISTS sfsync.{table.name} ({columns})"))
    if "sfsync" in there:
        _add_columns(con)


def lacks_any(con: sa.Connection) -> bool:
    """Whether the warehouse is of an earlier version: without tables or columns that were added since."""
    return bool(_lacking(con))


def _add_columns(con: sa.Connection) -> None:
    """A warehouse of an earlier version lacks what was added since; its rows have null there."""
    for c in _lacking(con):
        con.execute(sa.text(f"ALTER TABLE sfsync.{c.table.name} ADD COLUMN {c.name} {c.type.compile(con.dialect)}"))


def _lacking(con: sa.Connection) -> list[sa.Column[Any]]:
    sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'sfsync'"
    known = {(table, column) for table, column in con.execute(sa.text(sql))}
    return [c for table in metadata.sorted_tables for c in table.columns if (table.name, c.name) not in known]
