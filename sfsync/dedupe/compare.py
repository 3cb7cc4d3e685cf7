"""Two records side by side: which comparisons agree, how far, and what forbids calling them one person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sfsync.dedupe.names import compare_given, compare_surname


@dataclass(frozen=True)
class Candidate:
    """One record that shares a key with another, in normalised form (see `sfsync.norm_<object>`)."""

    id: str
    email: str | None = None
    """None also for role mailboxes (info@, sales@): they belong to nobody."""
    given: str | None = None
    surname: str | None = None
    """Without its generational suffix."""
    suffix: str | None = None
    person: str | None = None
    company: str | None = None
    phones: frozenset[str] = frozenset()
    """Last digits, see `block`."""
    children: int = 0
    filled: int = 0
    last_activity: date | None = None
    created: datetime | None = None
    won: bool = False
    """Has a won opportunity. Never of a lead."""


NAMED = frozenset({"equal", "nickname", "prefix", "close", "swapped"})
"""Levels at which a name still says who it is. An initial does not: a switchboard has many J. Smiths."""


@dataclass(frozen=True)
class Context:
    """What a pair cannot say by itself."""

    shared_emails: frozenset[str] = frozenset()
    """E-mail addresses used under several surnames: they identify no person."""
    verdicts: Mapping[tuple[str, str], str] | None = None
    """(smaller Id, larger Id) → "same" or "different", as a person decided."""

    def verdict(self, a: Candidate, b: Candidate) -> str | None:
        return (self.verdicts or {}).get((min(a.id, b.id), max(a.id, b.id)))


def compare(a: Candidate, b: Candidate, context: Context) -> dict[str, str]:
    """Comparison → level reached. Blank on either side is "missing", never "differ"."""
    levels = {
        "person": "equal" if same_person(a, b) else "differ",
        "email": _email(a, b, context),
        "given": "swapped" if swapped(a, b) else compare_given(a.given, b.given),
        "surname": "swapped" if swapped(a, b) else compare_surname(a.surname, b.surname),
        "suffix": "equal" if a.suffix == b.suffix else "differ",
        "company": _plain(a.company, b.company),
        "phone": "equal" if a.phones & b.phones else ("differ" if a.phones and b.phones else "missing"),
    }
    verdict = context.verdict(a, b)
    return {**levels, "decision": verdict} if verdict else levels


def veto(a: Candidate, b: Candidate, context: Context) -> str | None:
    """Why these two must never be merged, or None. A person's decision goes before every other reason."""
    verdict = context.verdict(a, b)
    if verdict == "different":
        return "a person decided they are different"
    if verdict == "same":
        return None
    if a.suffix != b.suffix:
        return "generational suffix differs"
    if not swapped(a, b) and compare_given(a.given, b.given) == "contradict":
        return "given names contradict"
    return None


def identified(a: Candidate, b: Candidate, levels: Mapping[str, str]) -> bool:
    """Whether the pair shares an identifier: a personal e-mail, a phone and a name, or a decision."""
    if levels.get("decision") == "same" or levels["email"] == "equal":
        return True
    if levels["phone"] != "equal":
        return False
    alike = levels["company"] == "equal" and levels["given"] in NAMED and levels["surname"] in NAMED
    return same_person(a, b) or alike


def same_person(a: Candidate, b: Candidate) -> bool:
    return a.person is not None and a.person == b.person


def swapped(a: Candidate, b: Candidate) -> bool:
    """Given name and surname typed into each other's field."""
    return bool(a.given and a.surname and a.given != a.surname and a.given == b.surname and a.surname == b.given)


def same_surname(a: Candidate, b: Candidate) -> bool:
    return swapped(a, b) or compare_surname(a.surname, b.surname) != "contradict"


def _email(a: Candidate, b: Candidate, context: Context) -> str:
    if a.email is not None and a.email == b.email:
        return "shared" if a.email in context.shared_emails else "equal"
    return _plain(a.email, b.email)


def _plain(a: str | None, b: str | None) -> str:
    if a is None or b is None:
        return "missing"
    return "equal" if a == b else "differ"
