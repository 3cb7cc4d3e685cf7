"""Values of the org are data, whatever they look like."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.report.charts import svg
from sfsync.report.content import Chart, Column, Report, Section, Table
from sfsync.report.html import render
from sfsync.report.safe import csv_text, formula_like, record_link, visible
from sfsync.report.score import score
from tests.report.world import NOW, World

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
FORMULA = "=cmd|' /C calc'!A0"
OVERRIDE = "abc\u202egpj.exe"
HIDDEN = "zero\u200bwidth\x07bell"
MATHS = "$\\frac{1}{0}$"


class _Page(HTMLParser):
    """Every element with its attributes, every text."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def hostile(world: World) -> World:
    quoted = FORMULA.replace("'", "''")
    world.sql(
        f"UPDATE sfsync.findings SET message = '{SCRIPT}' WHERE rule = 'OPP-005'",
        f"UPDATE sfsync.findings SET message = '{quoted}' WHERE rule = 'OWN-001'",
        "UPDATE sfsync.findings SET id = 'javascript:alert(1)' WHERE rule = 'DQ-001'",
        f"UPDATE salesforce.Opportunity SET Name = '{IMAGE}', StageName = CASE WHEN StageName = 'Prospecting' THEN "
        f"'{SCRIPT}' WHEN StageName = 'Qualification' THEN '{MATHS}' ELSE StageName END",
        f"UPDATE salesforce.Lead SET Name = '{OVERRIDE}', LeadSource = '{HIDDEN}'",
        f"UPDATE salesforce.\"User\" SET Name = '{quoted}'",
        f"UPDATE sfsync.meta SET value = '{SCRIPT}' WHERE key = 'org_name'",
    )
    return world


def test_nothing_of_the_org_becomes_markup(hostile: World) -> None:
    hostile.report("r.html", client=SCRIPT, rows=20)
    text = (hostile.folder / "r.html").read_text(encoding="utf-8")
    page = _Page(text)
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert SCRIPT in "".join(page.texts)
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.elements for name in attributes)


def test_commands_in_our_own_sentences_are_code(world: World) -> None:
    world.report("r.html", sections=["rules"], rows=5)
    text = (world.folder / "r.html").read_text(encoding="utf-8")
    assert "<code>sfsync plan</code>" in text
    assert "&lt;code" not in text


def test_links_go_to_the_org_or_stay_on_the_page(hostile: World) -> None:
    made = hostile.report("r.html", rows=5, sections=["rules", "pipeline"])
    page = _Page((hostile.folder / "r.html").read_text(encoding="utf-8"))
    links = [str(a["href"]) for a in page.all("a")]
    assert any(link.startswith(made.instance_url + "/") for link in links)
    others = [link for link in links if not link.startswith((made.instance_url + "/", "#"))]
    assert sorted(others) == sorted(made.files)
    assert "javascript:alert(1)" in page.texts


def test_direction_changes_and_control_characters_are_shown(hostile: World) -> None:
    hostile.report("r.html", rows=50, sections=["rules", "funnel"])
    text = (hostile.folder / "r.html").read_text(encoding="utf-8")
    assert "abc[U+202E]gpj.exe" in text
    assert "zero[U+200B]width[U+0007]bell" in text
    assert not any(character in text for character in "\u202e\u200b\x07")


def test_no_org_address_means_no_links(hostile: World) -> None:
    hostile.sql("UPDATE sfsync.meta SET value = 'javascript:alert(1)//' WHERE key = 'instance_url'")
    hostile.report("r.html", rows=5, sections=["rules"])
    page = _Page((hostile.folder / "r.html").read_text(encoding="utf-8"))
    assert all(str(a["href"]).startswith(("#", "r_files/")) for a in page.all("a"))


def test_csv_and_workbook_hold_no_formulas(hostile: World) -> None:
    hostile.report("r.xlsx", rows=5, client=FORMULA, sections=["rules", "ownership"])
    with (hostile.folder / "r_files" / "OWN-001.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["message"] for row in rows} == {f"'{FORMULA}"}
    book = openpyxl.load_workbook(hostile.folder / "r.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not any(cell.data_type == "f" for cell in cells)
    planted = [cell for cell in cells if cell.value == FORMULA]
    assert planted
    assert all(cell.quotePrefix for cell in planted)
    targets = {cell.hyperlink.target for cell in cells if cell.hyperlink and cell.hyperlink.target}
    assert targets
    assert all(target.startswith("http://127.0.0.1:") for target in targets)


def test_a_hostile_name_is_text_in_a_drawing() -> None:
    chart = Chart(
        "c", SCRIPT, "bars", [SCRIPT, MATHS, OVERRIDE, "東京 \U0001f680"], {"n": [1.0, 2.0, 3.0, 4.0]}, "n", SCRIPT
    )
    drawn = svg(chart)
    page = _Page(drawn)
    assert page.all("script") == []
    assert page.all("style") == []
    assert not any("style" in attributes for _, attributes in page.elements)
    texts = "".join(page.texts)
    assert MATHS in texts
    assert "東京" in texts
    assert "\u202e" not in drawn
    assert svg(chart) == drawn


@given(st.text(max_size=20))
def test_a_heading_of_the_org_stays_text_in_the_style_sheet(label: str) -> None:
    table = Table("t", "T", (Column("a", "A", "prose"), Column("b", label)), [("x", "y")])
    report = Report("00D", "Org", "", False, NOW, NOW.date(), "UTC", score([]), [Section("s", "S", [table])])
    style = render(report).partition("<style>")[2].partition("</style>")[0]
    said = [line for line in style.splitlines() if line.startswith(".s0 td:nth-child(2)")]
    assert len(said) == bool(label)
    quoted = r'\.s0 td:nth-child\(2\)::before \{ content: "(?:[A-Za-z0-9]|\\[0-9a-f]{6} )* "; \}'
    assert all(re.fullmatch(quoted, line) for line in said)


@given(st.text())
def test_visible_text_has_nothing_invisible_left(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in shown)


@given(st.text(), st.sampled_from("=+-@\t\r＝"))
def test_what_a_spreadsheet_would_run_is_quoted(text: str, sign: str) -> None:
    assert formula_like(sign + text)
    assert csv_text(sign + text).startswith("'")
    assert csv_text(f" {sign}{text}").startswith("'")


@pytest.mark.parametrize(
    ("instance", "id"),
    [
        ("javascript:alert(1)", "006000000000001AAA"),
        ("ftp://acme.my.salesforce.com", "006000000000001AAA"),
        ("https://user@evil.example", "006000000000001AAA"),
        ("https://acme.my.salesforce.com", "../secur/logout.jsp"),
        ("https://acme.my.salesforce.com", "00600000000"),
        ("", "006000000000001AAA"),
    ],
)
def test_what_is_no_record_of_the_org_is_not_linked(instance: str, id: str) -> None:
    assert record_link(instance, id) is None


def test_a_link_is_the_instance_and_the_id() -> None:
    link = record_link("https://acme.my.salesforce.com/some/page?x=1", "006000000000001AAA")
    assert link == "https://acme.my.salesforce.com/006000000000001AAA"


def test_long_texts_fit_a_cell(world: World, tmp_path: Path) -> None:
    world.sql("UPDATE sfsync.findings SET message = repeat('x', 40000) WHERE rule = 'OPP-005'")
    world.report("r.xlsx", sections=["rules"])
    book = openpyxl.load_workbook(world.folder / "r.xlsx")
    assert max(len(str(c.value)) for row in book["OPP-005"].iter_rows() for c in row if c.value) == 32_767
