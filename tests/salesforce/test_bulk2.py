from __future__ import annotations

import gzip
import random
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import IncompleteRead, OrgError, RetryableOrgError
from sfsync.salesforce.bulk2 import BulkQuery, PageRef
from sfsync.salesforce.org import Org
from tests.salesforce.scripted import Answer, Asked, ScriptedServer, js, no, page

JOB = "750R0000000zlh9IAA"
BASE = f"/services/data/v66.0/jobs/query/{JOB}"
SOQL = "SELECT Id, Name FROM Lead"
CSV = b'"Id","Name"\n"1","two\nlines, \r \xe2\x80\xa8 \xc3\xa9 \xf0\x9f\x8f\xad"\n'
EXPIRED = no(401, "INVALID_SESSION_ID")


def job(state: str = "JobComplete", **more: Any) -> Answer:
    body = {"id": JOB, "operation": "queryAll", "object": "Lead", "state": state, "apiVersion": 66.0}
    return js({**body, "numberRecordsProcessed": 3, **more})


def csv(body: bytes = CSV, rows: int = 1, following: str = "null", cut: int | None = None, **more: str) -> Answer:
    headers = {"Content-Type": "text/csv", "Sforce-NumberOfRecords": str(rows), "Sforce-Locator": following}
    return Answer(200, body, {**headers, **{k.replace("_", "-"): v for k, v in more.items()}}, cut)


@pytest.fixture
def bulk(server: ScriptedServer, org: Org) -> BulkQuery:
    server.on("POST .*/jobs/query$", job("UploadComplete"))
    server.on(f"GET {BASE}$", job())
    return org.bulk_query(SOQL)


PAGE = PageRef("", f"{BASE}/results")


# -- the job


def test_a_job_asks_for_deleted_rows_and_plain_csv(server: ScriptedServer, bulk: BulkQuery) -> None:
    assert (bulk.id, bulk.api_version, bulk.soql) == (JOB, "66.0", SOQL)
    assert server.all("POST .*/jobs/query$")[0].json() == {
        "operation": "queryAll",
        "query": SOQL,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }


def test_wait_polls_until_the_job_is_complete(server: ScriptedServer, bulk: BulkQuery) -> None:
    server.on(f"GET {BASE}$", job("UploadComplete"), job("InProgress"), job("JobComplete", numberRecordsProcessed=7))
    seen: list[tuple[str, int]] = []
    info = bulk.wait(progress=lambda state, records: seen.append((state, records)))
    assert (info.records, info.sobject, info.operation) == (7, "Lead", "queryAll")
    assert seen == [("UploadComplete", 3), ("InProgress", 3), ("JobComplete", 7)]


def test_a_failed_job_tells_its_message(server: ScriptedServer, bulk: BulkQuery) -> None:
    server.on(f"GET {BASE}$", job("Failed", errorMessage="INVALID_FIELD: No such column 'X'"))
    with pytest.raises(OrgError, match="No such column") as caught:
        bulk.wait()
    assert caught.value.code == "INVALID_FIELD"


def test_an_aborted_job_ends_the_wait(server: ScriptedServer, bulk: BulkQuery) -> None:
    server.on(f"GET {BASE}$", job("Aborted"))
    with pytest.raises(OrgError, match="aborted") as caught:
        bulk.wait()
    assert caught.value.code == "ABORTED"


def test_a_job_that_takes_too_long_is_left_to_be_resumed(server: ScriptedServer, bulk: BulkQuery) -> None:
    server.on(f"GET {BASE}$", job("InProgress"))
    with pytest.raises(RetryableOrgError, match=f"{JOB}.*InProgress"):
        bulk.wait(deadline=0.3)


@pytest.mark.parametrize("other", [{"object": "Account"}, {"operation": "query"}, {"id": "750R0000000zlh8IAA"}])
def test_somebody_elses_job_is_not_taken_for_ours(
    server: ScriptedServer, bulk: BulkQuery, other: dict[str, str]
) -> None:
    server.on(f"GET {BASE}$", job(**other))
    with pytest.raises(OrgError, match="Nothing of it is used"):
        bulk.wait()


