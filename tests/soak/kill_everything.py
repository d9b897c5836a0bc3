"""Kills every command that writes at random instants, while DuckDB reads the lake.

    .venv/bin/python tests/soak/kill_everything.py [--binary target/release/claimlake] [--kills 40] [--seed 15]
        [--only load,transform,import,forget,rollback,rekey,run]

Every round prepares something to do, kills the command once at a random instant within the time that it
takes, and then does what an operator would: the next `run`, the command again to its end, and `verify`.
All of these must end with 0, the counts must be those of a lake that nobody disturbed, and a patient who
was forgotten must be in no file. A reader resolves `current` before each query all the while: it must see
a state from before or from after, never one between. `extract` has a script of its own
(`kill_extract.py`). Needs DuckDB (`make venv`).
"""

import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = ["load", "transform", "import", "forget", "rollback", "rekey", "run"]
TABLES = ("eob", "eob_item")


class Claimlake:
    """A data directory, made by the embedded sandbox, and the binary."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.data = binary, folder, folder / "data"
        self.lake = self.data / "lake"
        demo = (ROOT / "pipelines" / "demo.toml").read_text()
        views = json.dumps(str(ROOT / "pipelines" / "views" / "*.json"))
        sql = json.dumps(str(ROOT / "pipelines" / "sql" / "*.sql"))
        ccw = json.dumps(str(ROOT / "pipelines" / "ccw.toml"))
        for old, new in [
            ('"views/*.json"', views), ('"sql/*.sql"', sql), ('name = "demo"', 'name = "killed"'), ("patients = 12", "patients = 3"), ('"ccw.toml"', ccw),
            ("eobs = 60", "eobs = 8"),
        ]:
            assert old in demo, old
            demo = demo.replace(old, new)
        self.pipeline = folder / "killed.toml"
        self.pipeline.write_text(demo)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("CLAIMLAKE_")}
        # Old snapshots go soon: what is killed also removes them.
        self.environment |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "CLAIMLAKE_LOAD_KEEP_HOURS": "0"}

    def start(self, *arguments):
        command = [self.binary, "--pipeline", self.pipeline, "--data", self.data, *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def done(self, *arguments, codes=(0,)):
        """Runs it to its end; what it wrote to standard output, and how long it took."""
        begun = time.monotonic()
        process = self.start(*arguments)
        told, words = process.communicate()
        if process.returncode not in codes:
            sys.exit(f"{arguments} ended with {process.returncode}:\n{told[-2000:]}\n{words[-3000:]}")
        return told, time.monotonic() - begun

    def verify(self):
        self.done("verify")
        status = json.loads(self.done("--json", "status")[0].splitlines()[-1])
        assert status.get("removals", {}).get("open", 0) == 0, status["removals"]

    def counts(self):
        return counts(duckdb.connect(config={"threads": 1}), self.lake)

    def snapshots(self):
        told, _ = self.done("--json", "snapshots")
        return [one["number"] for one in json.loads(told.splitlines()[-1])["snapshots"]]

    def claims(self):
        """The newest body of every claim that landed."""
        found = {}
        for part in sorted(self.data.glob("landing/api=*/resource=ExplanationOfBenefit/run=*/part-*.zst")):
            rows = duckdb.sql(
                f"SELECT json FROM read_json('{part}', format='newline_delimited', columns={{'json': 'JSON'}}, "
                "records=false, compression='zstd', maximum_object_size=100000000)"
            ).fetchall()
            for (line,) in rows:
                found[json.loads(line)["id"]] = line
        return found

    def files_that_mention(self, text):
        """Files that hold a text as it is, once zstd is undone; tables are asked by the counts."""
        word = re.compile(rb"(?<![0-9A-Za-z])" + re.escape(text.encode()) + rb"(?![0-9A-Za-z])")
        found = []
        for path in self.data.rglob("*"):
            if not path.is_file() or path.is_symlink():
                continue
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            if path.suffix == ".zst":
                content = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout
            if word.search(content):
                found.append(str(path))
        return found


def counts(connection, lake):
    """(rows, distinct claims) of two tables of one state."""
    current = (lake / "current").resolve()
    return tuple(
        connection.execute(
            "SELECT count(*), count(DISTINCT eob_id) FROM read_parquet(?, hive_partitioning=true)",
            [f"{current}/{table}/**/*.parquet"],
        ).fetchone()
        for table in TABLES
    )


class Reader(threading.Thread):
    """Asks the same question again and again, of whatever is current."""

    def __init__(self, lake):
        super().__init__(daemon=True)
        self.lake, self.over = lake, threading.Event()
        self.queries, self.gone, self.wrong, self.allowed = 0, 0, [], set()

    def run(self):
        connection = duckdb.connect(config={"threads": 1})
        while not self.over.is_set():
            current = (self.lake / "current").resolve()
            try:
                seen = counts(connection, self.lake)
            except duckdb.Error as error:
                # A removal takes every earlier snapshot away, from under whoever reads it.
                if current == (self.lake / "current").resolve():
                    self.wrong.append(str(error))
                self.gone += 1
                continue
            self.queries += 1
            if seen not in self.allowed and current == (self.lake / "current").resolve():
                self.wrong.append(f"{seen} is none of {self.allowed}")
            time.sleep(0.02)


class Rounds:
    """What each command is given to do, and what must be so after it was killed and all was ended."""

    def __init__(self, claimlake, reader, chance):
        self.claimlake, self.reader, self.chance = claimlake, reader, chance
        self.claims = claimlake.claims()
        self.whole = claimlake.counts()
        reader.allowed.add(self.whole)
        self.version = 0

    def update(self):
        """A file with newer bodies of some claims: the counts stay, and what was there is replaced."""
        self.version += 1
        chosen = self.chance.sample(sorted(self.claims), 3)
        stamp = f'"lastUpdated":"2027-01-01T00:{self.version // 60 % 60:02}:{self.version % 60:02}.{self.version:06}+00:00"'
        lines = [re.sub(r'"lastUpdated"\s*:\s*"[^"]*"', stamp, self.claims[claim], count=1) for claim in chosen]
        file = self.claimlake.folder / "update.ndjson"
        file.write_text("\n".join(lines) + "\n")
        return ("import", "--api", "v2", str(file))

    def newcomer(self):
        """A patient with two claims who is in the lake, and their id."""
        self.version += 1
        patient = f"-7770{self.version:06}"
        lines = [json.dumps({"resourceType": "Patient", "id": patient, "gender": "female"}, separators=(",", ":"))]
        for number, claim in enumerate(self.chance.sample(sorted(self.claims), 2)):
            body = json.loads(self.claims[claim])
            text = self.claims[claim].replace(body["patient"]["reference"], f"Patient/{patient}")
            lines.append(text.replace(f'"{claim}"', f'"carrier--88{self.version:06}{number}"'))
        file = self.claimlake.folder / "newcomer.ndjson"
        file.write_text("\n".join(lines) + "\n")
        # While they come, every state that they make is right; they are counted once they are here.
        self.reader.allowed = AnyState()
        self.claimlake.done("import", "--api", "v2", str(file))
        self.claimlake.done("run", "--from", "transform")
        self.reader.allowed = {self.whole, self.claimlake.counts()}
        return patient

    def prepared(self, command):
        """What is killed, what is run after the kill, and what must be so in the end."""
        publish = [("run", "--from", "transform")]
        if command == "import":
            update = self.update()
            return update, [update, *publish], lambda: None
        if command in ("transform", "load", "run"):
            self.claimlake.done(*self.update())
            if command == "load":
                self.claimlake.done("transform")
            return (command,), [("run",) if command == "run" else publish[0]], lambda: None
        if command == "forget":
            patient = self.newcomer()

            def nobody():
                mentions = self.claimlake.files_that_mention(patient)
                assert not mentions, mentions
                self.reader.allowed = {self.whole}

            forget = ("forget", "--yes", "--offline", "--", patient)
            # The next run ends what was begun; where nothing was, the patient is here until it is again.
            return forget, [publish[0], ("verify",), forget], nobody
        if command == "rollback":
            self.claimlake.done(*self.update())
            self.claimlake.done(*publish[0])
            earlier = str(self.claimlake.snapshots()[-2])

            def is_there():
                current = (self.claimlake.lake / "current").resolve().name
                assert current == earlier, (current, earlier)
                self.claimlake.done("verify")
                self.claimlake.done("transform")
                self.claimlake.done("load", "--unpin")

            rollback = ("snapshots", "rollback", earlier)
            return rollback, [rollback], is_there
        if command == "rekey":
            return ("vault", "rekey"), [("grants", "list"), ("vault", "rekey"), ("run",)], lambda: None
        sys.exit(f"no such command: {command}")

    def kill(self, command, kills):
        begun, killed, rounds, lengths = time.monotonic(), 0, 0, []
        queries = self.reader.queries
        while killed < kills:
            what, after, check = self.prepared(command)
            if not lengths:
                # Undisturbed, for its length.
                lengths.append(self.claimlake.done(*what)[1])
            else:
                rounds += 1
                started = time.monotonic()
                process = self.claimlake.start(*what)
                try:
                    process.communicate(timeout=self.chance.random() * sum(lengths[-5:]) / len(lengths[-5:]))
                    lengths.append(time.monotonic() - started)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                killed += process.returncode < 0
            for step in after:
                _, length = self.claimlake.done(*step)
                if step == what:
                    lengths.append(length)
            check()
            self.claimlake.verify()
            found = self.claimlake.counts()
            assert found == self.whole, (command, rounds, found, self.whole)
        print(
            f"{command:10} {killed:4} kills in {rounds:4} rounds, run and verify 0 after each; "
            f"{self.reader.queries - queries:6} reads, {len(self.reader.wrong)} wrong; {time.monotonic() - begun:5.0f} s",
            flush=True,
        )
        return killed


class AnyState:
    """Every state is right."""

    def __contains__(self, _state):
        return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "target" / "release" / "claimlake"))
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--only", default=",".join(COMMANDS))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        claimlake = Claimlake(str(pathlib.Path(given.binary).resolve()), pathlib.Path(folder).resolve())
        claimlake.done("run")
        reader = Reader(claimlake.lake)
        rounds = Rounds(claimlake, reader, random.Random(given.seed))
        reader.start()
        for command in given.only.split(","):
            rounds.kill(command, given.kills)
            assert not reader.wrong, reader.wrong[:3]
        reader.over.set()
        reader.join()
        print(f"{reader.queries} reads, {len(reader.wrong)} wrong, {reader.gone} of a snapshot that a removal took meanwhile")


if __name__ == "__main__":
    main()
