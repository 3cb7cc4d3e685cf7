"""One HTTP conversation with one org: session, retries, quota, the org's clock. Everything else is built on it."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3

from sfsync.errors import AuthError, IncompleteRead, OrgError, RetryableOrgError
from sfsync.salesforce.auth import Auth
from sfsync.salesforce.encode import json_bytes
from sfsync.salesforce.quota import Meter, Quota
from sfsync.salesforce.replies import Reply, describe
from sfsync.salesforce.retry import RetryPolicy, Transient
from sfsync.salesforce.tokens import Session
from sfsync.salesforce.verdict import judge, lost, session_expired
from sfsync.salesforce.wire import CLIENT, CONNECT_SECONDS, READ_SECONDS, new_http, origin

log = logging.getLogger("sfsync.org")
T = TypeVar("T")
OnCall = Callable[[str, str, int, float], None]
_DATA = re.compile(r"/services/data/v\d")


@dataclass(frozen=True)
class Request:
    """path: from the host's root, as `/services/data/v66.0/limits`, with its query string.

    repeatable: sending it twice does no harm. cost: how many of the org's API requests it uses.
    """

    method: str
    path: str
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    cost: int = 1

    @property
    def bare_path(self) -> str:
        """Without the query string, which may hold values."""
        return self.path.split("?")[0]

    @property
    def what(self) -> str:
        return f"{self.method} {self.bare_path}"


class Transport:
    """Sends requests to the org that `auth` logs in to. Threads may share it.

    Logs in when first used. Each reply's usage and Date are kept. `on_call(method, path, status, seconds)` is called
    after each attempt, with status 0 when no answer came.
    """

    def __init__(
        self,
        auth: Auth,
        *,
        quota: Quota | None = None,
        retries: RetryPolicy | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        on_call: OnCall | None = None,
    ):
        self.auth = auth
        self.meter = Meter(quota)
        self.retries = retries or RetryPolicy()
        self._timeout = (connect_seconds, read_seconds)
        self._on_call = on_call
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._http: requests.Session | None = None
        self._renewed_in_vain = False
        self._clock: tuple[datetime, float] | None = None

    # -- session

    @property
    def session(self) -> Session:
        """The session in use, opened when there is none."""
        return self._open()[0]

    def close(self) -> None:
        with self._lock:
            if self._http is not None:
                self._http.close()
            self._http = self._session = None

    def _open(self) -> tuple[Session, requests.Session]:
        with self._lock:
            if self._session is None or self._http is None:
                self._session, self._renewed_in_vain = self.auth.login(), False
                self._http = new_http(self._session.instance_url)
            return self._session, self._http

    def _renew(self, dead: Session) -> None:
        """Replace the dead session; of several threads that hold it, one asks and the others take what it got."""
        with self._lock:
            if self._session is not dead:
                return
            if not self.auth.renewable:
                raise AuthError(
                    "The session has expired or was revoked, and auth session cannot renew it. "
                    "Open a new one and set org.session_id.",
                    code="INVALID_SESSION_ID",
                    status=401,
                )
            if self._renewed_in_vain:
                raise self._useless()
            log.info("session expired; logging in again (%s)", self.auth.way)
            fresh = self.auth.login()
            if self._http is not None and fresh.instance_url != dead.instance_url:
                self._http.close()
                self._http = new_http(fresh.instance_url)
            self._session, self._renewed_in_vain = fresh, True  # until an answer proves it

    def _useless(self) -> AuthError:
        return AuthError(
            f"Login ({self.auth.way}) works, but Salesforce refuses the session it gives (INVALID_SESSION_ID). "
            "Check the session and IP settings of the user and the app, and that org.instance_url is the right org.",
            code="INVALID_SESSION_ID",
            status=401,
        )

    # -- the org's clock

    def server_time(self) -> datetime | None:
        """Now on the org's clock (UTC): the newest reply's Date and the time since. None before the first reply."""
        clock = self._clock
        if clock is None:
            return None
        return clock[0] + timedelta(seconds=time.monotonic() - clock[1])

    # -- calls

    def call(self, request: Request) -> Reply:
        """The whole answer, status 2xx or 304. Raises the OrgError that fits, after the retries the policy allows."""

        return self.retries.run(lambda: self._whole(request))

    def json(self, request: Request) -> Any:
        """The parsed answer. What is not JSON counts as an outage."""

        def attempt() -> Any:
            reply = self._whole(request)
            try:
                return reply.json()
            except ValueError:
                reason = f"Salesforce answered {describe(reply)}"
                if not request.repeatable:
                    raise lost(request.what, reason) from None
                raise Transient(RetryableOrgError(f"{request.what}: {reason}.", status=reply.status)) from None

        return self.retries.run(attempt)

    def stream(self, request: Request, read: Callable[[requests.Response], T]) -> T:
        """What `read` makes of a 2xx answer whose body it reads itself from `response.raw`.

        `read` is called again, with a new answer, when it raises Transient or the connection breaks under it.
        """

        def attempt() -> T:
            with self._exchange(request) as response:
                if not 200 <= response.status_code < 300:
                    self._judged(response, request)
                try:
                    return read(response)
                except urllib3.exceptions.HTTPError as err:
                    raise Transient(IncompleteRead(str(_broken(request)))) from err

        return self.retries.run(attempt)

    def _whole(self, request: Request) -> Reply:
        with self._exchange(request) as response:
            return self._judged(response, request)

    def _judged(self, response: requests.Response, request: Request) -> Reply:
        reply = Reply(response.status_code, response.headers, self._body(response, request))
        judge(reply, request.what, request.bare_path, self.retries, repeatable=request.repeatable)
        return reply

    @contextmanager
    def _exchange(self, request: Request) -> Iterator[requests.Response]:
        """One attempt; a session found dead is replaced and the request sent once more."""
        session, response = self._send(request)
        try:
            if self._expired(response, request):
                response.close()
                self._renew(session)
                session, response = self._send(request)
                if self._expired(response, request):
                    raise self._useless()
            if response.status_code < 400:
                self._renewed_in_vain = False
            yield response
        finally:
            response.close()

    def _expired(self, response: requests.Response, request: Request) -> bool:
        if response.status_code != 401:
            return False
        return session_expired(Reply(401, response.headers, self._body(response, request)))

    def _send(self, request: Request) -> tuple[Session, requests.Response]:
        session, http = self._open()
        counted = bool(_DATA.match(request.path))
        if counted:
            self.meter.spend(request.cost)
        headers = {"Accept": "application/json", "Sforce-Call-Options": f"client={CLIENT}", **request.headers}
        data = None
        if request.json is not None:
            headers["Content-Type"] = "application/json; charset=UTF-8"
            data = json_bytes(request.json)
        started = time.monotonic()
        status = 0
        try:
            response = http.request(
                request.method,
                _url(session, request.path),
                data=data,
                headers=headers,
                auth=_bearer(session.token),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            status = response.status_code
        except requests.exceptions.RequestException as err:
            self.meter.read(None, request.cost if counted else 0)
            raise _no_answer(request, session, err) from None
        finally:
            self._note(request, status, time.monotonic() - started)
        self._learn(response, request.cost if counted else 0)
        return session, response

    def _body(self, response: requests.Response, request: Request) -> bytes:
        try:
            return response.content
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as err:
            if not request.repeatable and response.status_code < 400:
                raise lost(request.what, "the connection broke") from err
            raise Transient(_broken(request)) from err

    def _learn(self, response: requests.Response, cost: int) -> None:
        self.meter.read(response.headers.get("Sforce-Limit-Info"), cost)
        try:
            date = parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return
        self._clock = (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC), time.monotonic()

    def _note(self, request: Request, status: int, seconds: float) -> None:
        log.debug("%s %s %d in %.3f s", request.method, request.bare_path, status, seconds)
        if self._on_call is not None:
            self._on_call(request.method, request.bare_path, status, seconds)


def _url(session: Session, path: str) -> str:
    """The address on the session's own host. A path that names another host is refused: it would get the token."""
    if path.startswith("/") and not path.startswith("//"):
        return session.instance_url + path
    parts = urlsplit(path)
    if parts.scheme not in ("http", "https") or origin(path, "address") != session.instance_url:
        raise OrgError(
            f"Salesforce points to {parts.netloc or 'a strange address'}, which is not {session.instance_url}."
        )
    return path


def _bearer(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    # As requests' own auth hook, because a plain header would be replaced by an entry in ~/.netrc.
    def sign(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {token}"
        return prepared

    return sign


def _no_answer(request: Request, session: Session, err: requests.exceptions.RequestException) -> Exception:
    """The error for a request without an answer. requests' own text holds the whole query: never quoted nor chained."""
    if isinstance(err, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(err):
        return OrgError(
            f"The TLS certificate of {session.instance_url} cannot be verified. Check the address and the proxy."
        )
    if _never_sent(err):
        return Transient(RetryableOrgError(f"{session.instance_url} cannot be reached ({type(err).__name__})."))
    if not request.repeatable:
        return lost(request.what, "the reply was lost")
    if isinstance(err, requests.exceptions.Timeout):
        return Transient(RetryableOrgError(f"{request.what}: no answer in time."))
    return Transient(_broken(request))


def _never_sent(err: requests.exceptions.RequestException) -> bool:
    if isinstance(err, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    reason = getattr(err.args[0], "reason", None) if err.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _broken(request: Request) -> RetryableOrgError:
    return RetryableOrgError(f"{request.what}: the connection broke before the whole answer was here.")
