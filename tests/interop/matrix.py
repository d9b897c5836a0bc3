"""`make test-readers`: every table of every kind of lake by every reader that is promised to read it.

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


def read(reader, python, scratch, snapshots):
    ended = subprocess.run(
        [python, READERS, reader, scratch, *snapshots],
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


def main(arguments):
    home = pathlib.Path(tempfile.mkdtemp(prefix="claimlake-readers-"))
    try:
        made = {name: lakes.snapshot(make(home)) for name, make in lakes.LAKES.items()}
        wanted = {name: lakes.expected(snapshot) for name, snapshot in made.items()}
        print(f"{'':16}" + "".join(f"{name:>12}" for name in made), flush=True)
        report, failed = [], False
        for argument in arguments:
            name, reader, python = argument.split("=", 2)
            if reader == "spark" and not shutil.which("java"):
                print(f"{name:16} no java: not tried", flush=True)
                failed = True
                continue
            scratch = home / f"scratch-{name}"
            scratch.mkdir()
            answers = read(reader, python, scratch, list(made.values()))
            types, words = {}, []
            for lake, answer in zip(made, answers):
                word, why = of_one(answer, wanted[lake], types)
                words.append(word)
                report += [f"{name}, {lake}: {line}" for line in why]
                failed |= bool(why)
            print(f"{name:16}" + "".join(f"{word:>12}" for word in words), flush=True)
        print("\n".join(report))
        return int(failed)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
