from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from sfsync import api
from sfsync.config import RulesConfig
from sfsync.errors import InputError, WarehouseError
from sfsync.insight import funnel, pipeline, waterfall
from sfsync.insight.source import open_source
from sfsync.moments import local_day
from sfsync.report import SECTIONS, report
from sfsync.report.content import Chart, Record, Report, Table
from sfsync.runs import recorded
from sfsync.warehouse import Warehouse
from tests.report.world import World, column, group, texts


@pytest.fixture(scope="module")
def made(mirrored: World) -> Report:
    return mirrored.report()


def test_every_section_is_there_and_nothing_broke(made: Report) -> None:
    assert tuple(s.key for s in made.sections) == SECTIONS
    assert made.failed == ()
    problems = [text for s in made.sections for text in texts(s.blocks, "problem")]
    assert problems == []


def test_counts_and_rates_are_those_of_check(mirrored: World, made: Report, tmp_path: Path) -> None:
    result = api.check(mirrored.copy(tmp_path / "again").path)
    by_rule = {run.rule: run for run in result.rules}
    overview = made.tables()["rules-overview"]
    shown = {
        rule: (n, scope, rate)
        for rule, n, scope, rate in zip(
            *(column(overview, name) for name in ("rule", "findings", "in_scope", "rate")), strict=True
        )
    }
    assert set(shown) == {run.rule for run in result.rules if run.findings}
    for rule, (n, scope, rate) in shown.items():
        assert (n, scope) == (by_rule[rule].findings, by_rule[rule].in_scope)
        assert float(rate) == pytest.approx(by_rule[rule].rate_percent, abs=0.0501)
    severities = [f.finding.severity for f in result.findings]
    assert made.findings == {s: severities.count(s) for s in ("error", "warning", "info")}


def test_records_of_a_rule_are_its_findings(mirrored: World, made: Report) -> None:
    listed = made.tables()["records-OPP-005"]
    ids = [record.id for record in column(listed, "record")]
    assert all(isinstance(r, Record) and r.sobject == "Opportunity" and r.name for r in column(listed, "record"))
    found = mirrored.rows("SELECT id FROM sfsync.findings WHERE rule = 'OPP-005' AND resolved_at IS NULL")
    assert sorted(ids) == sorted(id for (id,) in found)
    assert all(column(listed, "owner"))


def test_tables_of_the_business_are_those_of_insight(mirrored: World, made: Report) -> None:
    warehouse, now = mirrored.warehouse(), made.made_at
    with open_source(warehouse, as_of=made.as_of, now=now, time_zone=made.time_zone) as source:
        expected = pipeline.pipeline(source)
        quarter = source.fiscal.period("quarter", source.as_of)
        moved = waterfall.waterfall(source, quarter.start - timedelta(days=1), source.as_of)
        cohort = funnel.cohort(source, source.fiscal.period("year", source.as_of))
    tables = made.tables()
    for name in ("n", "amount", "weighted"):
        assert column(tables["pipeline-table"], name) == [row[name] for row in expected.rows]
    assert column(tables["waterfall-table"], "amount") == [row["amount"] for row in moved.rows]
    assert column(tables["cohort"], "leads") == [row["leads"] for row in cohort.rows]
    drawn = made.charts()["waterfall"]
    assert drawn.series["amount"] == [float(row["amount"]) for row in moved.rows]


def test_every_chart_says_its_numbers_in_words(made: Report) -> None:
    charts = made.charts()
    assert {"pipeline-by-stage", "waterfall", "stage-funnel", "events-chart", "owner-findings"} <= set(charts)
    for chart in charts.values():
        assert any(character.isdigit() for character in chart.description)
        assert all(len(values) == len(chart.labels) for values in chart.series.values())


def test_open_pipeline_touched_is_the_sum_of_the_flagged_open_deals(mirrored: World, made: Report) -> None:
    top = made.tables()["top"]
    stakes = dict(zip(column(top, "rule"), column(top, "open_amount"), strict=True))
    for rule, stake in stakes.items():
        [(expected,)] = mirrored.rows(
            f"SELECT sum(o.Amount) FROM live.Opportunity o WHERE NOT o.IsClosed AND o.Id IN (SELECT id FROM "
            f"sfsync.findings WHERE rule = '{rule}' AND sobject = 'Opportunity' AND resolved_at IS NULL)"
        )
        assert stake == expected


