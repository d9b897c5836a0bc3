"""The questions of docs/queries by one version of DuckDB or Spark: `python ask.py READER SNAPSHOT…` prints,
for each snapshot, the answers by their file. Needs the reader's own library and no other."""

import decimal
import json
import pathlib
import sys

FILES = sorted((pathlib.Path(__file__).resolve().parents[2] / "docs" / "queries").glob("*.sql"))


def plain(column, value):
    """A cell as text; of quotients only whether there is one, as their last digit is each engine's own."""
    if column.endswith(("_pmpm", "_percent")):
        return str(value is not None)
    if isinstance(value, (int, decimal.Decimal)) and not isinstance(value, bool):
        return str(decimal.Decimal(value).normalize() + 0)
    return str(value)


def of_duckdb(snapshot):
    import duckdb

    connection = duckdb.connect()
    connection.execute((snapshot / "views.duckdb.sql").read_text())

    def ask(sql):
        answer = connection.execute(sql)
        columns = [column[0] for column in answer.description]
        return columns, answer.fetchall()

    return ask


def of_spark(snapshot):
    import readers

    session = readers.spark_session()
    for statement in (snapshot / "views.spark.sql").read_text().split(";\n"):
        if statement.strip():
            session.sql(statement)

    def ask(sql):
        frame = session.sql(sql)
        return frame.columns, frame.collect()

    return ask


def answers(reader, snapshot):
    ask = {"duckdb": of_duckdb, "spark": of_spark}[reader](pathlib.Path(snapshot))
    found = {}
    for path in FILES:
        columns, rows = ask(path.read_text())
        found[path.name] = [columns, *([plain(*cell) for cell in zip(columns, row)] for row in rows)]
    return found


if __name__ == "__main__":
    reader, *snapshots = sys.argv[1:]
    for snapshot in snapshots:
        try:
            answer = {"answers": answers(reader, snapshot)}
        except Exception as error:  # whatever a reader says is the finding
            answer = {"error": f"{type(error).__name__}: {error}"}
        print("SEEN " + json.dumps(answer), flush=True)
