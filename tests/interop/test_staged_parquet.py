"""Staged rows that another program wrote as Parquet are published like our own."""

import hashlib
import json

import pyarrow.ipc
import pyarrow.parquet
from conftest import claimlake


def lake_bytes(data):
    root = (data / "lake" / "current").resolve()
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*.parquet")
        if path.relative_to(root).parts[0].startswith(("eob", "patient", "coverage"))
    }


def claims(count):
    for number in range(count):
        yield {
            "resourceType": "ExplanationOfBenefit",
            "id": f"carrier--{number}",
            "status": "active",
            "meta": {"lastUpdated": "2026-01-02T03:04:05Z"},
            "patient": {"reference": f"Patient/-{number % 3 + 1}"},
            "billablePeriod": {"start": f"202{number % 4}-05-01", "end": f"202{number % 4}-05-02"},
        }


def test_staged_parquet_becomes_the_same_lake_and_a_folder_that_lacks_a_table_is_refused(tmp_path):
    source = tmp_path / "claims.ndjson"
    source.write_text("".join(json.dumps(claim) + "\n" for claim in claims(40)))
    ours, theirs, spark = tmp_path / "ours", tmp_path / "theirs", tmp_path / "spark"
    for command in (["import", "--api", "v2", source], ["transform"]):
        claimlake(tmp_path, "--data", ours, *command)
    (staged,) = (ours / "staged").iterdir()
    for table in filter(lambda path: path.is_dir(), staged.iterdir()):
        (spark / table.name).mkdir(parents=True)
        for file in sorted(table.glob("*.arrow")):
            rows = pyarrow.ipc.open_file(file).read_all()
            pyarrow.parquet.write_table(rows, spark / table.name / f"part-{file.stem}.parquet")
        (spark / table.name / "_SUCCESS").touch()
    claimlake(tmp_path, "--data", ours, "load")
    loaded, ended = claimlake(tmp_path, "--data", theirs, "load", "--staged-parquet", spark)
    assert loaded["exit"] == 0, ended.stderr
    assert loaded["load"]["rows"]["eob"] == 40
    assert lake_bytes(ours) == lake_bytes(theirs) != {}
    # The folder is the other program's: it stays, and loading it again changes nothing.
    again, _ = claimlake(tmp_path, "--data", theirs, "load", "--staged-parquet", spark)
    assert again["load"]["changed"] is False
    for file in (spark / "_keys").iterdir():
        file.unlink()
    (spark / "_keys").rmdir()
    refused, ended = claimlake(tmp_path, "--data", theirs, "load", "--staged-parquet", spark)
    assert refused["exit"] == 1 and "_keys" in refused["error"]
