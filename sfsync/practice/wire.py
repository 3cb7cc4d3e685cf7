"""One request and one answer, as the handlers see them: no HTTP library in sight, so a composite can make them too."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import parse_qsl

import simplejson

from sfsync.practice.errors import ApiError

if TYPE_CHECKING:
    from datetime import datetime

    from sfsync.practice.auth import Session

JSON_TYPE = "application/json;charset=UTF-8"
CSV_TYPE = "text/csv; charset=UTF-8"
XML_TYPE = "text/xml;charset=UTF-8"
NOTHING: Any = object()


@dataclass
class Reply:
    """An answer. It has `value` (sent as JSON), or `body`, or `file`, or nothing of these."""

    status: int = 200
    value: Any = NOTHING
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    file: BinaryIO | None = None
    """Sent from where it stands to its end, then closed."""
    unpacked: int | None = None
    """`file` holds gzip, of so many bytes when unpacked."""
    cut: float | None = None
    """Cut the connection after this share of the body."""
    lost: bool = False
    """Cut the connection before anything is sent."""

    def encoded(self) -> bytes:
        return self.body if self.value is NOTHING else dump_json(self.value)

    @property
    def empty(self) -> bool:
        return self.value is NOTHING and not self.body and self.file is None


@dataclass
class Call:
    """A request. `path` is as it came on the wire, still percent-encoded; header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    upload: Path | None = None
    """Where the body of an upload was put instead of `body`."""
    peer: str = "127.0.0.1"
    url: str = ""
    """How the client reached us: http://host:port."""
    version: float = 0.0
    session: Session | None = None
    template: str = ""
    """The route that matched, for counting."""
    nested: bool = False
    """A part of a composite or batch request."""

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def root(self) -> str:
        """/services/data/v66.0"""
        return f"/services/data/v{self.version:.1f}"

    @property
    def user_id(self) -> str:
        assert self.session is not None, "only called for routes that need a session"
        return self.session.user_id

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    def options(self, name: str) -> dict[str, str]:
        """`allowSave=true; client=x` of a Sforce header, keys in lower case."""
        pairs = (part.partition("=") for part in self.header(name).replace(";", ",").split(",") if part.strip())
        return {key.strip().lower(): value.strip() for key, _, value in pairs}

    def json(self) -> Any:
        """The body. Numbers with a point are Decimals. Raises ApiError for anything but JSON."""
        kind = self.header("content-type").partition(";")[0].strip().lower()
        if kind != "application/json" and (kind or self.body):
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type {kind or '(none)'} not supported")
        return parse_json(self.body)

    def json_object(self) -> dict[str, Any]:
        value = self.json()
        if not isinstance(value, dict):
            raise ApiError(400, "JSON_PARSER_ERROR", "Unexpected JSON: an object was expected at [line:1, column:1]")
        return value

    def part(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Call:
        """A request inside this one."""
        return replace(
            self, method=method, path=path, query=query, headers=headers, body=body, upload=None, nested=True
        )


def dump_json(value: Any) -> bytes:
    """UTF-8 JSON; a Decimal is written digit by digit."""
    text = simplejson.dumps(value, ensure_ascii=False, separators=(",", ":"), use_decimal=True)
    return text.encode("utf-8", "replace")


def parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant)
    except json.JSONDecodeError as err:
        place = f"[line:{err.lineno}, column:{err.colno}]"
        raise ApiError(400, "JSON_PARSER_ERROR", f"{err.msg} at {place}") from err
    except (UnicodeDecodeError, ValueError, RecursionError) as err:
        raise ApiError(400, "JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]") from err


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def http_date(when: datetime) -> str:
    return format_datetime(when, usegmt=True)


def read_http_date(text: str) -> datetime:
    """Raises ApiError(400) for anything but an RFC 1123 date in GMT."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError) as err:
        raise ApiError(400, "INVALID_HTTP_HEADER", f"not an HTTP date: {text}") from err
    if found.tzinfo is None:
        raise ApiError(400, "INVALID_HTTP_HEADER", f"not an HTTP date: {text}")
    return found


def basic_credentials(header: str) -> tuple[str, str] | None:
    """User and password of `Authorization: Basic ...`, None when it is something else."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def stamp_text(when: datetime) -> str:
    """2026-01-31T23:01:01.000+0000, as REST writes a datetime."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def not_found() -> ApiError:
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")
