"""How far two normalised names agree. Pure; names are as `norm_person` gives them: casefolded, without accents.

Cautious on purpose: "contradict" vetoes a merge, so a level below it is given only for differences one person's name
has in practice (a nickname, an initial, a typing error).
"""

from __future__ import annotations

from typing import Literal

Level = Literal["equal", "nickname", "initial", "prefix", "close", "missing", "contradict"]

SUFFIXES = {
    "jr": "jr", "jnr": "jr", "junior": "jr", "sr": "sr", "snr": "sr", "senior": "sr",
    "ii": "ii", "2nd": "ii", "iii": "iii", "3rd": "iii", "iv": "iv", "4th": "iv",
}  # fmt: skip
"""Generational suffixes. Degrees and honours (PhD, MBA) say nothing about who it is and are not here."""

_SHORT_FORMS = """
abby abigail; al albert alan alfred; andy drew andrew; angie angela; art arthur; barb barbara; bart bartholomew;
becky rebecca; ben benny benjamin; bernie bernard; beth betsy betty eliza lisa liz lizzie elizabeth;
bill billy will william;
bob bobby rob robbie robert; brad bradley; cathy kate kathy katie kathleen katherine catherine; charlie chuck charles;
chris christopher; chris christine christina; cindy cynthia; dan danny daniel; dave david; deb debbie deborah;
dick rich rick richard; don donald; doug douglas; ed eddie ned ted edward; fred freddie frederick; gabe gabriel;
gene eugene; geoff jeff geoffrey jeffrey; gerry jerry gerald; greg gregory; hank harry henry;
jack john johnny; jake jacob;
jim jimmy jamie james; jen jenny jennifer; joe joey joseph; jon jonathan; josh joshua; judy judith; ken kenny kenneth;
larry lawrence; len lenny leonard; lou louis; maggie meg peggy margaret; mandy amanda; matt matthew; mike mick michael;
mitch mitchell; molly mary; nate nathan nathaniel; nick nicholas; pam pamela; pat patrick; pat patty tricia patricia;
pete peter; phil philip phillip; ray raymond; ron ronald; rudy rudolph; russ russell; sam sammy samuel; sam samantha;
sandy alexandra sandra; steve steven stephen; sue susie susan; terry terence; theresa tess teresa; tim timothy;
tom tommy thomas;
tony anthony; val valerie; vicky victoria; vince vincent; walt walter; wendy gwendolyn; zach zachary;
hans johannes; jupp josef; sepp josef; uli ulrich; wolf wolfgang; jochen joachim; pepe jose; paco francisco;
nacho ignacio;
lola dolores; concha concepcion; beppe giuseppe; gigi luigi; nando fernando; sasha alexander alexandra; misha mikhail;
"""


def _groups() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_SHORT_FORMS.replace("\n", " ").split(";")):
        for name in line.split():
            found.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


_NICKNAMES = _groups()


def compare_given(a: str | None, b: str | None) -> Level:
    """The strongest level two given names reach. A blank one is "missing", which is no disagreement."""
    if not a or not b:
        return "missing"
    if a == b or a.replace(" ", "") == b.replace(" ", ""):
        return "equal"
    left, right = a.split()[0], b.split()[0]
    if left == right:
        return "equal"  # "john" and "john a": a middle name somebody left out
    if _NICKNAMES.get(left, frozenset()) & _NICKNAMES.get(right, frozenset()):
        return "nickname"
    if min(len(left), len(right)) == 1 and left[0] == right[0]:
        return "initial"
    if min(len(left), len(right)) >= 3 and (left.startswith(right) or right.startswith(left)):
        return "prefix"
    if _slip(left, right):
        return "close"
    return "contradict"


def compare_surname(a: str | None, b: str | None) -> Level:
    """ "close" for one typing error, or when one is part of the other ("garcia", "garcia lopez")."""
    if not a or not b:
        return "missing"
    if a == b or a.replace(" ", "") == b.replace(" ", ""):
        return "equal"
    left, right = set(a.split()), set(b.split())
    if left < right or right < left:
        return "close"
    if _slip(a, b):
        return "close"
    return "contradict"


def split_suffix(surname: str | None, suffix: str | None) -> tuple[str | None, str | None]:
    """(surname without, the generational suffix): from a field of its own, else from the surname's last word."""
    own = SUFFIXES.get((suffix or "").strip().rstrip(".").casefold())
    words = (surname or "").split()
    if len(words) > 1 and words[-1] in SUFFIXES:
        return " ".join(words[:-1]), own or SUFFIXES[words[-1]]
    return surname, own


def _slip(a: str, b: str) -> bool:
    """One typing error. In a short name only a letter left out (Jon, John): Jim and Tim are two people."""
    short = min(len(a), len(b))
    return one_edit(a, b) and (short >= 4 or (short == 3 and len(a) != len(b)))


def one_edit(a: str, b: str) -> bool:
    """Whether one letter added, left out, replaced or swapped with its neighbour turns `a` into `b`, which differs."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        replaced = a[start + 1 :] == b[start + 1 :]
        swapped = a[start : start + 2] == b[start : start + 2][::-1] and a[start + 2 :] == b[start + 2 :]
        return replaced or swapped
    short, long = sorted((a, b), key=len)
    return short[start:] == long[start + 1 :]
