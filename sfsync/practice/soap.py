"""The SOAP door: envelope, faults, sessions, and which call is answered by what."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from sfsync.practice.auth import Session, find_user
from sfsync.practice.errors import ApiError
from sfsync.practice.oauth import password_user
from sfsync.practice.router import Router
from sfsync.practice.settings import NEWEST_VERSION, OLDEST_VERSION
from sfsync.practice.wire import XML_TYPE, Call, Reply

if TYPE_CHECKING:
    from sfsync.practice.site import Site

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {"u": "urn:partner.soap.sforce.com", "c": "urn:enterprise.soap.sforce.com"}
FAULTS = {"u": "urn:fault.partner.soap.sforce.com", "c": "urn:fault.enterprise.soap.sforce.com"}
NEWEST_LOGIN = 64.0
LOGIN_BYTES = 10 * 1024
BAD_LOGIN = "Invalid username, password, security token; or user locked out."

routes = Router()


class SoapFault(Exception):
    """Nothing was done, and why. `kind` is the typed fault of the WSDL, as LoginFault."""

    def __init__(self, code: str, message: str, kind: str = "UnexpectedErrorFault"):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.kind = kind


@dataclass
class SoapCall:
    """One SOAP call. Elements carry their namespace in their tag; `local()` takes it off."""

    site: Site
    call: Call
    wsdl: str
    """u (partner) or c (enterprise)."""
    name: str
    body: ElementTree.Element
    """The call's own element, as <login>."""
    headers: dict[str, ElementTree.Element]
    """The elements of the SOAP header by local name, as SessionHeader."""
    session: Session | None = None


Handler = Callable[[SoapCall], str]
"""Gives the XML inside <xResponse>. May raise SoapFault or ApiError."""

CALLS: dict[str, Handler] = {}


def on(name: str) -> Callable[[Handler], Handler]:
    """Register the handler of a SOAP call."""

    def register(handler: Handler) -> Handler:
        CALLS[name] = handler
        return handler

    return register


def local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def text_of(element: ElementTree.Element, name: str) -> str:
    """The text of the first child of this name, "" when there is none."""
    return next((child.text or "" for child in element if local(child) == name), "")


def tag(name: str, value: object) -> str:
    """<name>value</name>, nil for None, true and false in lower case."""
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text)}</{name}>"


@routes.on(
    "POST",
    "/services/Soap/u/{version}",
    "/services/Soap/u/{version}/{organization_id}",
    "/services/Soap/c/{version}",
    "/services/Soap/c/{version}/{organization_id}",
)
def soap(site: Site, call: Call, version: str, organization_id: str = "") -> Reply:
    wsdl = call.template.split("/")[3]
    try:
        return _answer(site, call, wsdl, version)
    except SoapFault as err:
        return fault_reply(wsdl, err)
    except ApiError as err:
        return fault_reply(wsdl, SoapFault(err.code, err.message))


def _answer(site: Site, call: Call, wsdl: str, version: str) -> Reply:
    if not re.fullmatch(r"\d{1,3}\.0", version) or not OLDEST_VERSION <= float(version) <= NEWEST_VERSION:
        raise SoapFault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")
    call.version = float(version)
    if "xml" not in call.header("content-type").lower():
        raise SoapFault("soapenv:Client", "content-type of the request should be text/xml", "")
    if "soapaction" not in call.headers:
        raise SoapFault("soapenv:Client", "SOAPAction HTTP header missing", "")
    request = _parsed(site, call, wsdl)
    call.template = f"{call.template}#{request.name}"
    handler = CALLS.get(request.name)
    if handler is None:
        message = f"No operation available for request {{{NAMESPACES[wsdl]}}}{request.name}"
        raise SoapFault("soapenv:Client", message, "")
    if request.name != "login":
        _check_session(request)
        site.quota.spend_request()
    return _reply(request, handler(request))


def _parsed(site: Site, call: Call, wsdl: str) -> SoapCall:
    if b"<!DOCTYPE" in call.body:
        raise SoapFault("soapenv:Client", "DOCTYPE is not allowed", "")
    try:
        root = ElementTree.fromstring(call.body)
    except ElementTree.ParseError as err:
        raise SoapFault("soapenv:Client", f"The request is not well-formed XML: {err}", "") from err
    parts = {local(child): child for child in root}
    if root.tag != f"{{{ENVELOPE}}}Envelope" or "Body" not in parts or len(parts["Body"]) != 1:
        raise SoapFault("soapenv:Client", "The request is no SOAP envelope with one call in its body", "")
    body = parts["Body"][0]
    if not body.tag.startswith(f"{{{NAMESPACES[wsdl]}}}"):
        raise SoapFault("soapenv:Client", f"No operation available for request {body.tag}", "")
    headers = {local(child): child for child in parts.get("Header", ())}
    return SoapCall(site, call, wsdl, local(body), body, headers)


def _check_session(request: SoapCall) -> None:
    header = request.headers.get("SessionHeader")
    session = request.site.sessions.use(text_of(header, "sessionId").strip()) if header is not None else None
    if session is None:
        message = "Invalid Session ID found in SessionHeader: Illegal Session"
        raise SoapFault("INVALID_SESSION_ID", message)
    request.session = request.call.session = session


