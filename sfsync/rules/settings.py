"""What the config says about rules, applied to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError, nearest
from sfsync.model import Severity
from sfsync.rules.ranges import taken, wanted
from sfsync.rules.rule import SEVERITIES, Param, Rule


@dataclass(frozen=True)
class ActiveRule:
    """A rule as this run shall use it."""

    rule: Rule
    params: Mapping[str, Param]
    severity: Severity | None = None
    """Set for every finding when the config overrides it; None leaves it to the rule."""


def activate(
    rules: Sequence[Rule], config: RulesConfig, only: Sequence[str] = ()
) -> tuple[list[ActiveRule], list[str]]:
    """(the rules to run in their order, the codes switched off by `off` or outside the profile).

    only: codes to run, even if they are switched off; then nothing else is run or counts as switched off.
    Parameters of a derived view may be given once, under its name, for all rules that read it; what is given under a
    rule's code goes before. Raises ConfigError with every unknown code, parameter and profile and every value of a
    wrong type or out of range.
    """
    by_code = {rule.code: rule for rule in rules}
    problems = [*_unknown_codes(config, by_code), *_profile_problems(rules, config)]
    problems += [f'there is no rule "{code}".{nearest(code, list(by_code))}' for code in only if code not in by_code]
    active, off = [], []
    for rule in rules:
        problems += _param_problems(rule.code, rule, config.params.get(rule.code, {}))
        values = {**_view_params(rule, config, problems), **_given(config, rule.code)}
        switched_off = rule.code in config.off or (config.profile != "all" and config.profile not in rule.profiles)
        if switched_off and not only:
            off.append(rule.code)
        elif not only or rule.code in only:
            active.append(ActiveRule(rule, {**rule.params, **values}, _severity(config, rule.code)))
    if problems:
        raise ConfigError(problems)
    return active, off


def phone_country(config: RulesConfig) -> str | None:
    """Where numbers without + and without country are called from: `default_phone_country` of DQ-003 as a code.

    Raises ConfigError for a country there is none of.
    """
    given = _given(config, "DQ-003").get("default_phone_country")
    if not given:
        return None
    from sfsync.normalise.country import country_code

    if code := country_code(str(given)):
        return code
    raise ConfigError(f'rules.params.DQ-003.default_phone_country: "{given}" is no country. Write a code, as DE.')


def of_profile(rules: Sequence[Rule], profile: str, codes: Sequence[str], config: RulesConfig) -> list[str]:
    """The codes of a profile that the config has not switched off, at least one.

    codes: rules asked for by name; with any, a profile makes no sense. Raises ConfigError, with the nearest profile.
    """
    if codes:
        raise ConfigError("name rules or a profile, not both.")
    profiles = sorted({"all", *(name for rule in rules for name in rule.profiles)})
    if profile not in profiles:
        raise ConfigError(
            f'there is no profile "{profile}".{nearest(profile, profiles)} There are {", ".join(profiles)}.'
        )
    found = [rule.code for rule in rules if profile in ("all", *rule.profiles) and rule.code not in config.off]
    if not found:
        raise ConfigError(f'every rule of profile "{profile}" is switched off in the config.')
    return found


def _severity(config: RulesConfig, code: str) -> Severity | None:
    wanted = config.severity.get(code)
    return next((severity for severity in SEVERITIES if severity == wanted), None)


def _unknown_codes(config: RulesConfig, known: Mapping[str, Rule]) -> list[str]:
    views = {view for rule in known.values() for view in rule.views}
    problems = [
        f'rules.{key}: there is no rule "{code}".{nearest(code, list(known))}'
        for key, codes in (("off", config.off), ("severity", config.severity), ("params", config.params))
        for code in codes
        if code not in known and not (key == "params" and code in views)
    ]
    problems += [
        f'rules.severity.{code}: "{value}" must be error, warning or info.'
        for code, value in config.severity.items()
        if value not in SEVERITIES
    ]
    return problems


def _profile_problems(rules: Sequence[Rule], config: RulesConfig) -> list[str]:
    profiles = sorted({"all", *(profile for rule in rules for profile in rule.profiles)})
    if config.profile in profiles:
        return []
    return [
        f'rules.profile: there is no profile "{config.profile}".{nearest(config.profile, profiles)} '
        f"There are {', '.join(profiles)}."
    ]


def _given(config: RulesConfig, name: str) -> dict[str, Any]:
    """What the config gives under a code or a view's name; what is no mapping there is a problem elsewhere."""
    values: Any = config.params.get(name, {})
    return {key: taken(value) for key, value in values.items()} if isinstance(values, Mapping) else {}


def _view_params(rule: Rule, config: RulesConfig, problems: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for view in rule.views:
        given = config.params.get(view, {})
        problems += [p for p in _param_problems(view, rule, given) if p not in problems]
        values |= _given(config, view)
    return values


def _param_problems(where: str, rule: Rule, values: Any) -> list[str]:
    if not isinstance(values, Mapping):
        return [f"rules.params.{where} maps each parameter to its value, not {values!r}."]
    problems = []
    for name, value in values.items():
        if name not in rule.params:
            hint = nearest(str(name), list(rule.params))
            problems.append(f'rules.params.{where}: there is no parameter "{name}".{hint}')
        elif must := wanted(name, value, rule.params[name], rule.guards):
            problems.append(f"rules.params.{where}.{name}: must be {must}, not {value!r}.")
    return problems
