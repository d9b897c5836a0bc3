"""The same plan on a cluster: landing to staged tables in Spark's executors, and a lake's views in Spark.

    staged = claimlake.spark.transform(spark, "/shared/data", "/shared/staged", "blue_button")
    staged.load()
    claimlake.spark.register(spark, "/shared/data/lake")

Executors need this package and pyarrow, and folders that have the same paths everywhere (NFS, EFS, a volume
of Databricks). No jar: tasks run in Python workers (``mapInArrow``), rows are made by the same code as those
of the command. See docs/more-than-one-machine.md.
"""

import concurrent.futures
import dataclasses
import functools
import json
import os
import pathlib
import shutil
import uuid

from . import _native, _plan
from ._command import command
from ._lake import Snapshot
from ._lake import open as _open
from .errors import ClaimlakeError, InputError, LakeError, MissingPackage

#: What belongs to the job, beside the folders of the tables.
_JOB = "_claimlake"
_KEYS = "_keys"

#: What a task says of the files that it wrote.
_SCHEMA = "task bigint, attempt string, manifest string"


@dataclasses.dataclass(frozen=True)
class StagedFile:
    """A file of a staged table: who wrote it, and what must be in it."""

    table: str
    path: pathlib.Path
    rows: int
    sha256: str
    task: int
    attempt: str


@dataclasses.dataclass(frozen=True)
class Staged:
    """Staged tables, complete and checked."""

    out: pathlib.Path
    data: pathlib.Path
    pipeline: str
    #: How many tasks there were.
    tasks: int
    #: Attempts whose files were not taken: of killed, repeated and speculative tasks.
    discarded: int
    files: list[StagedFile]
    #: ``resources``, ``rejected_resources``, ``damaged_frames``, …
    counts: dict
    #: The rejects of all tasks, NDJSON; none if there are none.
    rejects: pathlib.Path | None
    #: What of landing could not be read as a whole.
    damaged_manifests: list[str]
    #: As the command's: 0, or 3 if more was rejected than the pipeline allows, or frames are damaged.
    exit: int

    @property
    def rows(self):
        """Rows by table."""
        rows = {}
        for file in self.files:
            rows[file.table] = rows.get(file.table, 0) + file.rows
        return rows

    def load(self, data=None, *, rebuild=False, drop_absent=False, progress=None):
        """Publishes the tables: ``claimlake load --staged-parquet``; returns its summary.

        :param data: the data directory of the lake; the one whose landing was read, if it is left out.
        :param rebuild: makes all tables anew, which is needed after a view's columns changed.
        :param drop_absent: leaves out what landing no longer holds.
        :raises CommandError: if the load refuses, or fails.
        """
        more = [flag for flag, is_set in (("--rebuild", rebuild), ("--drop-absent", drop_absent)) if is_set]
        return command(
            "load", "--staged-parquet", self.out, *more,
            pipeline=self.pipeline, data=self.data if data is None else data, progress=progress,
        )


