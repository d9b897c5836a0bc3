"""The table of `make bench`: medians, ratios, and where they were measured."""

import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import outcome  # noqa: E402


def run(wall, cpu, rss):
    return {"wall": wall, "cpu": cpu, "rss": rss}


@pytest.fixture
def found():
    runs = {
        "four tables": [run(2, 3, 40), run(4, 5, 60), run(9, 4, 50)],
        "duckdb": [run(8, 16, 500), run(8, 10, 400)],
        "import": [run(1, 1, 20)],
    }
    machine = {"processor": "A Processor", "cores": 2, "memory_gib": 8.0, "system": "Linux"}
    return outcome.document(100, runs, {"four tables": run(1, 1, 40)}, machine, {"claimlake": "0.1.0", "duckdb": "1.5.6"})


def test_ratios_are_those_of_the_medians(found):
    assert found["spread"]["four tables"]["wall"] == {"median": 4, "min": 2, "max": 9}
    assert found["ratios_to_duckdb"]["four tables"] == {"wall": 4 / 8, "cpu": 4 / 13, "rss": 50 / 450}
    assert found["memory_to_a_tenth"] == {"four tables": 1.25}
    assert json.loads(json.dumps(found)) == found


def test_the_table_names_the_machine_and_the_versions_and_has_a_line_for_each(found):
    machine, versions, head, *lines = outcome.table(found)
    assert machine == "A Processor, 2 cores, 8.0 GiB, Linux"
    assert versions.startswith("claimlake 0.1.0, duckdb 1.5.6; 100 MB")
    assert [line[:12].strip() for line in lines] == ["four tables", "duckdb", "import"]
    assert "4.00 (2.00 to 9.00)" in lines[0] and lines[0].split()[-3:] == ["0.50", "0.31", "1.25"]
    assert lines[1].split()[-2:] == ["1.00", "1.00"]
    assert {len(line.rstrip()) <= len(head) for line in lines} == {True}


def test_this_machine_has_a_processor():
    here = outcome.machine()
    assert here["processor"] and here["cores"] > 0 and here["memory_gib"] > 0
