"""What every step of the generator works with: the org's database, the dice, Ids, and time.

Rows are made in SQL, a table at a time. Nothing here is random: a "roll" is a hash of the row's number, the seed and
the roll's own name, so the same seed gives the same org, and a new column never changes the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from math import gcd
from typing import TYPE_CHECKING, Any

from sfsync.practice.ids import INSTANCE, to18

if TYPE_CHECKING:
    import duckdb

    from sfsync.practice.org import PracticeOrg

Progress = Callable[[str, int, int], None]
DAY = 86_400
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Workshop:
    """One run of the generator on one org. All times are in seconds since 1970, UTC, until they are stored."""

    def __init__(self, org: PracticeOrg, cursor: duckdb.DuckDBPyConnection, seed: int, now: int):
        self.org = org
        self.cursor = cursor
        self.seed = seed
        self.now = now
        self.start = now - 3 * 365 * DAY
        """The first lead came in then."""
        self.rows: dict[str, int] = {}
        self._first: dict[str, int] = {}
        self._temporary: set[str] = set()
        for name, body in _MACROS.items():
            self.run(f"CREATE OR REPLACE TEMP MACRO {name}{body}")

    # -- SQL

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        return self.cursor.execute(sql, parameters)

    def number(self, sql: str) -> int:
        """The single number a query gives."""
        row = self.run(sql).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def temp(self, name: str, select: str) -> None:
        """A table of this run only."""
        self._temporary.add(name)
        self.run(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")

    def table(self, name: str, columns: str) -> None:
        """An empty temporary table."""
        self._temporary.add(name)
        self.run(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")

    def words(self, name: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        """A small temporary table from Python rows; `columns` as in CREATE TABLE."""
        self.run(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
        self._temporary.add(name)
        taken = [list(row) for row in rows]
        lists = [list(column) for column in zip(*taken, strict=True)]
        unnested = ", ".join("unnest(?)" for _ in lists)
        self.run(f"INSERT INTO {name} SELECT {unnested}", lists)

    def store(self, sobject: str, select: str) -> None:
        """Append rows to the org's table of an object. Columns that the query does not give get their default."""
        count = self.org.load(sobject, select, cursor=self.cursor)
        self.rows[sobject] = self.rows.get(sobject, 0) + count

    def drop(self, *names: str) -> None:
        """Free the memory of temporary tables that are not needed any more."""
        for name in names:
            self._temporary.discard(name)
            self.run(f"DROP TABLE IF EXISTS temp.{name}")

    def clear(self) -> None:
        """Leave nothing of this run on the connection but the records."""
        self.drop(*self._temporary)
        for name in _MACROS:
            self.run(f"DROP MACRO IF EXISTS temp.{name}")

    # -- dice

    def roll(self, name: str, key: str, sides: int | str) -> str:
        """SQL: a whole number from 0 to sides - 1, always the same for this name and key (a BIGINT expression)."""
        return f"CAST(hash(CAST({key} AS BIGINT) + {self._salt(name)}) % CAST({sides} AS UBIGINT) AS BIGINT)"

    def share(self, name: str, key: str) -> str:
        """SQL: a number from 0 to just below 1."""
        return f"({self.roll(name, key, 1_000_000)} / 1e6)"

    def chance(self, name: str, key: str, percent: float) -> str:
        """SQL: true for so many percent of the keys."""
        return f"({self.roll(name, key, 10_000)} < {round(percent * 100)})"

    def pick(self, name: str, key: str, values: Sequence[str]) -> str:
        """SQL: one of the values."""
        return f"{text_list(values)}[1 + {self.roll(name, key, len(values))}]"

    def _salt(self, name: str) -> int:
        digest = hashlib.sha256(f"{self.seed}:{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 3

    def shuffle(self, name: str, expression: str, size: int) -> str:
        """SQL: the numbers below `size`, each once, in another order (`expression` is one of them)."""
        step = max(1, self._salt(name) % size)
        while gcd(step, size) != 1:
            step += 1
        return f"((({expression}) * {step} + {self._salt(name + '+') % size}) % {size})"

    # -- Ids and times

    def first(self, prefix: str, sobjects: Sequence[str]) -> int:
        """The first free record number of a key prefix, asked once; later calls give the same."""
        if prefix not in self._first:
            latest = max(
                self.number(_LATEST.format(table=s, start=f"{prefix}{INSTANCE}", digits=_DIGITS)) for s in sobjects
            )
            self._first[prefix] = latest + 1
        return self._first[prefix]

    def id(self, sobject: str, number: str) -> str:
        """SQL: the Id of the record with this number (from 0) among those generated; NULL stays NULL."""
        prefix = self.org.schema.full(sobject).prefix
        same = [s.name for s in self.org.schema.sobjects.values() if s.prefix == prefix]
        head = to18(f"{prefix}{INSTANCE}00000")
        return f"made_id('{head[:10]}', '{head[15:17]}', ({number}) + {self.first(prefix, same)})"

    def time(self, seconds: str) -> str:
        """SQL: a TIMESTAMP from seconds since 1970."""
        return f"make_timestamp(CAST({seconds} AS BIGINT) * 1000000)"

    def day(self, seconds: str) -> str:
        """SQL: the DATE in UTC."""
        return f"CAST({self.time(seconds)} AS DATE)"

    def audit(self, created: str, modified: str, creator: str, modifier: str) -> str:
        """SQL: the five audit columns, from seconds and user Ids."""
        return (
            f"{self.time(created)} AS CreatedDate, {creator} AS CreatedById, {self.time(modified)} AS "
            f"LastModifiedDate, "
            f"{modifier} AS LastModifiedById, {self.time(modified)} AS SystemModstamp"
        )


def _made_id() -> str:
    """SQL: an Id from its first ten characters, its first two check characters and its number.

    Only the last five of the fifteen characters vary, so only the third check character does.
    """
    digits = " || ".join(f"substr('{_DIGITS}', 1 + (n // {62**place}) % 62, 1)" for place in (4, 3, 2, 1, 0))
    check = " + ".join(
        f"CASE WHEN (n // {62**place}) % 62 BETWEEN 10 AND 35 THEN {1 << bit} ELSE 0 END"
        for bit, place in enumerate((4, 3, 2, 1, 0))
    )
    return f"head || {digits} || two || substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + {check}, 1)"


_MACROS = {
    "made_id": f"(head, two, n) AS {_made_id()}",
    "dial": "(pattern, area, digits) AS translate(replace(pattern, 'Z', area), 'abcdefg', CAST(digits AS VARCHAR))",
    "initcap": "(word) AS upper(left(word, 1)) || substr(word, 2)",
}
_LATEST = """
SELECT max(list_sum([(strpos('{digits}', substr("Id", 10 + i, 1)) - 1) * CAST(pow(62, 5 - i) AS BIGINT)
                     FOR i IN range(1, 6)]))
FROM "{table}" WHERE starts_with("Id", '{start}')"""


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def text_list(values: Sequence[str]) -> str:
    """A SQL list of text constants."""
    return "[" + ", ".join(quote(v) for v in values) + "]"
