"""Streams of rows in the form that other packages have."""

from .errors import needs


class Frames:
    """Anything with ``__arrow_c_stream__``, in the forms of other packages. Each is optional."""

    __slots__ = ()

    def to_polars(self):
        """All rows as a ``polars.DataFrame``.

        :raises MissingPackage: if polars is not installed.
        """
        return needs("polars", "to_polars()").DataFrame(self)

    def to_arrow(self):
        """All rows as a ``pyarrow.Table``.

        :raises MissingPackage: if pyarrow is not installed.
        """
        return needs("pyarrow", "to_arrow()").table(self)

    def to_pandas(self):
        """All rows as a ``pandas.DataFrame``; texts and dates as pyarrow makes them.

        :raises MissingPackage: if pandas or pyarrow is not installed.
        """
        needs("pandas", "to_pandas()")
        return needs("pyarrow", "to_pandas()").table(self).to_pandas()

    def to_batches(self):
        """The rows as a ``pyarrow.RecordBatchReader``: batch by batch, in bounded memory.

        :raises MissingPackage: if pyarrow is not installed.
        """
        return needs("pyarrow", "to_batches()").RecordBatchReader.from_stream(self)


class Rows(Frames):
    """Rows that can be read as often as needed, or once if they are a stream."""

    __slots__ = ("_native",)

    def __init__(self, native):
        self._native = native

    def __arrow_c_stream__(self, requested_schema=None):
        return self._native.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self):
        return self._native.__arrow_c_schema__()
