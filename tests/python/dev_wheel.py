"""Packs what the tests have compiled already into a wheel, in a second: the same files in the same places as
those of `make wheel`, unoptimized and for this machine only.

    dev_wheel.py TARGET_DEBUG OUT      prints the wheel
"""

import base64
import hashlib
import pathlib
import re
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "crates" / "python"
TAG = "cp311-abi3-linux_x86_64"


def version():
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    return re.search(r'^version = "(.*)"', text, re.MULTILINE)[1]


def contents(compiled):
    """What the wheel contains: name, bytes, mode."""
    source = PACKAGE / "python"
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix in (".py", ".pyi", ".typed"):
            yield path.relative_to(source).as_posix(), path.read_bytes(), 0o644
    yield "claimlake/_native.abi3.so", (compiled / "examples" / "lib_native.so").read_bytes(), 0o755
    yield f"claimlake-{version()}.data/scripts/claimlake", (compiled / "claimlake").read_bytes(), 0o755
    info = f"claimlake-{version()}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: claimlake\nVersion: {version()}\nRequires-Python: >=3.11\n"
    yield f"{info}/METADATA", metadata.encode(), 0o644
    wheel = f"Wheel-Version: 1.0\nGenerator: dev_wheel\nRoot-Is-Purelib: false\nTag: {TAG}\n"
    yield f"{info}/WHEEL", wheel.encode(), 0o644


def main(compiled, out):
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"claimlake-{version()}-{TAG}.whl"
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as wheel:
        for name, data, mode in contents(compiled):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100000 | mode) << 16
            wheel.writestr(entry, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}")
        name = f"claimlake-{version()}.dist-info/RECORD"
        wheel.writestr(name, "\n".join([*record, f"{name},,"]) + "\n")
    return path


if __name__ == "__main__":
    print(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
