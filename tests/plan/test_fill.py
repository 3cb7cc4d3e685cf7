from __future__ import annotations

from typing import Any

from sfsync.model import Ref
from sfsync.plan.fill import fill
from sfsync.plan.mirror import FieldInfo, Row
from sfsync.plan.values import Wire

TEXTS = ("Phone", "Title", "LeadSource", "Street", "City", "PostalCode", "Country", "Status", "Rating")
FIELDS = {
    f.name.casefold(): f
    for f in (
        *(FieldInfo(name, "string") for name in TEXTS),
        FieldInfo("Id", "id", updateable=False),
        FieldInfo("OwnerId", "reference"),
        FieldInfo("AnnualRevenue", "currency", scale=2),
        FieldInfo("DoNotCall", "boolean"),
        FieldInfo("IsUnreadByOwner", "boolean"),
        FieldInfo("ConvertedDate", "date", updateable=False),
        FieldInfo("Old__c", "string", gone=True),
    )
}
BLANK: dict[str, Wire] = {
    **dict.fromkeys([f.name for f in FIELDS.values()]), "DoNotCall": False, "IsUnreadByOwner": False
}  # fmt: skip


def row(number: int, **values: Any) -> Row:
    stamps = {"LastModifiedDate": f"2026-01-0{number}T00:00:00Z", "CreatedDate": f"2025-01-0{9 - number}T00:00:00Z"}
    return Row(Ref("Lead", f"00Q{number}"), {**BLANK, **stamps, **values})


def filled(master: Row, *others: Row) -> dict[str, Wire]:
    return {name: value for p in fill("c", master, others, FIELDS) for name, value in p.after.items()}


def test_blank_fields_take_the_newest_value() -> None:
    assert filled(row(1), row(2, Phone="old", Title="CEO"), row(3, Phone="new", Title=" ")) == {
        "Phone": "new",
        "Title": "CEO",
    }


def test_filled_fields_are_kept_zero_included() -> None:
    master = row(1, Phone="mine", AnnualRevenue=0)
    assert filled(master, row(2, Phone="theirs", AnnualRevenue=5)) == {}


def test_the_lead_source_comes_from_the_oldest_record() -> None:
    assert filled(row(1), row(2, LeadSource="Web"), row(3, LeadSource="Fair")) == {"LeadSource": "Fair"}


def test_opt_outs_hold_for_everybody() -> None:
    assert filled(row(1), row(2, DoNotCall=True, IsUnreadByOwner=True)) == {"DoNotCall": True}
    assert filled(row(1, DoNotCall=True), row(2)) == {}


def test_owner_status_and_read_only_fields_are_never_filled() -> None:
    assert filled(row(1), row(2, OwnerId="005", Status="Open", ConvertedDate="2026-01-01", Old__c="x", Id="00Q2")) == {}


def test_an_address_is_filled_from_one_record() -> None:
    donors = (row(2, Street="1 Rue X", City="Paris", Country="France"), row(3, City="Berlin", Country="Germany"))
    assert filled(row(1), *donors) == {"City": "Berlin", "Country": "Germany"}
    assert filled(row(1, Country="france "), *donors) == {"Street": "1 Rue X", "City": "Paris"}
    assert filled(row(1, City="Rome"), *donors) == {}


def test_each_value_names_where_it_came_from() -> None:
    (proposal,) = fill("c", row(1), [row(2, Phone="1")], FIELDS)
    assert proposal.because == {"cluster": "c", "from": "00Q2"}
    assert proposal.confidence == "assisted"
