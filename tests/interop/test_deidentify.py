"""De-identified copies: nothing of landing is found in them by any decoder, and sums, counts and joins stay."""

import base64
import decimal
import hashlib
import json
import os
import re
import subprocess

import pyarrow.parquet
import pytest

from conftest import ROOT, binary, claimlake

POLICY = ROOT / "pipelines" / "deidentify" / "safe_harbor.toml"
CLAIM_TABLES = ["claim", "claim_line", "claim_diagnosis", "claim_procedure", "claim_provider", "part_d_event"]


def deidentify(home, data, to, *more, recipient="north", profile="safe-harbor"):
    arguments = ["--data", data, "deidentify", "--profile", profile, "--recipient", recipient, "--to", to]
    summary, ended = claimlake(home, *arguments, *more)
    assert summary["exit"] == 0, ended.stderr
    return summary["deidentify"]


@pytest.fixture(scope="module")
def copy(lake, tmp_path_factory):
    home = lake.data.parent
    to = tmp_path_factory.mktemp("copy") / "copy"
    deidentify(home, lake.data, to)
    return to


def rows(folder, name):
    """The rows of a table, columns of hive paths included."""
    return pyarrow.parquet.read_table(folder / name).to_pylist()


def leaves(node, path=()):
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, path)
    else:
        yield path, node


def identifying(resources):
    """What of the landed bodies may not be in a copy: ids, identifiers, names, addresses, whole dates, notes."""
    found = set()
    for _, resource in resources:
        for path, value in leaves(resource):
            if not isinstance(value, str):
                continue
            key, above = path[-1], path[-2] if len(path) > 1 else ""
            if key in ("id", "lastUpdated", "postalCode", "city", "line", "family", "given", "text"):
                found.add(value)
            elif key == "value" and above in ("identifier", "valueIdentifier", "telecom", "class"):
                found.add(value)
            elif key == "reference":
                found.update((value, value.rsplit("/", 1)[-1].lstrip("#")))
            elif key == "display" and above in ("provider", "facility", "name"):
                found.add(value)
            elif re.fullmatch(r"\d{4}-\d\d-\d\d.*", value):
                found.add(value[:10])
    words = ("Medicare", "Part A", "Part B", "Part C", "Part D", "Coverage")
    return {text for text in found if len(text) >= 5 and text not in words and not text.isalpha() or "," in text}


def texts(folder):
    """Every value of a copy as text, by the column it is in, and every date typed as one."""
    dated = []
    found = {}
    for file in sorted(folder.rglob("*.parquet")):
        table = pyarrow.parquet.read_table(file)
        for name, column in zip(table.column_names, table.columns):
            if pyarrow.types.is_temporal(column.type):
                dated.append(name)
            values = {str(value) for value in column.unique().to_pylist() if value is not None}
            found.setdefault((file.parent.name, name), set()).update(values)
    return found, dated


