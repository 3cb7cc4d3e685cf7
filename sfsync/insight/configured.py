"""What the config says to rules that means the same to an analysis, so that both count alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError
from sfsync.insight.source import AUTOMATIC_REPLIES, TERMINAL_STATUSES, Settings, Source, open_source
from sfsync.moments import local_day
from sfsync.rules.ranges import wanted
from sfsync.rules.rule import Param
from sfsync.warehouse import Warehouse

SHARED: Mapping[str, tuple[str, Param]] = {
    "closed_unconverted_statuses": ("v_lead_status", list(TERMINAL_STATUSES)),
    "touch_exclude_subjects": ("v_task_link", []),
    "dead_days": ("FCST-009", Settings.dead_days),
    "response_sla_hours": ("ACT-005", Settings.response_sla_hours),
    "sla_hours_by_source": ("ACT-005", {}),
    "automatic_replies": ("ACT-005", list(AUTOMATIC_REPLIES)),
    "amount_field": ("OPP-008", Settings.amount_field),
}
"""Setting → the rule, or the view of rules, whose parameter of that name it is, and its default."""


def shared_settings(config: RulesConfig) -> dict[str, Any]:
    """The Settings that `rules.params` gives; what it does not give is left out.

    Raises ConfigError with every value that the rule would not take either.
    """
    found: dict[str, Any] = {}
    problems = []
    for name, (where, default) in SHARED.items():
        params: Any = config.params.get(where)
        if not isinstance(params, Mapping) or name not in params:
            continue
        if must := wanted(name, params[name], default) or _hours_wanted(name, params[name]):
            problems.append(f"rules.params.{where}.{name}: must be {must}, not {params[name]!r}.")
        found[name] = params[name]
    if problems:
        raise ConfigError(problems)
    return found


def _hours_wanted(name: str, value: Any) -> str | None:
    """Hours of a source are texts, and must be numbers such as the common ones may be."""
    if name != "sla_hours_by_source":
        return None
    try:
        hours = [float(text) for text in value.values()]
    except ValueError:
        return "a mapping to numbers of hours"
    return next((f"a mapping to {must}" for h in hours if (must := wanted("response_sla_hours", h, 24))), None)


@contextmanager
def open_configured(
    warehouse: Warehouse,
    rules: RulesConfig,
    *,
    now: datetime,
    time_zone: str = "UTC",
    as_of: date | None = None,
    given: Mapping[str, Any] | None = None,
) -> Iterator[Source]:
    """A Source that counts as the config's rules do, for the block; as_of: today when not given.

    given: Settings that go before the config's where they are not None; a response SLA given so holds for every lead
    source. Raises ConfigError as shared_settings does.
    """
    chosen = {name: value for name, value in (given or {}).items() if value is not None}
    if "response_sla_hours" in chosen:
        chosen.setdefault("sla_hours_by_source", {})
    settings = Settings(**{**shared_settings(rules), **chosen})
    day = as_of or local_day(now, time_zone)
    with open_source(warehouse, as_of=day, now=now, time_zone=time_zone, settings=settings) as source:
        yield source
