#!/usr/bin/env bash
# Builds target/wheels/claimlake-*.whl: the module, the package, and the command as a script of the wheel.
# Needs the environment of requirements-wheel.txt, whose `bin` is the first argument.
set -euo pipefail

bin=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
scripts=$root/crates/python/claimlake.data/scripts
export PATH="$bin:$PATH"
# The oldest libc that Rust itself supports.
options=(--release --locked --zig --compatibility manylinux_2_17)

# The command first, as a wheel of its own, from which its file is taken.
command=$(mktemp -d)
trap 'rm -rf "$command"' EXIT
maturin build "${options[@]}" --manifest-path "$root/crates/cli/Cargo.toml" --bindings bin --strip --out "$command"
mkdir -p "$scripts"
"$bin/python" - "$command" "$scripts" <<'PYTHON'
import pathlib, sys, zipfile
(wheel,) = pathlib.Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as opened:
    (name,) = [name for name in opened.namelist() if name.endswith(".data/scripts/claimlake")]
    script = pathlib.Path(sys.argv[2]) / "claimlake"
    script.write_bytes(opened.read(name))
    script.chmod(0o755)
PYTHON

rm -f "$target"/wheels/claimlake-*.whl
maturin build "${options[@]}" --manifest-path "$root/crates/python/Cargo.toml" --out "$target/wheels"
ls -l "$target"/wheels/claimlake-*.whl
