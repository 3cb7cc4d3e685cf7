"""Chunks are worked on by further processes, and nothing depends on whether these live."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sfsync.normalise.beside import Rows, spread
from sfsync.normalise.lists import shipped_lists
from sfsync.normalise.table import Work

CHUNKS = [[(f"id{i}-{j}",) for j in range(5)] for i in range(12)]


@dataclass(frozen=True)
class Told:
    """Gives its rows back here; becomes something else in another process."""

    there: tuple[Any, tuple[Any, ...]]

    def __call__(self, rows: Rows) -> Rows:
        return rows

    def __reduce__(self) -> Any:
        return self.there


FIRST_ONLY = Told((operator.itemgetter, (slice(0, 1),)))
DIES = Told((os._exit, (3,)))


def test_every_core_works_on_the_chunks() -> None:
    found = list(spread(FIRST_ONLY, CHUNKS, processes=2))
    assert [len(rows) for rows in found] == [1] * len(CHUNKS), "all of them were done by the further processes"
    assert sorted(rows[0] for rows in found) == sorted(chunk[0] for chunk in CHUNKS)


def test_few_chunks_start_no_process() -> None:
    assert list(spread(DIES, CHUNKS[:2])) == CHUNKS[:2]
    assert list(spread(DIES, [])) == []
    assert list(spread(FIRST_ONLY, CHUNKS, processes=0)) == CHUNKS


def test_chunks_of_a_process_that_died_are_done_here() -> None:
    assert sorted(spread(DIES, CHUNKS, processes=2)) == sorted(CHUNKS)


def test_a_process_that_cannot_be_started_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    assert sorted(spread(FIRST_ONLY, CHUNKS, processes=2)) == sorted(CHUNKS)


def test_an_error_in_the_work_is_raised_and_leaves_no_process() -> None:
    before = set(_children())
    work = Work("Lead", ("Email", "Phone"), "1", shipped_lists())
    with pytest.raises(ValueError, match="zip"):
        list(spread(work, [[("00Q", "stamp", "too few values")]] * 6, processes=2))
    assert set(_children()) <= before


def test_a_reader_that_stops_early_leaves_no_process() -> None:
    before = set(_children())
    results = spread(FIRST_ONLY, CHUNKS, processes=2)
    next(results)
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert set(_children()) <= before


def test_the_values_are_the_same_wherever_they_are_computed() -> None:
    fields = ("Email", "Phone", "Country", "Company", "LastName")
    people = [
        [(f"00Q{i}", "2026-01-01", f" A{i}@Example.COM", "020 7946 0018", "UK", f"Acme {i}, Inc.", "Nobody")]
        for i in range(8)
    ]
    work = Work("Lead", fields, "1", shipped_lists())
    assert sorted(spread(work, people, processes=1)) == sorted(map(work, people))


def _children() -> Iterator[str]:
    """The processes of this one, where /proc tells."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # ended meanwhile
            if stat.read_text().rpartition(")")[2].split()[1] == str(os.getpid()):
                yield stat.parent.name
