"""A publisher is killed at each of its writes, before it is done and after: readers that compare two tables through
the newest state see the old one or the new one, and the next publish heals.

PUBLISH_KILLS=all kills at every write (every seventh otherwise).
"""

import decimal
import io
import os
import shutil
import signal
import threading

import pyarrow.parquet
import pytest

pytest.importorskip("deltalake", reason="deltalake is missing: requirements-publish.txt has it")
pytest.importorskip("moto.server", reason="moto is missing: requirements-publish.txt has it")

from conftest import claimlake  # noqa: E402
from published import change_a_claim, newest_state, publish, start  # noqa: E402
from stores import BUCKET, Cut, Store  # noqa: E402

SMALL = {"CLAIMLAKE_SOURCE_PATIENTS": "2", "CLAIMLAKE_SOURCE_EOBS": "4"}
EACH = 1 if os.environ.get("PUBLISH_KILLS") == "all" else 7
PREFIX = "lake"
MONEY = {"eob": "payment_amount", "claim": "paid_amount"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A small lake, `data`, and a later state of it, `later`."""
    home = tmp_path_factory.mktemp("kills")
    summary, ended = claimlake(home, "--data", home / "data", "run", env=SMALL)
    assert summary["exit"] == 0, ended.stderr
    return home


def paid(store):
    """Sequence of the newest state, and what is paid by two tables, by the files that the state names."""
    state = newest_state(store, PREFIX)
    sums = []
    for name, column in MONEY.items():
        table = next(table for table in state["tables"] if table["name"] == name)
        total = decimal.Decimal(0)
        for file in table["files"]:
            read = pyarrow.parquet.ParquetFile(io.BytesIO(store.read(f"{PREFIX}/{file['path']}")))
            values = read.read(columns=[column]).column(0).to_pylist()
            total += sum(value for value in values if value is not None)
        sums.append(total)
    return state["sequence"], sums


class Readers:
    """Threads that read all the time; what they saw is in `seen`."""

    def __init__(self, store):
        self.store, self.seen, self.failed, self.ended = store, [], [], threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(2)]

    def run(self):
        while not self.ended.is_set():
            try:
                self.seen.append(paid(self.store))
            except Exception as error:  # it is the test's to raise
                self.failed.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def restore(store, objects):
    """The place has these objects and no others."""
    for key in set(store.keys(f"{PREFIX}/")) - set(objects):
        store.client.delete_object(Bucket=BUCKET, Key=key)
    for key, body in objects.items():
        store.client.put_object(Bucket=BUCKET, Key=key, Body=body)


def counted(number, process, is_done):
    """Kills the process at its write of this number, before or after the store did it."""
    guard, count, hit = threading.Lock(), [0], threading.Event()

    def kill(request):
        if request.who != "publisher" or not request.writes:
            return
        with guard:
            count[0] += 1
            is_it = count[0] == number
        if hit.is_set() and not is_done:
            raise Cut
        if is_it:
            hit.set()
            process().send_signal(signal.SIGKILL)
            process().wait()
            raise Cut

    return kill, count, hit


def test_at_each_write_readers_see_the_old_state_or_the_new_and_the_next_publish_heals(home):
    url = f"s3://{BUCKET}/{PREFIX}"
    with Store() as store:
        publish(home, url, home / "data", store.environment())
        first = {key: store.read(key) for key in store.keys(f"{PREFIX}/")}
        old = paid(store)
        shutil.copytree(home / "data", home / "later", symlinks=True)
        change_a_claim(home, home / "later")
        # How many writes there are, and what is right after them.
        shutil.copytree(home / "later", home / "counting", symlinks=True)
        counting, count, _ = counted(0, lambda: None, False)
        store.before = lambda request: counting(request)
        publish(home, url, home / "counting", store.environment("publisher"))
        store.before = None
        writes, new = count[0], paid(store)
        assert writes > 10 and new[1][0] - old[1][0] == new[1][1] - old[1][1] > 100_000
        restore(store, first)
        reads = 0
        for number in range(1, writes + 1, EACH):
            for is_done in (False, True):
                data = home / f"killed{number}{is_done}"
                shutil.copytree(home / "later", data, symlinks=True)
                with Readers(store) as readers:
                    running = []
                    started = threading.Event()

                    def process():
                        started.wait(60)
                        return running[0]

                    kill, _, hit = counted(number, process, is_done)
                    setattr(store, "after" if is_done else "before", kill)
                    running.append(start(home, data, url, store.environment("publisher")))
                    started.set()
                    running[0].communicate(timeout=120)
                    assert hit.is_set() and running[0].returncode == -signal.SIGKILL, number
                    store.before = store.after = None
                    between = paid(store)
                    published = publish(home, url, data, store.environment())
                healed = paid(store)
                assert not readers.failed, (number, readers.failed[:1])
                for sequence, sums in [*readers.seen, between, healed]:
                    assert sums == (old if sequence == 1 else new)[1], (number, is_done, sequence)
                # A state is not there twice where the killed publisher had written it.
                assert healed == new and published["sequence"] == 2, (number, is_done)
                reads += len(readers.seen) + 2
                summary, ended = claimlake(home, "--data", data, "verify", "--published", url, env=store.environment())
                assert summary["exit"] == 0, ended.stderr
                shutil.rmtree(data)
                restore(store, first)
    print(f"{writes} writes, a kill before and after each {EACH}.: {reads} reads")
    assert reads >= 4 * (writes // EACH)
