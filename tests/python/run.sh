#!/usr/bin/env bash
# The Python package as people get it: a wheel of what is compiled already, in a fresh environment, with its tests.
#
#   tests/python/run.sh TARGET_DEBUG [PYTEST_ARGUMENT…]
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
compiled=$(cd "$1" && pwd)
shift
# The readers of the tests; the package itself is installed into a new environment each time.
readers=${READERS:-$root/.venv}
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT

wheel=$("$readers/bin/python" "$root/tests/python/dev_wheel.py" "$compiled" "$venv/wheels")
"$readers/bin/python" -m venv --without-pip "$venv/env"
"$readers/bin/python" -m pip --python "$venv/env/bin/python" install --quiet --disable-pip-version-check --no-deps --no-index "$wheel"
# polars, pyarrow, duckdb and Spark come from the environment of the readers.
site=$("$venv/env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$readers/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$site/readers.pth"
"$venv/env/bin/python" -m pytest "$root/tests/python" "$@"
