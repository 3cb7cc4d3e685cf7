"""Page files arrive in the mirror exactly as Salesforce wrote them, on every database."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from sfsync.errors import IncompleteRead, SfsyncError, WarehouseError
from sfsync.warehouse import schema
from sfsync.warehouse.mirror import Page
from tests.warehouse.world import NOW, field

WIDE = [
    field("Id", "id"),
    field("Name", "string"),
    field("Employees", "int"),
    field("Amount", "currency", precision=18, scale=2),
    field("Share", "percent", precision=5, scale=2),
    field("Formula__c", "double", precision=18, scale=2, calculated=True),
    field("Active", "boolean"),
    field("Day", "date"),
    field("Opens", "time"),
    field("SystemModstamp", "datetime"),
]
NAMES = [f["name"] for f in WIDE]
ID = "00Q000000000001AAA"
ROUND = pytest.mark.parametrize("increment", [False, True], ids=["first pull", "increment"])


@pytest.fixture
def page(world):
    """Raw bytes of a page's body → Page, with a header in any order."""

    def write(body: bytes, rows: int, header: list[str] | None = None, start: bytes = b"", newline: bytes = b"\n"):
        world.pages += 1
        path = world.folder / f"{world.pages}.csv"
        first = b",".join(b'"%s"' % name.encode() for name in header or NAMES)
        path.write_bytes(start + first + newline + body)
        return Page(path, rows, tuple(header or NAMES))

    return write


def record(**values: str) -> bytes:
    """One line as the Bulk API writes it: every cell quoted, empty for null."""
    cells = {"Id": ID, "SystemModstamp": "2026-03-01T12:00:00.000Z", **values}
    return ",".join('"' + cells.get(n, "").replace('"', '""') + '"' for n in NAMES).encode() + b"\n"


def take(world, page, increment: bool, *pages) -> None:
    if increment:
        world.take(page(record(Id="00Q000000000009AAA"), 1), fields=WIDE)
    world.take(*pages, fields=WIDE)


