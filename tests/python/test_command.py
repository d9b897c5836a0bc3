"""The command that the wheel contains, driven from Python."""

import importlib.metadata
import json
import pathlib
import subprocess
import sys
import urllib.request

import pytest

import claimlake


def test_run_returns_the_summary_and_calls_back(tmp_path):
    seen = []
    summary = claimlake.run(data=tmp_path / "data", progress=seen.append)
    assert (summary.exit, summary.is_complete, summary.alarms) == (0, True, [])
    assert summary.load.snapshot == 1 and summary["load"]["changed"] is True
    assert summary.extract.outcome.by_state.complete == 12
    assert {"extracting", "transform", "publishing"} <= {one.what for one in seen}
    assert seen[0].phase == "begin" and seen[0].total == 12
    with pytest.raises(AttributeError, match="no nothing; there are"):
        summary.nothing  # noqa: B018


def test_an_error_has_the_code_and_the_words_of_the_command(tmp_path):
    with pytest.raises(claimlake.CommandError, match="no_such_pipeline") as error:
        claimlake.run("no_such_pipeline", data=tmp_path)
    assert error.value.exit == 2 and error.value.kind == "command"


def test_a_progress_callback_that_raises_ends_the_command(tmp_path):
    def stop(progress):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        claimlake.run(data=tmp_path / "data", progress=stop)


def test_a_sandbox_serves_people_until_it_is_left(tmp_path):
    with claimlake.Sandbox(patients=3, eobs=2, seed=7) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:") and sandbox.logins == 3
        with urllib.request.urlopen(f"{sandbox.url}/v3/fhir/metadata", timeout=30) as answer:
            assert json.load(answer)["resourceType"] == "CapabilityStatement"
        assert set(sandbox.env) >= {"BLUE_BUTTON_CLIENT_ID", "CLAIMLAKE_SOURCE_BASE_URL"}
        url = sandbox.url
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{url}/v3/fhir/metadata", timeout=5)


def test_a_sandbox_that_does_not_start_says_why():
    with pytest.raises(claimlake.CommandError, match="fault") as error:
        claimlake.Sandbox(faults=["no such fault"]).start()
    assert error.value.exit == 2


def test_the_wheel_has_the_command_types_and_one_version():
    package = pathlib.Path(claimlake.__file__).parent
    assert (package / "py.typed").is_file()
    for name in ("__init__", "errors", "spark"):
        compile((package / f"{name}.pyi").read_text(), name, "exec")
    printed = subprocess.run([claimlake.executable(), "--version"], capture_output=True, text=True).stdout
    assert printed.split()[-1] == claimlake.__version__ == importlib.metadata.version("claimlake")
    assert pathlib.Path(claimlake.executable()).parent == pathlib.Path(sys.executable).parent


def test_stubs_name_what_there_is():
    """Every public name is in the stubs, and nothing else; every function has a docstring."""
    import ast

    package = pathlib.Path(claimlake.__file__).parent
    tree = ast.parse((package / "__init__.pyi").read_text())
    stubbed = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    stubbed = {name for name in stubbed if not name.startswith("_")}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            stubbed |= {alias.asname for alias in node.names if alias.asname}
    assert stubbed == set(claimlake.__all__)
    for name in claimlake.__all__:
        assert getattr(claimlake, name).__doc__, name


def test_a_python_that_is_too_old_says_so(monkeypatch):
    import importlib

    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    with pytest.raises(ImportError, match="needs Python 3.11"):
        importlib.reload(claimlake)


def test_a_command_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("CLAIMLAKE_BINARY", "/nowhere/claimlake")
    for call in (
        lambda: claimlake.run(data=tmp_path),
        lambda: claimlake.flatten([], views=["claim"], pipeline="blue_button"),
        lambda: claimlake.Sandbox().start(),
    ):
        claimlake._plan._text.cache_clear()
        with pytest.raises(claimlake.MissingPackage, match="/nowhere/claimlake"):
            call()


def test_a_sandbox_that_nobody_stops_ends_with_python():
    """Its address is that of nobody, when Python has ended."""
    script = (
        "import claimlake\n"
        "sandbox = claimlake.Sandbox(patients=1, faults='429')\n"
        "try:\n"
        "    sandbox.env\n"
        "except claimlake.ClaimlakeError as error:\n"
        "    print(error.kind)\n"
        "print(sandbox.start().url)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    kind, url = ended.stdout.splitlines()
    assert kind == "input"
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{url}/v3/fhir/metadata", timeout=5)


def test_a_command_is_not_in_the_group_that_a_terminal_interrupts():
    """Otherwise Ctrl-C reaches it twice, and the second one ends it before its safe point."""
    import os

    with claimlake.Sandbox(patients=1) as sandbox:
        assert os.getpgid(sandbox._process.pid) == sandbox._process.pid != os.getpgid(0)
