"""Rows that go: deleted, purged, merged, hidden from this user; and those that come back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.pull.world import World

NEVER = timedelta(days=10_000)


def hide(world: World, *ids: str) -> None:
    """Make leads invisible to every query, as a sharing rule would, without deleting them."""
    world.execute('CREATE TABLE IF NOT EXISTS hidden_leads AS SELECT * FROM "Lead" LIMIT 0')
    for id in ids:
        world.execute('INSERT INTO hidden_leads SELECT * FROM "Lead" WHERE "Id" = $1', id)
        world.execute('DELETE FROM "Lead" WHERE "Id" = $1', id)


def show(world: World, *ids: str) -> None:
    for id in ids:
        world.execute('INSERT INTO "Lead" SELECT * FROM hidden_leads WHERE "Id" = $1', id)
        world.execute('DELETE FROM hidden_leads WHERE "Id" = $1', id)


def merge(world: World, loser: str, survivor: str, sobject: str = "Lead") -> None:
    """What Salesforce's merge leaves behind: the loser in the bin with the survivor's Id, stamped now."""
    world.save("delete", sobject, [{"Id": loser}])
    world.execute(f'UPDATE "{sobject}" SET "MasterRecordId" = $1 WHERE "Id" = $2', survivor, loser)


def move_tasks(world: World, loser: str, survivor: str, *, stamped: bool) -> None:
    sql = 'UPDATE "Task" SET "WhoId" = $1, "IsDeleted" = false WHERE "WhoId" = $2'
    world.execute(sql, survivor, loser)
    if stamped:
        world.execute('UPDATE "Task" SET "SystemModstamp" = $1 WHERE "WhoId" = $2', world.org.clock.stamp(), survivor)


def test_a_purged_row_is_found_by_the_next_sweep_with_its_reason(empty):
    ids = empty.leads(40)
    empty.pull_one("Lead", sweep=False)
    empty.age()
    empty.org.purge("Lead", ids[:1])
    swept = empty.pull_one("Lead", sweep=True)
    assert (swept.deleted, swept.reconciled) == (1, True)
    assert empty.reasons("Lead") == {ids[0]: "purged"}
    assert empty.sql("SELECT count(*) FROM live.Lead") == [(39,)]


def test_a_row_deleted_and_purged_from_the_bin_keeps_its_first_reason(empty):
    ids = empty.leads(40)
    empty.pull_one("Lead")
    empty.save("delete", "Lead", [{"Id": ids[0]}])
    empty.pull_one("Lead")
    empty.org.purge("Lead", [ids[0]])
    empty.age(20 * 86400)
    swept = empty.pull_one("Lead", sweep=True)
    assert (swept.deleted, swept.reconciled) == (0, True)
    assert empty.reasons("Lead") == {ids[0]: "deleted"}


def test_the_sweep_has_a_schedule_of_its_own(empty):
    ids = empty.leads(40)
    empty.pull_one("Lead", sweep=False)
    hide(empty, ids[0])
    empty.age(3 * 86400)
    assert not empty.pull_one("Lead", sweep=False).reconciled
    assert empty.reasons("Lead") == {}
    empty.age(5 * 86400)
    assert empty.pull_one("Lead", sweep=False).reconciled
    assert empty.reasons("Lead") == {ids[0]: "not_visible"}
    [(at, until)] = empty.sql("SELECT reconciled_at, until FROM sfsync.cursors")
    assert at == until
    assert not empty.pull_one("Lead", sweep=False).reconciled


def test_a_hidden_row_is_not_taken_for_a_deleted_one_and_comes_back(empty):
    ids = empty.leads(40)
    empty.pull_one("Lead")
    empty.age()
    hide(empty, ids[3])
    assert empty.pull_one("Lead", sweep=True).deleted == 1
    assert empty.reasons("Lead") == {ids[3]: "not_visible"}
    show(empty, ids[3])
    empty.age()
    swept = empty.pull_one("Lead", sweep=True)
    assert (swept.updated, swept.reconciled) == (1, True)
    assert empty.reasons("Lead") == {}
    assert empty.differences("Lead") == []


def test_too_many_gone_rows_are_held_back_until_allowed(empty):
    ids = empty.leads(40)
    empty.pull_one("Lead")
    empty.age()
    hide(empty, *ids[:20])
    held = empty.pull_one("Lead", sweep=True)
    assert (held.deleted, held.reconciled, held.complete) == (0, False, True)
    assert empty.reasons("Lead") == {}
    assert any("--allow-large" in w and "20" in w for w in held.warnings)
    allowed = empty.pull_one("Lead", sweep=True, allow_large=True)
    assert (allowed.deleted, allowed.reconciled) == (20, True)
    assert set(empty.reasons("Lead").values()) == {"not_visible"}


@pytest.mark.parametrize(
    "fault", ["cut:path=/quer", "cut:path=/quer,after=1", "html:path=/quer,after=1", "locator:path=/query/01g"]
)
def test_a_sweep_that_fails_marks_nothing_and_is_due_again(empty, fault):
    ids = empty.leads(2100)
    empty.pull_one("Lead")
    empty.age(8 * 86400)
    hide(empty, ids[0])
    assert empty.pull_one("Lead", reconcile_every=NEVER, sweep=False).complete
    empty.server.faults.add(fault)
    failed = empty.pull_one("Lead", sweep=True)
    assert not failed.reconciled
    assert empty.reasons("Lead") == {}
    empty.server.faults.clear()
    assert empty.pull_one("Lead", sweep=False).reconciled
    assert empty.reasons("Lead") == {ids[0]: "not_visible"}


def test_a_commit_later_than_the_overlap_is_found_by_the_sweep(empty):
    empty.leads(5)
    empty.pull_one("Lead")
    [late] = empty.leads(1, "Late")
    empty.org.backdate("Lead", late, 3000)
    assert empty.pull_one("Lead").inserted == 0
    swept = empty.pull_one("Lead", sweep=True)
    assert (swept.updated, swept.reconciled) == (1, True)
    assert any("missed before" in w for w in swept.warnings)
    assert empty.differences("Lead") == []


@pytest.mark.parametrize("stamped", [True, False])
def test_after_a_merge_the_children_point_where_the_org_says(empty, stamped):
    loser, survivor = empty.leads(2)
    empty.save("insert", "Task", [{"WhoId": loser, "Subject": "Call", "Status": "Open", "Priority": "Normal"}])
    empty.pull("Lead")
    empty.age()
    merge(empty, loser, survivor)
    move_tasks(empty, loser, survivor, stamped=stamped)
    pulled = empty.pull("Lead")
    assert pulled.exit_code == 0
    assert empty.reasons("Lead") == {loser: "merged"}
    assert empty.sql("SELECT sobject, loser, survivor FROM sfsync.redirects") == [("Lead", loser, survivor)]
    assert empty.sql("SELECT WhoId FROM live.Task") == [(survivor,)]
    assert empty.differences("Task") == []


def test_children_of_a_merge_are_read_again_even_when_the_run_dies_before(empty):
    loser, survivor = empty.leads(2)
    empty.save("insert", "Task", [{"WhoId": loser, "Subject": "Call", "Status": "Open", "Priority": "Normal"}])
    empty.pull("Lead")
    empty.age()
    merge(empty, loser, survivor)
    move_tasks(empty, loser, survivor, stamped=False)
    assert empty.pull_one("Lead").complete  # a run that never got as far as the tasks
    empty.age()
    assert empty.pull("Lead").exit_code == 0
    assert empty.sql("SELECT WhoId FROM live.Task") == [(survivor,)]


def test_a_chain_of_merges_can_be_followed_to_its_end(empty):
    first, second, third = empty.leads(3)
    empty.pull_one("Lead")
    merge(empty, first, second)
    empty.pull_one("Lead")
    merge(empty, second, third)
    empty.pull_one("Lead")
    redirects = dict(empty.sql("SELECT loser, survivor FROM sfsync.redirects"))
    assert redirects == {first: second, second: third}
    assert redirects[redirects[first]] == third


def test_an_undeleted_loser_is_no_longer_redirected(empty):
    loser, survivor, other = empty.leads(3)
    empty.pull_one("Lead")
    merge(empty, loser, survivor)
    empty.pull_one("Lead")
    empty.save("undelete", "Lead", [{"Id": loser}])
    empty.pull_one("Lead")
    assert empty.sql("SELECT loser, survivor FROM sfsync.redirects") == []
    assert empty.reasons("Lead") == {}
    merge(empty, loser, other)
    empty.pull_one("Lead")
    assert empty.sql("SELECT loser, survivor FROM sfsync.redirects") == [(loser, other)]


def test_an_undelete_that_is_seen_late_brings_the_children_back_too(empty):
    [id] = empty.leads(1)
    empty.save("insert", "Task", [{"WhoId": id, "Subject": "Call", "Status": "Open", "Priority": "Normal"}])
    empty.pull("Lead")
    empty.save("delete", "Lead", [{"Id": id}])
    empty.pull("Lead")
    assert empty.differences("Task") == []
    empty.age()
    empty.save("undelete", "Lead", [{"Id": id}])
    empty.pull("Lead")
    assert empty.differences("Lead") == []
    assert empty.differences("Task") == []
