"""Writes models/sources.yml: every table of a lake, with what it is and what must hold of it.

    python3 pipelines/dbt/sources.py          writes the file
    python3 pipelines/dbt/sources.py --check  fails if it would change

The tables are the views of pipelines/views/, the queries of pipelines/sql/, and what the loader itself
writes. Which of them are in the schema main and which in lossless is in pipelines/demo.toml.
"""

import json
import pathlib
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
PIPELINES = HERE.parent
TARGET = HERE / "models" / "sources.yml"

# Tables about the run, which no view makes: description and columns that are never null.
OF_THE_RUN = {
    "changes": ("What each load added, changed and removed, by resource.", ["kind", "resource_type", "resource_id"]),
    "extract_status": (
        "What the last extraction of each person says: state, day, counts, scopes. The denominator.",
        ["source_api", "patient_id", "resource_type"],
    ),
}

# What makes a row of a table that is one row per something.
KEYS = {
    "claim": ["source_api", "eob_id"],
    "claim_line": ["source_api", "eob_id", "claim_line_number"],
    "coverage": ["source_api", "coverage_id"],
    "coverage_month": ["source_api", "coverage_id", "month"],
    "enrollment_month": ["source_api", "patient_id", "month"],
    "eob": ["source_api", "eob_id"],
    "eob_item": ["source_api", "eob_id", "item_idx"],
    "part_d_event": ["source_api", "eob_id"],
    "patient": ["source_api", "patient_id"],
    "person": ["person_id"],
    "stay": ["source_api", "patient_id", "facility_ccn", "admission_date"],
}
KEY_OF_RESOURCE = {"ExplanationOfBenefit": "eob_id", "Coverage": "coverage_id", "Patient": "patient_id"}
MAY_BE_NULL = {"facility_ccn"}


def tables():
    """Name -> (description, columns that are never null, key)."""
    found = {name: (*about, None) for name, about in OF_THE_RUN.items()}
    for path in (PIPELINES / "views").glob("*.json"):
        view = json.loads(path.read_text())
        key = KEY_OF_RESOURCE[view["resource"]]
        found[view["name"]] = (view["description"], ["source_api", key], KEYS.get(view["name"]))
    for path in (PIPELINES / "sql").glob("*.sql"):
        comment = []
        for line in path.read_text().splitlines():
            if not line.startswith("--"):
                break
            comment.append(line.removeprefix("--").strip())
        key = KEYS[path.stem]
        found[path.stem] = (" ".join(comment), [c for c in key if c not in MAY_BE_NULL], key)
    return dict(sorted(found.items()))


def in_main():
    pipeline = tomllib.loads((PIPELINES / "demo.toml").read_text())
    return {*pipeline["load"]["main_tables"], *(path.stem for path in (PIPELINES / "sql").glob("*.sql"))}


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def entry(name, description, not_null, key):
    yield f"      - name: {name}"
    yield f"        description: {quoted(description)}"
    if key:
        yield "        data_tests:"
        yield "          - one_row_per:"
        yield "              arguments:"
        yield f"                columns: [{', '.join(key)}]"
    yield "        columns:"
    for column in dict.fromkeys(not_null + [c for c in key or [] if c not in MAY_BE_NULL]):
        yield f"          - name: {column}"
        yield f"            data_tests: [{'not_null_if_there' if name == 'extract_status' else 'not_null'}]"


def lines():
    main = in_main()
    yield "# Written by sources.py: do not edit."
    yield "version: 2"
    yield ""
    yield "sources:"
    for source, variable, description, wanted in [
        ("lake", "lake_schema", "The tables for questions and those that most questions need.", lambda name: name in main),
        ("lossless", "lossless_schema", "The tables that mirror the resources, and those about the run.", lambda name: name not in main),
    ]:
        yield f"  - name: {source}"
        yield f"    description: {description}"
        yield f"    schema: \"{{{{ var('{variable}') }}}}\""
        yield "    tables:"
        for name, about in tables().items():
            if wanted(name):
                yield from entry(name, *about)


def main():
    text = "\n".join(lines()) + "\n"
    if "--check" in sys.argv[1:]:
        if not TARGET.is_file() or TARGET.read_text() != text:
            sys.exit(f"{TARGET.name} is not what sources.py writes: run it")
    else:
        TARGET.write_text(text)


if __name__ == "__main__":
    main()
