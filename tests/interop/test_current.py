"""Which version of a claim counts: after weeks of adjustments and cancellations, the money of the
current versions is what the sandbox says was finally paid."""

import decimal
import json
import os
import subprocess
import urllib.error
import urllib.request

import duckdb
import pytest

from conftest import binary, claimlake


class Sandbox:
    """A sandbox in a process of its own, and the settings that lead there."""

    def __init__(self, home, api):
        self.api = api
        self.process = subprocess.Popen(
            [binary(), "--json", "sandbox", "--listen", "127.0.0.1:0", "--auto-consent", "--patients", "3", "--eobs", "40"],
            cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "HOME": str(home)},
        )
        self.listening = json.loads(self.process.stdout.readline())
        self.env = {
            "BLUE_BUTTON_CLIENT_ID": self.listening["client_id"],
            "BLUE_BUTTON_CLIENT_SECRET": self.listening["client_secret"],
            "CLAIMLAKE_SOURCE_BASE_URL": self.listening["url"],
            "CLAIMLAKE_SOURCE_API": api,
            "CLAIMLAKE_SOURCE_REDIRECT_URI": "http://127.0.0.1:1/callback",
        }

    def post(self, route):
        request = urllib.request.Request(self.listening["url"] + route, data=b"{}", method="POST")
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    def truth(self):
        with urllib.request.urlopen(f"{self.listening['url']}/_sandbox/truth?api={self.api}") as answer:
            return json.load(answer)

    def run(self, home, *arguments):
        return claimlake(home, "--pipeline", "blue_button", "--data", home / "data", *arguments, env=self.env)

    def consent(self, home):
        _, started = self.run(home, "authorize", "--start")
        url = json.loads(started.stdout.splitlines()[0])["url"]
        opener = urllib.request.build_opener(NoRedirect)
        with pytest.raises(urllib.error.HTTPError) as redirected:
            opener.open(url)
        callback = redirected.value.headers["Location"]
        ended = subprocess.run(
            [binary(), "--pipeline", "blue_button", "--data", home / "data", "authorize", "--finish", callback],
            cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env={**os.environ, **self.env, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")},
        )
        assert ended.returncode == 0, ended.stderr


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The answer itself, not where it leads."""

    def redirect_request(self, *_):
        return None


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_money_of_current_versions_is_what_was_finally_paid(tmp_path, api):
    sandbox = Sandbox(tmp_path, api)
    try:
        for _ in range(3):
            sandbox.consent(tmp_path)
        for _ in range(3):
            summary, ended = sandbox.run(tmp_path, "run")
            assert summary["exit"] == 0, ended.stderr
            sandbox.post("/_sandbox/advance-week")
        summary, ended = sandbox.run(tmp_path, "run")
        assert summary["exit"] == 0, ended.stderr
        truth = {person["patient"]: person for person in sandbox.truth()}
    finally:
        sandbox.process.kill()
        sandbox.process.wait()
    eob = f"read_parquet('{(tmp_path / 'data/lake/current').resolve()}/eob/**/*.parquet', hive_partitioning=true)"
    rows = duckdb.sql(
        f"""SELECT patient_id, count(*), sum(payment_amount), coalesce(sum(payment_amount) FILTER (is_current), 0)
            FROM {eob} WHERE "use" IS DISTINCT FROM 'preauthorization'
            AND source_system IS DISTINCT FROM 'SharedSystem' GROUP BY ALL"""
    ).fetchall()
    # The sandbox's sums leave out prior authorizations and claims that are still being adjudicated.
    cents = decimal.Decimal(100)
    found = {patient: (count, paid * cents, current * cents) for patient, count, paid, current in rows}
    assert found.keys() == truth.keys()
    for patient, (count, paid, current) in found.items():
        person = truth[patient]
        assert count == len(person["eob_ids"])
        assert paid == person["paid_cents"]
        assert current == person["final_paid_cents"]
    group = {"v2": "claim_group_id", "v3": "claim_control_number"}[api]
    [(versions, most)] = duckdb.sql(
        f"SELECT max(versions), max(current) FROM (SELECT count(*) AS versions, count(*) FILTER (is_current) AS current"
        f" FROM {eob} WHERE {group} IS NOT NULL GROUP BY patient_id, {group})"
    ).fetchall()
    assert versions > 1 and most == 1
