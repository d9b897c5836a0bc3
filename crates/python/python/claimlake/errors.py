"""What goes wrong, as exceptions whose ``kind`` says what can be done about it.

==================  =====================================================================
kind                meaning
==================  =====================================================================
``view``            a view or a pipeline is wrong
``input``           what was given cannot be read
``lake``            the lake is damaged, or there is none
``other_version``   the lake was written by another version of claimlake
``snapshot_gone``   the snapshot is no longer there: open the lake again
``table``           there is no such table, or it is a SQL view
``landing``         landing cannot be read
``command``         the command ended with an error; ``exit`` is its exit code
``package``         an optional package is missing; the message names it
``io``              the operating system refused
``internal``        a fault of claimlake: please report it
==================  =====================================================================
"""


class ClaimlakeError(Exception):
    """Any error of claimlake; ``kind`` says which."""

    kind = "internal"

    def __init__(self, message, kind=None):
        super().__init__(message)
        if kind is not None:
            self.kind = kind


class ViewError(ClaimlakeError):
    """A view or a pipeline is wrong."""

    kind = "view"


class InputError(ClaimlakeError):
    """What was given cannot be read."""

    kind = "input"


class LakeError(ClaimlakeError):
    """The lake cannot be read: ``lake``, ``other_version`` or ``snapshot_gone``."""

    kind = "lake"


class TableError(LakeError):
    """There is no such table, or it is a SQL view."""

    kind = "table"


class CommandError(ClaimlakeError):
    """The command ended with an error.

    ``exit`` is its exit code (1 failed, 2 usage or configuration), ``stderr`` its last lines.
    """

    kind = "command"

    def __init__(self, message, exit=None, stderr=""):
        super().__init__(message)
        self.exit = exit
        self.stderr = stderr


class MissingPackage(ClaimlakeError, ImportError):
    """An optional package is missing; the message names it."""

    kind = "package"


_BY_KIND = {
    "view": ViewError,
    "input": InputError,
    "lake": LakeError,
    "other_version": LakeError,
    "snapshot_gone": LakeError,
    "table": TableError,
    "landing": InputError,
}


def error_of(kind, message):
    """The exception of a kind."""
    return _BY_KIND.get(kind, ClaimlakeError)(message, kind=kind)


def needs(package, why):
    """Imports an optional package, or says which one is missing.

    :raises MissingPackage: if it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackage(f"{why} needs the package {package}: pip install {package}") from error
