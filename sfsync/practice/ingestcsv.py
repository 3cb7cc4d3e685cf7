"""The CSV of an ingest job: its header, its rows, and the records they stand for."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sfsync.practice.errors import ApiError
from sfsync.practice.schema import Field, Schema, SObject

NULL = "#N/A"
HEADER_LENGTH = 32_000
FIELD_LENGTH = 131_072
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)\Z")
csv.field_size_limit(FIELD_LENGTH * 4)


def bad_batch(message: str) -> ApiError:
    """What stops a whole job."""
    return ApiError(400, "", f"InvalidBatch : {message}")


@dataclass(frozen=True)
class Column:
    """One column: a field, or the key of a parent that fills a reference."""

    header: str
    field: Field
    relationship: str | None = None
    key: str | None = None
    parent: str | None = None
    """The parent's sObject, of a polymorphic reference."""

    def put(self, record: dict[str, Any], text: str) -> None:
        """Add the cell to a record. An empty cell leaves the field alone. Raises ApiError for the row."""
        if text == "":
            return
        if text == NULL:
            record[self.field.name] = None
        elif self.relationship is not None:
            attributes = {"attributes": {"type": self.parent}} if self.parent else {}
            record[self.relationship] = {**attributes, self.key: text}
        else:
            if self.field.type == "datetime" and not DATETIME.match(text):
                raise mistyped(self.field, text)
            record[self.field.name] = text


def mistyped(field: Field, text: str) -> ApiError:
    message = f"{field.label}: value not of required type: {text[:100]}"
    return ApiError(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", message, [field.name])


class Upload:
    """An uploaded file, read once from top to bottom. Use it as a context manager."""

    def __init__(self, path: Path, delimiter: str, line_ending: str):
        self._path = path
        self._delimiter = delimiter
        self._line_ending = line_ending
        self._file: IO[str] | None = None
        self._reader: Iterator[list[str]] = iter(())
        self.header: list[str] = []

    def __enter__(self) -> Upload:
        """Reads the header. Raises ApiError when the file cannot be read at all."""
        self._check_line_ending()
        self._file = self._path.open(encoding="utf-8", newline="")
        self._reader = csv.reader(self._file, delimiter=self._delimiter, strict=True)
        try:
            self.header = self._next() or []
            if not self.header:
                raise bad_batch("Unable to find a header row")
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def _check_line_ending(self) -> None:
        with self._path.open("rb") as file:
            first = file.readline(HEADER_LENGTH + 2)
        if len(first) > HEADER_LENGTH:
            raise bad_batch(f"The header is longer than {HEADER_LENGTH} characters")
        found = "CRLF" if first.endswith(b"\r\n") else "LF"
        if b"\n" in first and found != self._line_ending:
            message = f"LineEnding is invalid on user data. Current LineEnding setting is {self._line_ending}"
            raise ApiError(400, "", f"ClientInputError : {message}")

    def _next(self) -> list[str] | None:
        try:
            return next(self._reader, None)
        except csv.Error as err:
            raise bad_batch(f"Failed to parse CSV: {err}") from err
        except UnicodeDecodeError as err:
            raise bad_batch("Failed to parse CSV: the file is not UTF-8") from err

    def batches(self, size: int) -> Iterator[list[list[str]]]:
        """The data rows, up to `size` at a time. Raises ApiError at the first row that is no CSV of this header."""
        batch: list[list[str]] = []
        while (row := self._next()) is not None:
            if not row:
                continue
            if len(row) != len(self.header):
                message = f"Number of fields in a row ({len(row)}) does not match the header ({len(self.header)})"
                raise bad_batch(message)
            batch.append(row)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch


def columns(header: list[str], schema: Schema, sobject: SObject, operation: str, key: str | None) -> list[Column]:
    """What the header names. Raises ApiError for a name no field has, a name twice, or a key that is missing."""
    found = [_column(name, schema, sobject) for name in header]
    names = [c.field.name for c in found]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice:
        raise bad_batch(f"Duplicate field name found : {twice}")
    if operation in ("delete", "hardDelete") and names != ["Id"]:
        raise bad_batch(f"Field name not supported by {operation} : {next((n for n in names if n != 'Id'), 'no Id')}")
    needed = "Id" if operation == "update" else key if operation == "upsert" else None
    if needed and needed not in names:
        raise bad_batch(f"Field name not found : {needed}, it is required to {operation}")
    return found


def _column(name: str, schema: Schema, sobject: SObject) -> Column:
    if "." in name:
        return _parent_column(name, schema, sobject)
    field = sobject.field(name)
    if field is None or not field.stored:
        raise bad_batch(f"Field name not found : {name}")
    return Column(name, field)


def _parent_column(name: str, schema: Schema, sobject: SObject) -> Column:
    prefix, _, rest = name.rpartition(":")
    relationship, _, key_name = rest.partition(".")
    reference = sobject.parent(relationship)
    if reference is None or "." in key_name:
        raise bad_batch(f"Field name not found : {name}")
    if reference.polymorphic != bool(prefix):
        wanted = "needs the parent's type in front, as User:" if reference.polymorphic else "takes no type in front"
        raise bad_batch(f"Field name not found : {name} ({relationship} {wanted})")
    parent = prefix or reference.refers[0]
    known = schema.get(parent)
    key = known.field(key_name) if known and known.name in reference.refers else None
    if known is None or key is None or not (key.external_id or key.id_lookup):
        raise bad_batch(f"Field name not found : {name}")
    return Column(name, reference, reference.relationship, key.name, known.name if prefix else None)
