from __future__ import annotations

from collections.abc import Callable

import pytest

from sfsync.errors import QuotaFloor
from sfsync.salesforce.org import Org
from sfsync.salesforce.quota import Meter, Quota, Usage
from tests.salesforce.scripted import ScriptedServer, js, no


def test_usage_is_read_from_the_header_whatever_else_it_holds() -> None:
    meter = Meter()
    meter.read("per-app-api-usage=17/250(appName=other); api-usage=10018/100000")
    assert (meter.usage.used, meter.usage.limit, meter.usage.remaining) == (10018, 100000, 89982)
    meter.read(None)
    meter.read("api-usage=many")
    assert meter.usage.used == 10018


@pytest.mark.parametrize(
    ("quota", "floor"),
    [(Quota(), 0), (Quota(20.0), 201), (Quota(None, 500), 500), (Quota(20.0, 500), 500), (Quota(90.0, 5), 901)],
)
def test_the_floor_is_the_larger_of_share_and_number(quota: Quota, floor: int) -> None:
    assert quota.floor(1001) == floor


def test_a_call_is_stopped_before_it_would_cross_the_floor() -> None:
    meter = Meter(Quota(floor_calls=10))
    meter.read("api-usage=88/100")
    meter.spend(2)
    with pytest.raises(QuotaFloor, match="10 of 100"):
        meter.spend(1)
    assert meter.usage == Usage(90, 100, 2, 1)


def test_a_run_stops_at_its_own_budget() -> None:
    meter = Meter(Quota(per_run=3))
    meter.spend(3)
    with pytest.raises(QuotaFloor, match="per_run"):
        meter.spend(1)


def test_an_org_sends_nothing_more_once_at_its_floor(server: ScriptedServer, make_org: Callable[..., Org]) -> None:
    server.on("GET .*/limits", js({}, Sforce_Limit_Info="api-usage=79/100"))
    org = make_org(quota=Quota(floor_percent=20.0))
    org.limits()
    org.limits()
    assert org.usage == Usage(79, 100, 2, 2)
    server.on("GET .*/limits", js({}, Sforce_Limit_Info="api-usage=80/100"))
    org.limits()
    with pytest.raises(QuotaFloor):
        org.limits()
    assert server.count("/limits") == 3


def test_a_batch_costs_each_of_its_requests(server: ScriptedServer, org: Org) -> None:
    result = {"statusCode": 200, "result": {}}
    server.on("POST .*/composite/batch", js({"hasErrors": False, "results": [result] * 3}))
    org.batch_get(["limits", "sobjects", "query?q=x"])
    assert (org.usage.calls, org.usage.requests) == (3, 1)


def test_login_and_versions_cost_nothing(server: ScriptedServer, make_org: Callable[..., Org]) -> None:
    server.on("GET /services/data$", js([{"version": "66.0"}]))
    org = make_org(api_version=None)
    assert org.api_version == "66.0"
    assert org.usage == Usage(None, None, 0, 0)


def test_the_end_of_the_daily_quota_is_not_retried(server: ScriptedServer, org: Org, waits: list[float]) -> None:
    server.on("GET .*/limits", no(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    with pytest.raises(QuotaFloor) as caught:
        org.limits()
    assert caught.value.exit_code == 4
    assert caught.value.code == "REQUEST_LIMIT_EXCEEDED"
    assert waits == []


def test_too_many_requests_at_once_pass(server: ScriptedServer, org: Org, waits: list[float]) -> None:
    busy = no(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
    server.on("GET .*/limits", busy, busy, js({"fine": 1}))
    assert org.limits() == {"fine": 1}
    assert len(waits) == 2


def test_a_used_up_quota_of_bulk_jobs_stops_like_the_floor(server: ScriptedServer, org: Org) -> None:
    text = "Max bulk v2 query jobs (10000) per 24 hrs has been reached"
    server.on("POST .*/jobs/query", no(400, "API_ERROR", text))
    with pytest.raises(QuotaFloor):
        org.bulk_query("SELECT Id FROM Lead")
