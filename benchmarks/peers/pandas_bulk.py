"""simple-salesforce's Bulk API 2.0 query, pandas.read_csv, DuckDB: the script many people have."""

from __future__ import annotations

import io

import duckdb
import pandas as pd
from client import timed
from simple_salesforce import Salesforce


def copy(client: Salesforce, soql: str, file: str) -> int:
    con = duckdb.connect(file)
    frame = pd.concat(pd.read_csv(io.StringIO(page), low_memory=False) for page in client.bulk2.Lead.query(soql))
    con.register("frame", frame)
    con.execute("CREATE TABLE lead AS SELECT * FROM frame")
    row = con.execute("SELECT count(*) FROM lead").fetchone()
    con.close()
    return int(row[0]) if row else 0


timed(copy)
