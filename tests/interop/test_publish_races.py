"""Many publishers at once, of which some are killed: the newest snapshot stays, and no table is torn.

PUBLISH_ROUNDS=50 runs the race as often (8 otherwise), half of the rounds with a winner who is killed.
"""

import concurrent.futures
import json
import os
import shutil
import signal
import threading

import pytest

pytest.importorskip("deltalake", reason="deltalake is missing: requirements-publish.txt has it")
pytest.importorskip("moto.server", reason="moto is missing: requirements-publish.txt has it")

from azure_stores import AzureStore  # noqa: E402
from conftest import claimlake  # noqa: E402
from published import change_a_claim, manifest, newest_state, publish, start  # noqa: E402
from stores import Cut, Store  # noqa: E402

ROUNDS = int(os.environ.get("PUBLISH_ROUNDS", "8"))
RACERS = 16
SMALL = {"CLAIMLAKE_SOURCE_PATIENTS": "2", "CLAIMLAKE_SOURCE_EOBS": "4"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A small lake whose id is known, so that copies of it publish to one place."""
    home = tmp_path_factory.mktemp("races")
    summary, ended = claimlake(home, "--data", home / "data", "run", env=SMALL)
    assert summary["exit"] == 0, ended.stderr
    publish(home, (home / "first").as_uri())
    return home


@pytest.fixture(scope="module")
def copies(home):
    """Copies of it, each with a newer snapshot than the one before."""
    copies = [home / "racer0"]
    shutil.copytree(home / "data", copies[0], symlinks=True)
    for number in range(1, RACERS):
        copied = home / f"racer{number}"
        shutil.copytree(copies[-1], copied, symlinks=True)
        change_a_claim(home, copied, 1000 + number)
        copies.append(copied)
    return copies


def files_at(store, prefix, table, version):
    """The files of a table at a version, by the lines of its log alone."""
    files = set()
    for number in range(version + 1):
        for line in store.read(f"{prefix}/{table}/_delta_log/{number:020}.json").splitlines():
            action = json.loads(line)
            if "add" in action:
                files.add(action["add"]["path"])
            if "remove" in action:
                files.remove(action["remove"]["path"])
    return files


def whole(store, prefix):
    """Every table of the newest state has exactly its files, by its log at the named and at the newest version, and all
    of them are there."""
    state = newest_state(store, prefix)
    keys = set(store.keys(prefix + "/"))
    for table in state["tables"]:
        name = table["name"]
        named = {file["path"] for file in table["files"]}
        assert all(f"{prefix}/{path}" in keys for path in named), name
        log = f"{prefix}/{name}/_delta_log/"
        newest = max(int(key.removeprefix(log).removesuffix(".json")) for key in keys if key.startswith(log) and key.endswith(".json"))
        for version in {table["delta_version"], newest}:
            found = {f"{name}/{path}" for path in files_at(store, prefix, name, version)}
            assert len(found) == len(named) and {path.replace("%25", "%") for path in found} == named, (name, version)
    return state


@pytest.mark.parametrize("kind", [Store, AzureStore])
def test_of_racing_processes_the_newest_snapshot_stays_and_no_table_is_torn(home, copies, kind):
    if kind is AzureStore and "AZURITE" not in os.environ:
        pytest.skip("AZURITE does not name Azurite's program: make test-azure sets it")
    kills = 0
    with kind() as store:
        for number in range(ROUNDS):
            prefix = f"race{number}"
            publish(home, store.url(prefix), home / "data", store.environment())
            # All read the target before anyone writes: whoever is late is no older publisher, but a rollback.
            everybody = threading.Barrier(RACERS)
            lists, guard, killed = {}, threading.Lock(), []
            processes = {}

            def before(request):
                if not request.path.startswith(prefix) and not request.lists:
                    return None
                if request.lists and request.who.startswith("racer"):
                    with guard:
                        lists[request.who] = lists.get(request.who, 0) + 1
                        is_second = lists[request.who] == 2
                    if is_second:
                        everybody.wait(120)
                is_state = request.method == "PUT" and "/snapshots/" in request.path
                if is_state and number % 2 and request.who.startswith("racer"):
                    with guard:
                        is_first = not killed
                        if is_first:
                            killed.append(request.who)
                    if is_first:
                        # Its commits are there, and its state will not be.
                        processes[request.who].send_signal(signal.SIGKILL)
                        processes[request.who].wait()
                        raise Cut
                return None

            store.before = before
            with guard:
                for index, data in enumerate(copies):
                    who = f"racer{index}"
                    processes[who] = start(home, data, store.url(prefix), store.environment(who))
            with concurrent.futures.ThreadPoolExecutor(RACERS) as pool:
                ended = dict(zip(processes, pool.map(lambda process: process.communicate(timeout=300), processes.values())))
            store.before = None
            assert len(killed) == number % 2
            kills += len(killed)
            for who, process in processes.items():
                if who in killed:
                    assert process.returncode == -signal.SIGKILL
                else:
                    assert process.returncode == 0 or "which is newer" in ended[who][1], ended[who][1]
            survivors = [data for index, data in enumerate(copies) if f"racer{index}" not in killed]
            newest = manifest(survivors[-1])
            assert processes[survivors[-1].name].returncode == 0
            state = whole(store, prefix)
            assert state["local"]["run"] == newest["run"], number
            assert {f["path"] for t in state["tables"] for f in t["files"]} == {
                f["path"] for t in newest["tables"] for f in t["files"]
            }
    assert kills == ROUNDS // 2