def transform(spark, landing, out, pipeline="blue_button", *, task_mb=64, check=True, _hook=None):
    """Makes staged tables of all that has landed, in Spark's executors.

    Landing is divided into tasks of about ``task_mb`` of resources; what lands later is not read. Each task
    writes into a folder of its own and says what it wrote. The driver takes the files of one attempt of each
    task, compares them with what the attempt said, and moves them into the folders of the tables: a task that
    was killed, repeated or run twice neither doubles a row nor loses one.

    Damaged frames of landing are rejects; the other frames are read, and ``exit`` is 3.

    :param spark: a ``SparkSession``; classic or Connect, of Spark 3.5 or 4.
    :param landing: the data directory, or its folder ``landing``.
    :param out: a new or empty folder for the staged tables.
    :param pipeline: a file, or one that is built in.
    :param check: whether the files' checksums are compared before they are taken.
    :raises InputError: if ``out`` is not empty, or another driver works there.
    :raises MissingPackage: if executors do not have this package.
    """
    data = pathlib.Path(landing).absolute()
    # A data directory may have this name, too.
    if data.name == "landing" and not (data / "landing").is_dir():
        data = data.parent
    if not (data / "landing").is_dir():
        raise InputError(f"{landing} is neither a data directory nor its folder landing")
    own = [data.resolve() / name for name in ("landing", "transformed", "staged", "lake")]
    if any(pathlib.Path(out).resolve().is_relative_to(folder) for folder in own):
        raise InputError(f"{out} is in a folder of the data directory that claimlake keeps: name another folder")
    read = _plan.read(pipeline)
    plan = _native.Plan(json.dumps(read["plan"]))
    out = pathlib.Path(out).absolute()
    job = _claim(out)
    texts, whole = _native.tasks(os.fspath(data), plan, task_mb << 20, os.fspath(out))
    whole = json.loads(whole)
    (job / "plan.json").write_text(json.dumps(read["plan"]), encoding="utf-8")
    (job / "tasks").mkdir()
    for number, text in enumerate(texts):
        (job / "tasks" / f"{number:06}.json").write_text(text, encoding="utf-8")
    manifests = _run(spark, len(texts), job, data, plan.hash, _hook) if texts else {}
    missing = [number for number in range(len(texts)) if number not in manifests]
    if missing:
        raise ClaimlakeError(f"{len(missing)} of {len(texts)} tasks said nothing, such as {missing[0]}")
    staged = _take(out, job, manifests, whole, check)
    share = staged["counts"]["rejected_resources"] / max(staged["counts"]["resources"], 1)
    is_bad = (
        staged["counts"]["damaged_frames"] > 0
        or bool(whole["damaged_manifests"])
        or share > read.get("max_reject_share", 0)
    )
    return Staged(
        out=out,
        data=data,
        pipeline=os.fspath(pipeline),
        tasks=len(texts),
        damaged_manifests=whole["damaged_manifests"],
        exit=3 if is_bad else 0,
        **staged,
    )


def _claim(out):
    """Makes the job's folder, which another driver cannot make again."""
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{out} is no folder: name another one") from None
    job = out / _JOB
    try:
        job.mkdir(mode=0o700)
    except FileExistsError:
        raise InputError(
            f"{out} has the files of another job, which may still run: name another folder, or remove it"
        ) from None
    others = [path.name for path in out.iterdir() if path.name != _JOB]
    if others:
        job.rmdir()
        raise InputError(f"{out} is not empty ({others[0]}): name another folder")
    return job


def _run(spark, count, job, data, plan_hash, hook):
    """Runs the tasks; the attempt and the manifest of each."""
    work = functools.partial(
        _work,
        job=os.fspath(job),
        data=os.fspath(data),
        version=_native.__version__,
        plan_hash=plan_hash,
        hook=hook,
    )
    try:
        said = spark.range(0, count, 1, count).mapInArrow(work, _SCHEMA).collect()
    except Exception as error:
        if "No module named 'claimlake" in str(error) or "No module named 'pyarrow" in str(error):
            raise MissingPackage(
                "an executor does not have claimlake or pyarrow: install the wheel and pyarrow on every "
                "node, in the Python that PYSPARK_PYTHON names"
            ) from error
        raise
    manifests = {}
    for row in said:
        if row["task"] in manifests:
            raise ClaimlakeError(f"Spark gave the result of task {row['task']} twice")
        manifests[row["task"]] = (row["attempt"], json.loads(row["manifest"]))
    return manifests


@functools.lru_cache(maxsize=2)
def _compiled(text):
    return _native.Plan(text)


def _work(batches, *, job, data, version, plan_hash, hook):
    """In an executor: runs the tasks that the rows name."""
    import pyarrow

    job = pathlib.Path(job)
    for batch in batches:
        for number in batch.column(0).to_pylist():
            if _native.__version__ != version:
                raise ClaimlakeError(
                    f"this executor has claimlake {_native.__version__} and the driver {version}: "
                    "install the same wheel on every node"
                )
            plan = _compiled((job / "plan.json").read_text(encoding="utf-8"))
            if plan.hash != plan_hash:
                raise ClaimlakeError("this executor compiles another plan than the driver: install the same wheel")
            attempt = uuid.uuid4().hex
            folder = job / "attempts" / f"{number:06}-{attempt}"
            task = (job / "tasks" / f"{number:06}.json").read_text(encoding="utf-8")
            manifest = _native.run_task(task, plan, data, os.fspath(folder))
            (folder / "manifest.json").write_text(manifest, encoding="utf-8")
            if hook is not None:
                hook(number, folder)
            yield pyarrow.RecordBatch.from_pydict(
                {"task": [number], "attempt": [attempt], "manifest": [manifest]},
                schema=pyarrow.schema(
                    [("task", pyarrow.int64()), ("attempt", pyarrow.string()), ("manifest", pyarrow.string())]
                ),
            )


