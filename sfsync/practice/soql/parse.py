"""SOQL text → syntax tree."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path as FilePath
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from sfsync.practice.errors import ApiError
from sfsync.practice.soql import nodes
from sfsync.practice.soql.faults import Source

LONGEST = 100_000


@lru_cache(maxsize=64)
def parse(soql: str) -> nodes.Query:
    """The syntax tree of a query. Raises ApiError MALFORMED_QUERY."""
    if len(soql) > LONGEST:
        raise ApiError(400, "MALFORMED_QUERY", f"SOQL statements cannot be longer than {LONGEST} characters.")
    try:
        return _parser().parse(soql)  # type: ignore[return-value]  # the embedded transformer makes the tree ours
    except UnexpectedToken as err:
        raise _unexpected(soql, err.token) from err
    except UnexpectedCharacters as err:
        raise _unlexable(soql, err.pos_in_stream or 0) from err


@cache
def _parser() -> Lark:
    grammar = FilePath(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Builder(), maybe_placeholders=False)


def _unexpected(soql: str, token: Token) -> ApiError:
    at_end = token.type == "$END"
    pos = len(soql) if at_end else token.start_pos or 0
    return Source(soql).malformed(pos, f"unexpected token: '{'<EOF>' if at_end else token}'")


def _unlexable(soql: str, pos: int) -> ApiError:
    source = Source(soql)
    if soql[pos] == "'":
        reason = f"{source.line_and_column(pos)} mismatched character '<EOF>' expecting '''"
    else:
        reason = f"{source.line_and_column(pos)} no viable alternative at character '{soql[pos]}'"
    return source.malformed(pos, reason)


class _Clause:
    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any):
        self.name = name
        self.value = value


def _pos(token: Token) -> int:
    return token.start_pos or 0


def _word(name: str) -> Any:
    def build(_self: _Builder, children: list[Token]) -> _Clause:
        return _Clause(name, nodes.Word(str(children[0]), _pos(children[0])))

    return build


def _first(name: str) -> Any:
    def build(_self: _Builder, children: list[Any]) -> _Clause:
        return _Clause(name, children[0])

    return build


def _all(name: str) -> Any:
    def build(_self: _Builder, children: list[Any]) -> _Clause:
        return _Clause(name, tuple(children))

    return build


class _Builder(Transformer[Token, Any]):
    """Builds our nodes while lark reduces, so that no lark tree is ever made."""

    alias, scope, security, view = _word("alias"), _word("scope"), _word("security"), _word("view")
    limit, offset = _word("limit"), _word("offset")
    where, having = _first("where"), _first("having")
    group, order = _all("group"), _all("order")

    def query(self, children: list[Any]) -> nodes.Query:
        at = next(i for i, child in enumerate(children) if isinstance(child, Token))
        name = children[at]
        clauses = {clause.name: clause.value for clause in children[at + 1 :]}
        return nodes.Query(tuple(children[:at]), nodes.Path(str(name), _pos(name)), **clauses)

    def path(self, children: list[Token]) -> nodes.Path:
        return nodes.Path(str(children[0]), _pos(children[0]))

    def call(self, children: list[Any]) -> nodes.Call:
        return nodes.Call(str(children[0]), tuple(children[1:]), _pos(children[0]))

    def aliased(self, children: list[Any]) -> nodes.Aliased:
        return nodes.Aliased(children[0], str(children[1]), _pos(children[1]))

    def type_of(self, children: list[Any]) -> nodes.TypeOfItem:
        whens = tuple(c for c in children if isinstance(c, nodes.When))
        otherwise = next((c.value for c in children if isinstance(c, _Clause)), None)
        return nodes.TypeOfItem(children[0], whens, otherwise)

    def when(self, children: list[nodes.Path]) -> nodes.When:
        return nodes.When(children[0], tuple(children[1:]))

    otherwise = _all("otherwise")

    def literal(self, children: list[Token]) -> nodes.Literal:
        token = children[0]
        kind = "word" if token.type == "PATH" else token.type.lower()
        return nodes.Literal(kind, str(token), _pos(token))

    def ordering(self, children: list[Any]) -> nodes.Order:
        words = [str(c).upper() for c in children[1:]]
        return nodes.Order(children[0], "DESC" in words, "LAST" in words)

    def nulls(self, children: list[Token]) -> str:
        return str(children[0])

    def compare(self, children: list[Any]) -> nodes.Compare:
        left, operator, right = children
        return nodes.Compare(left, str(operator).upper(), right, left.pos)

    def among(self, children: list[Any]) -> nodes.Among:
        return nodes.Among(children[0], str(children[1]).upper(), tuple(children[2:]), children[0].pos)

    def not_among(self, children: list[Any]) -> nodes.Among:
        return nodes.Among(children[0], "NOT IN", tuple(children[2:]), children[0].pos)

    def semi_join(self, children: list[Any]) -> nodes.SemiJoin:
        return nodes.SemiJoin(children[0], False, children[2], children[0].pos)

    def anti_join(self, children: list[Any]) -> nodes.SemiJoin:
        return nodes.SemiJoin(children[0], True, children[2], children[0].pos)

    def negation(self, children: list[Any]) -> nodes.Not:
        return nodes.Not(children[0])

    def conjunction(self, children: list[Any]) -> nodes.Junction:
        return nodes.Junction("AND", tuple(children))

    def disjunction(self, children: list[Any]) -> nodes.Junction:
        return nodes.Junction("OR", tuple(children))
