"""Four tables from claims: this project against DuckDB, in turn, medians of several pairs.

    run.py --claimlake BINARY [--bytes 200000000] [--pairs 5] [--corpus FILE.ndjson]

Without a corpus, synthetic claims are generated. Both read the same NDJSON and write partitioned
Parquet; ours also lands it first, which is timed apart. CPU seconds are those of the processes.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def measured(command, **options):
    """Runs a command; wall seconds, CPU seconds and peak memory in MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode not in (0, 3):
        sys.exit(f"{command[0]} failed with {process.returncode}:\n{error.decode()}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss / 1024}


def added(*runs):
    return {
        "wall": sum(run["wall"] for run in runs),
        "cpu": sum(run["cpu"] for run in runs),
        "rss": max(run["rss"] for run in runs),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claimlake", required=True)
    parser.add_argument("--bytes", type=int, default=200_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--corpus")
    parser.add_argument("--out", default="bench-out")
    options = parser.parse_args()
    claimlake = pathlib.Path(options.claimlake).resolve()
    out = pathlib.Path(options.out).resolve()
    out.mkdir(exist_ok=True)
    corpus = pathlib.Path(options.corpus).resolve() if options.corpus else out / f"claims-{options.bytes}.ndjson"
    if not corpus.exists():
        print(f"generating {corpus}", file=sys.stderr)
        with open(corpus, "wb") as file:
            subprocess.run(
                [claimlake, "sandbox", "generate", "--bytes", str(options.bytes), "--resource", "ExplanationOfBenefit"],
                stdout=file, check=True,
            )
    size = corpus.stat().st_size / 1e6
    ours = [claimlake, "--quiet", "--pipeline", ROOT / "pipelines" / "bench.toml", "--data", out / "ours"]
    rival = [sys.executable, HERE / "duckdb_rival.py", corpus, out / "rival"]
    results = {"import": [], "ours": [], "duckdb": []}
    for _ in range(options.pairs):
        shutil.rmtree(out / "ours", ignore_errors=True)
        results["import"].append(measured([*ours, "import", "--api", "v2", corpus]))
        results["ours"].append(added(measured([*ours, "transform"]), measured([*ours, "load"])))
        results["duckdb"].append(measured(rival))
    median = {
        name: {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "rss")}
        for name, runs in results.items()
    }
    print(f"{'':10} {'wall s':>8} {'CPU s':>8} {'MB/s':>8} {'MB/CPU-s':>9} {'RSS MiB':>8}")
    for name, one in median.items():
        print(
            f"{name:10} {one['wall']:8.2f} {one['cpu']:8.2f} {size / one['wall']:8.1f}"
            f" {size / one['cpu']:9.1f} {one['rss']:8.0f}"
        )
    print(
        f"ours is {median['duckdb']['wall'] / median['ours']['wall']:.2f} x DuckDB in wall time,"
        f" {median['duckdb']['cpu'] / median['ours']['cpu']:.2f} x in CPU time"
        f" ({size:.0f} MB, {options.pairs} pairs)"
    )
    (out / "bench.json").write_text(json.dumps({"megabytes": size, "median": median, "runs": results}, indent=1))


if __name__ == "__main__":
    main()