def test_a_job_is_resumed_with_its_own_version(server: ScriptedServer, org: Org) -> None:
    server.on(f"GET /services/data/v61.0/jobs/query/{JOB}$", job())
    assert org.resume_bulk_query(JOB, "61.0", sobject="Lead", operation="queryAll").wait().records == 3
    with pytest.raises(OrgError, match="Nothing of it is used"):
        org.resume_bulk_query(JOB, "61.0", soql="SELECT Id FROM Account").wait()


def test_a_refused_query_keeps_its_code(server: ScriptedServer, org: Org) -> None:
    server.on("POST .*/jobs/query$", no(400, "INVALIDENTITY", "LeadStatus is not supported by the Bulk API."))
    with pytest.raises(OrgError) as caught:
        org.bulk_query("SELECT Id FROM LeadStatus")
    assert caught.value.code == "INVALIDENTITY"


def test_abort_and_delete_leave_alone_what_is_over(server: ScriptedServer, bulk: BulkQuery) -> None:
    server.on(f"PATCH {BASE}$", job("Aborted"), no(400, "INVALIDJOBSTATE"))
    server.on(f"DELETE {BASE}$", Answer(204), no(404, "NOT_FOUND"), no(400, "API_ERROR"))
    bulk.abort()
    bulk.abort()
    bulk.delete()
    bulk.delete()
    assert server.all("PATCH")[0].json() == {"state": "Aborted"}
    with pytest.raises(OrgError):
        bulk.delete()


# -- the pages


def listed(locators: list[str], following: str | None, key: str = "nextRecordsUrl") -> Answer:
    pages = [{"resultUrl": f"{BASE}/results?locator={n}"} for n in locators]
    return js({"resultPages": pages, "done": following is None, **({key: following} if following else {})})


@pytest.mark.parametrize("key", ["nextRecordsUrl", "nextRecordUrl"])
def test_pages_are_listed_all_at_once(server: ScriptedServer, bulk: BulkQuery, key: str) -> None:
    server.on(
        f"GET {BASE}/result[pP]ages", listed(["a", "b"], f"{BASE}/resultpages?locator=x", key), listed(["c"], None)
    )
    pages = list(bulk.pages(max_records=10))
    assert [p.locator for p in pages] == ["a", "b", "c"]
    assert pages[2].url == f"{BASE}/results?locator=c"
    assert [a.path for a in server.all("result[pP]ages")] == [f"{BASE}/resultPages", f"{BASE}/resultpages"]


def test_a_list_of_pages_that_breaks_off_is_incomplete(server: ScriptedServer, bulk: BulkQuery) -> None:
    server.on(f"GET {BASE}/resultPages", js({"resultPages": [], "done": False}))
    with pytest.raises(IncompleteRead):
        list(bulk.pages())


def test_a_list_of_pages_that_runs_in_a_circle_ends(server: ScriptedServer, bulk: BulkQuery) -> None:
    server.on(f"GET {BASE}/resultPages", listed(["a"], f"{BASE}/resultPages"))
    with pytest.raises(OrgError, match="circle"):
        list(bulk.pages())


def test_a_page_of_another_job_is_refused(server: ScriptedServer, bulk: BulkQuery) -> None:
    url = "/services/data/v66.0/jobs/query/750R0000000zlh8IAA/results?locator=a"
    server.on(f"GET {BASE}/resultPages", js({"resultPages": [{"resultUrl": url}], "done": True}))
    with pytest.raises(OrgError, match="another job"):
        list(bulk.pages())


def chain(asked: Asked) -> Answer:
    following = {"": "b+/=", "b+/=": "c", "c": "null"}[asked.query.get("locator", "")]
    return csv(following=following)


@pytest.fixture
def old(server: ScriptedServer, org: Org) -> BulkQuery:
    """A job from before parallel result pages."""
    server.on(f"GET /services/data/v57.0/jobs/query/{JOB}/results", chain)
    return org.resume_bulk_query(JOB, "57.0")


