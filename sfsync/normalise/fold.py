"""Case, width, accents and punctuation taken away: what the other normalisers share."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

BLANK_CHARACTERS = "".join(chr(c) for c in range(0x3001) if chr(c).isspace()) + "\u200b\u2060\ufeff"
"""Every character that shows nothing at the edge of a value; a value of only these is blank."""

_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?")
_COMBINING = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
_ASCII_WORDS = re.compile(r"[a-z0-9]+")


def strip(text: str) -> str:
    """`text` without blank characters (spaces of all kinds, zero-width ones) at its ends."""
    return text.strip(BLANK_CHARACTERS)


def blank(text: str | None) -> bool:
    """True for None, "" and text that shows nothing."""
    return text is None or not strip(text)


def fold(text: str) -> str:
    """NFKC and case folding until nothing changes any more."""
    if text.isascii():
        return text.lower()
    before = ""
    while before != text:
        before = text
        text = unicodedata.normalize("NFKC", text.casefold())
    return text


def strip_accents(folded: str) -> str:
    """Folded text without the accents of Latin, Greek and Cyrillic letters; other scripts keep their marks."""
    if folded.isascii():
        return folded
    bare = _COMBINING.sub("", unicodedata.normalize("NFD", folded)).translate(_UNDECOMPOSED)
    return unicodedata.normalize("NFC", bare)


def join_initials(text: str) -> str:
    """`S.r.l.` → `Srl`, `U.S.` → `US`: dots between single letters are spelling, not word ends."""
    if text.count(".") < 2:
        return text
    return _DOTTED.sub(lambda m: m.group().replace(".", ""), text)


def words(folded: str) -> list[str]:
    """The runs of letters, digits and their marks; everything else separates, formatting characters vanish."""
    if folded.isascii():
        return _ASCII_WORDS.findall(folded)
    return "".join(map(_word_character, folded)).split()


@lru_cache(maxsize=8192)
def _word_character(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LNM":
        return character
    return "" if category == "Cf" else " "
