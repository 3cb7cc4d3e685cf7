"""The OAuth endpoints and the identity address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sfsync.practice.auth import Session, User, find_user
from sfsync.practice.router import Router
from sfsync.practice.wire import Call, Reply, basic_credentials

if TYPE_CHECKING:
    from sfsync.practice.site import Site

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
JWT_SECONDS = 300
SCOPE = "api refresh_token web"

routes = Router()


class OAuthError(Exception):
    """Refused in OAuth's own shape."""

    def __init__(self, error: str, description: str, status: int = 400):
        super().__init__(description)
        self.reply = Reply(status, {"error": error, "error_description": description})


@routes.on("POST", "/services/oauth2/token")
def token(site: Site, call: Call) -> Reply:
    try:
        form = _form(call)
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            _check_client(site, call, form, need_secret=True)
            return _granted(site, site.sessions.open(site.org.user_id), issued=True)
        if grant == JWT_GRANT:
            return _granted(site, site.sessions.open(_user_of_jwt(site, call, form)), issued=False)
        if grant == "refresh_token":
            return _refreshed(site, call, form)
        if grant == "password":
            return _password(site, call, form)
        raise OAuthError("unsupported_grant_type", "grant type not supported")
    except OAuthError as err:
        return err.reply


def _form(call: Call) -> dict[str, str]:
    kind = call.header("content-type").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "content type must be application/x-www-form-urlencoded")
    return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _check_client(site: Site, call: Call, form: dict[str, str], *, need_secret: bool) -> None:
    basic = basic_credentials(call.header("authorization"))
    client, secret = basic or (form.get("client_id", ""), form.get("client_secret"))
    if not _same(client, site.credentials.client_id):
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if secret is None and not need_secret:
        return
    if not _same(secret or "", site.credentials.client_secret):
        raise OAuthError("invalid_client", "invalid client credentials")


def _refreshed(site: Site, call: Call, form: dict[str, str]) -> Reply:
    _check_client(site, call, form, need_secret=False)
    found = site.sessions.refresh(form.get("refresh_token", ""))
    if found is None:
        raise OAuthError("invalid_grant", "expired access/refresh token")
    session, rotated = found
    reply = _granted(site, session, issued=True)
    if rotated:
        reply.value["refresh_token"] = rotated
    return reply


def _password(site: Site, call: Call, form: dict[str, str]) -> Reply:
    _check_client(site, call, form, need_secret=True)
    user = password_user(site, form.get("username", ""), form.get("password", ""))
    if user is None or not site.settings.password_flow:
        raise OAuthError("invalid_grant", "authentication failure")
    return _granted(site, site.sessions.open(user.id), issued=True)


def password_user(site: Site, username: str, password: str) -> User | None:
    """The user, if the password with the security token glued on is right. All practice users share one password."""
    right = site.credentials.password + site.credentials.security_token
    return find_user(site.org, username=username) if username and _same(password, right) else None


def _user_of_jwt(site: Site, call: Call, form: dict[str, str]) -> str:
    import jwt

    try:
        claims: dict[str, Any] = jwt.decode(
            form.get("assertion", ""),
            site.jwt_key.public_pem,
            algorithms=["RS256"],
            options={"require": ["iss", "sub", "aud", "exp"], "verify_aud": False, "verify_sub": False},
        )
    except jwt.ExpiredSignatureError as err:
        raise OAuthError("invalid_grant", "expired authorization code") from err
    except jwt.MissingRequiredClaimError as err:
        raise OAuthError("invalid_grant", "invalid assertion") from err
    except (jwt.PyJWTError, ValueError) as err:
        raise OAuthError("invalid_grant", "invalid assertion") from err
    if not _same(str(claims["iss"]), site.credentials.client_id):
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if str(claims["aud"]).rstrip("/") not in (*JWT_AUDIENCES, call.url):
        raise OAuthError("invalid_grant", "audience is invalid")
    if int(claims["exp"]) > time.time() + JWT_SECONDS:
        raise OAuthError("invalid_grant", "invalid assertion")
    user = find_user(site.org, username=str(claims["sub"]))
    if user is None:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    return user.id


def identity_url(site: Site, user_id: str) -> str:
    return f"{site.url}/id/{site.org.organization_id}/{user_id}"


