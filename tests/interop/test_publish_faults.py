"""Stores that answer badly, and files that are sent in parts."""

import hashlib
import json
import random
import shutil
import threading

import pyarrow
import pyarrow.parquet
import pytest

pytest.importorskip("deltalake", reason="deltalake is missing: requirements-publish.txt has it")
pytest.importorskip("moto.server", reason="moto is missing: requirements-publish.txt has it")

from conftest import claimlake  # noqa: E402
from published import change_a_claim, manifest, publish  # noqa: E402
from stores import BUCKET, Cut, Store, answer  # noqa: E402

SMALL = {"CLAIMLAKE_SOURCE_PATIENTS": "2", "CLAIMLAKE_SOURCE_EOBS": "4"}
PART = 8 << 20


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("faults")
    summary, ended = claimlake(home, "--data", home / "data", "run", env=SMALL)
    assert summary["exit"] == 0, ended.stderr
    return home


@pytest.fixture()
def store():
    with Store() as store:
        yield store


def agrees(home, url, data, environment):
    summary, ended = claimlake(home, "--data", data, "verify", "--published", url, env=environment)
    assert summary["exit"] == 0, ended.stderr
    return summary["verify"]


def every_third(count, fault):
    """Does it to every third request that writes; none is hit twice in a row."""
    guard = threading.Lock()

    def before(request):
        if not request.writes:
            return None
        with guard:
            count[0] += 1
            is_hit = count[0] % 3 == 0
        return fault(request) if is_hit else None

    return before


