"""The shipped word lists, and the user's own in their place.

A list is `lists/<name>.yaml` in the mappings folder: a YAML list of texts, or a mapping of texts. A user's file of the
same name replaces the shipped one. All scalars are read as text, so `no` is Norway and not False.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from sfsync.errors import MappingError, nearest
from sfsync.mapping import shipped_folder
from sfsync.normalise.fold import fold, words


@dataclass(frozen=True, eq=False)
class Lists:
    """What the normalisers look up. Compared by identity, so that results may be cached per set of lists."""

    free_domains: frozenset[str]
    disposable_domains: frozenset[str]
    role_mailboxes: frozenset[str]
    legal_forms: frozenset[str]
    """Company endings as folded words joined by a space."""
    leading_legal_forms: tuple[str, ...]
    """Forms which are also written before the name, longest first."""
    placeholders: frozenset[str]
    name_particles: frozenset[str]
    countries: Mapping[str, str]
    """Other names of a country, folded → ISO 3166-1 alpha-2."""
    digest: str
    """Changes whenever the content of a list does."""
    phone_country: str | None = None
    """Of phone numbers without + on records without country, as the config says; none: such numbers say nothing."""

    def calling_from(self, country: str) -> Lists:
        """The lists with a `phone_country`, ISO 3166-1 alpha-2."""
        return replace(self, phone_country=country, digest=f"{self.digest}-{country}")


def load_lists(user_folder: Path | None = None) -> Lists:
    """The lists, a user's `lists/*.yaml` in place of the shipped ones.

    Raises MappingError for a broken file and for one whose name is no list's.
    """
    if user_folder is None:
        return shipped_lists()
    known = sorted(path.stem for path in (shipped_folder() / "lists").glob("*.yaml"))
    for path in sorted((user_folder / "lists").glob("*.y*ml")):
        if path.name not in [f"{name}.yaml" for name in known]:
            hint = nearest(path.stem, known) or f" There are {', '.join(known)}."
            raise MappingError(f"{path}: there is no such list.{hint} Its file ends in .yaml.")
    return _load(user_folder)


@lru_cache(maxsize=1)
def shipped_lists() -> Lists:
    return _load(None)


def _load(user_folder: Path | None) -> Lists:
    digest = hashlib.sha256()

    def texts(name: str, key: str | None = None) -> list[str]:
        data = _read(name, user_folder, digest)
        found = data.get(key, []) if key and isinstance(data, dict) else data
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise MappingError(f"{_path(name, user_folder)}: a list of texts was expected. Write one `- text` a line.")
        return found

    def folded(name: str, key: str | None = None) -> frozenset[str]:
        return frozenset(fold(item) for item in texts(name, key))

    countries = _read("countries", user_folder, digest)
    if not isinstance(countries, dict) or not all(isinstance(names, list) for names in countries.values()):
        raise MappingError(f"{_path('countries', user_folder)}: `CODE: [name, …]` was expected, as `NL: [Holland]`.")
    return Lists(
        free_domains=folded("free_domains"),
        disposable_domains=folded("disposable_domains"),
        role_mailboxes=folded("role_mailboxes"),
        legal_forms=frozenset(" ".join(words(form)) for form in folded("legal_forms", "endings")),
        leading_legal_forms=tuple(sorted(folded("legal_forms", "beginnings"), key=lambda form: (-len(form), form))),
        placeholders=folded("placeholders"),
        name_particles=folded("name_particles"),
        countries={fold(str(name)): str(code) for code, names in countries.items() for name in names},
        digest=digest.hexdigest()[:12],
    )


def _path(name: str, user_folder: Path | None) -> Path:
    if user_folder is not None and (own := user_folder / "lists" / f"{name}.yaml").is_file():
        return own
    return shipped_folder() / "lists" / f"{name}.yaml"


def _read(name: str, user_folder: Path | None, digest: hashlib._Hash) -> Any:
    path = _path(name, user_folder)
    try:
        content = path.read_text(encoding="utf-8")
        digest.update(content.encode())
        return yaml.load(content, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        raise MappingError(f"{path}:{line}: not YAML: {err.problem}.") from err
    except (OSError, UnicodeDecodeError) as err:
        raise MappingError(f"{path}: cannot be read: {err}.") from err