def test_a_long_list_is_cut_counted_and_written_beside(world: World) -> None:
    made = world.report("audit.html", rows=5, sections=["rules"])
    listed = made.tables()["records-OWN-001"]
    assert len(listed.rows) == 5
    assert listed.file == "audit_files/OWN-001.csv"
    with (world.folder / listed.file).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == listed.total
    assert [row["id"] for row in rows[:5]] == [record.id for record in column(listed, "record")]
    assert (world.folder / listed.file).stat().st_mode & 0o077 == 0
    assert (world.folder / "audit.html").stat().st_mode & 0o077 == 0
    page = (world.folder / "audit.html").read_text(encoding="utf-8")
    assert f"first 5 of {listed.total}" in page
    short = next(t for t in made.tables().values() if t.key.startswith("records-") and not t.cut)
    assert short.file is None


def beside(world: World, table: Table) -> list[dict[str, str]]:
    assert table.file is not None
    with (world.folder / table.file).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_open_deals_duplicates_and_owners_are_written_beside_when_they_are_cut(world: World) -> None:
    world.sql("UPDATE salesforce.Lead SET LastName = '=1+1', Name = '=1+1'")
    made = world.report("audit.html", rows=4, sections=["pipeline", "duplicates", "ownership"])
    tables = made.tables()
    open_deals = world.rows(
        "SELECT Id, Amount FROM live.Opportunity WHERE NOT IsClosed ORDER BY Amount DESC NULLS LAST, Id"
    )
    deals = beside(world, tables["deals"])
    assert [(row["id"], row["amount"]) for row in deals] == [
        (id, "" if amount is None else f"{amount:.2f}") for id, amount in open_deals
    ]
    assert [record.id for record in column(tables["deals"], "id")] == [id for id, _ in open_deals[:4]]
    assert tables["deals"].total == len(open_deals)
    clusters = beside(world, tables["clusters"])
    [(members, groups)] = world.rows("SELECT count(*), count(DISTINCT cluster) FROM sfsync.clusters")
    assert (len(clusters), len({row["group"] for row in clusters})) == (members, groups)
    assert {row["name"] for row in clusters} == {"'=1+1"}
    assert set(column(tables["clusters"], "group")) == {1, 2}
    owners = beside(world, tables["owners"])
    assert len(owners) == tables["owners"].total
    assert sum(int(row["Account"]) for row in owners) == world.rows("SELECT count(*) FROM live.Account")[0][0]
    assert {table.file for table in tables.values() if table.file} == set(made.files)


def test_lists_that_fit_have_no_file_and_no_folder(world: World) -> None:
    made = world.report("audit.html", rows=5000, sections=["duplicates"])
    assert made.tables()["clusters"].total is None
    assert made.files == ()
    assert not (world.folder / "audit_files").exists()


def test_a_probability_is_a_percentage_without_empty_decimals(made: Report) -> None:
    deals = made.tables()["deals"]
    assert next(c for c in deals.columns if c.name == "probability").label == "probability %"
    assert {str(value) for value in column(deals, "probability")} <= {str(n) for n in range(101)}


def test_a_rate_counts_records_not_findings(world: World) -> None:
    before = world.report(sections=["rules"]).tables()["rules-overview"]
    place = column(before, "rule").index("OPP-005")
    world.sql(
        "INSERT INTO sfsync.findings (rule, kind, sobject, id, severity, message, first_seen, last_seen, run_id) "
        "SELECT rule, 'again', sobject, id, severity, message, first_seen, last_seen, run_id "
        "FROM sfsync.findings WHERE rule = 'OPP-005'"
    )
    after = world.report(sections=["rules"]).tables()["rules-overview"]
    again = column(after, "rule").index("OPP-005")
    assert column(after, "findings")[again] == 2 * column(before, "findings")[place]
    assert column(after, "rate")[again] == column(before, "rate")[place]


