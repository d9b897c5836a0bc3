import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import duckdb
import pandas
import polars
import pyarrow

from . import errors as errors
from .errors import ClaimlakeError as ClaimlakeError
from .errors import CommandError as CommandError
from .errors import InputError as InputError
from .errors import LakeError as LakeError
from .errors import MissingPackage as MissingPackage
from .errors import TableError as TableError
from .errors import ViewError as ViewError

__version__: str

_Path: TypeAlias = str | os.PathLike[str]
_Resource: TypeAlias = str | bytes | dict[str, Any]

class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = ...) -> object: ...

class _Frames:
    def __arrow_c_stream__(self, requested_schema: object | None = ...) -> object: ...
    def __arrow_c_schema__(self) -> object: ...
    def to_polars(self) -> polars.DataFrame: ...
    def to_arrow(self) -> pyarrow.Table: ...
    def to_pandas(self) -> pandas.DataFrame: ...
    def to_batches(self) -> pyarrow.RecordBatchReader: ...

class Table(_Frames):
    name: str
    @property
    def columns(self) -> list[str]: ...
    @property
    def partition_columns(self) -> list[str]: ...
    @property
    def files(self) -> list[Path]: ...
    def __len__(self) -> int: ...

class FlatTable(_Frames):
    name: str
    @property
    def columns(self) -> list[str]: ...
    def __len__(self) -> int: ...

class ViewRows(_Frames):
    rejects: list[tuple[int, str]]

class Flattened(Mapping[str, FlatTable]):
    rejects: FlatTable
    counts: dict[str, int]
    def __getitem__(self, name: str) -> FlatTable: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...

class SnapshotInfo:
    number: int
    published_at: str | None
    is_current: bool
    rows: int
    damage: str | None

class Snapshot:
    @property
    def number(self) -> int: ...
    @property
    def published_at(self) -> str: ...
    @property
    def folder(self) -> Path: ...
    @property
    def tables(self) -> list[str]: ...
    @property
    def sql_views(self) -> list[str]: ...
    def table(self, name: str) -> Table: ...
    def __getitem__(self, name: str) -> Table: ...
    def __iter__(self) -> Iterator[str]: ...
    def duckdb(self) -> duckdb.DuckDBPyConnection: ...

class Lake(Snapshot):
    def snapshot(self, number: int) -> Snapshot: ...
    def snapshots(self) -> list[SnapshotInfo]: ...

class _Fields(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def to_dict(self) -> dict[str, Any]: ...

class Alarm(_Fields):
    exit: int
    words: str
    next: str

class Summary(_Fields):
    @property
    def exit(self) -> int: ...
    @property
    def is_complete(self) -> bool: ...
    @property
    def alarms(self) -> list[Alarm]: ...

class Progress:
    phase: str
    what: str
    unit: str
    done: int
    total: int | None

class Sandbox:
    url: str | None
    client_id: str | None
    client_secret: str | None
    redirect_uris: Any
    logins: int
    def __init__(
        self,
        patients: int = ...,
        faults: Sequence[str] = ...,
        *,
        eobs: int | None = ...,
        seed: int | None = ...,
        latency_ms: int = ...,
        auto_consent: bool = ...,
        replay: _Path | None = ...,
        listen: str = ...,
    ) -> None: ...
    def start(self) -> Sandbox: ...
    def stop(self) -> None: ...
    @property
    def env(self) -> dict[str, str]: ...
    def __enter__(self) -> Sandbox: ...
    def __exit__(self, *exception: object) -> None: ...

def open(path: _Path) -> Lake: ...
def flatten(
    source: _Path | bytes | dict[str, Any] | Iterable[_Resource | _Path | _ArrowStream] | _ArrowStream,
    views: Sequence[str | dict[str, Any] | Path] | None = ...,
    api: str = ...,
    *,
    pipeline: _Path | None = ...,
    column: str | None = ...,
    temporary: _Path | None = ...,
) -> Flattened: ...
def view(view_json: str | dict[str, Any] | Path, resources: _Resource | Iterable[_Resource]) -> ViewRows: ...
def run(
    pipeline: _Path = ...,
    data: _Path | None = ...,
    *,
    from_stage: str | None = ...,
    progress: Callable[[Progress], object] | None = ...,
    env: Mapping[str, str] | None = ...,
) -> Summary: ...
def command(
    *arguments: _Path,
    pipeline: _Path | None = ...,
    data: _Path | None = ...,
    progress: Callable[[Progress], object] | None = ...,
    cwd: _Path | None = ...,
    env: Mapping[str, str] | None = ...,
    accept: Sequence[int] = ...,
) -> Summary: ...
def executable() -> str: ...
