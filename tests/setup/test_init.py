from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from sfsync.cli.init import init
from sfsync.config import AUTH_NEEDS, load_config
from sfsync.errors import ConfigError, InputError
from sfsync.setup.configfile import Answers, config_text, org_address, write_config

GIVEN = {"username": "u@example.com", "private_key_file": "key.pem", "refresh_token_file": "token"}
ENVIRON = {f"SF_{k}": "x" for k in ("CLIENT_ID", "CLIENT_SECRET", "PASSWORD", "SECURITY_TOKEN", "SESSION_ID")}


@pytest.fixture
def secrets(server, monkeypatch):
    monkeypatch.setenv("SF_CLIENT_ID", server.credentials.client_id)
    monkeypatch.setenv("SF_CLIENT_SECRET", server.credentials.client_secret)
    return server


def run(path: Path, *args: str) -> tuple[int, str]:
    done = CliRunner().invoke(init, ["--config", str(path), *args])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_init_writes_a_config_that_works_and_holds_no_secret(secrets, tmp_path):
    path = tmp_path / "config.yaml"
    code, text = run(path, "--instance-url", secrets.url)
    assert code == 0, text
    assert "logged in to" in text
    assert "the first pull: about" in text
    written = path.read_text(encoding="utf-8")
    assert secrets.credentials.client_secret not in written
    assert "${SF_CLIENT_SECRET}" in written
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_config(path).org.client_secret == secrets.credentials.client_secret


def test_init_says_in_json_what_it_keeps_and_costs(secrets, tmp_path):
    done = CliRunner().invoke(
        init, ["--config", str(tmp_path / "c.yaml"), "--instance-url", secrets.url, "--format", "json", "-q"]
    )
    document = json.loads(done.stdout)
    assert (document["login"], document["org"]["is_sandbox"]) == ("ok", False)
    lead = next(o for o in document["objects"] if o["sobject"] == "Lead")
    assert lead["rows"] == 0
    assert lead["fields"] > 50
    assert document["cost"]["total"]["calls"] > 0
    assert document["cost"]["fits"] is True


def test_a_config_that_is_there_is_kept_unless_forced(secrets, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("# mine\n", encoding="utf-8")
    code, text = run(path, "--instance-url", secrets.url)
    assert (code, "--force" in text) == (2, True)
    assert path.read_text(encoding="utf-8") == "# mine\n"
    assert run(path, "--instance-url", secrets.url, "--force")[0] == 0


def test_without_a_terminal_nothing_is_asked_and_what_is_missing_is_named(tmp_path):
    code, text = run(tmp_path / "c.yaml")
    assert (code, "--instance-url" in text) == (2, True)
    code, text = run(tmp_path / "c.yaml", "--instance-url", "https://a.my.salesforce.com", "--auth", "jwt")
    assert code == 2
    assert "--username" in text
    assert "--private-key-file" in text
    assert list(tmp_path.iterdir()) == []


def test_secrets_that_are_not_set_are_named_and_the_file_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("SF_CLIENT_ID", raising=False)
    monkeypatch.delenv("SF_CLIENT_SECRET", raising=False)
    path = tmp_path / "c.yaml"
    code, text = run(path, "--instance-url", "https://a.my.salesforce.com")
    assert code == 2
    assert "SF_CLIENT_ID, SF_CLIENT_SECRET" in text
    assert path.exists()
    assert run(tmp_path / "d.yaml", "--instance-url", "https://a.my.salesforce.com", "--no-test")[0] == 0


def test_a_refused_login_is_told_and_the_config_stays_to_be_corrected(secrets, tmp_path, monkeypatch):
    monkeypatch.setenv("SF_CLIENT_SECRET", "wrong-secret-value")
    path = tmp_path / "c.yaml"
    code, text = run(path, "--instance-url", secrets.url)
    assert code == 1
    assert "login failed" in text
    assert "wrong-secret-value" not in text
    assert path.exists()


def test_an_address_that_is_none_writes_nothing(tmp_path):
    code, text = run(tmp_path / "c.yaml", "--instance-url", "http://acme.my.salesforce.com", "--no-test")
    assert (code, "https" in text) == (2, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pasted", "address"),
    [
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.lightning.force.com/lightning/page/home", "https://acme.my.salesforce.com"),
        (" https://acme--dev.sandbox.my.salesforce.com/ ", "https://acme--dev.sandbox.my.salesforce.com"),
        ("http://127.0.0.1:8333", "http://127.0.0.1:8333"),
    ],
)
def test_the_address_may_be_pasted_from_the_browser(pasted, address):
    assert org_address(pasted) == address


@pytest.mark.parametrize("auth", list(AUTH_NEEDS))
def test_every_kind_of_login_makes_a_config_that_loads(auth, tmp_path):
    path = tmp_path / "c.yaml"
    answers = Answers("https://acme.my.salesforce.com", auth, GIVEN)
    assert write_config(path, answers, force=False, environ=ENVIRON) == []
    made = load_config(path, ENVIRON)
    assert (made.org.auth, made.org.instance_url) == (auth, "https://acme.my.salesforce.com")
    assert made.warehouse == f"duckdb:///{tmp_path / 'acme.duckdb'}"


@pytest.mark.parametrize("name", ["true", "a: b", "#x", "ünï", "'", "12"])
def test_an_odd_user_name_survives_the_file(name, tmp_path):
    path = tmp_path / "c.yaml"
    answers = Answers("https://a.my.salesforce.com", "password", {"username": name})
    write_config(path, answers, force=False, environ=ENVIRON)
    assert load_config(path, ENVIRON).org.username == name


def test_another_prefix_serves_another_org_on_the_same_machine():
    text = config_text(Answers("https://a.my.salesforce.com", env_prefix="ACME"), {})
    assert "${ACME_CLIENT_SECRET}" in text
    assert "${SF_" not in text


def test_an_unknown_auth_and_bad_objects_are_refused_with_nothing_written(tmp_path):
    with pytest.raises(InputError, match='Nearest: "jwt"'):
        write_config(tmp_path / "c.yaml", Answers("https://a.my.salesforce.com", "jwtt"), force=False, environ={})
    with pytest.raises(ConfigError):
        write_config(tmp_path / "c.yaml", Answers("https://a.my.salesforce.com", warehouse="csv:///x"), force=False,
                     environ=ENVIRON)  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_person_at_a_terminal_is_asked_for_what_is_missing(secrets, tmp_path):
    outer, inner = pty.openpty()
    command = "from sfsync.cli.init import init; init()"
    child = subprocess.Popen(
        [sys.executable, "-c", command, "--config", str(tmp_path / "c.yaml")],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env={**os.environ, "TERM": "dumb"},
    )
    os.close(inner)
    said, answers = b"", [b"Address of the org", f"{secrets.url}\n".encode(), b"Kind of login", b"\n"]
    ends = time.monotonic() + 60
    try:
        while time.monotonic() < ends:
            if select.select([outer], [], [], 0.2)[0]:
                try:
                    said += os.read(outer, 4096)
                except OSError:  # the other end is closed
                    break
            if answers and answers[0] in said:
                os.write(outer, answers[1])
                answers = answers[2:]
        assert child.wait(30) == 0, said
    finally:
        child.kill()
        child.wait()
        os.close(outer)
    assert load_config(tmp_path / "c.yaml").org.instance_url == secrets.url
