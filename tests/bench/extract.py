"""Extraction: this project against a hand-written asyncio client, same sandbox, in turn, medians.

    extract.py --claimlake BINARY [--people 50] [--eobs 150] [--latency 300 0] [--rounds 5]
               [--api v2] [--rival PYTHON] [--growth 50 500 5000]

Both start with refresh tokens only and end with everything on disk. CPU seconds are those of the
client's processes, for claimlake the token broker included. `--rival` names a Python that has
aiohttp and orjson (tests/bench/requirements.txt); without it, claimlake is measured alone.
"""

import argparse
import base64
import contextlib
import hashlib
import http.client
import json
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import outcome

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
REDIRECT = "http://127.0.0.1:9/callback"
VERIFIER = "a" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
# The broker's outside containers, for the bound.
REFRESHES_AT_ONCE = 32


@contextlib.contextmanager
def sandbox(claimlake, people, eobs, latency, faults=()):
    """A sandbox process; its listening event."""
    command = [claimlake, "--json", "--quiet", "sandbox", "--listen", "127.0.0.1:0", "--auto-consent"]
    command += ["--patients", str(people), "--eobs", str(eobs), "--latency-ms", str(latency)]
    for fault in faults:
        command += ["--fault", fault]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


class Server:
    def __init__(self, listening):
        self.url, self.id, self.secret = listening["url"], listening["client_id"], listening["client_secret"]
        self.host = urllib.parse.urlsplit(self.url).netloc

    def request(self, connection, method, path, body=None):
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read()

    def consent(self, api, login):
        """The person consents; the grant as `grants import` takes it, without an access token."""
        connection = http.client.HTTPConnection(self.host)
        query = urllib.parse.urlencode({
            "client_id": self.id, "response_type": "code", "redirect_uri": REDIRECT, "state": "s" * 24,
            "code_challenge": CHALLENGE, "code_challenge_method": "S256", "login": login,
            "scope": "patient/Patient.rs patient/Coverage.rs patient/ExplanationOfBenefit.rs",
        })
        path = f"/{api}/o/authorize/?{query}"
        for _ in range(8):
            answer, _ = self.request(connection, "GET", path)
            location = answer.headers["Location"]
            if location.startswith(REDIRECT):
                break
            path = location.removeprefix(self.url)
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["code"][0]
        form = urllib.parse.urlencode({
            "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER, "client_id": self.id, "client_secret": self.secret,
        })
        _, body = self.request(connection, "POST", f"/{api}/o/token/", form)
        tokens = json.loads(body)
        return {
            "patient": tokens["patient"], "api": api, "refresh_token": tokens["refresh_token"],
            "grant_expires_at": tokens["access_grant_expiration"] or None, "scopes": tokens["scope"],
        }

    def account(self):
        _, body = self.request(http.client.HTTPConnection(self.host), "GET", "/_sandbox/account")
        return json.loads(body)

    def write_grants(self, api, people, path):
        # Consents wait for the sandbox's latency: side by side.
        grants = [None] * people
        def some(first):
            for number in range(first, people, 16):
                grants[number] = self.consent(api, f"BBUser{number:05}")
        threads = [threading.Thread(target=some, args=(first,)) for first in range(16)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        path.write_text("".join(json.dumps(grant) + "\n" for grant in grants))


class BrokerWatch(threading.Thread):
    """CPU seconds and peak memory of processes that serve a data directory's tokens."""

    def __init__(self, data):
        super().__init__(daemon=True)
        self.data, self.cpu, self.rss, self.over = str(data), {}, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.03):
            for entry in pathlib.Path("/proc").iterdir():
                if not entry.name.isdigit():
                    continue
                try:
                    if b"\0broker\0" not in (entry / "cmdline").read_bytes() + b"\0":
                        continue
                    fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                    self.cpu[entry.name] = (int(fields[11]) + int(fields[12])) / TICKS
                except OSError:
                    continue

    def seconds(self):
        self.over.set()
        self.join()
        return sum(self.cpu.values())


def measured(command, environment=None):
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} failed with {process.returncode}:\n{error.decode()}")
    cpu = usage.ru_utime + usage.ru_stime
    return {"wall": time.monotonic() - began, "cpu": cpu, "rss": usage.ru_maxrss / 1024}


PIPELINE = """
name = "bench-extract"
[source]
kind = "blue_button"
base_url = "{url}"
api = "{api}"
redirect_uri = "http://127.0.0.1:9/callback"
client_id_env = "BENCH_CLIENT_ID"
client_secret_env = "BENCH_CLIENT_SECRET"
[extract]
concurrency = {concurrency}
per_patient = 6
[transform]
views = []
"""


