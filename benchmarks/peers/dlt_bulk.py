"""dlt over simple-salesforce's Bulk API 2.0 query."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
from client import timed
from simple_salesforce import Salesforce


def copy(client: Salesforce, soql: str, file: str) -> int:
    @dlt.resource(name="lead", write_disposition="replace")
    def lead() -> Iterator[list[dict[str, Any]]]:
        for page in client.bulk2.Lead.query(soql):
            yield list(csv.DictReader(io.StringIO(page)))

    pipeline = dlt.pipeline(
        "peer_bulk",
        pipelines_dir=str(Path(file).parent / "dlt"),
        destination=dlt.destinations.duckdb(file),
        dataset_name="salesforce",
    )
    pipeline.run(lead(), loader_file_format="parquet")  # its default, INSERTs, is far slower
    with pipeline.sql_client() as sql:
        return int(sql.execute_sql("SELECT count(*) FROM lead")[0][0])


timed(copy)
