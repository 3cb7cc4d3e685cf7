"""config.yaml and the environment → Config. Every problem of the file is reported at once, with its line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sfsync.errors import ConfigError, nearest
from sfsync.moments import parse_duration
from sfsync.yamlfile import YamlFile, read_yaml

AUTH_NEEDS: Mapping[str, tuple[str, ...]] = {
    "client_credentials": ("client_id", "client_secret"),
    "jwt": ("client_id", "username", "private_key_file"),
    "refresh_token": ("client_id", "refresh_token_file"),
    "password": ("username", "password"),
    "session": ("session_id",),
}
LATER_AUTH = ("web", "sf_cli")
LOOPBACK = re.compile(r"^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$")


@dataclass(frozen=True)
class OrgConfig:
    """How to reach the org. Secrets never show in its repr."""

    instance_url: str
    auth: str = "client_credentials"
    client_id: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security_token: str | None = field(default=None, repr=False)
    private_key_file: Path | None = None
    login_url: str | None = None
    session_id: str | None = field(default=None, repr=False)
    refresh_token_file: Path | None = None
    refresh_token: str | None = field(default=None, repr=False)
    api_version: str | None = None


@dataclass(frozen=True)
class PullConfig:
    overlap: timedelta = timedelta(minutes=10)
    """How far before the last cursor each pull reads again, for commits that became visible late."""
    start: datetime | None = None
    """Rows last changed before this are never read; None reads everything."""
    api: str = "auto"
    reconcile_every: timedelta = timedelta(days=7)
    formulas_every: timedelta = timedelta(days=1)
    staging: Path = Path(".sfsync")


@dataclass(frozen=True)
class QuotaConfig:
    floor_percent: float | None = 20.0
    """Stop when less than this share of the org's daily API requests is left."""
    floor_calls: int | None = None
    per_run: int | None = None


@dataclass(frozen=True)
class RulesConfig:
    profile: str = "all"
    off: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


ALLOWED = ("inactive_owners", "converted_leads")


@dataclass(frozen=True)
class PushConfig:
    max_rows: int = 1000
    max_share: float = 5.0
    """Percent of an object's live rows one plan may touch."""
    duplicate_rules: str = "block"
    assignment_rules: bool = False
    allow: Mapping[str, Any] = field(default_factory=dict)
    """What the org lets this user do and most orgs do not: `inactive_owners`, `converted_leads`; true or false."""


@dataclass(frozen=True)
class ReportConfig:
    """What every report of this org begins with; options of the command go before."""

    client: str | None = None
    """Whose report it is; without, the org's name."""
    logo: Path | None = None
    sections: tuple[str, ...] = ()
    """Keys of sfsync.report.SECTIONS; empty: all."""


