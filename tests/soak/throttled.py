"""Extracts from a server that throttles and fails, then from one that says to come back tomorrow.

    .venv/bin/python tests/soak/throttled.py [--people 200] [--limit 100] [--latency 300] [--api v2 v3]

1. 5 % of all requests are answered 503, and more than `--limit` FHIR requests a second 429. The
   extraction must be complete, and fewer than 5 % of the requests sent after the first burst may be
   answered 429. The first burst ends one Retry-After (a second) after the first 429.
2. One person's requests are answered 429 with a Retry-After of a day: that person is parked by name,
   the others land, and the next run, once the server is kind again, brings that person too.

Needs `make build` and DuckDB (`make venv`).
"""

import argparse
import http.client
import json
import pathlib
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import extract as bench  # noqa: E402
from kill_extract import Extraction  # noqa: E402

MOST_THROTTLED = 0.05
RETRY_AFTER = 1.0


def post(server, path, body):
    connection = http.client.HTTPConnection(server.host)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        sys.exit(f"{path}: {text.decode()}")


class Account(threading.Thread):
    """How many FHIR requests came and how many of them were answered 429, over time."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.seen, self.over = server, [], threading.Event()

    def look(self):
        account = self.server.account()
        requests = sum(count for route, count in account["requests"].items() if "/fhir/" in route)
        throttled = sum(count for fault, count in account["faults"].items() if fault.startswith("rps"))
        self.seen.append((time.monotonic(), requests, throttled))

    def run(self):
        self.look()
        while not self.over.wait(0.05):
            self.look()

    def end(self):
        self.over.set()
        self.join()
        self.look()

    def shares(self):
        """Requests and 429s in all, and of them those after the first burst."""
        (_, before, throttled_before), (_, requests, throttled) = self.seen[0], self.seen[-1]
        whole = requests - before, throttled - throttled_before
        first = next((at for at, _, count in self.seen if count > throttled_before), None)
        if first is None:
            return whole, whole
        after = next((entry for entry in self.seen if entry[0] > first + RETRY_AFTER), self.seen[-1])
        return whole, (requests - after[1], throttled - after[2])


def share(requests, throttled):
    return f"{throttled} of {requests} requests ({100 * throttled / max(requests, 1):.1f} %)"


def faults(server, *specs):
    post(server, "/_sandbox/faults", {"faults": list(specs)})


def whole(extraction):
    landed, truth = extraction.landed(), extraction.truth()
    return len(truth - landed.keys()), sum(count - 1 for count in landed.values())


def throttled(options, server, folder, api):
    extraction = Extraction(options.claimlake, server, folder, api, options.people, concurrency=128)
    faults(server, "503:rate=5%,only=all", f"rps:limit={options.limit}")
    account = Account(server)
    account.start()
    began = time.monotonic()
    ended = extraction.start()
    _, words = ended.communicate()
    seconds = time.monotonic() - began
    account.end()
    faults(server)
    lost, doubled = whole(extraction)
    of_all, after = account.shares()
    print(f"{api}, {options.people} people, 5 % 503 and {options.limit} requests/s: exit code {ended.returncode}, {seconds:.1f} s "
          f"(bound {of_all[0] / options.limit:.1f} s), lost {lost}, doubled {doubled}")
    print(f"  answered 429: {share(*of_all)}; after the first burst {share(*after)}")
    if ended.returncode:
        print(words.strip()[-400:])
    good = after[1] < MOST_THROTTLED * max(after[0], 1)
    return ended.returncode == 0 and lost == doubled == 0 and good


def parked(options, server, folder, api):
    extraction = Extraction(options.claimlake, server, folder, api, 8, concurrency=128)
    faults(server, "429:retry-after=day,patient=BBUser00003")
    first = extraction.start()
    first.communicate()
    faults(server)
    there = {patient for _, patient, _ in extraction.landed()}
    second = extraction.start()
    second.communicate()
    people = {patient for _, patient, _ in extraction.landed()}
    lost, doubled = whole_of(extraction, people)
    print(f"{api}, a Retry-After of a day for one of 8: exit code {first.returncode}, {len(there)} landed; "
          f"the next run: exit code {second.returncode}, {len(people)} landed, lost {lost}, doubled {doubled}")
    return first.returncode == 5 and second.returncode == 0 and (len(there), len(people)) == (7, 8) and lost == doubled == 0


def whole_of(extraction, people):
    landed = extraction.landed()
    lost = [one for one in extraction.truth() if one[1] in people and one not in landed]
    return len(lost), sum(count - 1 for count in landed.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claimlake", default=str(ROOT / "target" / "release" / "claimlake"))
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--eobs", type=int, default=150)
    parser.add_argument("--latency", type=int, default=300)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--api", nargs="*", default=["v2", "v3"])
    options = parser.parse_args()
    good = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for api in options.api:
            for run in (throttled, parked):
                place = pathlib.Path(folder) / f"{api}-{run.__name__}"
                place.mkdir()
                with bench.sandbox(options.claimlake, options.people, options.eobs, options.latency) as listening:
                    good.append(run(options, bench.Server(listening), place, api))
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