def cut_in_the_middle(request):
    length = int(request.environ.get("CONTENT_LENGTH") or 0)
    request.environ["wsgi.input"].read(length // 2)
    raise Cut


@pytest.mark.parametrize("fault", [
    lambda request: answer("503 Slow Down", "SlowDown"),
    lambda request: answer("429 Too Many Requests", "TooManyRequests"),
    lambda request: answer("500 Internal Server Error", "InternalError"),
    cut_in_the_middle,
], ids=["503", "429", "500", "cut"])
def test_what_a_store_does_now_and_then_is_tried_again(home, store, fault):
    url, count = f"s3://{BUCKET}/lake", [0]
    store.before = every_third(count, fault)
    published = publish(home, url, home / "data", store.environment())
    assert published["changed"] and count[0] > 100
    store.before = None
    assert agrees(home, url, home / "data", store.environment())["files_read"] == published["sent_files"]


def test_a_write_whose_answer_is_lost_was_done_once(home, store):
    """The state and the commits are there, and the same process asks for them again."""
    url, lost = f"s3://{BUCKET}/lake", set()

    def after(request):
        is_once = request.environ.get("HTTP_IF_NONE_MATCH") == "*"
        if is_once and request.path not in lost and "claimlake.json" not in request.path:
            lost.add(request.path)
            raise Cut

    store.after = after
    published = publish(home, url, home / "data", store.environment())
    store.after = None
    assert published["sequence"] == 1 and len(lost) > 40
    agrees(home, url, home / "data", store.environment())


@pytest.mark.parametrize("status, code, words", [
    ("403 Forbidden", "InvalidAccessKeyId", "does not accept the credentials"),
    ("403 Forbidden", "SignatureDoesNotMatch", "does not accept the credentials"),
    ("403 Forbidden", "RequestTimeTooSkewed", "clock differs"),
    ("403 Forbidden", "AccessDenied", "may not do this"),
    ("400 Bad Request", "ExpiredToken", "have expired"),
    ("400 Bad Request", "QuotaExceeded", "quota is used up"),
])
def test_what_a_store_refuses_for_good_is_said_and_leaves_the_old_state(home, store, status, code, words):
    url = f"s3://{BUCKET}/lake"
    publish(home, url, home / "data", store.environment())
    before = store.keys("lake/snapshots/")
    data = home / f"changed{code}"
    shutil.copytree(home / "data", data, symlinks=True)
    change_a_claim(home, data)
    # The first writes succeed.
    count = [0]

    def refuse(request):
        if not request.writes:
            return None
        count[0] += 1
        return answer(status, code) if count[0] > 3 else None

    store.before = refuse
    summary, ended = claimlake(home, "--data", data, "publish", url, env=store.environment())
    assert summary["exit"] == 1 and words in ended.stderr, ended.stderr
    assert "testing" not in ended.stderr
    store.before = None
    assert store.keys("lake/snapshots/") == before
    assert publish(home, url, data, store.environment())["sequence"] == 2
    agrees(home, url, data, store.environment())


def test_a_store_that_goes_on_refusing_is_left_with_what_to_do(home, store):
    url = f"s3://{BUCKET}/lake"
    store.before = lambda request: answer("503 Slow Down", "SlowDown") if request.writes else None
    summary, ended = claimlake(home, "--data", home / "data", "publish", url, env=store.environment())
    assert summary["exit"] == 1 and "fewer requests" in ended.stderr, ended.stderr
    store.before = None
    publish(home, url, home / "data", store.environment())


def test_without_the_right_to_delete_a_publish_is_done_and_forget_is_not(home, store):
    url, data = f"s3://{BUCKET}/lake", home / "no-delete"
    shutil.copytree(home / "data", data, symlinks=True)
    publish(home, url, data, store.environment())
    store.before = lambda request: answer("403 Forbidden", "AccessDenied") if request.method == "DELETE" else None
    _, listed = claimlake(home, "--data", data, "grants", "list")
    patient = json.loads(listed.stdout.splitlines()[0])["patient"]
    arguments = ["--data", data, "forget", "--yes", "--offline", patient]
    summary, ended = claimlake(home, *arguments, env=store.environment())
    assert summary["exit"] == 1 and "may not do this" in ended.stderr, ended.stderr
    # The new state is there, and the place stays open.
    assert len(store.keys("lake/snapshots/")) == 2
    assert summary["published_targets_to_clear"] == [url]
    store.before = None
    summary, ended = claimlake(home, "--data", data, "forget", "--finish", env=store.environment())
    assert summary["exit"] == 0, ended.stderr
    assert len(store.keys("lake/snapshots/")) == 1
    agrees(home, url, data, store.environment())


def with_a_large_file(data, copied, megabytes):
    """A copy of a lake in which one file of `eob_item` has so many bytes more, in its manifest, too."""
    shutil.copytree(data, copied, symlinks=True)
    folder = (copied / "lake" / "current").resolve()
    read = json.loads((folder / "manifest.json").read_text())
    table = next(table for table in read["tables"] if table["layout"]["name"] == "eob_item")
    old = table["files"][0]
    rows = pyarrow.parquet.read_table(folder / old["path"], partitioning=None)
    noise = random.Random(7)
    texts = [noise.randbytes(32).hex() for _ in range(megabytes << 14)]
    wide = pyarrow.concat_tables([rows] * (len(texts) // rows.num_rows + 1)).slice(0, len(texts))
    place = wide.column_names.index("eob_id")
    wide = wide.set_column(place, wide.schema.field("eob_id"), pyarrow.array(texts, wide.schema.field("eob_id").type))
    made = folder / "made.parquet"
    pyarrow.parquet.write_table(wide, made, compression="none", use_dictionary=False)
    content = made.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    path = f"{old['path'].rsplit('/', 1)[0]}/{digest[:32]}.parquet"
    made.rename(folder / path)
    old.update(path=path, bytes=len(content), sha256=digest, rows=wide.num_rows)
    text = json.dumps(read, indent=2)
    (folder / "manifest.json").write_text(text)
    sums = next(file for file in folder.iterdir() if file.is_file() and " manifest.json" in file.read_text(errors="ignore"))
    sums.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}  manifest.json\n")
    return path, content


def test_a_file_of_several_parts_arrives_whole_whatever_happens_to_them(home, store):
    url, data = f"s3://{BUCKET}/large", home / "large"
    path, content = with_a_large_file(home / "data", data, 20)
    assert len(content) > 2 * PART
    parts, guard = {}, threading.Lock()

    def before(request):
        if request.method != "PUT" or "partNumber=" not in request.query:
            return None
        number = next(pair for pair in request.query.split("&") if pair.startswith("partNumber="))
        with guard:
            parts[number] = parts.get(number, 0) + 1
            first = parts[number] == 1
        # Each part once: cut in its middle, or asked for later.
        if first and number.endswith("1"):
            cut_in_the_middle(request)
        return answer("503 Slow Down", "SlowDown") if first else None

    store.before = before
    published = publish(home, url, data, store.environment())
    store.before = None
    assert len(parts) == -(-len(content) // PART) and all(tries == 2 for tries in parts.values()), parts
    assert store.read(f"large/{path}") == content
    found = agrees(home, url, data, store.environment())
    assert found["bytes_read"] == published["sent_bytes"] > len(content)
    assert not publish(home, url, data, store.environment())["changed"]


def test_a_large_file_that_is_cut_for_good_is_seen_by_nobody_and_sent_again(home, store):
    url, data = f"s3://{BUCKET}/large", home / "large-cut"
    path, content = with_a_large_file(home / "data", data, 20)
    refused = answer("403 Forbidden", "AccessDenied")
    store.before = lambda request: refused if "partNumber=2" in request.query else None
    summary, ended = claimlake(home, "--data", data, "publish", url, env=store.environment())
    assert summary["exit"] == 1, ended.stderr
    assert f"large/{path}" not in store.keys("large/") and store.keys("large/snapshots/") == []
    # Nothing that costs money stays.
    assert "Uploads" not in store.client.list_multipart_uploads(Bucket=BUCKET)
    store.before = None
    publish(home, url, data, store.environment())
    assert store.read(f"large/{path}") == content


def test_a_local_file_that_is_damaged_behind_its_first_part_is_not_published(home, store):
    url, data = f"s3://{BUCKET}/large", home / "large-damaged"
    path, content = with_a_large_file(home / "data", data, 20)
    file = (data / "lake" / "current").resolve() / path
    damaged = bytearray(content)
    damaged[PART + 99] ^= 1
    file.write_bytes(damaged)
    summary, ended = claimlake(home, "--data", data, "publish", url, env=store.environment())
    assert summary["exit"] == 1 and "checksum is not the manifest's" in ended.stderr, ended.stderr
    assert f"large/{path}" not in store.keys("large/") and store.keys("large/snapshots/") == []
    assert "Uploads" not in store.client.list_multipart_uploads(Bucket=BUCKET)


def test_manifest_is_as_the_loader_writes_it(home):
    """What these tests change of a lake is what its manifest says."""
    for table in manifest(home / "data")["tables"]:
        for file in table["files"]:
            content = (home / "data" / "lake" / "current" / file["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
