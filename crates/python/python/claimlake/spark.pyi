import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from pyspark.sql import SparkSession

from . import Progress, Snapshot, Summary

_Path: TypeAlias = str | os.PathLike[str]

class StagedFile:
    table: str
    path: Path
    rows: int
    sha256: str
    task: int
    attempt: str

class Staged:
    out: Path
    data: Path
    pipeline: str
    tasks: int
    discarded: int
    files: list[StagedFile]
    counts: dict[str, int]
    rejects: Path | None
    damaged_manifests: list[str]
    exit: int
    @property
    def rows(self) -> dict[str, int]: ...
    def load(
        self,
        data: _Path | None = ...,
        *,
        rebuild: bool = ...,
        drop_absent: bool = ...,
        progress: Callable[[Progress], object] | None = ...,
    ) -> Summary: ...

def transform(
    spark: SparkSession,
    landing: _Path,
    out: _Path,
    pipeline: _Path = ...,
    *,
    task_mb: int = ...,
    check: bool = ...,
) -> Staged: ...
def register(spark: SparkSession, lake: _Path | Snapshot) -> list[str]: ...
