"""`verify` on a good lake, and on one with a damage planted: each is found and named.

Where a damage is one of content, the manifests are made to match it, so that checksums alone would not tell.
"""

import decimal
import fcntl
import hashlib
import json
import shutil
import sqlite3

import pyarrow
import pyarrow.parquet
import pytest

from conftest import claimlake


@pytest.fixture
def copy(demo, tmp_path):
    """A copy of the demo's data directory, with the key of its vault."""
    data = tmp_path / "data"
    # The broker holds this lock until it has closed the vault, a moment after its command.
    with open(demo.data / "vault.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    shutil.copytree(demo.data, data, symlinks=True)
    home = demo.data.parent
    if (home / "config").exists():
        shutil.copytree(home / "config", tmp_path / "config")
    current = data / "lake" / "current"
    number = current.resolve().name
    current.unlink()
    current.symlink_to(f"snapshots/{number}")
    return data


def verify(data):
    summary, _ = claimlake(data.parent, "--data", data, "verify")
    wrong = {
        check["name"]: check["places"]
        for check in summary["verify"]["checks"]
        if check["failed"] and check["severity"] == "hard"
    }
    return summary["exit"], wrong


def test_a_good_lake_holds(copy):
    assert verify(copy) == (0, {})


def test_verify_writes_nothing(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*.parquet")}
    verify(copy)
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*.parquet")} == before


def flip(path):
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 0x01
    own(path).write_bytes(body)


def own(path):
    """Unlinked first: snapshots share files."""
    path.unlink()
    return path


def reseal(manifest):
    text = manifest.read_bytes()
    seal = manifest.with_name("manifest.json.sha256")
    own(seal).write_text(f"{hashlib.sha256(text).hexdigest()}  manifest.json\n")


def edit_manifest(path, change):
    manifest = json.loads(path.read_text())
    change(manifest)
    own(path).write_text(json.dumps(manifest))
    reseal(path)


def claims_run(data):
    return next(data.glob("landing/api=v2/resource=ExplanationOfBenefit/run=*"))


def snapshot(data):
    return (data / "lake" / "current").resolve()


def largest(data, table):
    return max(snapshot(data).glob(f"{table}/**/*.parquet"), key=lambda path: path.stat().st_size)


def rewrite(data, path, change):
    """Changes a Parquet file's rows, and its manifest with them."""
    rows = change(pyarrow.parquet.read_table(path, partitioning=None))
    path.unlink()
    pyarrow.parquet.write_table(rows, path, compression="zstd")

    def matching(manifest):
        relative = str(path.relative_to(snapshot(data)))
        for table in manifest["tables"]:
            for file in table["files"]:
                if file["path"] == relative:
                    file["rows"] = rows.num_rows
                    file["bytes"] = path.stat().st_size
                    file["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()

    edit_manifest(snapshot(data) / "manifest.json", matching)


def landing_byte(data):
    flip(next(claims_run(data).glob("part-*.zst")))
    return {"landing_checksums": "resource=ExplanationOfBenefit"}


def parquet_byte(data):
    path = largest(data, "eob_item")
    flip(path)
    return {"lake_files": path.name}


def manifest_byte(data):
    path = snapshot(data) / "manifest.json"
    text = path.read_text()
    own(path).write_text(text.replace("CARRIER", "CARRIEr", 1))
    return {"lake_manifest": "manifest"}


def landing_manifest_byte(data):
    path = claims_run(data) / "manifest.json"
    text = path.read_text()
    own(path).write_text(text.replace('"pages":1', '"pages":7', 1))
    return {"landing_checksums": "manifest.json"}


def missing_file(data):
    path = largest(data, "eob_diagnosis")
    path.unlink()
    return {"lake_files": "missing"}


def extra_file(data):
    path = largest(data, "eob_diagnosis")
    shutil.copy(path, path.with_name("stray.parquet"))
    return {"lake_files": "stray.parquet"}


def row_deleted(data):
    rewrite(data, largest(data, "eob_item"), lambda rows: rows.slice(1))
    return {"table_rows": "eob_item/", "row_counts": "eob_item"}


def row_doubled(data):
    def double(rows):
        return pyarrow.concat_tables([rows, rows.slice(0, 1)])

    rewrite(data, largest(data, "eob"), double)
    return {"table_rows": "eob/", "keys": "is in the table twice"}


def amount_changed(data):
    def a_cent_more(rows):
        position = rows.schema.get_field_index("amount")
        field = rows.schema.field(position)
        amounts = rows.column(position).to_pylist()
        row = next(index for index, amount in enumerate(amounts) if amount is not None)
        amounts[row] += decimal.Decimal("0.01")
        return rows.set_column(position, field, pyarrow.array(amounts, field.type))

    rewrite(data, largest(data, "eob_item_adjudication"), a_cent_more)
    return {"table_rows": "with other values than landing makes"}


def link_broken(data):
    def another_target(rows):
        position = rows.schema.get_field_index("target_sequence")
        field = rows.schema.field(position)
        targets = rows.column(position).to_pylist()
        targets[0] = 999
        return rows.set_column(position, field, pyarrow.array(targets, field.type))

    rewrite(data, largest(data, "eob_item_link"), another_target)
    return {"table_rows": "eob_item_link/"}


def id_moved(data):
    """A claim's row in another partition than its year."""
    files = sorted(snapshot(data).glob("eob/eob_type=CARRIER/service_year=*/*.parquet"))
    assert len(files) > 1
    moved = pyarrow.parquet.read_table(files[0], partitioning=None).slice(0, 1)
    rewrite(data, files[0], lambda rows: rows.slice(1))
    rewrite(data, files[1], lambda rows: pyarrow.concat_tables([rows, moved]))
    return {"table_rows": "eob/eob_type=CARRIER/service_year="}


def patient_not_complete(data):
    """The last person's claims are gone from landing, all of its manifest agrees, the vault does not."""
    run = claims_run(data)

    def without_the_last(manifest):
        part = manifest["parts"][0]
        person = max(manifest["patients"], key=lambda person: max(person["frames"], default=[0, 0]))
        kept = [tuple(frame) for frame in person["frames"]]
        index = kept.pop()[1]
        assert index == len(part["frames"]) - 1
        frame = part["frames"].pop()
        path = run / part["file"]
        body = path.read_bytes()[: frame["offset"]]
        own(path).write_bytes(body)
        part["bytes"], part["sha256"] = len(body), hashlib.sha256(body).hexdigest()
        part["lines"] -= frame["lines"]
        person["frames"] = kept
        person["resources"] -= frame["lines"]

    edit_manifest(run / "manifest.json", without_the_last)
    return {"extract_status": "marked complete"}


def stale_watermark(data):
    with sqlite3.connect(data / "vault.db") as vault:
        vault.execute(
            "UPDATE extract_states SET watermark = '2031-01-01T00:00:00.000000Z'"
            " WHERE resource = 'Coverage' AND handle = (SELECT min(handle) FROM extract_states)"
        )
    return {"extract_status": "watermark is later"}


DAMAGES = [
    landing_byte,
    parquet_byte,
    manifest_byte,
    landing_manifest_byte,
    missing_file,
    extra_file,
    row_deleted,
    row_doubled,
    amount_changed,
    link_broken,
    id_moved,
    patient_not_complete,
    stale_watermark,
]


@pytest.mark.parametrize("plant", DAMAGES, ids=lambda plant: plant.__name__)
def test_a_planted_damage_is_found_and_named(copy, plant):
    named = plant(copy)
    exit_code, wrong = verify(copy)
    assert exit_code == 1
    for check, words in named.items():
        assert any(words in place for place in wrong.get(check, [])), (check, words, wrong)