@dataclass(frozen=True)
class Config:
    path: Path
    org: OrgConfig
    warehouse: str
    """SQLAlchemy URL; a relative DuckDB path has been made absolute."""
    objects: tuple[str, ...] = ("Lead", "Account", "Contact", "Opportunity")
    mappings: Path | None = None
    pull: PullConfig = field(default_factory=PullConfig)
    quota: QuotaConfig = field(default_factory=QuotaConfig)
    rules: RulesConfig = field(default_factory=RulesConfig)
    dedupe: Mapping[str, Any] = field(default_factory=dict)
    push: PushConfig = field(default_factory=PushConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    notify: tuple[Any, ...] = ()


def load_config(path: str | Path | None = None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the config file named, else $SFSYNC_CONFIG, else ./config.yaml. Raises ConfigError with every problem."""
    chosen = Path(path or environ.get("SFSYNC_CONFIG") or "config.yaml")
    if not chosen.exists():
        raise ConfigError(
            f"{chosen}: no such config file. Name one with --config FILE or SFSYNC_CONFIG, "
            "or write one with `sfsync init`."
        )
    source = read_yaml(chosen)
    if not isinstance(source.data, dict):
        source.problem("a config file is a mapping with at least `org:` and `warehouse:`.")
        source.done()
    reader = _Reader(source, environ)
    config = reader.config(chosen)
    source.done()
    return config


class _Reader:
    """Walks the parsed file, turning each key into its value and collecting complaints instead of raising."""

    def __init__(self, source: YamlFile, environ: Mapping[str, str]):
        self.source = source
        self.environ = environ
        self.folder = source.path.resolve().parent

    def config(self, path: Path) -> Config:
        data = self.source.data
        self.known(data, [name for name in Config.__dataclass_fields__ if name != "path"])
        for key in ("org", "warehouse"):
            if data.get(key) is None:
                self.source.problem(f"`{key}:` is missing; it has no default.")
        return Config(
            path=path.resolve(),
            org=self.org(self.section("org")),
            warehouse=self.warehouse(),
            objects=self.names("objects", Config.objects),
            mappings=self.mappings(),
            pull=self.pull(self.section("pull")),
            quota=self.quota(self.section("quota")),
            rules=self.rules(self.section("rules")),
            dedupe=self.not_yet("dedupe", {}),
            push=self.push(self.section("push")),
            report=self.report(self.section("report")),
            notify=tuple(self.not_yet("notify", [])),
        )

    # -- sections

    def org(self, data: dict[str, Any]) -> OrgConfig:
        keys = [f for f in OrgConfig.__dataclass_fields__ if f != "refresh_token"]
        self.known(data, keys, "org")
        text = {k: self.text(data, k, "org") for k in keys}
        auth = text["auth"] or "client_credentials"
        if auth in LATER_AUTH:
            self.source.problem(
                f"auth `{auth}` is not offered by this version; use one of {', '.join(AUTH_NEEDS)}.", "org", "auth"
            )
        elif auth not in AUTH_NEEDS:
            self.source.problem(
                f'auth "{auth}" is not known; use one of {", ".join(AUTH_NEEDS)}.{nearest(auth, list(AUTH_NEEDS))}',
                "org",
                "auth",
            )
        for key in AUTH_NEEDS.get(auth, ()):
            if not text[key] and not data.get(key):
                self.source.problem(f"auth `{auth}` needs `{key}`.", "org")
        if data and not text["instance_url"] and not data.get("instance_url"):
            self.source.problem("`instance_url` is missing, as in https://acme.my.salesforce.com.", "org")
        for key in ("instance_url", "login_url"):
            text[key] = self.url(text[key], key)
        version = text["api_version"]
        if version and not re.fullmatch(r"\d{2,3}(\.0)?", version):
            self.source.problem(f'api_version "{version}" is not a version such as "66.0".', "org", "api_version")
        elif version and "." not in version:
            text["api_version"] = f"{version}.0"
        paths = {k: self.path(text.pop(k)) for k in ("private_key_file", "refresh_token_file")}
        text["auth"] = auth
        return OrgConfig(**{**text, **paths, "instance_url": text["instance_url"] or ""})  # type: ignore[arg-type]

    def pull(self, data: dict[str, Any]) -> PullConfig:
        self.known(data, PullConfig.__dataclass_fields__, "pull")
        default = PullConfig()
        api = self.text(data, "api", "pull") or default.api
        if api not in ("auto", "rest", "bulk"):
            self.source.problem(f'pull.api "{api}" must be auto, rest or bulk.', "pull", "api")
        return PullConfig(
            overlap=self.duration(data, "overlap", default.overlap),
            start=self.start(data),
            api=api,
            reconcile_every=self.duration(data, "reconcile_every", default.reconcile_every),
            formulas_every=self.duration(data, "formulas_every", default.formulas_every),
            staging=self.path(self.text(data, "staging", "pull") or str(default.staging)) or default.staging,
        )

    def quota(self, data: dict[str, Any]) -> QuotaConfig:
        self.known(data, ("floor", "per_run"), "quota")
        floor = data.get("floor", "20%")
        percent: float | None = None
        calls: int | None = None
        if (
            isinstance(floor, str)
            and re.fullmatch(r"\s*\d{1,3}(\.\d+)?\s*%\s*", floor)
            and float(floor.strip(" %")) <= 100
        ):
            percent = float(floor.strip(" %"))
        elif isinstance(floor, int) and not isinstance(floor, bool) and floor >= 0:
            calls = floor
        elif floor is not None:
            self.source.problem(
                f'quota.floor "{floor}" must be a share such as 20% or a number of calls.', "quota", "floor"
            )
        return QuotaConfig(percent, calls, self.number(data, "per_run", None, "quota", least=1))

    def rules(self, data: dict[str, Any]) -> RulesConfig:
        self.known(data, RulesConfig.__dataclass_fields__, "rules")
        severity = data.get("severity") or {}
        params = data.get("params") or {}
        for key, value in (("severity", severity), ("params", params)):
            if not isinstance(value, dict):
                self.source.problem(f"rules.{key} maps a rule's code to its setting.", "rules", key)
        if isinstance(severity, dict):
            for code, level in severity.items():
                if level not in ("error", "warning", "info"):
                    self.source.problem(
                        f'severity "{level}" of {code} must be error, warning or info.', "rules", "severity", str(code)
                    )
        off = data.get("off") or []
        if not isinstance(off, list):
            self.source.problem("rules.off is a list of rule codes.", "rules", "off")
            off = []
        return RulesConfig(
            profile=self.text(data, "profile", "rules") or "all",
            off=tuple(str(code) for code in off),
            severity=severity if isinstance(severity, dict) else {},
            params=params if isinstance(params, dict) else {},
        )

    def push(self, data: dict[str, Any]) -> PushConfig:
        self.known(data, PushConfig.__dataclass_fields__, "push")
        default = PushConfig()
        share = data.get("max_share", f"{default.max_share}%")
        if _percent(str(share)) is None:
            self.source.problem(f'push.max_share "{share}" must be a share such as 5%.', "push", "max_share")
            share = default.max_share
        mode = self.text(data, "duplicate_rules", "push") or default.duplicate_rules
        if mode not in ("block", "allow"):
            self.source.problem(f'push.duplicate_rules "{mode}" must be block or allow.', "push", "duplicate_rules")
        assignment = data.get("assignment_rules", False)
        if not isinstance(assignment, bool):
            self.source.problem("push.assignment_rules must be true or false.", "push", "assignment_rules")
        allow = data.get("allow") or {}
        if not isinstance(allow, dict):
            self.source.problem("push.allow is a mapping.", "push", "allow")
            allow = {}
        for name, value in allow.items():
            where = ("push", "allow", str(name))
            if name not in ALLOWED:
                self.source.problem(f'unknown key "push.allow.{name}".{nearest(str(name), ALLOWED)}', *where)
            elif not isinstance(value, bool):
                self.source.problem(f"push.allow.{name} must be true or false.", *where)
        return PushConfig(
            max_rows=self.number(data, "max_rows", default.max_rows, "push", least=1) or default.max_rows,
            max_share=_percent(str(share)) or 0.0,
            duplicate_rules=mode,
            assignment_rules=assignment is True,
            allow=allow,
        )

    def report(self, data: dict[str, Any]) -> ReportConfig:
        self.known(data, ReportConfig.__dataclass_fields__, "report")
        sections = data.get("sections") or []
        if not isinstance(sections, list) or not all(isinstance(key, str) for key in sections):
            self.source.problem("report.sections is a list, as in [summary, rules, pipeline].", "report", "sections")
            sections = []
        logo = self.path(self.text(data, "logo", "report"))
        return ReportConfig(self.text(data, "client", "report"), logo, tuple(sections))

    def warehouse(self) -> str:
        url = self.text(self.source.data, "warehouse") or ""
        if url.startswith("duckdb:///"):
            file = url.removeprefix("duckdb:///")
            if Path(file).stem.casefold() in ("salesforce", "live", "sfsync"):
                self.source.problem(
                    f'warehouse "{Path(file).name}": a file cannot be named like a schema inside it (salesforce, live, '
                    "sfsync). Name it otherwise, as in acme.duckdb.",
                    "warehouse",
                )
            return url if file == ":memory:" else f"duckdb:///{self.path(file)}"
        if url.startswith(("postgresql+psycopg://", "postgresql://")):
            if not url.partition("://")[2].partition("/")[2].split("?")[0]:
                self.source.problem("warehouse: the URL ends without a database; write …@HOST/DATABASE.", "warehouse")
        elif url:
            self.source.problem(
                f'warehouse "{_scheme(url)}" must be duckdb:///FILE or postgresql+psycopg://USER@HOST/DATABASE.',
                "warehouse",
            )
        return url

    def mappings(self) -> Path | None:
        """The user's folder. The default name may be absent; one that was asked for must exist."""
        asked = self.text(self.source.data, "mappings")
        folder = self.path(asked or "mappings")
        if folder is not None and folder.is_dir():
            return folder
        if asked:
            self.source.problem(f'mappings folder "{asked}" does not exist (looked in {self.folder}).', "mappings")
        return None

    # -- values

    def not_yet(self, key: str, empty: Any) -> Any:
        """A key that nothing reads in this version: a setting must not be taken and ignored."""
        if self.source.data.get(key):
            self.source.problem(f"`{key}:` has no settings in this version; leave it out.", key)
        return empty

    def section(self, key: str) -> dict[str, Any]:
        value = self.source.data.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.source.problem(f"`{key}:` must be a mapping of settings.", key)
            return {}
        return value

    def known(self, data: Mapping[str, Any], keys: Any, section: str | None = None) -> None:
        for key in data:
            if key not in keys:
                prefix = f"{section}." if section else ""
                where = (section, str(key)) if section else (str(key),)
                self.source.problem(f'unknown key "{prefix}{key}".{nearest(str(key), list(keys))}', *where)

    def text(self, data: Mapping[str, Any], key: str, section: str | None = None) -> str | None:
        value = data.get(key)
        if value is None:
            return None
        if isinstance(value, (dict, list)):
            self.source.problem(f"`{key}` must be a single value.", *([section, key] if section else [key]))
            return None
        return self.expand(str(value), *([section, key] if section else [key]))

    def expand(self, value: str, *where: str) -> str | None:
        """Fill in ${NAME}, ${file:PATH} and ${keyring:SERVICE/USER}. The value itself never shows in a message."""
        missing = False

        def fill(match: re.Match[str]) -> str:
            nonlocal missing
            found, problem = self.secret(match[1])
            if problem:
                self.source.problem(problem, *where)
                missing = True
            return found

        filled = re.sub(r"\$\{([^}]*)\}", fill, value)
        return None if missing else filled

    def secret(self, name: str) -> tuple[str, str | None]:
        if name.startswith("file:"):
            file = self.folder / name.removeprefix("file:")
            try:
                return file.read_text(encoding="utf-8").strip(), None
            except (OSError, UnicodeDecodeError) as err:
                return "", f"${{{name}}} cannot be read: {err.__class__.__name__}. Check the file and its rights."
        if name.startswith("keyring:"):
            return self.from_keyring(name)
        if not self.environ.get(name):
            return "", f"environment variable {name} is not set (or empty). Set it, or use ${{file:PATH}}."
        return self.environ[name], None

    def from_keyring(self, name: str) -> tuple[str, str | None]:
        service, _, user = name.removeprefix("keyring:").rpartition("/")
        try:
            import keyring
        except ImportError:
            return "", f"${{{name}}} needs the keyring package: pip install 'sfsync[keyring]'."
        found = keyring.get_password(service, user)
        return (found, None) if found else ("", f'the keyring has no password for "{service}" and user "{user}".')

    def url(self, url: str | None, key: str) -> str | None:
        if not url:
            return url
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            self.source.problem(f"{key} is not a URL.", "org", key)
            return url
        if parts.scheme not in ("https", "http") or not host:
            self.source.problem(f"{key} must start with https://, as in https://acme.my.salesforce.com.", "org", key)
        elif parts.scheme == "http" and not LOOPBACK.match(host):
            self.source.problem(
                f"{key} uses plain http; that is accepted for this machine only (localhost). Use https.", "org", key
            )
        elif parts.username or parts.password:
            self.source.problem(f"{key} must not hold a user name or password.", "org", key)
        return f"{parts.scheme}://{parts.netloc}"

    def path(self, value: str | None) -> Path | None:
        return None if value is None else (self.folder / Path(value).expanduser()).resolve()

    def names(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.source.data.get(key)
        if value is None:
            return default
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            self.source.problem(f"`{key}` is a list of sObject names, as in [Lead, Account].", key)
            return default
        return tuple(dict.fromkeys(value))

    def number(self, data: Mapping[str, Any], key: str, default: int | None, section: str, *, least: int) -> int | None:
        value = data.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.source.problem(f"{section}.{key} must be a whole number of at least {least}.", section, key)
            return default
        return value

    def duration(self, data: Mapping[str, Any], key: str, default: timedelta) -> timedelta:
        value = data.get(key)
        if value is None:
            return default
        found = parse_duration(str(value))
        if found is None:
            self.source.problem(f'pull.{key} "{value}" is not a duration such as 10m, 2h or 7d.', "pull", key)
            return default
        return found

    def start(self, data: Mapping[str, Any]) -> datetime | None:
        value = data.get("start")
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                self.source.problem(f'pull.start "{value}" is not a date such as 2024-01-31.', "pull", "start")
                return None
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        self.source.problem(f'pull.start "{value}" is not a date such as 2024-01-31.', "pull", "start")
        return None


def _percent(text: str) -> float | None:
    """`5%`, `5` or `0.5 %` → 5.0, 5.0, 0.5; None for anything else or above 100."""
    match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d+)?)\s*%?\s*", text)
    return float(match[1]) if match and float(match[1]) <= 100 else None


def _scheme(url: str) -> str:
    """The part of a database URL that can be shown: no user, password or host."""
    return url.split("://", 1)[0] + "://…" if "://" in url else url[:20]
