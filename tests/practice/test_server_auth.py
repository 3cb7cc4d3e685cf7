"""OAuth, SOAP login, identity, sessions."""

from __future__ import annotations

import base64
import re
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
import requests
from clients import Rest

from sfsync.practice.serve import PracticeServer

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def post(server: PracticeServer, path: str = "/services/oauth2/token", **form: Any) -> requests.Response:
    return requests.post(server.url + path, form, timeout=60)


def granted(server: PracticeServer, **form: str) -> dict[str, Any]:
    answer = post(server, **form)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def client(server: PracticeServer) -> dict[str, str]:
    return {"client_id": server.credentials.client_id, "client_secret": server.credentials.client_secret}


def alive(server: PracticeServer, token: str) -> bool:
    answer = requests.get(
        f"{server.url}/services/data/v66.0/limits", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    return answer.status_code == 200


def test_client_credentials_token_has_salesforces_shape(server: PracticeServer) -> None:
    found = granted(server, grant_type="client_credentials", **client(server))
    assert set(found) == {"access_token", "scope", "instance_url", "id", "token_type", "issued_at", "signature"}
    assert re.fullmatch(r"00D[A-Za-z0-9]{12}![A-Za-z0-9._]+", found["access_token"])
    assert found["instance_url"] == server.url
    assert found["issued_at"].isdigit()
    assert alive(server, found["access_token"])


def test_client_credentials_by_basic_header(server: PracticeServer) -> None:
    given = client(server)
    answer = requests.post(
        f"{server.url}/services/oauth2/token",
        {"grant_type": "client_credentials"},
        auth=(given["client_id"], given["client_secret"]),
        timeout=60,
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "wrong"}, "invalid_client_id"),
        ({"grant_type": "device"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "dead"}, "invalid_grant"),
        ({"grant_type": "password", "username": "x@example.com", "password": "wrong"}, "invalid_grant"),
    ],
)
def test_refused_grants_answer_in_oauths_shape(server: PracticeServer, form: dict[str, str], error: str) -> None:
    answer = post(server, **{**client(server), **form})
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert set(answer.json()) == {"error", "error_description"}


def assertion(server: PracticeServer, key: str | None = None, **claims: Any) -> str:
    given = server.credentials
    whole = {
        **{"iss": given.client_id, "sub": given.username, "aud": "https://login.salesforce.com"},
        **{"exp": int(time.time()) + 120, **claims},
    }
    return jwt.encode(whole, key or server.jwt_private_key, algorithm="RS256")


def test_jwt_bearer_gives_no_refresh_token_and_no_issue_time(server: PracticeServer) -> None:
    found = granted(server, grant_type=JWT_GRANT, assertion=assertion(server, aud=server.url))
    assert set(found) == {"access_token", "scope", "instance_url", "id", "token_type"}
    assert alive(server, found["access_token"])


def test_jwt_refusals(server: PracticeServer) -> None:
    other = PracticeServer()
    try:
        wrong = {
            "audience is invalid": assertion(server, aud="https://na1.salesforce.com"),
            "expired authorization code": assertion(server, exp=int(time.time()) - 10),
            "user hasn't approved this consumer": assertion(server, sub="nobody@example.com"),
            "client identifier invalid": assertion(server, iss="somebody"),
            "invalid assertion": assertion(server, key=other.jwt_private_key),
        }
    finally:
        other.stop()
    for description, text in wrong.items():
        answer = post(server, grant_type=JWT_GRANT, assertion=text)
        assert (answer.status_code, answer.json()["error_description"]) == (400, description)
    far = post(server, grant_type=JWT_GRANT, assertion=assertion(server, exp=int(time.time()) + 3600))
    assert far.json()["error"] == "invalid_grant"


def test_refresh_token_keeps_working_unless_rotated(server: PracticeServer) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": server.credentials.refresh_token, **client(server)}
    assert "refresh_token" not in granted(server, **form)
    server.settings.rotate_refresh_tokens = True
    rotated = granted(server, **form)["refresh_token"]
    assert post(server, **form).json() == {
        "error": "invalid_grant",
        "error_description": "expired access/refresh token",
    }
    assert granted(server, **{**form, "refresh_token": rotated})["access_token"]


def test_password_needs_the_security_token_and_can_be_switched_off(server: PracticeServer) -> None:
    given = server.credentials
    form = {"grant_type": "password", "username": given.username, **client(server)}
    right = given.password + given.security_token
    assert granted(server, **form, password=right)["access_token"]
    assert post(server, **form, password=given.password).json()["error_description"] == "authentication failure"
    server.settings.password_flow = False
    assert post(server, **form, password=right).json()["error_description"] == "authentication failure"


def test_revoked_token_is_dead(server: PracticeServer) -> None:
    token = granted(server, grant_type="client_credentials", **client(server))["access_token"]
    assert post(server, "/services/oauth2/revoke", token=token).status_code == 200
    assert not alive(server, token)
    assert post(server, "/services/oauth2/revoke", token=token).json()["error"] == "invalid_token"


