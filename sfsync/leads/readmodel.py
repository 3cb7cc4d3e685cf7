"""One parsed lead model → Model, complaining with line and value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sfsync.errors import nearest
from sfsync.leads.model import METHODS, Assigning, Model, Named, Pool, Territory
from sfsync.leads.modelvalues import QUEUE, RECORD_TYPE, USER, Values, Where
from sfsync.leads.readscoring import read_scoring
from sfsync.yamlfile import YamlFile

HERE: Where = ("assign",)
MOST_WEIGHT = 1_000_000
LISTS = ("countries", "states", "postal_prefixes", "industries", "record_types", "sources")


def read_model(file: YamlFile) -> Model:
    """Raises ConfigError with everything that is wrong in the file."""
    values = Values(file)
    data = {} if file.data is None else file.data
    if not isinstance(data, dict):
        file.problem("a lead model is a mapping with `scoring:` and `assign:`.")
        data = {}
    values.known(data, ("scoring", "assign"), ())
    made = Model(read_scoring(values, values.section(data, "scoring")), _assign(values, values.section(data, "assign")))
    file.done()
    return made


def _assign(values: Values, data: Mapping[Any, Any]) -> Assigning:
    values.known(data, [f.name for f in fields(Assigning)], HERE)
    named = values.section(data, "pools", HERE)
    pools = {str(name): _pool(values, str(name), value) for name, value in named.items()}
    default = Assigning()
    cap, again = (
        values.whole(data[key], (*HERE, key), least) if key in data else getattr(default, key)
        for key, least in (("lead_cap", 1), ("max_reassignments", 0))
    )
    triage = data.get("triage")
    return Assigning(
        pools=pools,
        default_pool=_known_pool(values, data.get("default_pool"), pools, (*HERE, "default_pool")),
        territories=tuple(
            _territory(values, i, v, pools) for i, v in enumerate(values.items(data, "territories", HERE))
        ),
        named_accounts=tuple(_named(values, i, v) for i, v in enumerate(values.items(data, "named_accounts", HERE))),
        triage=None if triage is None else values.id(triage, (*HERE, "triage"), USER, QUEUE),
        absent=values.ids(data, "absent", HERE, USER),
        intake_users=values.ids(data, "intake_users", HERE, USER),
        not_reps=values.ids(data, "not_reps", HERE, USER),
        lead_cap=default.lead_cap if cap is None else cap,
        max_reassignments=default.max_reassignments if again is None else again,
        excluded_sources=values.texts(data, "excluded_sources", HERE),
        excluded_countries=values.countries(data, "excluded_countries", HERE),
    )


def _known_pool(values: Values, name: Any, pools: Mapping[str, Pool], where: Where) -> str | None:
    if name is None or str(name) in pools:
        return None if name is None else str(name)
    values.file.problem(f'there is no pool "{name}".{nearest(str(name), list(pools))}', *where)
    return None


def _pool(values: Values, name: str, data: Any) -> Pool:
    where = (*HERE, "pools", name)
    if not isinstance(data, dict):
        values.file.problem(f'pool "{name}" is a mapping with `members:`, not {data!r}.', *where)
        return Pool(name, ())
    values.known(data, ("members", "method", "weights"), where)
    members = values.ids(data, "members", where, USER)
    if not members:
        values.file.problem(f'pool "{name}" has no members.', *where)
    method = next((m for m in METHODS if m == data.get("method", "rotation")), None)
    if method is None:
        values.file.problem(f'method "{data["method"]}" must be one of {", ".join(METHODS)}.', *where, "method")
    weights: dict[str, int] = {}
    for key, given in values.section(data, "weights", where).items():
        place = (*where, "weights", str(key))
        id, weight = values.id(key, place, USER), values.whole(given, place, 1, MOST_WEIGHT)
        if id is not None and id not in members:
            values.file.problem(f"weights are those of members: {key} is none.", *place)
        elif id is not None and weight is not None:
            weights[id] = weight
    return Pool(name, members, method or "rotation", weights)


def _territory(values: Values, i: int, data: Any, pools: Mapping[str, Pool]) -> Territory:
    where = (*HERE, "territories", i)
    if not isinstance(data, dict):
        values.file.problem(f"a territory is a mapping with a `pool:` and its conditions, not {data!r}.", *where)
        return Territory("")
    values.known(data, ("pool", *LISTS, "employees_min", "employees_max"), where)
    if data.get("pool") is None:
        values.file.problem("a territory needs a `pool:`.", *where)
    pool = _known_pool(values, data.get("pool"), pools, (*where, "pool"))
    least, most = (
        None if data.get(key) is None else values.whole(data[key], (*where, key), 0)
        for key in ("employees_min", "employees_max")
    )
    if least is not None and most is not None and least > most:
        values.wrong(f"at least employees_min ({least})", most, (*where, "employees_max"))
    return Territory(
        pool=pool or "",
        countries=values.countries(data, "countries", where),
        states=values.texts(data, "states", where),
        postal_prefixes=values.texts(data, "postal_prefixes", where),
        industries=values.texts(data, "industries", where),
        record_types=values.ids(data, "record_types", where, RECORD_TYPE),
        sources=values.texts(data, "sources", where),
        employees_min=least,
        employees_max=most,
    )


def _named(values: Values, i: int, data: Any) -> Named:
    where = (*HERE, "named_accounts", i)
    if not isinstance(data, dict) or (data.get("company") is None and data.get("domain") is None):
        values.file.problem(f"a named account has an `owner:` and a `company:` or a `domain:`, not {data!r}.", *where)
        return Named("")
    values.known(data, ("owner", "company", "domain"), where)
    if data.get("owner") is None:
        values.file.problem("a named account needs an `owner:`.", *where)
    owner, company, domain = (data.get(key) for key in ("owner", "company", "domain"))
    return Named(
        owner=("" if owner is None else values.id(owner, (*where, "owner"), USER)) or "",
        company=None if company is None else values.text(company, (*where, "company")),
        domain=None if domain is None else values.domain(domain, (*where, "domain")),
    )
