"""What can be looked at without the org: config, warehouse, disk."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from sfsync.config import Config
from sfsync.doctor.check import DoctorResult
from sfsync.errors import ConfigError, Locked, WarehouseError
from sfsync.warehouse import Warehouse
from sfsync.yamlfile import read_yaml

SECRETS = ("client_secret", "password", "security_token", "session_id")
LITTLE, SCANT = 200 * 2**20, 2 * 2**30
"""Bytes of free disk below which a pull fails, or may fail."""


def look_at_program(result: DoctorResult) -> None:
    try:
        version = metadata.version("sfsync")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    result.ok("version", f"sfsync {version}, Python {sys.version.split()[0]}, DuckDB {metadata.version('duckdb')}")


def look_at_config(result: DoctorResult, config: Config) -> None:
    """The file was read; what remains is who else may read the secrets in it."""
    written = _written_secrets(config.path)
    mode = config.path.stat().st_mode & 0o077
    if written and mode:
        result.warn(
            "config",
            f"{config.path}: {', '.join(written)} in plain text, in a file that others may read",
            f"Write ${{NAME}} or ${{file:PATH}} instead, or at least: chmod 600 {config.path}",
        )
    else:
        result.ok("config", f"{config.path}: {', '.join(config.objects)}; auth {config.org.auth}")


def look_at_rules(result: DoctorResult, config: Config) -> None:
    """Whether the rules can be read, and what the config says about them can be meant: what cannot stops every run."""
    from sfsync.rules.load import load_rules
    from sfsync.rules.settings import activate
    from sfsync.rules.validate import validate

    try:
        validate(config.rules, config.mappings)
        active, off = activate(load_rules(config.mappings), config.rules)
    except ConfigError as err:
        result.fail("rules", config_problems(err), "Correct `rules:` in the config, or the files named.")
    else:
        result.ok("rules", f"{len(active)} rules" + (f", {len(off)} switched off" if off else ""))


def _written_secrets(path: Path) -> list[str]:
    data = read_yaml(path).data
    org: Any = data.get("org") if isinstance(data, dict) else None
    if not isinstance(org, dict):
        return []
    return [key for key in SECRETS if org.get(key) and "${" not in str(org[key])]


def look_at_warehouse(result: DoctorResult, warehouse: Warehouse) -> dict[str, str]:
    """What the warehouse says it mirrors; {} when it is new, or cannot be read."""
    name, file = "warehouse", warehouse.file
    try:
        if not warehouse.exists:
            _look_at_place(result, warehouse)
            return {}
        with warehouse.read() as con:
            meta = warehouse.meta(con)
    except Locked as err:
        result.warn(name, str(err), "Run doctor again when it has ended.")
        return {}
    except WarehouseError as err:
        result.fail(name, str(err), "Correct `warehouse:`; a damaged file can be moved away and pulled anew.")
        return {}
    problem = _unwritable(warehouse)
    if problem:
        result.fail(name, problem, "A pull writes there: correct the file's owner and mode, or its format.")
    elif file is not None and file.stat().st_mode & 0o077:
        result.warn(name, f"{file} can be read by other users of this machine", f"chmod 600 {file}")
    else:
        result.ok(name, f"{warehouse.name}: mirrors org {meta.get('org_id', 'nothing yet')}")
    return meta


def look_at_database(result: DoctorResult, warehouse: Warehouse) -> None:
    """What the administrator of a server would want said; nothing for a file."""
    try:
        remarks = warehouse.remarks()
    except WarehouseError:
        return  # look_at_warehouse has said it
    for remark in remarks:
        name = f"database {remark.what}"
        if not remark.advice:
            result.ok(name, remark.found)
        elif remark.broken:
            result.fail(name, remark.found, remark.advice)
        else:
            result.warn(name, remark.found, remark.advice)


def _look_at_place(result: DoctorResult, warehouse: Warehouse) -> None:
    problem = _folder_problem(warehouse.file.parent) if warehouse.file is not None else None
    if problem:
        result.fail("warehouse", f"{warehouse.name}: {problem}", "Name a file in a folder that you may write to.")
    else:
        result.ok("warehouse", f"{warehouse.name}: empty yet; the first pull fills it")


def _unwritable(warehouse: Warehouse) -> str | None:
    if warehouse.file is not None and not os.access(warehouse.file, os.W_OK):
        return f"{warehouse.file} may be read but not written"
    try:
        with warehouse.write():
            return None
    except WarehouseError as err:
        return str(err)


def _folder_problem(folder: Path) -> str | None:
    """Why no file could be made in a folder, or in its nearest parent that exists; None when one can."""
    there = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as err:
        return f"{there} cannot be written to ({err.strerror})"


def look_at_disk(result: DoctorResult, config: Config, warehouse: Warehouse) -> None:
    """Room for the staged pages of a full pull, and for the database to be written anew: each about its own size."""
    size = warehouse.file.stat().st_size if warehouse.file is not None and warehouse.file.exists() else 0
    if problem := _folder_problem(config.pull.staging):
        result.fail("staging", problem, "Correct `pull.staging:`, or the folder's rights.")
    for name, folder in (("staging", config.pull.staging), ("warehouse", warehouse.file and warehouse.file.parent)):
        if folder is not None:
            _look_at_room(result, f"disk ({name})", folder, size)


def _look_at_room(result: DoctorResult, name: str, folder: Path, wanted: int) -> None:
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(there).free
    found = f"{folder}: {_gigabytes(free)} free, {_gigabytes(wanted)} wanted for the next pull"
    if free < max(LITTLE, wanted):
        result.fail(
            name, found, "Free some space, or move it: `warehouse:` and `pull.staging:` may be on another disk."
        )
    elif free < SCANT:
        result.warn(name, found, "A large pull may fill the disk.")
    else:
        result.ok(name, found)


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GB"


def config_problems(err: ConfigError) -> str:
    return "; ".join(err.problems)
