from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sfsync.cli.verify import verify


@pytest.fixture
def config(proof, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(
        f"org:\n  instance_url: {proof.server.url}\n  client_id: {proof.server.credentials.client_id}\n"
        f"  client_secret: {proof.server.credentials.client_secret}\nwarehouse: duckdb:///w.duckdb\n",
        encoding="utf-8",
    )
    return path


def run(config: Path, *args: str) -> tuple[int, str]:
    done = CliRunner().invoke(verify, ["--config", str(config), *args])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def test_exit_code_three_names_the_row_and_zero_says_equal(proof, config):
    lost = proof.ids()[7]
    proof.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{lost}'")
    code, text = run(config, "--objects", "Lead")
    assert (code, f"missing   Lead {lost}" in text) == (3, True)
    assert run(config, "--objects", "Lead", "--repair")[0] == 0
    assert run(config, "--ids", "--sample", "20")[0] == 0


def test_json_is_one_document_with_the_envelope(proof, config):
    code, text = run(config, "--format", "json", "--objects", "Account")
    document = json.loads(text)
    assert (code, document["command"], document["exit_code"]) == (0, "verify", 0)
    assert document["api_calls"] > 0
    assert {o["sobject"] for o in document["objects"]} >= {"Account", "User"}


def test_csv_has_a_line_for_each_difference(proof, config):
    id = proof.ids()[7]
    proof.mirror_sql(f"UPDATE salesforce.Lead SET City = 'Elsewhere' WHERE Id = '{id}'")
    code, text = run(config, "--format", "csv", "--objects", "Lead", "--sample", "1000")
    [row] = csv.DictReader(io.StringIO(text))
    assert (code, row["kind"], row["id"], row["field"], row["mirror"]) == (3, "different", id, "City", "Elsewhere")


def test_no_personal_value_is_kept_of_a_run(proof, config):
    id = proof.ids()[7]
    proof.mirror_sql(f"UPDATE salesforce.Lead SET City = 'Zanzibar' WHERE Id = '{id}'")
    assert run(config, "--objects", "Lead", "--sample", "1000")[0] == 3
    [(summary,)] = proof.sql("SELECT summary FROM sfsync.runs WHERE command = 'verify'")
    assert "Zanzibar" not in summary
    assert json.loads(summary)["objects"][0]["different"] == 1


def test_an_unknown_object_is_answered_with_the_nearest(config):
    done = CliRunner().invoke(verify, ["--config", str(config), "--objects", "Leed"])
    assert done.exit_code == 2
    assert 'Nearest: "Lead"' in done.output
