"""Many nights on one data directory: does a run cost more after a thousand of them?

    nights.py --claimlake BINARY [--nights 300] [--patients 12] [--eobs 60] [--api v3] [--out DIR]

A sandbox serves; before each night its weekly load arrives, then `run` brings the tables up to date. One
line is printed for the first nights and then for each tenth part: wall and CPU seconds of `run` (the median
of the five nights that end there) and the files below each folder. At the end a second data directory is
loaded at once from the same server and runs for five nights too: what a night costs and how many files there
are, with and without the history. The last line compares them. `--check` runs `verify` on both. `--calls`
counts the system calls on paths of one more night with strace: a figure that no other process changes. All figures are in `nights.json` in the folder of `--out`.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

FOLDERS = ("landing", "transformed", "lake/current/changes", "lake/current/keys", "lake/current")


class Redirect(Exception):
    pass


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, file, code, message, headers, url):
        raise Redirect(url)


class Server:
    """A sandbox in a process of its own."""

    def __init__(self, binary, patients, eobs, environment):
        self.binary, self.environment = binary, environment
        self.process = subprocess.Popen(
            [binary, "--json", "sandbox", "--listen", "127.0.0.1:0", "--auto-consent",
             "--patients", str(patients), "--eobs", str(eobs)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True,
        )
        self.listening = json.loads(self.process.stdout.readline())

    def week(self):
        request = urllib.request.Request(self.listening["url"] + "/_sandbox/advance-week", method="POST", data=b"")
        urllib.request.urlopen(request).read()

    def commands(self, data, api):
        return self.environment | {
            "CLAIMLAKE_PIPELINE": "blue_button",
            "CLAIMLAKE_DATA": str(data),
            "BLUE_BUTTON_CLIENT_ID": self.listening["client_id"],
            "BLUE_BUTTON_CLIENT_SECRET": self.listening["client_secret"],
            "CLAIMLAKE_SOURCE_BASE_URL": self.listening["url"],
            "CLAIMLAKE_SOURCE_REDIRECT_URI": "http://127.0.0.1:1/callback",
            "CLAIMLAKE_SOURCE_API": api,
            # Nights follow each other within minutes here.
            "CLAIMLAKE_LOAD_KEEP_HOURS": "0",
        }

    def consent(self, environment):
        command = [self.binary, "--pipeline", "blue_button", "authorize"]
        url = subprocess.run([*command, "--start"], env=environment, check=True, capture_output=True, text=True)
        try:
            urllib.request.build_opener(NoRedirect).open(url.stdout.strip())
        except Redirect as redirect:
            subprocess.run([*command, "--finish", str(redirect)], env=environment, check=True, capture_output=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def run(binary, environment, command=("run",)):
    """Wall and CPU seconds of a command."""
    began = time.monotonic()
    command = (binary, *command) if binary == "strace" else (binary, "--pipeline", "blue_button", *command)
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command}: exit {process.returncode}\n{error}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime


def calls(binary, environment, out):
    """How many system calls on files and folders a run makes."""
    log = out / "calls.txt"
    log.unlink(missing_ok=True)
    trace = ("-f", "-qq", "-c", "-e", "trace=%file,getdents64", "-o", str(log))
    run("strace", environment, (*trace, binary, "--pipeline", "blue_button", "run"))
    [total] = [line.split() for line in log.read_text().splitlines() if line.endswith(" total")]
    return int(total[3])


def files(data):
    """How many files lie below each folder."""
    def count(folder):
        return sum(len(files) for _, _, files in os.walk((data / folder).resolve()))

    return {folder: count(folder) for folder in FOLDERS}


def figures(data, times):
    """Medians of the times, and the files."""
    wall, cpu = (statistics.median(values) for values in zip(*times, strict=True))
    return {"wall": round(wall, 3), "cpu": round(cpu, 3), "files": files(data)}


def line(name, found):
    counts = "".join(f"{found['files'][folder]:>22}" for folder in FOLDERS)
    print(f"{name:>12} {found['wall']:>8.2f} {found['cpu']:>8.2f} {found['calls']:>8}{counts}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claimlake", required=True, type=lambda text: str(pathlib.Path(text).resolve()))
    parser.add_argument("--nights", type=int, default=300)
    parser.add_argument("--patients", type=int, default=12)
    parser.add_argument("--eobs", type=int, default=60)
    parser.add_argument("--api", default="v3")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--calls", action="store_true")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    out = options.out or pathlib.Path(tempfile.mkdtemp(prefix="nights-"))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CLAIMLAKE_")}
    environment |= {name: str(out / "home") for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    shown = {1, 2, 5, 10, 30, 100, options.nights} | {
        options.nights * tenth // 10 for tenth in range(1, 11)
    }
    found = {}

    def tell(name, environment, times):
        found[name] = figures(pathlib.Path(environment["CLAIMLAKE_DATA"]), times)
        found[name]["calls"] = 0
        if options.calls:
            server.week()
            found[name]["calls"] = calls(options.claimlake, environment, out)
        line(name, found[name])

    print(f"{'night':>12} {'wall s':>8} {'CPU s':>8} {'calls':>8}" + "".join(f"{folder:>22}" for folder in FOLDERS))
    with Server(options.claimlake, options.patients, options.eobs, environment) as server:
        grown = server.commands(out / "grown", options.api)
        for _ in range(options.patients):
            server.consent(grown)
        run(options.claimlake, grown)
        times = []
        for night in range(1, options.nights + 1):
            server.week()
            times.append(run(options.claimlake, grown))
            if night in shown:
                tell(night, grown, times[-5:])
        times = {name: [] for name in ("grown", "at-once")}

        def nights(name, environment):
            for _ in range(5):
                server.week()
                times[name].append(run(options.claimlake, environment))
            tell(name, environment, times[name])

        nights("grown", grown)
        if options.check:
            run(options.claimlake, grown, ("verify",))
        # A second consent ends the first one.
        at_once = server.commands(out / "at-once", options.api)
        for _ in range(options.patients):
            server.consent(at_once)
        run(options.claimlake, at_once)
        nights("at-once", at_once)
        if options.check:
            run(options.claimlake, at_once, ("verify",))
    grown, at_once = found["grown"], found["at-once"]
    lake = grown["files"]["lake/current"] / at_once["files"]["lake/current"]
    print(
        f"a night with {options.nights} before it, in times of one without: wall "
        f"{grown['wall'] / at_once['wall']:.2f}, CPU {grown['cpu'] / at_once['cpu']:.2f}, files of the lake {lake:.2f}"
        + (f", calls {grown['calls'] / at_once['calls']:.2f}" if options.calls else "")
    )
    (out / "nights.json").write_text(json.dumps({"options": vars(options), "found": found}, default=str, indent=1))


if __name__ == "__main__":
    main()
