from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from sfsync.errors import AuthError, OrgError, RetryableOrgError, UnknownOutcome
from sfsync.salesforce.auth import ClientCredentials, SessionId
from sfsync.salesforce.org import Org
from sfsync.salesforce.retry import RetryPolicy
from tests.salesforce.conftest import SECRET
from tests.salesforce.scripted import Answer, Asked, ScriptedServer, js, no, page

EXPIRED = no(401, "INVALID_SESSION_ID", "Session expired or invalid")
QUERY = "SELECT Id FROM Lead WHERE Email = 'private.person@example.com'"
NO_ROWS = js({"totalSize": 0, "done": True, "records": []})


@pytest.mark.parametrize(
    "trouble",
    [
        no(503, "SERVER_UNAVAILABLE"),
        no(403, "API_CURRENTLY_DISABLED"),
        no(400, "UNABLE_TO_LOCK_ROW"),
        no(429, "ANY"),
        no(500, "UNKNOWN_EXCEPTION"),
        Answer(502),
        Answer(504, b"gateway timeout", {"Content-Type": "text/plain"}),
        Answer(406),
        Answer(420),
        page(503),
        page(200),
        Answer(200, b'{"totalSize": 1, "do', {"Content-Type": "application/json"}),
        Answer(200, b'{"totalSize": 1, "done": true}', {"Content-Type": "application/json"}, cut=9),
        Answer(cut=-1),
    ],
    ids=lambda a: f"{a.status}-{a.headers.get('Content-Type', '')[:9]}-{len(a.body)}-{a.cut}",
)
def test_trouble_that_passes_is_waited_out(
    server: ScriptedServer, org: Org, waits: list[float], trouble: Answer
) -> None:
    server.on("GET .*/limits", trouble, js({"fine": 1}))
    assert org.limits() == {"fine": 1}
    assert server.count("/limits") == 2
    assert len(waits) == 1


def test_waits_grow_at_random_up_to_the_cap(server: ScriptedServer, make_org: Callable[..., Org]) -> None:
    longest = [0.0] * 5
    for _ in range(40):
        waits: list[float] = []
        org = make_org(retries=RetryPolicy(tries=6, first_seconds=1.0, cap_seconds=4.0, sleep=waits.append))
        server.on("GET .*/limits", Answer(503))
        with pytest.raises(RetryableOrgError):
            org.limits()
        assert len(set(waits)) == 5
        longest = [max(a, b) for a, b in zip(longest, waits, strict=True)]
    assert all(seconds <= limit for seconds, limit in zip(longest, [1, 2, 4, 4, 4], strict=True))
    assert longest[0] < longest[2]


def test_giving_up_says_how_often_and_keeps_the_code(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", no(503, "SERVER_UNAVAILABLE", "Too busy"))
    with pytest.raises(RetryableOrgError, match=r"SERVER_UNAVAILABLE: Too busy.*5 tries") as caught:
        org.limits()
    assert (caught.value.code, caught.value.status) == ("SERVER_UNAVAILABLE", 503)
    assert server.count("/limits") == 5


def test_a_500_is_tried_three_times_only(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", no(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 123-456 (1)"))
    with pytest.raises(RetryableOrgError, match="ErrorId: 123-456"):
        org.limits()
    assert server.count("/limits") == 3


def test_retry_after_is_a_lower_bound(server: ScriptedServer, org: Org, waits: list[float]) -> None:
    server.on("GET .*/limits", no(429, "X", Retry_After="7"), js({}))
    org.limits()
    assert waits[0] >= 7


