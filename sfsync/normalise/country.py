"""Countries as ISO 3166-1 alpha-2 codes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sfsync.normalise.fold import fold, strip_accents, words
from sfsync.normalise.lists import Lists, shipped_lists


def country_code(text: str | None, lists: Lists | None = None) -> str | None:
    """`US` for a code (`us`, `USA`), an English or native name (`United States`, `Deutschland`) or an alias (`U.S.`).

    None for anything else. Names and codes are those of ISO 3166-1; native names and aliases come from
    `lists/countries.yaml`.
    """
    if not text:
        return None
    return _country_code(text, lists or shipped_lists())


@lru_cache(maxsize=4096)
def _country_code(text: str, lists: Lists) -> str | None:
    return _known(lists).get(_key(text))


@lru_cache(maxsize=8)
def _known(lists: Lists) -> Mapping[str, str]:
    import pycountry

    known: dict[str, str] = {}
    for country in pycountry.countries:
        for name in ("name", "official_name", "common_name", "alpha_2", "alpha_3"):
            if value := getattr(country, name, None):
                known[_key(value)] = country.alpha_2
    return known | {_key(alias): code for alias, code in lists.countries.items()}


def _key(text: str) -> str:
    return " ".join(words(strip_accents(fold(text)).replace(".", "")))
