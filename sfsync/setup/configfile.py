"""The first config.yaml: commented, secrets named and never written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sfsync.config import AUTH_NEEDS, load_config
from sfsync.errors import ConfigError, InputError, nearest

SECRETS = ("client_id", "client_secret", "password", "security_token", "session_id")
"""Never written: named as environment variables."""
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "refresh_token": ("client_secret",),
    "password": ("security_token", "client_id", "client_secret"),
    "jwt": ("login_url",),
}
PLAIN = ("username", "private_key_file", "refresh_token_file", "login_url")
_SAFE = re.compile(r"[A-Za-z/][\w./@:~-]*", re.ASCII)


@dataclass(frozen=True)
class Answers:
    """What a config needs to be told; everything else has a default."""

    instance_url: str
    auth: str = "client_credentials"
    given: Mapping[str, str] = field(default_factory=dict)
    """username, private_key_file, refresh_token_file, login_url, as the kind of login needs them."""
    objects: Sequence[str] = ("Lead", "Account", "Contact", "Opportunity")
    warehouse: str | None = None
    """None makes it duckdb:///<first part of the host>.duckdb."""
    env_prefix: str = "SF"
    """Secrets are read from <prefix>_CLIENT_ID and so on; another prefix for each org on one machine."""


def org_address(text: str) -> str:
    """The API's address from what people paste: without scheme, a page of the org, or its Lightning host."""
    whole = text.strip() if "://" in text else f"https://{text.strip()}"
    parts = urlsplit(whole)
    host = (parts.netloc or "").replace(".lightning.force.com", ".my.salesforce.com")
    return f"{parts.scheme}://{host}"


def missing(auth: str, given: Mapping[str, str]) -> list[str]:
    """What this kind of login still needs to be told (not the secrets: these come from the environment)."""
    if auth not in AUTH_NEEDS:
        raise InputError(
            f'auth "{auth}" is not known; use one of {", ".join(AUTH_NEEDS)}.{nearest(auth, [*AUTH_NEEDS])}'
        )
    return [key for key in AUTH_NEEDS[auth] if key in PLAIN and not given.get(key)]


def variables(answers: Answers) -> dict[str, str]:
    """Config key → environment variable, for every secret this login must have."""
    return {key: f"{answers.env_prefix}_{key.upper()}" for key in AUTH_NEEDS[answers.auth] if key in SECRETS}


def config_text(answers: Answers, environ: Mapping[str, str]) -> str:
    """The file's text. Optional secrets stand as comments unless their variable is set."""
    name = (urlsplit(answers.instance_url).hostname or "org").split(".")[0]
    warehouse = answers.warehouse or f"duckdb:///{'org' if name.isdigit() else name}.duckdb"
    return f"""\
# Written by `sfsync init`. Everything has a default but `org` and `warehouse`.
# Secrets are named, not written: ${{NAME}} from the environment, ${{file:/run/secrets/x}} from a file,
# ${{keyring:service/user}} from the system's keyring (pip install 'sfsync[keyring]').

org:
  instance_url: {_yaml(answers.instance_url)}
  auth: {answers.auth}
{_login(answers, environ)}
  api_version: null             # null: the newest both sides know

warehouse: {_yaml(warehouse)}   # relative paths are relative to this file

objects: [{", ".join(answers.objects)}]   # helpers such as LeadStatus and User come along by themselves

pull:
  overlap: 10m                  # how far before the last cursor each pull reads again, for commits that appear late
  start: null                   # ignore rows last changed before this day; null reads everything

quota:
  floor: 20%                    # stop, with exit code 4, when less of the day's API requests is left for others
  per_run: null                 # at most so many requests in one run

push:
  max_rows: 1000                # a plan that touches more is refused without --allow-large
  max_share: 5%                 # of an object's live rows
"""


def write_config(path: Path, answers: Answers, *, force: bool, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Write the file, readable by its owner only, once it is sure to load. Returns variables that are not set yet.

    Raises InputError when a file is there and `force` is not given, ConfigError for answers that make no valid config;
    nothing is written then.
    """
    if path.exists() and not force:
        raise InputError(f"{path} is there already. Name another file with --config, or overwrite it with --force.")
    if lacking := missing(answers.auth, answers.given):
        options = ", ".join(f"--{key.replace('_', '-')}" for key in lacking)
        raise InputError(f"auth {answers.auth} needs {options}.")
    unset = [name for name in variables(answers).values() if not environ.get(name)]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(config_text(answers, environ))
        try:
            load_config(draft, {**dict.fromkeys(unset, "x"), **{k: v for k, v in environ.items() if v}})
        except ConfigError as err:
            raise ConfigError([p.split(": ", 1)[-1] for p in err.problems]) from None
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return unset


def _login(answers: Answers, environ: Mapping[str, str]) -> str:
    lines = []
    for key in AUTH_NEEDS[answers.auth]:
        lines.append(f"  {key}: {_value(answers, key)}")
    for key in OPTIONAL.get(answers.auth, ()):
        known = answers.given.get(key) if key in PLAIN else environ.get(f"{answers.env_prefix}_{key.upper()}")
        lines.append(f"  {'' if known else '# '}{key}: {_value(answers, key)}")
    return "\n".join(lines)


def _value(answers: Answers, key: str) -> str:
    if key in SECRETS:
        return f"${{{answers.env_prefix}_{key.upper()}}}"
    example = "https://login.salesforce.com   # https://test.salesforce.com for a sandbox"
    return _yaml(answers.given[key]) if answers.given.get(key) else example


def _yaml(text: str) -> str:
    """A YAML scalar: plain where that is safe, quoted as JSON (which YAML reads) where not."""
    safe = _SAFE.fullmatch(text) and text.casefold() not in ("true", "false", "null", "yes", "no", "on", "off")
    return text if safe and ": " not in text and not text.endswith(":") else json.dumps(text, ensure_ascii=False)