def claimlake_run(options, server, folder, api, people):
    """A fresh data directory, its grants, then the extraction that is measured."""
    pipeline = folder / "pipeline.toml"
    pipeline.write_text(PIPELINE.format(url=server.url, api=api, concurrency=options.concurrency))
    grants, data = folder / "grants.ndjson", folder / "data"
    server.write_grants(api, people, grants)
    environment = os.environ | {
        "BENCH_CLIENT_ID": server.id, "BENCH_CLIENT_SECRET": server.secret, "CLAIMLAKE_VAULT_KEY": "5" * 64,
    }
    common = [options.claimlake, "--pipeline", str(pipeline), "--data", str(data), "--quiet"]
    subprocess.run(common + ["grants", "import", str(grants)], env=environment, check=True, stdout=subprocess.DEVNULL)
    watch = BrokerWatch(data)
    watch.start()
    figures = measured(common + ["extract"], environment)
    figures["broker_cpu"] = watch.seconds()
    figures["cpu"] += figures["broker_cpu"]
    return figures


def rival_run(options, server, folder, api, people):
    grants = folder / "grants.ndjson"
    server.write_grants(api, people, grants)
    command = [options.rival, str(HERE / "asyncio_rival.py"), server.url, server.id, server.secret, api]
    return measured(command + [str(grants), str(folder / "out")])


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def one(run, options, server, people):
    if options.scratch:
        pathlib.Path(options.scratch).mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-extract-", dir=options.scratch))
    try:
        return run(options, server, folder, options.api, people)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # the broker may be about to end


def fhir_requests(server):
    return sum(count for route, count in server.account()["requests"].items() if "/fhir/" in route)


def bound(name, options, people, requests, latency):
    """Seconds that no client with these limits can beat: Little's law, and three dependent round trips.

    claimlake also bounds its refreshes at once; the last person has two more round trips to go then.
    The rival has one limit for connections of all kinds. CPU and bytes are left out for both.
    """
    round_trip = latency / 1000
    if name == "claimlake":
        refreshes = math.ceil(people / REFRESHES_AT_ONCE) * round_trip + 2 * round_trip
        return max(requests * round_trip / options.concurrency, refreshes)
    return max((requests + people) * round_trip / asyncio_at_once(), 3 * round_trip)


def asyncio_at_once():
    text = (HERE / "asyncio_rival.py").read_text()
    return int(re.search(r"^AT_ONCE.*= (\d+),", text, re.MULTILINE)[1])


HEAD = "latency    people x EOBs  client      bound s   wall s   CPU s (broker)   peak MiB"


def compare(options, people, eobs, latency, rounds):
    """One row a client; medians where there are several rounds."""
    clients = {"claimlake": claimlake_run} | ({"asyncio": rival_run} if options.rival else {})
    figures = {name: [] for name in clients}
    requests = {name: 0 for name in clients}
    with sandbox(options.claimlake, people, eobs, latency) as listening:
        server = Server(listening)
        if rounds > 1:
            one(claimlake_run, options, server, people)  # the server's bodies are made once
        for _ in range(rounds):
            for name, run in clients.items():
                before = fhir_requests(server)
                figures[name].append(one(run, options, server, people))
                requests[name] += fhir_requests(server) - before
    rows = []
    for name, runs in figures.items():
        least = bound(name, options, people, requests[name] / rounds, latency)
        broker = statistics.median(run.get("broker_cpu", 0) for run in runs)
        print(f"{latency:4} ms  {people:6} x {eobs:4}    {name:10} {least:8.2f} {median(runs, 'wall'):8.2f} "
              f"{median(runs, 'cpu'):7.2f} ({broker:.2f})  {median(runs, 'rss'):9.0f}", flush=True)
        rows.append({"latency_ms": latency, "people": people, "eobs": eobs, "client": name, "bound_s": least, "runs": runs})
    if options.rival:
        wall, cpu = (median(figures["asyncio"], key) / median(figures["claimlake"], key) for key in ("wall", "cpu"))
        print(f"         asyncio / claimlake: {wall:.1f} x wall, {cpu:.1f} x CPU", flush=True)
    return rows


def write(path, options, rows):
    """All figures, with the machine and the command that made them."""
    found = {"machine": outcome.machine(), "versions": outcome.versions(options.claimlake), "command": sys.argv[1:], "rows": rows}
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
    print(f"all figures: {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claimlake", required=True)
    parser.add_argument("--rival", help="a Python with aiohttp and orjson")
    parser.add_argument("--api", default="v2")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--eobs", type=int, default=150)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--latency", type=int, nargs="*", default=[300, 0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", type=int, nargs="*", default=[])
    parser.add_argument("--growth-eobs", type=int, default=150)
    parser.add_argument("--scratch", help="where the data directories are made")
    parser.add_argument("--json", help="the file for all figures")
    options = parser.parse_args()
    options.claimlake = str(pathlib.Path(options.claimlake).resolve())
    print(f"{options.api}, page size 50, medians of {options.rounds}, growth by single runs\n{HEAD}", flush=True)
    rows = []
    for latency in options.latency:
        rows += compare(options, options.people, options.eobs, latency, options.rounds)
    for people in options.growth:
        rows += compare(options, people, options.growth_eobs, 0, 1)
    if options.json:
        write(options.json, options, rows)


if __name__ == "__main__":
    main()
