from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from sfsync.errors import ConfigError
from sfsync.leads.model import FILE, Model, load_model, model_path

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


def test_the_models_file_is_the_one_asked_for_or_the_users(tmp_path: Path) -> None:
    assert model_path(None, tmp_path) is None
    own = tmp_path / FILE
    own.parent.mkdir()
    own.write_text("scoring: {}\n")
    assert model_path(None, tmp_path) == own
    with pytest.raises(ConfigError, match="no such lead model"):
        model_path(tmp_path / "gone.yaml", tmp_path)
