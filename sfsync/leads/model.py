"""Model: how leads are scored and distributed, read from one YAML file. Every value has a default but the people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from sfsync.errors import ConfigError, nearest
from sfsync.salesforce.ids import to18
from sfsync.yamlfile import YamlFile, read_yaml

Method = Literal["rotation", "capacity", "weighted"]
METHODS: tuple[Method, ...] = ("rotation", "capacity", "weighted")
FILE = "leads/model.yaml"
"""Where a user's model is looked for, inside the mappings folder."""


@dataclass(frozen=True)
class Scoring:
    """Points and limits. `score = fit x fit_weight + engagement x engagement_weight`."""

    target_industries: Sequence[str] = ()
    target_countries: Sequence[str] = ()
    """ISO 3166-1 alpha-2."""
    excluded_domains: Sequence[str] = ()
    """Competitors: not scored, their subdomains neither."""
    exclude_customers: bool = False
    """Leads whose e-mail domain is that of an account of a customer type are not scored."""
    customer_types: Sequence[str] = ("Customer", "Customer - Direct", "Customer - Channel")
    fit_weight: Decimal = Decimal("0.6")
    engagement_weight: Decimal = Decimal("0.4")
    tier_a: int = 70
    tier_b: int = 45
    tier_c: int = 20
    email_corporate: int = 15
    email_free: int = 5
    employees: Mapping[str, int] = field(default_factory=lambda: {"1000": 25, "250": 20, "50": 15, "10": 8, "1": 3})
    """Least number of employees → points."""
    industry_target: int = 20
    industry_other: int = 5
    country_target: int = 20
    title_words: Mapping[str, int] = field(
        default_factory=lambda: {
            **dict.fromkeys("owner founder cofounder chief president ceo cfo cto coo cmo cio cro ciso cpo".split(), 20),
            **dict.fromkeys(("vice president", "vp", "svp", "evp", "avp", "director", "head"), 16),
            **dict.fromkeys(("manager", "lead"), 10),
        }
    )
    """Word or words of a title → points; the longest that fits decides, then the highest."""
    title_other: int = 4
    junior_words: Sequence[str] = ("assistant", "intern", "student", "trainee")
    """A title with one of these has no more than `title_other` points."""
    source_points: int = 40
    recency_points: int = 30
    half_life_days: int = 14
    touch_points: int = 5
    touch_limit: int = 20
    ratings: Mapping[str, int] = field(default_factory=lambda: {"Hot": 10, "Warm": 5})
    rate_days: int = 365
    rate_prior: int = 20
    """Leads' worth of the average rate that every source starts with."""
    coverage_percent: int = 70
    """A field filled on fewer leads limits the model."""


@dataclass(frozen=True)
class Pool:
    """People who take turns."""

    name: str
    members: tuple[str, ...]
    """User Ids, in roster order."""
    method: Method = "rotation"
    weights: Mapping[str, int] = field(default_factory=dict)
    """User Id → weight, 1 when not given."""


@dataclass(frozen=True)
class Territory:
    """Conditions, all of which must hold; a lead without the data asked for does not meet them."""

    pool: str
    countries: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    postal_prefixes: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    record_types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    employees_min: int | None = None
    employees_max: int | None = None


@dataclass(frozen=True)
class Named:
    """A company on the named-account list."""

    owner: str
    company: str | None = None
    domain: str | None = None


@dataclass(frozen=True)
class Assigning:
    pools: Mapping[str, Pool] = field(default_factory=dict)
    default_pool: str | None = None
    territories: tuple[Territory, ...] = ()
    """In their order of priority."""
    named_accounts: tuple[Named, ...] = ()
    triage: str | None = None
    """Queue or user for leads nobody can take."""
    absent: tuple[str, ...] = ()
    intake_users: tuple[str, ...] = ()
    """Users whose leads wait to be distributed, as an integration's."""
    not_reps: tuple[str, ...] = ()
    """Active users who own accounts but take no leads."""
    lead_cap: int = 100
    max_reassignments: int = 1
    """How often a lead goes on because nobody was in touch within the response SLA after a plan gave it away."""
    excluded_sources: tuple[str, ...] = ()
    excluded_countries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    scoring: Scoring = field(default_factory=Scoring)
    assign: Assigning = field(default_factory=Assigning)


def load_model(path: Path | None) -> Model:
    """The model of a file; the defaults without one. Raises ConfigError with every problem and its line."""
    return Model() if path is None else _Reader(read_yaml(path)).model()


