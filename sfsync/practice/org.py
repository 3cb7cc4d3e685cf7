"""The practice org: its objects, its records, and everything that may be done to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sfsync.practice import bootstrap, describe, removal, replication
from sfsync.practice.clock import Clock
from sfsync.practice.errors import ApiError
from sfsync.practice.ids import make_id, normal
from sfsync.practice.periods import write_periods
from sfsync.practice.references import find_by, fold
from sfsync.practice.saves import write
from sfsync.practice.saving import Caller, DuplicateRule, Moment, Saved, UnknownRecord, deleted_error
from sfsync.practice.schema import Field, PickValue, SObject, without
from sfsync.practice.store import Store
from sfsync.practice.tables import standard_schema

if TYPE_CHECKING:
    import duckdb

    from sfsync.practice.results import BulkResult, QueryResult
    from sfsync.practice.soql import Compiled

__all__ = ["ApiError", "Caller", "DuplicateRule", "PracticeOrg", "Saved"]

Op = Literal["insert", "update", "upsert", "delete", "hardDelete", "undelete"]
_BIN_CHECK = timedelta(hours=1)


class PracticeOrg:
    """One org. `database` is a DuckDB file that keeps it, or None for an org in memory.

    All methods may be called from any thread. What the API would refuse is raised as ApiError.
    """

    def __init__(self, database: str | Path | None = None, *, clock: Clock | None = None, org_id: str | None = None):
        self.clock = clock or Clock()
        self.schema = standard_schema()
        self._store = Store(database, self.schema)
        self.lock = self._store.lock
        self.duplicate_rules: list[DuplicateRule] = []
        """Matching rules that watch every save; a new org has none."""
        self.assign_leads_to: str | None = None
        """The owner whom the lead assignment rule chooses, for callers who let it; None: there is no rule."""
        self.type_values: dict[tuple[str, str], tuple[str, ...]] = {}
        """(RecordTypeId, field) → the picklist values that record type has; where nothing is said it has all."""
        self._bin_checked = self.clock.stamp()
        try:
            self._open(org_id)
        except BaseException:
            self._store.close()
            raise

    def _open(self, org_id: str | None) -> None:
        self._load_schema_edits()
        self._store.create_tables()
        found = self._store.fetch('SELECT "Id" FROM "Organization"')
        if not found:
            stamp = self.clock.stamp()
            organization = normal(org_id) if org_id else make_id("00D", 1)
            if organization is None:
                raise ValueError(f"not an organization Id: {org_id!r}")
            user = bootstrap.fill(self._store, stamp, organization)
            self._store.set_meta("user", user)
            self._store.set_meta("born", stamp.isoformat())
        self.organization_id: str = str(self._store.fetch('SELECT "Id" FROM "Organization"')[0][0])
        self.user_id: str = self._store.meta("user") or ""
        self._born = datetime.fromisoformat(self._store.meta("born") or self.clock.stamp().isoformat())

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> PracticeOrg:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the org's database, for set-wise work. The caller closes it."""
        return self._store.cursor()

    def transaction(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Everything saved inside stands or falls together: an exception takes it all back."""
        return self._store.transaction()

    def caller(self) -> Caller:
        """The integration user, with the API's defaults."""
        return Caller(self.user_id)

    # -- describe ------------------------------------------------------------------------------------------------

    def sobject(self, name: str) -> SObject:
        """By name, in any case. Raises ApiError 404 NOT_FOUND."""
        found = self.schema.get(name)
        if found is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return found

    def describe_global(self, version: float, user: Caller | None = None) -> dict[str, Any]:
        return describe.global_describe(self.schema, version)

    def describe(self, sobject: str, version: float, host: str = "") -> dict[str, Any]:
        """The describe of one object. `host` begins the addresses of the user interface. Raises ApiError 404."""
        obj = self.sobject(sobject)
        types = self._store.select("RecordType", '"SobjectType" = $1 ORDER BY "Name"', [obj.name])
        return describe.sobject_describe(self.schema, obj, version, types, host)

    def picklist_values(self, sobject: str, record_type: str) -> dict[str, Any]:
        """The values of every picklist for one record type, as the UI API tells them. Raises ApiError 404."""
        obj = self.sobject(sobject)
        return describe.picklist_values(obj, self._record_type(obj, record_type), self.type_values)

    def _record_type(self, obj: SObject, id: str) -> str:
        wanted = normal(id)
        rows = self._store.select("RecordType", '"SobjectType" = $1 AND "Id" = $2', [obj.name, wanted])
        if not rows and wanted != describe.MASTER_RECORD_TYPE:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return str(wanted)

    # -- read ----------------------------------------------------------------------------------------------------

    def query(self, soql: str, caller: Caller, *, all_rows: bool = False) -> QueryResult:
        """Run SOQL. The result is what was true now, whatever is written later; close it."""
        from sfsync.practice.results import QueryResult

        if all_rows:
            self._empty_expired()
        return QueryResult(self._store, self._compile(soql, caller, all_rows, bulk=False), caller.version)

    def bulk_query(
        self, soql: str, caller: Caller, *, all_rows: bool, delimiter: str = ",", newline: str = "\n"
    ) -> BulkResult:
        """Run SOQL for a Bulk job, refusing what Bulk refuses. The result is what was true now; close it."""
        from sfsync.practice.results import BulkResult

        if all_rows:
            self._empty_expired()
        compiled = self._compile(soql, caller, all_rows, bulk=True)
        return BulkResult(self._store, compiled, alphabetical=caller.version < 50, delimiter=delimiter, newline=newline)

    def _compile(self, soql: str, caller: Caller, all_rows: bool, *, bulk: bool) -> Compiled:
        from sfsync.practice.soql import Options, compile_soql

        organization = self._store.fetch(
            'SELECT "FiscalYearStartMonth", "UsesStartDateAsFiscalYearName", "TimeZoneSidKey" FROM "Organization"'
        )[0]
        zone = self._store.fetch('SELECT "TimeZoneSidKey" FROM "User" WHERE "Id" = $1', [caller.user_id])
        options = Options(
            now=self.clock.now(),
            all_rows=all_rows,
            timezone=(zone[0][0] if zone else None) or organization[2] or "UTC",
            user_id=caller.user_id,
            bulk=bulk,
            version=caller.version,
            fiscal_start_month=organization[0] or 1,
            fiscal_year_by_start=bool(organization[1]),
        )
        return compile_soql(soql, self.schema, options)

    def retrieve(self, sobject: str, id: str, fields: Sequence[str] | None, caller: Caller) -> dict[str, Any]:
        """One record as REST's JSON, all fields unless some are named. Raises ApiError 404, also when it is deleted."""
        obj = self.sobject(sobject)
        wanted = normal(id)
        row = self._store.rows(obj.name, [wanted]).get(wanted) if wanted and wanted[:3] == obj.prefix else None
        if row is None:
            raise UnknownRecord()
        if row.get("IsDeleted"):
            raise deleted_error()
        names = ", ".join(fields or obj.fields)
        result = self.query(f"SELECT {names} FROM {obj.name} WHERE Id = '{wanted}'", caller)
        try:
            records = result.records(0, 1)
        finally:
            result.close()
        if not records:
            raise UnknownRecord()
        return records[0]

    def find(self, sobject: str, field: str, value: str) -> list[str]:
        """Ids of live records by an external Id or idLookup field, sorted. Raises ApiError 404 for another field."""
        obj = self.sobject(sobject)
        key = obj.field(field)
        if key is None or not (key.external_id or key.id_lookup):
            message = f"Provided external ID field does not exist or is not accessible: {field}"
            raise ApiError(404, "NOT_FOUND", message)
        wanted = (normal(value) or value) if key.name == "Id" else value
        return find_by(self._store, obj.name, key.name, [wanted]).get(fold(key, wanted), [])

    def updated(self, sobject: str, start: datetime, end: datetime) -> dict[str, Any]:
        """The body of getUpdated; see `replication.updated`."""
        return replication.updated(self._store, self.sobject(sobject), start, end, self.clock.now())

    def deleted(self, sobject: str, start: datetime, end: datetime) -> dict[str, Any]:
        """The body of getDeleted; see `replication.deleted`."""
        self._empty_expired()
        return replication.deleted(self._store, self.sobject(sobject), start, end, self.clock.now(), self._born)

    def record_count(self, sobjects: Sequence[str] | None = None) -> dict[str, Any]:
        """The body of /limits/recordCount: live rows of the named objects, or of all; unknown ones are left out."""
        named = [self.schema.get(name) for name in sobjects] if sobjects else list(self.schema.sobjects.values())
        counts = []
        for obj in named:
            if obj is not None:
                live = 'WHERE NOT "IsDeleted"' if "IsDeleted" in obj.fields else ""
                count = self._store.fetch(f'SELECT count(*) FROM "{obj.name}" {live}')[0][0]
                counts.append({"count": count, "name": obj.name})
        return {"sObjects": counts}

    def dump(self, sobject: str) -> Iterator[dict[str, Any]]:
        """Every row of the table by Id: soft-deleted ones, hidden fields and formulas included, compound fields not.

        Values are str, bool, int, Decimal, date, aware UTC datetime or None.
        """
        obj = self.schema.full(self.sobject(sobject).name)
        fields = [f for f in obj.fields.values() if f.stored or f.calculated]
        columns = ", ".join(f'({f.formula}) AS "{f.name}"' if f.formula else f'"{f.name}"' for f in fields)
        names = [f.name for f in fields]
        with self._store.reading() as connection:
            found = connection.execute(f'SELECT {columns} FROM "{obj.name}" ORDER BY "Id"')
            while rows := found.fetchmany(10_000):
                for row in rows:
                    yield dict(zip(names, map(_aware, row), strict=True))

    # -- write ---------------------------------------------------------------------------------------------------

    def save(
        self,
        op: Op,
        sobject: str,
        records: Sequence[Mapping[str, Any]],
        caller: Caller,
        *,
        external_id: str | None = None,
        all_or_none: bool = False,
    ) -> list[Saved]:
        """Write records; one Saved for each, in order. Values are JSON's, or texts as CSV has them.

        `external_id` is the key of an upsert. delete, hardDelete and undelete look at the Ids only. Raises ApiError
        when the object or the key is unknown; what is wrong with one record stands in its Saved.
        """
        obj = self.sobject(sobject)
        with self._store.transaction():
            moment = self._moment(caller)
            if op in ("delete", "hardDelete", "undelete"):
                return removal.remove(moment, op, obj, records, all_or_none)
            return write(moment, op, obj, records, external_id, all_or_none)

    def _moment(self, caller: Caller) -> Moment:
        return Moment(self._store, caller, self.clock.stamp(), self.assign_leads_to, tuple(self.duplicate_rules))

    def _empty_expired(self) -> None:
        now = self.clock.stamp()
        if abs(now - self._bin_checked) >= _BIN_CHECK:
            with self._store.transaction():
                removal.empty_expired(self._moment(self.caller()))
            self._bin_checked = now

    # -- behind the API ------------------------------------------------------------------------------------------

    def load(self, sobject: str, source: str | Path, *, cursor: duckdb.DuckDBPyConnection | None = None) -> int:
        """Add rows set-wise, unchecked, and return how many. Missing columns are empty, missing booleans false.

        source: a SELECT, a table's name, or the Path of a CSV or Parquet file; its columns are named as the fields.
        cursor: the connection that sees the source, when it is a temporary table.
        """
        obj = self.schema.full(self.sobject(sobject).name)
        with self._store.transaction() as connection:
            connection = cursor or connection
            inner = _source(source)
            described = connection.execute(f"SELECT * FROM ({inner}) LIMIT 0").description or []
            unknown = [c[0] for c in described if c[0] not in obj.fields or not obj.fields[c[0]].stored]
            if unknown:
                raise ValueError(f"{obj.name} has no column {unknown[0]!r}")
            wrote = connection.execute(f'INSERT INTO "{obj.name}" BY NAME SELECT * FROM ({inner})').fetchone()
            count = int(wrote[0]) if wrote else 0
            if "IsDeleted" in obj.fields:
                self._log_loaded_deletions(obj)
        self._store.learn_numbers(obj.name)
        return count

    def _log_loaded_deletions(self, obj: SObject) -> None:
        stamp = "SystemModstamp" if "SystemModstamp" in obj.fields else "CreatedDate"
        self._store.execute(
            f'INSERT INTO practice_deleted SELECT $1, "Id", coalesce("{stamp}", $2), "Id" FROM "{obj.name}"'
            ' WHERE "IsDeleted" AND "Id" NOT IN (SELECT id FROM practice_deleted)',
            [obj.name, self.clock.stamp()],
        )

    def new_ids(self, sobject: str, count: int) -> list[str]:
        """Ids nobody has; in SQL, `practice_id(prefix, number)` makes them from numbers."""
        return self._store.new_ids(sobject, count)

    def backdate(self, sobject: str, id: str, seconds: float) -> None:
        """Move SystemModstamp and LastModifiedDate of a record back, as if its transaction had been committed late."""
        obj = self.schema.full(self.sobject(sobject).name)
        names = [n for n in ("SystemModstamp", "LastModifiedDate") if n in obj.fields]
        moves = ", ".join(f'"{n}" = "{n}" - to_seconds($2::BIGINT)' for n in names)
        self._store.execute(f'UPDATE "{obj.name}" SET {moves} WHERE "Id" = $1', [normal(id), int(seconds)])

    def purge(self, sobject: str, ids: Sequence[str]) -> int:
        """Take records out of the org for good, deleting them first where need be. Returns how many went."""
        obj = self.sobject(sobject)
        with self._store.transaction():
            moment = self._moment(self.caller())
            rows = self._store.rows(obj.name, [i for i in map(normal, ids) if i])
            live = [i for i, row in rows.items() if not row.get("IsDeleted")]
            if live:
                removal.delete(moment, obj, live)
            return removal.purge(moment, obj.name, list(rows))

    def fill(self, sobject: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add rows unchecked, read-only fields included, each with an Id and the audit fields. Returns the Ids."""
        obj = self.schema.full(self.sobject(sobject).name)
        stamp = self.clock.stamp()
        audit: dict[str, Any] = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp)
        audit |= dict.fromkeys(("CreatedById", "LastModifiedById"), self.user_id)
        given = {k: v for k, v in audit.items() if k in obj.fields}
        ids = self.new_ids(obj.name, len(rows))
        self._store.insert(obj.name, [{**given, **row, "Id": i} for i, row in zip(ids, rows, strict=True)])
        return ids

    def write_periods(self) -> None:
        """Make the Period rows anew, after the fiscal year start was changed."""
        write_periods(self._store, self.clock.stamp())

    def add_object(self, sobject: SObject) -> None:
        """Add an object with an empty table. Raises ValueError when its name or its Ids' prefix is taken."""
        for known in self.schema.sobjects.values():
            if known.name.casefold() == sobject.name.casefold() or known.prefix == sobject.prefix:
                raise ValueError(f"{known.name} has this name or the prefix {sobject.prefix} already")
        with self.lock:
            self.schema.add(sobject)
            self._store.create_tables()
            self._keep_schema_edits()

    def add_field(self, sobject: str, field: Field, value_sql: str | None = None) -> None:
        """Add a field. `value_sql` fills it in the rows there are, from their quoted columns; no stamp moves."""
        obj = self.schema.full(self.sobject(sobject).name)
        if field.name in obj.fields:
            raise ValueError(f"{obj.name} has a field {field.name} already")
        with self.lock:
            self._store.add_column(obj.name, field, value_sql)
            self.schema.put(replace(obj, fields={**obj.fields, field.name: field}))
            self._keep_schema_edits()

    def remove_field(self, sobject: str, name: str) -> None:
        """Remove a field and its values."""
        obj, field = self._known_field(sobject, name)
        with self.lock:
            self.schema.put(without(obj, [field.name]))
            self._store.drop_column(obj.name, field)
            self._keep_schema_edits()

    def hide_field(self, sobject: str, name: str) -> None:
        """Take the integration user's right to see a field: describe, queries and saves do not know it any more."""
        obj, field = self._known_field(sobject, name)
        with self.lock:
            self.schema.hide(obj.name, field.name)
            self._keep_schema_edits()

    def show_field(self, sobject: str, name: str) -> None:
        """Undo `hide_field`."""
        obj, field = self._known_field(sobject, name)
        with self.lock:
            self.schema.show(obj.name, field.name)
            self._keep_schema_edits()

    def _known_field(self, sobject: str, name: str) -> tuple[SObject, Field]:
        obj = self.schema.full(self.sobject(sobject).name)
        found = obj.field(name)
        if found is None or found.name == "Id":
            raise ValueError(f"{obj.name} has no field {name} to change")
        return obj, found

    def _keep_schema_edits(self) -> None:
        """So that an org kept in a file has its fields again when it is opened."""
        standard = standard_schema()
        edits: dict[str, Any] = {"objects": [], "added": [], "removed": [], "hidden": self.schema.hidden()}
        for name in self.schema.sobjects:
            if name not in standard.sobjects:
                obj = self.schema.full(name)
                edits["objects"].append({**asdict(obj), "fields": [asdict(f) for f in obj.fields.values()]})
                continue
            now, before = self.schema.full(name).fields, standard.full(name).fields
            edits["added"] += [[name, asdict(f)] for n, f in now.items() if n not in before]
            edits["removed"] += [[name, n] for n in before if n not in now]
        self._store.set_meta("schema", json.dumps(edits))

    def _load_schema_edits(self) -> None:
        edits = json.loads(self._store.meta("schema") or "{}")
        for made in edits.get("objects", ()):
            fields = [_field(f) for f in made.pop("fields")]
            self.schema.add(SObject(**made, fields={f.name: f for f in fields}))
        for name, made in edits.get("added", ()):
            field = _field(made)
            obj = self.schema.full(name)
            self.schema.put(replace(obj, fields={**obj.fields, field.name: field}))
        for name, gone in edits.get("removed", ()):
            self.schema.put(without(self.schema.full(name), [gone]))
        for name, hidden in edits.get("hidden", ()):
            self.schema.hide(name, hidden)


def _field(kept: dict[str, Any]) -> Field:
    values = tuple(PickValue(**v) for v in kept["values"])
    return Field(**{**kept, "values": values, "refers": tuple(kept["refers"])})


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _source(source: str | Path) -> str:
    if isinstance(source, Path):
        path = str(source).replace("'", "''")
        if source.suffix == ".parquet":
            return f"SELECT * FROM read_parquet('{path}')"
        return f"SELECT * FROM read_csv('{path}', header = true, all_varchar = true)"
    words = source.split(None, 1)
    return source if len(words) > 1 else f"SELECT * FROM {source}"
