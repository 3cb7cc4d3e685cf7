"""SOQL for the practice org: parsed, checked as strictly as Salesforce does, and turned into DuckDB SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfsync.practice.soql.model import ChildQuery, Column, Compiled, Options, Parent, TypeOf

if TYPE_CHECKING:
    from sfsync.practice.schema import Schema

__all__ = ["ChildQuery", "Column", "Compiled", "Options", "Parent", "TypeOf", "compile_soql"]


def compile_soql(soql: str, schema: Schema, options: Options) -> Compiled:
    """The DuckDB statement that answers a SOQL query, and what its result columns mean.

    Values of the query become bound parameters (`$1`, `$2`, ...); names come from `schema` only. Raises ApiError with
    Salesforce's code, and in the message an excerpt, row and column.
    """
    from sfsync.practice.soql.compile import compile_query

    return compile_query(soql, schema, options)