def raw(folder):
    """The bytes of every file as they are (footers, page headers and indexes are not compressed), and all names. The
    time at which the copy was made is about nobody."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = "\n".join(str(path.relative_to(folder)) for path in files).encode()
    made_at = json.loads((folder / "deidentified.json").read_text())["made_at"].encode()
    return b"\n".join([names, *(path.read_bytes().replace(made_at, b"") for path in files)])


def statistics(folder):
    for file in folder.rglob("*.parquet"):
        metadata = pyarrow.parquet.ParquetFile(file).metadata
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(column)
                assert chunk.to_dict().get("bloom_filter_offset") is None
                if chunk.statistics and chunk.statistics.has_min_max:
                    yield from (str(chunk.statistics.min), str(chunk.statistics.max))


def encodings(text):
    """What a code would be if it were made from an identifier without a secret."""
    for form in {text, text.lower(), text.upper(), f"v2/{text}", f"v3/{text}"}:
        plain = form.encode()
        yield from (plain.hex(), base64.b64encode(plain).decode(), base64.urlsafe_b64encode(plain).decode().rstrip("="))
        yield from (hashlib.new(kind, plain).hexdigest() for kind in ("md5", "sha1", "sha256", "sha512", "blake2b"))


class Secrets:
    """What may not be in a copy of these resources."""

    def __init__(self, resources):
        self.texts = identifying(resources)
        assert len(self.texts) > 100
        self.codes = {code for text in self.texts for code in encodings(text)}
        # Parts of other texts.
        self.long = {text for text in self.texts if len(text) >= 8}
        self.cut = {}

    def is_derived(self, value):
        """Whether it is a code of one of them, or begins one."""
        length = len(value)
        if length not in self.cut:
            self.cut[length] = {code[:length] for code in self.codes if len(code) >= length}
        return value in self.codes or length >= 16 and value in self.cut[length]

    def within(self, blob):
        """Those that are anywhere in a text or in bytes."""
        is_text = isinstance(blob, str)
        beginnings = {blob[at:at + 8] for at in range(len(blob) - 7)}
        for text in self.long:
            sought = text if is_text else text.encode()
            if sought[:8] in beginnings and sought in blob:
                yield text


SECRETS = {}


def leaks(folder, resources):
    """Where the copy has something of landing: column and kind, never the value."""
    found, dated = texts(folder)
    hits = {f"date in {name}" for name in dated}
    if id(resources) not in SECRETS:
        SECRETS[id(resources)] = Secrets(resources)
    secrets = SECRETS[id(resources)]
    for column, values in found.items():
        for value in values:
            parts = {value, *re.split(r"[^A-Za-z0-9-]+", value)}
            if parts & secrets.texts:
                hits.add(f"value in {column}")
            if secrets.is_derived(value):
                hits.add(f"derived value in {column}")
            if re.search(r"\d{4}-\d\d", value):
                hits.add(f"date in {column}")
        hits.update(f"part of a value in {column}" for _ in secrets.within("\0".join(values)))
    hits.update("raw bytes" for _ in secrets.within(raw(folder)))
    if set(statistics(folder)) & secrets.texts:
        hits.add("statistics")
    return hits


def test_nothing_of_landing_is_in_a_copy(lake, copy):
    assert leaks(copy, lake._resources) == set()
    about = json.loads((copy / "deidentified.json").read_text())
    assert about["profile"] == "safe-harbor" and "no legal opinion" in about["statement"]
    assert sorted(path.name for path in copy.iterdir()) == sorted(
        [table["name"] for table in about["tables"]] + ["deidentified.json", "views.duckdb.sql"]
    )


@pytest.mark.parametrize("table, column, action", [
    ("claim", "eob_id", '"keep"'),
    ("claim", "billing_npi", '"keep"'),
    ("claim", "from_date", '"keep"'),
    ("claim", "claim_group_id", '"keep"'),
    ("claim", "claim_id", '"keep"'),
    ("claim_provider", "name", '"keep"'),
    ("claim_provider", "raw_id", '"keep"'),
    ("part_d_event", "prescription_number", '"keep"'),
    ("part_d_event", "pharmacy_id", '{ code = 10 }'),
    ("patient", "postal_code", '{ code = 5 }'),
    ("patient", "mbi_current", '"keep"'),
    ("patient", "deceased_date_time", '"keep"'),
    ("coverage", "subscriber_id", '"keep"'),
    ("coverage", "coverage_id", '"keep"'),
    ("coverage_month", "month", '"keep"'),
])
def test_one_line_of_the_policy_loosened_is_found(demo, tmp_path, table, column, action):
    head = f"[table.{table}.columns]\n"
    before, after = POLICY.read_text().split(head)
    own, *others = after.split("\n[", 1)
    own = re.sub(rf"^{column} = .*\n?", "", own, flags=re.MULTILINE)
    own = f"{column} = {action}\n{own}"
    policy = tmp_path / "policy.toml"
    policy.write_text(before + head + "\n[".join([own, *others]))
    deidentify(demo.data.parent, demo.data, tmp_path / "copy", "--policy", policy, recipient="loose")
    assert leaks(tmp_path / "copy", demo._resources)


def test_rows_sums_and_joins_stay(lake, copy):
    for name in [*CLAIM_TABLES, "patient", "coverage", "coverage_month"]:
        before, after = rows(lake.current, name), rows(copy, name)
        assert len(before) == len(after), name
        if not before:
            continue
        kept = after[0].keys() & before[0].keys()
        sums = lambda rows, column: sum((row[column] or 0 for row in rows), decimal.Decimal(0))
        money = [column for column in kept if any(isinstance(row[column], decimal.Decimal) for row in before)]
        for column in money:
            assert sums(before, column) == sums(after, column), (name, column)
        if name in CLAIM_TABLES:
            # As many claims and patients, and the same money for each.
            for key in ("eob_id", "patient_id"):
                def by_key(rows):
                    groups = {}
                    for row in rows:
                        group = groups.setdefault(row[key], [0] * (len(money) + 1))
                        group[0] += 1
                        for at, column in enumerate(money, 1):
                            group[at] += row[column] or 0
                    return sorted(groups.values())

                assert by_key(before) == by_key(after), (name, key)
    claims = {row["eob_id"]: row["patient_id"] for row in rows(copy, "claim")}
    patients = {row["patient_id"] for row in rows(copy, "patient")}
    for name in CLAIM_TABLES[1:5]:
        for row in rows(copy, name):
            assert claims[row["eob_id"]] == row["patient_id"]
    if patients and lake.data.parent.name.startswith("demo"):
        assert set(claims.values()) <= patients


def test_a_patient_keeps_a_code_for_one_recipient_and_two_recipients_cannot_join(demo, copy, lake, tmp_path):
    home = demo.data.parent
    first, again, other = tmp_path / "first", tmp_path / "again", tmp_path / "other"
    deidentify(home, demo.data, first, recipient="first")
    deidentify(home, demo.data, again, recipient="first")
    deidentify(home, demo.data, other, recipient="other")
    # The same codes and the same rows: the same files.
    names = lambda folder: sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet"))
    assert names(first) == names(again)
    codes = lambda folder: {
        value
        for values in texts(folder)[0].values()
        for value in values
        if re.fullmatch(r"[0-9a-f]{20}", value)
    }
    assert codes(first) and not codes(first) & codes(other)


def test_ages_zip_areas_and_leap_days_are_as_written_by_hand(tmp_path):
    def patient(number, birth, zip_code):
        return {
            "resourceType": "Patient", "id": f"-{number}", "birthDate": birth,
            "meta": {"lastUpdated": "2024-02-29T12:00:00Z"},
            "address": [{"state": "NH", "postalCode": zip_code}],
        }

    data = tmp_path / "data"
    # Ages depend on the year in which the snapshot was published: it is made first to know it.
    (tmp_path / "none.ndjson").write_text(json.dumps(patient(9_000, "1950-01-01", "10001")) + "\n")
    claimlake(tmp_path, "--data", data, "import", "--api", "v2", "none.ndjson")
    claimlake(tmp_path, "--data", data, "run", "--from", "transform")
    manifest = json.loads((data / "lake" / "current" / "manifest.json").read_text())
    year = int(manifest["published_at"][:4])
    table = [
        # birth, ZIP, year of birth in the copy, is_90_or_over, area
        (f"{year - 90}-12-31", "10001", None, True, "100"),  # 89 until the last day of the year
        (f"{year - 90}-01-01", "60601-1234", None, True, "606"),
        (f"{year - 89}-01-01", "606011234", year - 89, False, "606"),  # 89 all year
        (f"{year - 89}", "03601", None, None, "000"),  # a year is no date of birth of the lake; 13,759 people
        ("1936-02-29", "82101", None if year >= 2026 else 1936, year >= 2026, "000"),  # 369 people
        ("1964-02-29", "36901", 1964, False, "000"),  # 19,164 people
        ("1964-02-28", "09012", 1964, False, "000"),  # military
        ("1964-03-01", "1000", 1964, False, "000"),  # four digits
        ("1964-12-31", "K1A 0B1", 1964, False, "000"),  # Canada
        (None, "99501", None, None, "995"),
    ]
    with open(tmp_path / "people.ndjson", "w", encoding="utf-8") as file:
        for number, (birth, zip_code, *_) in enumerate(table):
            body = patient(1_000 + number, birth, zip_code)
            if birth is None:
                del body["birthDate"]
            file.write(json.dumps(body) + "\n")
    claimlake(tmp_path, "--data", data, "import", "--api", "v2", "people.ndjson")
    claimlake(tmp_path, "--data", data, "run", "--from", "transform")
    found = deidentify(tmp_path, data, tmp_path / "copy", "--statistics")
    expected = sorted(map(str, [*(row[2:] for row in table), (1950, False, "100")]))
    got = rows(tmp_path / "copy", "patient")
    shown = [(row["birth_year"], row["is_90_or_over"], row["postal_code_3"]) for row in got]
    assert sorted(map(str, shown)) == expected
    assert {row["last_updated_year"] for row in got} == {2024}
    # k by hand: nobody shares all quasi-identifiers but two of 1964 in 000, three of them with the military.
    assert found["statistics"]["people"] == 11 and found["statistics"]["k"] == 1
    assert max(cell["people"] for cell in found["statistics"]["small"]) == 4


def test_forget_removes_a_patient_from_every_copy_and_an_absent_one_stays_open(tmp_path):
    data = tmp_path / "data"
    claimlake(tmp_path, "--data", data, "run")
    for name in ("one", "two"):
        deidentify(tmp_path, data, tmp_path / name)
    listed = rows((data / "lake" / "current").resolve(), "patient")
    before = rows(tmp_path / "one", "patient")
    (tmp_path / "two").rename(tmp_path / "away")
    leaving = listed[0]["patient_id"]
    summary, ended = claimlake(tmp_path, "--data", data, "forget", leaving, "--yes", "--offline")
    assert summary["exit"] == 1 and len(summary["copies_to_clear"]) == 1, ended.stderr
    after = rows(tmp_path / "one", "patient")
    assert len(after) == len(before) - 1
    gone = {row["patient_id"] for row in before} - {row["patient_id"] for row in after}
    assert len(gone) == 1
    code = gone.pop()
    assert code.encode() not in raw(tmp_path / "one")
    assert code in {row["patient_id"] for row in rows(tmp_path / "away", "claim")}
    # Open until the copy is there again; every later load tries, too.
    summary, _ = claimlake(tmp_path, "--data", data, "status")
    assert [copy["to_remove"] for copy in summary["copies"]] == [0, 1]
    (tmp_path / "away").rename(tmp_path / "two")
    summary, ended = claimlake(tmp_path, "--data", data, "load")
    assert summary["exit"] == 0, ended.stderr
    for table in ("patient", "claim", "claim_line", "part_d_event", "coverage_month"):
        assert code not in {row["patient_id"] for row in rows(tmp_path / "two", table)}
    summary, _ = claimlake(tmp_path, "--data", data, "status")
    assert [copy["to_remove"] for copy in summary["copies"]] == [0, 0]


def test_what_does_not_fit_is_refused_and_the_copy_stays(demo, tmp_path):
    home, data, to = demo.data.parent, demo.data, tmp_path / "copy"
    deidentify(home, data, to)
    present = raw(to)

    def refused(words, *arguments, data=data, code=2):
        summary, ended = claimlake(home, "--data", data, *arguments)
        assert summary["exit"] == code and words in ended.stderr, ended.stderr

    run = ["deidentify", "--profile", "safe-harbor", "--recipient", "north", "--to"]
    for line, other, words in [
        ('fill_date = "year"', 'fil_date = "year"', "has no column fil_date"),
        ('eob_id = { id = "claim" }', "", "column eob_id is a key"),
        ('fill_date = "year"', 'fill_date = "shift"', "shift is refused under safe-harbor"),
    ]:
        policy = tmp_path / "policy.toml"
        policy.write_text(POLICY.read_text().replace(line, other))
        refused(words, *run, to, "--policy", policy)
    refused("another lake or recipient", "deidentify", "--profile", "safe-harbor", "--recipient", "south", "--to", to)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("mine")
    refused("is not empty", *run, tmp_path / "used")
    refused("a place of its own", *run, data / "lake" / "copy")
    refused("only folders so far", *run, "s3://bucket/copy")
    # The copy is no data directory.
    refused("is a de-identified copy", "run", data=to)
    refused("is a de-identified copy", "load", data=to / "inside")
    # A kill between writing and naming leaves the copy as it was.
    _, ended = kill_at(home, data, to, "copy-written")
    assert ended.returncode < 0 and raw(to) == present
    deidentify(home, data, to)
    assert [path.name for path in tmp_path.iterdir() if "claimlake" in path.name] == []


def kill_at(home, data, to, place):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMLAKE_")}
    environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "CLAIMLAKE_CRASH_AT": place}
    arguments = ["--data", data, "deidentify", "--profile", "safe-harbor", "--recipient", "north", "--to", to]
    ended = subprocess.run([binary(), *map(str, arguments)], cwd=home, env=environment, capture_output=True, timeout=600)
    return None, ended


def test_a_limited_data_set_keeps_dates_and_towns_but_no_ids_or_names(demo, tmp_path):
    to = tmp_path / "copy"
    deidentify(demo.data.parent, demo.data, to, profile="limited-data-set", recipient="limited")
    dates = lambda folder, name, column: sorted(str(row[column]) for row in rows(folder, name))
    assert dates(demo.current, "claim", "from_date") == dates(to, "claim", "from_date")
    assert dates(demo.current, "patient", "birth_date") == dates(to, "patient", "birth_date")
    blob = raw(to) + "\n".join(text for values in texts(to)[0].values() for text in values).encode()
    for row in rows(demo.current, "patient"):
        for name in ("patient_id", "mbi_current", "family"):
            assert row[name].encode() not in blob
    about = json.loads((to / "deidentified.json").read_text())
    assert "data use agreement" in about["statement"]


def test_providers_are_codes_unless_they_are_kept(demo, tmp_path):
    kept = tmp_path / "kept"
    deidentify(demo.data.parent, demo.data, kept, "--keep-providers", recipient="kept")
    npis = lambda folder: {row["billing_npi"] for row in rows(folder, "claim")}
    assert npis(kept) == npis(demo.current)
    assert json.loads((kept / "deidentified.json").read_text())["keeps_providers"] is True
    # Names and raw ids go all the same.
    assert not {"name", "raw_id", "tax_number"} & rows(kept, "claim_provider")[0].keys()
