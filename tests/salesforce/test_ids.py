from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.salesforce.ids import to18

ID15 = st.text(string.ascii_letters + string.digits, min_size=15, max_size=15)


@given(ID15)
def test_an_id_of_15_is_the_beginning_of_its_18(id: str) -> None:
    assert to18(id)[:15] == id
    assert len(to18(id)) == 18


@given(ID15)
def test_an_id_of_18_stays_as_it_is(id: str) -> None:
    assert to18(to18(id)) == to18(id)


@given(ID15, ID15)
def test_ids_that_differ_in_case_only_differ_in_any_case_with_18(one: str, other: str) -> None:
    if one != one.swapcase():
        assert to18(one).lower() != to18(one.swapcase()).lower()
    assert (to18(one).lower() == to18(other).lower()) == (one == other)


@given(ID15)
def test_the_checksum_counts_the_capitals_of_each_five(short: str) -> None:
    """Worked the other way: in each group of five the first character is bit 0; A-Z then 0-5 stand for 0 to 31."""
    groups = [short[i : i + 5] for i in (0, 5, 10)]
    by_hand = ""
    for group in groups:
        bits = int("".join("1" if c.isupper() else "0" for c in reversed(group)), 2)
        by_hand += (string.ascii_uppercase + "012345")[bits]
    assert to18(short) == short + by_hand


def test_published_pairs_agree() -> None:
    # Ids of the samples in the Bulk API 2.0 guide.
    assert to18("750R0000000zlh9") == "750R0000000zlh9IAA"
    assert to18("005R0000000GiwjI"[:15]) == "005R0000000GiwjIAC"


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "001",
        "00100000000000",
        "0010000000000010",
        "001000000000001AAB",
        "00100000000000é",
        "00q5abcdefghijkAAM",
        "٠" * 15,
    ],
)
def test_a_wrong_id_is_refused_with_its_value(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a Salesforce Id") as caught:
        to18(wrong)
    assert repr(wrong) in str(caught.value)
