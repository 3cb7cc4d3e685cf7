"""Values of a lead model, each checked: what is wrong becomes a problem of the file, and None or nothing its value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.errors import nearest
from sfsync.salesforce.ids import to18
from sfsync.yamlfile import YamlFile

Where = tuple[str | int, ...]
USER, QUEUE, RECORD_TYPE = "005", "00G", "012"
"""What Ids of these begin with."""
_DOMAIN = re.compile(r"[^\s@/:.]+(\.[^\s@/:.]+)+")


class Values:
    """Reads values at a place of the file: a path of keys and indexes, the first of them the section."""

    def __init__(self, file: YamlFile):
        self.file = file

    def wrong(self, must: str, value: Any, where: Where) -> None:
        name = ".".join(part for part in where[1:] if isinstance(part, str))
        self.file.problem(f"{name} must be {must}, not {value!r}.", *where)

    # -- keys

    def known(self, data: Mapping[Any, Any], keys: Sequence[str], where: Where) -> None:
        for key in data:
            if key not in keys:
                self.file.problem(f'unknown key "{key}".{nearest(str(key), list(keys))}', *where, str(key))

    def section(self, data: Mapping[Any, Any], key: str, where: Where = ()) -> dict[Any, Any]:
        value = data.get(key)
        if value is not None and not isinstance(value, dict):
            self.file.problem(f"`{key}:` must be a mapping, not {value!r}.", *where, key)
            return {}
        return value or {}

    # -- lists

    def items(self, data: Mapping[Any, Any], key: str, where: Where) -> list[Any]:
        value = data.get(key)
        if value is not None and not isinstance(value, list):
            self.wrong("a list", value, (*where, key))
            return []
        return value or []

    def texts(self, data: Mapping[Any, Any], key: str, where: Where) -> tuple[str, ...]:
        found = (self.text(v, (*where, key, i)) for i, v in enumerate(self.items(data, key, where)))
        return tuple(text for text in found if text is not None)

    def ids(self, data: Mapping[Any, Any], key: str, where: Where, *kinds: str) -> tuple[str, ...]:
        """Each once. kinds: what they may begin with."""
        found = (self.id(v, (*where, key, i), *kinds) for i, v in enumerate(self.items(data, key, where)))
        return tuple(dict.fromkeys(id for id in found if id))

    def countries(self, data: Mapping[Any, Any], key: str, where: Where) -> tuple[str, ...]:
        """ISO codes of codes and names."""
        from sfsync.normalise.country import country_code

        found = []
        for i, value in enumerate(self.items(data, key, where)):
            code = country_code(value) if isinstance(value, str) else None
            if code is None:
                self.wrong("countries: ISO 3166-1 codes or names", value, (*where, key, i))
            else:
                found.append(code)
        return tuple(found)

    def domains(self, data: Mapping[Any, Any], key: str, where: Where) -> tuple[str, ...]:
        found = (self.domain(v, (*where, key, i)) for i, v in enumerate(self.items(data, key, where)))
        return tuple(domain for domain in found if domain)

    # -- one value

    def text(self, value: Any, where: Where) -> str | None:
        """YAML reads 010 as the number 8: what is meant as a text must be one."""
        if isinstance(value, str) and value.strip():
            return value.strip()
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        self.wrong("a text: put it in quotes" if number else "a text", value, where)
        return None

    def domain(self, value: Any, where: Where) -> str | None:
        if isinstance(value, str) and _DOMAIN.fullmatch(value.strip()):
            return value.strip().lower()
        self.wrong("a domain, as rival.example", value, where)
        return None

    def whole(self, value: Any, where: Where, least: int, most: int | None = None) -> int | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
        if fits and (most is None or value <= most):
            return int(value)
        span = f"from {least} to {most}" if most is not None else f"of at least {least}"
        self.wrong(f"a whole number {span}", value, where)
        return None

    def flag(self, value: Any, where: Where) -> bool | None:
        if isinstance(value, bool):
            return value
        self.wrong("true or false", value, where)
        return None

    def id(self, value: Any, where: Where, *kinds: str) -> str | None:
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            self.wrong("an Id", value, where)
            return None
        if isinstance(value, int):  # YAML reads 005000000000001 as a number, in base 8
            self.file.problem("an Id without letters must stand in quotes, or have its 18 characters.", *where)
            return None
        try:
            found = to18(value)
        except ValueError as err:
            self.file.problem(f"{str(err).rstrip('.')}.", *where)
            return None
        if found.startswith(kinds):
            return found
        whose = {USER: "a user", QUEUE: "a queue", RECORD_TYPE: "a record type"}
        self.wrong(f"the Id of {' or '.join(f'{whose[k]} ({k}…)' for k in kinds)}", value, where)
        return None
