"""What the documentation says exists: commands, options, config keys, error texts, links; and its examples work."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click
import pytest

from sfsync.cli import COMMANDS, sfsync
from sfsync.config import load_config
from sfsync.errors import ConfigError, SfsyncError
from sfsync.mapping import closure, load_mappings, read_mapping

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
GENERATED = ("commands.md", "tables.md", "rules.md")
WRITTEN = [page for page in PAGES if page.name not in GENERATED]
ORG = "org: {instance_url: https://a.example, auth: session, session_id: x}\n"
WAREHOUSE = "warehouse: duckdb:///a.duckdb\n"
SECTIONS = ("org", "pull", "quota", "rules", "push", "dedupe")


class Block(NamedTuple):
    page: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    return [Block(page.name, language, text) for language, text in found]


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def spans(page: Path) -> list[str]:
    """The pieces of inline code."""
    return [text.strip() for _, text in re.findall(r"(?s)(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)", prose(page))]


def command_lines(page: Path) -> list[str]:
    """Everything after the word sfsync, up to a pipe, a redirection or a new line."""
    lines = [
        line for block in blocks(page) if block.language in ("", "sh", "console") for line in block.text.splitlines()
    ]
    found = [m[1] for line in lines if (m := re.match(r"(?:\$ |[^#]*&& )?sfsync ((?![:›])\S.*)", line))]
    found += [" ".join(s.split())[7:] for s in spans(page) if s.startswith("sfsync ")]
    return [re.split(r" (?:>>?|\||&&|#) ", f"{text} ")[0].strip() for text in found]


def find(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words begin with, and the words left. Raises LookupError for an unknown command."""
    command: click.Command = sfsync
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        known = COMMANDS if command is sfsync else command.commands
        if words[0] not in known:
            raise LookupError(words[0])
        context = click.Context(command)
        command, words = command.get_command(context, words[0]) or command, words[1:]
    return command, words


def unknown(line: str) -> str | None:
    """What of a command line does not exist."""
    words = shlex.split(line)
    try:
        command, rest = find(words)
    except LookupError as err:
        return f"command {err}"
    known = (
        {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)}
        | {"--help", "-h"}
        | ({"--version"} if command is sfsync else set())
    )
    for word in rest:
        name = word.partition("=")[0]
        short = re.fullmatch(r"-([a-zA-Z]+)", name)
        if name.startswith("--") and name not in known:
            return f"option {name}"
        if short and not all(f"-{letter}" in known for letter in short[1]):
            return f"option {name}"
    return None


@cache
def every_option() -> frozenset[str]:
    found: set[str] = {"--help", "--version"}
    todo: list[click.Command] = [sfsync]
    while todo:
        command = todo.pop()
        found |= {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)}
        if isinstance(command, click.Group):
            context = click.Context(command)
            todo += [c for n in command.list_commands(context) if (c := command.get_command(context, n))]
    return frozenset(found)


BENCHMARK_OPTIONS = set(re.findall(r'"(--[a-z-]+)"', (ROOT / "benchmarks" / "__main__.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_and_option_that_is_named_exists(page: Path) -> None:
    wrong = [f"sfsync {line}: no {what}" for line in command_lines(page) if (what := unknown(line))]
    known = every_option() | (BENCHMARK_OPTIONS if page.name == "performance.md" else set())
    wrong += [s for s in spans(page) if re.fullmatch(r"--[a-z-]+", s) and s not in known]
    assert wrong == []


def test_command_lines_are_found_and_wrong_ones_are_seen() -> None:
    assert sum(len(command_lines(page)) for page in PAGES) > 40
    assert unknown("pull --full --objects Lead -qv") is None
    assert unknown("plan accept plan.jsonl --rule DQ-006") is None
    assert unknown("pul") == "command pul"
    assert unknown("plan acept x") == "command acept"
    assert unknown("pull --fulll") == "option --fulll"
    assert unknown("pull -x") == "option -x"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            wrong.append(target)
    assert wrong == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    marked = re.findall(r'(?:name|id)="([^"]+)"', prose(page))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings} | set(marked)


def test_every_page_stands_in_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    rest = {page.name for page in DOCS.glob("*.md")} - {"README.md"}
    assert [name for name in sorted(rest) if f"({name})" not in index] == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: p.name)
def test_every_config_key_that_is_named_exists(page: Path, tmp_path: Path) -> None:
    named = {m.groups() for s in spans(page) if (m := re.match(rf"({'|'.join(SECTIONS)})\.([a-z_]+)(?:[: ]|$)", s))}
    wrong = [f"{section}.{key}" for section, key in named if not is_key(section, key, tmp_path)]
    assert wrong == []


def is_key(section: str, key: str, folder: Path) -> bool:
    path = folder / "config.yaml"
    org = ORG.replace("}", f", {key}: null}}") if section == "org" and f"{key}:" not in ORG else ORG
    path.write_text(
        f"{org}{WAREHOUSE}" + (f"{section}: {{{key}: null}}\n" if section != "org" else ""), encoding="utf-8"
    )
    try:
        load_config(path)
    except ConfigError as err:
        return "unknown key" not in str(err)
    return True


def test_a_config_key_that_does_not_exist_is_seen(tmp_path: Path) -> None:
    assert is_key("pull", "overlap", tmp_path)
    assert is_key("org", "client_secret", tmp_path)
    assert not is_key("pull", "overlaps", tmp_path)
    assert not is_key("org", "secret", tmp_path)


def yaml_blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.language == "yaml"]


