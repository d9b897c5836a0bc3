"""Makes the whole FHIR bodies of the truth table from its short ones; knows nothing of claims.

    expand.py DIRECTORY        writes v2.ndjson and v3.ndjson (and v2-2.ndjson … for later loads)

README.md tells what a case looks like.
"""

import copy
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
ALIASES = json.loads((HERE / "aliases.json").read_text())
STEP = re.compile(r"([A-Za-z_]+)|\[([^\]]+)\]")


def whole(text):
    """`var:clm_id` as the url it stands for."""
    head, colon, rest = text.partition(":")
    url = ALIASES.get(head + colon)
    return text if url is None else url + rest


def coding(text):
    """`hcpcs:|J2270` as a Coding."""
    system, _, code = text.rpartition("|")
    found = {"system": whole(system), "code": whole(code)} if system else {"code": whole(code)}
    return found


def spelled(value, names):
    """A value with its shorthands written out and `{patient}`, `{number}` filled in."""
    if isinstance(value, dict):
        return {key: spelled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [spelled(inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    for name, text in names.items():
        value = value.replace("{" + name + "}", text)
    if value.startswith("@"):
        return {"coding": [coding(part.strip()) for part in value[1:].split(",")]}
    if value.startswith("#") and "|" in value:
        return coding(value[1:])
    if re.fullmatch(r"\$-?[0-9]+(\.[0-9]+)?", value):
        return {"value": float(value[1:]), "currency": "USD"}
    return whole(value)


def says(value, text):
    """Whether an element has the text as a value, or as the end of a url, somewhere in it."""
    if isinstance(value, dict):
        return any(says(inner, text) for inner in value.values())
    if isinstance(value, list):
        return any(says(inner, text) for inner in value)
    return isinstance(value, str) and (value == text or value.endswith("/" + text))


def position(elements, text):
    """Which element of a list `[2]`, `[+]` (a new one) or `[performing]` (the one that says so) means."""
    if text == "+":
        return len(elements)
    if text.isdigit():
        return int(text)
    found = [index for index, element in enumerate(elements) if says(element, text)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} elements say {text}")
    return found[0]


def steps(path):
    return [name or f"[{place}" for name, place in STEP.findall(path)]


def key_of(holder, step):
    return position(holder, step[1:]) if step.startswith("[") else step


def at(body, path):
    for step in steps(path):
        body = body[key_of(body, step)]
    return body


def put(body, path, value):
    """Sets one place of a body; a value of null takes the element away."""
    *before, last = steps(path)
    for step, after in zip(before, before[1:] + [last]):
        empty = [] if after.startswith("[") else {}
        if isinstance(body, dict):
            body = body.setdefault(step, empty)
        else:
            where = key_of(body, step)
            if where == len(body):
                body.append(empty)
            body = body[where]
    where = key_of(body, last)
    if value is None:
        del body[where]
    elif isinstance(body, list) and where == len(body):
        body.append(value)
    else:
        body[where] = value


def changed(body, changes, names):
    """A body with changes made in their order. `{"like": "item[0]", "but": {…}}` copies and changes."""
    for path, value in changes.items():
        if isinstance(value, dict) and "like" in value:
            value = changed(copy.deepcopy(at(body, value["like"])), value.get("but", {}), names)
        else:
            value = spelled(value, names)
        put(body, path, value)
    return body


def based(name, names):
    """A base body: written out, or another base with changes."""
    base = json.loads((HERE / "bases" / f"{name}.json").read_text())
    if "base" in base:
        return changed(based(base["base"], names), base["change"], names)
    return spelled(base, names)


def resources_of(case):
    """(api, load, body) of each resource of a case."""
    for place, resource in enumerate(case["resources"], 1):
        patient = resource.get("patient", f"-1000{case['case']}")
        number = resource.get("number", f"-1000{case['case']}{place:03}")
        names = {"patient": patient, "number": number, "case": str(case["case"])}
        body = changed(based(resource["base"], names), resource.get("change", {}), names)
        yield resource["base"][:2], resource.get("load", 1), body


def cases():
    """All cases, by their numbers."""
    found = []
    for path in sorted((HERE / "cases").glob("*.json")):
        found += json.loads(path.read_text())["cases"]
    numbers = [case["case"] for case in found]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"numbers that repeat: {sorted(n for n in numbers if numbers.count(n) > 1)}")
    return sorted(found, key=lambda case: case["case"])


def files():
    """Lines of NDJSON by (load, api)."""
    lines = {}
    for case in cases():
        for api, load, body in resources_of(case):
            lines.setdefault((load, api), []).append(json.dumps(body, separators=(",", ":")))
    return dict(sorted(lines.items()))


def main():
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for (load, api), lines in files().items():
        name = f"{api}.ndjson" if load == 1 else f"{api}-{load}.ndjson"
        (target / name).write_text("".join(line + "\n" for line in lines))
        print(f"{len(lines)} resources in {name}")


if __name__ == "__main__":
    main()
