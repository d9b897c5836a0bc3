"""What DuckDB sees after it ran a file of views over Delta tables: rows and sums of money of every
table. As a command, with the DuckDB that has the extension: `python delta_scan.py VIEWS.sql`."""

import json
import sys

import duckdb


def seen(connection):
    """By schema and table: rows, and the sum of each decimal column, as text."""
    tables = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('lossless', 'main', 'current')"
    ).fetchall()
    found = {}
    for schema, table in tables:
        columns = connection.execute(f'DESCRIBE "{schema}"."{table}"').fetchall()
        money = sorted(name for name, kind, *_ in columns if kind.startswith("DECIMAL"))
        sums = "".join(f', sum("{name}")' for name in money)
        rows, *totals = connection.execute(f'SELECT count(*){sums} FROM "{schema}"."{table}"').fetchone()
        found[f"{schema}.{table}"] = [rows, {name: str(total) for name, total in zip(money, totals)}]
    return found


if __name__ == "__main__":
    import duckdb_ext

    connection = duckdb_ext.init(duckdb.connect())
    connection.execute("LOAD delta")
    with open(sys.argv[1], encoding="utf-8") as views:
        connection.execute(views.read())
    print(json.dumps(seen(connection)))
