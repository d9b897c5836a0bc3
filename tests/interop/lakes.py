"""Lakes that show what partitions can be, and what a reader should see of them."""

import json
import urllib.parse

from conftest import claimlake

TYPE = "https://bluebutton.cms.gov/resources/codesystem/eob-type"

# By claim: its code, its last day, its use, and where it lies.
LONG = "x" * 247
FITS = "x" * 246
CLAIMS = [
    ("CARRIER", "2024-02-01", "claim", "CARRIER/2024"),
    (None, "2024-02-01", "claim", "UNKNOWN/2024"),
    ("CARRIER", None, "claim", "CARRIER/0"),
    (None, None, "claim", "UNKNOWN/0"),
    (None, "2025-01-01", "preauthorization", "PRIOR_AUTH/2025"),
    ("CARRIER", "2025-01-01", "preauthorization", "PRIOR_AUTH/2025"),
    ("null", "2024-02-01", "claim", "UNKNOWN/2024"),
    ("__HIVE_DEFAULT_PARTITION__", "2024-02-01", "claim", "UNKNOWN/2024"),
    (LONG, "2024-02-01", "claim", "UNKNOWN/2024"),
    (FITS, "2024-02-01", "claim", f"{FITS}/2024"),
    ("é" * 124, "2024-02-01", "claim", "UNKNOWN/2024"),
    ("a=b:c", "2024-02-01", "claim", "a=b:c/2024"),
    ("50%", "2024-02-01", "claim", "50%/2024"),
    ("%41", "2024-02-01", "claim", "%41/2024"),
    ("a b+c", "2024-02-01", "claim", "a b+c/2024"),
    ("[a]{b}", "2024-02-01", "claim", "[a]{b}/2024"),
    ("é日本", "2024-02-01", "claim", "é日本/2024"),
    ("..", "2024-02-01", "claim", "../2024"),
    ("'\"?*", "2024-02-01", "claim", "'\"?*/2024"),
]
REJECTS = 4  # null, hive's null, and two that are too long


def claim(number, code, end, use):
    body = {
        "resourceType": "ExplanationOfBenefit",
        "id": f"claim-{number}",
        "meta": {"lastUpdated": "2026-01-02T03:04:05Z"},
        "status": "active",
        "type": {"coding": [{"system": TYPE, "code": code}] if code else []},
        "use": use,
        "patient": {"reference": "Patient/-1"},
        "identifier": [{"system": "https://bluebutton.cms.gov/resources/variables/clm_id", "value": f"-{number}"}],
    }
    if end:
        body["billablePeriod"] = {"start": end, "end": end}
    if not code:
        body["type"] = {"text": "of no kind"}
    return json.dumps(body)


def ran(home, name, *arguments, env=None):
    """Runs a stage; a few values of these lakes are rejected, which is all that may be wrong."""
    summary, ended = claimlake(home, "--data", home / name, *arguments, env=env)
    assert summary["exit"] in (0, 3), ended.stderr


def imported(home, name, text):
    (home / f"{name}.ndjson").write_text(text, encoding="utf-8")
    ran(home, name, "import", "--api", "v2", home / f"{name}.ndjson")
    ran(home, name, "transform")
    ran(home, name, "load")
    return home / name


def awkward(home):
    """Claims whose kinds and years are hard on paths and on readers."""
    lines = [claim(number, code, end, use) for number, (code, end, use, _) in enumerate(CLAIMS)]
    return imported(home, "awkward", "".join(line + "\n" for line in lines))


def empty(home):
    """A person without claims: every table but one has no rows."""
    return imported(home, "empty", '{"resourceType":"Patient","id":"-1"}\n')


def fetched(home, api):
    """The demo's people by one version of the API."""
    ran(home, api, "run", env={"CLAIMLAKE_SOURCE_API": api})
    return home / api


LAKES = {
    "v2": lambda home: fetched(home, "v2"),
    "v3": lambda home: fetched(home, "v3"),
    "empty": empty,
    "awkward": awkward,
}


def snapshot(data):
    return (data / "lake" / "current").resolve()


def expected(snapshot):
    """By table: partition columns with their kinds, and rows by partition, as the paths have them."""
    manifest = json.loads((snapshot / "manifest.json").read_text())
    tables = {}
    for table in manifest["tables"]:
        kinds = {name: "text" if words == "Utf8" else "number" for name, words in table["partition_columns"]}
        groups = {}
        for file in table["files"]:
            folders = file["path"].split("/")[1:-1]
            values = [urllib.parse.unquote(folder.split("=", 1)[1]) for folder in folders]
            key = "/".join(values)
            groups[key] = groups.get(key, 0) + file["rows"]
        groups = {key: rows for key, rows in groups.items() if rows}
        tables[table["layout"]["name"]] = {"partitions": kinds, "groups": dict(sorted(groups.items()))}
    return tables


def differences(seen, wanted):
    """Where a reader saw something else, table by table."""
    found = []
    for table, want in wanted.items():
        saw = {key: seen[table][key] for key in ("partitions", "groups")}
        if saw != want:
            found.append(f"{table}: saw {saw}, expected {want}")
    return found
