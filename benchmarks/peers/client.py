"""simple-salesforce, unmodified, for an org that speaks plain http on this machine. Runs without sfsync installed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce


class ToLoopback(HTTPAdapter):
    """simple-salesforce builds https URLs only: send them to the practice org over http."""

    def __init__(self, base: str):
        super().__init__()
        self._base = urlsplit(base)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = urlsplit(request.url or "")
        request.url = urlunsplit((self._base.scheme, self._base.netloc, asked.path, asked.query, ""))
        return super().send(request, *args, **kwargs)


def salesforce(url: str, token: str) -> Salesforce:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", ToLoopback(url))
    return Salesforce(instance=urlsplit(url).netloc, session_id=token, version="66.0", session=session)


def timed(copy: Callable[[Salesforce, str, str], int]) -> None:
    """Run `copy(client, soql, file) -> rows` with what the command line gives; print rows and seconds as JSON."""
    given = json.loads(sys.argv[1])
    client = salesforce(given["url"], given["token"])
    started = time.perf_counter()
    rows = copy(client, given["soql"], given["file"])
    print("\n" + json.dumps({"rows": rows, "seconds": time.perf_counter() - started}))
