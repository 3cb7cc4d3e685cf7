from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfsync.config import load_config
from sfsync.errors import ConfigError
from sfsync.moments import parse_duration

MINIMAL = """\
org:
  instance_url: https://acme.my.salesforce.com
  client_id: ${SF_CLIENT_ID}
  client_secret: ${SF_CLIENT_SECRET}
warehouse: duckdb:///acme.duckdb
"""
ENVIRON = {"SF_CLIENT_ID": "id-1", "SF_CLIENT_SECRET": "very-secret"}


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, text), environ if environ is not None else ENVIRON)
    return caught.value.problems


def test_the_example_config_loads_as_shipped():
    example = Path(__file__).parent.parent / "config.example.yaml"
    config = load_config(example, ENVIRON)
    assert config.objects == ("Lead", "Account", "Contact", "Opportunity")
    assert config.pull.overlap == timedelta(minutes=10)
    assert config.quota.floor_percent == 20
    assert config.push.max_share == 5


def test_only_org_and_warehouse_are_needed(tmp_path):
    config = load_config(write(tmp_path, MINIMAL), ENVIRON)
    assert config.org.client_secret == "very-secret"
    assert config.warehouse == f"duckdb:///{tmp_path / 'acme.duckdb'}"
    assert config.pull.staging == tmp_path / ".sfsync"


def test_all_problems_of_a_file_are_reported_at_once_with_lines_and_nearest_names(tmp_path):
    found = problems(
        tmp_path,
        MINIMAL.replace("client_id:", "clientid:")
        + "objcts: [Lead]\npull: {overlap: soon, api: soap}\nquota: {floor: 120%}\npush: {max_rows: 0}\n",
    )
    text = "\n".join(found)
    assert 'config.yaml:3: unknown key "org.clientid". Nearest: "client_id".' in text
    assert 'config.yaml:6: unknown key "objcts". Nearest: "objects".' in text
    assert 'pull.overlap "soon" is not a duration' in text
    assert 'pull.api "soap" must be auto, rest or bulk' in text
    assert "quota.floor" in text
    assert "push.max_rows must be a whole number" in text
    assert "auth `client_credentials` needs `client_id`" in text
    assert [int(p.split(":")[1]) for p in found] == sorted(int(p.split(":")[1]) for p in found)


@pytest.mark.parametrize("line", ["dedupe: {threshold: 0.9}", "dedupe: [1]", "notify: [ops@acme.example]", "notify: x"])
def test_a_setting_that_nothing_reads_is_refused(tmp_path, line):
    [found] = problems(tmp_path, f"{MINIMAL}{line}\n")
    assert "has no settings in this version" in found


def test_a_missing_environment_variable_is_named_and_no_secret_is_shown(tmp_path):
    found = problems(tmp_path, MINIMAL, {"SF_CLIENT_SECRET": "very-secret"})
    assert any("environment variable SF_CLIENT_ID is not set" in p for p in found)
    assert "very-secret" not in "\n".join(found)


def test_secrets_do_not_show_in_the_repr(tmp_path):
    assert "very-secret" not in repr(load_config(write(tmp_path, MINIMAL), ENVIRON))


def test_a_secret_can_come_from_a_file(tmp_path):
    (tmp_path / "secret.txt").write_text("from-file\n", encoding="utf-8")
    text = MINIMAL.replace("${SF_CLIENT_SECRET}", "${file:secret.txt}")
    assert load_config(write(tmp_path, text), ENVIRON).org.client_secret == "from-file"


def test_plain_http_is_for_this_machine_only(tmp_path):
    found = problems(tmp_path, MINIMAL.replace("https://acme.my.salesforce.com", "http://acme.my.salesforce.com"))
    assert "plain http" in found[0]
    assert ":2:" in found[0]
    for host in ("localhost", "127.0.0.1", "127.9.9.9", "[::1]"):
        text = MINIMAL.replace("https://acme.my.salesforce.com", f"http://{host}:8080")
        assert load_config(write(tmp_path, text), ENVIRON).org.instance_url == f"http://{host}:8080"


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    assert "mapping" in problems(tmp_path, text)[0]


def test_broken_yaml_names_its_line(tmp_path):
    assert (
        "config.yaml:2" in problems(tmp_path, "org:\n  a: [1, 2\nwarehouse: x")[0]
        or "config.yaml:3" in problems(tmp_path, "org:\n  a: [1, 2\nwarehouse: x")[0]
    )


def test_a_key_given_twice_is_refused(tmp_path):
    assert "given twice" in problems(tmp_path, MINIMAL + "warehouse: duckdb:///b.duckdb\n")[0]


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="`sfsync init`"):
        load_config(tmp_path / "nowhere.yaml", {})


def test_the_file_can_be_named_by_the_environment(tmp_path):
    path = write(tmp_path, MINIMAL)
    assert load_config(None, {**ENVIRON, "SFSYNC_CONFIG": str(path)}).path == path


def test_start_is_a_utc_moment(tmp_path):
    config = load_config(write(tmp_path, MINIMAL + "pull: {start: 2024-01-31}\n"), ENVIRON)
    assert config.pull.start == datetime(2024, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("7d", 604800), ("soon", None), ("-1m", None)]
)
def test_durations(text, seconds):
    found = parse_duration(text)
    assert (found.total_seconds() if found else None) == seconds


def test_a_database_that_is_not_supported_is_refused_without_showing_its_password(tmp_path):
    found = problems(tmp_path, MINIMAL.replace("duckdb:///acme.duckdb", "mysql://bob:hunter2@db/x"))
    assert "mysql" in found[0]
    assert "hunter2" not in found[0]


def test_a_file_named_like_a_schema_inside_it_is_refused(tmp_path):
    found = problems(tmp_path, MINIMAL.replace("acme.duckdb", "sfsync.duckdb"))
    assert 'warehouse "sfsync.duckdb"' in found[0]


def test_what_a_push_is_allowed_is_named(tmp_path):
    allowed = write(tmp_path, MINIMAL + "push: {allow: {inactive_owners: true}}\n")
    assert load_config(allowed, ENVIRON).push.allow == {"inactive_owners": True}
    found = problems(tmp_path, MINIMAL + "push: {allow: {inactive_owner: true, converted_leads: maybe}}\n")
    assert any('unknown key "push.allow.inactive_owner". Nearest: "inactive_owners"' in p for p in found)
    assert any("push.allow.converted_leads must be true or false" in p for p in found)
