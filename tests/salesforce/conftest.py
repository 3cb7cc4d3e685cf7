from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sfsync.salesforce.auth import ClientCredentials
from sfsync.salesforce.org import Org
from sfsync.salesforce.retry import RetryPolicy
from tests.salesforce.scripted import Answer, Asked, ScriptedServer, js

SECRET = "A-CLIENT-SECRET-1234"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Logs anybody in with a new token each time; knows nothing else."""
    server = ScriptedServer()
    numbers = itertools.count(1)

    def token(asked: Asked) -> Answer:
        org = "00D000000000001"
        body = {
            "access_token": f"{org}!TOKEN.{next(numbers)}",
            "instance_url": server.url,
            "id": f"{server.url}/id/{org}/005",
        }
        return js(body)

    server.on("POST /services/oauth2/token", token)
    yield server
    server.stop()


@pytest.fixture
def waits() -> list[float]:
    """The seconds the retry policy would have slept."""
    return []


@pytest.fixture
def make_org(server: ScriptedServer, waits: list[float]) -> Iterator[Callable[..., Org]]:
    """Orgs on the scripted server, API 66.0, that note their waits instead of sleeping."""
    made: list[Org] = []

    def make(**options: Any) -> Org:
        auth = options.pop("auth", None) or ClientCredentials(server.url, "3MVG9client", SECRET)
        policy = options.pop("retries", None) or RetryPolicy(sleep=waits.append)
        org = Org(auth, **{"api_version": "66.0", "retries": policy, "read_seconds": 5.0, **options})
        made.append(org)
        return org

    yield make
    for org in made:
        org.close()


@pytest.fixture
def org(make_org: Callable[..., Org]) -> Org:
    return make_org()
