"""Views over resources in memory and in files."""

import datetime
import gzip
import json
import signal
import subprocess
import sys

import polars
import pyarrow
import pytest

import claimlake

VIEW = {
    "resourceType": "ViewDefinition",
    "name": "person",
    "resource": "Patient",
    "status": "active",
    "select": [
        {"column": [{"name": "id", "path": "getResourceKey()"}, {"name": "born", "path": "birthDate", "type": "date",
            "tag": [{"name": "ansi/type", "value": "DATE"}]}]},
        {"forEachOrNull": "name", "column": [{"name": "family", "path": "family"}]},
    ],
}
PEOPLE = [
    {"resourceType": "Patient", "id": "a", "birthDate": "1950-02-03", "name": [{"family": "É"}, {"family": "B"}]},
    {"resourceType": "Patient", "id": "b"},
]
ROWS = [("v3", "a", "1950-02-03", "É"), ("v3", "a", "1950-02-03", "B"), ("v3", "b", None, None)]


def tuples(table):
    frame = table.to_polars()
    return [tuple(None if cell is None else str(cell) for cell in row) for row in frame.iter_rows()]


def ndjson():
    return "".join(json.dumps(person) + "\n" for person in PEOPLE)


def test_whatever_form_resources_have_the_rows_are_the_same(tmp_path):
    plain, packed, bundle = tmp_path / "p.ndjson", tmp_path / "p.ndjson.gz", tmp_path / "bundle.json"
    plain.write_text(ndjson())
    packed.write_bytes(gzip.compress(ndjson().encode()))
    entries = [{"resource": person} for person in PEOPLE]
    bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}, indent=2))
    texts = [json.dumps(person) for person in PEOPLE]
    sources = {
        "path": plain,
        "path as text": str(plain),
        "gzip": packed,
        "bundle": bundle,
        "paths": [plain],
        "text": ndjson(),
        "bytes": ndjson().encode(),
        "texts": texts,
        "bytes of each": [text.encode() for text in texts],
        "dicts": PEOPLE,
        "generator": (person for person in PEOPLE),
        "arrow": pyarrow.table({"value": texts}),
        "large arrow": pyarrow.table({"value": pyarrow.array(texts, pyarrow.large_string())}),
        "series": polars.Series("value", texts),
        "polars": polars.DataFrame({"number": [1, 2], "value": texts}),
    }
    for name, source in sources.items():
        flat = claimlake.flatten(source, views=[VIEW])
        assert list(flat) == ["person"], name
        assert tuples(flat["person"]) == ROWS, name
        assert tuples(flat["person"]) == ROWS, f"{name}, read again"
        assert (len(flat["person"]), len(flat.rejects), flat.counts["resources"]) == (3, 0, 2), name


def test_what_cannot_be_used_is_beside_the_rows_and_names_no_value():
    secret = "1950-99-77"
    lines = [json.dumps(PEOPLE[1]), "{not json", json.dumps({**PEOPLE[0], "birthDate": secret}), '{"a": 1}']
    flat = claimlake.flatten(lines, views=[VIEW], api="v2")
    assert len(flat["person"]) == 3
    rejects = flat.rejects.to_polars().sort("line").to_dicts()
    assert [(one["line"], one["reason"], one["column"]) for one in rejects] == [
        (2, "not_json", None),
        (3, "bad_date", "born"),
        (4, "not_fhir", None),
    ]
    assert secret not in str(rejects)
    assert flat.counts["rejected_resources"] == 2 and flat.counts["rejected_cells"] == 1
    with pytest.raises(KeyError):
        flat["nobody"]


def newest(path):
    """The newest body of each resource, at a tie the last: what a lake has."""
    found = {}
    for line in path.read_text().splitlines():
        resource = json.loads(line)
        key = (resource["resourceType"], resource.get("id"))
        updated = datetime.datetime.fromisoformat(resource.get("meta", {}).get("lastUpdated", "0001-01-01T00:00:00Z").replace("Z", "+00:00"))
        if key not in found or updated >= found[key][0]:
            found[key] = (updated, line)
    return [line for _, line in found.values()]


