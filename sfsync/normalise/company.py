"""Company names without the parts that differ between two spellings of one company."""

from __future__ import annotations

from functools import lru_cache

from sfsync.normalise.fold import fold, join_initials, words
from sfsync.normalise.lists import Lists, shipped_lists


def norm_company(text: str | None, lists: Lists | None = None) -> str | None:
    """`Acme, Inc.` and `The ACME Co. Ltd` → `acme`: folded words without leading `the` and legal form.

    A name that is nothing but a legal form stays as it is. None when there is no letter or digit.
    """
    if not text:
        return None
    return _norm_company(text, lists or shipped_lists())


@lru_cache(maxsize=32768)
def _norm_company(text: str, lists: Lists) -> str | None:
    found = words(join_initials(fold(text)).replace("&", " and "))
    while len(found) > 1 and found[0] == "the":
        del found[0]
    if not found:
        return None
    core = _without_beginning(_without_endings(found, lists.legal_forms), lists)
    return " ".join(core or found)


def _without_endings(found: list[str], forms: frozenset[str]) -> list[str]:
    core = list(found)
    while core and (length := _ending_length(core, forms)):
        del core[-length:]
    if core and not core[-1].isascii():
        last = _without_glued_endings(core[-1], forms)
        if last != core[-1]:
            return _without_endings([*core[:-1], last], forms)
    return core


def _ending_length(core: list[str], forms: frozenset[str]) -> int:
    """How many of the last words are a legal form, written as words (`sociedad limitada`) or as letters (`s a`)."""
    for length in range(min(4, len(core)), 0, -1):
        tail = core[-length:]
        if " ".join(tail) in forms:
            return length
        if length > 1 and all(len(word) == 1 for word in tail) and "".join(tail) in forms:
            return length
    return 0


def _without_glued_endings(word: str, forms: frozenset[str]) -> str:
    """上海示例有限公司 → 上海示例. Chinese and Japanese put no space before the legal form."""
    for start in range(1, len(word)):
        if word[start:] in forms and not word[start:].isascii():
            return _without_glued_endings(word[:start], forms)
    return word


def _without_beginning(core: list[str], lists: Lists) -> list[str]:
    for form in lists.leading_legal_forms:
        if core and core[0] == form and len(core) > 1:
            return _without_beginning(core[1:], lists)
        if core and core[0].startswith(form) and core[0] != form:
            return _without_beginning([core[0].removeprefix(form), *core[1:]], lists)
    return core
