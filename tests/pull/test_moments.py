"""Which rows an increment brings: late commits, equal stamps, clocks, and how little an idle pull asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from tests.pull.world import World, result


def test_a_thousand_rows_of_the_same_second_all_arrive(empty):
    empty.org.clock.freeze(datetime(2026, 3, 1, 12, tzinfo=UTC))
    empty.leads(600, "First")
    empty.pull_one("Lead")
    empty.leads(600, "Second")
    assert empty.pull_one("Lead", overlap=timedelta()).inserted == 600
    assert empty.differences("Lead") == []


def test_rows_inside_the_overlap_are_not_lost_and_their_worst_lag_is_kept(empty):
    empty.leads(1)
    empty.pull_one("Lead")
    late = empty.leads(3, "Late")
    for id, seconds in zip(late, (30, 200, 500), strict=True):
        empty.org.backdate("Lead", id, seconds)
    pulled = empty.pull_one("Lead")
    assert (pulled.inserted, pulled.late) == (3, 3)
    assert 495 <= pulled.late_seconds <= 505
    assert any("Raise pull.overlap" in w for w in pulled.warnings)
    [(rows, seconds)] = empty.sql("SELECT late_rows, late_seconds FROM sfsync.cursors")
    assert (rows, seconds) == (pulled.late, pulled.late_seconds)
    assert empty.pull_one("Lead").late == 0
    assert empty.differences("Lead") == []


def test_rows_that_change_while_pages_are_read_are_not_lost(empty):
    ids = empty.leads(4100)
    empty.pull_one("Lead")
    empty.age()
    empty.save("update", "Lead", [{"Id": id, "Title": "Boss"} for id in ids[:3000]])
    done: list[int] = []

    def change(method: str, path: str, status: int, seconds: float) -> None:
        if "/query/01g" in path and not done:
            done.append(len(empty.leads(1, "Meanwhile")))

    empty.options["on_call"] = change
    assert empty.pull_one("Lead", api="rest").complete
    assert done
    assert empty.pull_one("Lead").complete
    assert empty.differences("Lead") == []


def test_the_cursor_is_from_before_the_read_and_never_from_this_machines_clock(empty):
    for offset in (timedelta(days=-3), timedelta(hours=5)):
        empty.org.clock.offset = offset
        empty.leads(1)
        pulled = empty.pull_one("Lead", full=True)
        assert pulled.until is not None
        assert timedelta(seconds=-2) <= datetime.now(UTC) + offset - pulled.until < timedelta(minutes=1)
    assert empty.differences("Lead") == []


def test_everything_is_read_by_default_and_a_start_is_kept_with_the_cursor(empty):
    [old, new] = empty.leads(2)
    empty.org.backdate("Lead", old, 10 * 365 * 86400)
    empty.pull_one("Lead")
    assert empty.differences("Lead") == []
    assert empty.sql("SELECT start FROM sfsync.cursors") == [(None,)]
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
    empty.org.clock.advance(1)
    other = World(empty.server, empty.folder, f"duckdb:///{empty.folder / 'other.duckdb'}")
    other.pull_one("Lead", start=start)
    assert [row["Id"] for row in other.mirror("Lead")] == [new]
    assert other.sql("SELECT start FROM sfsync.cursors") == [(start,)]
    other.pull_one("Lead")
    assert [row["Id"] for row in other.mirror("Lead")] == sorted([old, new])


def test_an_idle_pull_takes_two_calls_and_a_small_change_at_most_four(world: World):
    world.pull()
    world.age()
    world.pull()
    world.age()
    assert world.pull().exit_code == 0
    assert world.usage.calls <= 2, world.usage
    [id] = world.leads(1)
    world.save("insert", "Task", [{"WhoId": id, "Subject": "Call", "Status": "Open", "Priority": "Normal"}])
    pulled = world.pull()
    assert result(pulled, "Lead").inserted == 1
    assert world.usage.calls <= 4, world.usage


def test_an_idle_pull_opens_the_warehouse_a_few_times_only(world: World):
    world.pull()
    world.age()
    opened: list[object] = []

    def count(driver: object, record: object) -> None:
        opened.append(driver)

    sa.event.listen(sa.Engine, "connect", count)
    try:
        assert world.pull().exit_code == 0
    finally:
        sa.event.remove(sa.Engine, "connect", count)
    assert len(opened) <= 4
