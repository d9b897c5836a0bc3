"""Kills `load` at random instants while DuckDB reads.

    .venv/bin/python tests/soak/kill_load.py [--kills 50] [--claims 3000] [--seed 20]

Every round loads an update and is killed once at a random instant, then loaded again to its end. A
reader resolves `current` before each query all the while: it must see the state before or the state
after, without an error. At the end the table files must equal, byte for byte, those of a lake that
nobody disturbed. Needs `cargo build --release -p claimlake-loader --examples`.
"""

import argparse
import hashlib
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "examples"
TABLE = "eob_item_adjudication"


def stage(folder, claims, number):
    subprocess.run(
        [TOOLS / "stage_synthetic", folder, str(claims), str(number)], check=True, stdout=subprocess.DEVNULL
    )
    [run] = folder.glob(f"run=*{number:03}Z-0000")
    return run


def start(lake, staged, number):
    return subprocess.Popen(
        [TOOLS / "load_once", lake, staged],
        env=os.environ | {"LOAD_RUN": str(number)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )


def load(lake, staged, number):
    process = start(lake, staged, number)
    if process.wait():
        sys.exit(f"load {number} of {lake} ended with {process.returncode}")


def files(lake):
    """The hash of every file of every table of claims."""
    current = (lake / "current").resolve()
    return {
        str(path.relative_to(current)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in current.rglob("*.parquet")
        if path.relative_to(current).parts[0] != "changes"
    }


class Reader(threading.Thread):
    """Asks the same question again and again, of whatever is current."""

    QUESTION = (
        "SELECT count(*), count(DISTINCT eob_id), epoch_us(max(last_updated)) // 1000000"
        " FROM read_parquet('{}/**/*.parquet', hive_partitioning=true)"
    )

    def __init__(self, lake):
        super().__init__(daemon=True)
        self.lake, self.stop = lake, threading.Event()
        self.queries, self.answers, self.errors = 0, set(), []

    def run(self):
        connection = duckdb.connect(config={"threads": 1})
        while not self.stop.is_set():
            folder = (self.lake / "current").resolve() / TABLE
            try:
                self.answers.add(connection.execute(self.QUESTION.format(folder)).fetchone())
                self.queries += 1
            except duckdb.Error as error:
                self.errors.append(str(error))
            time.sleep(0.01)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--claims", type=int, default=3000)
    arguments.add_argument("--seed", type=int, default=20)
    given = arguments.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        lake, calm = folder / "lake", folder / "calm"
        base = stage(folder / "staged", given.claims, 0)
        load(lake, base, 0)
        load(calm, base, 0)
        reader = Reader(lake)
        reader.start()
        killed = 0
        for number in range(1, given.kills + 1):
            # Ever another part of the claims of a partition, so that old rows stay in every state.
            staged = stage(folder / "staged", chance.randint(1, given.claims // 40), number)
            # The undisturbed load says how long one takes at the moment.
            begun = time.monotonic()
            load(calm, staged, number)
            length = time.monotonic() - begun
            process = start(lake, staged, number)
            time.sleep(chance.random() * length)
            process.kill()
            killed += process.wait() != 0
            load(lake, staged, number)
        reader.stop.set()
        reader.join()
        rows = {answer[0] for answer in reader.answers}
        claims = {answer[1] for answer in reader.answers}
        print(
            f"{given.kills} loads, {killed} of them killed before their end; "
            f"{reader.queries} queries saw {len(reader.answers)} states, {len(reader.errors)} errors"
        )
        assert not reader.errors, reader.errors[:3]
        assert rows == {given.claims * 24} and claims == {given.claims}, reader.answers
        assert files(lake) == files(calm), "the files differ from those of an undisturbed lake"
        print(f"{len(files(lake))} table files equal those of an undisturbed lake, byte for byte")


if __name__ == "__main__":
    main()
