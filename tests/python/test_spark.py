"""Landing through executors: the same lake as from one machine, whatever happens to tasks."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import sys
import threading

import pytest
from pyspark import cloudpickle

import claimlake
import claimlake.spark

# Executors do not have this file.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def lake_bytes(data):
    """The files of the tables that are made of resources."""
    root = (data / "lake" / "current").resolve()
    of_runs = ("changes", "extract_status")
    files = [path for path in root.rglob("*.parquet") if path.relative_to(root).parts[0] not in of_runs]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def again_on_one_machine(data, pipeline, copy):
    """A lake of everything that landed in `data`, from one transform."""
    shutil.copytree(data / "landing", copy / "landing")
    claimlake.command("transform", "--full", pipeline=pipeline, data=copy)
    claimlake.command("load", pipeline=pipeline, data=copy)
    return copy


@pytest.mark.parametrize("which", ["demo", "both"])
def test_the_lake_of_a_cluster_is_that_of_one_machine(which, request, spark, tmp_path):
    data = request.getfixturevalue(which)
    pipeline = {"demo": "demo", "both": "blue_button"}[which]
    staged = claimlake.spark.transform(spark, data, tmp_path / "staged", pipeline, task_mb=0)
    assert staged.tasks > 2
    loaded = staged.load(tmp_path / "theirs")
    assert loaded.exit == 0 and loaded.load.changed
    ours = again_on_one_machine(data, pipeline, tmp_path / "ours")
    # The same bytes are the same rows in the same order.
    assert lake_bytes(tmp_path / "theirs") == lake_bytes(ours) != {}
    assert staged.rows["eob"] == sum(file.rows for file in staged.files if file.table == "eob") > 0
    # Loading into the data directory that has the landing compares every key with what landed.
    assert staged.load(rebuild=True).exit == 0


def test_views_of_a_lake_have_its_columns_also_where_there_are_no_rows(demo, spark):
    names = claimlake.spark.register(spark, demo)
    assert {"claim", "stay", "ccw_claim"} <= set(names)
    lake = claimlake.open(demo)
    for name in ("claim_line", "eob_process_note", "eob_item"):
        assert spark.table(name).count() == len(lake.table(name)), name
        assert set(spark.table(name).columns) == set(lake.table(name).columns), name


def killed_once(number, folder):
    """Ends the worker of the first attempt of each second task, when its rows are written."""
    mark = pathlib.Path(folder).parents[1] / f"killed-{number}"
    if number % 2 == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def test_tasks_that_are_killed_and_repeated_neither_double_a_row_nor_lose_one(demo, spark, tmp_path):
    staged = claimlake.spark.transform(
        spark, demo / "landing", tmp_path / "staged", "demo", task_mb=1, _hook=killed_once
    )
    killed = len(list((tmp_path / "staged" / "_claimlake").glob("killed-*")))
    assert killed > 0 and staged.discarded >= killed
    assert {file.task for file in staged.files} == set(range(staged.tasks))
    assert not (tmp_path / "staged/_claimlake/attempts").exists()
    # Claims are in them.
    for path in (tmp_path / "staged").glob("[!_]*/**"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert all(file.path.stat().st_mode & 0o077 == 0 for file in staged.files)
    staged.load(tmp_path / "theirs")
    assert lake_bytes(tmp_path / "theirs") == lake_bytes(again_on_one_machine(demo, "demo", tmp_path / "ours"))


def executor():
    """The process of the executor around a Python worker: the parent of the parent."""
    stat = pathlib.Path(f"/proc/{os.getppid()}/stat").read_text()
    return int(stat.rsplit(")", 1)[1].split()[1])


def executor_killed_once(number, folder):
    """Kills an executor that has finished one task and is inside another."""
    job, one = pathlib.Path(folder).parents[1], executor()
    before = job / f"finished-{one}"
    if not before.exists():
        before.touch()
        return
    try:
        (job / "killed").touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(one, signal.SIGKILL)


def test_an_executor_that_is_killed_costs_no_row(demo, spark, tmp_path):
    if not spark.sparkContext.master.startswith("local-cluster"):
        pytest.skip("executors of their own: SPARK_TEST_MASTER=local-cluster[2,1,2048]")
    staged = claimlake.spark.transform(
        spark, demo, tmp_path / "staged", "demo", task_mb=0, _hook=executor_killed_once
    )
    assert (tmp_path / "staged/_claimlake/killed").exists()
    assert len(list((tmp_path / "staged/_claimlake").glob("finished-*"))) >= 2
    assert staged.discarded >= 1
    staged.load(tmp_path / "theirs")
    assert lake_bytes(tmp_path / "theirs") == lake_bytes(again_on_one_machine(demo, "demo", tmp_path / "ours"))


def test_a_damaged_frame_is_reported_and_the_job_goes_on(demo, spark, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(demo / "landing", data / "landing")
    (part, *_) = sorted(data.glob("landing/api=*/resource=ExplanationOfBenefit/run=*/part-*.zst"))
    manifest = json.loads((part.parent / "manifest.json").read_text())
    frame = manifest["parts"][0]["frames"][1]
    bytes_ = bytearray(part.read_bytes())
    for at in range(frame["offset"], frame["offset"] + frame["length"]):
        bytes_[at] = 0
    part.write_bytes(bytes_)
    staged = claimlake.spark.transform(spark, data, tmp_path / "staged", "demo")
    assert staged.exit == 3
    assert staged.counts["damaged_frames"] == 1
    assert staged.counts["rejected_resources"] == frame["lines"]
    (reject,) = [json.loads(line) for line in staged.rejects.read_text().splitlines()]
    assert reject["reason"] == "damaged_part" and reject["detail"].startswith("frame 1 (")
    loaded = staged.load(tmp_path / "theirs")
    assert loaded.load.rows.eob == len(claimlake.open(demo).table("eob")) - frame["lines"]


def test_two_drivers_do_not_share_a_folder(demo, spark, tmp_path):
    claimlake.spark.transform(spark, demo, tmp_path / "staged", "demo")
    with pytest.raises(claimlake.InputError, match="another job"):
        claimlake.spark.transform(spark, demo, tmp_path / "staged", "demo")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(claimlake.InputError, match="not empty"):
        claimlake.spark.transform(spark, demo, tmp_path / "mine", "demo")
    with pytest.raises(claimlake.InputError, match="data directory"):
        claimlake.spark.transform(spark, tmp_path / "nowhere", tmp_path / "other", "demo")


def lost(number, folder):
    """Changes a file behind the back of its task."""
    for file in pathlib.Path(folder).glob("*.parquet"):
        file.write_bytes(file.read_bytes() + b"x")


def test_files_that_are_not_what_their_task_wrote_are_refused(demo, spark, tmp_path):
    with pytest.raises(claimlake.ClaimlakeError, match="checksum differs"):
        claimlake.spark.transform(spark, demo, tmp_path / "staged", "demo", _hook=lost)


def land_more(number, folder):
    """A run that lands while the job runs."""
    data = pathlib.Path(folder).parents[3] / "data"
    claim = {"resourceType": "Patient", "id": "-999", "meta": {"lastUpdated": "2026-01-02T03:04:05Z"}}
    if not (data / "more.ndjson").exists():
        (data / "more.ndjson").write_text(json.dumps(claim))
        claimlake.command("import", "--api", "v2", data / "more.ndjson", pipeline="demo", data=data)


def test_what_lands_during_the_job_is_not_read(demo, spark, tmp_path):
    shutil.copytree(demo, tmp_path / "data", symlinks=True)
    staged = claimlake.spark.transform(spark, tmp_path / "data", tmp_path / "staged", "demo", _hook=land_more)
    assert len(list((tmp_path / "data/landing").glob("api=v2/resource=Patient/run=*"))) == 2
    assert staged.rows["patient"] == 12
    assert staged.load().exit == 0


def land_patient(data, number):
    """Lands one patient, as a run of its own; each run has another body of patient -1."""
    bodies = [
        {"resourceType": "Patient", "id": name, "meta": {"lastUpdated": f"2026-01-02T03:04:{number:02}Z"}, "gender": gender}
        for name, gender in ((f"-{100 + number}", "female"), ("-1", ("male", "female")[number % 2]))
    ]
    source = data / f"{number}.ndjson"
    source.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    claimlake.command("import", "--api", "v2", source, pipeline="demo", data=data)


def join_landing(number, folder):
    """Two runs end when the first task has read: landing's small runs are joined, and their folders removed.
    Other tasks wait until then."""
    job = pathlib.Path(folder).parents[1]
    data = job.parents[1] / "data"
    try:
        (job / "joining").mkdir()
    except FileExistsError:
        while not (job / "joined").exists():
            threading.Event().wait(0.05)
        return
    try:
        landed = int((data / "landed").read_text())
        for more in range(landed, landed + 2):
            land_patient(data, more)
    finally:
        (job / "joined").touch()


def test_runs_that_are_joined_and_moved_during_the_job_lose_no_row(spark, tmp_path):
    data, runs = tmp_path / "data", 7
    data.mkdir()
    for number in range(runs):
        land_patient(data, number)
    (data / "landed").write_text(str(runs))
    landing = data / "landing/api=v2/resource=Patient"
    before = shutil.copytree(data / "landing", tmp_path / "before" / "landing").parent
    folders = set(landing.iterdir())
    assert len(folders) == runs
    staged = claimlake.spark.transform(spark, data, tmp_path / "staged", "demo", task_mb=0, _hook=join_landing)
    assert staged.tasks == runs and (staged.exit, staged.counts["resources"]) == (0, 2 * runs)
    assert not folders & set(landing.iterdir())
    # What landed before is in it, once, and nothing of what landed later; and it can be loaded.
    claimlake.command("transform", "--full", pipeline="demo", data=before)
    claimlake.command("load", pipeline="demo", data=before)
    assert staged.load(tmp_path / "theirs").exit == 0
    assert lake_bytes(tmp_path / "theirs") == lake_bytes(before) != {}
    staged.load()
    # Only what the job has not read is read now.
    later = claimlake.command("transform", pipeline="demo", data=data)
    assert later.transform.resources == 4 and not later.transform.full


def test_what_a_job_has_read_is_not_read_again(demo, spark, tmp_path):
    shutil.copytree(demo / "landing", tmp_path / "data/landing")
    staged = claimlake.spark.transform(spark, tmp_path / "data", tmp_path / "staged", "demo")
    staged.load()
    claimlake.command("verify", pipeline="demo", data=tmp_path / "data")
    assert not claimlake.command("transform", pipeline="demo", data=tmp_path / "data").transform.changed
    # A rollback, and so a lake without these rows, forgets it.
    shutil.rmtree(tmp_path / "data/lake")
    assert claimlake.command("transform", pipeline="demo", data=tmp_path / "data").transform.changed


def test_files_that_are_missing_after_the_job_are_noticed(demo, spark, tmp_path):
    shutil.copytree(demo / "landing", tmp_path / "data/landing")
    staged = claimlake.spark.transform(spark, tmp_path / "data", tmp_path / "staged", "demo")
    # Many rows belong to one claim: only the job knows that some are missing.
    (lines,) = [file for file in staged.files if file.table == "eob_item"][:1]
    lines.path.unlink()
    with pytest.raises(claimlake.CommandError, match="1 file missing or not as the job wrote it .eob_item/"):
        staged.load()
    claimlake.command("load", "--staged-parquet", staged.out, "--partial", pipeline="demo", data=tmp_path / "data")
    # All of landing is read again, therefore.
    assert claimlake.command("transform", pipeline="demo", data=tmp_path / "data").transform.changed


def test_rows_of_another_pipeline_are_refused(demo, spark, tmp_path):
    shutil.copytree(demo / "landing", tmp_path / "data/landing")
    staged = claimlake.spark.transform(spark, tmp_path / "data", tmp_path / "staged", "demo")
    manifest = tmp_path / "staged/_claimlake/manifest.json"
    said = json.loads(manifest.read_text())
    for changed in ({"plan_hash": "0"}, {"rules": 0}):
        manifest.write_text(json.dumps(said | changed))
        with pytest.raises(claimlake.CommandError, match="another pipeline"):
            staged.load()
    manifest.write_text("{")
    with pytest.raises(claimlake.CommandError, match="is damaged: stage it again"):
        staged.load()
    assert not (tmp_path / "data/lake/current").exists()


def test_an_executor_without_the_package_is_named(spark, monkeypatch, demo, tmp_path):
    class Refusing:
        def range(self, *_):
            return self

        def mapInArrow(self, *_):
            return self

        def collect(self):
            raise RuntimeError("PythonException: ModuleNotFoundError: No module named 'claimlake'")

    with pytest.raises(claimlake.MissingPackage, match="on every node"):
        claimlake.spark.transform(Refusing(), demo, tmp_path / "staged", "demo")


def test_folders_with_claims_of_the_data_directory_are_no_place_for_staged_files(demo, spark, tmp_path):
    data = tmp_path / "landing"
    shutil.copytree(demo, data, symlinks=True)
    for name in ("landing/out", "lake/out", "staged/out", "transformed/out"):
        with pytest.raises(claimlake.InputError, match="claimlake keeps"):
            claimlake.spark.transform(spark, data, data / name, "demo")
        assert not (data / name).exists()
    (tmp_path / "file").touch()
    with pytest.raises(claimlake.InputError, match="no folder"):
        claimlake.spark.transform(spark, data, tmp_path / "file", "demo")
    # A data directory that is named landing, as its folder is.
    staged = claimlake.spark.transform(spark, data, tmp_path / "staged", "demo")
    assert staged.rows["eob"] == len(claimlake.open(demo).table("eob"))


def test_views_are_registered_from_any_folder_also_from_a_copy(demo, spark, tmp_path):
    published = tmp_path / "it's a [lake] {ü}"
    claimlake.command("transform", "--full", pipeline="demo", data=shutil.copytree(demo / "landing", published / "landing").parent)
    claimlake.command("load", pipeline="demo", data=published)
    copy = tmp_path / "a *copy* isn't [here]"
    shutil.copytree(published / "lake", copy, symlinks=True)
    rows = len(claimlake.open(demo).table("claim_line"))
    for lake in (published, copy):
        claimlake.spark.register(spark, lake)
        assert spark.table("claim_line").count() == rows
    # What the copy shows is in the copy.
    shutil.rmtree(published)
    assert spark.table("claim_line").count() == rows
