"""Model: how leads are scored and distributed, read from one YAML file. Every value has a default but the people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from sfsync.errors import ConfigError
from sfsync.yamlfile import read_yaml

Method = Literal["rotation", "capacity", "weighted"]
METHODS: tuple[Method, ...] = ("rotation", "capacity", "weighted")
FILE = "leads/model.yaml"
"""Where a user's model is looked for, inside the mappings folder."""


@dataclass(frozen=True)
class Scoring:
    """Points and limits. `score = fit x fit_weight + engagement x engagement_weight`, the weights 1 together."""

    target_industries: Sequence[str] = ()
    target_countries: Sequence[str] = ()
    """ISO 3166-1 alpha-2; the file may name them."""
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
    from sfsync.leads.readmodel import read_model

    return Model() if path is None else read_model(read_yaml(path))


def model_path(given: Path | None, mappings: Path | None) -> Path | None:
    """The file to read: the one asked for, else the one in the user's mappings folder, else none."""
    if given is not None:
        if not given.is_file():
            raise ConfigError(f"{given}: no such lead model.")
        return given
    own = mappings / FILE if mappings is not None else None
    return own if own is not None and own.is_file() else None
