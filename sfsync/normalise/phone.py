"""Phone numbers as E.164 text."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from sfsync.normalise.country import country_code
from sfsync.normalise.lists import Lists


def norm_phone(text: str | None, country: str | None = None, lists: Lists | None = None) -> str | None:
    """`+14155551234` for a number that can be dialled from abroad, else None. An extension is dropped.

    country: the record's country, as code or name. Without it only numbers that begin with + are understood: a
    country is never guessed. A number of impossible length, or of one digit repeated, is None.
    """
    if not text:
        return None
    return _e164(text, country_code(country, lists))


@lru_cache(maxsize=32768)
def _e164(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    if len(set(str(number.national_number))) < 2:
        return None
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))
