"""How many of everything, and who works where: plain arithmetic on the number of leads.

People stand in four groups: converted leads and contacts who never were leads (both at accounts), open leads at
accounts, and open leads at companies that are no account yet. Within one company everybody has a slot of their own, and
the slot decides given name and surname: colleagues never share either by accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isqrt

MAX_LEADS = 1_500_000
"""Beyond this there are not enough company names for every company to have its own."""
BIG = 10
"""One company in ten is big, and three people in ten work at those."""


@dataclass(frozen=True)
class Group:
    """People numbered from `first`, at companies numbered from `company`."""

    name: str
    first: int
    count: int
    company: int
    companies: int
    slot: int
    """The first of the slots which this group takes at each of its companies."""

    @property
    def slots(self) -> int:
        return _small_slots(self) + _big_slots(self)

    def company_of(self, index: str) -> str:
        """SQL: the company of the group's person `index` (a BIGINT expression, from 0)."""
        return (
            f"({self.company} + CASE WHEN {index} % 10 < 3 THEN {_big_index(index)} % {self._big_companies} "
            f"ELSE {_small_index(index)} % {self.companies} END)"
        )

    def slot_of(self, index: str) -> str:
        """SQL: the slot of that person at the company."""
        return (
            f"({self.slot} + CASE WHEN {index} % 10 < 3 THEN {_small_slots(self)} + {_big_index(index)} // "
            f"{self._big_companies} ELSE {_small_index(index)} // {self.companies} END)"
        )

    @property
    def _big_companies(self) -> int:
        return max(1, self.companies // BIG)


@dataclass(frozen=True)
class Layout:
    leads: int
    base: int
    """Leads that are a person of their own: all but the planted copies and look-alikes."""
    converted: Group
    contacts: Group
    """Contacts who never were leads."""
    known: Group
    """Open leads at companies that are accounts."""
    prospects: Group
    accounts: int
    companies: int
    people: int
    deals: int
    """Opportunities: three for every five converted leads, and others."""
    converted_deals: int
    users: int


def plan(leads: int, extras: int) -> Layout:
    """The layout for so many leads, of which `extras` are planted copies and look-alikes."""
    base = leads - extras
    accounts = max(1, leads // 4)
    firms = max(1, leads * 3 // 10)
    converted = Group("converted", 0, min(leads // 5, base), 0, accounts, 0)
    contacts = Group("contacts", base, max(1, leads * 6 // 10) - converted.count, 0, accounts, converted.slots)
    known_count = (base - converted.count) * 15 // 100
    known = Group("known", converted.count, known_count, 0, accounts, contacts.slot + contacts.slots)
    first = converted.count + known.count
    prospects = Group("prospects", first, base - first, accounts, firms, 0)
    converted_deals = converted.count // 5 * 3 + min(converted.count % 5, 3)
    return Layout(
        *(leads, base, converted, contacts, known, prospects),
        accounts=accounts,
        companies=accounts + firms,
        people=base + contacts.count,
        deals=max(converted_deals, leads * 4 // 10),
        converted_deals=converted_deals,
        users=40 + isqrt(leads) // 5,
    )


def _big_index(index: str) -> str:
    return f"({index} // 10 * 3 + {index} % 10)"


def _small_index(index: str) -> str:
    return f"({index} // 10 * 7 + {index} % 10 - 3)"


def _small_slots(group: Group) -> int:
    return ceil(group.count * 7 / 10 / group.companies) + 1


def _big_slots(group: Group) -> int:
    return ceil(group.count * 3 / 10 / max(1, group.companies // BIG)) + 1
