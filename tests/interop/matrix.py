"""`make test-readers`: every table of every kind of lake by every reader that is promised to read it, and
the questions of docs/queries by every DuckDB and Spark.

Each reader runs in an environment of its own. Prints a table, and ends with 1 where a reader fails or
sees anything else than the lake has.

    python matrix.py NAME=READER=PYTHON…
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import lakes

READERS = pathlib.Path(__file__).with_name("readers.py")
ASK = pathlib.Path(__file__).with_name("ask.py")
# Lakes with answers to every question: one of imports alone does not say who is complete.
ASKED = ("v2", "v3")


def read(scratch, snapshots, *command):
    ended = subprocess.run(
        [*command, *snapshots],
        cwd=scratch, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )
    lines = [line.removeprefix("SEEN ") for line in ended.stdout.splitlines() if line.startswith("SEEN ")]
    answers = [json.loads(line) for line in lines]
    missing = len(snapshots) - len(answers)
    return answers + [{"error": ended.stderr[-2000:] or "it ended early"}] * missing


def of_one(answer, wanted, types):
    """In one word and, where it is not `ok`, in many."""
    if "error" in answer:
        return "FAILED", [answer["error"]]
    wrong = lakes.differences(answer["tables"], wanted)
    for table, saw in answer["tables"].items():
        known = types.setdefault(table, saw["types"])
        if sorted(saw["types"].items()) != sorted(known.items()):
            wrong.append(f"{table}: other types than with rows")
    return (f"{len(wanted)} tables", []) if not wrong else ("WRONG", wrong)


def asked(name, reader, python, scratch, made, known):
    """In one word and in many, whether a version answers the questions as the first one did."""
    answers = read(scratch, [made[lake] for lake in ASKED], python, ASK, reader)
    wrong = []
    for lake, answer in zip(ASKED, answers):
        if "error" in answer:
            wrong.append(f"{name}, {lake}: {answer['error']}")
            continue
        first = known.setdefault(lake, answer["answers"])
        wrong += [f"{name}, {lake}: another answer to {file}" for file in first if answer["answers"][file] != first[file]]
    return ("ok" if not wrong else "WRONG"), wrong


def main(arguments):
    home = pathlib.Path(tempfile.mkdtemp(prefix="claimlake-readers-"))
    try:
        made = {name: lakes.snapshot(make(home)) for name, make in lakes.LAKES.items()}
        wanted = {name: lakes.expected(snapshot) for name, snapshot in made.items()}
        print(f"{'':16}" + "".join(f"{name:>12}" for name in [*made, "questions"]), flush=True)
        report, failed, known = [], False, {}
        for argument in arguments:
            name, reader, python = argument.split("=", 2)
            if reader == "spark" and not shutil.which("java"):
                print(f"{name:16} no java: not tried", flush=True)
                failed = True
                continue
            scratch = home / f"scratch-{name}"
            scratch.mkdir()
            answers = read(scratch, list(made.values()), python, READERS, reader, scratch)
            types, words = {}, []
            for lake, answer in zip(made, answers):
                word, why = of_one(answer, wanted[lake], types)
                words.append(word)
                report += [f"{name}, {lake}: {line}" for line in why]
                failed |= bool(why)
            if reader in ("duckdb", "spark"):
                word, why = asked(name, reader, python, scratch, made, known)
                words.append(word)
                report += why
                failed |= bool(why)
            print(f"{name:16}" + "".join(f"{word:>12}" for word in words), flush=True)
        print("\n".join(report))
        return int(failed)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