def test_the_second_report_says_what_changed(world: World) -> None:
    first = api.new_run("report")
    with recorded(first, world.warehouse()) as record:
        record.update(world.report(sections=["summary"]).summary())
    before = {"open": world.rows("SELECT count(*) FROM sfsync.findings WHERE severity = 'error'")[0][0]}
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    world.sql(
        f"UPDATE sfsync.findings SET resolved_at = TIMESTAMPTZ '{later}' WHERE rule = 'OPP-001'",
        "INSERT INTO sfsync.findings (rule, kind, sobject, id, severity, message, fix, first_seen, last_seen, "
        "resolved_at, run_id) SELECT rule, 'again', sobject, id, severity, message, fix, "
        f"TIMESTAMPTZ '{later}', last_seen, NULL, run_id FROM sfsync.findings WHERE rule = 'OPP-002'",
    )
    gone = world.rows("SELECT count(*) FROM sfsync.findings WHERE rule = 'OPP-001'")[0][0]
    more = world.rows("SELECT count(*) FROM sfsync.findings WHERE rule = 'OPP-002' AND kind = 'again'")[0][0]
    made = world.report(sections=["summary"])
    changes = made.tables()["changes"]
    errors = changes.rows[column(changes, "severity").index("error")]
    assert errors[1:] == (before["open"], more, gone, before["open"] + more - gone)
    assert gone > 0
    assert more > 0
    assert made.score.before is not None
    assert sorted(column(made.tables()["changes-by-rule"], "rule")) == ["OPP-001", "OPP-002"]


def test_the_first_report_says_so(made: Report) -> None:
    assert any("first report" in text for text in texts(made.section("summary").blocks))


def test_findings_over_time_come_from_the_checks(world: World) -> None:
    for day, n in (("20260101", 40), ("20260102", 30), ("20260103", 20)):
        world.sql(
            "INSERT INTO sfsync.rule_runs (run_id, rule, status, in_scope, findings) "
            f"VALUES ('{day}T060000000Z-aaaa', 'OPP-005', 'findings', 100, {n})"
        )
    charts = [b for b in group(world.report(sections=["rules"]), "OPP-005").blocks if isinstance(b, Chart)]
    assert [list(c.series["findings"])[:3] for c in charts] == [[40, 30, 20]]
    assert charts[0].labels[:3] == ["2026-01-01", "2026-01-02", "2026-01-03"]


def test_what_was_not_evaluated_stands_in_the_appendix_with_its_reason(mirrored: World, made: Report) -> None:
    listed = made.tables()["not-evaluated"]
    states = dict(zip(column(listed, "rule"), column(listed, "state"), strict=True))
    skipped = mirrored.rows("SELECT rule FROM sfsync.rule_runs WHERE status = 'not_evaluated'")
    assert skipped
    assert all(states[rule] == "not evaluated" for (rule,) in skipped)
    assert all(column(listed, "reason"))


def test_waived_findings_count_nowhere_and_are_named(world: World) -> None:
    before = world.report(sections=["rules"])
    world.sql("UPDATE sfsync.findings SET waived = TRUE WHERE rule = 'OPP-005'")
    made = world.report(sections=["rules"])
    assert "records-OPP-005" not in made.tables()
    assert "waived" in made.tables()["rules-overview"].notes[0]
    assert (made.score.value or 0) > (before.score.value or 0)
    assert sum(made.findings.values()) == sum(before.findings.values()) - len(before.tables()["records-OPP-005"].rows)


def test_rules_switched_off_and_changed_are_shown(mirrored: World) -> None:
    config = RulesConfig(off=("OPP-006",), severity={"OPP-005": "info"}, params={"OWN-002": {}})
    made = mirrored.report(config=config, sections=["rules", "appendix"])
    listed = made.tables()["not-evaluated"]
    assert ("OPP-006", "switched off") in [(row[0], row[2]) for row in listed.rows]
    assert any("Severity set by the config" in text for text in texts(group(made, "OPP-005").blocks))


def test_a_section_without_its_data_says_so_and_the_rest_stands(world: World) -> None:
    world.sql(
        "DROP VIEW live.OpportunityHistory",
        "DROP TABLE salesforce.OpportunityHistory",
        "DELETE FROM sfsync.cursors WHERE sobject = 'OpportunityHistory'",
    )
    made = world.report("r.html", sections=["pipeline"])
    said = texts(made.section("pipeline").blocks, "problem")
    assert any("Time in stage: not available" in text and "OpportunityHistory" in text for text in said)
    assert made.failed == ()
    assert "pipeline-table" in made.tables()
    assert "not available" in (world.folder / "r.html").read_text(encoding="utf-8")


