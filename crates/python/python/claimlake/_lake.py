"""Reading a lake."""

import functools
import os
import pathlib
import re

from . import _native
from ._frames import Rows
from .errors import LakeError, TableError, needs

_SQL_VIEW = re.compile(r'^CREATE OR REPLACE VIEW "?(?P<schema>\w+)"?\."(?P<name>[^"]+)" AS', re.MULTILINE)


def open(path):
    """Opens a lake: the folder of a lake, of a data directory, or of one snapshot.

    The current snapshot is resolved once: what a load publishes later is not seen until the lake is
    opened again.

    >>> lake = claimlake.open("data/demo/lake")          # doctest: +SKIP
    >>> lake.table("claim_line").to_polars()             # doctest: +SKIP

    :raises LakeError: if there is no lake, or another version wrote it (``kind``).
    """
    root = pathlib.Path(path)
    if (root / "manifest.json").is_file() and (root / "manifest.json.sha256").is_file():
        folder = root.resolve()
        above = folder.parent
        return Lake(above.parent if above.name == "snapshots" else None, _snapshot(folder))
    if not (root / "current").exists() and (root / "lake" / "current").exists():
        root = root / "lake"
    current = root / "current"
    if not current.exists():
        found = "nothing was published there yet" if root.is_dir() else "there is no such folder"
        raise LakeError(f"{path} is no lake: {found}; `claimlake run` makes one")
    return Lake(root.resolve(), _snapshot(current.resolve()))


def _snapshot(folder):
    if not (folder / "manifest.json").is_file():
        number = folder.name
        raise LakeError(
            f"snapshot {number} is not there: it was removed, or never was; open the lake again",
            kind="snapshot_gone",
        )
    return _native.Snapshot(folder)


class SnapshotInfo:
    """A snapshot that a lake has: ``number``, ``published_at``, ``is_current``, ``rows``, ``damage``."""

    __slots__ = ("number", "published_at", "is_current", "rows", "damage")

    def __init__(self, number, published_at, is_current, rows, damage):
        self.number = number
        self.published_at = published_at
        self.is_current = is_current
        self.rows = rows
        self.damage = damage

    def __repr__(self):
        return f"SnapshotInfo(number={self.number}, published_at={self.published_at!r}, is_current={self.is_current})"


class Snapshot:
    """One complete, immutable state of the tables."""

    def __init__(self, native):
        self._native = native

    @property
    def number(self):
        """Its number."""
        return self._native.number

    @property
    def published_at(self):
        """When it was published, RFC 3339."""
        return self._native.published_at

    @property
    def folder(self):
        """Its folder, a ``pathlib.Path``."""
        return pathlib.Path(self._native.folder)

    @property
    def tables(self):
        """The names of the tables."""
        return self._native.tables()

    @functools.cached_property
    def sql_views(self):
        """The names of the views that are SQL: ``stay``, ``ccw.claim``, … ``duckdb()`` has them."""
        text = self._views("duckdb")
        tables = set(self.tables)
        found = []
        for view in _SQL_VIEW.finditer(text):
            schema, name = view["schema"], view["name"]
            if schema not in ("lossless", "main"):
                found.append(f"{schema}.{name}")
            elif schema == "main" and name not in tables:
                found.append(name)
        return found

    def table(self, name):
        """A table.

        :raises TableError: if there is none of this name, or it is a view that is SQL.
        """
        native = self._native.table(name)
        if native is not None:
            return Table(name, native)
        if name in self.sql_views:
            raise TableError(
                f"{name} is a SQL view over tables and has no files: "
                f'use lake.duckdb().sql("SELECT * FROM {name}"), or claimlake.spark.register'
            )
        near = ", ".join(sorted(self.tables))
        raise TableError(f"snapshot {self.number} has no table {name}; it has {near}")

    def __getitem__(self, name):
        return self.table(name)

    def __iter__(self):
        return iter(self.tables)

    def duckdb(self):
        """A DuckDB connection with every view of the snapshot.

        :raises MissingPackage: if duckdb is not installed.
        """
        duckdb = needs("duckdb", "duckdb()")
        text = self._views("duckdb")
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(text)
        return connection

    def _views(self, dialect):
        """The text of the views for readers, with the paths of this folder."""
        path = self.folder / f"views.{dialect}.sql"
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise LakeError(
                f"snapshot {self.number} has no {path.name}: it was removed, or an earlier version "
                "published it; open the lake again, or load once more",
                kind="snapshot_gone" if not self.folder.is_dir() else "other_version",
            ) from None
        return _moved(text, self.folder)

    def __repr__(self):
        return f"Snapshot(number={self.number}, tables={len(self.tables)}, folder={str(self.folder)!r})"


#: The folder of a snapshot in Spark's views.
_SPARK_PATH = re.compile(r"OPTIONS \(path '((?:[^'\\]|\\.)*/snapshots/\d+)/")


def _spark_text(path):
    """A path in a literal of Spark's, as a pattern of Hadoop's that matches this path only."""
    pattern = re.sub(r"([*?\[\]{}\\])", r"\\\1", path)
    return pattern.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")


def _moved(text, folder):
    """Views name the folder where the snapshot was published; this lake may be a copy elsewhere."""
    if "SET VARIABLE lake = " in text:
        here = str(folder).replace("'", "''")
        return f"{text}\nSET VARIABLE lake = '{here}';"
    published = _SPARK_PATH.search(text)
    if published is not None:
        here = _spark_text(str(folder))
        return text if published[1] == here else text.replace(f"'{published[1]}/", f"'{here}/")
    published = re.search(r"'([^']*/snapshots/\d+)/", text)
    if published is None or published[1] == str(folder):
        return text
    return text.replace(published[1] + "/", str(folder).replace("'", "''") + "/")


class Lake(Snapshot):
    """A lake, at the snapshot that was current when it was opened."""

    def __init__(self, root, native):
        super().__init__(native)
        self._root = root

    def snapshot(self, number):
        """Another snapshot of the lake, by its number.

        :raises LakeError: if it is no longer kept (``snapshot_gone``), or never was.
        """
        if self._root is None:
            raise LakeError("this is the folder of one snapshot, not of a lake: it has no others")
        folder = self._root / "snapshots" / str(int(number))
        if not folder.is_dir():
            kept = ", ".join(str(one.number) for one in self.snapshots())
            raise LakeError(f"there is no snapshot {number}; the lake keeps {kept}", kind="snapshot_gone")
        return Snapshot(_snapshot(folder))

    def snapshots(self):
        """The snapshots that are kept, oldest first."""
        if self._root is None:
            return []
        return [SnapshotInfo(*one) for one in _native.snapshots(os.fspath(self._root))]


class Table(Rows):
    """A table of a snapshot: polars, pyarrow, DuckDB and pandas take it as it is.

    It streams: memory does not depend on the number of rows. Partition columns, which only the paths
    have, are the last columns.
    """

    __slots__ = ("name",)

    def __init__(self, name, native):
        super().__init__(native)
        self.name = name

    @property
    def columns(self):
        """The names of the columns."""
        return self._native.columns

    @property
    def partition_columns(self):
        """The columns that rows are partitioned by."""
        return self._native.partition_columns

    @property
    def files(self):
        """The Parquet files, as ``pathlib.Path``."""
        return [pathlib.Path(path) for path in self._native.files]

    def __len__(self):
        return self._native.rows

    def __bool__(self):
        return True

    def __repr__(self):
        return f"Table({self.name!r}, rows={len(self)}, columns={len(self.columns)})"