def _granted(site: Site, session: Session, *, issued: bool) -> Reply:
    identity = identity_url(site, session.user_id)
    value = {
        "access_token": session.token,
        "scope": SCOPE,
        "instance_url": site.url,
        "id": identity,
        "token_type": "Bearer",
    }
    if issued:
        at = str(int(site.org.clock.now().timestamp() * 1000))
        secret = site.credentials.client_secret.encode()
        signature = hmac.new(secret, (identity + at).encode(), hashlib.sha256).digest()
        value |= {"issued_at": at, "signature": base64.b64encode(signature).decode()}
    return Reply(200, value, headers={"Cache-Control": "no-cache, no-store", "Pragma": "no-cache"})


@routes.on("GET POST", "/services/oauth2/revoke")
def revoke(site: Site, call: Call) -> Reply:
    given = call.parameters if call.method == "GET" else _form(call)
    if not given.get("token") or not site.sessions.revoke(given["token"]):
        return OAuthError("invalid_token", "invalid token").reply
    return Reply(200)


@routes.on("GET POST", "/services/oauth2/userinfo")
def userinfo(site: Site, call: Call) -> Reply:
    user = _bearer_user(site, call)
    if isinstance(user, Reply):
        return user
    identity = _identity(site, user)
    same = ("user_id", "organization_id", "email", "email_verified", "active", "user_type", "language", "locale")
    return Reply(
        200,
        {
            "sub": identity["id"],
            "preferred_username": user.username,
            "name": user.name,
            "zoneinfo": user.timezone,
            **{key: identity[key] for key in (*same, "utcOffset", "urls")},
        },
    )


@routes.on("GET", "/id/{organization_id}/{user_id}")
def identity(site: Site, call: Call, organization_id: str, user_id: str) -> Reply:
    caller = _bearer_user(site, call)
    if isinstance(caller, Reply):
        return caller
    user = find_user(site.org, user_id=user_id)
    if organization_id[:15] != site.org.organization_id[:15] or user is None:
        return Reply(404, body=b"Not Found", content_type="text/plain;charset=UTF-8")
    return Reply(200, _identity(site, user))


def _bearer_user(site: Site, call: Call) -> User | Reply:
    scheme, _, bearer = call.header("authorization").partition(" ")
    session = site.sessions.use(bearer.strip()) if scheme.lower() in ("bearer", "oauth") else None
    user = find_user(site.org, user_id=session.user_id) if session else None
    if user is None:
        text = b"Bad_OAuth_Token" if bearer else b"Missing_OAuth_Token"
        return Reply(403, body=text, content_type="text/plain;charset=UTF-8")
    return user


def _identity(site: Site, user: User) -> dict[str, Any]:
    first, _, last = user.name.rpartition(" ")
    short = site.org.organization_id[:15]
    soap = {name: f"{site.url}/services/Soap/{letter}/{{version}}/{short}" for name, letter in _SOAP.items()}
    data = f"{site.url}/services/data/v{{version}}/"
    rest = {name: f"{data}{path}" for name, path in _REST.items()}
    return {
        "id": identity_url(site, user.id),
        "asserted_user": True,
        "user_id": user.id,
        "organization_id": site.org.organization_id,
        "username": user.username,
        "nick_name": user.username.partition("@")[0],
        "display_name": user.name,
        "email": user.email,
        "email_verified": True,
        "first_name": first or None,
        "last_name": last or user.name,
        "timezone": user.timezone,
        "active": True,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": _utc_offset(site, user),
        "is_app_installed": True,
        "urls": {**soap, **rest, "profile": f"{site.url}/{user.id}", "custom_domain": site.url},
    }


_SOAP = {"enterprise": "c", "partner": "u"}
_REST = {"rest": "", "sobjects": "sobjects/", "query": "query/"}


def _utc_offset(site: Site, user: User) -> int:
    """Milliseconds, without daylight saving time."""
    from datetime import timedelta
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        here = site.org.clock.now().astimezone(ZoneInfo(user.timezone))
    except (ZoneInfoNotFoundError, ValueError):
        return 0
    offset = (here.utcoffset() or timedelta()) - (here.dst() or timedelta())
    return int(offset.total_seconds() * 1000)
