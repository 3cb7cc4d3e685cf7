"""The verbs as functions: what a script passes wrongly is refused before anything is done, or taken as it was meant."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from sfsync import api
from sfsync.errors import ConfigError, InputError, MappingError

CONFIG = "org: {instance_url: http://127.0.0.1:1, client_id: x, client_secret: y}\nwarehouse: duckdb:///w.duckdb\n"


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


@pytest.mark.parametrize("verb", [api.pull, api.pull_cost, api.verify])
def test_one_name_alone_is_one_object(config, verb):
    with pytest.raises(MappingError) as caught:
        verb(config, objects="Leed")
    assert caught.value.problems[0].startswith('no mapping for sObject "Leed". Nearest: "Lead".')
    assert len(caught.value.problems) == 1


def test_one_code_alone_is_one_rule(config):
    with pytest.raises(ConfigError) as caught:
        api.check(config, rules="OPP-00X")
    assert len(caught.value.problems) == 1
    assert 'no rule "OPP-00X"' in caught.value.problems[0]


@pytest.mark.parametrize("since", [date(2026, 1, 31), datetime(2026, 1, 31), "2026-01-31"])
def test_since_is_an_aware_moment(config, since):
    with pytest.raises(InputError, match="aware datetime"):
        api.pull(config, since=since)
