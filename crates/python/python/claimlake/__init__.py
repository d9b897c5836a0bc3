"""Medicare claims as tables: lakes that ``claimlake`` publishes, and views over FHIR resources.

>>> import claimlake
>>> summary = claimlake.run()                                # doctest: +SKIP
>>> lake = claimlake.open("data/demo/lake")                  # doctest: +SKIP
>>> lake.table("claim_line").to_polars()                     # doctest: +SKIP
>>> lake.duckdb().sql("SELECT count(*) FROM stay")           # doctest: +SKIP
"""

import sys as _sys

if _sys.version_info < (3, 11):
    raise ImportError(
        f"claimlake needs Python 3.11 or newer, and this is {_sys.version.split()[0]}"
    )

try:
    from . import _native
except ImportError as _error:
    raise ImportError(
        f"claimlake's module cannot be loaded here ({_error}): the wheel is for another processor, another "
        "system or an older libc; `pip install` a wheel that fits, or build one with `make wheel`"
    ) from _error

from . import errors
from ._command import Alarm, Progress, Sandbox, Summary, command, executable, run
from ._flatten import Flattened, FlatTable, ViewRows, flatten, view
from ._lake import Lake, Snapshot, SnapshotInfo, Table, open
from .errors import (
    ClaimlakeError,
    CommandError,
    InputError,
    LakeError,
    MissingPackage,
    TableError,
    ViewError,
)

__version__ = _native.__version__

__all__ = [
    "Alarm",
    "ClaimlakeError",
    "CommandError",
    "FlatTable",
    "Flattened",
    "InputError",
    "Lake",
    "LakeError",
    "MissingPackage",
    "Progress",
    "Sandbox",
    "Snapshot",
    "SnapshotInfo",
    "Summary",
    "Table",
    "TableError",
    "ViewError",
    "ViewRows",
    "command",
    "errors",
    "executable",
    "flatten",
    "open",
    "run",
    "view",
]