def _take(out, job, manifests, whole, check):
    """Moves the files of one attempt of each task into the folders of the tables."""
    files, counts, rejects = [], {}, job / "rejects.ndjson"
    with concurrent.futures.ThreadPoolExecutor() as pool, open(rejects, "wb") as rejected:
        moved = []
        for number in sorted(manifests):
            attempt, manifest = manifests[number]
            folder = job / "attempts" / f"{number:06}-{attempt}"
            for name, count in manifest["counts"].items():
                counts[name] = counts.get(name, 0) + count
            if manifest["rejects"]:
                with open(folder / "rejects.ndjson", "rb") as lines:
                    shutil.copyfileobj(lines, rejected)
            for file in manifest["files"]:
                staged = StagedFile(
                    table=file["table"],
                    path=out / file["table"] / f"{number:06}.parquet",
                    rows=file["rows"],
                    sha256=file["sha256"],
                    task=number,
                    attempt=attempt,
                )
                files.append(staged)
                moved.append(pool.submit(_move, folder / file["path"], staged, check))
        for one in moved:
            one.result()
    counts["without_view"] = counts.get("without_view", 0) + whole["without_view"]
    counts["resources"] = counts.get("resources", 0) + whole["without_view"]
    for name in ("rejected_resources", "damaged_frames"):
        counts.setdefault(name, 0)
    counts["gone"] = whole["gone"]
    attempts = job / "attempts"
    discarded = len(os.listdir(attempts)) - len(manifests) if attempts.is_dir() else 0
    shutil.rmtree(attempts, ignore_errors=True)
    if rejects.stat().st_size == 0:
        rejects.unlink()
        rejects = None
    (job / "manifest.json").write_text(
        json.dumps({"files": [_as_json(file, out) for file in files], "counts": counts, **whole}, indent=1),
        encoding="utf-8",
    )
    return {"files": files, "counts": counts, "rejects": rejects, "discarded": discarded}


def _move(source, staged, check):
    """Takes a file, if it is what its task said."""
    try:
        found = _native.sha256(os.fspath(source)) if check else staged.sha256
        if found != staged.sha256:
            raise ClaimlakeError(
                f"{source} is not what task {staged.task} wrote: its checksum differs; run the job again"
            )
        source.rename(staged.path)
    except OSError as error:
        raise ClaimlakeError(
            f"{source}, of task {staged.task}, is not there for the driver: executors and driver must see "
            f"{source.parents[3]} as one folder ({error})"
        ) from error


def _as_json(file, out):
    fields = dataclasses.asdict(file)
    return fields | {"path": str(file.path.relative_to(out))}


def register(spark, lake):
    """Registers every table and SQL view of a lake as a temporary view; returns their names.

    The columns are those of the lake, not inferred: empty tables have them, too.

    :param lake: what :func:`claimlake.open` returned, or its argument.
    :raises LakeError: if there is no lake.
    """
    snapshot = lake if isinstance(lake, Snapshot) else _open(lake)
    text = snapshot._views("spark")
    names = []
    for statement in _statements(text):
        spark.sql(statement)
        name = statement.split("`")[1:2]
        names += name
    if not names:
        raise LakeError(f"snapshot {snapshot.number} has no views for Spark")
    return names


def _statements(text):
    """The statements of a views file, without comments before them."""
    statement = []
    for line in text.splitlines():
        if not statement and (line.startswith("--") or not line.strip()):
            continue
        statement.append(line)
        if line.rstrip().endswith(";"):
            yield "\n".join(statement).rstrip().removesuffix(";")
            statement = []
