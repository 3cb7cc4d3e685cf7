"""dlt over simple-salesforce's query_all_iter: the way of dlt's Salesforce source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
from client import timed
from simple_salesforce import Salesforce


def copy(client: Salesforce, soql: str, file: str) -> int:
    @dlt.resource(name="lead", write_disposition="replace")
    def lead() -> Iterator[dict[str, Any]]:
        for record in client.query_all_iter(soql):
            record.pop("attributes", None)
            yield record

    pipeline = dlt.pipeline(
        "peer_rest",
        pipelines_dir=str(Path(file).parent / "dlt"),
        destination=dlt.destinations.duckdb(file),
        dataset_name="salesforce",
    )
    pipeline.run(lead(), loader_file_format="parquet")  # its default, INSERTs, is far slower
    with pipeline.sql_client() as sql:
        return int(sql.execute_sql("SELECT count(*) FROM lead")[0][0])


timed(copy)