def test_every_yaml_example_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sfsync.rules import test_rules
    from sfsync.rules.load import read_rule

    secrets(monkeypatch)
    kinds = {"config": 0, "mapping": 0, "rule": 0}
    for block in yaml_blocks():
        path = tmp_path / "example.yaml"
        path.write_text(block.text, encoding="utf-8")
        if re.search(r"^sobject:", block.text, re.M):
            read_mapping(path)
            kinds["mapping"] += 1
        elif re.search(r"^code:.*^sql:", block.text, re.M | re.S):
            results = test_rules([read_rule(path)])
            assert [r for r in results if not r.ok] == []
            kinds["rule"] += 1
        elif re.search(r"^org:", block.text, re.M):
            load_config(path)
            kinds["config"] += 1
        else:
            path.write_text(ORG + WAREHOUSE + block.text, encoding="utf-8")
            load_config(path)
    assert all(kinds.values()), kinds


def test_the_example_config_loads_and_its_objects_have_mappings(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets(monkeypatch)
    config = load_config(ROOT / "config.example.yaml")
    assert closure(config.objects, load_mappings(config.mappings))


def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SF_CLIENT_ID", "SF_CLIENT_SECRET"):
        monkeypatch.setenv(name, "value")


def test_every_shipped_mapping_loads_says_what_it_is_for_and_needs_only_mapped_objects() -> None:
    files = sorted((ROOT / "mappings").glob("*.yaml"))
    mappings = load_mappings()
    assert len(files) == len(mappings) >= 25
    for path in files:
        mapping = read_mapping(path)
        assert path.stem == mapping.sobject.lower()
        assert path.read_text(encoding="utf-8").startswith("# ") or mapping.sobject == "Organization", path
        assert set(mapping.needs) | set(mapping.follows.values()) <= set(mappings), path


def test_every_mapping_key_is_described() -> None:
    from sfsync.mapping import KEYS

    page = (DOCS / "custom-objects.md").read_text(encoding="utf-8")
    assert [key for key in KEYS if f"| `{key}` |" not in page] == []


def test_every_shipped_mapping_is_named_in_what_comes_along() -> None:
    page = (DOCS / "custom-objects.md").read_text(encoding="utf-8")
    assert [name for name in load_mappings() if name not in page] == []


@cache
def program_texts() -> str:
    """Every text in the program; what an f-string fills in is a NUL."""
    found: list[str] = []
    for path in sorted((ROOT / "sfsync").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(str(v.value) if isinstance(v, ast.Constant) else "\0" for v in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def test_the_error_texts_of_troubleshooting_are_the_programs() -> None:
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8").partition("## What Salesforce says")[0]
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    texts = [t for row in rows for _, t in re.findall(r"(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)", row)]
    assert len(texts) > 30
    pieces = [piece.strip() for text in texts for piece in text.split("…") if len(piece.strip(' "')) > 2]
    assert [piece for piece in pieces if not said(piece)] == []


def said(piece: str) -> bool:
    """A piece may hold a value where the program fills one in, as in SF_CLIENT_SECRET."""
    plain = program_texts()
    words = [w for w in re.split(r"\b[A-Z]+_[A-Z_]+\b", piece) if w.strip()] or [piece]
    return piece in plain or all(w.strip() in plain for w in words)


def test_a_text_the_program_does_not_say_is_seen() -> None:
    assert said("Stopped at the API quota floor:")
    assert not said("Stopped at the quota of the API:")


def test_guards_and_statuses_of_the_push_page_are_the_programs() -> None:
    from sfsync.model import STATUSES

    page = (DOCS / "dedupe-and-push.md").read_text(encoding="utf-8")
    guards = re.findall(r"^\| (GUARD-\d+|LENGTH) \|", page, re.M)
    assert guards
    assert [g for g in guards if g not in program_texts()] == []
    assert [s for s in STATUSES if f"| `{s}` |" not in page] == []


def test_faults_and_doors_of_the_practice_page_are_all_there_is() -> None:
    from sfsync.practice.faults import KINDS

    page = (DOCS / "practice-org.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []
    source = (ROOT / "sfsync" / "practice" / "admin.py").read_text(encoding="utf-8")
    doors = {path.replace("{sobject}", "Lead") for path in re.findall(r'@routes\.on\("\w+", "([^"]+)"', source)}
    assert [door for door in sorted(doors) if f"{door}`" not in page] == []


def test_exit_codes_are_explained() -> None:
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    todo, codes = [SfsyncError], set()
    while todo:
        kind = todo.pop()
        codes.add(kind.exit_code)
        todo += kind.__subclasses__()
    assert [code for code in sorted(codes | {0, 3}) if f"\n| {code} | " not in page] == []


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", GENERATED)
def test_generated_pages_are_current(name: str) -> None:
    """If not: python docs/generate.py."""
    pages = generator().PAGES
    assert set(pages) == set(GENERATED)
    assert (DOCS / name).read_text(encoding="utf-8").rstrip("\n") == pages[name]().rstrip("\n")
