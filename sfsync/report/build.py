"""Put a report together and write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from sfsync.config import RulesConfig
from sfsync.errors import InputError, nearest
from sfsync.insight.source import Settings, open_source
from sfsync.report import appendix, business, org, people
from sfsync.report import rules as rule_pages
from sfsync.report.checked import Checked
from sfsync.report.content import Report, Section
from sfsync.report.logo import data_uri
from sfsync.report.making import Making
from sfsync.report.stored import Stored
from sfsync.rules.rule import Rule
from sfsync.rules.settings import activate
from sfsync.status import read_status
from sfsync.warehouse import Warehouse

SECTIONS = ("summary", "rules", "pipeline", "forecast", "funnel", "duplicates", "ownership", "appendix")
FORMATS = (".html", ".xlsx", ".json")
Progress = Callable[[str, int, int | None], None]


def report(
    warehouse: Warehouse,
    *,
    rules: Sequence[Rule],
    config: RulesConfig | None = None,
    now: datetime,
    as_of: date,
    out: Path | None = None,
    client: str | None = None,
    logo: Path | None = None,
    sections: Sequence[str] = SECTIONS,
    rows: int = 200,
    settings: Settings | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """What the mirror and the last checks say, as a Report; written to `out` (.html, .xlsx or .json) when given.

    Reads only: run `check` (and `dedupe`) before, their stored results are what is shown. now: aware. as_of: the day in
    the org's time zone. rows: the longest list; longer ones are cut, counted, and written in full to
    `<name of out>_files/<rule>.csv`. sections: some of SECTIONS, shown in the order of SECTIONS. A part that cannot be
    made says so in its place; parts that broke are named in `failed`.

    Raises InputError for an unknown section, a suffix or logo that cannot be used,
    WarehouseError before the first pull.
    """
    chosen = _chosen(sections)
    kind = _format(out) if out else None
    image = data_uri(logo) if logo else None
    active, off = activate(sorted(rules, key=lambda rule: rule.code), config or RulesConfig())
    status = read_status(warehouse, now)
    with warehouse.read() as con:
        zone = warehouse.meta(con).get("time_zone", "UTC")
    with open_source(warehouse, as_of=as_of, now=now, time_zone=zone, settings=settings) as source:
        files = out.with_name(f"{out.stem}_files") if out else None
        by_code = {rule.code: rule for rule in rules}
        making = Making(source, Stored(warehouse, source.con), by_code, active, off, status, rows, files)
        checked = Checked(making)
        made: list[Section] = []
        for done, key in enumerate(chosen):
            progress("report", done, len(chosen))
            made.append(_section(key, making, checked))
        progress("report", len(chosen), len(chosen))
        of = status["org"]
        found = Report(
            org_id=of["org_id"],
            org_name=of["org_name"] or of["org_id"],
            instance_url=of["instance_url"] or "",
            is_sandbox=of["is_sandbox"] == "true",
            made_at=now.astimezone(UTC),
            as_of=as_of,
            time_zone=zone,
            score=checked.score,
            sections=made,
            client=client,
            logo=image,
            checked_at=checked.checked_at,
            findings=checked.totals,
            failed=tuple(making.failed),
            files=tuple(making.written),
        )
    if out and kind:
        write(found, out)
    return found


def check_options(out: Path | None, sections: Sequence[str], logo: Path | None) -> None:
    """Raises InputError for what `report` would refuse, before anything is made."""
    _chosen(sections)
    if out:
        _format(out)
    if logo:
        data_uri(logo)


def write(made: Report, out: Path) -> None:
    """The report as a file in the format its suffix names, readable by its owner only, whole or not at all."""
    kind = _format(out)
    if kind == ".html":
        from sfsync.report.html import render

        content = render(made).encode("utf-8")
    elif kind == ".xlsx":
        from sfsync.report.xlsx import workbook

        content = workbook(made)
    else:
        from sfsync.report.json import render as as_json

        content = as_json(made).encode("utf-8")
    _replace(out, content)


def _replace(out: Path, content: bytes) -> None:
    part = out.with_name(f".{out.name}.part")
    try:
        part.touch(mode=0o600)
        part.write_bytes(content)
        part.replace(out)
    except OSError as err:
        part.unlink(missing_ok=True)
        raise InputError(f"{out} cannot be written: {err.strerror}.") from None


def _section(key: str, making: Making, checked: Checked) -> Section:
    makers: dict[str, Callable[[], Section]] = {
        "summary": lambda: org.section(making, checked),
        "rules": lambda: rule_pages.section(making, checked),
        "pipeline": lambda: business.pipeline_section(making),
        "forecast": lambda: business.forecast_section(making),
        "funnel": lambda: business.funnel_section(making),
        "duplicates": lambda: people.duplicates_section(making),
        "ownership": lambda: people.ownership_section(making),
        "appendix": lambda: appendix.section(making, checked),
    }
    return makers[key]()


def _chosen(sections: Sequence[str]) -> list[str]:
    for key in sections:
        if key not in SECTIONS:
            raise InputError(
                f'the report has no section "{key}".{nearest(key, SECTIONS)} It has {", ".join(SECTIONS)}.'
            )
    return [key for key in SECTIONS if key in sections]


def _format(out: Path) -> Literal[".html", ".xlsx", ".json"]:
    for kind in FORMATS:
        if out.suffix.lower() == kind:
            return kind  # type: ignore[return-value]
    raise InputError(f"{out.name}: a report is written as .html, .xlsx or .json; the suffix says which.")
