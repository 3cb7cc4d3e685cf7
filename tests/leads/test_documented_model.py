"""The lead model that the documentation shows is one sfsync reads, and says what it says."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from sfsync.leads.model import Assigning, Pool, Scoring, Territory, load_model

PAGE = Path(__file__).parent.parent.parent / "docs" / "insight.md"
OURS = {"target_industries", "target_countries", "excluded_domains", "exclude_customers"}


@pytest.fixture(scope="module")
def example():
    return re.search(r"```yml\n(scoring:.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]


def test_the_documented_model_is_read_without_a_problem(example, tmp_path):
    path = tmp_path / "model.yaml"
    path.write_text(example, encoding="utf-8")
    model = load_model(path)
    default = Scoring()
    shown = {f.name: getattr(model.scoring, f.name) for f in fields(Scoring)}
    differing = {name for name, value in shown.items() if not same(value, getattr(default, name))}
    assert differing == OURS
    assert model.assign.pools["europe"].method == "weighted"
    assert [t.pool for t in model.assign.territories] == ["strategic", "europe"]


def test_every_key_of_the_model_is_documented(example):
    data = yaml.safe_load(example)
    assert set(data["scoring"]) == {f.name for f in fields(Scoring)}
    assert set(data["assign"]) == {f.name for f in fields(Assigning)}
    assert {k for p in data["assign"]["pools"].values() for k in p} == {f.name for f in fields(Pool)} - {"name"}
    assert {k for t in data["assign"]["territories"] for k in t} == {f.name for f in fields(Territory)}


def same(value: object, default: object) -> bool:
    return dict(value) == dict(default) if isinstance(default, dict) else value == default
