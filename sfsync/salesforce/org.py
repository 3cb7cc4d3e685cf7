"""`Org`: the only door to Salesforce."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from sfsync.errors import OrgError, nearest
from sfsync.model import Value
from sfsync.salesforce import query as queries
from sfsync.salesforce import records as rows
from sfsync.salesforce.auth import Auth, make_auth
from sfsync.salesforce.bulk2 import BulkQuery
from sfsync.salesforce.encode import iso
from sfsync.salesforce.http import OnCall, Request, Transport
from sfsync.salesforce.ids import to18
from sfsync.salesforce.query import Ask, BatchResult, QueryPage
from sfsync.salesforce.quota import Quota, Usage
from sfsync.salesforce.records import DuplicateRules, Manners, SaveResult
from sfsync.salesforce.replies import when
from sfsync.salesforce.retry import RetryPolicy
from sfsync.salesforce.soql import name
from sfsync.salesforce.wire import CONNECT_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

    from sfsync.config import OrgConfig, QuotaConfig

NEWEST = "66.0"
"""The newest API version sfsync has been written for."""


@dataclass(frozen=True)
class Identity:
    """Who is logged in where. Ids have 18 characters."""

    org_id: str
    user_id: str
    username: str


@dataclass(frozen=True)
class Updated:
    """getUpdated: Ids of records created or changed; ask from `latest_covered` (UTC) next time."""

    ids: list[str]
    latest_covered: datetime


@dataclass(frozen=True)
class Deleted:
    """getDeleted: when each Id was deleted (UTC), how far back the log reaches, and where to go on next time."""

    ids: dict[str, datetime]
    earliest_available: datetime
    latest_covered: datetime

    @classmethod
    def of(cls, body: Any) -> Deleted:
        """Out of the answer to `deleted_path`. Raises KeyError, TypeError or ValueError when it is something else."""
        ids = {to18(str(r["id"])): when(str(r["deletedDate"])) for r in body["deletedRecords"]}
        return cls(ids, when(str(body["earliestDateAvailable"])), when(str(body["latestDateCovered"])))


def deleted_path(sobject: str, start: datetime, end: datetime) -> str:
    """What to ask in a batch for what `Org.deleted` asks by itself; relative to `/services/data/vXX.X`."""
    return _window_path(sobject, "deleted", start, end)


class Org:
    """One org, one user. Threads may share it. Close it, or use it in a `with`.

    Every method may raise AuthError (login refused), RetryableOrgError (out of order in spite of retries), QuotaFloor
    (stopped before the API quota floor) and OrgError (refused; `.code` is Salesforce's errorCode). Writes raise
    UnknownOutcome when their reply is lost, and are never repeated on their own.
    """

    def __init__(
        self,
        auth: Auth,
        *,
        api_version: str | None = None,
        quota: Quota | None = None,
        retries: RetryPolicy | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        on_call: OnCall | None = None,
    ):
        self._transport = Transport(
            auth,
            quota=quota,
            retries=retries,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            on_call=on_call,
        )
        self._api_version = api_version
        self._identity: Identity | None = None
        self._organization: dict[str, Any] | None = None

    @classmethod
    def connect(cls, config: OrgConfig, quota: QuotaConfig | None = None, **options: Any) -> Org:
        """Log in to the org of a config. `options` are those of Org. Raises AuthError, ConfigError."""
        limits = Quota(quota.floor_percent, quota.floor_calls, quota.per_run) if quota else None
        org = cls(make_auth(config), api_version=config.api_version, quota=limits, **options)
        try:
            _ = org.instance_url
        except BaseException:
            org.close()
            raise
        return org

    def close(self) -> None:
        """End the connections. The session itself stays alive in Salesforce, others may share it."""
        self._transport.close()

    def __enter__(self) -> Org:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the org itself

    @property
    def instance_url(self) -> str:
        """Where the API lives, as the last login said: scheme and host."""
        return self._transport.session.instance_url

    @property
    def api_version(self) -> str:
        """As "66.0": the one asked for, else the newest that the org and sfsync both know."""
        if self._api_version is None:
            offered = [str(v["version"]) for v in self._versions()]
            known = [v for v in offered if float(v) <= float(NEWEST)]
            if not known:
                raise OrgError(f"The org offers no API version up to {NEWEST}, the newest sfsync knows.")
            self._api_version = max(known, key=float)
        return self._api_version

    @property
    def usage(self) -> Usage:
        """The org's API requests used and allowed per 24 hours, and how many of them were ours."""
        return self._transport.meter.usage

    def identity(self) -> Identity:
        """Org and user of the session. Asked once."""
        if self._identity is None:
            self._identity = self._identify()
        return self._identity

    def organization(self) -> dict[str, Any]:
        """The Organization record (Id, Name, IsSandbox, TimeZoneSidKey, FiscalYearStartMonth, …). Asked once."""
        if self._organization is None:
            fields = [
                "Id", "Name", "IsSandbox", "InstanceName", "OrganizationType", "TimeZoneSidKey", "LanguageLocaleKey",
                "DefaultLocaleSidKey", "FiscalYearStartMonth", "UsesStartDateAsFiscalYearName",
            ]  # fmt: skip
            found = list(self.query(f"SELECT {', '.join(fields)} FROM Organization"))
            if len(found) != 1:
                raise OrgError(f"The org shows {len(found)} Organization records instead of one.")
            self._organization = {**found[0], "Id": to18(str(found[0]["Id"]))}
        return dict(self._organization)

    def server_time(self) -> datetime:
        """Now by the org's clock (UTC), from the newest answer; asks for one when there is none yet."""
        if self._transport.server_time() is None:
            self._versions()
        now = self._transport.server_time()
        if now is None:
            raise OrgError(f"{self.instance_url} sends no Date with its answers; its clock is unknown.")
        return now

    def limits(self) -> dict[str, Any]:
        """`{"DailyApiRequests": {"Max": …, "Remaining": …}, …}`. May lag some minutes; needs View Setup."""
        return self._object("limits")

    def describe_global(self) -> dict[str, Any]:
        return self._object("sobjects")

    def describe(self, sobject: str) -> dict[str, Any]:
        """The object's describe, as this user sees it. OrgError NOT_FOUND names the nearest object that exists."""
        try:
            return self._object(f"sobjects/{name(sobject)}/describe")
        except OrgError as err:
            if err.status != 404:
                raise
            known = [str(s["name"]) for s in self.describe_global().get("sobjects", [])]
            text = f'The org has no object "{sobject}", or this user may not see it.{nearest(sobject, known)}'
            raise OrgError(text, code="NOT_FOUND", status=404) from err

    def picklist_values(self, sobject: str, record_type: str) -> dict[str, list[str]]:
        """Picklist → its values for one record type, lead and sales processes applied; {} where the org tells none."""
        try:
            path = f"ui-api/object-info/{name(sobject)}/picklist-values/{to18(record_type)}"
            found = self._object(path).get("picklistFieldValues") or {}
        except OrgError as err:
            if err.status not in (400, 403, 404):
                raise
            return {}
        return {field: [str(v["value"]) for v in listed.get("values") or ()] for field, listed in found.items()}

    # -- reading

    def query(self, soql: str, *, all_rows: bool = False) -> Iterator[dict[str, Any]]:
        """The records, page by page as they are taken, parents nested, without `attributes`.

        Numbers with a point are Decimal; dates and times are text. all_rows: deleted and archived ones too.
        Raises IncompleteRead at the end when fewer came than Salesforce promised.
        """
        for page in self.query_pages(soql, all_rows=all_rows):
            yield from page.records

    def query_pages(self, soql: str, *, all_rows: bool = False, first: Any = None) -> Iterator[QueryPage]:
        """The same in pages of up to 2,000 records. first: the body a `composite` brought for this very query."""
        return queries.pages(self._transport, self._base, soql, all_rows=all_rows, first=first)

    def count(self, soql: str, *, all_rows: bool = False) -> int:
        """What a `SELECT COUNT() FROM …` counts."""
        return queries.count(self._transport, self._base, soql, all_rows=all_rows)

    def batch_get(self, paths: Sequence[str]) -> list[BatchResult]:
        """Answers to several GETs in one call per 25, in order; see `soql.path` for the paths of queries."""
        return queries.batch(self._transport, self._base, paths)

    def composite(self, asks: Sequence[Ask]) -> list[BatchResult]:
        """Answers to several GETs, in order, for one API request per 25 of them, five queries among each 25."""
        return queries.composite(self._transport, self._base, asks)

    def simple_salesforce(self) -> Salesforce:
        """A simple-salesforce client on this session, for what sfsync does not cover. It talks https only."""
        from simple_salesforce.api import Salesforce

        session = self._transport.session
        return Salesforce(
            instance_url=session.instance_url, session_id=session.token, version=self.api_version, client_id="sfsync"
        )

    def bulk_query(self, soql: str, *, all_rows: bool = True) -> BulkQuery:
        """Start a Bulk API 2.0 query job; deleted and archived rows are included unless `all_rows` is False."""
        return BulkQuery.create(self._transport, self.api_version, soql, all_rows=all_rows)

    def resume_bulk_query(
        self, job_id: str, api_version: str, *, soql: str = "", sobject: str = "", operation: str = ""
    ) -> BulkQuery:
        """A job started earlier. Give `soql` or `sobject`, and `operation`, to have it checked that it is the one."""
        return BulkQuery(self._transport, job_id, api_version, soql, operation=operation, sobject=sobject)

    def updated(self, sobject: str, start: datetime, end: datetime) -> Updated:
        """Ids of records created or changed in the window, which may reach back 30 days."""
        body = self._object(_window_path(sobject, "updated", start, end))
        return Updated([to18(str(i)) for i in body["ids"]], when(str(body["latestDateCovered"])))

    def deleted(self, sobject: str, start: datetime, end: datetime) -> Deleted:
        """Records deleted in the window. OrgError INVALID_REPLICATION_DATE: the log does not reach back to `start`."""
        return Deleted.of(self._object(deleted_path(sobject, start, end)))

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """The records by 18-character Id, in the order asked, with Id; None for one that is deleted or invisible."""
        return rows.retrieve(self._transport, self._base, sobject, ids, fields)

    # -- writing

    def update(
        self,
        sobject: str,
        records: Sequence[Mapping[str, Value]],
        *,
        assignment_rules: bool = False,
        duplicate_rules: DuplicateRules = "block",
        all_or_none: bool = False,
    ) -> list[SaveResult]:
        """Set fields of up to 200 records, each with its Id; None clears a field. One result per record, in order."""
        manners = Manners(assignment_rules, duplicate_rules)
        return rows.update(self._transport, self._base, sobject, records, manners, all_or_none=all_or_none)

    def create(
        self,
        sobject: str,
        records: Sequence[Mapping[str, Value]],
        *,
        assignment_rules: bool = False,
        duplicate_rules: DuplicateRules = "block",
        all_or_none: bool = False,
    ) -> list[SaveResult]:
        """Create up to 200 records. One result per record, in order, with the new Id."""
        manners = Manners(assignment_rules, duplicate_rules)
        return rows.create(self._transport, self._base, sobject, records, manners, all_or_none=all_or_none)

    def delete(self, sobject: str, ids: Sequence[str], *, all_or_none: bool = False) -> list[SaveResult]:
        """Move up to 200 records to the recycle bin. One result per Id, in order."""
        return rows.delete(self._transport, self._base, sobject, ids, all_or_none=all_or_none)

    def update_one(
        self,
        sobject: str,
        id: str,
        values: Mapping[str, Value],
        if_unmodified_since: datetime | None = None,
        *,
        assignment_rules: bool = False,
        duplicate_rules: DuplicateRules = "block",
    ) -> SaveResult:
        """Set fields of one record, unless it was modified after the moment given: then code PRECONDITION_FAILED."""
        manners = Manners(assignment_rules, duplicate_rules)
        return rows.update_one(
            self._transport, self._base, sobject, id, values, manners, if_unmodified_since=if_unmodified_since
        )

    # -- inside

    @property
    def _base(self) -> str:
        return f"/services/data/v{self.api_version}"

    def _object(self, path: str) -> dict[str, Any]:
        body = self._transport.json(Request("GET", f"{self._base}/{path}"))
        if not isinstance(body, dict):
            raise OrgError(f"GET {path}: the answer is not a JSON object.")
        return body

    def _versions(self) -> list[dict[str, Any]]:
        body = self._transport.json(Request("GET", "/services/data"))
        if not isinstance(body, list) or not all(isinstance(v, dict) and "version" in v for v in body):
            raise OrgError(f"{self.instance_url} does not list its API versions; is it Salesforce's address?")
        return body

    def _identify(self) -> Identity:
        # The identity address may be on the login host; its path is answered by the org's own host as well.
        identity_url = self._transport.session.identity_url
        path = urlsplit(identity_url).path if identity_url else "/services/oauth2/userinfo"
        try:
            body = self._transport.json(Request("GET", path))
        except OrgError as err:
            if err.status not in (403, 404):
                raise
            # A session without the scope for it still sees its org.
            return Identity(str(self.organization()["Id"]), "", "")
        try:
            username = str(body.get("username") or body.get("preferred_username") or "")
            return Identity(to18(body["organization_id"]), to18(body["user_id"]), username)
        except (AttributeError, KeyError, ValueError) as err:
            raise OrgError("The identity Salesforce answered lacks organization_id or user_id.") from err


def _window_path(sobject: str, what: str, start: datetime, end: datetime) -> str:
    window = f"start={quote(iso(start.astimezone(UTC)), safe='')}&end={quote(iso(end.astimezone(UTC)), safe='')}"
    return f"sobjects/{name(sobject)}/{what}/?{window}"
