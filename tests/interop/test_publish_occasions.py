"""Whatever happened to a lake, its published tables are what deltalake, Polars, DuckDB and Spark read: after a load, a
rebuild, a rollback, a lake made anew, another column and a removal."""

import io
import json
import pathlib
import shutil
import subprocess

import duckdb
import pyarrow.parquet
import pytest

pytest.importorskip("deltalake", reason="deltalake is missing: requirements-publish.txt has it")

from conftest import ROOT, claimlake, landed  # noqa: E402
from delta_scan import seen  # noqa: E402
from published import change_a_claim, local_table, manifest, money, publish, read_everywhere  # noqa: E402

DELTA_SCAN = ROOT / ".venv-readers" / "duckdb-delta" / "bin" / "python"


class Place:
    """A lake and the folder that it is published to."""

    def __init__(self, home, spark):
        self.home, self.data, self.target, self.spark = home, home / "data", home / "target", spark
        self.sequence = 0
        self.options = []

    def claimlake(self, *arguments):
        summary, ended = claimlake(self.home, *self.options, "--data", self.data, *arguments)
        assert summary["exit"] == 0, ended.stderr
        return summary

    def expect_new_state(self):
        """Publishes, and everybody reads what the lake has."""
        assert self.publish()
        self.expect_read()

    def publish(self):
        """Whether there is a new state: there is one for every other snapshot."""
        local = self.state()["local"] if self.sequence else {"run": None}
        is_new = local["run"] != manifest(self.data)["run"]
        published = self.claimlake("publish", self.target.as_uri())["publish"]
        self.sequence += is_new
        assert (published["changed"], published["sequence"]) == (is_new, self.sequence)
        return is_new

    def expect_read(self):
        read_everywhere(self.data, self.target)
        if DELTA_SCAN.exists():
            views = self.claimlake("views", "--base", self.target)["sql"]
            (self.home / "views.sql").write_text(views)
            script = ROOT / "tests" / "interop" / "delta_scan.py"
            ended = subprocess.run(
                [DELTA_SCAN, script, self.home / "views.sql"], capture_output=True, text=True, timeout=600
            )
            assert ended.returncode == 0, ended.stderr
            connection = duckdb.connect()
            current = (self.data / "lake" / "current").resolve()
            connection.execute((current / "views.duckdb.sql").read_text())
            assert json.loads(ended.stdout) == seen(connection)
        self.expect_spark()
        summary = self.claimlake("verify", "--published", self.target.as_uri())
        assert summary["verify"]["files_read"] > 0

    def state(self):
        return json.loads((self.target / "snapshots" / f"{self.sequence}.json").read_text())

    def expect_spark(self):
        """Spark reads the Parquet files of the state: rows and money of every table."""
        state = self.state()
        for table in manifest(self.data)["tables"]:
            name = table["layout"]["name"]
            expected = local_table(self.data, table)
            files = next(found for found in state["tables"] if found["name"] == name)["files"]
            if not files:
                assert expected.num_rows == 0
                continue
            paths = [str(self.target / file["path"]) for file in files]
            read = self.spark.read.option("mergeSchema", "true").parquet(*paths)
            sums = {column: total for column, total in money(expected).items()}
            row = read.selectExpr("count(*)", *(f"sum(`{column}`)" for column in sums)).collect()[0]
            assert row[0] == expected.num_rows, name
            assert [total or 0 for total in row[1:]] == list(sums.values()), name


@pytest.fixture(scope="module")
def place(tmp_path_factory, spark):
    home = tmp_path_factory.mktemp("occasions")
    place = Place(home, spark)
    place.claimlake("run")
    place.expect_new_state()
    return place


# The tests of this file are about one lake, and in this order.


def test_1_after_a_load(place):
    change_a_claim(place.home, place.data)
    place.expect_new_state()


def test_2_after_a_rebuild(place):
    place.claimlake("transform", "--full")
    place.claimlake("load", "--rebuild")
    # Tables that came out the same are no other snapshot.
    place.publish()
    place.expect_read()


def test_3_after_a_rollback(place):
    place.claimlake("snapshots", "rollback", "1")
    place.expect_new_state()
    place.claimlake("transform")
    place.claimlake("load", "--unpin")
    place.publish()
    place.expect_read()


def test_4_after_the_lake_was_made_anew(place):
    shutil.rmtree(place.data / "lake")
    shutil.rmtree(place.data / "transformed")
    place.claimlake("transform", "--full")
    place.claimlake("load")
    place.expect_new_state()


def test_5_after_a_view_got_another_column(place):
    shutil.copytree(ROOT / "pipelines", place.home / "pipelines")
    view = place.home / "pipelines" / "views" / "eob.json"
    read = json.loads(view.read_text())
    read["select"][0]["column"].append(
        {"name": "language_sent", "path": "language", "type": "string", "description": "As sent."}
    )
    view.write_text(json.dumps(read))
    place.options = ["--pipeline", place.home / "pipelines" / "demo.toml"]
    place.claimlake("transform", "--full")
    place.claimlake("load", "--rebuild")
    place.expect_new_state()
    log = sorted((place.target / "eob" / "_delta_log").glob("*.json"))
    assert any("language_sent" in entry.read_text() for entry in log)


def values_of(resource):
    """Texts of a resource that name its patient or its claims."""
    found = set()
    if isinstance(resource, dict):
        for name, value in resource.items():
            if name in ("id", "value", "reference") and isinstance(value, str) and len(value.rsplit("/", 1)[-1]) > 7:
                found.add(value.rsplit("/", 1)[-1])
            found |= values_of(value)
    elif isinstance(resource, list):
        for value in resource:
            found |= values_of(value)
    return found


def texts_of(path):
    """Everything that a file says, by somebody else's decoders."""
    content = path.read_bytes()
    yield str(path).encode()
    yield content
    if path.suffix == ".parquet":
        file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        yield repr(file.metadata.to_dict()).encode()
        yield "\n".join(repr(row) for row in file.read().to_pylist()).encode()


def test_6_after_a_removal_nothing_of_the_patient_is_there(place):
    by_patient = {}
    for _, resource in landed(place.data):
        patient = resource["id"] if resource["resourceType"] == "Patient" else next(
            resource[key]["reference"].rsplit("/", 1)[1] for key in ("patient", "beneficiary") if key in resource
        )
        by_patient.setdefault(patient, set()).update(values_of(resource))
    patient = sorted(by_patient)[0]
    others = set().union(*(values for other, values in by_patient.items() if other != patient))
    own = {value.encode() for value in by_patient[patient] - others}
    assert len(own) > 50
    searched = lambda: {value for path in place.target.rglob("*") if path.is_file() for text in texts_of(path) for value in own if value in text}  # noqa: E731
    assert len(searched()) > 20
    place.claimlake("forget", "--yes", "--offline", patient)
    place.sequence = max(int(path.stem) for path in pathlib.Path(place.target, "snapshots").iterdir())
    place.expect_read()
    assert searched() == set()
    change_a_claim(place.home, place.data, 4321.5, place.options)
    place.expect_new_state()
