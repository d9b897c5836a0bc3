"""The command that the wheel contains: ``run`` and ``Sandbox`` start it and read its events."""

import collections.abc
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import weakref

from .errors import ClaimlakeError, CommandError, MissingPackage


def executable():
    """The command ``claimlake``: the one that this package was installed with.

    The environment variable ``CLAIMLAKE_BINARY`` names another one.

    :raises MissingPackage: if the wheel was installed without its scripts.
    """
    given = os.environ.get("CLAIMLAKE_BINARY")
    if given:
        return given
    folders = [sysconfig.get_path("scripts"), os.path.dirname(sys.executable)]
    try:
        folders.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    except (AttributeError, KeyError):
        pass
    for folder in folders:
        found = shutil.which("claimlake", path=folder)
        if found:
            return found
    found = shutil.which("claimlake")
    if found:
        return found
    raise MissingPackage(
        "the command claimlake is not installed beside this package: install the wheel again, or name "
        "the command in CLAIMLAKE_BINARY"
    )


def environment():
    """The environment of the command: ours, without what only concerns this package."""
    return {name: value for name, value in os.environ.items() if name != "CLAIMLAKE_BINARY"}


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a stage has come."""

    #: ``begin``, ``advance`` or ``end``.
    phase: str
    #: Such as ``extracting`` or ``building tables``.
    what: str
    #: What ``done`` counts, such as ``patients``.
    unit: str
    done: int
    #: None if it is not known.
    total: int | None


class Fields(collections.abc.Mapping):
    """A JSON object of the summary, by key or as attributes."""

    def __init__(self, fields):
        self._fields = fields

    def __getitem__(self, key):
        return _typed(self._fields[key])

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            known = ", ".join(self._fields)
            raise AttributeError(f"no {name}; there are {known}") from None

    def __dir__(self):
        return [*super().__dir__(), *self._fields]

    def __iter__(self):
        return iter(self._fields)

    def __len__(self):
        return len(self._fields)

    def __repr__(self):
        return f"{type(self).__name__}({self._fields!r})"

    def to_dict(self):
        """The object as the command wrote it."""
        return self._fields


def _typed(value):
    if isinstance(value, dict):
        return Fields(value)
    if isinstance(value, list):
        return [_typed(one) for one in value]
    return value


class Alarm(Fields):
    """Why the exit code is not 0: ``exit``, ``words``, and ``next``, the command to run."""


class Summary(Fields):
    """The last event of a command: ``summary.exit``, ``summary.load.snapshot``, …"""

    @property
    def exit(self):
        """The exit code: 0 done, 3 rejects, 4 consents are missing, 5 parked."""
        return self._fields["exit"]

    @property
    def is_complete(self):
        """Whether nothing is left to do: the exit code is 0."""
        return self.exit == 0

    @property
    def alarms(self):
        """Why the exit code is not 0."""
        return [Alarm(alarm) for alarm in self._fields.get("alarms") or []]


def command(*arguments, pipeline=None, data=None, progress=None, cwd=None, env=None, accept=(0, 3, 4, 5)):
    """Runs a command with ``--json`` and returns its :class:`Summary`.

    Ctrl-C interrupts the command, which keeps what it has, and raises ``KeyboardInterrupt``.

    :param progress: is called with each :class:`Progress`.
    :param accept: exit codes that are returned; others are raised.
    :raises CommandError: with the exit code and the command's own words.
    """
    words = [executable(), "--json"]
    if pipeline is not None:
        words += ["--pipeline", os.fspath(pipeline)]
    if data is not None:
        words += ["--data", os.fspath(data)]
    words += [os.fspath(argument) for argument in arguments]
    process = _started(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=cwd,
        env=environment() | (env or {}),
    )
    said = _Tail(process.stderr)
    summary = None
    try:
        for line in process.stdout:
            event = json.loads(line)
            if event.get("event") == "summary":
                summary = event
            elif event.get("event") == "progress" and progress is not None:
                progress(Progress(event["phase"], event["what"], event["unit"], event["done"], event.get("total")))
        process.wait()
    except BaseException:
        _interrupt(process)
        raise
    finally:
        process.stdout.close()
        said.join()
    if summary is None:
        raise CommandError(
            f"claimlake {' '.join(map(str, arguments))} ended without a summary: {said.last()}",
            exit=process.returncode,
            stderr=said.text(),
        )
    if process.returncode not in accept:
        raise CommandError(
            summary.get("error") or said.last(), exit=process.returncode, stderr=said.text()
        )
    return Summary(summary)


def _started(words, **options):
    """A process in a group of its own: a terminal's Ctrl-C reaches Python only, which passes it on once.

    The second signal ends the command at once, without the safe point that the first one waits for.
    """
    try:
        return subprocess.Popen(words, process_group=0, **options)
    except (FileNotFoundError, PermissionError) as error:
        if error.filename != words[0]:
            raise
        raise MissingPackage(f"cannot start the command {words[0]}: {error.strerror}") from None


def _interrupt(process):
    """Lets the command end by itself; what it has read stays."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=60)
        except BaseException as error:
            # It hangs, or Ctrl-C was pressed again.
            process.kill()
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise


