"""Reading what an org answered: its errors in all their shapes, its JSON, its dates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sfsync.errors import OrgError
from sfsync.salesforce.wire import scrub


@dataclass(frozen=True)
class Problem:
    """One complaint of Salesforce's: `code` as it spells it, "" when it gave none."""

    code: str
    message: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    """A whole HTTP answer. Header names are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body parsed, numbers with a point as Decimal. Raises ValueError when it is not JSON."""
        return parse(self.body)

    def problems(self) -> list[Problem]:
        """What the body complains of, [] when it holds no complaint in a shape of Salesforce's."""
        try:
            return problems(self.json())
        except ValueError:
            return []


def parse(body: bytes) -> Any:
    """JSON with exact numbers: those with a point or exponent become Decimal. Raises ValueError (also for NaN)."""
    return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant)


def problems(body: Any) -> list[Problem]:
    """The errors of a REST array, a collections row, a composite subrequest or an OAuth reply."""
    found = body if isinstance(body, list) else [body]
    return [p for p in map(_problem, found) if p is not None]


def error(reply: Reply, what: str) -> OrgError:
    """The OrgError for a refusal: `what` was asked, and Salesforce's own words."""
    found = reply.problems()
    if not found:
        return OrgError(f"{what}: {describe(reply)}.", status=reply.status)
    said = "; ".join(dict.fromkeys(f"{p.code}: {scrub(p.message)}" if p.code else scrub(p.message) for p in found))
    fields = [f for p in found for f in p.fields]
    return OrgError(f"{what}: {said} (HTTP {reply.status})", code=found[0].code, status=reply.status, fields=fields)


def is_page(reply: Reply) -> bool:
    """Whether a web page came where data was due."""
    kind = reply.headers.get("Content-Type", "").lower()
    return "html" in kind or reply.body.lstrip()[:1] == b"<"


def describe(reply: Reply) -> str:
    """The form of an answer nobody can use, never its content: "HTTP 503 with a web page"."""
    if is_page(reply):
        form = "a web page instead of data"
    elif not reply.body.strip():
        form = "an empty body"
    else:
        kind = reply.headers.get("Content-Type", "").split(";")[0] or "unnamed"
        form = f"{len(reply.body):,} bytes of {kind} that are not the JSON expected"
    return f"HTTP {reply.status} with {form}"


def when(text: str) -> datetime:
    """An aware UTC datetime from Salesforce's text, whose offset may be `Z`, `+0000` or `+00:00`."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def without_attributes(value: Any) -> Any:
    """The same record or list of records, its `attributes` taken out in place, in parents and child rows too."""
    if isinstance(value, dict):
        value.pop("attributes", None)
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            without_attributes(part)
    return value


def _problem(item: Any) -> Problem | None:
    if not isinstance(item, dict):
        return None
    if "error_description" in item or ("error" in item and isinstance(item["error"], str)):
        return Problem(str(item.get("error") or ""), str(item.get("error_description") or ""))
    code = item.get("errorCode") or item.get("statusCode")
    if not isinstance(code, str) and not isinstance(item.get("message"), str):
        return None
    fields = item.get("fields") or []
    message = re.sub(r"\s+", " ", str(item.get("message") or "")).strip()
    return Problem(str(code or ""), message, tuple(map(str, fields)) if isinstance(fields, list) else ())


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
