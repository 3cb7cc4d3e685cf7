from __future__ import annotations

import csv
import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from sfsync.cli.common import Output, config_option, shared

if TYPE_CHECKING:
    from sfsync.config import Config
    from sfsync.insight.fiscal import Period
    from sfsync.insight.source import Source
    from sfsync.insight.table import Table

DAY = click.DateTime(["%Y-%m-%d"])
Command = Callable[..., Any]


@click.group()
def insight() -> None:
    """Pipeline, forecast, funnel and more, computed from the mirror. Asks the org nothing and writes nothing."""


def common_options(command: Command) -> Command:
    """The options every analysis has, gathered into `open_` (a context manager of a Source) and `output`."""

    @config_option
    @click.option("--as-of", type=DAY, help="As it was at the end of this day.  [default: today]")
    @click.option("--owner", "owners", multiple=True, metavar="ID", help="Only this owner's; may be given again.")
    @click.option("--currency", metavar="CODE", help="Currency of all totals.  [default: the org's corporate one]")
    @click.option("--amount-field", default="Amount", show_default=True, metavar="NAME")
    @click.option(
        "--fiscal-start", type=click.IntRange(1, 12), help="First month of the fiscal year.  [default: the org's]"
    )
    @click.option("--custom-fiscal-years", is_flag=True, help="The org defines its own; they are read from Period.")
    @shared
    @functools.wraps(command)
    def wrapper(
        *args: Any,
        config: Path | None,
        as_of: datetime | None,
        owners: tuple[str, ...],
        currency: str | None,
        amount_field: str,
        fiscal_start: int | None,
        custom_fiscal_years: bool,
        output: Output,
        **kwargs: Any,
    ) -> Any:
        settings = {
            "owners": owners,
            "currency": currency,
            "amount_field": amount_field if _given("amount_field") else None,
            "fiscal_start_month": fiscal_start,
            "custom_fiscal_years": custom_fiscal_years,
        }
        opened = functools.partial(open_mirror, config, as_of.date() if as_of else None, settings)
        return command(*args, open_=opened, output=output, **kwargs)

    return wrapper


def _given(option: str) -> bool:
    return click.get_current_context().get_parameter_source(option) is not ParameterSource.DEFAULT


period_option = click.option(
    "--period",
    default="this-quarter",
    show_default=True,
    help='Fiscal unless it says CY: this-quarter, last-month, "Q1 FY2027", FY2027, 2026-03, 2026-01-01..2026-03-31.',
)
terminal_option = click.option(
    "--terminal-status", "terminal", multiple=True, metavar="NAME", help="A status that ends a lead without conversion."
)
sla_option = click.option(
    "--sla-hours",
    type=click.IntRange(1),
    help="Until the first response, whatever the source.  [default: the config's, else 24]",
)
split_option = click.option("--split", type=click.Choice(["month", "quarter"]), help="Also for each of these in it.")


@contextmanager
def open_mirror(
    config: Path | None,
    as_of: date | None,
    settings: dict[str, Any],
    loaded: list[Config] | None = None,
    **more: Any,
) -> Iterator[Source]:
    """A Source on the configured warehouse; `loaded` receives the Config.

    settings, more: those that are not None go before what the config's rules share with an analysis.
    """
    from sfsync import api
    from sfsync.insight.configured import open_configured
    from sfsync.moments import utc_now
    from sfsync.salesforce.ids import to18

    found = api.validated(config)
    if loaded is not None:
        loaded.append(found)
    warehouse = api.open_warehouse(found)
    zone = api.read_meta(warehouse).get("time_zone", "UTC")
    try:
        given = {**settings, **more, "owners": tuple(to18(owner) for owner in settings.get("owners", ()))}
    except ValueError as err:
        raise click.BadParameter(str(err)) from None
    with open_configured(warehouse, found.rules, now=utc_now(), time_zone=zone, as_of=as_of, given=given) as source:
        yield source


