"""Reading records by Id, and writing them: up to 200 at a time, each with its own result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sfsync.errors import IncompleteRead, InputError, OrgError
from sfsync.model import Value
from sfsync.salesforce.encode import http_date
from sfsync.salesforce.http import Request, Transport
from sfsync.salesforce.ids import to18
from sfsync.salesforce.replies import Problem, problems, without_attributes
from sfsync.salesforce.soql import name
from sfsync.salesforce.verdict import lost

WRITE_ROWS = 200
READ_ROWS = 2000
DuplicateRules = Literal["block", "allow"]
_GONE = {"NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"}
# Refusals of one record, as against those of the whole request, user or org.
_ROW_STATUS = {400, 404, 409, 412}
_ROW_CODES = ("UNABLE_TO_LOCK_ROW", "INSUFFICIENT_ACCESS")


@dataclass(frozen=True)
class SaveResult:
    """What became of one record written. `code` is Salesforce's statusCode, "" when `ok`.

    `message` may quote the value that was refused: show it to the user, but do not log it.
    """

    id: str
    ok: bool
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manners:
    """How Salesforce shall treat a write: assignment rules run only if asked, duplicate alerts stop it or not."""

    assignment_rules: bool = False
    duplicate_rules: DuplicateRules = "block"

    def headers(self) -> dict[str, str]:
        # Salesforce runs assignment rules unless told not to, which would change owners behind our back.
        return {
            "Sforce-Auto-Assign": "TRUE" if self.assignment_rules else "FALSE",
            "Sforce-Duplicate-Rule-Header": f"allowSave={'true' if self.duplicate_rules == 'allow' else 'false'}",
        }


def retrieve(
    transport: Transport, base: str, sobject: str, ids: Sequence[str], fields: Sequence[str]
) -> dict[str, dict[str, Any] | None]:
    """The records by their 18-character Id, in the order asked; None for one that is deleted or cannot be seen."""
    wanted = list(dict.fromkeys(map(to18, ids)))
    columns = list(dict.fromkeys(["Id", *map(name, fields)]))
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), READ_ROWS):
        some = wanted[start : start + READ_ROWS]
        body = transport.json(
            Request("POST", f"{base}/composite/sobjects/{name(sobject)}", json={"ids": some, "fields": columns})
        )
        if not isinstance(body, list) or len(body) != len(some):
            raise IncompleteRead(f"{sobject}: {len(some)} records asked for by Id, the answer is not as many.")
        for record in body:
            if (seen := _seen(sobject, record)) is not None:
                found[to18(str(seen["Id"]))] = seen
    return {id: found.get(id) for id in wanted}


def update(
    transport: Transport,
    base: str,
    sobject: str,
    records: Sequence[Mapping[str, Value]],
    manners: Manners,
    *,
    all_or_none: bool,
) -> list[SaveResult]:
    """One result per record, in order. Each record has its Id and the fields to set; None clears."""
    rows = [_row(sobject, r, with_id=True) for r in records]
    return _collection(transport, base, sobject, "PATCH", rows, manners, all_or_none)


def create(
    transport: Transport,
    base: str,
    sobject: str,
    records: Sequence[Mapping[str, Value]],
    manners: Manners,
    *,
    all_or_none: bool,
) -> list[SaveResult]:
    """One result per record, in order, with the new Id."""
    rows = [_row(sobject, r, with_id=False) for r in records]
    return _collection(transport, base, sobject, "POST", rows, manners, all_or_none)


def delete(transport: Transport, base: str, sobject: str, ids: Sequence[str], *, all_or_none: bool) -> list[SaveResult]:
    """One result per Id, in order. The records go to the recycle bin."""
    rows = [{"id": to18(id)} for id in ids]
    _at_most(rows)
    if not rows:
        return []
    query = f"ids={','.join(r['id'] for r in rows)}&allOrNone={_flag(all_or_none)}"
    request = Request("DELETE", f"{base}/composite/sobjects?{query}", repeatable=False)
    return _results(transport, request, name(sobject), rows)


def update_one(
    transport: Transport,
    base: str,
    sobject: str,
    id: str,
    values: Mapping[str, Value],
    manners: Manners,
    *,
    if_unmodified_since: datetime | None,
) -> SaveResult:
    """Set the values on one record, unless it was modified later than the moment given (whole seconds)."""
    headers = manners.headers()
    if if_unmodified_since is not None:
        headers["If-Unmodified-Since"] = http_date(if_unmodified_since)
    whole = to18(id)
    fields = {name(k): v for k, v in values.items()}
    path = f"{base}/sobjects/{name(sobject)}/{whole}"
    try:
        transport.call(Request("PATCH", path, json=fields, headers=headers, repeatable=False))
    except OrgError as err:
        if err.status == 412:
            text = "The record was modified since it was read; it was left unchanged."
            return SaveResult(whole, False, "PRECONDITION_FAILED", text)
        if type(err) is OrgError and err.code and (err.status in _ROW_STATUS or err.code.startswith(_ROW_CODES)):
            return SaveResult(whole, False, err.code, str(err), tuple(err.fields))
        raise
    return SaveResult(whole, True)


def _collection(
    transport: Transport,
    base: str,
    sobject: str,
    method: str,
    rows: list[dict[str, Any]],
    manners: Manners,
    all_or_none: bool,
) -> list[SaveResult]:
    _at_most(rows)
    if not rows:
        return []
    body = {"allOrNone": all_or_none, "records": rows}
    path = f"{base}/composite/sobjects"
    request = Request(method, path, json=body, headers=manners.headers(), repeatable=False)
    return _results(transport, request, sobject, rows)


def _results(transport: Transport, request: Request, sobject: str, rows: list[dict[str, Any]]) -> list[SaveResult]:
    try:
        answers = transport.json(request)
    except OrgError as err:
        if err.code != "UNABLE_TO_LOCK_ROW":
            raise
        # The lock failed the request as a whole: nothing was saved, and each row may be tried again.
        return [SaveResult(str(r.get("id", "")), False, err.code, str(err)) for r in rows]
    if not isinstance(answers, list) or len(answers) != len(rows):
        number = len(answers) if isinstance(answers, list) else "no"
        raise lost(request.what, f"{len(rows)} {sobject} records were sent and {number} results came")
    return [_result(answer, row) for answer, row in zip(answers, rows, strict=True)]


def _result(answer: Any, row: Mapping[str, Any]) -> SaveResult:
    id = str(answer.get("id") or row.get("id") or "")
    id = to18(id) if id else ""
    if answer.get("success") is True:
        return SaveResult(id, True)
    found = problems(answer.get("errors") or []) or [Problem("UNKNOWN_EXCEPTION", "no reason was given")]
    fields = tuple(f for p in found for f in p.fields)
    return SaveResult(id, False, found[0].code, "; ".join(p.message for p in found), fields)


def _row(sobject: str, record: Mapping[str, Value], *, with_id: bool) -> dict[str, Any]:
    fields = {name(k): v for k, v in record.items() if k.lower() != "id"}
    if not with_id:
        return {"attributes": {"type": name(sobject)}, **fields}
    id = next((v for k, v in record.items() if k.lower() == "id"), None)
    if not isinstance(id, str):
        raise InputError(f"{sobject}: a record to update has no Id.")
    return {"attributes": {"type": name(sobject)}, "id": to18(id), **fields}


def _seen(sobject: str, record: Any) -> dict[str, Any] | None:
    if record is None:
        return None
    if not isinstance(record, dict) or "Id" not in record:
        found = problems(record)
        if found and found[0].code in _GONE:
            return None
        said = f"{found[0].code}: {found[0].message}" if found else "an answer without an Id"
        raise OrgError(f"{sobject} by Id: {said}", code=found[0].code if found else "")
    seen: dict[str, Any] = without_attributes(record)
    return seen


def _at_most(rows: Sequence[Any]) -> None:
    if len(rows) > WRITE_ROWS:
        raise InputError(f"{len(rows)} records in one write; Salesforce takes {WRITE_ROWS}. Send them in parts.")


def _flag(value: bool) -> str:
    return "true" if value else "false"
