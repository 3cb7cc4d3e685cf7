"""The practice org's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Real time plus `offset`, or standing still once `freeze` was called."""

    def __init__(self, offset: timedelta = timedelta()):
        self.offset = offset
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        """Aware UTC, with microseconds."""
        return (self._frozen or datetime.now(UTC)) + self.offset

    def stamp(self) -> datetime:
        """Now as records carry it: UTC, whole seconds, without tzinfo as DuckDB's TIMESTAMP."""
        return self.now().replace(microsecond=0, tzinfo=None)

    def freeze(self, at: datetime | None = None) -> None:
        """Stand still at `at` (aware; by default now). The offset then starts from zero and still moves the clock."""
        if at is not None and at.tzinfo is None:
            raise ValueError(f"Clock.freeze wants an aware datetime, not {at!r}")
        self._frozen = self.now() if at is None else at.astimezone(UTC)
        self.offset = timedelta()

    def thaw(self) -> None:
        """Run again, from real time plus `offset`."""
        self._frozen = None

    @property
    def frozen(self) -> bool:
        return self._frozen is not None

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)