def test_a_part_that_breaks_says_so_and_does_not_stop_the_report(world: World) -> None:
    world.sql("UPDATE sfsync.clusters SET score = NULL")
    made = world.report(sections=["duplicates", "ownership"])
    assert [part.split(":")[0] for part in made.failed] == ["Duplicates"]
    assert "something broke" in texts(made.section("duplicates").blocks, "problem")[0]
    assert "owners" in made.tables()


def test_an_unchecked_mirror_gives_a_report_without_a_score(world: World) -> None:
    world.sql("DELETE FROM sfsync.findings", "DELETE FROM sfsync.rule_runs", "DELETE FROM sfsync.clusters")
    world.sql("DELETE FROM sfsync.runs WHERE command IN ('check', 'dedupe', 'verify')")
    made = world.report("r.html")
    assert made.score.value is None
    assert made.failed == ()
    assert "sfsync check" in texts(made.section("rules").blocks, "problem")[0]
    assert "sfsync dedupe" in texts(made.section("duplicates").blocks, "problem")[0]
    summary = " ".join(texts(made.section("summary").blocks))
    assert "never compared with the org" in summary


def test_the_json_holds_the_same_as_the_report(mirrored: World, tmp_path: Path) -> None:
    copy = mirrored.copy(tmp_path / "j")
    made = copy.report("r.json", client="Acme")
    document = json.loads((copy.folder / "r.json").read_text(encoding="utf-8"))
    assert document["title"].startswith("Acme")
    assert document["score"]["value"] == made.score.value
    assert [s["key"] for s in document["sections"]] == list(SECTIONS)
    forecast = next(s for s in document["sections"] if s["key"] == "forecast")
    table = next(b for b in forecast["blocks"] if b["type"] == "table")
    assert [float(v) for v in column(made.tables()[table["key"]], "Closed")] == [row["Closed"] for row in table["rows"]]


def test_the_same_mirror_gives_the_same_page(world: World) -> None:
    now = datetime.now(UTC)
    pages = []
    for _ in range(2):
        world.report("r.html", now=now, rows=5, sections=["summary", "pipeline"])
        pages.append((world.folder / "r.html").read_text(encoding="utf-8"))
    assert pages[0] == pages[1]


def test_wrong_sections_and_suffixes_are_refused_before_any_work(mirrored: World) -> None:
    with pytest.raises(InputError, match=r"no section \"pipline\".*pipeline"):
        mirrored.report(sections=["pipline"])
    with pytest.raises(InputError, match=r"r\.pdf.*\.html"):
        mirrored.report("r.pdf")


def test_an_empty_warehouse_says_to_pull(tmp_path: Path) -> None:
    warehouse = Warehouse(f"duckdb:///{tmp_path}/empty.duckdb")
    with warehouse.write():
        pass
    now = datetime.now(UTC)
    with pytest.raises(WarehouseError, match="sfsync pull"):
        report(warehouse, rules=[], now=now, as_of=local_day(now, "UTC"))


def test_every_section_and_option_stands_in_the_docs() -> None:
    from sfsync.cli.report import report as command

    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    assert [key for key in SECTIONS if f"`{key}`" not in text] == []
    own = [name for p in command.params for name in p.opts if name not in ("--config", "--format", "-q", "-v")]
    assert [
        name for name in own if name.startswith("--") and name not in ("--quiet", "--verbose") and name not in text
    ] == []


def test_tables_have_unique_keys(made: Report) -> None:
    keys = [b.key for s in made.sections for b in s.blocks if isinstance(b, (Table, Chart))]
    assert len(keys) == len(set(keys))


def test_a_sheet_tells_why_and_what_to_do_in_lines_that_fit_a_window(world: World) -> None:
    world.report("r.xlsx", rows=3, sections=["rules"])
    sheet = openpyxl.load_workbook(world.folder / "r.xlsx")["OPP-005"]
    lines = [str(row[0].value) for row in sheet.iter_rows()]
    said = lines[: lines.index("record")]
    assert any(line.startswith("Why it matters. ") for line in said)
    assert any(line.startswith("What to do. ") for line in said)
    assert max(map(len, said)) <= 130
    assert not any("`" in line for line in said)
