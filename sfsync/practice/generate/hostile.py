"""Text that is legal in Salesforce and breaks careless tools: name → the SQL that writes it."""

from __future__ import annotations

from sfsync.practice.generate.workshop import quote

_PLAIN = {
    "comma": "Berlin, Hamburg, and, well, Bremen",
    "quotes": 'He said "call \'me\' back"; ""twice""',
    "newlines": "first line\r\nsecond line\r\n\r\nfourth line",
    "lone carriage return": "before\rafter",
    "lone newline": "before\nafter",
    "line separator": "before\u2028after\u2029end",
    "emoji": "Great call \U0001f44d\U0001f3fd, family of \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "NA": "NA",
    "null": "null",
    "#N/A": "#N/A",
    "leading zeros": "0012300",
    "spaces around": "  kept as typed  ",
    "formula": "=cmd|' /C calc'!A0",
    "script": "<script>alert(1)</script>",
    "right to left": "שלום עולם, مرحبا بالعالم",
    "backslash and tab": "C:\\new\\table\tend",
    "combining": "Cafe\u0301 A\u030angstro\u0308m",
}
TEXTS: dict[str, str] = {name: quote(text) for name, text in _PLAIN.items()}
TEXTS["30,000 characters"] = f"repeat({quote('Zeile mit Ümläuten, 30 Zeichen')}, 1000)"
