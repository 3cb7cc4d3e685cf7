"""E-mail addresses: is it one, which one, whose domain, and the repairs that need no judgement."""

from __future__ import annotations

import re
import unicodedata

from sfsync.normalise.fold import strip
from sfsync.normalise.lists import Lists, shipped_lists

_LOCAL = re.compile(r'[^\s@,;:<>()\[\]"\\\x00-\x20\x7f]{1,64}')
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_COMMA_TLD = re.compile(r"(.+),\s*([a-z]{2,24})")
_FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)}


def valid_email(text: str | None) -> bool:
    """True for an address that can be written to as it stands: no spaces, one @, a domain with a dot.

    International addresses count as valid. Nothing is looked up: a valid address need not exist.
    """
    if not text or len(text) > 254 or text.count("@") != 1:
        return False
    local, _, domain = text.partition("@")
    if not _LOCAL.fullmatch(local) or local[0] == "." or local[-1] == "." or ".." in local:
        return False
    return (local.isascii() or local.isprintable()) and valid_domain(domain)


def valid_domain(domain: str) -> bool:
    """True for a host name of two or more labels, ASCII or internationalised, whose last label is not a number."""
    labels = domain.split(".")
    return len(labels) > 1 and len(domain) <= 253 and all(map(_valid_label, labels)) and not labels[-1].isdigit()


def _valid_label(label: str) -> bool:
    if label.isascii():
        return _LABEL.fullmatch(label) is not None
    if len(label) > 63 or label[0] == "-" or label[-1] == "-":
        return False
    if not all(c == "-" or unicodedata.category(c)[0] in "LNM" for c in label):
        return False
    try:
        return len(label.encode("idna")) <= 63
    except UnicodeError:
        return False


def norm_email(text: str | None) -> str | None:
    """Lower-case, without surrounding space, `mailto:` and angle brackets; None if that is not a valid address.

    Dots and plus tags stay: two spellings may be two mailboxes.
    """
    if not text:
        return None
    address = _unwrap(text).lower()
    return address if valid_email(address) else None


def email_domain(text: str | None) -> str | None:
    """What follows the @ of the normalised address, None if there is none."""
    address = norm_email(text)
    return address.partition("@")[2] if address else None


def repair_email(text: str | None) -> str | None:
    """The valid address an invalid text obviously means, else None; also None when `text` is valid already.

    Repairs: surrounding space, capitals, `mailto:`, angle brackets, trailing `;` `,` `.`, full-width characters, and a
    comma for the dot of the top-level domain. Nothing is guessed: an address without domain stays as it is.
    """
    if not text or valid_email(text):
        return None
    address = _unwrap(_unwrap(text.translate(_FULL_WIDTH)).rstrip(";,. \t\u00a0>")).lower()
    local, at, domain = address.rpartition("@")
    if comma := _COMMA_TLD.fullmatch(domain):
        address = f"{local}{at}{comma[1]}.{comma[2]}"
    return address if valid_email(address) else None


def _unwrap(text: str) -> str:
    before = None
    while before != text:
        before = text
        text = strip(text)
        if text[:7].lower() == "mailto:":
            text = text[7:]
        if text[:1] == "<":
            text = text[1:].removesuffix(">")
    return text


def is_free_domain(domain: str | None, lists: Lists | None = None) -> bool:
    """True for a free-mail provider's domain, which says nothing about the employer."""
    return domain in (lists or shipped_lists()).free_domains


def is_disposable_domain(domain: str | None, lists: Lists | None = None) -> bool:
    """True for a domain of throw-away addresses."""
    return domain in (lists or shipped_lists()).disposable_domains


def is_role_mailbox(address: str | None, lists: Lists | None = None) -> bool:
    """True for an address that belongs to a function (info@, sales@), not to a person."""
    normal = norm_email(address)
    return normal is not None and is_role(normal.partition("@")[0], lists)


def is_role(local: str, lists: Lists | None = None) -> bool:
    """The same for the part before the @, in lower case."""
    return local.partition("+")[0] in (lists or shipped_lists()).role_mailboxes
