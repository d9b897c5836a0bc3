"""What Python and Spark cost beside the command: one set of claims, read by each of them on one core's worth of time.

    cluster.py CLAIMS.ndjson OUT [MASTER [TASK_MB]]

Runs in an environment with the wheel, pyarrow and PySpark. Prints seconds, CPU seconds and peak memory, and writes
them to OUT/cluster.json. CPU is that of all processes that were started, executors among them.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import threading
import time

import spark_rival

import claimlake
import claimlake.spark

PIPELINES = pathlib.Path(__file__).resolve().parents[2] / "pipelines"


def cpu_of(pid):
    """User and system seconds of a process, and its resident megabytes."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError):
        return 0.0, 0.0
    ticks = os.sysconf("SC_CLK_TCK")
    return sum(map(int, fields[11:13])) / ticks, pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children(pid):
    """A process and all below it."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                found += children(int(child))
        except OSError:
            pass
    return found


class Watched:
    """Seconds, CPU seconds, and the largest process of each kind while a block runs."""

    def __enter__(self):
        self._stop, self.peak, self._cpu = threading.Event(), {}, {}
        self._before = {pid: cpu_of(pid)[0] for pid in children(os.getpid())}
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        self._begin = time.monotonic()
        return self

    def _look(self):
        for pid in children(os.getpid()):
            cpu, memory = cpu_of(pid)
            self._cpu[pid] = max(cpu, self._cpu.get(pid, 0))
            try:
                name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
            except OSError:
                continue
            if pid == os.getpid():
                name = "driver"
            self.peak[name] = round(max(memory, self.peak.get(name, 0)), 1)

    def _watch(self):
        while not self._stop.wait(0.05):
            self._look()

    def __exit__(self, *_):
        self.wall = time.monotonic() - self._begin
        self._look()
        self._stop.set()
        self._thread.join()
        self.cpu = sum(cpu - self._before.get(pid, 0) for pid, cpu in self._cpu.items())


def main():
    source, out = pathlib.Path(sys.argv[1]).absolute(), pathlib.Path(sys.argv[2]).absolute()
    master = (sys.argv[3:] or ["local-cluster[2,1,2048]"])[0]
    task_mb = int((sys.argv[4:] or ["64"])[0])
    out.mkdir(parents=True)
    data, size = out / "data", source.stat().st_size / 1e9
    results = {"gigabytes": round(size, 3), "master": master, "task_mb": task_mb}

    def report(name, watched, **more):
        results[name] = {"wall": round(watched.wall, 2), "cpu": round(watched.cpu, 2), "peak_mb": watched.peak, **more}
        print(name, json.dumps(results[name]), flush=True)

    claimlake.command("import", "--api", "v2", source, pipeline="demo", data=data)
    for name, pipeline in (("four tables", PIPELINES / "bench.toml"), ("all tables", "demo")):
        words = [claimlake.executable(), "--quiet", "--pipeline", os.fspath(pipeline), "--data", os.fspath(data)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.monotonic()
        subprocess.run([*words, "transform", "--full"], check=True)
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime
        results[f"command, {name}"] = {"wall": round(time.monotonic() - begin, 2), "cpu": round(cpu, 2)}
        print(f"command, {name}", results[f"command, {name}"], flush=True)
        with Watched() as watched:
            flat = claimlake.flatten(source, pipeline=pipeline, api="v2", temporary=out)
        report(f"flatten, {name}", watched, rows=sum(map(len, flat.values())))
        del flat
        plan = claimlake._native.Plan(json.dumps(claimlake._plan.read(pipeline)["plan"]))
        texts, _ = claimlake._native.tasks(os.fspath(data), plan, 64 << 20, os.fspath(out / f"empty-{name}"))
        with Watched() as watched:
            for number, text in enumerate(texts):
                claimlake._native.run_task(text, plan, os.fspath(data), os.fspath(out / f"alone-{name}" / str(number)))
        report(f"tasks alone, {name}", watched, task_json_bytes=sum(map(len, texts)))

    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    for key in ("spark.driver.bindAddress", "spark.driver.host"):
        builder = builder.config(key, "127.0.0.1")
    with Watched() as watched:
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("OFF")
        spark.range(0, 2, 1, 2).mapInArrow(lambda batches: batches, "id bigint").collect()
    report("Spark starts", watched)
    of_ours = []
    for name, pipeline in (("four tables", PIPELINES / "bench.toml"), ("all tables", "demo")):
        staged_in = out / f"staged-{name.replace(' ', '-')}"
        with Watched() as watched:
            staged = claimlake.spark.transform(spark, data, staged_in, pipeline, task_mb=task_mb)
        files = list(staged_in.rglob("*.parquet"))
        report(
            f"Spark, {name}", watched, tasks=staged.tasks, files=len(files),
            staged_mb=round(sum(file.stat().st_size for file in files) / 1e6, 1),
        )
        of_ours.append(staged.rows)
    with Watched() as watched:
        rows = spark_rival.write(spark, source, out / "rival")
    ours = {table: count for table, count in of_ours[0].items() if table != "_keys"}
    report("Spark SQL, four tables", watched, rows=rows, ours=ours)
    with Watched() as watched:
        staged.load(out / "lake")
    report("load, all tables", watched)
    spark.stop()
    (out / "cluster.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
