"""Many nights on one data directory: does a run cost more after a thousand of them?

    nights.py --claimlake BINARY [--nights 300] [--patients 12] [--eobs 60] [--api v3] [--out DIR]
    nights.py --claimlake BINARY --steady 2 [--nights 300] [--out DIR]

A sandbox serves; before each night its weekly load arrives, then `run` brings the tables up to date. One
line is printed for the first nights and then for each tenth part: wall and CPU seconds of `run` (the median
of the five nights that end there) and the files below each folder. At the end a second data directory is
loaded at once from the same server and runs for five nights too: what a night costs and how many files there
are, with and without the history. The last line compares them. `--check` runs `verify` on both. `--calls`
counts the system calls on paths of one more night with strace: a figure that no other process changes. All
figures are in `nights.json` in the folder of `--out`.

A weekly load brings new claims, so that the lake grows, too. `--steady PERCENT` shows what nights alone cost:
no server, but a file of `--eobs` claims for each patient, of which so many percent change each night, the
same number in each; a night is `import` and `run --from transform`. The lake has as many rows at the end as at
the beginning. "At once" is then the import of all that the last night has.
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


class Steady:
    """Files to import instead of a server: the same claims, of which a share changes each night."""

    def __init__(self, binary, claims, percent, environment, out):
        self.binary, self.environment, self.file = binary, environment, out / "in.ndjson"
        made = subprocess.run(
            [binary, "sandbox", "generate", "--bytes", str(claims * 40_000), "--resource", "ExplanationOfBenefit"],
            env=environment, check=True, capture_output=True, text=True,
        )
        self.lines = made.stdout.splitlines()[:claims]
        self.changing = max(1, len(self.lines) * percent // 100)
        self.nights = 0
        self.waiting = None

    def week(self):
        """What changes in the next night; all of it in the first."""
        self.nights += 1
        first = self.nights * self.changing
        numbers = [(first + number) % len(self.lines) for number in range(self.changing)]
        for number in numbers:
            claim = json.loads(self.lines[number])
            day, second = divmod(self.nights, 86_400)
            hour, minute = divmod(second // 60, 60)
            claim["meta"]["lastUpdated"] = f"2026-11-{1 + day:02}T{hour:02}:{minute:02}:{second % 60:02}.000Z"
            self.lines[number] = json.dumps(claim, separators=(",", ":"))
        self.waiting = [self.lines[number] for number in numbers]

    def commands(self, data, api):
        self.waiting = None
        return self.environment | {
            "CLAIMLAKE_PIPELINE": "blue_button",
            "CLAIMLAKE_DATA": str(data),
            "CLAIMLAKE_LOAD_KEEP_HOURS": "0",
            "CLAIMLAKE_SOURCE_API": api,
        }

    def consent(self, environment):
        pass

    def night(self):
        self.file.write_text("\n".join(self.waiting or self.lines) + "\n")
        self.waiting = None
        return ("import", str(self.file)), ("run", "--from", "transform")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


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

    def night(self):
        return (("run",),)

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


def night(binary, environment, commands):
    """Wall and CPU seconds of the commands of a night."""
    return tuple(map(sum, zip(*(run(binary, environment, command) for command in commands), strict=True)))


def run(binary, environment, command):
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


def calls(binary, environment, out, commands):
    """How many system calls on files and folders a night makes."""
    log = out / "calls.txt"
    trace = ("-f", "-qq", "-c", "-e", "trace=%file,getdents64", "-o", str(log))
    made = 0
    for command in commands:
        log.unlink(missing_ok=True)
        run("strace", environment, (*trace, binary, "--pipeline", "blue_button", *command))
        [total] = [line.split() for line in log.read_text().splitlines() if line.endswith(" total")]
        made += int(total[3])
    return made


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
    parser.add_argument("--steady", type=int, metavar="PERCENT")
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
            found[name]["calls"] = calls(options.claimlake, environment, out, server.night())
        line(name, found[name])

    print(f"{'night':>12} {'wall s':>8} {'CPU s':>8} {'calls':>8}" + "".join(f"{folder:>22}" for folder in FOLDERS))
    if options.steady:
        claims = options.patients * options.eobs
        serving = Steady(options.claimlake, claims, options.steady, environment, out)
    else:
        serving = Server(options.claimlake, options.patients, options.eobs, environment)
    with serving as server:
        grown = server.commands(out / "grown", options.api)
        for _ in range(options.patients):
            server.consent(grown)
        night(options.claimlake, grown, server.night())
        times = []
        for number in range(1, options.nights + 1):
            server.week()
            times.append(night(options.claimlake, grown, server.night()))
            if number in shown:
                tell(number, grown, times[-5:])
        times = {name: [] for name in ("grown", "at-once")}

        def nights(name, environment):
            for _ in range(5):
                server.week()
                times[name].append(night(options.claimlake, environment, server.night()))
            tell(name, environment, times[name])

        nights("grown", grown)
        if options.check:
            run(options.claimlake, grown, ("verify",))
        # A second consent ends the first one.
        at_once = server.commands(out / "at-once", options.api)
        for _ in range(options.patients):
            server.consent(at_once)
        night(options.claimlake, at_once, server.night())
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
