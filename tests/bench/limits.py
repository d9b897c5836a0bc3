"""Extraction under a rate limit: how near to it each client comes, and how much of it is refused.

    limits.py --claimlake BINARY [--server BINARY] [--eobs 150] [--limit 20 60 200] [--latency 300 0] [--seconds 30] [--rival PYTHON]
              [--change 60 200 20] [--per-token 20]

The sandbox admits so many requests per second and answers 429 with `Retry-After: 1` above it.
`--change` moves the limit every `--seconds`; `--per-token` limits each access token alone. There are as
many people as the limit allows to read in the time. The steady figures leave out the first five
seconds after each change, and the last second.
"""

import argparse
import http.client
import json
import pathlib
import threading
import time

import extract

SETTLE = 5
PAGE = 50


class Watch(threading.Thread):
    """What the server has served and refused, sampled; and its limit, moved."""

    def __init__(self, server, limits, seconds):
        super().__init__(daemon=True)
        self.server, self.limits, self.seconds = server, limits, seconds
        self.samples, self.changes, self.over = [], [], threading.Event()

    def run(self):
        first = extract.fhir_requests(self.server)
        while not self.over.wait(0.3):
            account = self.server.account()
            now, requests = time.monotonic(), fhir(account)
            self.samples.append((now, served(account), requests))
            if requests == first:
                continue
            if not self.changes:
                self.changes.append((now, self.limits[0]))
            elif len(self.changes) < len(self.limits) and now - self.changes[-1][0] >= self.seconds:
                limit = self.limits[len(self.changes)]
                post(self.server, "/_sandbox/faults", [spec(limit)])
                self.changes.append((now, limit))

    def stop(self):
        self.over.set()
        self.join()

    def timeline(self):
        """What was served in each second, and what was refused."""
        began = self.changes[0][0]
        per_second = {}
        for now, done, sent in self.samples:
            per_second[int(now - began)] = (done, sent - done)
        totals = list(per_second.values())
        for (done, refused), (more, no) in zip(totals, totals[1:]):
            yield f"{more - done}" + (f"-{no - refused}" if no > refused else "")

    def steady(self):
        """Per limit: requests per second that were served, and the share that was refused."""
        last = self.samples[-1][0]
        while len(self.samples) > 1 and self.samples[-2][1] == self.samples[-1][1]:
            self.samples.pop()
            last = self.samples[-1][0]
        ends = [began for began, _ in self.changes[1:]] + [last - 1]
        for (began, limit), end in zip(self.changes, ends, strict=True):
            inside = [sample for sample in self.samples if began + SETTLE <= sample[0] <= end]
            if len(inside) > 5:
                seconds = inside[-1][0] - inside[0][0]
                done, sent = (inside[-1][key] - inside[0][key] for key in (1, 2))
                yield limit, done / seconds, 1 - done / max(sent, 1)


def fhir(account):
    return sum(count for route, count in account["requests"].items() if "/fhir/" in route)


def served(account):
    return fhir(account) - account["statuses"].get("429", 0)


def spec(limit):
    return f"rps:limit={limit},retry-after=1"


def post(server, path, body):
    connection = http.client.HTTPConnection(server.host)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text


HEAD = ("limit         latency  client     requests  refused   wall s  possible s | limit: served/s  of limit  refused")


def compare(options, limits, latency, per_token=None):
    clients = {"claimlake": extract.claimlake_run} | ({"asyncio": extract.rival_run} if options.rival else {})
    wanted = options.seconds * (sum(limits) if per_token is None else per_token * 4)
    per_person = 2 + -(-options.eobs // PAGE)
    people, eobs = max(4, round(wanted / per_person)), options.eobs
    name = "/".join(map(str, limits)) if per_token is None else f"{per_token} a token"
    if per_token is not None:
        people, eobs = 4, round(wanted / 4 * PAGE)
    rows = []
    for client, run in clients.items():
        with extract.sandbox(options.server or options.claimlake, people, eobs, latency) as listening:
            server = extract.Server(listening)
            extract.one(extract.claimlake_run, options, server, people)  # the server's bodies are made once
            if per_token is None:
                post(server, "/_sandbox/faults", [spec(limits[0])])
            else:
                post(server, "/_sandbox/settings", {"rate_limit": f"{per_token}/second"})
                limits = [per_token * people]
            watch = Watch(server, limits, options.seconds)
            watch.start()
            before = server.account()
            wall = extract.one(run, options, server, people)["wall"]
            watch.stop()
            account = server.account()
            sent, done = fhir(account) - fhir(before), served(account) - served(before)
            steady = [{"limit": limit, "rate": rate, "refused": refused} for limit, rate, refused in watch.steady()]
            words = "; ".join("{limit}: {rate:.1f} {share:.0%} {refused:.1%}".format(share=one["rate"] / one["limit"], **one)
                              for one in steady)
            possible = done / limits[0] if len(limits) == 1 else float("nan")
            print(f"{name:12} {latency:5} ms  {client:10} {done:8} {1 - done / sent:8.1%} {wall:8.1f} {possible:8.1f}"
                  f"    | {words}", flush=True)
            rows.append({"limit": name, "latency_ms": latency, "client": client, "requests": done,
                         "refused": 1 - done / sent, "wall_s": wall, "steady": steady})
            if options.timeline:
                print(" ".join(watch.timeline()), flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claimlake", required=True)
    parser.add_argument("--server", help="the binary whose sandbox is read, where it is another")
    parser.add_argument("--eobs", type=int, default=150)
    parser.add_argument("--timeline", action="store_true", help="print what was served and refused each second")
    parser.add_argument("--rival", help="a Python with aiohttp and orjson")
    parser.add_argument("--api", default="v2")
    parser.add_argument("--limit", type=int, nargs="*", default=[20, 60, 200])
    parser.add_argument("--change", type=int, nargs="*", default=[])
    parser.add_argument("--per-token", type=int, nargs="*", default=[])
    parser.add_argument("--latency", type=int, nargs="*", default=[300, 0])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--scratch", help="where the data directories are made")
    parser.add_argument("--json", help="the file for all figures")
    options = parser.parse_args()
    options.claimlake = str(pathlib.Path(options.claimlake).resolve())
    print(f"{options.api}, Retry-After: 1\n{HEAD}", flush=True)
    rows = []
    for latency in options.latency:
        for limit in options.limit:
            rows += compare(options, [limit], latency)
        if options.change:
            rows += compare(options, options.change, latency)
        for limit in options.per_token:
            rows += compare(options, [], latency, limit)
    if options.json:
        extract.write(options.json, options, rows)


if __name__ == "__main__":
    main()
