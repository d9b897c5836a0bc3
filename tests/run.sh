#!/usr/bin/env bash
# What `make test` runs after its look at the format. Packages for Python are installed while the compiler works,
# and the readers' tests run beside the Rust suite: each of them alone leaves a core idle half of the time.
set -euo pipefail

make="make --no-print-directory"
logs="${CARGO_TARGET_DIR:-target}/test-logs"
mkdir -p "$logs"

# Children in the background do not hear the keyboard.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

# Waits for a child; prints what it said.
ended() {
  local code=0
  wait "$1" || code=$?
  cat "$2"
  return "$code"
}

$make venv .venv-dbt/ready >"$logs/python.log" 2>&1 &
python=$!
# One pass lints and compiles: `cargo clippy` would check all dependencies beside compiling them. The compiler is
# clippy's, which says all that `make lint` says of what it compiles.
export RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings
cargo test --workspace --locked --no-run
ended "$python" "$logs/python.log"

$make test-interop >"$logs/interop.log" 2>&1 &
readers=$!
tests/python/run.sh "${CARGO_TARGET_DIR:-target}/debug" >"$logs/package.log" 2>&1 &
package=$!
failed=0
$make test-rust || failed=1
ended "$readers" "$logs/interop.log" || failed=1
ended "$package" "$logs/package.log" || failed=1
if [ "$failed" != 0 ]; then
  echo "tests failed: see above, in the Rust suite, in tests/interop or in tests/python" >&2
fi
exit "$failed"
