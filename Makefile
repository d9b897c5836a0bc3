# Medicare claims into tables. `make` fetches, flattens and loads the demo's synthetic people.
#
#   make [PIPELINE=pipelines/blue_button.toml] [DATA=dir]    extract, transform, load
#   make extract | transform | load | run | sandbox          one of them
#   make test                                                everything that CI runs
#   make test-readers                                        every table by old and new versions of readers
#   make dbt [LAKE=data/lake/current]                       Tuva's input layer over the demo's lake, or another
#   make check                                               the fast part: no Java, no network
#   make dist                                                the command as it is shipped: target/dist/claimlake
#   make wheel                                               the Python package with the command: target/wheels/*.whl

PIPELINE ?= demo
DATA ?=
PYTHON ?= python3

TARGET := $(or $(CARGO_TARGET_DIR),target)
BUILT := $(TARGET)/release/claimlake
# Another binary may be given; then nothing is built.
CLAIMLAKE ?= $(BUILT)
FLAGS := --pipeline $(PIPELINE) $(if $(DATA),--data $(DATA))

STAGES := extract transform load
.DEFAULT_GOAL := demo

# A stage reads what the one before it sealed.
.NOTPARALLEL:
.PHONY: demo build dist $(STAGES) run sandbox test check format lint test-rust test-interop test-readers test-publish test-azure test-sdk test-python test-spark wheel dbt venv bench bench-extract

demo: $(STAGES)

build:
	@[ "$(CLAIMLAKE)" != "$(BUILT)" ] || cargo build --release --locked --package claimlake

# Everything optimised and linked as one, which takes several times as long to build.
dist:
	cargo build --profile dist --locked --package claimlake

# Stages go on after exit codes 3 (rejects), 4 (grants need a person) and 5 (parked), so that one
# expired consent does not hold up the others. The last stage then fails with the worst of them.
# Make itself only ever returns 0 or 2: the number is printed, and `claimlake run` returns it.
GOALS := $(filter $(STAGES),$(if $(filter-out demo,$(MAKECMDGOALS)),$(MAKECMDGOALS),$(STAGES)))
CODES := $(TARGET)/stage-codes

$(STAGES): build
	@if [ "$@" = "$(firstword $(GOALS))" ]; then mkdir -p $(TARGET); rm -f $(CODES); fi
	@$(CLAIMLAKE) $(FLAGS) $@; code=$$?; \
	case $$code in \
	  0) ;; \
	  3|4|5) echo $$code >> $(CODES) ;; \
	  *) exit $$code ;; \
	esac
	@if [ "$@" = "$(lastword $(GOALS))" ] && [ -f $(CODES) ]; then \
	  code=$$(sort -n $(CODES) | tail -n 1); rm -f $(CODES); \
	  echo "the stages are done, with exit code $$code (see above)" >&2; exit $$code; \
	fi

run: build
	@$(CLAIMLAKE) $(FLAGS) run

sandbox: build
	@$(CLAIMLAKE) $(FLAGS) sandbox

# The test command of the README: format, then what lint, test-rust and test-interop do, the last two at the same time.
test: format
	@tests/run.sh

check: format lint test-rust

format:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets --locked -- -D warnings

test-rust:
	cargo test --workspace --locked --no-fail-fast

# What `make test-publish` runs is left out. Other people's readers over our files: DuckDB, pyarrow, Spark (skipped with a message without Java).
test-interop: venv .venv-dbt/ready
	.venv/bin/python -m pytest tests/interop --ignore-glob='*/test_publish*.py' --ignore=tests/interop/test_delta_scan.py

# Every table by every reader that is promised to read it, old versions among them: each has an
# environment of its own, which this installs.
OLD_READERS := duckdb-1.1 duckdb-1.4 spark-3.5
READERS := pandas=pandas pyarrow=pyarrow polars=polars duckdb-2.0=duckdb spark-4=spark

test-readers: venv $(OLD_READERS:%=.venv-readers/%/ready)
	@[ -n "$(CLAIMLAKE_BINARY)" ] || cargo build --locked --package claimlake
	.venv/bin/python tests/interop/matrix.py $(READERS:%=%=$(CURDIR)/.venv/bin/python) \
	  $(foreach reader,$(OLD_READERS),$(reader)=$(firstword $(subst -, ,$(reader)))=$(CURDIR)/.venv-readers/$(reader)/bin/python)