class _Reader:
    def __init__(self, file: YamlFile):
        self.file = file

    def model(self) -> Model:
        data = self.file.data or {}
        if not isinstance(data, dict):
            self.file.problem("a lead model is a mapping with `scoring:` and `assign:`.")
            data = {}
        self.known(data, ("scoring", "assign"), ())
        made = Model(self.scoring(self.section(data, "scoring")), self.assign(self.section(data, "assign")))
        self.file.done()
        return made

    def scoring(self, data: Mapping[str, Any]) -> Scoring:
        default = Scoring()
        self.known(data, [f.name for f in fields(Scoring)], ("scoring",))
        given = {n: self.like(getattr(default, n), v, ("scoring", n)) for n, v in data.items() if hasattr(default, n)}
        return Scoring(**given)

    def assign(self, data: Mapping[str, Any]) -> Assigning:
        where = ("assign",)
        self.known(data, [f.name for f in fields(Assigning)], where)
        pools = {str(name): self.pool(str(name), value) for name, value in self.section(data, "pools", where).items()}
        territories = tuple(self.territory(i, v, pools) for i, v in enumerate(self.items(data, "territories")))
        default_pool = self.text(data, "default_pool")
        if default_pool is not None and default_pool not in pools:
            self.file.problem(
                f'there is no pool "{default_pool}".{nearest(default_pool, list(pools))}', *where, "default_pool"
            )
        return Assigning(
            pools=pools,
            default_pool=default_pool,
            territories=territories,
            named_accounts=tuple(self.named(i, v) for i, v in enumerate(self.items(data, "named_accounts"))),
            triage=self.id(data.get("triage"), (*where, "triage")),
            absent=self.ids(data, "absent", where),
            intake_users=self.ids(data, "intake_users", where),
            not_reps=self.ids(data, "not_reps", where),
            lead_cap=self.whole(data, "lead_cap", 100, 1, where),
            max_reassignments=self.whole(data, "max_reassignments", 1, 0, where),
            excluded_sources=self.texts(data, "excluded_sources", where),
            excluded_countries=self.texts(data, "excluded_countries", where),
        )

    def pool(self, name: str, data: Any) -> Pool:
        where = ("assign", "pools", name)
        if not isinstance(data, dict):
            self.file.problem(f'pool "{name}" is a mapping with `members:`.', *where)
            return Pool(name, ())
        self.known(data, ("members", "method", "weights"), where)
        members = self.ids(data, "members", where)
        if not members:
            self.file.problem(f'pool "{name}" has no members.', *where)
        method = next((m for m in METHODS if m == data.get("method", "rotation")), None)
        if method is None:
            self.file.problem(f'method "{data.get("method")}" must be one of {", ".join(METHODS)}.', *where, "method")
        weights: dict[str, int] = {}
        for given, weight in self.section(data, "weights", where).items():
            id = self.id(given, (*where, "weights"))
            if id not in members or isinstance(weight, bool) or not isinstance(weight, int) or weight < 1:
                self.file.problem(
                    f"weights are whole numbers from 1, of members: {given} is not so.", *where, "weights"
                )
            elif id is not None:
                weights[id] = weight
        return Pool(name, members, method or "rotation", weights)

    def territory(self, i: int, data: Any, pools: Mapping[str, Pool]) -> Territory:
        where = ("assign", "territories", i)
        lists = ("countries", "states", "postal_prefixes", "industries", "record_types", "sources")
        if not isinstance(data, dict):
            self.file.problem("a territory is a mapping with a `pool:` and its conditions.", *where)
            return Territory("")
        self.known(data, ("pool", *lists, "employees_min", "employees_max"), where)
        pool = str(data.get("pool"))
        if pool not in pools:
            self.file.problem(f'there is no pool "{pool}".{nearest(pool, list(pools))}', *where, "pool")
        countries, states, postal, industries, types, sources = (self.texts(data, key, where) for key in lists)
        least, most = (self.limit(data, key, where) for key in ("employees_min", "employees_max"))
        return Territory(pool, countries, states, postal, industries, types, sources, least, most)

    def whole(self, data: Mapping[str, Any], key: str, default: int, least: int, where: tuple[str | int, ...]) -> int:
        value = data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.file.problem(f"{key} must be a whole number of at least {least}.", *where, key)
            return default
        return value

    def limit(self, data: Mapping[str, Any], key: str, where: tuple[str | int, ...]) -> int | None:
        value = data.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            self.file.problem(f"{key} must be a whole number.", *where, key)
            return None
        return value

    def named(self, i: int, data: Any) -> Named:
        where = ("assign", "named_accounts", i)
        if not isinstance(data, dict) or not (data.get("company") or data.get("domain")):
            self.file.problem("a named account has an `owner:` and a `company:` or a `domain:`.", *where)
            return Named("")
        self.known(data, ("owner", "company", "domain"), where)
        owner = self.id(data.get("owner"), (*where, "owner"))
        if owner is None:
            self.file.problem("a named account needs an `owner:`.", *where)
        company, domain = data.get("company"), data.get("domain")
        return Named(owner or "", None if company is None else str(company), None if domain is None else str(domain))

    # -- values

    def known(self, data: Mapping[str, Any], keys: Sequence[str], where: tuple[str | int, ...]) -> None:
        for key in data:
            if key not in keys:
                self.file.problem(f'unknown key "{key}".{nearest(str(key), list(keys))}', *where, str(key))

    def section(self, data: Mapping[str, Any], key: str, where: tuple[str | int, ...] = ()) -> dict[Any, Any]:
        value = data.get(key)
        if value is not None and not isinstance(value, dict):
            self.file.problem(f"`{key}:` is a mapping.", *where, key)
            return {}
        return value or {}

    def items(self, data: Mapping[str, Any], key: str) -> list[Any]:
        value = data.get(key) or []
        if not isinstance(value, list):
            self.file.problem(f"`{key}:` is a list.", "assign", key)
            return []
        return value

    def text(self, data: Mapping[str, Any], key: str) -> str | None:
        value = data.get(key)
        return None if value is None else str(value)

    def texts(self, data: Mapping[str, Any], key: str, where: tuple[str | int, ...]) -> tuple[str, ...]:
        value = data.get(key) or []
        if not isinstance(value, list) or any(isinstance(v, (dict, list)) for v in value):
            self.file.problem(f"`{key}:` is a list of texts.", *where, key)
            return ()
        return tuple(str(v) for v in value)

    def ids(self, data: Mapping[str, Any], key: str, where: tuple[str | int, ...]) -> tuple[str, ...]:
        value = data.get(key) or []
        if not isinstance(value, list):
            self.file.problem(f"`{key}:` is a list of Ids.", *where, key)
            return ()
        found = (self.id(v, (*where, key)) for v in value)
        return tuple(dict.fromkeys(id for id in found if id))

    def id(self, value: Any, where: tuple[str | int, ...]) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):  # YAML reads 005000000000001 as a number, in base 8
            self.file.problem("an Id without letters must stand in quotes, or have its 18 characters.", *where)
            return None
        try:
            return to18(value)
        except ValueError as err:
            self.file.problem(f"{str(err).rstrip('.')}.", *where)
            return None

    def like(self, default: Any, value: Any, where: tuple[str | int, ...]) -> Any:
        """The value if it has the default's shape; else a problem, and the default."""
        if isinstance(default, bool):
            fits = isinstance(value, bool)
        elif isinstance(default, (int, Decimal)):
            fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
            fits = fits and (isinstance(default, Decimal) or isinstance(value, int))
        elif isinstance(default, Mapping):
            fits = isinstance(value, dict) and all(
                isinstance(v, int) and not isinstance(v, bool) for v in value.values()
            )
        else:
            fits = isinstance(value, list) and not any(isinstance(v, (dict, list)) for v in value)
        if not fits:
            kind = {bool: "true or false", int: "a whole number", Decimal: "a number"}.get(
                type(default), "a mapping to whole numbers" if isinstance(default, Mapping) else "a list of texts"
            )
            self.file.problem(f"{where[-1]} must be {kind}.", *where)
            return default
        if isinstance(default, Decimal):
            return Decimal(str(value))
        if isinstance(default, Mapping):
            return {str(k): v for k, v in value.items()}
        return value if isinstance(default, (bool, int)) else tuple(str(v) for v in value)


def model_path(given: Path | None, mappings: Path | None) -> Path | None:
    """The file to read: the one asked for, else the one in the user's mappings folder, else none."""
    if given is not None:
        if not given.is_file():
            raise ConfigError(f"{given}: no such lead model.")
        return given
    own = mappings / FILE if mappings is not None else None
    return own if own is not None and own.is_file() else None
