"""When to try again, how long to wait, and when to stop. One policy object, made of small parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_any,
    stop_before_delay,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from sfsync.errors import OrgError

T = TypeVar("T")


class Transient(Exception):
    """This attempt failed in a way that may pass.

    error: what to raise when it does not. retry_after: seconds the server asked for. tries: a smaller limit than the
    policy's, for this kind of failure.
    """

    def __init__(self, error: OrgError, *, retry_after: float | None = None, tries: int | None = None):
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after
        self.tries = tries


@dataclass(frozen=True)
class RetryPolicy:
    """Full jitter: each wait is random between 0 and `first_seconds` doubled each time, up to `cap_seconds`.

    The server's Retry-After is a lower bound. No attempt starts after `deadline_seconds`.
    """

    tries: int = 5
    server_error_tries: int = 3
    """For a 500, which repeats itself more often than not."""
    first_seconds: float = 0.5
    cap_seconds: float = 60.0
    deadline_seconds: float = 300.0
    sleep: Callable[[float], None] = time.sleep

    def run(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, called again while it raises Transient and the policy allows.

        When it ends in failure, the last error is raised, in its own class, saying how often and how long was tried.
        """
        started = time.monotonic()
        retrying = Retrying(
            retry=retry_if_exception_type(Transient),
            wait=self._wait,
            stop=stop_any(_Tries(self.tries), stop_before_delay(self.deadline_seconds)),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except Transient as transient:
            tries = int(retrying.statistics.get("attempt_number", 1))
            raise _final(transient, tries, time.monotonic() - started) from transient.__cause__

    def _wait(self, state: RetryCallState) -> float:
        jitter = wait_random_exponential(multiplier=self.first_seconds, max=self.cap_seconds)(state)
        return max(jitter, _failure(state).retry_after or 0.0)


class _Tries(stop_base):
    def __init__(self, tries: int):
        self._tries = tries

    def __call__(self, retry_state: RetryCallState) -> bool:
        limit = _failure(retry_state).tries
        return retry_state.attempt_number >= min(self._tries, limit or self._tries)


def retry_after(header: str | None) -> float | None:
    """Seconds to wait from a Retry-After header, which is a number of seconds or a date; None when it is neither."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _failure(state: RetryCallState) -> Transient:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Transient)  # the policy retries nothing else
    return error


def _final(transient: Transient, tries: int, seconds: float) -> OrgError:
    error = transient.error
    asked = f" It asks to wait {transient.retry_after:.0f} s." if transient.retry_after else ""
    often = "one try" if tries == 1 else f"{tries} tries"
    text = f"{error} Given up after {often} in {seconds:.0f} s.{asked} Run it again later."
    return type(error)(text, code=error.code, status=error.status, fields=error.fields)
