"""What can go wrong on the wire: the cursor stays, and the next pull is right."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sfsync.config import OrgConfig, QuotaConfig
from sfsync.practice.serve import PracticeServer
from tests.pull.world import World, result


@pytest.mark.parametrize("fault", ["truncated", "cut", "columns", "swapped", "miscount"])
def test_pages_that_do_not_add_up_move_nothing_and_the_next_pull_is_right(empty, fault):
    empty.leads(5, "Before")
    assert empty.pull_one("Lead").complete
    before, rows = empty.cursor("Lead"), empty.mirror("Lead")
    empty.age()
    empty.save("insert", "Account", [{"Name": "Acme"}])
    assert empty.pull_one("Account", api="bulk").complete  # a finished job whose page may come for another's
    ids = empty.leads(20, "New")
    empty.server.settings.bulk_page = 10
    ordered = empty.server.faults.add(f"{fault}:path=/jobs/query")
    pulled = empty.pull_one("Lead", api="bulk")
    assert ordered.hits
    assert (pulled.complete, bool(pulled.error)) == (False, True)
    assert (empty.cursor("Lead"), empty.mirror("Lead")) == (before, rows)
    empty.server.faults.clear()
    again = empty.pull_one("Lead", api="bulk")
    assert (again.complete, again.inserted) == (True, len(ids))
    assert empty.differences("Lead") == []


@pytest.mark.parametrize("fault", ["truncated", "columns", "miscount"])
def test_a_first_read_that_does_not_add_up_leaves_nothing_behind(empty, fault):
    empty.leads(25)
    empty.server.settings.bulk_page = 10
    empty.server.faults.add(f"{fault}:path=/jobs/query")
    assert not empty.pull_one("Lead", api="bulk").complete
    assert empty.cursor("Lead") is None
    assert empty.sql("SELECT count(*) FROM sfsync.fields") == [(0,)]
    empty.server.faults.clear()
    assert empty.pull_one("Lead", api="bulk").complete
    assert empty.differences("Lead") == []


def test_a_page_that_was_damaged_on_disk_is_asked_for_again(empty):
    empty.leads(30)
    empty.server.settings.bulk_page = 10
    empty.options = {"retries": replace(empty.options["retries"], tries=1)}
    empty.server.faults.add("cut:path=/results,after=2")
    assert not empty.pull_one("Lead", api="bulk").complete
    [page, *_] = sorted((empty.folder / "staging").rglob("page-*.csv"))
    lines = page.read_bytes().splitlines(keepends=True)
    page.write_bytes(b"".join(lines[:-1]) + lines[-1][:40] + b"\n")
    empty.server.faults.clear()
    assert not empty.pull_one("Lead", api="bulk").complete
    assert empty.pull_one("Lead", api="bulk").complete
    assert empty.differences("Lead") == []


def test_a_stalled_page_is_given_up_and_asked_for_again(empty):
    empty.leads(5)
    empty.options["read_seconds"] = 0.5
    stalled = empty.server.faults.add("slow:path=/results,times=1,seconds=3")
    assert empty.pull_one("Lead", api="bulk").complete
    assert stalled.hits == 1
    assert empty.differences("Lead") == []


@pytest.mark.parametrize(
    "fault",
    ["503:times=2", "500:times=1", "html:times=2", "html:times=1,status=200", "drop:times=2", "session:times=1",
     "concurrent:times=2", "406:times=1", "cut:times=1", "charset:times=3"],
)  # fmt: skip
@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_what_passes_is_ridden_out(empty, fault, api):
    empty.leads(5, "Ünïcode 🙂")
    ordered = empty.server.faults.add(f"{fault},path=/services/data/v")
    assert empty.pull_one("Lead", api=api).complete
    assert ordered.hits
    assert empty.differences("Lead") == []


def test_retry_after_is_waited_for(empty):
    empty.leads(3)
    empty.server.faults.add("429:times=1,seconds=2,path=/composite")
    started = time.monotonic()
    assert empty.pull_one("Lead").complete
    assert time.monotonic() - started >= 2


def test_maintenance_that_lasts_fails_the_run_and_changes_nothing(empty):
    empty.leads(3)
    empty.pull_one("Lead")
    before = empty.mirror("Lead")
    empty.leads(3, "Later")
    empty.server.faults.add("html:path=/queryAll|/jobs/")
    pulled = empty.pull_one("Lead", api="bulk", full=True)
    assert not pulled.complete
    assert "Run it again later" in (pulled.error or "")
    assert empty.mirror("Lead") == before


def test_an_expired_cursor_is_replaced_in_the_same_run(empty):
    empty.leads(4500)
    ordered = empty.server.faults.add("locator:times=1,path=/query/01g")
    assert empty.pull_one("Lead", api="rest").complete
    assert ordered.hits == 1
    assert empty.differences("Lead") == []


def test_a_job_that_failed_is_not_asked_for_again(empty):
    empty.leads(5)
    empty.server.faults.add("failed-job:times=1")
    failed = empty.pull_one("Lead", api="bulk")
    assert not failed.complete
    assert "QUERY_TIMEOUT" in (failed.error or "")
    assert empty.pull_one("Lead", api="bulk").complete
    assert empty.differences("Lead") == []


def test_a_job_that_was_removed_between_two_runs_is_replaced(empty):
    empty.leads(20)
    empty.server.settings.bulk_page = 10
    empty.options = {"retries": replace(empty.options["retries"], tries=1)}
    empty.server.faults.add("cut:path=/results,after=1")
    assert not empty.pull_one("Lead", api="bulk").complete
    empty.server.faults.clear()
    for job in empty.server.site.jobs.listed("V2Query"):
        empty.server.site.jobs.remove(job)
    assert empty.pull_one("Lead", api="bulk").complete
    assert empty.differences("Lead") == []


def test_staged_pages_are_not_fetched_twice(empty):
    empty.leads(50)
    empty.server.settings.bulk_page = 10
    empty.options = {"retries": replace(empty.options["retries"], tries=1)}
    empty.server.faults.add("cut:path=/results,after=3")
    assert not empty.pull_one("Lead", api="bulk").complete
    staged = len(list((empty.folder / "staging").rglob("page-*.csv")))
    assert 1 <= staged <= 4
    empty.server.faults.clear()
    empty.server.settle()
    calls = empty.server.site.calls
    calls.clear()
    assert empty.pull_one("Lead", api="bulk").complete
    assert sum(n for shape, n in calls.items() if shape.endswith("/results")) == 5 - staged
    assert sum(n for shape, n in calls.items() if shape.startswith("POST") and shape.endswith("/jobs/query")) == 0
    assert empty.differences("Lead") == []


def test_pages_staged_before_the_mirror_was_brought_up_do_not_turn_it_back(empty):
    ids = empty.leads(30)
    empty.server.settings.bulk_page = 10
    empty.pull_one("Lead", api="bulk")
    empty.age()
    empty.options = {"retries": replace(empty.options["retries"], tries=1)}
    empty.server.faults.add("cut:path=/results,after=1")
    assert not empty.pull_one("Lead", api="bulk", full=True).complete
    empty.server.faults.clear()
    empty.age(120)
    empty.save("update", "Lead", [{"Id": ids[0], "Title": "Boss"}])
    empty.org.purge("Lead", [ids[1]])
    empty.age(120)
    assert empty.pull_one("Lead", api="rest").complete
    before = empty.cursor("Lead")
    assert before is not None
    again = empty.pull_one("Lead", api="bulk", full=True)
    assert again.complete
    assert empty.cursor("Lead") >= before
    assert empty.sql(f"SELECT Title FROM live.Lead WHERE Id = '{ids[0]}'") == [("Boss",)]
    assert empty.reasons("Lead") == {ids[1]: "purged"}


def test_two_warehouses_of_one_org_do_not_share_their_pages(empty):
    empty.leads(30)
    empty.server.settings.bulk_page = 10
    other = World(empty.server, empty.folder, f"duckdb:///{empty.folder / 'other.duckdb'}")
    pulled: list[bool] = []

    def meanwhile(method: str, path: str, status: int, seconds: float) -> None:
        if path.partition("?")[0].endswith("/results") and not pulled:
            pulled.append(True)
            pulled[0] = other.pull_one("Lead", api="bulk").complete

    empty.options["on_call"] = meanwhile
    assert empty.pull_one("Lead", api="bulk").complete
    assert pulled == [True]
    for world in (empty, other):
        assert world.differences("Lead") == []
    other.warehouse.close()


def test_an_object_the_database_refuses_does_not_hold_up_the_others(empty):
    empty.leads(3)
    empty.save("insert", "Account", [{"Name": "Acme"}])
    with empty.warehouse.write() as con:
        con.exec_driver_sql("CREATE TABLE salesforce.Lead (somebody_elses TEXT)")
    pulled = empty.pull("Lead", "Account")
    assert pulled.exit_code == 1
    refused = result(pulled, "Lead")
    assert not refused.complete
    assert "the database refuses" in (refused.error or "")
    assert result(pulled, "Account").complete
    assert [r["Name"] for r in empty.mirror("Account")] == ["Acme"]


def test_the_network_may_go_and_come_back_in_the_middle(empty):
    empty.leads(30)
    empty.server.settings.bulk_page = 5
    port = int(empty.server.url.rpartition(":")[2])
    empty.server.faults.add("slow:path=/results,seconds=0.3")
    org, back = empty.org, PracticeServer(empty.org, port=port)

    def outage() -> None:
        time.sleep(0.5)
        empty.server.stop()
        time.sleep(0.5)
        back.start()

    breaking = threading.Thread(target=outage)
    breaking.start()
    try:
        # The server that comes back knows neither the session nor the job.
        first = empty.pull_one("Lead", api="bulk")
        breaking.join()
        assert first.complete or empty.pull_one("Lead", api="bulk").complete
        assert empty.org is org
        assert empty.differences("Lead") == []
    finally:
        breaking.join()
        back.stop()


def test_a_refresh_token_that_is_replaced_at_each_use_is_kept(empty, tmp_path: Path):
    empty.server.settings.rotate_refresh_tokens = True
    kept = tmp_path / "refresh_token"
    kept.write_text(empty.server.credentials.refresh_token, encoding="utf-8")
    kept.chmod(0o600)
    empty.org_config = OrgConfig(
        instance_url=empty.server.url,
        auth="refresh_token",
        client_id=empty.server.credentials.client_id,
        client_secret=empty.server.credentials.client_secret,
        refresh_token_file=kept,
    )
    empty.leads(3)
    empty.server.faults.add("session:times=1,path=/composite")
    assert empty.pull_one("Lead").complete
    assert kept.read_text(encoding="utf-8").strip() != empty.server.credentials.refresh_token
    assert empty.pull_one("Lead").complete


def test_the_floor_of_the_orgs_quota_ends_the_run_with_its_own_code_and_keeps_what_is_committed(world: World):
    world.server.settings.daily_requests = 100
    world.quota = QuotaConfig(floor_percent=90.0)
    pulled = world.pull(api="bulk")
    assert pulled.exit_code == 4
    used = world.server.site.quota.used("requests")
    assert used <= 10, world.usage
    assert not all(o.complete for o in pulled.objects)
    world.server.settings.daily_requests = 100_000
    again = world.pull(api="bulk")
    assert again.exit_code == 0
    assert world.differences("Lead") == []
    assert world.differences("Task") == []


def test_a_run_that_the_orgs_own_limit_ends_says_so(empty):
    empty.leads(3)
    empty.server.faults.add("quota:path=/composite")
    with pytest.raises(Exception, match="run it again later") as caught:
        empty.pull_one("Lead")
    assert getattr(caught.value, "exit_code", None) == 4


def test_one_object_that_fails_does_not_hold_up_the_others(world: World):
    world.server.faults.add("failed-job:times=1")
    pulled = world.pull(api="bulk")
    assert pulled.exit_code == 1
    assert len([o for o in pulled.objects if not o.complete]) == 1
    assert world.pull(api="bulk").exit_code == 0
    for o in pulled.objects:
        assert world.differences(o.sobject) == []
    assert result(pulled, "Lead") is not None
