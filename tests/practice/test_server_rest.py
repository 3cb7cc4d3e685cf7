"""REST resources, on the wire."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import pytest
import requests
from clients import Rest

from sfsync.practice.errors import ApiError
from sfsync.practice.rest import release
from sfsync.practice.schema import Field
from sfsync.practice.serve import PracticeServer
from sfsync.practice.settings import Settings


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def with_external_id(server: PracticeServer, *, unique: bool = True) -> None:
    server.org.add_field(
        "Lead",
        Field("Ext__c", "string", "Ext", length=40, external_id=True, unique=unique, id_lookup=True, custom=True),
    )


# -- versions, discovery --------------------------------------------------------------------------------------------


def test_versions_need_no_token_and_carry_no_limit_info(server: PracticeServer) -> None:
    answer = requests.get(f"{server.url}/services/data/", timeout=60)
    assert answer.json()[-2] == {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"}
    assert "Sforce-Limit-Info" not in answer.headers


@pytest.mark.parametrize(
    ("version", "label"), [(31, "Summer '14"), (32, "Winter '15"), (58, "Summer '23"), (67, "Summer '26")]
)
def test_release_names(version: int, label: str) -> None:
    assert release(version) == label


@pytest.mark.parametrize(
    ("version", "status"), [("30.0", 410), ("31.0", 200), ("67.0", 200), ("68.0", 404), ("66", 404)]
)
def test_only_versions_31_to_67_are_served(rest: Rest, version: str, status: int) -> None:
    assert rest.get(f"/services/data/v{version}/sobjects").status_code == status


def test_describes_answer_304_until_the_fields_change(rest: Rest, server: PracticeServer) -> None:
    first = rest.get("/sobjects/lead/describe")
    assert first.json()["name"] == "Lead"
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert rest.get("/sobjects/Lead/describe", headers=since).status_code == 304
    assert rest.get("/sobjects/Lead/describe", headers={"If-None-Match": first.headers["ETag"]}).content == b""
    server.org.clock.offset += timedelta(seconds=5)
    server.org.add_field("Lead", Field("New__c", "string", length=10, custom=True))
    again = rest.get("/sobjects/Lead/describe", headers=since)
    assert again.status_code == 200
    assert "New__c" in {f["name"] for f in again.json()["fields"]}
    assert again.headers["ETag"] != first.headers["ETag"]


def test_basic_info_of_an_sobject(rest: Rest) -> None:
    found = rest.get("/sobjects/Account/").json()
    assert found["objectDescribe"]["keyPrefix"] == "001"
    assert found["recentItems"] == []
    assert code(rest.get("/sobjects/Nope")) == (404, "NOT_FOUND")


# -- single records -------------------------------------------------------------------------------------------------


def test_create_answers_as_salesforce_does(rest: Rest) -> None:
    answer = rest.post("/sobjects/Lead/", json={"LastName": "A", "Company": "B"})
    assert answer.status_code == 201
    assert answer.json() == {"id": answer.json()["id"], "success": True, "errors": []}
    assert answer.headers["Location"].endswith(f"/sobjects/Lead/{answer.json()['id']}")


def test_refused_create_is_an_array_with_code_and_fields(rest: Rest) -> None:
    answer = rest.post("/sobjects/Lead", json={"Company": "B"})
    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "Required fields are missing: [LastName]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["LastName"],
        }
    ]
    assert code(rest.post("/sobjects/Lead", json={"LastName": "A", "Company": "B", "Nope": 1})) == (
        400,
        "INVALID_FIELD",
    )


def test_body_must_not_repeat_the_id(rest: Rest) -> None:
    lead = rest.new("Lead", LastName="A", Company="B")
    assert code(rest.patch(f"/sobjects/Lead/{lead}", json={"id": lead, "Company": "C"})) == (400, "INVALID_FIELD")


def test_read_gives_the_named_fields(rest: Rest) -> None:
    lead = rest.new("Lead", LastName="A", Company="B")
    found = rest.get(f"/sobjects/Lead/{lead[:15]}", params={"fields": "LastName,Owner.Name"}).json()
    assert found["LastName"] == "A"
    assert found["Owner"]["Name"]
    assert set(found) == {"attributes", "LastName", "Owner"}
    assert code(rest.get(f"/sobjects/Lead/{lead}", params={"fields": "Id FROM Lead LIMIT 1"})) == (400, "INVALID_FIELD")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_unknown_and_deleted_records_are_404(rest: Rest, method: str) -> None:
    lead = rest.new("Lead", LastName="A", Company="B")
    rest.delete(f"/sobjects/Lead/{lead}")
    body = {"Company": "C"} if method == "PATCH" else None
    assert code(rest.request(method, f"/sobjects/Lead/{lead}", json=body)) == (404, "ENTITY_IS_DELETED")
    assert rest.request(method, "/sobjects/Lead/00Q000000000001", json=body).status_code == 404
    not_an_id = rest.request(method, "/sobjects/Lead/rid", json=body)
    assert not_an_id.json()[0]["message"] == "Provided external ID field does not exist or is not accessible: rid"


def test_patch_by_post_with_method_override(rest: Rest) -> None:
    lead = rest.new("Lead", LastName="A", Company="B")
    assert rest.post(f"/sobjects/Lead/{lead}?_HttpMethod=PATCH", json={"Company": "C"}).status_code == 204


def test_upsert_creates_updates_and_reports_which(rest: Rest, server: PracticeServer) -> None:
    with_external_id(server)
    path = "/sobjects/Lead/Ext__c/" + quote("a/b %+ü", safe="")
    made = rest.patch(path, json={"LastName": "A", "Company": "B"})
    assert (made.status_code, made.json()["created"]) == (201, True)
    changed = rest.patch(path, json={"Company": "C"})
    assert (changed.status_code, changed.json()) == (200, {**made.json(), "created": False})
    old = rest.patch(path.replace("/sobjects", "/services/data/v45.0/sobjects"), json={"Company": "D"})
    assert (old.status_code, old.content) == (204, b"")
    assert rest.get(path).json()["Ext__c"] == "a/b %+ü"
    assert code(rest.patch(path, json={"Ext__c": "x"})) == (400, "INVALID_FIELD")


def test_upsert_refusals(rest: Rest, server: PracticeServer) -> None:
    with_external_id(server, unique=False)
    ids = [rest.new("Lead", LastName="A", Company="B", Ext__c="twice") for _ in range(2)]
    several = rest.patch("/sobjects/Lead/Ext__c/twice", json={"Company": "C"})
    assert several.status_code == 300
    assert several.json() == [f"/services/data/v66.0/sobjects/Lead/{i}" for i in sorted(ids)]
    assert rest.get("/sobjects/Lead/Ext__c/twice").status_code == 300
    only = rest.patch("/sobjects/Lead/Ext__c/new?updateOnly=true", json={"LastName": "A", "Company": "B"})
    assert code(only) == (404, "NOT_FOUND")
    unknown = rest.patch("/sobjects/Lead/Namez/1", json={"Company": "C"})
    assert unknown.json()[0]["message"] == "Provided external ID field does not exist or is not accessible: Namez"


def test_if_unmodified_since_protects_a_later_edit(rest: Rest, server: PracticeServer) -> None:
    lead = rest.new("Lead", LastName="A", Company="B")
    read = rest.get(f"/sobjects/Lead/{lead}").headers["Last-Modified"]
    assert rest.patch(f"/sobjects/Lead/{lead}", json={"Company": "C"}, headers={"If-Unmodified-Since": read}).ok
    server.org.clock.offset += timedelta(seconds=60)
    rest.patch(f"/sobjects/Lead/{lead}", json={"Company": "D"})
    refused = rest.patch(f"/sobjects/Lead/{lead}", json={"Company": "E"}, headers={"If-Unmodified-Since": read})
    assert refused.status_code == 412
    assert rest.get(f"/sobjects/Lead/{lead}").json()["Company"] == "D"
    now = rest.get(f"/sobjects/Lead/{lead}").headers["Last-Modified"]
    assert rest.get(f"/sobjects/Lead/{lead}", headers={"If-Modified-Since": now}).status_code == 304
    assert rest.get(f"/sobjects/Lead/{lead}", headers={"If-Modified-Since": "soon"}).status_code == 400


def test_etags_work_on_accounts_only(rest: Rest, server: PracticeServer) -> None:
    account = rest.new("Account", Name="A")
    tag = rest.get(f"/sobjects/Account/{account}").headers["ETag"]
    server.org.clock.offset += timedelta(seconds=60)
    assert rest.patch(f"/sobjects/Account/{account}", json={"Name": "B"}, headers={"If-Match": tag}).status_code == 204
    stale = rest.patch(f"/sobjects/Account/{account}", json={"Name": "C"}, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert rest.get(f"/sobjects/Account/{account}", headers={"If-None-Match": tag}).status_code == 200
    lead = rest.new("Lead", LastName="A", Company="B")
    assert "ETag" not in rest.get(f"/sobjects/Lead/{lead}").headers
    assert rest.patch(f"/sobjects/Lead/{lead}", json={"Company": "C"}, headers={"If-Match": '"x"'}).status_code == 204


def test_updated_and_deleted_in_a_window(rest: Rest, server: PracticeServer) -> None:
    kept, gone = (rest.new("Lead", LastName="A", Company="B") for _ in range(2))
    rest.delete(f"/sobjects/Lead/{gone}")
    server.org.clock.offset += timedelta(minutes=10)
    now = datetime.now(UTC)
    window = {
        "start": (now - timedelta(minutes=1)).isoformat(timespec="seconds"),
        "end": (now + timedelta(minutes=9)).isoformat(timespec="seconds"),
    }
    assert kept in rest.get("/sobjects/Lead/updated/", params=window).json()["ids"]
    deleted = rest.get("/sobjects/Lead/deleted/", params=window)
    assert [d["id"] for d in deleted.json()["deletedRecords"]] == [gone], deleted.text
    assert rest.get("/sobjects/Lead/updated/", params={**window, "start": "yesterday"}).status_code == 400


# -- query ----------------------------------------------------------------------------------------------------------


def accounts(server: PracticeServer, count: int) -> None:
    server.org.load("Account", f"SELECT practice_id('001', 9 + i) \"Id\", 'A' || i \"Name\" FROM range({count}) r(i)")


def test_pages_follow_the_batch_size_and_the_locator(rest: Rest, server: PracticeServer) -> None:
    accounts(server, 450)
    headers = {"Sforce-Query-Options": "batchSize=200"}
    page = rest.soql("SELECT Id FROM Account", headers=headers).json()
    sizes, ids = [], []
    while True:
        sizes.append(len(page["records"]))
        ids += [r["Id"] for r in page["records"]]
        assert (page["totalSize"], page["done"]) == (450, "nextRecordsUrl" not in page)
        if page["done"]:
            break
        assert page["nextRecordsUrl"].endswith(f"-{len(ids)}")
        page = rest.get(page["nextRecordsUrl"]).json()
    assert sizes == [200, 200, 50]
    assert len(set(ids)) == 450


@pytest.mark.parametrize("size", ["199", "2001", "many"])
def test_batch_sizes_out_of_range_are_refused(rest: Rest, size: str) -> None:
    answer = rest.soql("SELECT Id FROM Lead", headers={"Sforce-Query-Options": f"batchSize={size}"})
    assert answer.status_code == 400


def test_locators_can_be_read_again_but_expire(rest: Rest, server: PracticeServer) -> None:
    accounts(server, 2500)
    following = rest.soql("SELECT Id FROM Account ORDER BY Id").json()["nextRecordsUrl"]
    assert rest.get(following).json() == rest.get(following).json()
    for bad in (following.replace("-2000", "-9000"), following[:-5], "/query/01g000000000000000-2000"):
        assert code(rest.get(bad)) == (400, "INVALID_QUERY_LOCATOR")
    server.settings.session_minutes = 10**6
    server.org.clock.offset += timedelta(hours=49)
    assert code(rest.get(following)) == (400, "INVALID_QUERY_LOCATOR")


def test_query_all_sees_deleted_rows(rest: Rest) -> None:
    lead = rest.new("Lead", LastName="A", Company="B")
    rest.delete(f"/sobjects/Lead/{lead}")
    assert rest.soql("SELECT Id FROM Lead").json()["totalSize"] == 0
    found = rest.get("/queryAll", params={"q": "SELECT Id, IsDeleted FROM Lead"}).json()["records"]
    assert [(r["Id"], r["IsDeleted"]) for r in found] == [(lead, True)]


def test_count_and_aggregates(rest: Rest) -> None:
    for company in ("A", "A", "B"):
        rest.new("Lead", LastName="L", Company=company)
    assert rest.soql("SELECT COUNT() FROM Lead").json() == {"totalSize": 3, "done": True, "records": []}
    groups = rest.soql("SELECT Company, COUNT(Id) n FROM Lead GROUP BY Company ORDER BY Company").json()["records"]
    assert [(g["Company"], g["n"], g["attributes"]["type"]) for g in groups] == [
        ("A", 2, "AggregateResult"),
        ("B", 1, "AggregateResult"),
    ]


def test_bad_queries_are_refused(rest: Rest) -> None:
    assert code(rest.get("/query")) == (400, "MALFORMED_QUERY")
    assert code(rest.soql("SELECT Id FROM Xyzzy")) == (400, "INVALID_TYPE")
    assert code(rest.get("/query", params={"q": "SELECT Id FROM Lead", "limit": "1"})) == (400, "INVALID_PARAMETER")


# -- limits, transport ----------------------------------------------------------------------------------------------


def test_every_call_is_counted_and_the_quota_ends_and_frees_itself(server: PracticeServer) -> None:
    server.settings.daily_requests = 3
    with Rest(server) as rest:
        assert rest.get("/sobjects").headers["Sforce-Limit-Info"] == "api-usage=1/3"
        assert code(rest.get("/sobjects/Nope")) == (404, "NOT_FOUND")
        assert rest.get("/limits").json()["DailyApiRequests"] == {"Max": 3, "Remaining": 0}
        refused = rest.get("/limits")
        assert refused.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
        assert refused.status_code == 403
        server.settings.session_minutes = 10**6
        server.org.clock.offset += timedelta(hours=25)
        assert rest.get("/limits").json()["DailyApiRequests"] == {"Max": 3, "Remaining": 2}


def test_record_count_misses_unknown_objects(rest: Rest) -> None:
    rest.new("Account", Name="A")
    found = rest.get("/limits/recordCount", params={"sObjects": "Account,Nope"}).json()
    assert found == {"sObjects": [{"count": 1, "name": "Account"}]}


def test_date_header_is_the_orgs_clock(rest: Rest, server: PracticeServer) -> None:
    server.org.clock.offset = timedelta(days=3)
    server.settings.session_minutes = 10**6
    found = parsedate_to_datetime(rest.get("/limits").headers["Date"])
    assert abs(found - datetime.now(UTC) - timedelta(days=3)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nope", (404, "NOT_FOUND")),
        ("GET", "/sobjects/Lead/x/y/z", (404, "NOT_FOUND")),
        ("PUT", "/sobjects/Lead", (405, "METHOD_NOT_ALLOWED")),
        ("POST", "/query", (405, "METHOD_NOT_ALLOWED")),
    ],
)
def test_unknown_paths_and_methods(rest: Rest, method: str, path: str, expected: tuple[int, str]) -> None:
    assert code(rest.request(method, path)) == expected


@pytest.mark.parametrize("body", [b"{", b"[1,", b'{"a": NaN}', b"\xff", b"", b"[]"])
def test_malformed_json_is_a_parser_error(rest: Rest, body: bytes) -> None:
    answer = rest.post("/sobjects/Lead", body, headers={"Content-Type": "application/json"})
    assert code(answer) == (400, "JSON_PARSER_ERROR")


def test_other_content_types_are_refused(rest: Rest) -> None:
    assert code(rest.post("/sobjects/Lead", {"LastName": "A"})) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert code(rest.get("/sobjects", headers={"Accept": "application/xml"})) == (406, "NOT_ACCEPTABLE")


def test_uri_and_headers_have_their_limits(rest: Rest) -> None:
    assert rest.soql("SELECT Id FROM Lead WHERE Name = '" + "x" * 17_000 + "'").status_code == 414
    assert rest.get("/limits", headers={"X-Long": "x" * 17_000}).status_code == 431
    assert rest.soql("SELECT Id FROM Lead WHERE Name IN ('" + "','".join(["x" * 100] * 140) + "')").status_code == 200


def test_answers_are_gzipped_only_when_asked(rest: Rest) -> None:
    packed = rest.get("/sobjects", headers={"Accept-Encoding": "gzip"})
    plain = rest.get("/sobjects", headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json()


def test_gzipped_requests_are_read(rest: Rest) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps({"LastName": "Gé", "Company": "B"}).encode())
    assert rest.post("/sobjects/Lead", body, headers=headers).status_code == 201
    assert rest.post("/sobjects/Lead", b"no gzip", headers=headers).status_code == 400


def test_decimals_are_not_read_through_floats(rest: Rest, server: PracticeServer) -> None:
    account = rest.post(
        "/sobjects/Account",
        b'{"Name": "A", "AnnualRevenue": 123456789012345678}',
        headers={"Content-Type": "application/json"},
    )
    assert account.status_code == 201
    assert [str(a["AnnualRevenue"]) for a in server.org.dump("Account")] == ["123456789012345678"]


def test_a_server_can_be_used_by_several_sessions_at_once(server: PracticeServer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def work(number: int) -> int:
        with Rest(server) as rest:
            for i in range(5):
                rest.new("Lead", LastName=f"L{number}", Company=f"C{i}")
            return int(rest.soql(f"SELECT COUNT() FROM Lead WHERE LastName = 'L{number}'").json()["totalSize"])

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(6))) == [5] * 6


def test_settings_are_the_callers_own() -> None:
    with PracticeServer(settings=Settings(daily_requests=7)) as server, Rest(server) as rest:
        assert rest.get("/limits").json()["DailyApiRequests"]["Max"] == 7


def test_stop_is_quick_and_frees_the_port() -> None:
    import threading
    import time

    before = set(threading.enumerate())
    server = PracticeServer().start()
    requests.get(f"{server.url}/services/data", timeout=60)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 0.5
    assert not server.site.folder.exists()
    deadline = time.monotonic() + 60
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) - before == set()
    again = PracticeServer(port=int(server.url.rpartition(":")[2])).start()
    again.stop()


def test_api_error_text_names_its_code() -> None:
    assert str(ApiError(400, "X", "y")) == "X: y"
