"""Data directories whose names mean something to a shell, to Python, to SQL or to a glob: the query
that a load prints and the views of the snapshot find the lake all the same, and only that one."""

import os
import re
import subprocess
import sys

import duckdb
import pytest

from conftest import binary

# Some name their neighbours when they are read as patterns, or when a backslash parts folders.
NAMES = [
    "plain",
    "it's",
    'a "quoted" one',
    "back\\slash",
    "new\nline",
    "$HOME `id` !",
    "[b]racket",
    "st*r",
    "wh?t",
    "{br,ace}",
    "bracket",
    "star",
    "what",
    "br",
    "back/slash",
    "x=1 #%20;",
    "-- '; DROP",
    "''' \"\"\"",
]
CLAIMS = 3


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    """One lake a name, side by side; where each is and the query that its load printed."""
    home = tmp_path_factory.mktemp("awkward")
    lines = '{"resourceType":"Patient","id":"-1"}\n'
    for number in range(CLAIMS):
        lines += (
            f'{{"resourceType":"ExplanationOfBenefit","id":"carrier-{number}",'
            '"patient":{"reference":"Patient/-1"},"billablePeriod":{"start":"2024-01-01","end":"2024-01-02"}}\n'
        )
    (home / "claims.ndjson").write_text(lines)
    (home / "lakes").mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMLAKE_")}
    environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    made = {}
    for name in NAMES:
        data = home / "lakes" / name
        for command in (["import", "--api", "v2", "claims.ndjson"], ["run", "--from", "transform"]):
            ended = subprocess.run(
                [binary(), "--data", data, *command],
                cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            )
            assert ended.returncode == 0, ended.stderr
        printed = ended.stderr.split("Query it (pip install duckdb):\n", 1)[1]
        made[name] = data, printed
    return made


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_printed_query_runs_as_it_is_pasted(lakes, tmp_path, name, shell):
    _, printed = lakes[name]
    folder = os.path.dirname(sys.executable)
    ended = subprocess.run(
        [shell, "-c", printed],
        cwd=tmp_path, env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )
    assert ended.returncode == 0, ended.stderr
    counts = re.findall(r"│ +2024 │ +(\d+) │", ended.stdout)
    assert counts == [str(CLAIMS)], ended.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_duckdb_views_read_this_lake_only(lakes, name):
    data, _ = lakes[name]
    connection = duckdb.connect()
    connection.execute((data / "lake" / "current" / "views.duckdb.sql").read_text())
    counts = connection.execute("SELECT service_year, count(*) FROM lossless.eob GROUP BY ALL").fetchall()
    assert counts == [(2024, CLAIMS)]
    assert connection.execute("SELECT count(*) FROM lossless.patient").fetchall() == [(1,)]


@pytest.mark.parametrize("name", NAMES)
def test_the_spark_views_read_this_lake_only(lakes, spark, name):
    data, _ = lakes[name]
    for statement in (data / "lake" / "current" / "views.spark.sql").read_text().splitlines():
        if statement.startswith("CREATE"):
            spark.sql(statement.removesuffix(";"))
    counts = spark.sql("SELECT service_year, count(*) FROM eob GROUP BY ALL").collect()
    assert [tuple(row) for row in counts] == [(2024, CLAIMS)]
    assert spark.sql("SELECT count(*) FROM patient").collect()[0][0] == 1
