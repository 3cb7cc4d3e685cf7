from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from sfsync.errors import IncompleteRead, WarehouseError
from sfsync.warehouse import schema
from tests.warehouse.world import FIELDS, NOW, field, lead


def test_a_first_pull_fills_the_table_and_live_hides_deleted_rows(world):
    loaded = world.take(world.page(lead(1), lead(2, deleted=True)))
    assert (loaded.read, loaded.inserted, loaded.deleted, loaded.rows) == (2, 2, 1, 2)
    assert world.rows("SELECT Id FROM live.Lead") == [("00Q000000000001",)]
    assert world.rows("SELECT Id, _deleted_reason FROM salesforce.Lead ORDER BY Id") == [
        ("00Q000000000001", None),
        ("00Q000000000002", "deleted"),
    ]


def test_an_increment_updates_inserts_and_keeps_history(world):
    world.take(world.page(lead(1), lead(2)))
    later = NOW + timedelta(hours=1)
    loaded = world.take(world.page(lead(1, "Working", later), lead(3, at=later)), until=later, track=("Status",))
    assert (loaded.inserted, loaded.updated, loaded.rows, loaded.late) == (1, 1, 3, 0)
    assert world.rows("SELECT id, field, old, new, changed_at FROM sfsync.history") == [
        ("00Q000000000001", "Status", "New", "Working", later)
    ]


def test_taking_the_same_page_in_again_changes_nothing(world):
    world.take(world.page(lead(1), lead(2)))
    again = world.take(world.page(lead(1), lead(2)), track=("Status",))
    assert (again.inserted, again.updated, again.deleted, again.rows) == (0, 0, 0, 2)
    assert world.rows("SELECT count(*) FROM sfsync.history") == [(0,)]


def test_a_short_page_moves_nothing(world):
    world.take(world.page(lead(1)))
    with pytest.raises(IncompleteRead, match="2 promised rows holds 1"):
        world.take(world.page(lead(2), promised=2))
    assert world.rows("SELECT count(*) FROM salesforce.Lead") == [(1,)]


def test_a_short_first_page_moves_nothing(world):
    with pytest.raises(IncompleteRead):
        world.take(world.page(lead(2), promised=2))


def test_rows_that_became_visible_behind_the_cursor_are_counted_with_their_lag(world):
    world.take(world.page(lead(1)), until=NOW)
    loaded = world.take(world.page(lead(2, at=NOW - timedelta(seconds=95))), until=NOW + timedelta(hours=1))
    assert (loaded.late, loaded.late_seconds) == (1, 95)


def test_a_merge_leaves_a_redirect_once(world):
    world.take(world.page(lead(1), lead(2)))
    later = NOW + timedelta(minutes=5)
    for _ in range(2):
        world.take(world.page(lead(2, deleted=True, master="00Q000000000001", at=later)), until=later)
    assert world.rows("SELECT loser, survivor FROM sfsync.redirects") == [("00Q000000000002", "00Q000000000001")]
    assert world.rows("SELECT _deleted_reason FROM salesforce.Lead WHERE IsDeleted") == [("merged",)]


def test_an_undeleted_row_is_live_again(world):
    world.take(world.page(lead(1, deleted=True)))
    world.take(world.page(lead(1, at=NOW + timedelta(minutes=1))))
    assert world.rows("SELECT Id, _deleted_reason FROM live.Lead") == [("00Q000000000001", None)]


def test_a_row_in_two_pages_is_kept_once_in_its_newest_form(world):
    world.take(world.page(lead(9)))
    later = NOW + timedelta(minutes=1)
    world.take(world.page(lead(1, "New", NOW)), world.page(lead(1, "Working", later)))
    assert world.rows("SELECT Status FROM salesforce.Lead WHERE Id = '00Q000000000001'") == [("Working",)]


def test_a_row_in_two_pages_of_the_first_pull_is_kept_once_in_its_newest_form(world):
    later = NOW + timedelta(minutes=1)
    loaded = world.take(world.page(lead(1, "New", NOW), lead(2)), world.page(lead(1, "Working", later)))
    assert (loaded.read, loaded.inserted, loaded.rows) == (3, 2, 2)
    assert world.rows("SELECT Id, Status, _pulled_at IS NULL FROM salesforce.Lead ORDER BY Id") == [
        ("00Q000000000001", "Working", False),
        ("00Q000000000002", "New", False),
    ]


