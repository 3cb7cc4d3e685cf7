"""A rule in words, for a person who met its code in a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

from sfsync.rules.rule import Fix, Rule


def describe(rule: Rule) -> str:
    """Title, reason, what it needs, parameters, fix and SQL as plain text, lines of at most 100 characters."""
    lines = [f"{rule.code} · {rule.title}", f"{rule.severity} · {rule.basis} rule · {', '.join(rule.objects)}", ""]
    lines += [rule.why, "", f"Needs: {_tables(rule.needs)}"]
    if rule.optional:
        lines.append(f"Uses if there: {_tables(rule.optional)}")
    lines += [f"Parameter: {name}, default {default!r}" for name, default in rule.params.items()]
    lines += [f"Not evaluated{f' ({g.kind})' if g.kind else ''} when: {g.reason}" for g in rule.guards]
    if rule.views:
        lines.append(f"Views: {', '.join(rule.views)}")
    for fix in rule.fixes:
        which = f" for {', '.join(fix.kinds)}" if fix.kinds else ""
        lines.append(f"Fix ({fix.confidence}){which}: {doing(fix)}")
    lines += [f"{name}: {text}" for name, text in (("Advice", rule.advice), ("Source", rule.source)) if text]
    wrapped = [fill(line, 100, subsequent_indent="  " if ": " in line[:20] else "") for line in lines]
    wrapped.append(f"File: {rule.path}")
    for part in rule.parts:
        wrapped += ["", f"SQL for {part.sobject}:", part.sql.strip()]
    return "\n".join(wrapped) + "\n"


def doing(fix: Fix) -> str:
    """What the fix does, as "sets Status"."""
    if fix.op == "merge":
        return "merges the records that are one"
    if fix.op == "convert":
        return "converts the lead" + (f" into the {' and '.join(fix.set)} it found" if fix.set else "")
    sets = [f"sets {', '.join(name.lstrip(':') for name in fix.set)}"] if fix.set else []
    said = " and ".join([*sets, *([f"empties {', '.join(fix.clear)}"] if fix.clear else [])])
    return f"creates a record of {fix.sobject} and {said}" if fix.op == "create" else said


def _tables(tables: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{table} ({', '.join(columns)})" for table, columns in tables.items())
