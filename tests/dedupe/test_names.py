from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.dedupe.names import compare_given, compare_surname, one_edit, split_suffix

names = st.text("abcd ", min_size=0, max_size=8).map(lambda s: " ".join(s.split()))


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        ("john", "john", "equal"),
        ("john a", "john", "equal"),
        ("mary ann", "maryann", "equal"),
        ("bob", "robert", "nickname"),
        ("bill", "william", "nickname"),
        ("j", "john", "initial"),
        ("j r", "john", "initial"),
        ("alex", "alexander", "prefix"),
        ("jon", "john", "close"),
        ("micheal", "michael", "close"),
        ("sarah", "sara", "prefix"),
        (None, "john", "missing"),
        ("", "john", "missing"),
        ("john", "mary", "contradict"),
        ("jim", "tim", "contradict"),
        ("j", "mary", "contradict"),
        ("jo", "joseph", "contradict"),
    ],
)
def test_given_names_reach_their_level(a: str | None, b: str | None, level: str) -> None:
    assert compare_given(a, b) == level
    assert compare_given(b, a) == level


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        ("smith", "smith", "equal"),
        ("o brien", "obrien", "equal"),
        ("garcia", "garcia lopez", "close"),
        ("smith", "smyth", "close"),
        ("smith", "jones", "contradict"),
        ("li", "le", "contradict"),
        (None, "smith", "missing"),
    ],
)
def test_surnames_reach_their_level(a: str | None, b: str | None, level: str) -> None:
    assert compare_surname(a, b) == level
    assert compare_surname(b, a) == level


@pytest.mark.parametrize(
    ("surname", "field", "expected"),
    [
        ("smith", "Jr.", ("smith", "jr")),
        ("smith jr", None, ("smith", "jr")),
        ("smith iii", None, ("smith", "iii")),
        ("smith", "PhD", ("smith", None)),
        ("jr", None, ("jr", None)),
        ("smith sr", "II", ("smith", "ii")),
        (None, None, (None, None)),
    ],
)
def test_generational_suffix_is_told_from_the_surname(
    surname: str | None, field: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert split_suffix(surname, field) == expected


def distance(a: str, b: str) -> int:
    """Optimal string alignment by the book."""
    d = [[max(i, j) if 0 in (i, j) else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i][j] = min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1)
    return d[-1][-1]


@given(names, names)
def test_one_edit_is_an_edit_distance_of_one(a: str, b: str) -> None:
    assert one_edit(a, b) == (distance(a, b) == 1)


@given(names, names)
def test_comparisons_do_not_depend_on_the_side(a: str, b: str) -> None:
    assert compare_given(a, b) == compare_given(b, a)
    assert compare_surname(a, b) == compare_surname(b, a)
