"""Levels → one number from 0 to 1. The whole model is the tables below."""

from __future__ import annotations

from collections.abc import Mapping

MERGE = 0.90
"""From here on a pair may be merged; below it a person looks first."""

BASE = {"email": 1.0, "person_company_phone": 0.95, "two_of_three": 0.85}
"""Beside the personal e-mail: person, company and phone all equal; or the phone and one of the other two, the name
spelt alike at least. The last is a good question and never enough by itself."""

PENALTY: Mapping[str, Mapping[str, float]] = {
    "given": {"initial": 0.03, "missing": 0.03, "swapped": 0.03, "prefix": 0.05, "close": 0.12},
    "surname": {"missing": 0.05, "close": 0.08},
    "company": {"differ": 0.02},
    "phone": {"differ": 0.02},
}
"""One slip of the given name (Mario, Maria) is where two people of one family look alike: alone it goes to review."""

OTHER_EMAIL = 0.15
"""Same person, company and phone, yet two addresses: often one person, sometimes two namesakes behind a switchboard."""


def score(levels: Mapping[str, str]) -> float:
    """1 when an identifier is equal and nothing is against it. For pairs `identified` let through."""
    if levels.get("decision") == "same":
        return 1.0
    by_email = levels["email"] == "equal"
    whole = levels["person"] == levels["company"] == levels["phone"] == "equal"
    value = BASE["email" if by_email else "person_company_phone" if whole else "two_of_three"]
    value -= sum(table.get(levels[name], 0.0) for name, table in PENALTY.items())
    if not by_email and levels["email"] in ("differ", "shared"):
        value -= OTHER_EMAIL
    return round(value, 4)
