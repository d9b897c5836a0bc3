"""Lakes for the readers: synthetic people by the demo pipeline, real server bodies where they are at hand."""

import collections
import io
import json
import os
import pathlib
import shutil
import subprocess

import pyarrow
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    given = os.environ.get("CLAIMLAKE_BINARY")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = pathlib.Path(given) if given else target / "debug" / "claimlake"
    if not path.is_file():
        pytest.exit(f"{path} is missing: run `cargo test --workspace` or `cargo build` first", 2)
    return path


def claimlake(home, *arguments, env=None):
    """Runs the command and returns its last event."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMLAKE_")}
    environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    environment |= env or {}
    ended = subprocess.run(
        [binary(), "--json", *map(str, arguments)],
        cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
    )
    summary = json.loads(ended.stdout.splitlines()[-1]) if ended.stdout else {}
    assert summary.get("event") == "summary", ended.stderr
    assert ended.returncode == summary["exit"], ended.stderr
    return summary, ended


class Lake:
    """A published lake and what it was made of."""

    def __init__(self, data, resources):
        self.data = data
        self.current = (data / "lake" / "current").resolve()
        self._resources = resources

    def table(self, name):
        return self.current / name

    def glob(self, name):
        return f"{self.table(name)}/**/*.parquet"

    def newest(self, resource_type):
        """The resources of a type, each once by API and id: the newest, at a tie the last."""
        newest = {}
        for api, resource in self._resources:
            if resource["resourceType"] != resource_type or "id" not in resource:
                continue
            key = (api, resource["id"])
            stamp = instant(resource.get("meta", {}).get("lastUpdated"))
            if key not in newest or stamp >= newest[key][0]:
                newest[key] = (stamp, resource)
        return {key: resource for key, (_, resource) in newest.items()}


def instant(text):
    """Sortable; without a time zone it is UTC."""
    import datetime

    if not text:
        return datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
    read = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=datetime.timezone.utc)


def landed(data):
    """Every landed resource in landing order, read by somebody else's zstd."""
    parts = sorted(
        data.glob("landing/api=*/resource=*/run=*/part-*.ndjson.zst"),
        key=lambda path: (path.parent.name, str(path)),
    )
    for part in parts:
        api = part.parents[2].name.removeprefix("api=")
        with pyarrow.input_stream(str(part), compression="zstd") as stream:
            for line in io.TextIOWrapper(stream, encoding="utf-8"):
                yield api, json.loads(line)


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """Twelve synthetic people, v2."""
    home = tmp_path_factory.mktemp("demo")
    summary, ended = claimlake(home, "--data", home / "data", "run")
    assert summary["exit"] == 0, ended.stderr
    return Lake(home / "data", list(landed(home / "data")))


@pytest.fixture(scope="session")
def demo_v3(tmp_path_factory):
    """The data directory of the same people by v3."""
    home = tmp_path_factory.mktemp("demo-v3")
    summary, ended = claimlake(home, "--data", home / "data", "run", env={"CLAIMLAKE_SOURCE_API": "v3"})
    # A few values are rejected.
    assert summary["exit"] in (0, 3), ended.stderr
    return home / "data"


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """Real server bodies, v2 and v3."""
    shared = os.environ.get("CLAIMLAKE_SHARED")
    if not shared:
        pytest.skip("CLAIMLAKE_SHARED is not set: no real server bodies to read")
    home = tmp_path_factory.mktemp("real")
    data = home / "data"
    bodies = [pathlib.Path(shared) / "data" / name for name in ("real_v2.ndjson", "real_v3.ndjson")]
    claimlake(home, "--data", data, "import", *bodies)
    claimlake(home, "--data", data, "transform")
    claimlake(home, "--data", data, "load")
    resources = []
    for api, path in zip(("v2", "v3"), bodies):
        with open(path, encoding="utf-8") as lines:
            resources += [(api, json.loads(line)) for line in lines]
    return Lake(data, resources)


@pytest.fixture(scope="session", params=["demo", "real"])
def lake(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    if not shutil.which("java"):
        pytest.skip("no java: Spark is not tried")
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        # Many small queries: compiling them well takes longer than they run.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


EOB_TYPE = (
    "https://bluebutton.cms.gov/resources/codesystem/eob-type",
    "https://bluebutton.cms.gov/fhir/CodeSystem/EOB-TYPE",
)


def eob_type(eob):
    if eob.get("use") == "preauthorization":
        return "PRIOR_AUTH"
    for coding in eob.get("type", {}).get("coding", []):
        if coding.get("system") in EOB_TYPE:
            return coding["code"]
    return "UNKNOWN"


def service_date(eob):
    first = (eob.get("item") or [{}])[0]
    return (
        eob.get("billablePeriod", {}).get("start")
        or first.get("servicedDate")
        or first.get("servicedPeriod", {}).get("start")
        or (eob.get("preAuthRefPeriod") or [{}])[0].get("start")
    )


def service_year(eob):
    date = eob.get("billablePeriod", {}).get("end") or service_date(eob)
    return int(date[:4]) if date else 0


def partitions(lake):
    """How many claims each partition should hold, counted from the JSON."""
    eobs = lake.newest("ExplanationOfBenefit").values()
    return collections.Counter((eob_type(eob), service_year(eob)) for eob in eobs)
