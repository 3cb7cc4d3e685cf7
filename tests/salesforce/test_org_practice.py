"""Org against a whole practice org: the two know nothing of each other's code."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sfsync.config import OrgConfig, QuotaConfig
from sfsync.errors import AuthError, IncompleteRead, OrgError, QuotaFloor, RetryableOrgError, UnknownOutcome
from sfsync.practice.serve import PracticeServer
from sfsync.practice.settings import Settings
from sfsync.salesforce import soql
from sfsync.salesforce.org import Org
from sfsync.salesforce.retry import RetryPolicy

QUICK = RetryPolicy(first_seconds=0.01, cap_seconds=0.05)
HOSTILE = [
    "comma, quote\" and 'apostrophe'",
    "two\r\nlines\rand more\n",
    "Ünïcödé 漢字 🏭\u2028",
    "#N/A",
    "007",
    "back\\slash",
]


@pytest.fixture
def practice() -> Iterator[PracticeServer]:
    with PracticeServer(settings=Settings(rotate_refresh_tokens=True)) as server:
        yield server


@pytest.fixture
def config(practice: PracticeServer) -> OrgConfig:
    given = practice.credentials
    return OrgConfig(practice.url, client_id=given.client_id, client_secret=given.client_secret)


@pytest.fixture
def org(config: OrgConfig) -> Iterator[Org]:
    with Org.connect(config, retries=QUICK) as org:
        yield org


def create(org: Org, number: int, **values: Any) -> list[str]:
    """Ids of new leads, created by 200."""
    rows = [{"LastName": f"Lead {n:05d}", "Company": "Acme", **values} for n in range(number)]
    saved = [s for start in range(0, number, 200) for s in org.create("Lead", rows[start : start + 200])]
    assert all(s.ok for s in saved)
    return [s.id for s in saved]


# -- ways in


def ways(practice: PracticeServer, folder: Path) -> dict[str, OrgConfig]:
    given = practice.credentials
    (folder / "key.pem").write_text(practice.jwt_private_key)
    (folder / "refresh").write_text(given.refresh_token)
    url, client = practice.url, given.client_id
    secret, password, token = given.client_secret, given.password, given.security_token
    named = {"username": given.username, "password": password, "security_token": token}
    with Org.connect(OrgConfig(url, client_id=client, client_secret=secret)) as org:
        session = org._transport.session.token
    return {
        "client_credentials": OrgConfig(url, client_id=client, client_secret=secret),
        "jwt": OrgConfig(url, "jwt", client, username=given.username, private_key_file=folder / "key.pem"),
        "refresh_token": OrgConfig(url, "refresh_token", client, secret, refresh_token_file=folder / "refresh"),
        "password": OrgConfig(url, "password", client, secret, **named),
        "soap": OrgConfig(url, "password", **named),
        "session": OrgConfig(url, "session", session_id=session),
    }


@pytest.mark.parametrize("way", ["client_credentials", "jwt", "refresh_token", "password", "soap", "session"])
def test_every_way_in_reaches_the_same_org_and_user(practice: PracticeServer, tmp_path: Path, way: str) -> None:
    with Org.connect(ways(practice, tmp_path)[way], retries=QUICK) as org:
        identity = org.identity()
        assert identity.org_id == practice.org.organization_id
        assert identity.user_id == practice.org.user_id
        assert identity.username == practice.credentials.username
        assert org.organization()["Id"] == identity.org_id
        assert org.api_version == "66.0"


@pytest.mark.parametrize("way", ["client_credentials", "jwt", "refresh_token", "password", "soap"])
def test_every_way_in_survives_the_end_of_its_session(practice: PracticeServer, tmp_path: Path, way: str) -> None:
    with Org.connect(ways(practice, tmp_path)[way], retries=QUICK) as org:
        for _ in range(3):
            org.limits()
            practice.faults.add("session:times=1")
        org.limits()
    assert practice.faults.hits("session") == 3


def test_a_wrong_secret_is_told_apart(practice: PracticeServer) -> None:
    with pytest.raises(AuthError, match=r"org\.client_secret|org\.client_id") as caught:
        Org.connect(OrgConfig(practice.url, client_id=practice.credentials.client_id, client_secret="WRONG-SECRET"))
    assert "WRONG-SECRET" not in str(caught.value)


# -- reading


def test_every_row_comes_exactly_once_over_many_pages(org: Org) -> None:
    ids = create(org, 4200)
    read = [r["Id"] for r in org.query("SELECT Id, LastName FROM Lead")]
    assert len(read) == 4200
    assert set(read) == set(ids)
    assert org.count("SELECT COUNT() FROM Lead") == 4200


def test_hostile_text_and_money_come_back_as_they_went(org: Org) -> None:
    money = Decimal("1234567890123456")
    rows = [{"LastName": "X", "Company": text, "AnnualRevenue": money} for text in HOSTILE]
    assert all(s.ok for s in org.create("Lead", rows))
    for text in HOSTILE:
        (found,) = org.query(f"SELECT Company, AnnualRevenue FROM Lead WHERE Company = {soql.literal(text)}")
        assert found == {"Company": text, "AnnualRevenue": money}


def test_deleted_rows_are_seen_with_all_rows_only(org: Org) -> None:
    first, _ = create(org, 2)
    assert org.delete("Lead", [first])[0].ok
    assert org.count("SELECT COUNT() FROM Lead") == 1
    found = {r["Id"]: r["IsDeleted"] for r in org.query("SELECT Id, IsDeleted FROM Lead", all_rows=True)}
    assert found[first] is True
    assert len(found) == 2


def test_a_query_longer_than_any_address_is_answered(org: Org) -> None:
    ids = create(org, 900)
    long = soql.select("Lead", ["Id"], f"Id IN {soql.in_list(ids)}")
    assert len(long) > 16_384
    assert {r["Id"] for r in org.query(long)} == set(ids)


def test_a_batch_answers_several_objects_at_once(org: Org) -> None:
    create(org, 3)
    paths = [soql.path(f"SELECT COUNT() FROM {name}") for name in ("Lead", "Account", "Nothing")]
    leads, accounts, unknown = org.batch_get(paths)
    assert (leads.body["totalSize"], accounts.body["totalSize"]) == (3, 0)
    assert unknown.error is not None
    assert unknown.error.code == "INVALID_TYPE"


def test_describe_tells_fields_and_the_nearest_name(org: Org) -> None:
    fields = {f["name"]: f for f in org.describe("Lead")["fields"]}
    assert fields["LastName"]["nillable"] is False
    with pytest.raises(OrgError, match='Nearest: "Opportunity"'):
        org.describe("Oportunity")


def test_bad_soql_keeps_salesforces_code(org: Org) -> None:
    with pytest.raises(OrgError) as caught:
        list(org.query("SELECT Nonsense FROM Lead"))
    assert caught.value.code == "INVALID_FIELD"


def test_the_orgs_clock_is_not_ours(practice: PracticeServer, org: Org) -> None:
    practice.org.clock.offset = timedelta(hours=7)
    org.limits()
    assert abs(org.server_time() - practice.org.clock.now()) < timedelta(seconds=2)


def test_updated_and_deleted_list_what_changed(practice: PracticeServer, org: Org) -> None:
    kept, gone = create(org, 2)
    org.delete("Lead", [gone])
    practice.org.clock.offset = timedelta(minutes=5)
    end = practice.org.clock.now()
    start = end - timedelta(minutes=30)
    assert kept in org.updated("Lead", start, end).ids
    deleted = org.deleted("Lead", start, end)
    assert list(deleted.ids) == [gone]
    assert start < deleted.ids[gone] < end


def test_trouble_on_the_way_does_not_change_what_is_read(practice: PracticeServer, org: Org) -> None:
    ids = create(org, 2500)
    for fault in ("503", "429:seconds=0", "500", "html", "drop", "cut", "406", "session", "concurrent"):
        practice.faults.add(f"{fault}{',' if ':' in fault else ':'}times=1,path=/query,after=1")
        assert {r["Id"] for r in org.query("SELECT Id FROM Lead")} == set(ids)
    assert sum(f["hits"] for f in practice.faults.listed()) >= 9


def test_trouble_that_stays_is_an_error_not_an_empty_answer(practice: PracticeServer, org: Org) -> None:
    practice.faults.add("html:path=/query,status=200")
    with pytest.raises(RetryableOrgError, match="a web page instead of data"):
        list(org.query("SELECT Id FROM Lead"))


def test_an_expired_cursor_says_so(practice: PracticeServer, org: Org) -> None:
    create(org, 2500)
    practice.faults.add("locator:times=1")
    with pytest.raises(OrgError) as caught:
        list(org.query("SELECT Id FROM Lead"))
    assert caught.value.code == "INVALID_QUERY_LOCATOR"


# -- bulk


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_bulk_pages_in_parallel_hold_every_row(practice: PracticeServer, org: Org, tmp_path: Path) -> None:
    ids = create(org, 3000)
    org.delete("Lead", ids[:1])
    practice.settings.bulk_page = 400
    for fault in ("cut:times=2,path=/results", "session:times=1,path=/results", "503:times=2,path=/results"):
        practice.faults.add(fault)
    job = org.bulk_query("SELECT Id, LastName, IsDeleted FROM Lead")
    assert job.wait().records == 3000
    pages = list(job.pages())
    assert len(pages) == 8
    with ThreadPoolExecutor(4) as pool:
        infos = list(pool.map(lambda n: job.fetch(pages[n], tmp_path / str(n)), range(len(pages))))
    read = [row for n in range(len(pages)) for row in rows_of(tmp_path / str(n))]
    assert [i.columns for i in infos] == [["Id", "LastName", "IsDeleted"]] * 8
    assert sum(i.rows for i in infos) == len(read) == 3000
    assert {r["Id"] for r in read} == set(ids)
    assert [r["Id"] for r in read if r["IsDeleted"] == "true"] == ids[:1]
    job.delete()
    with pytest.raises(OrgError):
        job.info()


def test_bulk_pages_of_an_old_version_end_with_the_last(config: OrgConfig, org: Org, tmp_path: Path) -> None:
    create(org, 1000)
    with Org.connect(replace(config, api_version="57.0"), retries=QUICK) as old:
        job = old.bulk_query("SELECT Id FROM Lead", all_rows=False)
        job.wait()
        infos = [job.fetch(page, tmp_path / str(n)) for n, page in enumerate(job.pages(max_records=300))]
    assert [i.rows for i in infos] == [300, 300, 300, 100]
    assert [i.next_locator is None for i in infos] == [False, False, False, True]


def test_hostile_text_survives_bulk(org: Org, tmp_path: Path) -> None:
    org.create("Lead", [{"LastName": "X", "Company": text} for text in HOSTILE])
    job = org.bulk_query("SELECT Company FROM Lead")
    job.wait()
    (page,) = job.pages()
    job.fetch(page, tmp_path / "page")
    assert sorted(r["Company"] for r in rows_of(tmp_path / "page")) == sorted(HOSTILE)


def test_a_job_is_picked_up_by_another_process(config: OrgConfig, org: Org, tmp_path: Path) -> None:
    create(org, 5)
    job = org.bulk_query("SELECT Id FROM Lead")
    job.wait()
    with Org.connect(config, retries=QUICK) as other:
        resumed = other.resume_bulk_query(job.id, job.api_version, sobject="Lead", operation="queryAll")
        assert resumed.wait().records == 5
        assert [resumed.fetch(p, tmp_path / "page").rows for p in resumed.pages()] == [5]


def test_a_failed_job_raises_its_reason(practice: PracticeServer, org: Org) -> None:
    practice.faults.add("failed-job:times=1,message=INVALID_FIELD: gone")
    job = org.bulk_query("SELECT Id FROM Lead")
    with pytest.raises(OrgError, match="gone") as caught:
        job.wait()
    assert caught.value.code == "INVALID_FIELD"


def test_a_page_that_always_breaks_off_is_incomplete(practice: PracticeServer, org: Org, tmp_path: Path) -> None:
    create(org, 50)
    job = org.bulk_query("SELECT Id FROM Lead")
    job.wait()
    (page,) = job.pages()
    practice.faults.add("cut:path=/results")
    with pytest.raises(IncompleteRead):
        job.fetch(page, tmp_path / "page")
    assert list(tmp_path.iterdir()) == []


# -- writing


def test_updates_set_and_clear_and_leave_the_rest(org: Org) -> None:
    (id,) = create(org, 1, Phone="1", Email="a@example.com")
    assert org.update("Lead", [{"Id": id, "Phone": None, "Company": "New"}])[0].ok
    assert org.retrieve("Lead", [id], ["Phone", "Company", "Email"])[id] == {
        "Id": id,
        "Phone": None,
        "Company": "New",
        "Email": "a@example.com",
    }


def test_one_bad_row_does_not_stop_the_others(org: Org) -> None:
    first, second = create(org, 2)
    results = org.update("Lead", [{"Id": first, "Company": None}, {"Id": second, "Company": "Good"}])
    assert [r.ok for r in results] == [False, True]
    assert results[0].code == "REQUIRED_FIELD_MISSING"
    assert results[0].fields == ("Company",)


def test_locked_rows_are_told_by_code(practice: PracticeServer, org: Org) -> None:
    ids = create(org, 3)
    practice.faults.add("lock:times=1,rows=2")
    results = org.update("Lead", [{"Id": id, "Company": "X"} for id in ids])
    assert [r.code for r in results] == ["UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW", ""]


def test_a_lost_reply_leaves_one_write_and_says_unknown(practice: PracticeServer, org: Org) -> None:
    practice.faults.add("lost:times=1,method=POST,path=composite/sobjects")
    with pytest.raises(UnknownOutcome):
        org.create("Lead", [{"LastName": "Once", "Company": "X"}])
    assert org.count("SELECT COUNT() FROM Lead WHERE LastName = 'Once'") == 1


def test_one_record_is_left_alone_when_it_was_edited_since(practice: PracticeServer, org: Org) -> None:
    (id,) = create(org, 1)
    read_at = practice.org.clock.now()
    practice.org.clock.offset = timedelta(minutes=5)
    assert org.update_one("Lead", id, {"Company": "Mine"}, read_at).ok
    result = org.update_one("Lead", id, {"Company": "Too late"}, read_at)
    assert (result.ok, result.code) == (False, "PRECONDITION_FAILED")
    found = org.retrieve("Lead", [id], ["Company"])[id]
    assert found is not None
    assert found["Company"] == "Mine"


def test_retrieve_knows_gone_from_there(org: Org) -> None:
    there, gone = create(org, 2)
    org.delete("Lead", [gone])
    found = org.retrieve("Lead", [gone, there, "00Q000000000001AAA"[:15]], ["LastName"])
    assert [r is None for r in found.values()] == [True, False, True]


# -- quota


def test_a_run_stops_at_the_floor_and_sends_nothing_more(practice: PracticeServer, config: OrgConfig) -> None:
    practice.settings.daily_requests = 50
    with Org.connect(config, QuotaConfig(floor_percent=80.0), retries=QUICK) as org:
        calls = 0
        with pytest.raises(QuotaFloor):  # noqa: PT012
            while True:
                org.limits()
                calls += 1
        assert (org.usage.used, org.usage.limit, org.usage.calls) == (10, 50, 10)
    assert calls == 10


def test_the_end_of_the_quota_is_not_a_reason_to_retry(practice: PracticeServer, org: Org) -> None:
    practice.faults.add("quota:path=/query")
    with pytest.raises(QuotaFloor):
        list(org.query("SELECT Id FROM Lead"))
    assert practice.faults.hits("quota") == 1


def test_nothing_needs_a_call_that_is_not_counted(practice: PracticeServer, org: Org) -> None:
    create(org, 10)
    list(org.query("SELECT Id FROM Lead"))
    org.batch_get([soql.path("SELECT COUNT() FROM Lead")] * 3)
    assert org.usage.used == org.usage.calls == 5


def test_org_is_the_same_when_made_by_hand(practice: PracticeServer, config: OrgConfig) -> None:
    calls: list[tuple[str, str, int, float]] = []
    options: dict[str, Any] = {"retries": QUICK, "on_call": lambda *call: calls.append(call)}
    make: Callable[..., Org] = Org.connect
    with make(config, **options) as org:
        org.limits()
    assert [c[:3] for c in calls] == [("GET", "/services/data", 200), ("GET", "/services/data/v66.0/limits", 200)]
