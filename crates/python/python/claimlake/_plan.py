"""What a pipeline's tables are made of, as the command prints it."""

import functools
import json
import os
import pathlib
import subprocess

from . import _native
from ._command import environment, executable
from .errors import CommandError, InputError, MissingPackage, ViewError


def read(pipeline):
    """The plan of a pipeline: a file, or one that is built in (``demo``, ``blue_button``).

    :raises ViewError: if the pipeline or a view of it is wrong.
    """
    return json.loads(_text(os.fspath(pipeline), os.getcwd()))


@functools.lru_cache(maxsize=8)
def _text(pipeline, folder):
    # A file may be edited in between; then only another process sees it, as with imports.
    command = [executable(), "--pipeline", pipeline, "plan"]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env=environment(), stdin=subprocess.DEVNULL
        )
    except (FileNotFoundError, PermissionError) as error:
        raise MissingPackage(f"cannot start the command {command[0]}: {error.strerror}") from None
    if ended.returncode == 2:
        raise ViewError(ended.stderr.strip().removeprefix("error: "))
    if ended.returncode != 0:
        raise CommandError(f"{' '.join(command)}: {ended.stderr.strip()}", exit=ended.returncode)
    return ended.stdout


def definition(view):
    """The JSON text of a ViewDefinition: a dict, JSON, or a file."""
    _is_definition(view)
    if isinstance(view, dict):
        try:
            return "view", json.dumps(view)
        except (TypeError, ValueError) as error:
            raise ViewError(f"the view cannot be written as JSON: {error}") from None
    if isinstance(view, bytes):
        try:
            view = view.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ViewError(f"the view is not UTF-8: byte {error.start}") from None
    if isinstance(view, str) and view.lstrip("\ufeff \t\r\n").startswith("{"):
        return "view", view
    path = pathlib.Path(view)
    try:
        return str(path), path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ViewError(f"the view {path} is not UTF-8: byte {error.start}") from None
    except OSError as error:
        raise InputError(f"cannot read the view {path}: {error.strerror}") from error


def _is_definition(view):
    if isinstance(view, (dict, bytes, os.PathLike)):
        return True
    if not isinstance(view, str):
        raise ViewError(f"a view is a name, JSON, a dict or a file, not {type(view).__name__}")
    return view.lstrip().startswith("{") or view.endswith(".json")


def _name(text):
    try:
        named = json.loads(text.lstrip("\ufeff"))
    except ValueError:
        return None
    return named.get("name") if isinstance(named, dict) else None


def for_flattening(views, pipeline):
    """The input of a plan of these views, without what only a lake has: partitions, keys, versions.

    Views that are named come from the pipeline, with its context columns and what it derives.
    """
    if isinstance(views, (str, bytes, dict, os.PathLike)):
        views = [views]
    # It may be an iterator, and is read twice.
    views = None if views is None else list(views)
    named = [] if views is None else [view for view in views if not _is_definition(view)]
    given = [] if views is None else [view for view in views if _is_definition(view)]
    if pipeline is None and (views is None or named):
        pipeline = "blue_button"
    base = {"views": [], "context": [], "derive": [], "part2": "keep"}
    if pipeline is not None:
        base = read(pipeline)["plan"]
    chosen = base["views"]
    if views is not None:
        by_name = {_name(view["text"]): view for view in base["views"]}
        for name in named:
            if name not in by_name:
                known = ", ".join(sorted(filter(None, by_name)))
                raise ViewError(f"pipeline {pipeline} has no view {name}; it has {known}")
        chosen = [by_name[name] for name in named]
        for view in given:
            place, text = definition(view)
            chosen.append({"place": place, "text": text})
    tables = {_name(view["text"]) for view in chosen}
    # Rows are kept by year in a lake only.
    derive = [
        [table, {**derivation, "keep": None}] for table, derivation in base["derive"] if table in tables
    ]
    return {
        "views": chosen,
        "context": base["context"],
        "layout": None,
        "layouts": [],
        "derive": derive,
        "part2": base["part2"],
        "decided_by": "",
    }


def compiled(views, pipeline):
    """The compiled plan of these views."""
    return _native.Plan(json.dumps(for_flattening(views, pipeline)))
