"""One thing looked at, and the list of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["ok", "warn", "fail", "not checked"]


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what to do about it ("" when nothing)."""

    name: str
    status: Status
    found: str
    advice: str = ""


@dataclass
class DoctorResult:
    checks: list[Check] = field(default_factory=list)
    api_calls: int = 0

    @property
    def exit_code(self) -> int:
        return 1 if any(c.status == "fail" for c in self.checks) else 0

    def as_json(self) -> dict[str, Any]:
        return {"checks": [asdict(c) for c in self.checks]}

    def ok(self, name: str, found: str) -> None:
        self.checks.append(Check(name, "ok", found))

    def warn(self, name: str, found: str, advice: str) -> None:
        self.checks.append(Check(name, "warn", found, advice))

    def fail(self, name: str, found: str, advice: str) -> None:
        self.checks.append(Check(name, "fail", found, advice))

    def skip(self, name: str, why: str, advice: str = "") -> None:
        self.checks.append(Check(name, "not checked", why, advice))