@ROUND
@pytest.mark.parametrize(
    ("name", "written", "kept"),
    [
        ("Employees", "12", 12),
        ("Employees", "12.0", 12),
        ("Employees", "1.2E3", 1200),
        ("Amount", "9.12260031E8", Decimal("912260031.00")),
        ("Amount", "-0.10", Decimal("-0.10")),
        ("Amount", "9999999999999999.99", Decimal("9999999999999999.99")),
        ("Share", "33.33", Decimal("33.33")),
        ("Formula__c", "0.3333333333", Decimal("0.333333333300")),
        ("Active", "true", True),
        ("Active", "false", False),
        ("Day", "1700-01-01", date(1700, 1, 1)),
        ("Day", "4000-12-31", date(4000, 12, 31)),
        ("Opens", "08:30:00.000Z", time(8, 30)),
        ("SystemModstamp", "2026-03-29T01:30:00.000+0000", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("SystemModstamp", "2026-03-29T01:30:00.123Z", datetime(2026, 3, 29, 1, 30, 0, 123000, tzinfo=UTC)),
        *((name, "", None) for name in NAMES[1:-1]),
    ],
)
def test_a_cell_arrives_as_its_type(world, page, increment, name, written, kept):
    take(world, page, increment, page(record(**{name: written}), 1))
    (found,) = world.rows(f"SELECT {name} FROM salesforce.Lead WHERE Id = '{ID}'")[0]
    assert found == kept
    assert type(found) is type(kept) or isinstance(found, type(kept))


TEXTS = [
    "lone\rcr",
    "cr\r\nlf",
    "line\u2028separator\u2029",
    "\\.",
    "\\.\n\\.\n",
    "\n\\.\n",
    "\\N",
    "a\\b\\\\c\\",
    'quote " and ""',
    "comma, semicolon; tab\t",
    "#N/A",
    "NULL",
    "NaN",
    "  space around  ",
    "'; DROP TABLE x; --",
    "%s %(x)s :name {0}",
    "zero\u200bwidth\ufeff",
    "emoji 🙂 e\u0301",
    "=1+1",
    "y" * 130_000,
    "ü" * 130_000,
]


@ROUND
def test_text_arrives_verbatim(world, page, increment):
    body = b"".join(record(Id=f"00Q{i:012d}AAA", Name=text) for i, text in enumerate(TEXTS, start=10))
    take(world, page, increment, page(body, len(TEXTS)))
    found = world.rows("SELECT Name FROM salesforce.Lead WHERE Name IS NOT NULL ORDER BY Id")
    assert [row[0] for row in found] == TEXTS


@ROUND
def test_the_largest_records_salesforce_keeps_arrive(world, page, increment):
    """400,000 characters in all, here of four bytes each, and quotes, which are written twice."""
    texts = ["🙂" * 400_000, '"' * 400_000, "🙂" * 400_000, "short"] * 3
    body = b"".join(record(Id=f"00Q{i:012d}AAA", Name=text) for i, text in enumerate(texts, start=10))
    take(world, page, increment, page(body, len(texts)))
    found = world.rows("SELECT Name FROM salesforce.Lead WHERE Name IS NOT NULL ORDER BY Id")
    assert [row[0] for row in found] == texts


@ROUND
def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_data(world, page, increment):
    body = record(Name="a").replace(b"\n", b"\r\n")
    take(world, page, increment, page(body, 1, start=b"\xef\xbb\xbf", newline=b"\r\n"))
    assert world.rows(f"SELECT Name FROM salesforce.Lead WHERE Id = '{ID}'") == [("a",)]


@ROUND
def test_the_headers_order_and_case_do_not_matter(world, page, increment):
    header = ["SYSTEMMODSTAMP", "name", "ID"]
    take(world, page, increment, page(b'"2026-03-01T12:00:00.000Z","Ada","%s"\n' % ID.encode(), 1, header))
    assert world.rows(f"SELECT Name, Amount FROM salesforce.Lead WHERE Id = '{ID}'") == [("Ada", None)]


@ROUND
def test_many_pages_are_one_load(world, page, increment):
    pages = [page(record(Id=f"00Q{i:012d}AAA", Name=str(i)), 1) for i in range(10, 17)]
    take(world, page, increment, *pages)
    assert world.rows("SELECT count(*) FROM salesforce.Lead WHERE Name IS NOT NULL") == [(7,)]


@ROUND
def test_whole_numbers_written_as_decimals_do_not_lose_the_other_rows(world, page, increment):
    pages = [page(record(Id=f"00Q{i:012d}AAA", Employees=n), 1) for i, n in ((11, "1"), (12, "2.0"), (13, "3"))]
    take(world, page, increment, *pages)
    found = world.rows("SELECT Employees FROM salesforce.Lead WHERE Employees IS NOT NULL ORDER BY Id")
    assert found == [(1,), (2,), (3,)]


@ROUND
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("Id", "Name")])
def test_a_value_of_another_type_is_refused_unseen(world, page, increment, name):
    with pytest.raises(WarehouseError) as caught:
        take(world, page, increment, page(record(**{name: "secret salary"}), 1))
    assert name in str(caught.value)
    assert "secret" not in str(caught.value)


def test_money_that_has_no_room_is_refused_unseen(world, page):
    with pytest.raises(WarehouseError) as caught:
        take(world, page, False, page(record(Amount="12345678901234567.89"), 1))
    assert "12345678901234567" not in str(caught.value)


@pytest.mark.parametrize(
    "cut", [lambda b: b[:-30], lambda b: b + b'"00Q000000000002AAA","b\n', lambda b: b + b'"00Q000000000002AAA"\n']
)
def test_a_damaged_page_is_refused(world, page, cut):
    with pytest.raises(SfsyncError, match=r"^Lead: .*Nothing was changed"):
        take(world, page, False, page(cut(record(Name="abc")), 2))


def test_the_short_page_of_many_is_named(world, page):
    with pytest.raises(IncompleteRead, match="3 promised rows holds 1"):
        take(world, page, True, page(record(), 1), page(record(Id="00Q000000000002AAA"), 3))


def test_a_column_that_grows_keeps_its_values_and_stays_in_the_view(world, page):
    take(world, page, False, page(record(Amount="1.25", Employees="7", Day="2026-03-01"), 1))
    grown = {
        "Amount": field("Amount", "currency", precision=18, scale=4),
        "Employees": field("Employees", "string"),
        "Day": field("Day", "datetime"),
    }
    wider = [*(grown.get(f["name"], f) for f in WIDE), field("New__c", "string")]
    drift = schema.ensure(world.con, "Lead", wider, NOW)
    assert (drift.added, drift.retyped) == (("New__c",), ("Employees", "Amount", "Day"))
    assert world.rows("SELECT Amount, Employees, Day, New__c FROM live.Lead") == [
        (Decimal("1.2500"), "7", "2026-03-01", None)
    ]