@insight.command()
@click.option("--exclude-omitted", is_flag=True, help="Leave out forecast category Omitted.")
@click.option("--deals", is_flag=True, help="List the opportunities behind it.")
@click.option("--stage", metavar="NAME", help="With --deals: only this stage.")
@click.option("--dead-days", type=click.IntRange(1), help="Untouched for so long is dead.  [default: 90]")
@common_options
def pipeline(
    open_: Any, output: Output, exclude_omitted: bool, deals: bool, stage: str | None, dead_days: int | None
) -> None:
    """Open opportunities by stage: number, amount, weighted amount; past due and dead ones."""
    from sfsync.insight import pipeline as module

    with open_(dead_days=dead_days) as source:
        table = module.open_deals(source, stage) if deals else module.pipeline(source, exclude_omitted=exclude_omitted)
        show("insight pipeline", output, [table])


@insight.command()
@period_option
@split_option
@click.option("--by", type=click.Choice(["category", "stage", "owner"]), default="category", show_default=True)
@click.option("--stage", "stages", multiple=True, metavar="NAME[=FACTOR]", help="By stage: full, probability or 0..1.")
@click.option("--carry-past-due", is_flag=True, help="Take open deals of earlier close dates into the period.")
@common_options
def forecast(
    open_: Any, output: Output, period: str, split: Any, by: str, stages: tuple[str, ...], carry_past_due: bool
) -> None:
    """Revenue expected in a period: by category, by chosen stages, or rolled up along the managers."""
    from sfsync.insight import forecast as module
    from sfsync.insight.rollup import roll_up

    with open_() as source:
        of = source.fiscal.parse(period, source.as_of)
        if by == "owner":
            table = roll_up(source, of)
        elif by == "stage" or stages:
            chosen = module.stage_options(stages)
            table = module.by_stage(source, of, chosen, split=split, carry_past_due=carry_past_due)
        else:
            table = module.by_category(source, of, split=split, carry_past_due=carry_past_due)
        show("insight forecast", output, [table])


@insight.command()
@click.option("--from", "start", type=DAY, required=True, help="The end of this day is the start.")
@click.option("--to", "end", type=DAY, help="The end of this day is the end.  [default: as-of]")
@click.option("--window", help="Only close dates in this period, as this-quarter.")
@click.option("--include-omitted", is_flag=True)
@click.option("--deals", is_flag=True, help="List the opportunities behind the bars.")
@common_options
def waterfall(
    open_: Any,
    output: Output,
    start: datetime,
    end: datetime | None,
    window: str | None,
    include_omitted: bool,
    deals: bool,
) -> None:
    """What happened to the open pipeline between two days; adds up to the cent."""
    from sfsync.insight import waterfall as module

    with open_() as source:
        function = module.waterfall_deals if deals else module.waterfall
        table = function(
            source,
            start.date(),
            end.date() if end else source.as_of,
            window=source.fiscal.parse(window, source.as_of) if window else None,
            exclude_omitted=not include_omitted,
        )
        show("insight waterfall", output, [table])


@insight.command()
@click.option("--period", default="last-quarter", show_default=True, help="The last period to judge.")
@click.option(
    "--periods", type=click.IntRange(1, 40), default=4, show_default=True, help="How many, the last included."
)
@click.option(
    "--measure", default="Commit", show_default=True, help="Closed, Commit, MostLikely, BestCase, OpenPipeline."
)
@click.option(
    "--lock-day", type=click.IntRange(0, 366), default=7, show_default=True, help="Day of the period the call is of."
)
@click.option("--by-owner", is_flag=True)
@click.option("--refinement", is_flag=True, help="How the last period's measure became better, week by week.")
@common_options
def accuracy(
    open_: Any, output: Output, period: str, periods: int, measure: str, lock_day: int, by_owner: bool, refinement: bool
) -> None:
    """How good forecasts were: error and accuracy per period, bias, WAPE and MAPE over all."""
    from sfsync.insight import accuracy as module

    with open_() as source:
        last = source.fiscal.parse(period, source.as_of)
        if refinement:
            table = module.refinement(source, last, measure_name=measure)
        else:
            found = [last] if last.kind == "range" else source.fiscal.before(last, periods - 1)
            table = module.accuracy(source, found, measure_name=measure, lock_day=lock_day, by_owner=by_owner)
        show("insight accuracy", output, [table])


