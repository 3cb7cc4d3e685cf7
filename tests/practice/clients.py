"""Third-party clients, unmodified, pointed at the practice server."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce

from sfsync.practice.serve import PracticeServer


class ToLoopback(HTTPAdapter):
    """Sends https://anything to the practice server over plain http: simple-salesforce builds https URLs only."""

    def __init__(self, base: str):
        super().__init__()
        self._base = urlsplit(base)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = urlsplit(request.url or "")
        request.url = urlunsplit((self._base.scheme, self._base.netloc, asked.path, asked.query, ""))
        request.headers["Host"] = self._base.netloc
        return super().send(request, *args, **kwargs)


def loopback_session(server: PracticeServer) -> requests.Session:
    session = requests.Session()
    session.mount("https://", ToLoopback(server.url))
    return session


def token(server: PracticeServer) -> str:
    """A fresh access token by client credentials."""
    form = {
        "grant_type": "client_credentials",
        "client_id": server.credentials.client_id,
        "client_secret": server.credentials.client_secret,
    }
    answer = requests.post(f"{server.url}/services/oauth2/token", form, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def salesforce(server: PracticeServer, version: str = "66.0") -> Salesforce:
    """simple-salesforce with a session of its own; close `.session` after use."""
    host = server.url.removeprefix("http://")
    return Salesforce(instance=host, session_id=token(server), version=version, session=loopback_session(server))


class Rest(requests.Session):
    """Plain requests with the token set; paths are relative to /services/data/vXX.0 unless they name a door."""

    def __init__(self, server: PracticeServer, version: str = "66.0"):
        super().__init__()
        self.server = server
        self.root = f"/services/data/v{version}"
        self.headers["Authorization"] = f"Bearer {token(server)}"

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        path = str(url)
        absolute = path.startswith(("/services/", "/practice", "/id/"))
        kwargs.setdefault("timeout", 60)
        return super().request(method, self.server.url + (path if absolute else self.root + path), *args, **kwargs)

    def soql(self, query: str, **kwargs: Any) -> requests.Response:
        return self.get("/query", params={"q": query}, **kwargs)

    def new(self, sobject: str, **values: Any) -> str:
        """Create one record and return its Id."""
        answer = self.post(f"/sobjects/{sobject}", json=values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])