def test_named_views_are_those_of_the_lake(both, bodies):
    """The rows of real bodies, compared with the tables that the command made of them."""
    lake = claimlake.open(both)
    bodies = {api: newest(path) for api, path in bodies.items()}
    for name, resource_id in (
        ("claim_line", "eob_id"),
        ("eob_item", "eob_id"),
        ("coverage", "coverage_id"),
        ("patient_name", "patient_id"),
    ):
        expected = lake.table(name).to_polars()
        ids = {json.loads(line).get("id") for lines in bodies.values() for line in lines}
        expected = expected.filter(polars.col(resource_id).is_in(ids))
        found = polars.concat(
            claimlake.flatten(path, views=[name], api=api)[name].to_polars() for api, path in bodies.items()
        )
        shared = [column for column in found.columns if column in expected.columns]
        # Which version is current, only a lake knows; what a partition calls unknown is null here.
        assert set(expected.columns) - set(shared) <= {"is_current"}, name
        key = [column for column in shared if expected[column].dtype != polars.List(polars.String)]
        normal = lambda frame: sorted(map(str, frame.select(key).rows()))  # noqa: E731
        unknown = {"eob_type": "UNKNOWN", "service_year": 0}
        fills = [polars.col(column).fill_null(value) for column, value in unknown.items() if column in key]
        assert normal(found.with_columns(fills)) == normal(expected), name


def test_a_view_that_is_wrong_says_where():
    wrong = json.loads(json.dumps(VIEW))
    wrong["select"][0]["column"][0]["path"] = "id.("
    for call in (claimlake.flatten, lambda source, views: claimlake.view(views[0], source)):
        with pytest.raises(claimlake.ViewError, match="select") as error:
            call(PEOPLE, views=[wrong])
        assert error.value.kind == "view"
    with pytest.raises(claimlake.ViewError, match="no view clam; it has .*claim"):
        claimlake.flatten(PEOPLE, views=["clam"])
    with pytest.raises(claimlake.ViewError, match="no_such"):
        claimlake.flatten(PEOPLE, views=["claim"], pipeline="no_such")
    with pytest.raises(claimlake.InputError, match="api"):
        claimlake.flatten(PEOPLE, views=[VIEW], api="v9")


def test_an_input_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(claimlake.InputError) as error:
        claimlake.flatten(tmp_path / "nowhere.ndjson", views=[VIEW])
    assert "nowhere.ndjson" in str(error.value)
    with pytest.raises(claimlake.InputError, match="2 columns of texts"):
        claimlake.flatten(pyarrow.table({"a": ["{}"], "b": ["{}"]}), views=[VIEW])
    with pytest.raises(claimlake.InputError, match="not one column"):
        claimlake.flatten(pyarrow.chunked_array([["{}"]]), views=[VIEW])
    with pytest.raises(claimlake.InputError, match="int"):
        claimlake.flatten([1, 2], views=[VIEW])


def test_a_view_makes_the_rows_that_the_command_makes(tmp_path):
    rows = claimlake.view(VIEW, [*PEOPLE, "{"])
    assert tuples(rows) == [row[1:] for row in ROWS]
    assert [number for number, _ in rows.rejects] == [3]
    with pytest.raises(claimlake.InputError, match="has been read"):
        rows.to_polars()
    (tmp_path / "view.json").write_text(json.dumps(VIEW))
    (tmp_path / "people.ndjson").write_text(ndjson())
    words = [claimlake.executable(), "view", tmp_path / "view.json", tmp_path / "people.ndjson"]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    again = claimlake.view(tmp_path / "view.json", PEOPLE).to_polars().with_columns(polars.col("born").cast(str))
    assert again.to_dicts() == [json.loads(line) for line in printed]


