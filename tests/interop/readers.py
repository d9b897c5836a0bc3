"""Every table of a snapshot as a reader sees it: one function a reader, each with the libraries that
its own environment has. As a command: `python readers.py READER SCRATCH SNAPSHOT…` prints what it saw."""

import json
import pathlib
import sys


def layouts(snapshot):
    """Partition columns by table, from the manifest."""
    manifest = json.loads((pathlib.Path(snapshot) / "manifest.json").read_text())
    return {
        table["layout"]["name"]: [name for name, _ in table["partition_columns"]]
        for table in manifest["tables"]
    }


def seen(types, partitions, groups):
    """What a reader saw of a table: types in its own words, whether partition columns are text or
    whole numbers, and rows by partition, values as text."""
    groups = [["/".join(str(value) for value in key), rows] for key, rows in groups if rows]
    return {"types": types, "partitions": partitions, "groups": dict(sorted(groups))}


def of_pandas(snapshot, _):
    import pandas

    found = {}
    for table, columns in layouts(snapshot).items():
        frame = pandas.read_parquet(f"{snapshot}/{table}")
        kinds = {}
        for column in columns:
            values = frame[column]
            dtype = values.cat.categories.dtype if hasattr(values, "cat") else values.dtype
            is_number = pandas.api.types.is_integer_dtype(dtype)
            is_text = dtype == object or pandas.api.types.is_string_dtype(dtype)
            kinds[column] = "number" if is_number else "text" if is_text else str(dtype)
            assert not values.isna().any(), f"{table}.{column} has nulls"
        groups = [((), len(frame))]
        if columns:
            sizes = frame.groupby(columns, observed=True).size()
            groups = [(key if isinstance(key, tuple) else (key,), int(n)) for key, n in sizes.items()]
        # Numbers with nulls are floats to pandas, so types depend on rows.
        found[table] = seen({}, kinds, groups)
    return found


def of_pyarrow(snapshot, _):
    import pyarrow
    import pyarrow.dataset

    found = {}
    for table, columns in layouts(snapshot).items():
        path = f"{snapshot}/{table}"
        rows = pyarrow.dataset.dataset(path, format="parquet", partitioning="hive").to_table()
        kind = lambda t: "number" if pyarrow.types.is_integer(t) else "text" if t == pyarrow.string() else str(t)
        kinds = {column: kind(rows.schema.field(column).type) for column in columns}
        groups = [((), rows.num_rows)]
        if columns:
            counted = rows.group_by(columns).aggregate([([], "count_all")]).to_pylist()
            groups = [(tuple(row[column] for column in columns), row["count_all"]) for row in counted]
        types = {field.name: str(field.type) for field in rows.schema}
        found[table] = seen(types, kinds, groups)
    return found


def of_polars(snapshot, _):
    import polars

    found = {}
    for table, columns in layouts(snapshot).items():
        files = f"{snapshot}/{table}/**/*.parquet"
        rows = polars.scan_parquet(files, hive_partitioning=bool(columns)).collect()
        # The folder itself is read, too.
        assert polars.read_parquet(f"{snapshot}/{table}").shape == rows.shape
        kind = lambda t: "number" if t.is_integer() else "text" if t == polars.String else str(t)
        kinds = {column: kind(rows.schema[column]) for column in columns}
        groups = [((), rows.height)]
        if columns:
            groups = [(row[:-1], row[-1]) for row in rows.group_by(columns).len().rows()]
        types = {name: str(kind) for name, kind in rows.schema.items()}
        found[table] = seen(types, kinds, groups)
    return found


def of_duckdb(snapshot, _):
    import duckdb

    kind = lambda t: "number" if t in ("BIGINT", "INTEGER") else "text" if t == "VARCHAR" else t
    connection = duckdb.connect()
    connection.execute((pathlib.Path(snapshot) / "views.duckdb.sql").read_text())
    found = {}
    for table, columns in layouts(snapshot).items():
        connection.execute(f'CREATE OR REPLACE TABLE copied AS SELECT * FROM lossless."{table}"')
        types = {name: kind for name, kind, *_ in connection.execute("DESCRIBE copied").fetchall()}
        if columns:
            # The files without the views: types are guessed from the paths.
            raw = f"read_parquet('{snapshot}/{table}/**/*.parquet', hive_partitioning = true)"
            guessed = connection.execute(f"DESCRIBE SELECT * FROM {raw}").fetchall()
            guessed = {name: kind(words) for name, words, *_ in guessed}
            assert all(guessed[column] == kind(types[column]) for column in columns), guessed
        selected = "".join(f'"{column}", ' for column in columns)
        rows = connection.execute(f"SELECT {selected}count(*) FROM copied GROUP BY ALL").fetchall()
        kinds = {column: kind(types[column]) for column in columns}
        found[table] = seen(types, kinds, [(row[:-1], row[-1]) for row in rows])
    return found


def of_spark(snapshot, scratch, session=None):
    session = session or spark_session()
    for statement in (pathlib.Path(snapshot) / "views.spark.sql").read_text().splitlines():
        if statement.startswith("CREATE"):
            session.sql(statement.removesuffix(";"))
    kind = lambda t: "number" if t in ("int", "bigint") else "text" if t == "string" else t
    name_of_lake = pathlib.Path(snapshot).parents[2].name
    found = {}
    for table, columns in layouts(snapshot).items():
        # The files without the views: types of partition columns are guessed from the paths.
        guessed = dict(session.read.parquet(f"{snapshot}/{table}").dtypes)
        assert "void" not in guessed.values(), f"{table}: {guessed}"
        copied = f"copied_{table}"
        raw = f"lossless_{table}"  # where a view of SQL stands in the table's place
        session.sql(f"DROP TABLE IF EXISTS {copied}")
        session.sql(
            f"CREATE TABLE {copied} USING parquet LOCATION '{scratch}/{name_of_lake}/{table}' "
            f"AS SELECT * FROM `{raw if session.catalog.tableExists(raw) else table}`"
        )
        rows = session.table(copied)
        types = dict(rows.dtypes)
        assert all(kind(guessed[column]) == kind(types[column]) for column in columns), guessed
        counted = rows.groupBy(*columns).count().collect()
        kinds = {column: kind(types[column]) for column in columns}
        found[table] = seen(types, kinds, [(tuple(row)[:-1], row[-1]) for row in counted])
        session.sql(f"DROP TABLE {copied}")
    return found


def spark_session():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    return session


READERS = {
    "pandas": of_pandas,
    "pyarrow": of_pyarrow,
    "polars": of_polars,
    "duckdb": of_duckdb,
    "spark": of_spark,
}


if __name__ == "__main__":
    reader, scratch, *snapshots = sys.argv[1:]
    for snapshot in snapshots:
        try:
            answer = {"tables": READERS[reader](snapshot, scratch)}
        except Exception as error:  # whatever a reader says is the finding
            answer = {"error": f"{type(error).__name__}: {error}"}
        print("SEEN " + json.dumps(answer), flush=True)