@insight.command()
@period_option
@click.option("--by", type=click.Choice(["owner", "source", "type", "record-type"]))
@click.option("--cycle-from", default="created", show_default=True, help="created, lead or the name of a stage.")
@click.option("--loss-reason-field", metavar="NAME")
@click.option(
    "--exclude-reason", "reasons", multiple=True, metavar="VALUE", help="Lost for this reason: counts nowhere."
)
@common_options
def winrate(
    open_: Any,
    output: Output,
    period: str,
    by: str | None,
    cycle_from: str,
    loss_reason_field: str | None,
    reasons: Any,
) -> None:
    """Won against lost, days from creation to close, and money per day."""
    from sfsync.insight.winrate import win_rate

    with open_() as source:
        table = win_rate(
            source,
            source.fiscal.parse(period, source.as_of),
            by=by,
            cycle_from=cycle_from,
            loss_reason_field=loss_reason_field,
            excluded_reasons=reasons,
        )
        show("insight winrate", output, [table])


@insight.command()
@click.option("--period", default="this-year", show_default=True, help="Of the cohort.")
@click.option("--cohort", type=click.Choice(["created", "closed"]), default="created", show_default=True)
@click.option("--opportunity", metavar="ID", help="Time in stage of this one only.")
@common_options
def stages(open_: Any, output: Output, period: str, cohort: Any, opportunity: str | None) -> None:
    """How many opportunities reach each stage, and the days they spend there."""
    from sfsync.insight.stages import stage_conversion, time_in_stage

    with open_() as source:
        tables = [time_in_stage(source, opportunity=opportunity)] if opportunity or _has_history(source) else []
        if not opportunity:
            of = source.fiscal.parse(period, source.as_of)
            tables.insert(0, stage_conversion(source, of, cohort=cohort))
        show("insight stages", output, tables)


@insight.command()
@period_option
@click.option(
    "--by",
    type=click.Choice(["source", "campaign", "owner", "record-type", "month"]),
    default="source",
    show_default=True,
)
@click.option("--events", is_flag=True, help="What happened in the period, instead of what became of its leads.")
@common_options
def funnel(open_: Any, output: Output, period: str, by: str, events: bool) -> None:
    """What became of the leads created in a period: converted, with an opportunity, won."""
    from sfsync.insight import funnel as module

    with open_() as source:
        of = source.fiscal.parse(period, source.as_of)
        if events:
            parts = source.fiscal.split(of, "month") if of.kind in ("quarter", "year") else [of]
            table = module.events(source, parts)
        else:
            table = module.cohort(source, of, by=by)
        show("insight funnel", output, [table])


@insight.command()
@period_option
@click.option("--by", type=click.Choice(["status", "owner", "source"]), default="status", show_default=True)
@click.option("--lead", metavar="ID", help="Time in status of this one only.")
@terminal_option
@common_options
def ageing(open_: Any, output: Output, period: str, by: str, lead: str | None, terminal: tuple[str, ...]) -> None:
    """How old active leads are, how many stand in each status, and for how long."""
    from sfsync.insight import ageing as module

    with open_(closed_unconverted_statuses=terminal or None) as source:
        tables = [module.time_in_status(source, lead=lead)]
        if not lead:
            of: Period = source.fiscal.parse(period, source.as_of)
            tables = [module.ageing(source, by=by), module.status_funnel(source, of), *tables]
        show("insight ageing", output, tables)


