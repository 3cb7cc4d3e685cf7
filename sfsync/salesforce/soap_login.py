"""SOAP login(): username and password without an app. Salesforce offers it up to version 64.0, until Summer '27."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from sfsync.errors import AuthError, ConfigError
from sfsync.salesforce.replies import Problem, Reply
from sfsync.salesforce.tokens import Session, post_login, refused
from sfsync.salesforce.wire import origin

VERSION = "64.0"
_NS = {"p": "urn:partner.soap.sforce.com"}
_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com">'
    "<e:Body><p:login><p:username>{username}</p:username><p:password>{password}</p:password></p:login></e:Body></e:Envelope>"
)
_HINTS = {
    "INVALID_LOGIN": "Username, password or security token is wrong, the user is locked, or SOAP login is off.",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "Add org.security_token, or trust this machine's IP in Setup, Network Access.",
    "PASSWORD_LOCKOUT": "Too many wrong passwords. An admin can unlock the user.",
    "UNSUPPORTED_API_VERSION": "This org no longer offers SOAP login. Use auth client_credentials or jwt.",
    "INVALID_OPERATION": "SOAP login is switched off in this org. Use auth client_credentials or jwt.",
    "ORG_IN_MAINTENANCE": "The org is in maintenance. Try again later.",
}


def login(login_url: str, username: str, secret: str) -> Session:
    """A session for a username and its password plus security token. Raises AuthError, RetryableOrgError."""
    base = origin(login_url, "login_url")
    body = _ENVELOPE.format(username=escape(username), password=escape(secret)).encode()
    reply = post_login(f"{base}/services/Soap/u/{VERSION}", xml=body)
    tree = _tree(reply)
    result = tree.find(".//p:result", _NS) if tree is not None else None
    if not reply.ok or result is None:
        raise refused(base, "password by SOAP", _fault(tree), reply, _HINTS, secrets=(secret,))
    if _text(result, "passwordExpired") == "true":
        raise AuthError(f"The password of this user has expired. Set a new one at {base}, then put it in the config.")
    try:
        instance = origin(_text(result, "serverUrl"), "the serverUrl Salesforce answered")
    except ConfigError as err:
        raise AuthError(f"Login worked, but {err}") from err
    return Session(_text(result, "sessionId"), instance, None, datetime.now(UTC))


def _tree(reply: Reply) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(reply.body)
    except ElementTree.ParseError:
        return None


def _fault(tree: ElementTree.Element | None) -> Problem | None:
    if tree is None or (code := tree.findtext(".//faultcode")) is None:
        return None
    code = code.rpartition(":")[2]
    message = tree.findtext(".//faultstring") or ""
    return Problem(code, message.removeprefix(f"{code}: "))


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"p:{name}", "", _NS)
