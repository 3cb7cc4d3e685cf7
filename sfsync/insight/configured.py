"""What the config says to rules that means the same to an analysis, so that both count alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError
from sfsync.insight.source import TERMINAL_STATUSES, Settings
from sfsync.rules.ranges import wanted
from sfsync.rules.rule import Param

SHARED: Mapping[str, tuple[str, Param]] = {
    "closed_unconverted_statuses": ("v_lead_status", list(TERMINAL_STATUSES)),
    "dead_days": ("FCST-009", Settings.dead_days),
    "response_sla_hours": ("ACT-005", Settings.response_sla_hours),
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
        if must := wanted(name, params[name], default):
            problems.append(f"rules.params.{where}.{name}: must be {must}, not {params[name]!r}.")
        found[name] = params[name]
    if problems:
        raise ConfigError(problems)
    return found
