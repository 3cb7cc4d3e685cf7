"""doctor: every check in turn, whatever the ones before came to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sfsync.config import Config, load_config
from sfsync.doctor import local, remote
from sfsync.doctor.check import Check, DoctorResult
from sfsync.errors import AuthError, ConfigError, OrgError, SfsyncError
from sfsync.mapping import ObjectMapping, closure, load_mappings
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse

__all__ = ["Check", "DoctorResult", "doctor"]

NEEDS_LOGIN = (
    "api", "org", "api version", "clock", "api quota", "bulk limits", "mappings in the org", "push", "converted leads",
)  # fmt: skip


def doctor(config: Config | str | Path | None = None) -> DoctorResult:
    """Look at config, warehouse, login, rights, quota, mappings, disk and clock. Raises nothing: what fails is a line.

    Spends a describe or two per object kept and some five requests besides, whatever the quota floor says. Changes
    nothing, in the org or in the mirror.
    """
    result = DoctorResult()
    local.look_at_program(result)
    try:
        settings = config if isinstance(config, Config) else load_config(config)
        local.look_at_config(result, settings)
        local.look_at_rules(result, settings)
    except ConfigError as err:
        result.fail("config", local.config_problems(err), "Correct the file; `sfsync init` writes a new one.")
        _skip(result, ("warehouse", "login", *NEEDS_LOGIN, "disk"), "there is no config to go by")
        return result
    mappings = _mappings(result, settings)
    warehouse = _warehouse(result, settings)
    meta = local.look_at_warehouse(result, warehouse) if warehouse else {}
    if warehouse:
        local.look_at_database(result, warehouse)
    _look_at_org(result, settings, warehouse, meta, mappings)
    if warehouse:
        local.look_at_disk(result, settings, warehouse)
    return result


def _warehouse(result: DoctorResult, config: Config) -> Warehouse | None:
    try:
        return Warehouse(config.warehouse, wait=5.0)
    except SfsyncError as err:
        result.fail("warehouse", str(err), "Correct `warehouse:` in the config.")
        return None


def _mappings(result: DoctorResult, config: Config) -> list[ObjectMapping]:
    try:
        found = closure(list(config.objects), load_mappings(config.mappings))
    except ConfigError as err:
        result.fail("mappings", local.config_problems(err), "Correct the files named.")
        return []
    result.ok("mappings", f"{len(found)} objects with their helpers")
    return found


def _look_at_org(
    result: DoctorResult,
    config: Config,
    warehouse: Warehouse | None,
    meta: dict[str, str],
    mappings: list[ObjectMapping],
) -> None:
    try:
        # Without a quota: at the floor of all times one wants to know what is wrong.
        org = Org.connect(config.org)
    except (AuthError, ConfigError, OrgError) as err:
        result.fail("login", str(err), "Nothing can be read before this works; see `org:` in the config.")
        _skip(result, NEEDS_LOGIN, "needs a login")
        return
    with org:
        result.ok("login", f"{config.org.auth} at {org.instance_url}")
        if not remote.look_at_org(result, org, meta):
            _skip(result, NEEDS_LOGIN[2:], "the API cannot be used")
        else:
            looks: dict[str, Callable[[], object]] = {
                "api version": lambda: remote.look_at_version(result, org, config),
                "clock": lambda: remote.look_at_clock(result, org),
                "api quota": lambda: remote.look_at_quota(result, org, config.quota),
                "mappings in the org": lambda: remote.look_at_mappings(result, org, warehouse, mappings),
                "push": lambda: remote.look_at_writing(result, org, mappings),
            }
            for name, look in looks.items():
                try:
                    look()
                except SfsyncError as err:
                    result.fail(name, str(err), "Run doctor again; if it stays, look at the org's status page.")
        result.api_calls = org.usage.calls


def _skip(result: DoctorResult, names: tuple[str, ...], why: str) -> None:
    for name in names:
        result.skip(name, why)
