from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from sfsync.cli import COMMANDS, sfsync
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from sfsync.warehouse.file_lock import run_lock

ENVELOPE = {"command", "run_id", "started_at", "seconds", "api_calls", "exit_code"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name):
    result = CliRunner().invoke(sfsync, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_help_imports_nothing_heavy():
    heavy = "pandas duckdb sqlalchemy sqlglot requests simple_salesforce starlette uvicorn phonenumbers lark rich yaml"
    code = (
        "import sys\nfrom sfsync.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"found = set('{heavy}'.split()) & set(sys.modules)\nprint('heavy:', found, file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "heavy: set()" in result.stderr


def test_json_of_every_command_begins_with_the_same_keys(shell):
    documents = [
        shell.json("pull"),
        shell.json("check", code=3),
        shell.json("dedupe", code=3),
        shell.json("plan", "--out", str(shell.folder / "p.jsonl")),
        shell.json("status"),
        shell.json("query", "select count(*) n from live.Lead"),
    ]
    for document in documents:
        assert set(document) >= ENVELOPE
    pulled, checked, found, planned, status, queried = documents
    assert set(pulled["objects"][0]) >= {
        "sobject", "api", "read", "inserted", "updated", "deleted", "late", "rows", "complete", "until", "warnings",
    }  # fmt: skip
    assert set(checked["findings"][0]) >= {
        "rule", "kind", "sobject", "id", "severity", "message", "first_seen", "new", "fix", "waived", "waiver",
    }  # fmt: skip
    assert set(checked["rules"][0]) >= {"rule", "status", "in_scope", "findings", "reason"}
    assert set(found["clusters"][0]) >= {"cluster", "decision", "score", "records", "evidence"}
    assert set(planned) >= {"plan", "digest", "changes", "refused"}
    assert queried["rows"] == [{"n": 400}]
    assert {o["sobject"]: o["live"] for o in status["objects"]}["Lead"] == 400
    assert [r["command"] for r in status["runs"]] == ["plan", "dedupe", "check", "pull"]


def test_csv_and_plain_tables_are_for_machines_and_people(pulled):
    table = pulled.run("query", "select Status, count(*) n from live.Lead group by Status order by Status").stdout
    assert "\x1b" not in table
    csv = pulled.run("query", "select Id from live.Lead order by Id limit 2", "--format", "csv").stdout
    assert csv.splitlines()[0] == "Id"
    assert len(csv.splitlines()) == 3


def test_the_same_dedupe_gives_the_same_output(pulled):
    first, second = pulled.json("dedupe", code=3), pulled.json("dedupe", code=3)
    assert first["clusters"] == second["clusters"]


@pytest.mark.parametrize(
    "sql",
    [
        "delete from salesforce.Lead",
        "drop table salesforce.Lead",
        "copy (select 1) to '/tmp/x'",
        "selec 1",
        "",
        "attach 'x.duckdb'",
    ],
)
def test_query_refuses_everything_but_reading(pulled, sql):
    pulled.run("query", sql, code=2)
    assert pulled.json("query", "select count(*) n from salesforce.Lead")["rows"] == [{"n": 400}]


def test_commands_before_the_first_pull_say_so(shell):
    for command in ("status", "check", "dedupe", "plan"):
        assert "Run `sfsync pull` first" in shell.run(command, code=1).stderr


def test_a_wrong_secret_is_one_paragraph_and_shows_no_secret(shell):
    shell.write_config(client_secret="not-the-secret")
    said = shell.run("pull", code=1).stderr
    assert "client" in said
    assert "not-the-secret" not in said
    assert "Traceback" not in said
    assert not (shell.folder / "w.duckdb").exists()


def test_an_unreachable_host_is_named(shell):
    shell.write_config(instance_url="http://127.0.0.1:9")
    said = shell.run("pull", code=1).stderr
    assert "127.0.0.1:9" in said
    assert "Traceback" not in said


@contextmanager
def website() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b"<html><body>Welcome to our shop</body></html>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_answer_that_is_not_salesforces_is_said_to_be_so(shell):
    with website() as url:
        shell.write_config(instance_url=url)
        said = shell.run("pull", code=1).stderr
    assert "Salesforce" in said
    assert "Traceback" not in said


def test_a_broken_config_reports_everything_and_exits_2(shell):
    shell.config.write_text("org:\n  instnce_url: x\nwarehose: y\n", encoding="utf-8")
    said = shell.run("pull", code=2).stderr
    assert 'Nearest: "instance_url"' in said
    assert 'Nearest: "warehouse"' in said


def test_an_unknown_object_exits_2_with_the_nearest_name(shell):
    said = shell.run("pull", "--objects", "Leed", code=2).stderr
    assert 'Nearest: "Lead"' in said


def test_a_warehouse_of_another_org_is_refused_and_kept(pulled):
    with PracticeServer(PracticeOrg(org_id="00D000000000999")) as other:
        given = other.credentials
        pulled.write_config(instance_url=other.url, client_id=given.client_id, client_secret=given.client_secret)
        said = pulled.run("pull", code=2).stderr
    other.org.close()
    assert "mirrors org" in said
    assert pulled.json("query", "select count(*) n from live.Lead")["rows"] == [{"n": 400}]


def test_nobody_else_may_read_what_a_command_writes(shell):
    theirs = set(shell.folder.rglob("*"))
    command = [sys.executable, "-m", "sfsync", "pull", "--config", str(shell.config), "--quiet"]
    subprocess.run(command, check=True, capture_output=True, umask=0o022, cwd=shell.folder)
    written = set(shell.folder.rglob("*")) - theirs
    assert {"w.duckdb", "w.duckdb.lock", ".sfsync"} <= {path.name for path in written}
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_a_second_run_exits_5_naming_the_first(pulled):
    with run_lock(pulled.folder / "w.duckdb", "pull"):
        said = pulled.run("pull", code=5).stderr
    assert "sfsync pull, process" in said
    pulled.run("pull")


@pytest.mark.parametrize("text", ["", "not a plan\n", '{"sfsync_plan": 99}\n', "{}\n"])
def test_a_file_that_is_no_plan_is_refused(pulled, text):
    file = pulled.folder / "x.jsonl"
    file.write_text(text, encoding="utf-8")
    said = pulled.run("push", str(file), code=2).stderr
    assert "x.jsonl" in said


def test_a_plan_edited_by_hand_must_be_sealed(checked):
    plan = checked.folder / "plan.jsonl"
    checked.run("plan", "--out", str(plan))
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace('"after": {"Email": "', '"after": {"Email": "x', 1), encoding="utf-8")
    if plan.read_text(encoding="utf-8") == text:
        lines = [json.loads(line) for line in text.splitlines()]
        lines[1]["after"] = {k: f"{v}x" for k, v in lines[1]["after"].items()}
        plan.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    assert "seal" in checked.run("push", str(plan), code=2).stderr


def test_no_token_secret_or_personal_value_is_logged(shell):
    """At the most talkative level, through a whole loop with outages in it."""
    shell.server.faults.add("503:times=1,path=/query")
    shell.server.faults.add("session:times=1,path=/composite")
    plan = str(shell.folder / "plan.jsonl")
    for args, code in (
        (("pull", "-vv"), 0),
        (("check", "-vv"), 3),
        (("dedupe", "-vv"), 3),
        (("plan", "--out", plan, "-vv"), 0),
        (("push", plan, "--accept-assisted", "--allow-large", "-vv"), 0),
    ):
        shell.run(*args, code=code)
    text = "\n".join(shell.said)
    assert not re.search(r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]+", text)
    assert shell.server.credentials.client_secret not in text
    rows = list(shell.server.org.dump("Lead"))
    personal = {r[f] for r in rows for f in ("Email", "Phone", "MobilePhone", "Street") if r[f] and len(r[f]) > 7}
    assert len(personal) > 100
    assert [value for value in personal if value in text] == []


def test_rules_are_listed_shown_and_proved_by_their_examples(shell):
    listed = shell.run("rules", "list").stdout
    assert "LEAD-STAT-001" in listed
    assert "ConvertedAccountId" in shell.run("rules", "show", "lead-conv-001").stdout
    assert 'Nearest: "OPP-001"' in shell.run("rules", "show", "OPP-0001", code=2).stderr


def test_the_wheel_runs_from_another_folder_with_its_mappings_inside(tmp_path):
    root = Path(__file__).parent.parent.parent
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]
    built, target = tmp_path / "wheel", tmp_path / "lib"
    wheel = [*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(built), str(root)]
    subprocess.run(wheel, check=True, capture_output=True)
    [file] = built.glob("sfsync-*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(file)],
        check=True,
        capture_output=True,
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import sfsync; assert sys.path[0] in sfsync.__file__;"
        "from sfsync.cli import main; main(sys.argv[1:])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(target), "rules", "list"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "LEAD-STAT-001" in result.stdout
    assert (target / "sfsync" / "_mappings" / "lead.yaml").exists()
