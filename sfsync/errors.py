"""What can go wrong, sorted by what the reader of the message can do about it.

SfsyncError                  exit 1
├── InputError               exit 2   fix what you gave us
│   ├── ConfigError                   config.yaml, an environment variable, a command's options
│   ├── MappingError                  mappings/*.yaml
│   ├── RuleError                     mappings/rules/*.yaml, or SQL typed by hand
│   └── PlanError                     not a plan, edited by hand, or made for another org
├── OrgError                 exit 1   Salesforce said no; `.code`, `.status`, `.fields` say why
│   ├── AuthError                     login refused, or the session cannot be renewed
│   ├── RetryableOrgError             still failing after every retry; run it again later
│   │   └── UnknownOutcome            a write whose reply was lost: read the record before writing again
│   ├── IncompleteRead                fewer rows than Salesforce promised; nothing was committed
│   └── QuotaFloor           exit 4   stopped before the API quota floor
├── WarehouseError           exit 1   the database said no
│   ├── WrongOrg             exit 2   the warehouse or the plan belongs to another org
│   └── Locked               exit 5   another run holds the lock
└── UnsafePlan               exit 2   a guard refuses the whole plan
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from sfsync.runs import Run


class SfsyncError(Exception):
    """Anything sfsync raises on purpose. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1
    run: Run | None = None
    """The recorded run it ended."""


class InputError(SfsyncError):
    exit_code = 2


class ConfigError(InputError):
    """`problems` holds every problem of the file, in its order; the message lists them all."""

    def __init__(self, problems: str | Sequence[str]):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class MappingError(ConfigError):
    pass


class RuleError(ConfigError):
    pass


class PlanError(ConfigError):
    pass


class OrgError(SfsyncError):
    """Salesforce refused. `code` is its errorCode ("" if it gave none), `status` the HTTP status (0 if none)."""

    def __init__(self, message: str, *, code: str = "", status: int = 0, fields: Sequence[str] = ()):
        super().__init__(message)
        self.code = code
        self.status = status
        self.fields = list(fields)


class AuthError(OrgError):
    pass


class RetryableOrgError(OrgError):
    pass


class UnknownOutcome(RetryableOrgError):
    pass


class IncompleteRead(OrgError):
    pass


class QuotaFloor(OrgError):
    exit_code = 4


class WarehouseError(SfsyncError):
    pass


class WrongOrg(WarehouseError):
    exit_code = 2


class TooLittleMemory(WarehouseError):
    """The database could not do it in the memory it was given. Nothing was committed."""


class Locked(WarehouseError):
    exit_code = 5


class UnsafePlan(SfsyncError):
    exit_code = 2


def nearest(name: str, known: Sequence[str]) -> str:
    """` Nearest: "Company".` for a misspelt name, or "" when nothing is near. Ignores case."""
    by_folded = {k.casefold(): k for k in known}
    found = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return f' Nearest: "{by_folded[found[0]]}".' if found else ""
