"""YAML with line numbers: read safely, remember where each value stood, collect every problem before raising."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sfsync.errors import ConfigError

Where = tuple[str | int, ...]


@dataclass
class YamlFile:
    """One parsed file. `data` is plain Python; `line()` says where a value stands; `problems` gathers complaints."""

    path: Path
    data: Any
    lines: Mapping[Where, int]
    problems: list[str] = field(default_factory=list)

    def line(self, *where: str | int) -> int:
        for end in range(len(where), -1, -1):
            if where[:end] in self.lines:
                return self.lines[where[:end]]
        return 1

    def problem(self, message: str, *where: str | int) -> None:
        self.problems.append(f"{self.path}:{self.line(*where)}: {message}")

    def done(self, error: type[ConfigError] = ConfigError) -> None:
        """Raise `error` with all problems, in the file's order, if there are any."""
        if self.problems:
            raise error(sorted(self.problems, key=lambda p: int(p[len(str(self.path)) + 1 :].split(":", 1)[0])))


@cache
def _loader() -> Any:
    """A safe loader in which only true and false are booleans: `off:`, `No` and `on` are words, as in YAML 1.2."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
    )
    return Loader


def read_yaml(path: Path, error: type[ConfigError] = ConfigError) -> YamlFile:
    """Parse one YAML document. Raises `error` with file:line for a missing or broken file, or a key given twice."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise error(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as err:
        raise error(f"{path}: cannot be read: {err}.") from err
    try:
        loader = _loader()(text)
        node = loader.get_single_node()
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise error(f"{path}:{line}: not valid YAML: {getattr(err, 'problem', None) or err}.") from err
    lines: dict[Where, int] = {(): 1}
    twice: list[str] = []
    seen: set[int] = set()

    def walk(node: Any, where: Where) -> None:
        if id(node) in seen:  # an alias: walking it again could take exponential time
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                name = str(getattr(key, "value", key))
                if name in keys:
                    twice.append(f'{path}:{key.start_mark.line + 1}: key "{name}" is given twice.')
                keys.add(name)
                lines[(*where, name)] = key.start_mark.line + 1
                walk(value, (*where, name))
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                lines[(*where, i)] = value.start_mark.line + 1
                walk(value, (*where, i))

    if node is not None:
        walk(node, ())
    if twice:
        raise error(twice)
    try:
        data = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as err:  # an unknown tag, a date such as 2026-13-45
        raise error(f"{path}: not valid YAML: {err}.") from err
    return YamlFile(path, data, lines)
