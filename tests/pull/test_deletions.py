"""Rows that are purged between two pulls: the org's log of deletions names them, and a second look decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.mapping import closure, load_mappings
from sfsync.pull import deletions
from tests.pull.test_gone import hide, merge
from tests.pull.world import MAIN, World, result

LOG = "/deleted/"


def purge(world: World, sobject: str, *ids: str) -> None:
    """Delete and empty the bin, so that no query shows the rows any more."""
    world.save("delete", sobject, [{"Id": id} for id in ids])
    world.org.purge(sobject, list(ids))
    world.age(120)  # the log is kept by the minute


def covered(world: World, sobject: str = "Lead") -> object:
    return world.sql(f"SELECT deletions_at FROM sfsync.cursors WHERE sobject = '{sobject}'")[0][0]


def test_a_row_purged_between_two_pulls_is_marked_by_the_next(empty):
    ids = empty.leads(5)
    empty.pull_one("Lead")
    empty.age()
    purge(empty, "Lead", ids[0])
    pulled = empty.pull_one("Lead")
    assert (pulled.deleted, pulled.updated, pulled.complete) == (1, 0, True)
    assert empty.reasons("Lead") == {ids[0]: "purged"}
    assert empty.sql("SELECT count(*) FROM live.Lead") == [(4,)]
    assert empty.pull_one("Lead").deleted == 0


def test_what_is_purged_with_a_parent_goes_with_it_history_too(world: World):
    world.pull()
    world.age()
    [lead] = [r["Id"] for r in world.org.dump("Lead") if not r["IsDeleted"] and not r["IsConverted"]][:1]
    world.save("update", "Lead", [{"Id": lead, "Status": "Working"}])
    world.save("insert", "Task", [{"WhoId": lead, "Subject": "Call", "Status": "Open", "Priority": "Normal"}])
    world.pull()
    assert world.sql(f"SELECT count(*) > 0 FROM live.LeadHistory WHERE LeadId = '{lead}'") == [(True,)]
    world.age()
    purge(world, "Lead", lead)
    assert world.pull().exit_code == 0
    assert world.reasons("Lead")[lead] == "purged"
    for child, field in (("LeadHistory", "LeadId"), ("Task", "WhoId")):
        assert world.sql(f"SELECT count(*) FROM live.{child} WHERE {field} = '{lead}'") == [(0,)]
        live = [r for r in world.org.dump(child) if not r["IsDeleted"]]
        assert world.sql(f"SELECT count(*) FROM live.{child}") == [(len(live),)], child


def test_a_hidden_row_is_not_marked_by_the_log(empty):
    ids = empty.leads(5)
    empty.pull_one("Lead")
    empty.age()
    hide(empty, ids[0])
    assert empty.pull_one("Lead").deleted == 0
    assert empty.reasons("Lead") == {}


def test_a_row_in_the_bin_keeps_the_reason_its_query_gives(empty):
    binned, purged, loser, survivor = empty.leads(4)
    empty.pull_one("Lead")
    empty.save("delete", "Lead", [{"Id": binned}, {"Id": purged}])
    merge(empty, loser, survivor)
    pulled = empty.pull_one("Lead")
    assert pulled.deleted == 3
    empty.org.purge("Lead", [purged])
    assert empty.pull_one("Lead").deleted == 0
    assert empty.reasons("Lead") == {binned: "deleted", purged: "deleted", loser: "merged"}


def test_a_merge_that_falls_between_query_and_log_is_taken_as_a_merge(empty):
    loser, survivor = empty.leads(2)
    empty.save("insert", "Task", [{"WhoId": loser, "Subject": "Call", "Status": "Open", "Priority": "Normal"}])
    empty.pull("Lead")
    empty.age(120)
    world = empty
    merged: list[str] = []

    def late(method: str, path: str, status: int, seconds: float) -> None:
        if path.endswith("/composite") and not merged:
            merged.append(loser)
            merge(world, loser, survivor)
            world.execute('UPDATE "Task" SET "WhoId" = $1, "IsDeleted" = false WHERE "WhoId" = $2', survivor, loser)
            world.execute('UPDATE "Lead" SET "SystemModstamp" = "CreatedDate" WHERE "Id" = $1', loser)
            world.age(3600)

    empty.options["on_call"] = late
    empty.pull("Lead")
    del empty.options["on_call"]
    empty.pull("Lead")
    assert empty.reasons("Lead") == {loser: "merged"}
    assert empty.sql("SELECT loser, survivor FROM sfsync.redirects") == [(loser, survivor)]
    assert empty.sql("SELECT WhoId FROM live.Task") == [(survivor,)]


def test_a_deletion_no_stamp_tells_of_is_taken_from_the_log(empty):
    """Rows read by CreatedDate, and commits later than the overlap, go to the bin unseen by any increment."""
    [id, _] = empty.leads(2)
    empty.pull_one("Lead")
    empty.age()
    empty.save("delete", "Lead", [{"Id": id}])
    empty.org.backdate("Lead", id, 3000)
    assert empty.pull_one("Lead").deleted == 1
    assert empty.reasons("Lead") == {id: "deleted"}
    assert empty.differences("Lead") == []


@pytest.mark.parametrize("fault", ["503", "html", "cut", "500"])
def test_a_second_look_that_fails_marks_nothing_and_comes_again(empty, fault):
    [id, _] = empty.leads(2)
    empty.pull_one("Lead")
    empty.age()
    empty.pull_one("Lead")
    before = covered(empty)
    empty.age()
    purge(empty, "Lead", id)
    empty.options["retries"] = type(empty.options["retries"])(tries=1)
    ordered = empty.server.faults.add(f"{fault}:path=/queryAll")
    failed = empty.pull_one("Lead")
    assert ordered.hits
    assert failed.complete
    assert any("could not be read again" in w for w in failed.warnings)
    assert (empty.reasons("Lead"), covered(empty)) == ({}, before)
    empty.server.faults.clear()
    assert empty.pull_one("Lead").deleted == 1
    assert empty.reasons("Lead") == {id: "purged"}


def test_a_log_that_does_not_reach_back_makes_the_sweep_due(empty):
    ids = empty.leads(40)
    empty.pull_one("Lead")
    purge(empty, "Lead", ids[0])
    empty.age(20 * 86400)
    late = {"reconcile_every": timedelta(days=90), "sweep": False}
    swept = empty.pull_one("Lead", **late)
    assert (swept.deleted, swept.reconciled) == (1, True)
    assert list(empty.reasons("Lead")) == [ids[0]]
    empty.age()
    purge(empty, "Lead", ids[1])
    again = empty.pull_one("Lead", **late)
    assert (again.deleted, again.reconciled) == (1, False)
    assert empty.reasons("Lead")[ids[1]] == "purged"


def test_more_suspects_than_are_read_by_id_are_left_to_the_sweep(empty):
    ids = empty.leads(deletions.MOST + 40)
    empty.pull_one("Lead")
    empty.age(2 * 86400)
    purge(empty, "Lead", *ids[40:], ids[0])
    held = empty.pull_one("Lead", sweep=False)
    assert not held.reconciled
    assert any("--allow-large" in w for w in held.warnings)
    assert empty.pull_one("Lead", sweep=False, allow_large=True).deleted == deletions.MOST + 1
    assert set(empty.reasons("Lead").values()) == {"purged"}


def test_a_row_marked_as_purged_that_comes_back_is_live_again(empty):
    [id, _] = empty.leads(2)
    empty.pull_one("Lead")
    empty.age()
    hide(empty, id)
    empty.execute(
        "INSERT INTO practice_deleted (sobject, id, deleted) VALUES ('Lead', $1, $2)", id, empty.org.clock.stamp()
    )
    empty.age(120)
    assert empty.pull_one("Lead").deleted == 1
    assert empty.reasons("Lead") == {id: "purged"}
    empty.execute('INSERT INTO "Lead" SELECT * FROM hidden_leads')
    empty.execute('UPDATE "Lead" SET "SystemModstamp" = $1 WHERE "Id" = $2', empty.org.clock.stamp(), id)
    empty.pull_one("Lead")
    assert empty.reasons("Lead") == {}
    assert empty.differences("Lead") == []


def test_asking_for_the_logs_costs_an_idle_pull_nothing(world: World):
    world.pull()
    world.age()
    world.pull()
    world.age()
    world.server.site.calls.clear()
    assert world.pull().exit_code == 0
    assert world.usage.calls <= 2, world.usage
    asked = sum(n for shape, n in world.server.site.calls.items() if "deleted" in shape)
    always = [m for m in closure(MAIN, load_mappings()) if not m.every and not m.follows and not m.whole]
    assert asked == len(always)
    assert all(covered(world, m.sobject) is not None for m in always)
    assert result(world.pull(), "Lead").deleted == 0
