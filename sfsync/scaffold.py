"""Write a mapping file from an object's describe."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.errors import InputError, OrgError
from sfsync.mapping import SKIPPED_TYPES
from sfsync.pull.window import MARKS

if TYPE_CHECKING:
    from sfsync.salesforce.org import Org

PER_USER = ("LastViewedDate", "LastReferencedDate")
"""Different for each user who asks: a copy of them means nothing."""
UNSTAMPED = ("LastActivityDate",)
"""Moved by the tasks and events of a record, which itself keeps its stamp."""
MOST_TRACKED = 6
BULK_REFUSALS = ("INVALIDENTITY", "FeatureNotEnabled", "FEATURENOTENABLED")


def offers_bulk(org: Org, sobject: str) -> bool:
    """Whether the Bulk API takes queries of this object. Nothing in a describe says so: a job for one row is tried."""
    try:
        job = org.bulk_query(f"SELECT Id FROM {sobject} LIMIT 1", all_rows=False)
    except OrgError as err:
        if err.code in BULK_REFUSALS:
            return False
        raise
    job.abort()
    job.delete()
    return True


def new_mapping(describe: Mapping[str, Any], *, bulk: bool = True, every_field: bool = True) -> str:
    """The text of a mapping file, with what can be told from a describe and comments on the rest.

    every_field: `fields: all`; otherwise the fields are listed, each with its type and label, to be thinned out.
    Raises InputError for an object that cannot be queried.
    """
    name = str(describe["name"])
    if not describe.get("queryable", True):
        raise InputError(f"{name} cannot be queried by the API; there is nothing to keep of it.")
    fields = [f for f in describe["fields"] if f["type"] not in SKIPPED_TYPES]
    names = {f["name"] for f in fields}
    lines = [
        f"# {_comment(describe.get('label') or name)}: {len(fields)} fields this user can read.",
        f"sobject: {name}",
    ]
    lines += (
        ["fields: all"] if every_field else ["fields:", *(_field_line(f) for f in fields if f["name"] not in PER_USER)]
    )
    if unfit := [n for n in PER_USER if n in names]:
        lines.append(f"except: [{', '.join(unfit)}]   # these differ from user to user")
    lines += _watermark(names)
    tracked = suggest_tracked(fields)
    lines.append(f"track: [{', '.join(tracked)}]   # a suggestion: changes of these are kept in sfsync.history")
    if moved := [n for n in UNSTAMPED if n in names]:
        lines.append(f"unstamped: [{', '.join(moved)}]   # moves with tasks and events, while the stamp stays")
    if parents := _parents(fields, name):
        lines.append(f"# it refers to: {', '.join(parents)}. Name in `needs:` those that shall be pulled along.")
    lines.append("needs: []")
    if not bulk:
        lines.append("api: rest   # the Bulk API does not offer this object")
    return "\n".join(lines) + "\n"


def write_mapping(path: Path, text: str) -> None:
    """Write a new mapping file. Raises InputError when there is one already: it may have been edited."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise InputError(f"{path} is there already; move it away, or name another file with --out.") from None


def suggest_tracked(fields: Sequence[Mapping[str, Any]]) -> list[str]:
    """Fields whose changes tell a story: owner, status and stage, then other picklists, money and close dates."""

    def rank(field: Mapping[str, Any]) -> int | None:
        name, kind = field["name"], field["type"]
        if name == "OwnerId":
            return 1
        if kind == "picklist" and any(word in name for word in ("Status", "Stage")):
            return 0
        if not field.get("updateable") or field.get("calculated"):
            return None
        if kind == "currency" or (kind == "date" and name.startswith("Close")):
            return 2
        return 3 if kind == "picklist" and field.get("restrictedPicklist") else None

    ranked = sorted((r, i, f["name"]) for i, f in enumerate(fields) if (r := rank(f)) is not None)
    return [name for _, _, name in ranked][:MOST_TRACKED]


def _watermark(names: set[str]) -> list[str]:
    mark = next((m for m in MARKS if m in names), None)
    if mark is None:
        return ["whole: true   # it carries no stamp, so it is read in full each time"]
    warning = "" if mark == "SystemModstamp" else "   # no SystemModstamp here: automated changes may go unseen"
    return [f"watermark: {mark}{warning}"]


def _field_line(field: Mapping[str, Any]) -> str:
    notes = [str(field["type"]), _comment(str(field.get("label") or ""))]
    if field.get("calculated"):
        notes.append("formula")
    return f"  - {field['name']:<40} # {', '.join(n for n in notes if n)}"


def _parents(fields: Sequence[Mapping[str, Any]], own: str) -> list[str]:
    found = {str(name) for f in fields if f["type"] == "reference" for name in f.get("referenceTo") or ()}
    return sorted(found - {own})[:12]


def _comment(text: str) -> str:
    """A label may hold anything; a comment ends with its line."""
    return " ".join(text.split())
