"""What all our HTTP has in common: which hosts may be spoken to, and with what manners."""

from __future__ import annotations

import re
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from sfsync.errors import ConfigError


def _client() -> str:
    try:
        return f"sfsync/{version('sfsync')}"
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "sfsync/0"


CLIENT = _client()
CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
POOL = 16
_TOKENS = re.compile(r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]+")


def origin(url: str, key: str = "instance_url") -> str:
    """`scheme://host[:port]` of an address we may send secrets to: https, or http to this very machine.

    Raises ConfigError naming `key`.
    """
    parts = urlsplit(url if "://" in url else f"https://{url}")
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise ConfigError(f'{key} "{_shown(url)}" is not an address such as https://acme.my.salesforce.com.')
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigError(f"{key} {parts.scheme}://{host} would send secrets in the clear. Use https://{host}.")
    if host.endswith(".lightning.force.com"):
        name = host.removesuffix(".lightning.force.com")
        raise ConfigError(
            f"{key} https://{host} is the address of the user interface. Use https://{name}.my.salesforce.com."
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def is_loopback(host: str) -> bool:
    """Whether the host name can only mean this machine: localhost, 127.0.0.0/8, ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def new_http(url: str) -> requests.Session:
    """A requests.Session for one origin: pooled, without cookies, without retries of its own.

    Loopback addresses are never sent through a proxy.
    """
    http = requests.Session()
    http.headers.update({"User-Agent": CLIENT, "Accept-Encoding": "gzip"})
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=POOL, max_retries=0)
    http.mount("https://", adapter)
    http.mount("http://", adapter)
    http.trust_env = not is_loopback(urlsplit(url).hostname or "")
    return http


def scrub(text: str) -> str:
    """`text` without anything that looks like an access token."""
    return _TOKENS.sub("[token]", text)


def _shown(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", url)
