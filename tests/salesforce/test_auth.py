from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sfsync.config import OrgConfig
from sfsync.errors import AuthError, ConfigError, RetryableOrgError
from sfsync.salesforce.auth import ClientCredentials, JwtBearer, Password, RefreshToken, SessionId, make_auth
from sfsync.salesforce.org import Org
from sfsync.salesforce.wire import origin
from tests.salesforce.scripted import Answer, Asked, ScriptedServer, js, page

SECRET = "A-CLIENT-SECRET-1234"
TOKEN = "POST /services/oauth2/token"


@pytest.fixture(scope="module")
def key() -> tuple[str, str]:
    """Private and public PEM."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def refuse(error: str, text: str) -> Answer:
    return js({"error": error, "error_description": text}, 400)


def test_client_credentials_are_posted_to_the_my_domain(server: ScriptedServer) -> None:
    session = ClientCredentials(server.url, "3MVG9client", SECRET).login()
    form = server.all(TOKEN)[0].form()
    assert form == {"grant_type": "client_credentials", "client_id": "3MVG9client", "client_secret": SECRET}
    assert session.instance_url == server.url
    assert session.token == "00D000000000001!TOKEN.1"


def test_the_jwt_says_who_for_whom_and_for_three_minutes(server: ScriptedServer, key: tuple[str, str]) -> None:
    JwtBearer(server.url, "3MVG9client", "sync@example.com", key[0]).login()
    form = server.all(TOKEN)[0].form()
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(form["assertion"], key[1], algorithms=["RS256"], audience="https://login.salesforce.com")
    assert (claims["iss"], claims["sub"]) == ("3MVG9client", "sync@example.com")
    assert 0 < claims["exp"] - time.time() <= 180


@pytest.mark.parametrize(
    ("login_url", "audience"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
    ],
)
def test_the_jwts_audience_follows_the_login_host(login_url: str, audience: str, key: tuple[str, str]) -> None:
    assertion = JwtBearer(login_url, "id", "user@example.com", key[0])._assertion()
    assert jwt.decode(assertion, options={"verify_signature": False})["aud"] == audience


def test_a_key_that_is_none_is_refused_without_quoting_it() -> None:
    with pytest.raises(ConfigError, match="private_key_file") as caught:
        JwtBearer("https://login.salesforce.com", "id", "user@example.com", "-----BEGIN NONSENSE").login()
    assert "NONSENSE" not in str(caught.value)


# -- refresh tokens


def test_a_rotated_refresh_token_is_in_the_file_before_the_session_is_used(
    server: ScriptedServer, make_org: Callable[..., Org], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("OLD-REFRESH-TOKEN\n")
    in_file: list[str] = []

    def limits(asked: Asked) -> Answer:
        in_file.append(file.read_text().strip())
        return js({})

    body = {"access_token": "a", "instance_url": server.url, "refresh_token": "NEW-REFRESH-TOKEN"}
    server.on(TOKEN, js(body))
    server.on("GET .*/limits", limits)
    make_org(auth=RefreshToken(server.url, "id", token_file=file)).limits()
    assert server.all(TOKEN)[0].form()["refresh_token"] == "OLD-REFRESH-TOKEN"
    assert in_file == ["NEW-REFRESH-TOKEN"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["token"]


def test_without_rotation_the_file_is_left_alone(server: ScriptedServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("OLD-REFRESH-TOKEN")
    before = file.stat()
    RefreshToken(server.url, "id", token_file=file).login()
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_the_new_token_is_sent_next_time(server: ScriptedServer, tmp_path: Path) -> None:
    server.on(TOKEN, lambda asked: js({"access_token": "a", "instance_url": server.url, "refresh_token": "NEXT-TOKEN"}))
    for auth in (
        RefreshToken(server.url, "id", "secret-secret", token="FIRST-TOKEN"),
        RefreshToken(server.url, "id", token_file=tmp_path / "token"),
    ):
        (tmp_path / "token").write_text("FIRST-TOKEN")
        auth.login()
        auth.login()
    assert [a.form()["refresh_token"] for a in server.all(TOKEN)] == ["FIRST-TOKEN", "NEXT-TOKEN"] * 2


def test_a_token_rotated_by_another_command_is_read_again(server: ScriptedServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("STALE-TOKEN")

    def token(asked: Asked) -> Answer:
        if asked.form()["refresh_token"] == "STALE-TOKEN":
            file.write_text("FRESH-TOKEN")  # what the other command does meanwhile
            return refuse("invalid_grant", "expired access/refresh token")
        return js({"access_token": "a", "instance_url": server.url})

    server.on(TOKEN, token)
    assert RefreshToken(server.url, "id", token_file=file).login().token == "a"


def test_a_dead_refresh_token_asks_for_a_new_login(server: ScriptedServer) -> None:
    server.on(TOKEN, refuse("invalid_grant", "expired access/refresh token"))
    with pytest.raises(AuthError, match=r"expired access/refresh token.*Log in again") as caught:
        RefreshToken(server.url, "id", token="DEAD-REFRESH-TOKEN").login()
    assert caught.value.code == "invalid_grant"
    assert server.count(TOKEN) == 1


# -- passwords


def test_a_password_goes_with_its_security_token(server: ScriptedServer) -> None:
    Password(server.url, "user@example.com", "pass&word", "TOKEN", "id", "secret").login()
    form = server.all(TOKEN)[0].form()
    assert (form["grant_type"], form["username"], form["password"]) == (
        "password",
        "user@example.com",
        "pass&wordTOKEN",
    )


def test_soap_login_serves_without_an_app(server: ScriptedServer) -> None:
    result = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
        "<e:Body><loginResponse><result><passwordExpired>false</passwordExpired>"
        f"<serverUrl>{server.url}/services/Soap/u/64.0/00D000000000001</serverUrl><sessionId>00D!SOAP</sessionId>"
        "</result></loginResponse></e:Body></e:Envelope>"
    )
    server.on("POST /services/Soap/u/64.0", Answer(200, result.encode(), {"Content-Type": "text/xml"}))
    session = Password(server.url, "user@example.com", "p<&>w", "TOKEN").login()
    assert (session.token, session.instance_url) == ("00D!SOAP", server.url)
    (asked,) = server.all("Soap")
    assert b"<p:password>p&lt;&amp;&gt;wTOKEN</p:password>" in asked.body
    assert asked.headers["SOAPAction"] == '""'


def test_a_soap_fault_is_told_without_the_password(server: ScriptedServer) -> None:
    fault = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
        "<faultcode>sf:INVALID_LOGIN</faultcode><faultstring>INVALID_LOGIN: Invalid username hunter2TOKEN</faultstring>"
        "</e:Fault></e:Body></e:Envelope>"
    )
    server.on("POST /services/Soap/", Answer(500, fault.encode(), {"Content-Type": "text/xml"}))
    with pytest.raises(AuthError, match="INVALID_LOGIN: Invalid username …") as caught:
        Password(server.url, "user@example.com", "hunter2", "TOKEN").login()
    assert caught.value.code == "INVALID_LOGIN"
    assert "hunter2" not in str(caught.value)


# -- refusals


@pytest.mark.parametrize(
    ("error", "text", "next_step"),
    [
        ("invalid_client_id", "client identifier invalid", "org.client_id"),
        ("invalid_client", "invalid client credentials", "org.client_secret"),
        ("invalid_grant", "no client credentials user enabled", "run-as user"),
        ("something_new", "", "Login History"),
    ],
)
def test_a_refusal_says_what_salesforce_said_and_what_to_do(
    server: ScriptedServer, error: str, text: str, next_step: str
) -> None:
    server.on(TOKEN, refuse(error, text))
    with pytest.raises(AuthError) as caught:
        ClientCredentials(server.url, "3MVG9client", SECRET).login()
    message = str(caught.value)
    assert error in message
    assert text in message
    assert next_step in message
    assert "\n" not in message
    assert SECRET not in message


def test_a_secret_quoted_back_is_blotted_out(server: ScriptedServer) -> None:
    server.on(TOKEN, refuse("invalid_client", f"wrong secret {SECRET}"))
    with pytest.raises(AuthError, match="wrong secret …"):
        ClientCredentials(server.url, "3MVG9client", SECRET).login()


def test_a_web_page_instead_of_a_token_blames_the_address(server: ScriptedServer) -> None:
    server.on(TOKEN, page(200))
    with pytest.raises(AuthError, match=r"a web page.*org\.instance_url"):
        ClientCredentials(server.url, "id", SECRET).login()


def test_a_login_host_out_of_order_is_tried_again(server: ScriptedServer) -> None:
    body = js({"access_token": "a", "instance_url": server.url})
    server.on(TOKEN, Answer(503, b"", {"Retry-After": "0"}), refuse("unknown_error", "retry your request"), body)
    assert ClientCredentials(server.url, "id", SECRET).login().token == "a"
    assert server.count(TOKEN) == 3


def test_an_answer_that_sends_us_to_plain_http_is_refused(server: ScriptedServer) -> None:
    server.on(TOKEN, js({"access_token": "a", "instance_url": "http://evil.example.com"}))
    with pytest.raises(AuthError, match="in the clear"):
        ClientCredentials(server.url, "id", SECRET).login()


def test_secrets_do_not_show_in_reprs(key: tuple[str, str]) -> None:
    url = "https://acme.my.salesforce.com"
    ways: list[Any] = [
        ClientCredentials(url, "3MVG9client", SECRET),
        JwtBearer(url, "3MVG9client", "u", key[0]),
        RefreshToken(url, "3MVG9client", SECRET, SECRET),
        Password(url, "u", SECRET, SECRET, "3MVG9client", SECRET),
        SessionId(url, SECRET),
        SessionId(url, SECRET).login(),
    ]
    for way in ways:
        assert SECRET not in repr(way)
        assert "PRIVATE KEY" not in repr(way)


# -- addresses and config


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://Acme.My.Salesforce.com/lightning/page/home?x=1", "https://acme.my.salesforce.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_only_scheme_and_host_of_an_address_count(given: str, used: str) -> None:
    assert origin(given) == used


@pytest.mark.parametrize(
    "given",
    [
        "http://acme.my.salesforce.com",
        "http://127.0.0.1.evil.com",
        "http://localhost.evil.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "ftp://acme.my.salesforce.com",
        "https://user:pw@acme.my.salesforce.com",
        "https://acme.lightning.force.com",
        "https://",
        "",
    ],
)
def test_an_address_that_would_leak_secrets_is_refused(given: str) -> None:
    with pytest.raises(ConfigError) as caught:
        origin(given)
    assert "pw" not in str(caught.value)


def test_each_way_of_the_config_becomes_its_class(tmp_path: Path) -> None:
    url = "https://acme.my.salesforce.com"
    (tmp_path / "key.pem").write_text("PEM")
    full = OrgConfig(
        url,
        client_id="id",
        client_secret="secret",
        username="u",
        password="p",
        security_token="t",
        private_key_file=tmp_path / "key.pem",
        session_id="s",
        refresh_token_file=tmp_path / "token",
        login_url="https://test.salesforce.com",
    )
    login = "https://test.salesforce.com"
    assert make_auth(full) == ClientCredentials(login, "id", "secret")
    assert make_auth(replace(full, auth="jwt")) == JwtBearer(login, "id", "u", "PEM")
    refreshed = RefreshToken(login, "id", "secret", None, tmp_path / "token")
    assert make_auth(replace(full, auth="refresh_token")) == refreshed
    assert make_auth(replace(full, auth="password")) == Password(login, "u", "p", "t", "id", "secret")
    assert make_auth(replace(full, auth="session")) == SessionId(url, "s")


@pytest.mark.parametrize(
    ("auth", "missing"),
    [
        ("client_credentials", "client_id"),
        ("jwt", "client_id"),
        ("refresh_token", "refresh_token"),
        ("password", "username"),
        ("session", "session_id"),
        ("telepathy", "telepathy"),
    ],
)
def test_what_a_way_needs_is_asked_for(auth: str, missing: str) -> None:
    with pytest.raises(ConfigError, match=missing):
        make_auth(OrgConfig("https://acme.my.salesforce.com", auth=auth))


def test_connect_logs_in_at_once(server: ScriptedServer) -> None:
    config = OrgConfig(server.url, client_id="id", client_secret=SECRET)
    with Org.connect(config) as org:
        assert server.count(TOKEN) == 1
        assert org.instance_url == server.url
    server.on(TOKEN, refuse("invalid_grant", "no"))
    with pytest.raises(AuthError):
        Org.connect(config)


def test_an_unreachable_login_host_is_retryable() -> None:
    with pytest.raises(RetryableOrgError, match="cannot be reached to log in"):
        ClientCredentials("http://127.0.0.1:1", "id", SECRET).login()
