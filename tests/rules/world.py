"""Small warehouses of leads, and rules written on the spot."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sfsync.rules.load import read_rule
from sfsync.rules.rule import Rule
from sfsync.warehouse import Warehouse

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
TODAY = date(2026, 3, 2)
HEAD = """\
code: {code}
title: A rule of a test
severity: {severity}
basis: house
objects: [Lead]
why: Because.
needs: {{Lead: [Id, Status, IsConverted]}}
scope: Lead
message: 'status is {{Status}}'
"""


def write_rule(folder: Path, code: str, sql: str, *, severity: str = "error", more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{code.lower()}.yaml"
    head = "".join(
        line + "\n"
        for line in HEAD.format(code=code, severity=severity).splitlines()
        if not any(line.startswith(given.split(":")[0] + ":") for given in more.splitlines())
    )
    body = "sql: |\n" + "".join(f"  {line}\n" for line in sql.splitlines())
    path.write_text(head + more + ("" if "\nsql:" in "\n" + more else body), encoding="utf-8")
    return path


def rule(folder: Path, code: str, sql: str, **given: Any) -> Rule:
    return read_rule(write_rule(folder, code, sql, **given))


def lead_id(number: int) -> str:
    return f"00Q{number:012d}AAA"


def make_leads(warehouse: Warehouse, *statuses: str | None) -> None:
    with warehouse.write() as con:
        con.exec_driver_sql(
            "CREATE TABLE salesforce.Lead (Id TEXT, Status TEXT, IsConverted BOOLEAN, IsDeleted BOOLEAN, "
            "SystemModstamp TIMESTAMP WITH TIME ZONE, Amount__c DECIMAL(18,2), CreatedDate TIMESTAMP WITH TIME ZONE)"
        )
        con.exec_driver_sql("CREATE VIEW live.Lead AS SELECT * FROM salesforce.Lead WHERE IsDeleted IS NOT TRUE")
        rows = [(lead_id(i), status, False, False, MONDAY) for i, status in enumerate(statuses)]
        warehouse.load(con, "salesforce.Lead", ["Id", "Status", "IsConverted", "IsDeleted", "SystemModstamp"], rows)


def run(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    with warehouse.write() as con:
        result = con.exec_driver_sql(sql)
        return [tuple(row) for row in result] if sql.lstrip().upper().startswith("SELECT") else []
