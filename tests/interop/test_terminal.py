"""What a person at a terminal sees: `grants list` is a table and progress keeps to the width; in a pipe and with
`--json` there are lines for programs."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from conftest import binary, claimlake

PEOPLE = {"CLAIMLAKE_SOURCE_PATIENTS": "3", "CLAIMLAKE_SOURCE_EOBS": "30"}


def on_a_terminal(home, columns, *arguments):
    """Runs the command on a terminal of so many columns; the lines that it wrote, without what moves the cursor."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMLAKE_") and k != "COLUMNS"}
    environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "TERM": "xterm"} | PEOPLE
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(
        [binary(), *arguments], cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            some = os.read(ours, 65536)
        except OSError:
            break
        if not some:
            break
        written += some
    os.close(ours)
    assert child.wait(timeout=600) == 0, written
    lines = re.split(r"\r\n|\r|\n|\x1b\[[0-9;?]*[A-Za-z]", written.decode())
    return [line.rstrip() for line in lines if line.strip()]


@pytest.mark.parametrize("columns", [80, 40, 20])
def test_grants_and_progress_keep_to_the_width(tmp_path, columns):
    ran = on_a_terminal(tmp_path, columns, "--data", "d", "extract")
    progress = [line for line in ran if line.startswith("extracting ")]
    assert progress and all(len(line) <= columns for line in progress), progress
    assert any(re.search(r"\d+/3 p", line) for line in progress), progress
    table = on_a_terminal(tmp_path, columns, "--data", "d", "grants", "list")
    assert all(len(line) <= columns for line in table), table
    assert not any("{" in line for line in table), table
    if columns == 80:
        assert table[0].split() == ["grant", "patient", "api", "state", "since", "ends", "days"]
        assert len(table) == 4


def test_a_pipe_and_json_carry_lines(tmp_path):
    claimlake(tmp_path, "--data", "d", "extract", env=PEOPLE)
    _, ended = claimlake(tmp_path, "--data", "d", "grants", "list", env=PEOPLE)
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["state"] for event in events[:-1]] == ["active"] * 3
    # On a terminal, too.
    shown = on_a_terminal(tmp_path, 80, "--json", "--data", "d", "grants", "list")
    assert "{" in shown[0]
