"""Kills `extract` at random instants, then lets it end; nothing may be lost, doubled or refreshed twice.

    .venv/bin/python tests/soak/kill_extract.py [--kills 30] [--people 50] [--latency 300] [--api v2] [--seed 5]

The sandbox is a process of its own, so that what it noticed stands after every kill. People start
with refresh tokens only: every one of them must be refreshed exactly once in all. At the end the
sealed landing holds what the sandbox says there is, each resource once. Also shown: two extractions
at once on one data directory, and a disk that fills (a small tmpfs, where this may be mounted).
Needs `make build` and DuckDB (`make venv`).
"""

import argparse
import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))
import extract as bench  # noqa: E402


class Extraction:
    def __init__(self, binary, server, folder, api, people, concurrency=16):
        self.server, self.api, self.data = server, api, folder / "data"
        pipeline = folder / "pipeline.toml"
        pipeline.write_text(bench.PIPELINE.format(url=server.url, api=api, concurrency=concurrency))
        self.environment = os.environ | {
            "BENCH_CLIENT_ID": server.id, "BENCH_CLIENT_SECRET": server.secret, "CLAIMLAKE_VAULT_KEY": "5" * 64,
        }
        self.common = [binary, "--pipeline", str(pipeline), "--data", str(self.data), "--quiet"]
        grants = folder / "grants.ndjson"
        server.write_grants(api, people, grants)
        self.run("grants", "import", str(grants))

    def start(self):
        command = self.common + ["extract"]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        return subprocess.run(self.common + list(arguments), env=self.environment, check=True, capture_output=True)

    def landed(self):
        """How often each (resource, patient, id) lies in sealed runs."""
        root = self.data / "landing"
        marked = {path.name.split("=")[1] for path in root.glob("extracting-run=*")}
        landed = collections.Counter()
        for manifest in root.glob("api=*/resource=*/run=*/manifest.json"):
            if manifest.parent.name.split("=")[1] in marked:
                continue
            files = [str(part) for part in manifest.parent.glob("part-*")]
            for (line,) in duckdb.sql(
                f"SELECT json FROM read_json({files}, format='newline_delimited', columns={{'json': 'JSON'}}, "
                "records=false, compression='zstd', maximum_object_size=100000000)"
            ).fetchall():
                body = json.loads(line)
                kind = body["resourceType"]
                owner = {"Patient": lambda: body["id"], "Coverage": lambda: body["beneficiary"]["reference"]}
                owner = owner.get(kind, lambda: body["patient"]["reference"])()
                landed[kind, owner.removeprefix("Patient/"), body["id"]] += 1
        return landed

    def truth(self):
        with urllib.request.urlopen(f"{self.server.url}/_sandbox/truth?api={self.api}") as answer:
            people = json.load(answer)
        truth = set()
        for person in people:
            patient = person["patient"]
            truth.add(("Patient", patient, patient))
            truth |= {("Coverage", patient, one) for one in person["coverage_ids"]}
            claims = person["eob_ids"] + person["prior_authorization_ids"]
            truth |= {("ExplanationOfBenefit", patient, one) for one in claims}
        return truth

    def check(self, kills, people):
        landed, truth, account = self.landed(), self.truth(), self.server.account()
        lost = len(truth - landed.keys())
        doubled = sum(count - 1 for count in landed.values())
        refreshes = sum(person["refreshes"] for person in account["people"].values())
        reused = sum(person["refresh_tokens_reused"] for person in account["people"].values())
        print(f"{kills} kills: claims and others lost {lost}, doubled {doubled}; refreshes {refreshes} of {people} people, "
              f"refresh tokens used twice {reused}, bearers sent elsewhere {account['leaked_tokens']}")
        return lost == doubled == reused == account["leaked_tokens"] == 0 and refreshes == people


def kill_again_and_again(options, extraction, dice):
    kills = 0
    for _ in range(options.kills):
        process = extraction.start()
        time.sleep(dice.uniform(0.05, options.longest))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
    ended = extraction.start()
    _, words = ended.communicate()
    if ended.returncode:
        sys.exit(f"the last extraction ended with {ended.returncode}:\n{words}")
    return extraction.check(kills, options.people)


def two_at_once(extraction):
    first = extraction.start()
    time.sleep(0.2)
    second = extraction.start()
    _, words = second.communicate()
    first.communicate()
    print(f"two at once: exit codes {first.returncode} and {second.returncode}; the second says: {words.strip()[:160]}")
    return first.returncode == 0 and second.returncode != 0 and "another claimlake" in words


def a_disk_that_fills(options, server, folder):
    mounted = folder / "small"
    mounted.mkdir()
    size = "size=700k"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(mounted)], capture_output=True).returncode:
        print("a disk that fills: skipped, a tmpfs cannot be mounted here")
        return True
    try:
        extraction = Extraction(options.claimlake, server, mounted, options.api, 10)
        process = extraction.start()
        _, words = process.communicate()
        print(f"a disk that fills: exit code {process.returncode}; it says: {words.strip().splitlines()[-1][:200]}")
        named = process.returncode == 1 and ("space" in words or "full" in words)
        subprocess.run(["mount", "-o", "remount,size=200m", str(mounted)], check=True)
        process = extraction.start()
        _, words = process.communicate()
        landed = extraction.landed()
        patients = {patient for _, patient, _ in landed}
        lost = [one for one in extraction.truth() if one[1] in patients and one not in landed]
        doubled = sum(count - 1 for count in landed.values())
        print(f"  with room again: exit code {process.returncode}, people {len(patients)}, lost {len(lost)}, doubled {doubled}")
        return named and process.returncode == 0 and len(patients) == 10 and not lost and not doubled
    finally:
        time.sleep(1)
        subprocess.run(["umount", "-l", str(mounted)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claimlake", default=str(ROOT / "target" / "release" / "claimlake"))
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--longest", type=float, default=1.2, help="seconds until a kill, at most")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--eobs", type=int, default=60)
    parser.add_argument("--latency", type=int, default=300)
    parser.add_argument("--api", default="v2")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    good = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        folder = pathlib.Path(folder)
        with bench.sandbox(options.claimlake, options.people, options.eobs, options.latency) as listening:
            server = bench.Server(listening)
            killed = folder / "killed"
            killed.mkdir()
            extraction = Extraction(options.claimlake, server, killed, options.api, options.people)
            good.append(kill_again_and_again(options, extraction, random.Random(options.seed)))
            good.append(two_at_once(extraction))
        with bench.sandbox(options.claimlake, 10, options.eobs, 0) as listening:
            good.append(a_disk_that_fills(options, bench.Server(listening), folder))
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
