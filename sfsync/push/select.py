"""Which lines of a plan may be pushed to this org now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sfsync.errors import UnsafePlan, WrongOrg
from sfsync.model import Change
from sfsync.plan.guards import volume
from sfsync.plan.plan import Plan
from sfsync.salesforce.ids import to18

PUSHED = ("update",)


@dataclass(frozen=True)
class Line:
    seq: int
    """Place in the plan, from 1."""
    change: Change


def select(plan: Plan, *, accept_assisted: bool) -> tuple[list[Line], dict[str, int]]:
    """(the lines to push, how many of the others by reason).

    Pushed are accepted lines and undecided ones of confidence `auto`; with `accept_assisted` also undecided `assisted`
    ones. Undecided lines that do what is not pushed count by what they do.
    """
    lines: list[Line] = []
    left_out: Counter[str] = Counter()
    for seq, change in enumerate(plan.changes, start=1):
        undecided_ok = change.confidence == "auto" or (accept_assisted and change.confidence == "assisted")
        if change.decision is None and change.op not in PUSHED:
            left_out[change.op] += 1
        elif change.decision == "accepted" or (change.decision is None and undecided_ok):
            lines.append(Line(seq, change))
        else:
            left_out["refused" if change.decision == "refused" else change.confidence] += 1
    return lines, dict(sorted(left_out.items()))


def check_org(plan: Plan, org_id: str, is_sandbox: bool, instance_url: str) -> None:
    """Raise WrongOrg unless the plan was made for this org (GUARD-15)."""
    if to18(plan.org_id) != to18(org_id):
        raise WrongOrg(
            f"the plan was made for org {plan.org_id} ({plan.instance_url}) and the config logs in to org {org_id} "
            f"({instance_url}). Nothing was written. Push it with that org's config, or plan anew."
        )
    if plan.is_sandbox != is_sandbox:
        kinds = {True: "a sandbox", False: "production"}
        raise WrongOrg(
            f"the plan was made for {kinds[plan.is_sandbox]} and org {org_id} is {kinds[is_sandbox]}. "
            "Nothing was written. Pull and plan anew."
        )


def brake(lines: Iterable[Line], live: Callable[[str], int | None], config: Any) -> None:
    """Raise UnsafePlan when more rows of an sObject would change than config.max_rows or max_share allow (GUARD-12)."""
    counts = Counter(line.change.ref.sobject for line in lines)
    reasons = [volume(s, n, live(s), config.max_rows, config.max_share) for s, n in sorted(counts.items())]
    found = [r for r in reasons if r]
    if found:
        raise UnsafePlan("\n".join(f"{r}. Nothing was written. Check the plan, then use --allow-large." for r in found))
