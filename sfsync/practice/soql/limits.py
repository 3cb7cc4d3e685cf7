"""What a query may not ask for, before any field is looked at."""

from __future__ import annotations

from sfsync.practice.errors import ApiError
from sfsync.practice.schema import SObject
from sfsync.practice.soql import nodes
from sfsync.practice.soql.faults import Source
from sfsync.practice.soql.functions import is_aggregate

_MOST_OFFSET = 2_000
_SECURITY = frozenset({"SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"})
_VIEWS = frozenset({"VIEW", "REFERENCE"})


def whole(source: Source, number: nodes.Word | None) -> int | None:
    """The number of a LIMIT or OFFSET."""
    if number is None:
        return None
    if not number.text.isdigit():
        raise source.malformed(number.pos, f"unexpected token: '{number.text}'")
    value = int(number.text)
    if value >= 2**31:
        raise source.error(number.pos, "NUMBER_OUTSIDE_VALID_RANGE", f"value outside of valid range: {number.text}")
    return value


def check_query(source: Source, query: nodes.Query) -> None:
    """Raises ApiError for clauses which are not understood, and for numbers that are too large."""
    if query.scope and query.scope.text.lower() != "everything":
        raise source.malformed(query.scope.pos, f"filter scope '{query.scope.text}' is not supported here")
    if query.security and query.security.text.upper() not in _SECURITY:
        raise source.malformed(query.security.pos, f"unexpected token: '{query.security.text}'")
    if query.view and query.view.text.upper() not in _VIEWS:
        raise source.malformed(query.view.pos, f"unexpected token: '{query.view.text}'")
    aliases = [(item.alias, item.pos) for item in query.items if isinstance(item, nodes.Aliased)]
    if query.alias:
        aliases.append((query.alias.text, query.alias.pos))
    for alias, pos in aliases:
        if "." in alias:
            raise source.malformed(pos, f"unexpected token: '{alias}'")
    offset = whole(source, query.offset)
    if offset is not None and offset > _MOST_OFFSET:
        assert query.offset is not None
        raise source.error(
            query.offset.pos, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_MOST_OFFSET}"
        )


def check_bulk(source: Source, query: nodes.Query, sobject: SObject) -> None:
    """Raises ApiError for what a Bulk API query job refuses."""
    if not sobject.bulk:
        raise ApiError(400, "INVALIDENTITY", f"Entity '{sobject.name}' is not supported by the Bulk API.")
    if query.group or query.having:
        raise _refused("GROUP BY")
    if query.offset:
        raise _refused("OFFSET")
    for item in query.items:
        bare = item.expression if isinstance(item, nodes.Aliased) else item
        if isinstance(bare, nodes.Query):
            raise ApiError(
                400, "API_ERROR", "Aggregate Relationships not supported in Bulk V2 Query with CSV content type"
            )
        if isinstance(bare, nodes.TypeOfItem):
            raise _refused("TYPEOF")
        if is_aggregate(bare):
            raise _refused("Aggregate functions")


def _refused(what: str) -> ApiError:
    return ApiError(400, "API_ERROR", f"{what} not supported in Bulk V2 Query")
