"""What an org may have besides: objects of its own, and several currencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from sfsync.practice.fragments import DELETED, ID, SEEN, SYSTEM
from sfsync.practice.notation import fields
from sfsync.practice.schema import Field, PickValue, SObject
from sfsync.practice.tables import sobject
from sfsync.practice.tables_more import CURRENCY_TYPE, DATED_RATE

if TYPE_CHECKING:
    from sfsync.practice.org import PracticeOrg

CARRIERS = ("Account", "Campaign", "Contact", "Lead", "Opportunity", "OpportunityHistory", "Product2", "User")
"""Objects with a CurrencyIsoCode once an org has several currencies, as far as the org has them."""


def custom_object(name: str, label: str, plural: str, text: str, *, prefix: str = "a00") -> SObject:
    """An object of an org's own. `text` has its fields in the notation of `notation.py`.

    It gets what every custom object has: Id, Name if the text names none, an owner, the audit fields. Raises ValueError
    for a name that is not a custom object's, or for a line that is no field.
    """
    if not name.endswith("__c") or not name.removesuffix("__c").isidentifier():
        raise ValueError(f'"{name}" is not the name of a custom object: it ends with __c, as Site__c')
    own = list(fields(text)) if text.strip() else []
    named = "" if any(f.name == "Name" for f in own) else f"Name string(80) name ; {label} Name\n"
    base = f"{ID}OwnerId reference required auto -> Group|User as Owner\n{DELETED}{named}{SYSTEM}{SEEN}"
    lines = "\n".join(line for line in f"{base}{text}".splitlines() if line.strip())
    made = replace(sobject(name, prefix, plural, "create update delete undelete", lines), label=label)
    return replace(made, fields={**made.fields, "Id": replace(made.fields["Id"], label="Record ID")})


def add_currencies(org: PracticeOrg, rates: Mapping[str, Decimal]) -> None:
    """Give the org several currencies; there is no way back, as in Salesforce.

    rates: units of a currency for one unit of the corporate currency, which is the first, at rate 1. CurrencyType and
    DatedConversionRate appear, and a CurrencyIsoCode on the objects with money, filled with the corporate currency.
    Raises ValueError when the org has them already.
    """
    if org.schema.get("CurrencyType"):
        raise ValueError("the org has several currencies already")
    corporate = next(iter(rates), "")
    if rates.get(corporate) != 1 or not all(len(c) == 3 and c.isalpha() and c.isupper() for c in rates):
        raise ValueError("currencies are three capital letters, the first is the corporate one and has rate 1")
    org.add_object(sobject("CurrencyType", "01L", "Currency Types", "create update nobulk", CURRENCY_TYPE))
    org.add_object(sobject("DatedConversionRate", "04w", "Dated Conversion Rates", "create update nobulk", DATED_RATE))
    values = tuple(PickValue(code, code, default=code == corporate) for code in rates)
    field = Field(
        *("CurrencyIsoCode", "picklist", "Currency ISO Code", 3),
        **{"values": values, "restricted": True, "default": corporate, "defaulted": True},  # type: ignore[arg-type]
    )
    for name in CARRIERS:
        if org.schema.get(name):
            org.add_field(name, field, f"'{corporate}'")
    org.fill(
        "CurrencyType",
        [
            {
                **{"IsoCode": code, "ConversionRate": rate, "DecimalPlaces": 0 if code == "JPY" else 2},
                **{"IsActive": True, "IsCorporate": code == corporate},
            }
            for code, rate in rates.items()
        ],
    )
