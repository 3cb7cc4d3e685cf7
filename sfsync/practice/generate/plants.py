"""Planting: which rows get a defect, a double or odd text, and what it makes of their columns.

A plant says how often it occurs, on which rows, and what it changes in them; its variants come up in turn.
What is planted stands in `catalogue.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sfsync.practice.generate.workshop import Workshop, quote


@dataclass(frozen=True)
class Variant:
    note: str
    original: dict[str, str] = field(default_factory=dict)
    """Column → SQL of its value on the row chosen."""
    partner: dict[str, str] = field(default_factory=dict)
    """The same on the rows added beside it."""
    partners: int = 0
    also: str = ""
    """A rule which the partner breaks too."""


@dataclass(frozen=True)
class Plant:
    kind: str
    """defect | duplicate | near_miss | hostile"""
    code: str
    per_mille: float
    """Of the org's leads."""
    variants: tuple[Variant, ...]
    eligible: str = "true"
    at_least: int = 3
    borrow: str = ""
    """What a partner takes from the original: everything of the "person", the "name", the "surname", or nothing;
    among accounts everything of the "company", the "name" (and is in another city), or the "address"."""
    elsewhere: bool = False
    """Partners work at another company."""

    def count(self, leads: int) -> int:
        return max(self.at_least if leads >= 300 else 0, round(leads * self.per_mille / 1000))

    def partners(self, leads: int) -> int:
        return sum(self.variants[i % len(self.variants)].partners for i in range(self.count(leads)))


def choose(shop: Workshop, table: str, key: str, source: str, plants: Sequence[Plant], leads: int) -> None:
    """Table `table`: which rows get which plant (its number, from 0), kind, plant_code, variant, turn, and the key.

    `source` is a query that gives the key and what the plants' conditions need. No row gets two plants.
    """
    shop.temp("candidate", f"SELECT *, {shop.roll(table, key, 1 << 48)} AS lot FROM ({source})")
    shop.table(table, f"plant INT, kind VARCHAR, plant_code VARCHAR, variant INT, turn INT, {key} BIGINT")
    for number, plant in enumerate(plants):
        shop.run(f"""
            INSERT INTO {table}
            SELECT {number}, {quote(plant.kind)}, {quote(plant.code)}, turn % {len(plant.variants)}, turn, {key}
            FROM (SELECT {key}, row_number() OVER (ORDER BY lot, {key}) - 1 AS turn
                  FROM (SELECT {key}, lot FROM candidate ANTI JOIN {table} USING ({key}) WHERE {plant.eligible}
                        ORDER BY lot, {key} LIMIT {plant.count(leads)}))""")
    shop.drop("candidate")


def changed(column: str, usual: str, plants: Sequence[Plant], *, partner: bool = False, **known: str) -> str:
    """SQL: the column's value: the usual one, or what the row's plant makes of it.

    The row has `plant` and `variant` (NULL without a plant). `known` fills the {names} in the plants' SQL.
    """
    cases = [
        f"WHEN plant = {n} AND variant = {v} THEN {_filled(change, known)}"
        for n, plant in enumerate(plants)
        for v, variant in enumerate(plant.variants)
        for name, change in (variant.partner if partner else variant.original).items()
        if name == column
    ]
    if not cases:
        return f"{usual} AS {column}"
    return f"CASE WHEN plant IS NULL THEN {usual} ELSE CASE {' '.join(cases)} ELSE {usual} END END AS {column}"


def notes(plants: Sequence[Plant]) -> Iterable[tuple[int, int, str, str]]:
    """number, variant, note, and the rule which partners break too."""
    for n, plant in enumerate(plants):
        for v, variant in enumerate(plant.variants):
            yield n, v, variant.note, variant.also


def _filled(sql: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        sql = sql.replace(f"{{{name}}}", value)
    return sql