def test_revoking_a_refresh_token_ends_its_sessions(server: PracticeServer) -> None:
    refresh = server.credentials.refresh_token
    form = {"grant_type": "refresh_token", "refresh_token": refresh, **client(server)}
    token = granted(server, **form)["access_token"]
    assert post(server, "/services/oauth2/revoke", token=refresh).status_code == 200
    assert not alive(server, token)
    assert post(server, **form).status_code == 400


def test_idle_session_dies_on_the_orgs_clock_and_use_keeps_it_alive(rest: Rest, server: PracticeServer) -> None:
    for _ in range(3):
        server.org.clock.offset += timedelta(minutes=100)
        assert rest.get("/limits").status_code == 200
    server.org.clock.offset += timedelta(minutes=121)
    dead = rest.get("/limits")
    assert dead.status_code == 401
    assert dead.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, "INVALID_SESSION_ID"), ("Bearer x", "INVALID_SESSION_ID"), ("Basic eA==", "INVALID_AUTH_HEADER")],
)
def test_requests_without_a_session_are_refused(server: PracticeServer, header: str | None, code: str) -> None:
    headers = {"Authorization": header} if header else {}
    answer = requests.get(f"{server.url}/services/data/v66.0/sobjects", headers=headers, timeout=60)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, code)


def test_identity_and_userinfo_name_org_and_user(rest: Rest, server: PracticeServer) -> None:
    found = granted(server, grant_type="client_credentials", **client(server))
    identity = rest.get(found["id"].removeprefix(server.url)).json()
    assert (identity["user_id"], identity["organization_id"]) == (server.org.user_id, server.org.organization_id)
    assert identity["username"] == server.credentials.username
    assert "{version}" in identity["urls"]["rest"]
    info = rest.get("/services/oauth2/userinfo").json()
    assert (info["user_id"], info["preferred_username"]) == (server.org.user_id, server.credentials.username)
    refused = requests.get(found["id"], headers={"Authorization": "Bearer x"}, timeout=60)
    assert (refused.status_code, refused.text) == (403, "Bad_OAuth_Token")


def test_credentials_follow_from_the_org(server: PracticeServer) -> None:
    again = PracticeServer(server.org)
    try:
        assert again.credentials == server.credentials
        assert server.credentials.client_secret not in repr(server.credentials)
    finally:
        again.stop()


SOAP = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com">'
    "<s:Header>{header}</s:Header><s:Body><u:{call}>{body}</u:{call}></s:Body></s:Envelope>"
)


def soap(
    server: PracticeServer, call: str, body: str = "", header: str = "", version: str = "64.0"
) -> requests.Response:
    return requests.post(
        f"{server.url}/services/Soap/u/{version}",
        SOAP.format(call=call, body=body, header=header).encode(),
        headers={"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'},
        timeout=60,
    )


def login_body(server: PracticeServer) -> str:
    given = server.credentials
    return f"<u:username>{given.username}</u:username><u:password>{given.password}{given.security_token}</u:password>"


def test_soap_login_is_gone_after_version_64(server: PracticeServer) -> None:
    assert "<sessionId>00D" in soap(server, "login", login_body(server)).text
    late = soap(server, "login", login_body(server), version="65.0")
    assert late.status_code == 500
    assert "<faultcode>sf:UNSUPPORTED_API_VERSION</faultcode>" in late.text
    assert "sf:UNSUPPORTED_API_VERSION" in soap(server, "login", login_body(server), version="30.0").text


def test_soap_calls_take_the_rest_token_and_answer_with_the_usage(rest: Rest, server: PracticeServer) -> None:
    token = str(rest.headers["Authorization"]).removeprefix("Bearer ")
    header = f"<u:SessionHeader><u:sessionId>{token}</u:sessionId></u:SessionHeader>"
    found = soap(server, "getUserInfo", header=header, version="66.0")
    assert f"<userId>{server.org.user_id}</userId>" in found.text
    assert "<type>API REQUESTS</type>" in found.text
    assert soap(server, "logout", header=header, version="66.0").status_code == 200
    dead = soap(server, "getUserInfo", header=header, version="66.0")
    assert dead.status_code == 500
    assert "<faultcode>sf:INVALID_SESSION_ID</faultcode>" in dead.text


def test_unknown_or_broken_soap_is_a_fault(server: PracticeServer) -> None:
    unknown = soap(server, "resetPassword")
    assert unknown.status_code == 500
    assert "No operation available for request {urn:partner.soap.sforce.com}resetPassword" in unknown.text
    headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
    for body in (b"<a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a/>"):
        answer = requests.post(f"{server.url}/services/Soap/u/64.0", body, headers=headers, timeout=60)
        assert (answer.status_code, "<faultcode>soapenv:Client" in answer.text) == (500, True)


def test_basic_header_that_is_no_base64_is_refused(server: PracticeServer) -> None:
    junk = base64.b64encode(b"\xff\xfe").decode()
    answer = requests.post(
        f"{server.url}/services/oauth2/token",
        {"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {junk}"},
        timeout=60,
    )
    assert answer.json()["error"] == "invalid_client_id"
