"""Tables from claims: this project against DuckDB, in turn, medians of several pairs.

    run.py --claimlake BINARY [--bytes 1000000000] [--pairs 5] [--corpus FILE.ndjson] [--walk BINARY]

Without a corpus, synthetic claims are generated. Both read the same claims, compressed with zstd (ours
from landing, once imported), and write partitioned Parquet; what both wrote is compared, column by
column. `all tables` is the demo's pipeline. CPU seconds are those of the processes. `--walk` names the
example `transform_bench`, for what parsing alone costs. One table is printed, with the machine and the
versions; all figures are in `bench.json` in the folder of `--out`.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

import duckdb
import outcome
import pyarrow

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TABLES = ("header", "item", "adjudication", "diagnosis")


class Peak(threading.Thread):
    """The peak memory of a process. What the kernel tells in the end counts this one's as well."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.status, self.mebibytes, self.over = pathlib.Path(f"/proc/{process}/status"), 0.0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.005):
            try:
                found = re.search(r"VmHWM:\s+(\d+)", self.status.read_text())
            except OSError:
                return
            if found:
                self.mebibytes = int(found[1]) / 1024


def measured(command, **options):
    """Runs a command; wall seconds, CPU seconds and peak memory in MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    peak = Peak(process.pid)
    error = process.stderr.read()
    peak.over.set()
    peak.join()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode not in (0, 3):
        sys.exit(f"{command[0]} failed with {process.returncode}:\n{error.decode()}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": peak.mebibytes}


class Spent:
    """What runs made, until the end: for minutes after many files are deleted, ext4 is slow to make new ones."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    def take(self, path):
        if path.exists():
            self.count += 1
            path.rename(self.folder / str(self.count))

    def remove(self):
        shutil.rmtree(self.folder)


class Ours:
    """A pipeline over one corpus, which is landed once."""

    def __init__(self, claimlake, pipeline, data, corpus, spent):
        self.data, self.spent = data, spent
        self.command = [claimlake, "--quiet", "--pipeline", ROOT / "pipelines" / f"{pipeline}.toml", "--data", data]
        shutil.rmtree(data, ignore_errors=True)
        self.imported = measured([*self.command, "import", "--api", "v2", corpus])

    def run(self):
        for made in ("lake", "staged", "transformed"):
            self.spent.take(self.data / made)
        return measured([*self.command, "run", "--from", "transform"])


def generate(claimlake, path, size):
    print(f"generating {path}", file=sys.stderr)
    command = [claimlake, "sandbox", "generate", "--bytes", str(size), "--resource", "ExplanationOfBenefit"]
    with open(path, "wb") as file:
        subprocess.run(command, stdout=file, check=True)


def compressed(source, path, share=1.0):
    """The first lines of a file, so many bytes of it, compressed."""
    left = source.stat().st_size * share
    with open(source, "rb") as lines, pyarrow.CompressedOutputStream(str(path), "zstd") as out:
        for line in lines:
            if left <= 0:
                break
            out.write(line)
            left -= len(line)
    return path


def differences(ours, rival):
    """Columns that are not the same in both: their rows, values, and sums or lengths."""
    found = []
    for table in TABLES:
        sides = [f"read_parquet('{side}/{table}/**/*.parquet', hive_partitioning = true)" for side in (ours, rival)]
        kinds = dict(duckdb.sql(f"SELECT column_name, column_type FROM (DESCRIBE FROM {sides[1]})").fetchall())
        for column, kind in kinds.items():
            # A partition column has 0 here where it has null there.
            name = f'nullif("{column}", 0)' if column == "year" else f'"{column}"'
            is_number = kind.startswith(("DECIMAL", "INTEGER", "BIGINT", "DOUBLE"))
            value = f"{name}::DECIMAL(38, 4)" if is_number else f"strlen({name}::VARCHAR)"
            query = f"SELECT count(*), count({name}), sum({value}) FROM "
            if duckdb.sql(query + sides[0]).fetchall() != duckdb.sql(query + sides[1]).fetchall():
                found.append(f"{table}.{column}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claimlake", required=True)
    parser.add_argument("--bytes", type=int, default=1_000_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--corpus", help="NDJSON of ExplanationOfBenefit; else it is generated")
    parser.add_argument("--out", default="bench-out")
    parser.add_argument("--walk", help="the example transform_bench")
    options = parser.parse_args()
    claimlake = pathlib.Path(options.claimlake).resolve()
    out = pathlib.Path(options.out).resolve()
    out.mkdir(exist_ok=True)
    corpus = pathlib.Path(options.corpus).resolve() if options.corpus else out / f"claims-{options.bytes}.ndjson"
    if not corpus.exists():
        generate(claimlake, corpus, options.bytes)
    size = corpus.stat().st_size / 1e6
    whole = compressed(corpus, out / "claims.ndjson.zst")
    tenth = compressed(corpus, out / "tenth.ndjson.zst", 0.1)
    rival = [sys.executable, HERE / "duckdb_rival.py", whole, out / "rival"]
    spent = Spent(out / "spent")
    four = Ours(claimlake, "bench", out / "four", whole, spent)
    every = Ours(claimlake, "demo", out / "all", whole, spent)
    runs = {"four tables": [], "duckdb": [], "all tables": []}
    for _ in range(options.pairs):
        runs["four tables"].append(four.run())
        spent.take(out / "rival")
        runs["duckdb"].append(measured(rival))
        runs["all tables"].append(every.run())
    runs["import"] = [four.imported, every.imported]
    wrong = differences(four.data / "lake" / "current", out / "rival")
    tenths = {
        name: Ours(claimlake, pipeline, out / "tenth", tenth, spent).run()
        for name, pipeline in (("four tables", "bench"), ("all tables", "demo"))
    }
    versions = outcome.versions(claimlake, duckdb=duckdb.__version__)
    found = outcome.document(size, runs, tenths, outcome.machine(), versions) | {"differing_columns": wrong}
    print(*outcome.table(found), sep="\n")
    if options.walk:
        walked = subprocess.run(
            [options.walk, ROOT / "pipelines" / "bench_views", corpus, out / "walk"],
            env=os.environ | {"PARSE_ONLY": "1"}, check=True, capture_output=True, text=True,
        )
        ours = found["spread"]["four tables"]["cpu"]["median"]
        speed = float(walked.stdout.split(",")[1].split()[0])
        print(f"{walked.stdout.strip()}; end to end is {size / ours / speed:.0%} of that")
        found["parsing_mb_per_cpu_s"] = speed if speed < float("inf") else None
    print(f"columns that differ from DuckDB's: {', '.join(wrong) or 'none'}")
    spent.remove()
    (out / "bench.json").write_text(json.dumps(found, indent=1) + "\n")
    print(f"all figures: {out / 'bench.json'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