def test_old_versions_follow_the_locators(server: ScriptedServer, old: BulkQuery, tmp_path: Path) -> None:
    locators = []
    for n, ref in enumerate(old.pages(max_records=50_000)):
        info = old.fetch(ref, tmp_path / str(n))
        locators.append((ref.locator, info.next_locator))
    assert locators == [("", "b+/="), ("b+/=", "c"), ("c", None)]
    assert [a.query.get("maxRecords") for a in server.all("/results")] == ["50000"] * 3


def test_pages_not_fetched_yet_are_looked_up(old: BulkQuery) -> None:
    assert [p.url.partition("/results")[2] for p in old.pages()] == ["", "?locator=b%2B%2F%3D", "?locator=c"]


# -- fetching


@pytest.mark.parametrize("packed", [False, True])
def test_a_page_is_stored_as_it_came(server: ScriptedServer, bulk: BulkQuery, tmp_path: Path, packed: bool) -> None:
    answer = csv(gzip.compress(CSV), Content_Encoding="gzip") if packed else csv()
    server.on(f"GET {BASE}/results", answer)
    info = bulk.fetch(PAGE, tmp_path / "page.csv")
    assert (info.rows, info.columns, info.bytes, info.next_locator) == (1, ["Id", "Name"], len(CSV), None)
    assert (tmp_path / "page.csv").read_bytes() == CSV
    assert [f.name for f in tmp_path.iterdir()] == ["page.csv"]
    assert server.all("/results")[0].headers["Accept"] == "text/csv"


def test_a_byte_order_mark_is_taken_off(server: ScriptedServer, bulk: BulkQuery, tmp_path: Path) -> None:
    server.on(f"GET {BASE}/results", csv(b"\xef\xbb\xbf" + CSV))
    info = bulk.fetch(PAGE, tmp_path / "page.csv")
    assert info.columns == ["Id", "Name"]
    assert (tmp_path / "page.csv").read_bytes() == CSV


@pytest.mark.parametrize(("body", "columns"), [(b'"Id","Name"\r\n', ["Id", "Name"]), (b"Id", ["Id"]), (b"", [])])
def test_a_page_without_rows_is_a_page(
    server: ScriptedServer, bulk: BulkQuery, tmp_path: Path, body: bytes, columns: list[str]
) -> None:
    server.on(f"GET {BASE}/results", csv(body, rows=0))
    info = bulk.fetch(PAGE, tmp_path / "page.csv")
    assert (info.rows, info.columns, info.bytes) == (0, columns, len(body))


@pytest.mark.parametrize(
    "broken",
    [
        csv(cut=20),
        csv(gzip.compress(CSV), cut=30, Content_Encoding="gzip"),
        csv(gzip.compress(CSV)[:-9], Content_Encoding="gzip"),
        csv(b"\x1f\x8b\x08\x00nonsense nonsense", Content_Encoding="gzip"),
        csv(b""),
        csv(following=""),
        csv(Sforce_NumberOfRecords=""),
        csv(Sforce_NumberOfRecords="many"),
    ],
    ids=["cut", "cut gzip", "short gzip", "damaged gzip", "empty", "no locator", "no count", "bad count"],
)
def test_a_page_that_is_not_whole_is_asked_again_and_then_refused(
    server: ScriptedServer, bulk: BulkQuery, tmp_path: Path, broken: Answer
) -> None:
    server.on(f"GET {BASE}/results", broken, csv())
    assert bulk.fetch(PAGE, tmp_path / "good.csv").bytes == len(CSV)
    server.on(f"GET {BASE}/results", broken)
    with pytest.raises(IncompleteRead, match="5 tries"):
        bulk.fetch(PAGE, tmp_path / "bad.csv")
    assert [f.name for f in tmp_path.iterdir()] == ["good.csv"]
    assert server.count("/results") == 7