def _envelope(wsdl: str, header: str, body: str) -> bytes:
    names = f'xmlns:soapenv="{ENVELOPE}" xmlns="{NAMESPACES[wsdl]}" xmlns:xsi="{XSI}"'
    opening = f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope {names}>'
    return f"{opening}{header}<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>".encode()


def _reply(request: SoapCall, inner: str) -> Reply:
    header = ""
    if request.name != "login":
        used, most = request.site.quota.used("requests"), request.site.settings.daily_requests
        info = f"{tag('current', used)}{tag('limit', most)}{tag('type', 'API REQUESTS')}"
        limits = f"<LimitInfoHeader><limitInfo>{info}</limitInfo></LimitInfoHeader>"
        header = f"<soapenv:Header>{limits}</soapenv:Header>"
    body = f"<{request.name}Response>{inner}</{request.name}Response>"
    return Reply(200, body=_envelope(request.wsdl, header, body), content_type=XML_TYPE)


def fault_reply(wsdl: str, fault: SoapFault) -> Reply:
    """HTTP 500 with a soapenv:Fault."""
    plain = fault.code.startswith("soapenv:")
    code = fault.code if plain else f"sf:{fault.code}"
    reason = fault.message if plain else f"{fault.code}: {fault.message}"
    detail = ""
    if fault.kind and not plain:
        said = tag("sf:exceptionCode", fault.code) + tag("sf:exceptionMessage", fault.message)
        detail = f'<detail><sf:{fault.kind} xsi:type="sf:{fault.kind}">{said}</sf:{fault.kind}></detail>'
    body = f"<soapenv:Fault>{tag('faultcode', code)}{tag('faultstring', reason)}{detail}</soapenv:Fault>"
    # faultcode, faultstring and detail belong to no namespace.
    names = f'xmlns:soapenv="{ENVELOPE}" xmlns:sf="{FAULTS[wsdl]}" xmlns:xsi="{XSI}"'
    text = f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope {names}><soapenv:Body>{body}</soapenv:Body>'
    return Reply(500, body=f"{text}</soapenv:Envelope>".encode(), content_type=XML_TYPE)


@on("login")
def login(request: SoapCall) -> str:
    site, call = request.site, request.call
    if call.version > NEWEST_LOGIN:
        raise SoapFault("UNSUPPORTED_API_VERSION", "login() is not available in this API version", "LoginFault")
    if len(call.body) > LOGIN_BYTES:
        raise SoapFault("INVALID_LOGIN", "The login request is longer than 10 KB", "LoginFault")
    unknown = sorted(set(request.headers) - {"LoginScopeHeader", "CallOptions"})
    if unknown:
        raise SoapFault("soapenv:Client", f"Header {unknown[0]} is not allowed in login()", "")
    user = password_user(site, text_of(request.body, "username"), text_of(request.body, "password"))
    if user is None or not site.settings.soap_login:
        raise SoapFault("INVALID_LOGIN", BAD_LOGIN, "LoginFault")
    session = site.sessions.open(user.id)
    address = f"{site.url}/services/Soap/{{}}/{call.version:.1f}/{site.org.organization_id[:15]}"
    fields: dict[str, object] = {
        "metadataServerUrl": address.format("m"),
        "passwordExpired": False,
        "sandbox": True,
        "serverUrl": address.format(request.wsdl),
        "sessionId": session.token,
        "userId": user.id,
    }
    return f"<result>{''.join(tag(k, v) for k, v in fields.items())}{_user_info(site, user.id)}</result>"


@on("getUserInfo")
def get_user_info(request: SoapCall) -> str:
    info = _user_info(request.site, request.call.user_id)
    return info.replace("<userInfo>", "<result>").replace("</userInfo>", "</result>")


@on("getServerTimestamp")
def get_server_timestamp(request: SoapCall) -> str:
    now = request.site.org.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return f"<result>{tag('timestamp', now)}</result>"


@on("logout")
def logout(request: SoapCall) -> str:
    if request.session:
        request.site.sessions.expire(request.session.token)
    return ""


def _user_info(site: Site, user_id: str) -> str:
    user = find_user(site.org, user_id=user_id)
    if user is None:
        raise SoapFault("INVALID_LOGIN", BAD_LOGIN, "LoginFault")
    fields: dict[str, object] = {
        "accessibilityMode": False,
        "currencySymbol": "$",
        "orgDefaultCurrencyIsoCode": "USD",
        "orgHasPersonAccounts": False,
        "organizationId": site.org.organization_id,
        "organizationMultiCurrency": False,
        "organizationName": "Practice",
        "profileId": None,
        "roleId": None,
        "sessionSecondsValid": site.settings.session_minutes * 60,
        "userEmail": user.email,
        "userFullName": user.name,
        "userId": user.id,
        "userLanguage": "en_US",
        "userLocale": "en_US",
        "userName": user.username,
        "userTimeZone": user.timezone,
        "userType": "Standard",
    }
    return f"<userInfo>{''.join(tag(k, v) for k, v in fields.items())}</userInfo>"