def test_other_threads_run_and_an_interrupt_is_heard(tmp_path):
    source = tmp_path / "many.ndjson"
    source.write_text(json.dumps(PEOPLE[0]) + "\n")
    script = (
        "import claimlake, json, threading, itertools\n"
        f"view = json.loads({json.dumps(VIEW)!r})\n"
        "ticks = []\n"
        "def tick():\n"
        "    for number in itertools.count():\n"
        "        ticks.append(number)\n"
        "        print('tick', flush=True)\n"
        "        threading.Event().wait(0.05)\n"
        "threading.Thread(target=tick, daemon=True).start()\n"
        f"paths = itertools.repeat(__import__('pathlib').Path({str(source)!r}))\n"
        "try:\n"
        "    claimlake.flatten(paths, views=[view])\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for _ in range(3):
        assert process.stdout.readline() == "tick\n"
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert rest.splitlines()[-1] == "interrupted"


def test_views_are_taken_in_whatever_form_they_are_given(tmp_path):
    (tmp_path / "view.json").write_text(json.dumps(VIEW))
    forms = {
        "one dict": VIEW,
        "one text": json.dumps(VIEW),
        "one file": tmp_path / "view.json",
        "an iterator": iter([VIEW]),
    }
    for name, views in forms.items():
        assert tuples(claimlake.flatten(PEOPLE, views=views)["person"]) == ROWS, name
    assert list(claimlake.flatten(PEOPLE, views="claim_line")) == ["claim_line"]
    (tmp_path / "latin.json").write_bytes(b"{\xe9}")
    for wrong in ([3], [b"\xff{"], [tmp_path / "latin.json"], [{"a": object()}], [VIEW, VIEW]):
        with pytest.raises(claimlake.ViewError):
            claimlake.flatten(PEOPLE, views=wrong)


def test_what_is_no_resource_is_a_reject_or_named_without_its_words(tmp_path):
    for empty in ([], "", b"", "\n\n", b"\n"):
        assert len(claimlake.flatten(empty, views=[VIEW])["person"]) == 0, empty
    secret = "Mary 1950"
    flat = claimlake.flatten(f"{secret}\n{ndjson()}", views=[VIEW])
    assert (len(flat["person"]), len(flat.rejects)) == (3, 1)
    for bad in ({**PEOPLE[0], "x": float("nan")}, {**PEOPLE[0], "x": "\ud800"}, '{"id": "\ud800"}', "not json"):
        flat = claimlake.flatten([PEOPLE[1], bad], views=[VIEW])
        assert (len(flat["person"]), len(flat.rejects)) == (1, 1), bad
    with pytest.raises(claimlake.InputError) as error:
        claimlake.flatten([{secret: datetime.date(1950, 1, 1), "x": {1, 2}}], views=[VIEW])
    assert secret not in str(error.value)
    # A name of a file that is misspelt is no resource.
    with pytest.raises(claimlake.InputError, match="clams.ndjson"):
        claimlake.flatten(["clams.ndjson.gz"], views=[VIEW])
    with pytest.raises(claimlake.InputError, match="PosixPath"):
        claimlake.view(VIEW, tmp_path / "people.ndjson")


def test_an_iterable_that_raises_ends_it_with_its_own_error(tmp_path):
    def people():
        yield PEOPLE[0]
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        claimlake.flatten(people(), views=[VIEW], temporary=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_is_no_fault_of_claimlake(tmp_path):
    source = tmp_path / "people.ndjson"
    source.write_text(ndjson() * 3000)
    # Files that must not grow any more behave like a full disk.
    script = (
        "import claimlake, json, pathlib, resource\n"
        f"view = json.loads({json.dumps(json.dumps(VIEW))})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))\n"
        "try:\n"
        f"    claimlake.flatten(pathlib.Path({str(source)!r}), views=[view])\n"
        "except claimlake.ClaimlakeError as error:\n"
        "    print(error.kind)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stdout.strip() == "io", ended.stderr
