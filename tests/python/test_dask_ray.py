"""`flatten` where other people's schedulers run it. Needs requirements-dask-ray.txt; skipped without."""

import json
import sys

import pyarrow
import pytest

import claimlake


def lines_of(path):
    """What docs/python.md shows: a file in, a table out."""
    return claimlake.flatten(path, views=["claim_line"], api="v3")["claim_line"].to_arrow()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Four files of claims."""
    folder = tmp_path_factory.mktemp("claims")
    generate = ("sandbox", "generate", "--api", "v3", "--patients", "3", "--resource", "ExplanationOfBenefit")
    claimlake.command(*generate, "-o", folder / "all.ndjson")
    lines = (folder / "all.ndjson").read_text().splitlines(keepends=True)
    paths = [folder / f"{number}.ndjson" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_text("".join(lines[number::4]))
    return [str(path) for path in paths]


def rows_of(tables):
    return sorted(map(repr, pyarrow.concat_tables(tables).to_pylist()))


def test_dask_makes_the_rows_of_one_process(files):
    bag = pytest.importorskip("dask.bag")
    found = bag.from_sequence(files).map(lines_of).compute(scheduler="threads")
    assert rows_of(found) == rows_of([lines_of(path) for path in files]) != []


def test_ray_makes_the_rows_of_one_process(files):
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        # Workers do not have this file.
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
        path_to_table = ray.remote(lines_of)
        found = ray.get([path_to_table.remote(path) for path in files])
    finally:
        ray.shutdown()
    assert rows_of(found) == rows_of([lines_of(path) for path in files]) != []


def test_rows_that_are_on_disk_say_that_they_cannot_travel(files):
    import pickle

    flat = claimlake.flatten(files[0], views=["claim_line"])
    assert json.dumps(flat.counts)
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(flat["claim_line"])
