#!/usr/bin/env python3
"""Reads the current prediction run of a dataset from a store on disk, and shows some of it in DuckDB, pyarrow and polars.

Usage: python3 docs/read_run.py [STORE] [DATASET]      (pip install duckdb pyarrow polars)
"""
import json
import sys
from pathlib import Path

import duckdb
import polars
import pyarrow.parquet

store = Path(sys.argv[1] if len(sys.argv) > 1 else "store")
dataset = sys.argv[2] if len(sys.argv) > 2 else "sample"

# A run exists if its manifest does; the last of the latest as-of date is the current one.
manifests = sorted(store.glob(f"{dataset}/predictions/commits/as_of=*/*.json"))
manifests = [path for path in manifests if not json.loads(path.read_text())["shadow"]]
manifest = json.loads(manifests[-1].read_text())
files = [str(store / part["key"]) for part in manifest["parts"]]
print(f"run {manifest['run']}, as of {manifest['as_of']}, {manifest['rows']} rows in {len(files)} file(s)")

query = "select location, target, date, round(point) as point from read_parquet(?) order by point desc limit 3"
print(f"\nDuckDB {duckdb.__version__}", *duckdb.execute(query, [files]).fetchall(), sep="\n")

table = pyarrow.concat_tables(pyarrow.parquet.read_table(file) for file in files)
assert table.num_rows == manifest["rows"]
print(f"\npyarrow {pyarrow.__version__}: {table.num_rows} rows, columns {', '.join(table.column_names)}")

frame = polars.read_parquet(files)
print(f"\npolars {polars.__version__}", frame.group_by("target").agg(polars.col("point").max()).sort("target"), sep="\n")