def test_a_row_without_an_id_is_refused(world):
    with pytest.raises(WarehouseError, match="1 rows without one"):
        world.take(world.page(lead(1), {**lead(2), "Id": None}))


def test_an_increment_with_a_row_without_an_id_is_refused(world):
    world.take(world.page(lead(1)))
    with pytest.raises(WarehouseError):
        world.take(world.page({**lead(2), "Id": None}))


def test_an_object_read_whole_marks_rows_that_are_gone(world):
    world.take(world.page(lead(1), lead(2)), watermark=None, whole=True)
    loaded = world.take(world.page(lead(1)), watermark=None, whole=True)
    assert (loaded.deleted, loaded.updated) == (1, 0)
    assert world.rows("SELECT Id FROM live.Lead") == [("00Q000000000001",)]


def test_new_fields_become_columns_and_vanished_ones_keep_their_values(world):
    world.take(world.page(lead(1, "Working")))
    wider = [f for f in FIELDS if f["name"] != "Status"] + [field("Score__c", "double", precision=4, scale=1)]
    drift = schema.ensure(world.con, "Lead", wider, NOW)
    assert (drift.added, drift.gone) == (("Score__c",), ("Status",))
    assert world.rows("SELECT Status, Score__c FROM live.Lead") == [("Working", None)]
    assert world.rows("SELECT field FROM sfsync.fields WHERE gone_at IS NOT NULL") == [("Status",)]
    assert schema.ensure(world.con, "Lead", wider, NOW) == schema.Drift(False)


@pytest.mark.parametrize(
    ("old", "new", "both"),
    [
        ("DECIMAL(18,2)", "DECIMAL(18,2)", "DECIMAL(18,2)"),
        ("DECIMAL(18,2)", "DECIMAL(12,4)", "DECIMAL(20,4)"),
        ("DECIMAL(38,2)", "DECIMAL(38,20)", "TEXT"),
        ("BIGINT", "TEXT", "TEXT"),
        ("DATE", "BOOLEAN", "TEXT"),
    ],
)
def test_a_column_is_widened_to_hold_old_and_new_values(old, new, both):
    assert schema.widened(old, new) == both


def test_a_value_that_does_not_fit_fails_without_showing_it(world):
    world.take(world.page(lead(1)))
    with pytest.raises(WarehouseError) as caught:
        world.take(world.page(lead(2, Amount="secret-salary")))
    assert "Amount" in str(caught.value)
    assert "secret-salary" not in str(caught.value)


def test_hostile_text_and_large_money_arrive_exactly(world):
    texts = [
        'a,"b"\r\nc',
        "lone\rcr",
        "U+2028 \u2028",
        "emoji 🙂",
        "NA",
        "null",
        "#N/A",
        "007",
        "  x ",
        "y" * 130_000,
        "\t",
        "'",
    ]
    rows = [lead(100 + i, t, Amount="1234567890123456.78") for i, t in enumerate(texts)]
    world.take(world.page(*rows))
    assert [r[0] for r in world.rows("SELECT Status FROM live.Lead ORDER BY Id")] == texts
    assert world.rows("SELECT DISTINCT Amount FROM live.Lead") == [(Decimal("1234567890123456.78"),)]


def test_scientific_notation_is_read_exactly(world):
    world.take(world.page(lead(1, Amount="9.12260031E8")))
    assert world.rows("SELECT Amount FROM live.Lead") == [(Decimal("912260031.00"),)]


def test_the_cursor_moves_with_the_rows(world):
    world.take(world.page(lead(1)), until=NOW)
    assert world.rows("SELECT until, rows, watermark FROM sfsync.cursors WHERE sobject = 'Lead'") == [
        (NOW, 1, "SystemModstamp")
    ]


def test_an_empty_pull_is_a_pull(world):
    loaded = world.take(world.page())
    assert (loaded.read, loaded.rows) == (0, 0)
    assert world.rows("SELECT count(*) FROM sfsync.cursors") == [(1,)]
