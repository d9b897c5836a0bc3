"""The examples of the documentation, as they are written."""

import gzip
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

import claimlake

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    found = BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    assert found, page
    return found


def run(page, names, edit=lambda text: text):
    for number, block in enumerate(blocks(page), 1):
        if "import dask" in block and not all(map(importlib.util.find_spec, ("dask", "ray"))):
            print(f"{page}, example {number}: not tried without Dask and Ray, which test_dask_ray.py has")
            continue
        exec(compile(edit(block), f"{page}, example {number}", "exec"), names)


def consent(data):
    """A person agrees, whom the sandbox sends back at once."""

    def authorize(*more):
        words = [claimlake.executable(), "--json", "--pipeline", "blue_button", "--data", data, "authorize", *more]
        return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[0])

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    with pytest.raises(urllib.error.HTTPError) as sent_back:
        urllib.request.build_opener(Stay).open(authorize("--start")["url"], timeout=30)
    assert sent_back.value.code in (302, 303), sent_back.value
    authorize("--finish", sent_back.value.headers["Location"])


def test_the_examples_of_the_python_page(demo, tmp_path, monkeypatch):
    """In a folder with the demo and a file of claims; a sandbox is the server, where one person has consented."""
    shutil.copytree(demo, tmp_path / "data/demo", symlinks=True)
    claimlake.command("sandbox", "generate", "--api", "v3", "--patients", "2", "-o", tmp_path / "claims.ndjson")
    (tmp_path / "claims.ndjson.gz").write_bytes(gzip.compress((tmp_path / "claims.ndjson").read_bytes()))
    monkeypatch.chdir(tmp_path)
    names = {}
    with claimlake.Sandbox(patients=2) as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        consent(tmp_path / "data/mine")
        run("python.md", names)
    # What the examples leave says that they did what they show.
    assert names["lines"].to_arrow().num_rows == len(claimlake.open(demo).table("claim_line")) > 0
    assert len(names["flat"]["claim_line"]) > 0
    assert names["flat"].counts["resources"] > 0
    assert names["summary"].exit == 0


def test_the_examples_of_the_cluster_page(demo, spark, tmp_path):
    shutil.copytree(demo, tmp_path / "data", symlinks=True)
    names = {"spark": spark}
    # The shared file system of the page; the demo has its own pipeline.
    paths = {"/shared/": f"{tmp_path}{os.sep}", '"blue_button"': '"demo"'}
    run("more-than-one-machine.md", names, lambda text: re.sub("|".join(paths), lambda found: paths[found[0]], text))
    assert names["staged"].exit == 0
    assert names["staged"].rows["eob"] == spark.table("eob").count() > 0
