"""Web addresses: the host that names the company."""

from __future__ import annotations

import re

from sfsync.normalise.email import valid_domain
from sfsync.normalise.fold import strip

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:/*(?=[^0-9/])|^/+", re.IGNORECASE)
_END_OF_HOST = re.compile(r"[/?#\\]")


def web_domain(text: str | None) -> str | None:
    """`https://www.Acme.com/de/` → `acme.com`: the host in lower case without `www.`; None if there is no host name."""
    if not text:
        return None
    rest = _SCHEME.sub("", strip(text))
    host = _END_OF_HOST.split(rest, maxsplit=1)[0].rpartition("@")[2]
    host = strip(re.sub(r":\d*$", "", host)).rstrip(".").lower()
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    return host if valid_domain(host) else None


def same_org_domain(left: str | None, right: str | None) -> bool:
    """True when the domains are equal or one lies under the other, as `mail.acme.com` and `acme.com`."""
    if not left or not right or "." not in left or "." not in right:
        return False
    return left == right or left.endswith("." + right) or right.endswith("." + left)
