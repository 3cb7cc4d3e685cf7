"""Whether what the config says about rules can be meant, before a command does anything else."""

from __future__ import annotations

from pathlib import Path

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError, RuleError
from sfsync.rules.settings import activate, phone_country


def validate(config: RulesConfig, mappings: Path | None) -> None:
    """Raises ConfigError with every unknown rule, parameter and profile, and every value out of range.

    The rules are read only where the config says something of them: it takes half a second. Rule files that are wrong
    themselves are left to the commands that evaluate rules.
    """
    if config == RulesConfig():
        return
    from sfsync.rules.load import load_rules

    problems: list[str] = []
    try:
        activate(load_rules(mappings), config)
    except RuleError:
        return
    except ConfigError as err:
        problems += err.problems
    try:
        phone_country(config)
    except ConfigError as err:
        problems += [problem for problem in err.problems if problem not in problems]
    if problems:
        raise ConfigError(problems)
