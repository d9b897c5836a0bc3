"""Published lakes: making them, changing them, reading them by others, comparing them with the local lake."""

import copy
import decimal
import json
import os
import subprocess

import deltalake
import duckdb
import polars
import pyarrow.dataset

from conftest import binary, claimlake, landed


def publish(home, url, data=None, env=None):
    summary, ended = claimlake(home, "--data", data or home / "data", "publish", url, env=env)
    assert summary["exit"] == 0, ended.stderr
    return summary["publish"]


def start(home, data, url, environment):
    """A publish in a process of its own, which can be killed."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMLAKE_")}
    clean |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")} | environment
    return subprocess.Popen(
        [binary(), "--json", "--data", data, "publish", url], cwd=home, env=clean,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def newest_state(store, prefix):
    """The newest `snapshots/<seq>.json` of a place in a bucket."""
    states = [key for key in store.keys(f"{prefix}/snapshots/")]
    last = max(states, key=lambda key: int(key.rsplit("/", 1)[1].removesuffix(".json")))
    return json.loads(store.read(last))


def manifest(data):
    return json.loads((data / "lake" / "current" / "manifest.json").read_text())


def local_table(data, table):
    """A table of the local lake by pyarrow, with its rows in an order of their own."""
    folder = (data / "lake" / "current").resolve() / table["layout"]["name"]
    types = {"Utf8": "string", "Int32": "int32", "Date32": "date32"}
    partitions = [(name, types[words]) for name, words in table["partition_columns"]]
    hive = pyarrow.dataset.partitioning(
        pyarrow.schema([(name, getattr(pyarrow, kind)()) for name, kind in partitions]), flavor="hive"
    )
    return pyarrow.dataset.dataset(folder, partitioning=hive if partitions else None, format="parquet").to_table()


def money(rows):
    """The sums of the columns that are decimals."""
    sums = {}
    for name in rows.column_names:
        if pyarrow.types.is_decimal(rows.schema.field(name).type):
            column = rows.column(name)
            sums[name] = sum((value for value in column.to_pylist() if value is not None), decimal.Decimal(0))
    return sums


def sampled(rows):
    """Every seventh row of the sorted ones, as text."""
    names = sorted(rows.column_names)
    texts = [repr([row[name] for name in names]) for row in rows.to_pylist()]
    return sorted(texts)[::7]


def same(expected, found, place):
    assert found.num_rows == expected.num_rows, place
    assert sorted(found.column_names) == sorted(expected.column_names), place
    assert money(found) == money(expected), place
    assert sampled(found) == sampled(expected), place


def delta_extension():
    connection = duckdb.connect()
    try:
        connection.execute("INSTALL delta; LOAD delta")
    except duckdb.Error as error:
        return None, str(error).splitlines()[0]
    return connection, None


def read_everywhere(data, root, storage_options=None):
    """Every table by its newest version in deltalake and polars, and by its state's version."""
    tables = manifest(data)["tables"]
    assert len(tables) > 30
    for table in tables:
        name = table["layout"]["name"]
        expected = local_table(data, table)
        delta = deltalake.DeltaTable(f"{root}/{name}", storage_options=storage_options)
        same(expected, pyarrow.table(delta.to_pyarrow_table()) if hasattr(delta, "to_pyarrow_table")
             else pyarrow.table(delta.to_pyarrow_dataset().to_table()), f"deltalake {name}")
        lazy = polars.scan_delta(f"{root}/{name}", storage_options=storage_options)
        frame = lazy.collect()
        assert frame.height == expected.num_rows, f"polars {name}"
        for column, total in money(expected).items():
            assert (frame[column].sum() or 0) == total, f"polars {name}.{column}"
    eob = next(table for table in tables if table["layout"]["name"] == "eob")
    expected = local_table(data, eob)
    # What readers skip by statistics and partitions.
    day = sorted(day for day in expected["service_date"].to_pylist() if day)[expected.num_rows // 2]
    wanted = sum(1 for value in expected["service_date"].to_pylist() if value and value >= day)
    lazy = polars.scan_delta(f"{root}/eob", storage_options=storage_options)
    assert lazy.filter(polars.col("service_date") >= day).select(polars.len()).collect().item() == wanted
    wanted = sum(1 for kind in expected["eob_type"].to_pylist() if kind == "CARRIER")
    assert wanted > 0
    found = lazy.filter(polars.col("eob_type") == "CARRIER").select(polars.len()).collect().item()
    assert found == wanted


def change_a_claim(home, data, paid=123456.78, options=()):
    """Lands a newer version of one claim that paid more, and loads it."""
    claim = next(r for api, r in landed(data) if "amount" in r.get("payment", {}))
    claim = copy.deepcopy(claim)
    claim["meta"]["lastUpdated"] = f"2031-01-01T00:00:{int(paid) % 60:02}Z"
    claim["payment"]["amount"]["value"] = paid
    file = home / "changed.ndjson"
    file.write_text(json.dumps(claim) + "\n")
    for arguments in (["import", file, "--api", "v2"], ["transform"], ["load"]):
        summary, ended = claimlake(home, *options, "--data", data, *arguments)
        assert summary["exit"] == 0, ended.stderr