def _end(process):
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


class _Tail:
    """The last lines of a stream, read so that its writer never waits."""

    def __init__(self, stream, lines=200):
        self._lines = collections.deque(maxlen=lines)
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with self._stream as stream:
            self._lines.extend(stream)

    def join(self):
        self._thread.join(timeout=10)

    def text(self):
        return "".join(self._lines)

    def last(self):
        lines = [line.strip() for line in self._lines if line.strip()]
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        return next(reversed(errors or lines), "it said nothing")


def run(pipeline="demo", data=None, *, from_stage=None, progress=None, env=None):
    """Extracts, transforms and loads, as ``claimlake run``; returns its :class:`Summary`.

    >>> summary = claimlake.run()                        # doctest: +SKIP
    >>> summary.exit, summary.load.snapshot              # doctest: +SKIP
    (0, 1)

    Rejects, missing consents and parked people are no errors: ``exit`` is 3, 4 or 5 then, and ``alarms``
    says why.

    :param pipeline: a file, or one that is built in: ``demo``, ``blue_button``.
    :param data: the data directory; the pipeline's own (``data/<name>``) if it is left out.
    :param from_stage: ``extract``, ``transform`` or ``load``: the stage to begin with.
    :param progress: is called with each :class:`Progress`.
    :raises CommandError: if it failed.
    """
    more = [] if from_stage is None else ["--from", from_stage]
    return command("run", *more, pipeline=pipeline, data=data, progress=progress, env=env)


class Sandbox:
    """A local Blue Button server with synthetic patients, for tests.

    >>> with claimlake.Sandbox(patients=12, faults=["429"]) as sandbox:    # doctest: +SKIP
    ...     claimlake.run("blue_button", data=folder, env=sandbox.env)

    :param patients: how many synthetic people there are.
    :param faults: how it misbehaves, as ``--fault`` says it: ``"429"``, ``"503:rate=0.1"``.
    :param auto_consent: whether consent pages answer by themselves.
    :param listen: address and port; port 0 takes a free one.
    """

    def __init__(
        self, patients=12, faults=(), *, eobs=None, seed=None, latency_ms=0, auto_consent=True,
        replay=None, listen="127.0.0.1:0",
    ):
        if isinstance(faults, str):
            faults = [faults]
        self._words = ["sandbox", "--listen", listen, "--latency-ms", str(latency_ms)]
        if replay is None:
            self._words += ["--patients", str(patients)]
        else:
            self._words += ["--replay", os.fspath(replay)]
        for name, value in (("--eobs", eobs), ("--seed", seed)):
            if value is not None:
                self._words += [name, str(value)]
        for fault in faults:
            self._words += ["--fault", fault]
        if auto_consent:
            self._words.append("--auto-consent")
        self._process = None
        #: The address, such as ``http://127.0.0.1:40213``.
        self.url = None
        #: The client's credentials; they are the same for everybody and protect nothing.
        self.client_id = None
        self.client_secret = None
        #: Which addresses a client may be sent back to.
        self.redirect_uris = None
        #: How many people can log in: ``BBUser00000`` / ``PW00000!`` and on.
        self.logins = 0

    def start(self):
        """Starts it and waits until it listens.

        :raises CommandError: if it does not start.
        """
        if self._process is not None:
            raise ClaimlakeError("the sandbox runs already", kind="input")
        self._process = _started(
            [executable(), "--json", *self._words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment(),
        )
        # It ends with this object, and with Python, also if nobody stops it.
        self._ended = weakref.finalize(self, _end, self._process)
        self._said = _Tail(self._process.stderr)
        for line in self._process.stdout:
            event = json.loads(line)
            if event.get("event") == "listening":
                self.url = event["url"]
                self.client_id = event["client_id"]
                self.client_secret = event["client_secret"]
                self.redirect_uris = event["redirect_uris"]
                self.logins = event["logins"]
                return self
        exit = self._process.wait()
        self._said.join()
        self._process.stdout.close()
        self._process = None
        raise CommandError(self._said.last(), exit=exit, stderr=self._said.text())

    def stop(self):
        """Ends it."""
        process, self._process = self._process, None
        if process is not None:
            self._ended()
            self._said.join()

    @property
    def env(self):
        """The variables by which ``claimlake --pipeline blue_button`` uses it."""
        if self._process is None:
            raise ClaimlakeError("the sandbox does not run: use `with`, or start()", kind="input")
        return {
            "BLUE_BUTTON_CLIENT_ID": self.client_id,
            "BLUE_BUTTON_CLIENT_SECRET": self.client_secret,
            "CLAIMLAKE_SOURCE_BASE_URL": self.url,
        }

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def __repr__(self):
        return f"Sandbox(url={self.url!r})"
