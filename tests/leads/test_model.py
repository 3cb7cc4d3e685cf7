from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from sfsync.errors import ConfigError
from sfsync.leads.model import FILE, Assigning, Model, Scoring, load_model, model_path
from sfsync.leads.points import Known, score

GOOD = """
scoring:
  target_industries: [Software]
  target_countries: [US, NO]
  fit_weight: 0.5
  ratings: {Hot: 12}
assign:
  triage: 00G000000000001EAA
  default_pool: everybody
  lead_cap: 50
  pools:
    everybody: {members: ['005000000000001', 005000000000002AAA], method: weighted, weights: {005000000000001AAA: 2}}
  territories:
    - {pool: everybody, countries: [NO, SE], employees_min: 10}
  named_accounts:
    - {company: Acme, owner: 005000000000001AAA}
"""


def test_a_model_is_read_with_its_defaults(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(GOOD)
    found = load_model(path)
    assert found.scoring.target_countries == ("US", "NO")
    assert (found.scoring.fit_weight, found.scoring.ratings, found.scoring.tier_a) == (Decimal("0.5"), {"Hot": 12}, 70)
    pool = found.assign.pools["everybody"]
    assert pool.members == ("005000000000001AAA", "005000000000002AAA")
    assert pool.weights == {"005000000000001AAA": 2}
    assert found.assign.territories[0].employees_min == 10
    assert load_model(None) == Model()


def test_every_problem_of_a_model_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(
        "scoring:\n  half_live_days: 3\n  tier_a: high\nassign:\n  default_pool: west\n  lead_cap: 0\n"
        "  max_reassignments: -1\n  absent: [005000000000001]\n  pools:\n"
        "    West: {members: [nobody], method: lottery}\n"
        "  territories:\n    - {pool: Wst}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_model(path)
    text = str(caught.value)
    assert ':2: unknown key "half_live_days". Nearest: "half_life_days"' in text
    assert ":3: tier_a must be a whole number" in text
    assert ':5: there is no pool "west". Nearest: "West"' in text
    assert ":6: lead_cap must be a whole number" in text
    assert ":7: max_reassignments must be a whole number of at least 0" in text
    assert 'method "lottery" must be one of' in text
    assert ':12: there is no pool "Wst". Nearest: "West"' in text
    assert ":8: an Id without letters must stand in quotes" in text
    assert 'pool "West" has no members' in text


USER, QUEUE = "005000000000001AAA", "00G000000000001EAA"
WRONG = [
    ("scoring: {fit_weight: 2}", "fit_weight must be a number from 0 to 1, not 2."),
    ("scoring: {fit_weight: .nan}", "fit_weight must be a number from 0 to 1, not nan."),
    (
        "scoring: {fit_weight: 0.6, engagement_weight: 0.6}",
        "fit_weight and engagement_weight must be 1 together, not 0.6 and 0.6.",
    ),
    ("scoring: {tier_b: 80}", "tier_a, tier_b, tier_c must go down, not 70, 80, 20."),
    ("scoring: {tier_a: 101}", "tier_a must be a whole number from 0 to 100, not 101."),
    ("scoring: {email_free: -1}", "email_free must be a whole number from 0 to 100, not -1."),
    ("scoring: {half_life_days: 0}", "half_life_days must be a whole number from 1 to 36525, not 0."),
    ("scoring: {rate_days: 9999999}", "rate_days must be a whole number from 1 to 36525, not 9999999."),
    ("scoring: {rate_prior: 0}", "rate_prior must be a whole number from 1 to 1000000, not 0."),
    ("scoring: {employees: {x: 1}}", "the keys of employees must be whole numbers of at least 1, not 'x'."),
    ("scoring: {employees: {10: many}}", "employees.10 must be a whole number from 0 to 100, not 'many'."),
    ("scoring: {title_words: {VP: 16, vp: 3}}", 'title_words: "vp" is given twice, however it is written.'),
    ("scoring: {title_words: {'-': 16}}", "title_words.- must be words, not '-'."),
    ("scoring: {junior_words: ['?']}", "junior_words must be words, not '?'."),
    ("scoring: {ratings: {'': 10}}", "the keys of ratings must be texts, not ''."),
    ("scoring: {target_countries: [Atlantis]}", "countries: ISO 3166-1 codes or names, not 'Atlantis'."),
    ("scoring: {excluded_domains: ['@rival.example']}", "a domain, as rival.example, not '@rival.example'."),
    ("scoring: {exclude_customers: 1}", "exclude_customers must be true or false, not 1."),
    ("scoring: {__class__: 1}", 'unknown key "__class__".'),
    ("scoring: {1: 2}", 'unknown key "1".'),
    ("false", "a lead model is a mapping"),
    ("assign: {territories: 0}", "territories must be a list, not 0."),
    ("assign: {absent: ''}", "absent must be a list, not ''."),
    (f"assign: {{absent: [{QUEUE}]}}", f"absent must be the Id of a user (005…), not '{QUEUE}'."),
    (f"assign: {{triage: 001{USER[3:]}}}", "triage must be the Id of a user (005…) or a queue (00G…), not '001"),
    ("assign: {lead_cap: 0}", "lead_cap must be a whole number of at least 1, not 0."),
    ("assign: {excluded_countries: [Nowhere]}", "excluded_countries must be countries"),
    (f"assign: {{pools: {{P: {{members: [{USER}, null]}}}}}}", "pools.P.members must be an Id, not None."),
    (
        f"assign: {{pools: {{P: {{members: [{USER}], weights: {{{USER}: 0}}}}}}}}",
        f"pools.P.weights.{USER} must be a whole number from 1 to 1000000, not 0.",
    ),
    (
        f"assign: {{pools: {{P: {{members: [{USER}], weights: {{005000000000002AAA: 1}}}}}}}}",
        "weights are those of members: 005000000000002AAA is none.",
    ),
    ("assign: {territories: [{}]}", "a territory needs a `pool:`."),
    ("assign: {territories: [{postal_prefixes: [010]}]}", "postal_prefixes must be a text: put it in quotes, not 8."),
    ("assign: {territories: [{employees_min: -1}]}", "employees_min must be a whole number of at least 0, not -1."),
    (
        "assign: {territories: [{employees_min: 10, employees_max: 9}]}",
        "employees_max must be at least employees_min (10), not 9.",
    ),
    (f"assign: {{named_accounts: [{{company: [A], owner: {USER}}}]}}", "named_accounts.company must be a text, not ["),
    ("assign: {named_accounts: [{company: Acme}]}", "a named account needs an `owner:`."),
]


@pytest.mark.parametrize(("text", "problem"), WRONG, ids=[text for text, _ in WRONG])
def test_a_wrong_value_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_model(path)
    assert [p for p in caught.value.problems if p.startswith(f"{path}:1: ") and problem in p] != []


JUNK = (
    "null|true|-1|0|1|1.5|.nan|.inf|1e400|99999999999999999999|x|''|' '|2026-01-31|[]|[null]|[1]|[x]|[[x]]|[{x: 1}]|{}"
    "|{null: 1}|{1: null}|{x: 1}|{x: x}|{1: 1}|{true: 1}|{'': 1}|{x: [1]}|{x: {x: 1}}|{x: {members: x}}"
).split("|")
KNOWN = Known("corporate", 300, "x", "US", "x y", "Web", Decimal("0.1"), Decimal("0.2"), 3, 1, "x")


@pytest.mark.parametrize(
    "key", [f"scoring.{f.name}" for f in fields(Scoring)] + [f"assign.{f.name}" for f in fields(Assigning)]
)
def test_whatever_stands_under_a_key_is_read_or_refused(tmp_path: Path, key: str) -> None:
    path = tmp_path / "model.yaml"
    section, name = key.split(".")
    problems = []
    for junk in JUNK:
        path.write_text(f"{section}:\n  {name}: {junk}\n")
        try:
            score(KNOWN, load_model(path).scoring)
        except ConfigError as err:
            problems += err.problems
    assert len(problems) > 10
    assert [p for p in problems if not p.startswith(f"{path}:2: ")] == []


def test_a_weight_alone_leaves_the_rest_to_the_other(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("scoring: {engagement_weight: 0.25}")
    found = load_model(path).scoring
    assert (found.fit_weight, found.engagement_weight) == (Decimal("0.75"), Decimal("0.25"))


def test_names_are_read_as_leads_have_them(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(
        "scoring:\n  target_countries: [Germany, us]\n  excluded_domains: [Rival.Example]\n"
        "  title_words: {Co-Founder: 20}\n  junior_words: [Working-Student]\n  employees: {'500': 9}\n"
    )
    found = load_model(path).scoring
    assert (found.target_countries, found.excluded_domains) == (("DE", "US"), ("rival.example",))
    points = {p.what: p.points for p in score(Known(country="DE", title="Co-Founder", employees=501), found).points}
    assert (points["Country"], points["Title"], points["NumberOfEmployees"]) == (20, 20, 9)
    assert score(Known(title="Co-Founder (working student)"), found).fit == 4


def test_the_models_file_is_the_one_asked_for_or_the_users(tmp_path: Path) -> None:
    assert model_path(None, tmp_path) is None
    own = tmp_path / FILE
    own.parent.mkdir()
    own.write_text("scoring: {}\n")
    assert model_path(None, tmp_path) == own
    with pytest.raises(ConfigError, match="no such lead model"):
        model_path(tmp_path / "gone.yaml", tmp_path)