@pytest.mark.parametrize(
    "outage",
    [page(200), page(503), Answer(502), js({"error": "x"}), csv(Content_Type="text/html")],
    ids=["html 200", "html 503", "502", "json", "csv as html"],
)
def test_an_outage_is_not_stored_as_data(
    server: ScriptedServer, bulk: BulkQuery, tmp_path: Path, outage: Answer
) -> None:
    server.on(f"GET {BASE}/results", outage)
    with pytest.raises(RetryableOrgError):
        bulk.fetch(PAGE, tmp_path / "page.csv")
    assert list(tmp_path.iterdir()) == []


def test_html_without_a_type_is_not_stored_as_data(server: ScriptedServer, bulk: BulkQuery, tmp_path: Path) -> None:
    server.on(f"GET {BASE}/results", csv(b"\n <html>Sorry</html>", Content_Type=""))
    with pytest.raises(IncompleteRead):
        bulk.fetch(PAGE, tmp_path / "page.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_charset_in_the_type_changes_nothing(server: ScriptedServer, bulk: BulkQuery, tmp_path: Path) -> None:
    server.on(f"GET {BASE}/results", csv(Content_Type="text/csv; charset=ISO-8859-1"))
    bulk.fetch(PAGE, tmp_path / "page.csv")
    assert (tmp_path / "page.csv").read_bytes() == CSV


def test_results_of_another_version_are_refused(server: ScriptedServer, bulk: BulkQuery, tmp_path: Path) -> None:
    server.on(f"GET {BASE}/results", Answer(409))
    with pytest.raises(OrgError) as caught:
        bulk.fetch(PAGE, tmp_path / "page.csv")
    assert caught.value.status == 409


def test_pages_are_fetched_in_parallel_over_a_dying_session(
    server: ScriptedServer, bulk: BulkQuery, tmp_path: Path
) -> None:
    """Eight threads, twenty pages, the session dead from the fifth on: every file is whole, one login was enough."""
    served, lock = 0, threading.Lock()

    def results(asked: Asked) -> Answer:
        nonlocal served
        with lock:
            served += 1
            number = served
        if number > 5 and asked.headers["Authorization"].endswith("TOKEN.1"):
            return EXPIRED
        body = b'"Id"\n' + f'"{asked.query["locator"]}"\n'.encode() * 20_000
        return csv(gzip.compress(body, 1), rows=20_000, Content_Encoding="gzip")

    server.on(f"GET {BASE}/results", results)
    refs = [PageRef(str(n), f"{BASE}/results?locator={n}") for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        infos = list(pool.map(lambda ref: bulk.fetch(ref, tmp_path / ref.locator), refs))
    assert [i.rows for i in infos] == [20_000] * 20
    for ref in refs:
        lines = (tmp_path / ref.locator).read_text().splitlines()
        assert lines[0] == '"Id"'
        assert lines[1:] == [f'"{ref.locator}"'] * 20_000
    assert server.count("/oauth2/token") == 2


def test_gzip_in_several_members_is_read_to_its_end(server: ScriptedServer, bulk: BulkQuery, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(700_000).hex().encode()
    parts = [b'"Id"\n', noise, b"\n", noise[::-1]]
    server.on(f"GET {BASE}/results", csv(b"".join(map(gzip.compress, parts)), Content_Encoding="gzip"))
    bulk.fetch(PAGE, tmp_path / "page.csv")
    assert (tmp_path / "page.csv").read_bytes() == b"".join(parts)


def test_memory_stays_small_however_well_a_page_was_packed(
    server: ScriptedServer, bulk: BulkQuery, tmp_path: Path
) -> None:
    """60 MB that travel as 60 kB would fill the memory if a piece of input were unpacked in one go."""
    body = b'"Id"\n' + b"0" * 60_000_000
    server.on(f"GET {BASE}/results", csv(gzip.compress(body, 9), rows=1, Content_Encoding="gzip"))
    del body
    tracemalloc.start()
    info = bulk.fetch(PAGE, tmp_path / "page.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert info.bytes == 60_000_005
    assert (tmp_path / "page.csv").stat().st_size == 60_000_005
    assert peak < 10_000_000
