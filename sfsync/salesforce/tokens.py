"""The OAuth token endpoint: one form posted, one session or one clear refusal back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from sfsync.errors import AuthError, ConfigError, OrgError, RetryableOrgError
from sfsync.salesforce.replies import Problem, Reply, describe
from sfsync.salesforce.retry import RetryPolicy, Transient, retry_after
from sfsync.salesforce.wire import CONNECT_SECONDS, new_http, origin, scrub

LOGIN_SECONDS = 30.0
LOGIN_RETRIES = RetryPolicy(tries=4, deadline_seconds=60.0, cap_seconds=10.0)

_HINTS = {
    "invalid_client_id": "Check org.client_id: it is the consumer key of the app, and the app must belong to this org.",
    "invalid_client": "Check org.client_secret: it is the consumer secret of the app, and may have been rotated.",
    "unsupported_grant_type": "Switch the flow on in the app's OAuth settings.",
    "inactive_user": "The user is not active. Activate it in Setup, Users, or use another.",
    "inactive_org": "The org is locked, closed or suspended.",
    "rate_limit_exceeded": "Too many logins in an hour. Wait, and log in less often.",
    "invalid_app_access": "Give the user access to the app: its policy admits only users that were pre-authorised.",
}


@dataclass(frozen=True)
class Session:
    """A way in. The token never shows in its repr."""

    token: str = field(repr=False)
    instance_url: str
    identity_url: str | None = None
    issued_at: datetime | None = None


@dataclass(frozen=True)
class TokenAnswer:
    session: Session
    refresh_token: str | None = field(default=None, repr=False)


def ask_token(login_url: str, form: Mapping[str, str], *, way: str, hints: Mapping[str, str]) -> TokenAnswer:
    """Post the form to the login host's token endpoint.

    hints: what to do, by OAuth error code, for this way of logging in. Raises AuthError when it is refused,
    RetryableOrgError when nobody answers sensibly.
    """
    base = origin(login_url, "login_url")
    reply = post_login(f"{base}/services/oauth2/token", form=form)
    if reply.ok and (answer := _answer(reply)):
        return answer
    found = reply.problems()
    raise refused(base, way, found[0] if found else None, reply, {**_HINTS, **hints}, secrets=form.values())


def post_login(url: str, *, form: Mapping[str, str] | None = None, xml: bytes | None = None) -> Reply:
    """Post to a login host, again while it is out of order. A login that is repeated does no harm."""
    return LOGIN_RETRIES.run(lambda: _post_once(url, form, xml))


def refused(
    base: str, way: str, problem: Problem | None, reply: Reply, hints: Mapping[str, str], secrets: Any = ()
) -> AuthError:
    """The AuthError for a login that was refused: who said what, and what to do."""
    if problem is None:
        return AuthError(
            f"Login at {base} ({way}) failed: {describe(reply)}. Check that org.instance_url and org.login_url are "
            "Salesforce's own addresses (My Domain, as in https://acme.my.salesforce.com).",
            status=reply.status,
        )
    said = scrub(problem.message)
    for secret in sorted((s for s in secrets if len(s) >= 6), key=len, reverse=True):
        said = said.replace(secret, "…")
    text = f"{problem.code}: {said}" if said else problem.code
    hint = hints.get(problem.code, "Check the app and the user in Setup (Login History names the reason).")
    return AuthError(
        f"Salesforce refused the login at {base} ({way}). It said: {text.rstrip('.')}. {hint}",
        code=problem.code,
        status=reply.status,
    )


def _post_once(url: str, form: Mapping[str, str] | None, xml: bytes | None) -> Reply:
    headers = {"Accept": "application/json"}
    if xml is not None:
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
    with new_http(url) as http:
        try:
            response = http.post(
                url,
                data=xml if xml is not None else form,
                headers=headers,
                auth=_no_auth,
                timeout=(CONNECT_SECONDS, LOGIN_SECONDS),
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as err:
            raise OrgError(
                f"The TLS certificate of {url} cannot be verified. Check the address and the proxy."
            ) from err
        except requests.exceptions.RequestException as err:
            where = url.split("/services")[0]
            raise Transient(RetryableOrgError(f"{where} cannot be reached to log in ({type(err).__name__}).")) from err
        reply = Reply(response.status_code, response.headers, response.content)
    if reply.status in (420, 429) or (reply.status >= 500 and xml is None) or _is_hiccup(reply):
        wait = retry_after(reply.headers.get("Retry-After"))
        where = url.split("/services")[0]
        raise Transient(
            RetryableOrgError(f"{where} answered the login with HTTP {reply.status}.", status=reply.status),
            retry_after=wait,
        )
    return reply


def _is_hiccup(reply: Reply) -> bool:
    if reply.status in (502, 503, 504):
        return True
    return any(p.code == "unknown_error" and "retry" in p.message.lower() for p in reply.problems())


def _answer(reply: Reply) -> TokenAnswer | None:
    try:
        body = reply.json()
        token, instance = body["access_token"], body["instance_url"]
    except (ValueError, KeyError, TypeError):
        return None
    if not (isinstance(token, str) and token and isinstance(instance, str)):
        return None
    try:
        base = origin(instance, "the instance_url Salesforce answered")
    except ConfigError as err:
        raise AuthError(f"Login worked, but {err}") from err
    rotated = body.get("refresh_token")
    session = Session(token, base, body.get("id") or None, _issued(body.get("issued_at")))
    return TokenAnswer(session, rotated if isinstance(rotated, str) and rotated else None)


def _issued(text: Any) -> datetime | None:
    # A text of epoch milliseconds; the JWT flow leaves it out.
    digits = str(text or "")
    return datetime.fromtimestamp(int(digits) / 1000, UTC) if digits.isdigit() else None


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Given to requests so that it does not look for other credentials in ~/.netrc."""
    return request
