"""What an answer means: take it, try again, or raise. Decided by status and errorCode, hardly ever by wording."""

from __future__ import annotations

from sfsync.errors import AuthError, OrgError, QuotaFloor, RetryableOrgError, UnknownOutcome
from sfsync.salesforce.replies import Problem, Reply, describe, error, is_page
from sfsync.salesforce.retry import RetryPolicy, Transient, retry_after

# Refused before anything was done, so even a write may be sent again.
_BUSY_CODES = {
    "SERVER_UNAVAILABLE",
    "API_CURRENTLY_DISABLED",
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE",
    "TOO_MANY_APEX_REQUESTS",
}
_BUSY_STATUS = {420, 429}
# Quotas that come back with time. Only Bulk jobs answer with the first four names for a quota of the whole org.
_JOB_QUOTAS = {"LIMIT_EXCEEDED", "LIMITEXCEEDED", "EXCEEDED_QUOTA", "EXCEEDEDQUOTA", "TOO_MANY_JOBS"}
_DEAD_SESSION = "INVALID_SESSION_ID"
# Said under the same code, and no new session would change it.
_NOT_EXPIRED = ("not valid for use with the REST API", "not attached to Agent")


def session_expired(reply: Reply) -> bool:
    """Whether a new session would help. Not every 401 means that."""
    if reply.status != 401:
        return False
    return any(
        p.code == _DEAD_SESSION and not any(text in p.message for text in _NOT_EXPIRED) for p in reply.problems()
    )


def judge(reply: Reply, what: str, path: str, policy: RetryPolicy, *, repeatable: bool) -> None:
    """Return when the answer is one to read. Else raise Transient to try again, or the OrgError that ends it.

    repeatable: the request may be sent twice. If not, an answer that leaves open whether it was done raises
    UnknownOutcome. 304 is an answer too.
    """
    if (reply.ok and not is_page(reply)) or reply.status == 304:
        return
    found = reply.problems()
    codes = {p.code for p in found}
    wait = retry_after(reply.headers.get("Retry-After"))
    if _busy(reply, found, codes):
        raise Transient(_retryable(reply, what), retry_after=wait)
    if "UNABLE_TO_LOCK_ROW" in codes and repeatable:
        raise Transient(_retryable(reply, what), retry_after=wait)
    if (reply.status >= 500 and "UNABLE_TO_LOCK_ROW" not in codes) or reply.ok:
        _outage(reply, what, policy, wait, repeatable)
    raise _refusal(reply, what, path, found, codes)


def lost(what: str, reason: str) -> UnknownOutcome:
    """The error for a write nobody knows the end of."""
    return UnknownOutcome(
        f"{what}: {reason} after the request was sent: it may have been done. Read the records before writing again.",
        code="UNKNOWN_OUTCOME",
    )


def _busy(reply: Reply, found: list[Problem], codes: set[str]) -> bool:
    if reply.status in _BUSY_STATUS or codes & _BUSY_CODES or (reply.status == 406 and not reply.body):
        return True
    if "REQUEST_LIMIT_EXCEEDED" in codes:
        return not _daily_limit(found)
    return "INVALID_QUERY_LOCATOR" in codes and b"TEMPORARY_QUERY_MORE_FAILURE" in reply.body


def _outage(reply: Reply, what: str, policy: RetryPolicy, wait: float | None, repeatable: bool) -> None:
    if not repeatable:
        raise lost(what, f"Salesforce answered {describe(reply) if not reply.problems() else f'HTTP {reply.status}'}")
    tries = policy.server_error_tries if reply.status == 500 and not is_page(reply) else None
    raise Transient(_retryable(reply, what), retry_after=wait, tries=tries)


def _refusal(reply: Reply, what: str, path: str, found: list[Problem], codes: set[str]) -> OrgError:
    refused = error(reply, what)
    text = str(refused).rstrip(".")
    if "REQUEST_LIMIT_EXCEEDED" in codes or ("/jobs/" in path and _job_quota(found, codes)):
        text += ". The quota is of a rolling 24 hours: what is committed stays, run it again later to go on."
        return QuotaFloor(text, code=refused.code, status=reply.status)
    if reply.status == 401:
        text += ". Log in again; if that does not help, the user or the app may not use the REST API."
        return AuthError(text, code=refused.code, status=reply.status)
    if 300 <= reply.status < 400 and reply.status != 300:
        where = reply.headers.get("Location", "").split("?")[0]
        return OrgError(
            f"{what}: redirected to {where or 'nowhere'}, which we do not follow with a token. "
            "If the org has moved, set org.instance_url to its My Domain address.",
            status=reply.status,
        )
    if not found:
        text += ". Check that org.instance_url is Salesforce's own address"
        text += " and that org.api_version is not retired." if reply.status == 410 else "."
        return OrgError(text, status=reply.status)
    if reply.status == 410:
        return OrgError(f"{text}. Set a newer org.api_version, or none.", code=refused.code, status=410)
    return refused


def _daily_limit(found: list[Problem]) -> bool:
    # The only place where Salesforce tells the two apart is the text: ConcurrentRequests or ConcurrentPerOrgLongTxn
    # passes in seconds, TotalRequests in hours.
    return not any(p.message.startswith("Concurrent") for p in found if p.code == "REQUEST_LIMIT_EXCEEDED")


def _job_quota(found: list[Problem], codes: set[str]) -> bool:
    return bool(codes & _JOB_QUOTAS) or any(p.message.startswith("Max bulk v2 query") for p in found)


def _retryable(reply: Reply, what: str) -> OrgError:
    refused = error(reply, what)
    text = str(refused)
    text = text if text.endswith(".") else text + "."
    return RetryableOrgError(text, code=refused.code, status=refused.status)
