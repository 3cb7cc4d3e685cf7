"""Values from the org as a reader may see them: nothing invisible, nothing that acts."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SHOWN = {"\n": "⏎", "\r": "", "\t": "⇥"}
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def visible(text: str) -> str:
    """The text with control, zero-width and direction-changing characters written out, as `[U+202E]`.

    Line breaks and tabs become ⏎ and ⇥. Joiners inside a word, which some scripts need, stay.
    """
    return _HIDDEN.sub(_name, text)


def _name(match: re.Match[str]) -> str:
    char = match.group()
    return _SHOWN[char] if char in _SHOWN else f"[U+{ord(char):04X}]"


def record_link(instance_url: str, id: str) -> str | None:
    """The record's page in the org; None when there is no org to link to, or this is no record's Id."""
    parts = urlsplit(instance_url)
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc or not _ID.fullmatch(id):
        return None
    return f"{parts.scheme}://{parts.netloc}/{quote(id)}"


def formula_like(text: str) -> bool:
    """Whether a spreadsheet may take the text for a formula."""
    return text.lstrip(" \u00a0").startswith(_FORMULA) or text.startswith(_FORMULA)


def csv_text(text: str) -> str:
    """The text as a CSV cell that no spreadsheet runs: a quote goes before what looks like a formula."""
    return f"'{text}" if formula_like(text) else text


def file_name(text: str) -> str:
    """A part of a file name made of letters, digits, dots and hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9.-]+", "-", plain).strip("-.") or "list"
