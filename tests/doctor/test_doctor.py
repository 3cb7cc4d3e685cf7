from __future__ import annotations

import json
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from sfsync import api
from sfsync.cli.doctor import doctor as command
from sfsync.doctor import Check, doctor
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from sfsync.warehouse import Warehouse

NAMES = {
    "version", "config", "mappings", "warehouse", "login", "api", "api version", "clock", "api quota", "bulk limits",
    "mapping Lead", "push Lead", "converted leads", "disk (staging)", "disk (warehouse)",
}  # fmt: skip


@pytest.fixture
def server():
    with PracticeOrg() as org, PracticeServer(org) as running:
        yield running


@pytest.fixture
def config(server, tmp_path):
    return write(tmp_path / "config.yaml", server)


def write(path: Path, server: PracticeServer, **changed: str) -> Path:
    org = {
        "instance_url": server.url,
        "client_id": server.credentials.client_id,
        "client_secret": server.credentials.client_secret,
    } | changed
    lines = "".join(f"  {k}: {v}\n" for k, v in org.items())
    path.write_text(f"org:\n{lines}warehouse: duckdb:///w.duckdb\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def nowhere() -> str:
    """An address of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def checks(config: Path) -> dict[str, Check]:
    return {c.name: c for c in doctor(config).checks}


def test_a_healthy_setup_fails_nothing(config):
    result = doctor(config)
    found = {c.name: c for c in result.checks}
    assert result.exit_code == 0, result.as_json()
    assert set(found) >= NAMES
    assert {c.status for c in result.checks} <= {"ok", "not checked"}, [c for c in result.checks if c.status == "warn"]
    assert "View and Edit Converted Leads" in found["converted leads"].found
    assert not (config.parent / "w.duckdb").exists()


def test_after_a_pull_the_warehouse_is_known_to_be_this_orgs(config):
    api.pull(str(config))
    found = checks(config)
    assert (found["warehouse"].status, found["org"].status) == ("ok", "ok")


def test_a_config_with_errors_is_one_failure_and_the_rest_is_not_checked(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("org: {instance_url: https://a.my.salesforce.com, auht: jwt}\n", encoding="utf-8")
    result = doctor(path)
    found = {c.name: c for c in result.checks}
    assert result.exit_code == 1
    assert 'Nearest: "auth"' in found["config"].found
    assert found["login"].status == "not checked"


def test_a_refused_login_says_what_to_do_and_the_other_checks_are_made(server, tmp_path):
    found = checks(write(tmp_path / "config.yaml", server, client_secret="wrong-secret-value"))
    assert found["login"].status == "fail"
    assert "wrong-secret-value" not in found["login"].found
    assert found["login"].advice
    assert found["api quota"].status == "not checked"
    assert found["disk (staging)"].status == "ok"


def test_an_org_nobody_answers_for_is_a_failed_login(server, tmp_path):
    path = write(tmp_path / "config.yaml", server, instance_url=nowhere())
    assert checks(path)["login"].status == "fail"


def test_secrets_others_can_read_are_a_warning(config):
    config.chmod(0o644)
    found = checks(config)["config"]
    assert (found.status, "chmod 600" in found.advice) == ("warn", True)


def test_a_file_that_is_no_warehouse_fails(config):
    (config.parent / "w.duckdb").write_text("not a database, but long enough to be looked at " * 100, encoding="utf-8")
    found = checks(config)
    assert found["warehouse"].status == "fail"
    assert found["login"].status == "ok"


def test_the_warehouse_of_another_format_fails(config):
    api.pull(str(config))
    warehouse = Warehouse(f"duckdb:///{config.parent / 'w.duckdb'}")
    with warehouse.write() as con:
        con.exec_driver_sql("UPDATE sfsync.meta SET value = '99' WHERE key = 'format'")
    found = checks(config)["warehouse"]
    assert (found.status, "format 99" in found.found) == ("fail", True)


def test_the_warehouse_of_another_org_fails(config, tmp_path):
    api.pull(str(config))
    with PracticeOrg(org_id="00D000000000999") as org, PracticeServer(org) as other:
        found = checks(write(config, other))
    assert found["org"].status == "fail"
    assert "another" in found["org"].found


def test_a_quota_at_its_floor_fails_without_stopping_the_doctor(config, server):
    server.settings.daily_requests = 100
    config.write_text(config.read_text(encoding="utf-8") + "quota: {floor: 99%}\n", encoding="utf-8")
    found = checks(config)
    assert found["api quota"].status == "fail"
    assert found["mapping Lead"].status == "ok"


def test_limits_that_are_refused_are_a_warning_with_the_permission_to_give(config, server):
    server.faults.add("500:path=/limits$")
    found = checks(config)["bulk limits"]
    assert (found.status, "View Setup" in found.advice) == ("warn", True)


@pytest.mark.parametrize(("seconds", "status"), [(0, "ok"), (90, "warn"), (-600, "fail")])
def test_a_clock_that_is_off_is_told(config, server, seconds, status):
    server.org.clock.offset = timedelta(seconds=seconds)
    assert checks(config)["clock"].status == status


def test_a_users_mapping_with_an_unknown_field_fails_with_its_line(config):
    folder = config.parent / "mappings"
    folder.mkdir()
    (folder / "lead.yaml").write_text("sobject: Lead\nfields: [Emial]\n", encoding="utf-8")
    found = checks(config)["mapping Lead"]
    assert found.status == "fail"
    assert "lead.yaml:2" in found.found


def test_a_broken_mapping_file_fails_and_the_login_is_still_tested(config):
    folder = config.parent / "mappings"
    folder.mkdir()
    (folder / "lead.yaml").write_text("sobject: Lead\nfeilds: all\n", encoding="utf-8")
    found = checks(config)
    assert (found["mappings"].status, found["login"].status) == ("fail", "ok")


def test_a_version_the_org_does_not_offer_is_told(server, tmp_path):
    found = checks(write(tmp_path / "config.yaml", server, api_version='"99.0"'))
    assert found["api"].status == "fail"
    assert "api_version" in found["api"].advice


def test_the_command_prints_json_and_ends_with_one_when_something_fails(config, server):
    done = CliRunner().invoke(command, ["--config", str(config), "--format", "json"])
    document = json.loads(done.output)
    assert (done.exit_code, document["command"], document["exit_code"]) == (0, "doctor", 0)
    assert {"name", "status", "found", "advice"} == set(document["checks"][0])
    write(config, server, instance_url=nowhere())
    assert CliRunner().invoke(command, ["--config", str(config)]).exit_code == 1


def test_a_database_server_nobody_answers_for_is_a_failure_with_the_login_still_tested(config):
    port = nowhere().rpartition(":")[2]
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace("duckdb:///w.duckdb", f"postgresql+psycopg://u@127.0.0.1:{port}/x"), encoding="utf-8"
    )
    found = checks(config)
    assert (found["warehouse"].status, found["login"].status) == ("fail", "ok")
