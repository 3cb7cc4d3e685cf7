"""Types of columns where there is no describe to ask: empty stand-ins and the little tables of examples."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

BOOLEAN = "BOOLEAN"
MOMENT = "TIMESTAMP WITH TIME ZONE"

FEATURES = frozenset(
    {
        "IsPersonAccount",
        "CurrencyIsoCode",
        "CurrencyType",
        "DatedConversionRate",
        "RecordTypeId",
        "FirstCallDateTime",
        "FirstEmailDateTime",
        "CountryCode",
        "MailingCountryCode",
        "BillingCountryCode",
    }
)
"""Fields and objects an org has only with a feature in use: that they are missing is an answer, not a gap."""

_BOOLEAN = re.compile(r"(Is|Has|DoNot|Uses)[A-Z]\w*|email_(valid|free|disposable|role)|web_free")
_MOMENT = re.compile(
    r"\w*DateTime|SystemModstamp|CreatedDate|LastModifiedDate|LastStageChangeDate|EmailBouncedDate|Last\w+ViewedDate"
)
_DATE = re.compile(r"(Convert\w+|Close|Activity|LastActivity|Effective|Birth|Start|End)[dD]ate|ConvertedDate")
_NUMBER = re.compile(r"Amount|ExpectedRevenue|AnnualRevenue|\w*Probability|\w*Quantity|ConversionRate")
_WHOLE = re.compile(r"SortOrder|PushCount|FiscalYear|FiscalQuarter|FiscalYearStartMonth|NumberOfEmployees")


def sql_type(field: str, samples: Iterable[Any] = ()) -> str:
    """The portable SQL type of a standard field by its name, of any other by its values; text when nothing tells."""
    for pattern, kind in (
        (_BOOLEAN, BOOLEAN),
        (_MOMENT, MOMENT),
        (_DATE, "DATE"),
        (_NUMBER, "DECIMAL(18,2)"),
        (_WHOLE, "BIGINT"),
    ):
        if pattern.fullmatch(field):
            return kind
    return next((_of_value(value) for value in samples if value is not None), "TEXT")


def _of_value(value: Any) -> str:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return "BIGINT"
    if isinstance(value, (float, Decimal)):
        return "DECIMAL(38,9)"
    if isinstance(value, datetime):
        return MOMENT
    return "DATE" if isinstance(value, date) else "TEXT"