@insight.command()
@period_option
@click.option("--by", type=click.Choice(["source", "owner"]), default="source", show_default=True)
@sla_option
@common_options
def response(open_: Any, output: Output, period: str, by: str, sla_hours: int | None) -> None:
    """Hours until somebody got in touch with the leads created in a period."""
    from sfsync.insight.response import first_response

    with open_(response_sla_hours=sla_hours) as source:
        show("insight response", output, [first_response(source, source.fiscal.parse(period, source.as_of), by=by)])


@insight.command()
@period_option
@common_options
def slippage(open_: Any, output: Output, period: str) -> None:
    """Deals that did not close when they should have, pushed close dates, and how stale the pipeline is."""
    from sfsync.insight import slippage as module

    with open_() as source:
        tables = [module.slip_rate(source, source.fiscal.parse(period, source.as_of))]
        tables += [module.pushes(source)] if _has_history(source) else []
        show("insight slippage", output, [*tables, module.stale(source)])


@insight.command()
@click.argument("name")
@click.option("--children", is_flag=True, help="With all accounts below it.")
@common_options
def account(open_: Any, output: Output, name: str, children: bool) -> None:
    """One account: people, opportunities, matching leads, findings. NAME is its name, a part of it, or its Id."""
    from sfsync.insight.account import account_view

    with open_() as source:
        show("insight account", output, account_view(source, name, children=children))


def _has_history(source: Source) -> bool:
    return source.has("OpportunityHistory", "OpportunityId", "StageName", "CloseDate")


# -- printing


def show(command: str, output: Output, tables: Sequence[Table], **more: Any) -> None:
    """Print the tables: one JSON document; CSV, a `table` column first when there are several; or drawn, with notes."""
    if output.format == "json":
        from sfsync import api

        document = {**api.new_run(command).envelope(), "tables": [t.as_json() for t in tables], **more}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
    elif output.format == "csv":
        _csv(tables)
    else:
        for table in tables:
            _draw(table)


def _csv(tables: Sequence[Table]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    several = len(tables) > 1
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    writer.writerow([*(["table"] if several else []), *columns])
    for table in tables:
        for row in table.rows:
            cells = [
                _safe("; ".join(map(str, v)) if isinstance(v, (list, tuple)) else v) for v in map(row.get, columns)
            ]
            writer.writerow([*([table.title] if several else []), *cells])


def _safe(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets a quote before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _draw(table: Table) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    terminal = sys.stdout.isatty()
    click.echo(table.title)
    if table.rows:
        drawn = Drawn(box=SIMPLE_HEAD, pad_edge=False, header_style="bold" if terminal else "")
        for name in table.columns:
            numeric = all(isinstance(r[name], (int, Decimal)) or r[name] is None for r in table.rows)
            drawn.add_column(_heading(name), justify="right" if numeric else "left", overflow="fold")
        for row in table.rows:
            drawn.add_row(*(Text(_shown(name, row[name])) for name in table.columns))
        Console(file=sys.stdout, width=None if terminal else 200, highlight=False).print(drawn)
    else:
        click.echo("  none\n")
    for name, value in table.facts.items():
        click.echo(f"{_heading(name).removesuffix(' %')}: {'n/a' if value is None else _shown(name, value)}")
    for note in table.notes:
        click.echo(f"note: {note}")
    if table.facts or table.notes:
        click.echo()


def _heading(name: str) -> str:
    if name == "probability":
        return "probability %"
    for ending, unit in (("_percent", " %"), ("_days", " days"), ("_hours", " hours")):
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " ") + unit
    return name.replace("_", " ")


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, Decimal)):
        return f"{value:,} %" if name == "probability" or name.endswith("_percent") else f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{k} {_shown(name, v)}" for k, v in value.items() if v is not None)
    if isinstance(value, (list, tuple)):
        return "; ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
