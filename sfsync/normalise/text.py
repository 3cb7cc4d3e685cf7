"""Hygiene of short texts: names, titles, cities. What looks wrong, and the repairs that need no judgement."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import lru_cache
from html.entities import html5

from sfsync.normalise.fold import fold, strip, strip_accents, words
from sfsync.normalise.lists import Lists, shipped_lists

ISSUES = ("edge_space", "control", "mojibake", "html", "formula", "shouting", "whole_name_in_last")
"""In the order in which they are reported: a value with several issues has the first."""

_CLEAN = re.compile(r"[A-Za-z0-9]+(?:[ '.,&-]{1,2}[A-Za-z0-9]+)*\.?")
_SPACE = r"[^\S\r\n\t\v\f\x1c-\x1f\x85]"
_EDGE_SPACE = re.compile(rf"^\s|\s$|{_SPACE}{{2,}}|[\u200b\u2060\ufeff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]")
_LINE_CONTROL = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85]+")
_CONTROL_BUT_LOST = re.compile(r"[\x00-\x1f\x7f]")
_BYTES = {bytes([b]).decode("cp1252", "replace").replace("\ufffd", chr(b)): b for b in range(0x80, 0x100)}
"""Windows-1252 character → its byte; the five bytes it leaves undefined as Latin-1 has them."""
_C = "[" + re.escape("".join(c for c, b in _BYTES.items() if b < 0xC0)) + "]"
_MOJIBAKE = re.compile(f"[ÂÃÄÅ]{_C}|â€{_C}|â‚¬|(?:[ÎÏÐÑ]{_C}){{2,}}|(?:[ã-ï]{_C}{{2}}){{2,}}|ð{_C}{{3}}")
"""UTF-8 read as Windows-1252: what Western letters and punctuation become, and two or more letters of other scripts
(one alone may be an accented letter before a typographic quote, as in É’)."""
_ENTITY = re.compile(r"&(?:#\d{1,7};|#x[0-9a-f]{1,6};|[a-z][a-z0-9]{1,30};)", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|b|i|u|p|br|hr|div|span|font|strong|em|img|script|style|table|tr|td|th|ul|ol|li|h[1-6]|html|body|iframe)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"[=@]|[+-]\D")
_VOWELS = frozenset("AEIOUYАЕИОУЫЭЮЯΑΕΗΙΟΥΩ")


def text_issue(text: str | None) -> str | None:
    """The first of ISSUES (but `whole_name_in_last`, which needs the first name) that `text` has, else None."""
    return _text_issue(text) if text else None


@lru_cache(maxsize=32768)
def _text_issue(text: str) -> str | None:
    if not strip(text):
        return None
    if not _CLEAN.fullmatch(text) or "  " in text:
        if _EDGE_SPACE.search(text):
            return "edge_space"
        if _CONTROL.search(text):
            return "control"
        if not text.isascii() and _MOJIBAKE.search(text):
            return "mojibake"
        if _has_html(text):
            return "html"
        if _FORMULA.match(text):
            return "formula"
    return "shouting" if _shouts(text) else None


def find_text_issue(fields: Mapping[str, str | None], lists: Lists | None = None) -> tuple[str, str] | None:
    """(issue, field) for the first issue of a record's texts in the order of ISSUES, else None.

    fields: API name → value in the order they are looked at. `FirstName` and `LastName` are looked at together, too.
    """
    found = [(ISSUES.index(issue), field) for field, text in fields.items() if (issue := text_issue(text))]
    if found:
        rank, field = min(found, key=lambda pair: pair[0])
        return ISSUES[rank], field
    if "FirstName" in fields and whole_name_in_last(fields["FirstName"], fields.get("LastName"), lists):
        return "whole_name_in_last", "LastName"
    return None


def whole_name_in_last(first: str | None, last: str | None, lists: Lists | None = None) -> bool:
    """True when the first name is blank and the last name holds a comma, or two words besides particles (van der)."""
    if not last or not strip(last) or (first and strip(first)):
        return False
    particles = (lists or shipped_lists()).name_particles
    return "," in last or sum(fold(word) not in particles for word in last.split()) > 1


def repair_text(text: str | None) -> str | None:
    """`text` without the edge spaces, double spaces, zero-width spaces and control characters, if that mends it.

    None when there is nothing to repair, when nothing would be left, and when characters were lost (U+FFFD, C1
    controls, which are the remains of a wrong decoding): taking those away would make it look right and be wrong.
    """
    if not text or text_issue(text) not in ("edge_space", "control"):
        return None
    clean = _CONTROL_BUT_LOST.sub("", re.sub(r"[\u200b\u2060\ufeff]", "", _LINE_CONTROL.sub(" ", text)))
    clean = strip(re.sub(rf"{_SPACE}{{2,}}", " ", clean))
    return clean if clean and text_issue(clean) not in ("edge_space", "control") else None


def suggest_text(text: str | None) -> str | None:
    """What a person may accept in place of garbled text (`Ã©` → `é`) or HTML entities (`&amp;` → `&`), else None."""
    issue = text_issue(text)
    if not text or issue not in ("mojibake", "html"):
        return None
    better = _undo_mojibake(text) if issue == "mojibake" else _unescape(text)
    return better if better and text_issue(better) in (None, "shouting") else None


def is_placeholder(text: str | None, lists: Lists | None = None) -> bool:
    """True for text that only fills a required field: `n/a`, `xxx`, `[not provided]`. False for blank."""
    return _is_placeholder(text, lists or shipped_lists()) if text else False


@lru_cache(maxsize=32768)
def _is_placeholder(text: str, lists: Lists) -> bool:
    bare = fold(strip(text))
    if not bare:
        return False
    if bare in lists.placeholders:
        return True
    return (len(bare) > 2 and len(set(bare)) == 1) or not words(bare)


def number_tokens(text: str | None) -> str:
    """The digit runs joined by a space: `Phase 2 2026` → `2 2026`, "" if there are none."""
    return " ".join(re.findall(r"\d+", text or ""))


def _has_html(text: str) -> bool:
    if "<" in text and _TAG.search(text):
        return True
    if "&" not in text:
        return False
    return any(found[1] == "#" or found[1:] in html5 for found in _ENTITY.findall(text))


def _unescape(text: str) -> str | None:
    return None if _TAG.search(text) else strip(html.unescape(text))


def _undo_mojibake(text: str) -> str:
    """The garbled stretches read again as what they were."""

    def again(found: re.Match[str]) -> str:
        return bytes(_BYTES[c] for c in found.group()).decode("utf-8", "replace")

    return _MOJIBAKE.sub(again, text)


def _shouts(text: str) -> bool:
    if not text.isupper():
        return False
    letters = [c for c in text if c.isupper()]
    return len(letters) >= 5 and any(c in _VOWELS for c in strip_accents("".join(letters)).upper())
