"""Tables of a lake by Arrow's C stream interface, as other people's readers take them."""

import os
import shutil
import subprocess

import duckdb
import polars
import pyarrow
import pytest

import claimlake


def rows_of(table):
    """Rows in an order that does not depend on the reader."""
    return sorted(map(repr, zip(*table.to_pydict().values())))


def parquet(lake, name):
    """The rows by DuckDB's own reader of Parquet."""
    folder = lake.folder / name
    types = {"eob_type": "VARCHAR", "service_year": "INTEGER"}
    has = [column for column in lake.table(name).partition_columns]
    hive = f"hive_types = {{{', '.join(f'{c}: {types[c]}' for c in has)}}}, " if has else ""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    found = connection.sql(
        f"SELECT * FROM read_parquet('{folder}/**/*.parquet', {hive}hive_partitioning = {str(bool(has)).lower()})"
    )
    return found.to_arrow_table()


def test_every_table_is_what_is_in_its_files(demo):
    lake = claimlake.open(demo)
    assert len(lake.tables) > 40
    for name in lake:
        table = lake.table(name)
        arrow = table.to_arrow()
        expected = parquet(lake, name)
        assert arrow.column_names == expected.column_names == table.columns, name
        assert rows_of(arrow.cast(expected.schema)) == rows_of(expected), name
        frame = table.to_polars()
        assert (frame.height, frame.columns) == (len(table), table.columns), name
        assert rows_of(frame.to_arrow().cast(expected.schema)) == rows_of(expected), name


def test_partition_columns_have_their_types_and_empty_tables_their_columns(demo):
    lake = claimlake.open(demo / "lake")
    claim = pyarrow.schema(lake.table("claim"))
    assert claim.field("service_year").type == pyarrow.int32()
    assert claim.field("eob_type").type == pyarrow.string()
    assert claim.names[-2:] == ["eob_type", "service_year"]
    empty = [name for name in lake if len(lake.table(name)) == 0]
    assert "eob_process_note" in empty
    for name in empty:
        assert lake.table(name).to_polars().height == 0
        assert len(lake.table(name).columns) > 3
    claims = lake.table("claim")
    connection = duckdb.connect()
    connection.register("claims", claims.to_batches())
    assert connection.sql("SELECT count(*) FROM claims").fetchall()[0][0] == len(claims)


def test_duckdb_has_every_view_and_a_sql_view_is_named(demo):
    lake = claimlake.open(demo)
    connection = lake.duckdb()
    stays = connection.sql("SELECT count(*) FROM stay").fetchall()[0][0]
    assert stays > 0
    assert {"stay", "ccw.claim", "current.claim_line"} <= set(lake.sql_views)
    with pytest.raises(claimlake.TableError, match="SQL view") as error:
        lake.table("stay")
    assert error.value.kind == "table"
    with pytest.raises(claimlake.TableError, match="no table claims; it has .*claim_line"):
        lake.table("claims")


def test_a_lake_that_was_copied_elsewhere_shows_itself(demo, tmp_path):
    copy = tmp_path / "it's here"
    shutil.copytree(demo / "lake", copy, symlinks=True)
    before = len(claimlake.open(demo).table("claim"))
    lake = claimlake.open(copy)
    for file in (copy / "snapshots/1/claim").rglob("*.parquet"):
        file.unlink()
        break
    found = lake.duckdb().sql("SELECT count(*) FROM claim").fetchall()[0][0]
    assert found < before


def test_what_is_no_lake_says_so(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(claimlake.LakeError, match="is no lake") as error:
            claimlake.open(path)
        assert error.value.kind == "lake"


def test_a_lake_of_another_version_says_so(demo, tmp_path):
    import hashlib

    copy = tmp_path / "lake"
    shutil.copytree(demo / "lake", copy, symlinks=True)
    manifest = copy / "snapshots/1/manifest.json"
    text = manifest.read_text().replace('"format": 1,', '"format": 99,', 1)
    manifest.write_text(text)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    (copy / "snapshots/1/manifest.json.sha256").write_text(f"{checksum}  manifest.json\n")
    with pytest.raises(claimlake.LakeError, match="format 99") as error:
        claimlake.open(copy)
    assert error.value.kind == "other_version"
    manifest.write_text(text + " ")
    with pytest.raises(claimlake.LakeError, match="edited") as error:
        claimlake.open(copy)
    assert error.value.kind == "lake"


def test_snapshots_stay_as_they_were_and_one_that_is_removed_says_so(demo, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(demo, data, symlinks=True)
    lake = claimlake.open(data)
    rows = len(lake.table("patient"))
    table, claims = lake.table("patient"), lake.table("claim")
    assert [one.number for one in lake.snapshots()] == [1] and lake.snapshots()[0].is_current
    assert lake.snapshot(1).table("patient").to_arrow().num_rows == rows
    with pytest.raises(claimlake.LakeError, match="no snapshot 7; the lake keeps 1") as error:
        lake.snapshot(7)
    assert error.value.kind == "snapshot_gone"
    stream = claims.to_batches()
    shutil.rmtree(data / "lake/snapshots/1")
    with pytest.raises(claimlake.LakeError, match="snapshot 1 was removed") as error:
        table.to_arrow()
    assert error.value.kind == "snapshot_gone"
    with pytest.raises(Exception, match="snapshot 1 was removed while it was read"):
        stream.read_all()
    with pytest.raises(claimlake.LakeError) as error:
        lake.table("claim")
    assert error.value.kind == "snapshot_gone"


def test_a_damaged_file_is_damage_of_the_lake(demo, tmp_path):
    copy = tmp_path / "lake"
    shutil.copytree(demo / "lake", copy, symlinks=True)
    (file, *_) = claimlake.open(copy).table("coverage")._native.files
    whole = file.read_bytes()
    file.unlink()
    for damaged in (whole[:-4] + b"PAR?", whole[:-8] + b"\xff\xff\xff\x7fPAR1", b""):
        file.write_bytes(damaged)
        with pytest.raises(claimlake.LakeError, match="claimlake verify") as error:
            claimlake.open(copy).table("coverage")
        assert error.value.kind == "lake"


def test_a_missing_package_is_named(demo, monkeypatch):
    import sys

    table = claimlake.open(demo).table("patient")
    for package, call in (
        ("polars", table.to_polars),
        ("pyarrow", table.to_arrow),
        ("pandas", table.to_pandas),
        ("duckdb", claimlake.open(demo).duckdb),
    ):
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, package, None)
            with pytest.raises(claimlake.MissingPackage, match=f"pip install {package}") as error:
                call()
            assert error.value.kind == "package" and isinstance(error.value, ImportError)


def test_polars_needs_no_pyarrow(demo):
    """In a process where pyarrow cannot be imported."""
    import sys

    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import claimlake\n"
        f"lake = claimlake.open({str(demo)!r})\n"
        "print([lake.table(name).to_polars().height for name in ('claim', 'claim_line', 'eob_process_note')])\n"
        "print(lake.duckdb().sql('SELECT count(*) FROM claim').fetchall()[0][0])\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ)
    lake = claimlake.open(demo)
    expected = [len(lake.table(name)) for name in ("claim", "claim_line", "eob_process_note")]
    assert ended.stdout.splitlines() == [str(expected), str(expected[0])], ended.stderr


def test_a_table_is_read_batch_by_batch(demo):
    """A million rows in the memory of a few batches: how far the files were read shows it."""
    reader = claimlake.open(demo).table("eob_extension").to_batches()
    first = reader.read_next_batch()
    assert 0 < first.num_rows <= 8192
    assert polars.DataFrame(first).height == first.num_rows
