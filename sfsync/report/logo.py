"""A client's logo as a data: URI. PNG and JPEG are told by their bytes; an SVG must hold nothing that acts or loads."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from sfsync.errors import InputError

LARGEST = 512 * 1024
_ACTIVE = re.compile(
    rb"<!DOCTYPE|<!ENTITY|<\?xml-stylesheet|<\s*(?:\w+:)?(?:script|foreignObject|iframe|object|embed|image|use|a|animate\w*|"
    rb"set|handler)\b|\son\w+\s*=|javascript:|data:|(?:xlink:)?href\s*=|url\s*\(\s*['\"]?\s*(?!#)|@import|&#",
    re.IGNORECASE,
)


def data_uri(path: Path) -> str:
    """The file as `data:image/…;base64,…`. Raises InputError when it is missing, too large, or not to be trusted."""
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: the logo has {path.stat().st_size // 1024:,} KB; at most 512 KB are taken.")
        content = path.read_bytes()
    except OSError as err:
        raise InputError(f"{path}: the logo cannot be read: {err.strerror}.") from None
    return f"data:{_type(path, content)};base64,{base64.b64encode(content).decode('ascii')}"


def _type(path: Path, content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if b"<svg" in content[:1000].lower():
        found = _ACTIVE.search(content.replace(b"\x00", b""))
        if found or b"\x00" in content:
            what = found.group().decode("latin-1").strip() if found else "a zero byte"
            raise InputError(f"{path}: the SVG holds {what!r}, which may act or load something. Export it as PNG.")
        return "image/svg+xml"
    raise InputError(f"{path}: the logo is neither PNG, JPEG nor SVG.")