.venv-readers/%/ready: tests/interop/requirements-%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# Tuva's input layer with its tests (pipelines/dbt/README.md). Installs dbt once; then without network.
LAKE ?=
DBT_OUT := $(abspath $(TARGET))/dbt
DBT_LAKE := $(or $(LAKE),$(DBT_OUT)/demo/lake/current)

dbt: .venv-dbt/ready $(if $(LAKE),,build)
	@[ -n "$(LAKE)" ] || $(CLAIMLAKE) --pipeline demo --data $(DBT_OUT)/demo run
	DBT_SEND_ANONYMOUS_USAGE_STATS=false DBT_VERSION_CHECK=false DBT_TARGET_PATH=$(DBT_OUT)/target DBT_LOG_PATH=$(DBT_OUT) \
	CLAIMLAKE_DBT_DATABASE=$(DBT_OUT)/claimlake.duckdb \
	.venv-dbt/bin/dbt build --project-dir pipelines/dbt --profiles-dir pipelines/dbt --vars '{lake: "$(abspath $(DBT_LAKE))"}'

.venv-dbt/ready: pipelines/dbt/requirements.txt
	$(PYTHON) -m venv .venv-dbt
	.venv-dbt/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# The Python package, for this processor and any Linux with libc 2.17 or newer. Installs maturin and a linker once.
wheel: .venv-wheel/ready
	crates/python/wheel.sh .venv-wheel/bin

.venv-wheel/ready: crates/python/requirements-wheel.txt
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# The same package of what the Rust tests have compiled, in a fresh environment, with its tests.
test-python: venv
	cargo build --workspace --locked --bins --examples
	tests/python/run.sh $(TARGET)/debug

# Optional: its tests with executors in processes of their own, one of which is killed.
test-spark: venv
	cargo build --workspace --locked --bins --examples
	SPARK_TEST_MASTER='local-cluster[2,1,2048]' tests/python/run.sh $(TARGET)/debug -k spark

# Optional: published lakes by deltalake, Polars, DuckDB's delta_scan and a local S3 server.
test-publish: venv .venv-readers/duckdb-delta/ready
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/interop/requirements-publish.txt
	.venv/bin/python -m pytest tests/interop/test_publish.py tests/interop/test_publish_faults.py tests/interop/test_publish_races.py tests/interop/test_publish_kills.py tests/interop/test_publish_occasions.py tests/interop/test_delta_scan.py

# Azurite is Azure storage on this machine (Node.js, which has npm).
test-azure: venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/interop/requirements-publish.txt
	npm install --silent --no-save --prefix $(TARGET)/azurite azurite@3.37.0
	AZURITE=$(abspath $(TARGET))/azurite/node_modules/.bin/azurite-blob .venv/bin/python -m pytest tests/interop/test_publish_azure.py tests/interop/test_publish_races.py

# Optional: CMS's own Python SDK against the sandbox.
test-sdk: venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/interop/requirements-sdk.txt
	.venv/bin/python -m pytest tests/interop/test_sdk.py

venv: .venv/ready

.venv/ready: tests/interop/requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# Tables from a gigabyte of claims against DuckDB, and what parsing alone costs: prints a table, and writes
# all figures with the machine and the versions to bench-out/bench.json.
bench: build venv
	cargo build --release --locked --package claimlake-transformer --example transform_bench
	.venv/bin/python tests/bench/run.py --claimlake $(CLAIMLAKE) --walk $(TARGET)/release/examples/transform_bench

# Extraction against a hand-written asyncio client, then peak memory by people, then under rate limits.
bench-extract: build venv
	.venv/bin/python -m pip install --quiet --requirement tests/bench/requirements.txt
	.venv/bin/python tests/bench/extract.py --claimlake $(CLAIMLAKE) --rival .venv/bin/python --growth 50 500 5000 --growth-eobs 15 --json bench-out/extract.json
	.venv/bin/python tests/bench/limits.py --claimlake $(CLAIMLAKE) --rival .venv/bin/python --change 60 200 20 60 --per-token 20 --json bench-out/limits.json
