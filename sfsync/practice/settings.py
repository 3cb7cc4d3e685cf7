"""What can be set on the practice server."""

from __future__ import annotations

from dataclasses import dataclass

OLDEST_VERSION = 31.0
NEWEST_VERSION = 67.0


@dataclass
class Settings:
    """All may be changed while the server runs."""

    daily_requests: int = 100_000
    """API calls in any 24 hours of the org's clock; the next one is refused."""
    daily_query_jobs: int = 10_000
    daily_ingest_batches: int = 15_000
    daily_query_megabytes: int = 976_562
    storage_megabytes: int = 10_240
    session_minutes: int = 120
    """A session dies after so long without a call."""
    rotate_refresh_tokens: bool = False
    """Every use of a refresh token gives a new one, and the old one dies at once."""
    soap_login: bool = True
    password_flow: bool = True
    job_seconds: float = 0.0
    """How long a Bulk job stays in each state before the next."""
    bulk_page: int = 50_000
    """Rows of a Bulk result page when the client does not say."""
    locator_hours: int = 48
    threads: int = 40
    """Requests worked on at once."""