def test_a_retry_after_beyond_the_deadline_ends_the_call_at_once(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", no(503, "SERVER_UNAVAILABLE", Retry_After="3600"))
    with pytest.raises(RetryableOrgError, match="asks to wait 3600 s"):
        org.limits()
    assert server.count("/limits") == 1


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_a_refusal_is_not_repeated(server: ScriptedServer, org: Org, status: int) -> None:
    body = [{"errorCode": "SOME_CODE", "message": "No.", "fields": ["Email"]}]
    server.on("GET .*/limits", js(body, status))
    with pytest.raises(OrgError) as caught:
        org.limits()
    assert type(caught.value) is OrgError
    assert (caught.value.code, caught.value.status, caught.value.fields) == ("SOME_CODE", status, ["Email"])
    assert server.count("/limits") == 1


def test_a_host_that_is_down_is_called_unreachable(make_org: Callable[..., Org], waits: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    org = make_org(auth=SessionId(url, "00D000000000001!X"))
    with pytest.raises(RetryableOrgError, match=f"{url} cannot be reached"):
        org.limits()
    assert len(waits) == 4


def test_a_web_page_under_404_is_not_taken_for_salesforce(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", page(404))
    with pytest.raises(OrgError, match=r"a web page instead of data.*org\.instance_url") as caught:
        org.limits()
    assert "Down for maintenance" not in str(caught.value)


def test_a_retired_version_says_what_to_set(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", no(410, "UNSUPPORTED_API_VERSION"))
    with pytest.raises(OrgError, match="api_version"):
        org.limits()


# -- sessions


def test_an_expired_session_is_renewed_and_the_request_replayed(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", js({"n": 1}), EXPIRED, js({"n": 2}))
    assert [org.limits(), org.limits()] == [{"n": 1}, {"n": 2}]
    tokens = [a.headers["Authorization"] for a in server.all("/limits")]
    assert tokens == [f"Bearer 00D000000000001!TOKEN.{n}" for n in (1, 1, 2)]


def test_a_write_refused_for_its_session_is_replayed_too(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", js({}))
    org.limits()
    server.on("PATCH .*/composite/sobjects", EXPIRED, js([{"id": "00Q000000000001EAA", "success": True, "errors": []}]))
    (saved,) = org.update("Lead", [{"Id": "00Q000000000001EAA", "Company": "X"}])
    assert saved.ok
    assert server.count("PATCH") == 2


def test_threads_share_one_renewal(server: ScriptedServer, org: Org) -> None:
    """Eight threads find the session dead at the same moment: one logs in, none sends more than one request in vain."""
    dead = "Bearer 00D000000000001!TOKEN.1"
    meeting = threading.Barrier(8)

    def limits(asked: Asked) -> Answer:
        if asked.headers["Authorization"] != dead:
            return js({"fine": 1})
        meeting.wait(timeout=60)
        return EXPIRED

    server.on("GET .*/sobjects", js({"sobjects": []}))
    org.describe_global()
    server.on("GET .*/limits", limits)
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(org.limits())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert results == [{"fine": 1}] * 8
    assert server.count("/oauth2/token") == 2
    assert server.count("/limits") == 16


@pytest.mark.parametrize("worked_before", [True, False])
def test_a_session_refused_right_after_login_is_not_renewed_for_ever(
    server: ScriptedServer, org: Org, worked_before: bool
) -> None:
    server.on("GET .*/sobjects", js({}))
    if worked_before:
        org.describe_global()
    server.on("GET .*/limits", EXPIRED)
    for _ in range(3):
        with pytest.raises(AuthError, match="INVALID_SESSION_ID"):
            org.limits()
    assert server.count("/oauth2/token") == 2


@pytest.mark.parametrize(
    "answer",
    [
        no(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
        no(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"),
        page(401),
    ],
)
def test_not_every_401_asks_for_a_new_session(server: ScriptedServer, org: Org, answer: Answer) -> None:
    server.on("GET .*/limits", js({}), answer)
    org.limits()
    with pytest.raises(AuthError):
        org.limits()
    assert server.count("/oauth2/token") == 1


def test_a_session_id_cannot_be_renewed_and_says_so(server: ScriptedServer, make_org: Callable[..., Org]) -> None:
    server.on("GET .*/limits", EXPIRED)
    org = make_org(auth=SessionId(server.url, "00D000000000001!MINE"))
    with pytest.raises(AuthError, match=r"org\.session_id"):
        org.limits()


# -- secrets


def test_redirects_are_not_followed_with_the_token(server: ScriptedServer, org: Org) -> None:
    other = ScriptedServer()
    try:
        server.on("GET .*/limits", Answer(302, b"", {"Location": f"{other.url}/services?secret=1"}))
        with pytest.raises(OrgError, match=f"redirected to {other.url}/services,"):
            org.limits()
        assert other.asked == []
    finally:
        other.stop()


def test_the_next_page_is_not_asked_of_another_host(server: ScriptedServer, org: Org) -> None:
    other = ScriptedServer()
    try:
        body = {"totalSize": 2, "done": False, "records": [{"Id": "1"}], "nextRecordsUrl": f"{other.url}/query/x"}
        server.on("GET .*/query", js(body))
        with pytest.raises(OrgError, match="which is not"):
            list(org.query("SELECT Id FROM Lead"))
        assert other.asked == []
    finally:
        other.stop()


def test_logs_hold_neither_tokens_nor_values(
    server: ScriptedServer, org: Org, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("GET .*/query", NO_ROWS, EXPIRED, NO_ROWS)
    server.on("PATCH ", js([{"id": "00Q000000000001EAA", "success": True, "errors": []}]))
    with caplog.at_level(logging.DEBUG, logger="sfsync"):
        list(org.query(QUERY))
        list(org.query(QUERY))
        org.update("Lead", [{"Id": "00Q000000000001EAA", "Email": "private.person@example.com"}])
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("sfsync"))
    assert "GET /services/data/v66.0/query 200 in" in ours
    for secret in ("private.person", "TOKEN", SECRET, "Email", "q="):
        assert secret not in ours


@pytest.mark.parametrize("answer", [Answer(cut=-1), page(503), page(404), Answer(503)])
def test_errors_hold_neither_tokens_nor_queries(server: ScriptedServer, org: Org, answer: Answer) -> None:
    server.on("GET .*/query", answer)
    with pytest.raises(OrgError) as caught:
        list(org.query(QUERY))
    error: BaseException | None = caught.value
    while error is not None:
        assert "private.person" not in str(error)
        assert "TOKEN" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_token_quoted_by_the_server_does_not_reach_the_message(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", no(400, "X", "bad token 00D000000000001!TOKEN.1 given"))
    with pytest.raises(OrgError, match=r"bad token \[token\] given"):
        org.limits()


def test_netrc_does_not_replace_the_token(
    server: ScriptedServer, org: Org, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:
        file.write("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", netrc)
    server.on("GET .*/limits", js({}))
    org.limits()
    assert all(a.headers["Authorization"].startswith("Bearer ") for a in server.all("/limits"))
    assert server.all("/oauth2/token")[0].headers["Authorization"] is None


def test_loopback_is_not_asked_through_a_proxy(
    server: ScriptedServer, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.on("GET .*/limits", js({"fine": 1}))
    assert org.limits() == {"fine": 1}


def test_cookies_are_not_kept(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", js({}, Set_Cookie="BrowserId=abc; path=/"))
    org.limits()
    org.limits()
    assert [a.headers["Cookie"] for a in server.all("/limits")] == [None, None]


# -- writes


@pytest.mark.parametrize(
    "answer",
    [
        Answer(cut=-1),
        Answer(200, b'[{"success": true}]', {"Content-Type": "application/json"}, cut=5),
        Answer(200, b'[{"succ', {"Content-Type": "application/json"}),
        page(200),
        page(503),
        Answer(502),
        Answer(504),
        no(500, "UNKNOWN_EXCEPTION"),
        js([]),
    ],
    ids=lambda a: f"{a.status}-{len(a.body)}-{a.cut}",
)
def test_a_write_whose_end_is_unknown_is_never_repeated(server: ScriptedServer, org: Org, answer: Answer) -> None:
    server.on("(PATCH|POST|DELETE) /services/data", answer)
    id = "00Q000000000001EAA"
    writes: list[Callable[[], object]] = [
        lambda: org.update("Lead", [{"Id": id, "Company": "X"}]),
        lambda: org.create("Lead", [{"Company": "X"}]),
        lambda: org.delete("Lead", [id]),
    ]
    for write in writes:
        with pytest.raises(UnknownOutcome, match="may have been done"):
            write()
    assert server.count("/services/data") == 3


@pytest.mark.parametrize("busy", [no(503, "SERVER_UNAVAILABLE"), no(429, "X"), Answer(420)], ids=["503", "429", "420"])
def test_a_write_refused_before_it_was_tried_is_sent_again(server: ScriptedServer, org: Org, busy: Answer) -> None:
    server.on("PATCH ", busy, js([{"id": "00Q000000000001EAA", "success": True, "errors": []}]))
    (saved,) = org.update("Lead", [{"Id": "00Q000000000001EAA", "Company": "X"}])
    assert saved.ok
    assert server.count("PATCH") == 2


def test_a_write_to_a_host_that_is_down_was_not_done(make_org: Callable[..., Org]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    org = make_org(auth=SessionId(url, "00D000000000001!X"))
    with pytest.raises(RetryableOrgError) as caught:
        org.update("Lead", [{"Id": "00Q000000000001EAA", "Company": "X"}])
    assert not isinstance(caught.value, UnknownOutcome)


# -- the rest


def test_every_attempt_is_told_to_the_hook(server: ScriptedServer, make_org: Callable[..., Org]) -> None:
    calls: list[tuple[str, str, int, float]] = []
    org = make_org(on_call=lambda *call: calls.append(call))
    server.on("GET .*/query", Answer(cut=-1), Answer(503), NO_ROWS)
    list(org.query(QUERY))
    assert [c[:3] for c in calls] == [("GET", "/services/data/v66.0/query", status) for status in (0, 503, 200)]
    assert all(0 <= c[3] < 5 for c in calls)


def test_requests_say_who_we_are_and_ask_for_gzip(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", js({}))
    org.limits()
    (asked,) = server.all("/limits")
    assert asked.headers["User-Agent"].startswith("sfsync/")
    assert asked.headers["Sforce-Call-Options"] == f"client={asked.headers['User-Agent']}"
    assert asked.headers["Accept-Encoding"] == "gzip"


def test_the_orgs_clock_is_read_from_its_answers_and_goes_on(server: ScriptedServer, org: Org) -> None:
    server.date = lambda: "Tue, 03 Feb 2026 04:05:06 GMT"
    server.on("GET /services/data$", js([{"version": "66.0"}]))
    first = org.server_time()
    then = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert then <= first < then + timedelta(seconds=5)
    assert first < org.server_time()
    assert server.count("/services/data$") == 1
    assert org.usage.calls == 0


def test_the_newest_answer_sets_the_clock(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", js({}))
    for day in (3, 5):
        server.date = lambda day=day: f"Tue, 0{day} Feb 2026 04:05:06 GMT"  # type: ignore[misc]
        org.limits()
    assert org.server_time().day == 5


def test_an_org_without_a_clock_is_said_so(server: ScriptedServer, org: Org) -> None:
    server.date = lambda: ""
    server.on("GET /services/data$", js([]))
    with pytest.raises(OrgError, match="no Date"):
        org.server_time()


def test_nothing_is_asked_before_it_is_needed(server: ScriptedServer, make_org: Callable[..., Org]) -> None:
    make_org(api_version=None)
    assert server.asked == []


def test_an_org_can_be_used_again_after_close(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/limits", js({"fine": 1}))
    with org:
        org.limits()
    assert org.limits() == {"fine": 1}


def test_a_new_login_may_move_to_another_instance(make_org: Callable[..., Org]) -> None:
    old, new = ScriptedServer(), ScriptedServer()
    try:
        instances = iter([old.url, new.url])
        old.on("POST /services/oauth2/token", lambda asked: js({"access_token": "t", "instance_url": next(instances)}))
        old.on("GET .*/limits", js({"at": "old"}), EXPIRED)
        new.on("GET .*/limits", js({"at": "new"}))
        org = make_org(auth=ClientCredentials(old.url, "id", SECRET))
        assert [org.limits(), org.limits()] == [{"at": "old"}, {"at": "new"}]
        assert org.instance_url == new.url
    finally:
        old.stop()
        new.stop()


def test_a_body_is_sent_as_utf8_json(server: ScriptedServer, org: Org) -> None:
    server.on("PATCH ", js([{"id": "00Q000000000001EAA", "success": True, "errors": []}]))
    org.update("Lead", [{"Id": "00Q000000000001EAA", "Company": "Łódź 🏭"}])
    (asked,) = server.all("PATCH")
    assert asked.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert json.loads(asked.body.decode("utf-8"))["records"][0]["Company"] == "Łódź 🏭"
