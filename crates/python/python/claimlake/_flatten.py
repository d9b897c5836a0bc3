"""Views over resources in memory or in files, without a data directory."""

import collections.abc
import json
import os
import pathlib
import re
import tempfile

from . import _native, _plan
from ._frames import Rows
from .errors import InputError

# Resources that go to the module at once.
_GROUP = 512


class FlatTable(Rows):
    """The rows of a view: read them as often as you like."""

    __slots__ = ("name",)

    def __init__(self, name, native):
        super().__init__(native)
        self.name = name

    @property
    def columns(self):
        """The names of the columns."""
        return self._native.columns

    def __len__(self):
        return len(self._native)

    def __bool__(self):
        return True

    def __repr__(self):
        return f"FlatTable({self.name!r}, rows={len(self)}, columns={len(self.columns)})"


class Flattened(collections.abc.Mapping):
    """Tables by the names of their views; ``rejects`` and ``counts`` beside them."""

    def __init__(self, tables, rejects, counts):
        self._tables = tables
        #: What could not be used, as a table: file, line, reason, detail, … never a value.
        self.rejects = rejects
        #: ``resources``, ``rejected_resources``, ``rejected_cells``, ``without_view``, …
        self.counts = counts

    def __getitem__(self, name):
        return self._tables[name]

    def __iter__(self):
        return iter(self._tables)

    def __len__(self):
        return len(self._tables)

    def __repr__(self):
        tables = ", ".join(f"{name}: {len(table)} rows" for name, table in self._tables.items())
        return f"Flattened({{{tables}}}, rejects={len(self.rejects)})"


def flatten(source, views=None, api="v3", *, pipeline=None, column=None, temporary=None):
    """Makes tables of resources: ``{view: rows}``, with what was refused beside them.

    Rows wait in files without names (in ``temporary``, else the system's folder for such files), so
    memory does not depend on how many there are, in whatever order the tables are read.

    :param source: NDJSON, resources or Bundles. A path or several of them (plain, gzip or zstd); text or
        bytes; an iterable of texts, bytes or dicts, one for each resource; or batches: anything with
        ``__arrow_c_stream__`` that has a column of texts.
    :param views: names of views of the pipeline, and ViewDefinitions (dicts, JSON, or files); all views of
        the pipeline if it is left out.
    :param api: ``v2`` or ``v3``: where the resources come from, the column ``source_api``.
    :param pipeline: the pipeline whose views are named and whose context columns (``patient_id``, …) come
        first; ``blue_button`` where views are named.
    :param column: the column of batches with the resources, if there are several of texts.
    :raises ViewError: if a view is wrong, or there is none of that name.
    :raises InputError: if the source cannot be read. A bad line is a reject, no error.
    """
    plan = _plan.compiled(views, pipeline)
    with tempfile.TemporaryDirectory(prefix="claimlake-", dir=temporary) as folder:
        flattening = _native.Flattening(plan, api, folder)
        _push(flattening, source, column, pathlib.Path(folder))
        tables, rejects, counts = flattening.finish()
    return Flattened(
        {name: FlatTable(name, table) for name, table in tables},
        FlatTable("rejects", rejects),
        json.loads(counts),
    )


def _is_text(source):
    # A text that begins with a bad line must not be taken for a path, which an error would show.
    return source.lstrip("\ufeff \t\r\n")[:1] in ("", "{", "[") or "\n" in source


# What is named so is a file, even if there is none.
_FILE_NAME = re.compile(r"[^\n{\[]+\.(json|ndjson|jsonl)(\.(gz|zst))?")


def _is_path(one):
    if isinstance(one, os.PathLike):
        return True
    return isinstance(one, str) and not _is_text(one) and (os.path.exists(one) or bool(_FILE_NAME.fullmatch(one)))


def _push(flattening, source, column, folder):
    if hasattr(source, "to_frame") and not hasattr(source, "columns"):
        # A Series is a column without a table.
        source = source.to_frame()
    if hasattr(source, "__arrow_c_stream__"):
        flattening.push_batches("batches", source, column)
    elif isinstance(source, (bytes, bytearray)) or (isinstance(source, str) and _is_text(source)):
        text = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else bytes(source)
        file = folder / "input"
        file.write_bytes(text)
        flattening.push_file(file, "input")
        file.unlink()
    elif isinstance(source, (str, os.PathLike)):
        flattening.push_file(os.fspath(source), os.fspath(source))
    elif isinstance(source, dict):
        _push_each(flattening, [source], column)
    elif isinstance(source, collections.abc.Iterable):
        _push_each(flattening, source, column)
    else:
        raise InputError(f"cannot read resources from {type(source).__name__}")


def _push_each(flattening, source, column):
    texts, first = [], 1
    for one in source:
        if hasattr(one, "__arrow_c_stream__") or hasattr(one, "__arrow_c_array__"):
            flattening.push_batches("batches", _as_stream(one), column)
            continue
        if _is_path(one):
            flattening.push_file(os.fspath(one), os.fspath(one))
            continue
        texts.append(text_of(one))
        if len(texts) == _GROUP:
            flattening.push_texts("input", first, texts)
            texts, first = [], first + _GROUP
    flattening.push_texts("input", first, texts)


def _as_stream(batch):
    if hasattr(batch, "__arrow_c_stream__"):
        return batch
    from .errors import needs

    return needs("pyarrow", "a single batch").Table.from_batches([batch])


def text_of(resource):
    """A resource as bytes of JSON."""
    if isinstance(resource, bytes):
        return resource.strip()
    if isinstance(resource, str):
        # What is no Unicode is a reject, as it is in a file.
        return resource.strip().encode("utf-8", "surrogatepass")
    if isinstance(resource, dict):
        try:
            text = json.dumps(resource, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            # Of the error only its kind: its words may have a value.
            words = "a resource given as a dict cannot be written as JSON"
            raise InputError(f"{words} ({type(error).__name__}): give texts, or plain values") from None
        return text.encode("utf-8", "surrogatepass")
    raise InputError(f"a resource is text, bytes or a dict, not {type(resource).__name__}")


class ViewRows(Rows):
    """The rows of one view, to be read once; ``rejects`` has the number and the reason of what was refused."""

    __slots__ = ("rejects",)

    def __init__(self, native, rejects):
        super().__init__(native)
        self.rejects = rejects


def view(view_json, resources):
    """One ViewDefinition over resources, as ``claimlake view`` evaluates it: SQL-on-FHIR and nothing else.

    The reference evaluator makes the rows, which wait in memory; :func:`flatten` is for many resources.

    :param view_json: a ViewDefinition: a dict, JSON, or a file.
    :param resources: one resource, or an iterable of them: dicts, texts or bytes.
    :raises ViewError: if the view is wrong.
    """
    _, text = _plan.definition(view_json)
    viewing = _native.Viewing(text)
    if isinstance(resources, (dict, str, bytes)):
        resources = [resources]
    if isinstance(resources, os.PathLike) or not isinstance(resources, collections.abc.Iterable):
        raise InputError(f"cannot read resources from {type(resources).__name__}: give dicts, texts or bytes")
    texts, first = [], 1
    for resource in resources:
        texts.append(text_of(resource))
        if len(texts) == _GROUP:
            viewing.push_texts(first, texts)
            texts, first = [], first + _GROUP
    viewing.push_texts(first, texts)
    return ViewRows(*viewing.finish())
