"""Lakes for the tests of the Python package, made by the command that the wheel contains."""

import os
import pathlib
import shutil

import pytest

import claimlake

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def quiet_home(tmp_path_factory):
    """The vault's key and what else belongs to a person goes to a folder of the tests."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("CLAIMLAKE_")]:
        if name != "CLAIMLAKE_SHARED":
            del os.environ[name]
    os.environ |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    return home


@pytest.fixture(scope="session")
def demo(tmp_path_factory, quiet_home):
    """The data directory of twelve synthetic people."""
    data = tmp_path_factory.mktemp("demo") / "data"
    assert claimlake.run(data=data).exit == 0
    return data


@pytest.fixture(scope="session")
def bodies():
    """Real server bodies of v2 and v3."""
    shared = os.environ.get("CLAIMLAKE_SHARED")
    if not shared:
        pytest.skip("CLAIMLAKE_SHARED is not set: no real server bodies to read")
    return {api: pathlib.Path(shared) / "data" / f"real_{api}.ndjson" for api in ("v2", "v3")}


@pytest.fixture(scope="session")
def both(tmp_path_factory, demo, bodies):
    """A data directory with resources of v2 and v3 that were imported: real ones, and synthetic ones of v3."""
    folder = tmp_path_factory.mktemp("both")
    data = folder / "data"
    for api, path in bodies.items():
        claimlake.command("import", "--api", api, path, pipeline="blue_button", data=data)
    claimlake.command("sandbox", "generate", "--api", "v3", "--patients", "4", "-o", folder / "v3.ndjson")
    claimlake.command("import", "--api", "v3", folder / "v3.ndjson", pipeline="blue_button", data=data)
    claimlake.run("blue_button", data=data, from_stage="transform")
    return data


@pytest.fixture(scope="session")
def spark(tmp_path_factory, quiet_home):
    if not shutil.which("java"):
        pytest.skip("no java: Spark is not tried")
    import sys

    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master(os.environ.get("SPARK_TEST_MASTER", "local[2,4]"))
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
