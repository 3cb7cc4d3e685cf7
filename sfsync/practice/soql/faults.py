"""Errors about a place in a query, laid out as Salesforce does: excerpt, caret, row and column, reason."""

from __future__ import annotations

from sfsync.practice.errors import ApiError

_BEFORE = 40
_AFTER = 46
_BREAKS = " ,("


class Source:
    """A query's text, for pointing at."""

    def __init__(self, text: str):
        self.text = text

    def error(self, pos: int, code: str, reason: str) -> ApiError:
        """An ApiError 400 that points at offset `pos` (the text's length: at its end)."""
        start = self.text.rfind("\n", 0, pos) + 1
        row = self.text.count("\n", 0, pos) + 1
        end = self.text.find("\n", pos)
        line = self.text[start : end if end >= 0 else None]
        column = pos - start
        excerpt, caret = _excerpt(line, column)
        return ApiError(400, code, f"\n{excerpt}\n{' ' * caret}^\nERROR at Row:{row}:Column:{column + 1}\n{reason}")

    def line_and_column(self, pos: int) -> str:
        """As the lexer of Salesforce says it: "line 1:75"."""
        start = self.text.rfind("\n", 0, pos) + 1
        return f"line {self.text.count(chr(10), 0, pos) + 1}:{pos - start + 1}"

    def malformed(self, pos: int, reason: str) -> ApiError:
        return self.error(pos, "MALFORMED_QUERY", reason)

    def invalid_field(self, pos: int, reason: str) -> ApiError:
        return self.error(pos, "INVALID_FIELD", reason)


def _excerpt(line: str, column: int) -> tuple[str, int]:
    """A piece of the line around the column, cut between words, and the column's place in it."""
    start, end = max(0, column - _BEFORE), min(len(line), column + _AFTER)
    if start and line[start - 1] not in _BREAKS:
        breaks = [i for i in range(start, column) if line[i] in _BREAKS]
        start = breaks[0] + 1 if breaks else column
    if end < len(line) and line[end] not in _BREAKS:
        cut = max(line.rfind(b, column, end) for b in _BREAKS)
        end = cut if cut > column else end
    piece = line[start:end]
    lead = len(piece) - len(piece.lstrip())
    return piece.strip(), max(0, column - start - lead)
