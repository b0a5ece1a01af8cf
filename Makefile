# Every command works on a fresh clone: the environment is made from requirements.lock on first use.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)
READY := $(VENV)/.ready

.PHONY: help env lock docs lint test test-services test-estate bench
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

env: $(READY) ## the environment, exactly as locked
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed; name one with PYTHON=…" >&2; exit 1; }
	@test -x $(BIN)/uv || $(PYTHON) -m venv $(VENV) || { echo "make: $(PYTHON) cannot make an environment; on Debian and Ubuntu, install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q "uv==$(UV_VERSION)"
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

lock: ## requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --universal --all-extras --generate-hashes --no-header -q pyproject.toml -o requirements.lock

docs: env ## the generated tables of the documentation anew
	$(BIN)/python tests/docs/tables.py

lint: env ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## everything that must hold, a DAG run in a real Airflow included
	$(BIN)/pytest -n 3 --dist loadgroup -m "not e2e and not estate"
	$(BIN)/pytest -m e2e

test-services: env ## servers that pip cannot install are installed, and the tests that need them run (apt-get)
	tests/services/run

test-estate: env ## days of backfills, killed tasks and alerts through Airflows of its own: some twenty minutes
	$(BIN)/pytest -n 0 -m estate

bench: env ## benchmarks as ratios side by side, to var/bench/*.json; BENCH= picks some of: aac_flips, archive_speed, media_speed, rate_budget, roster_size, rules_speed
	@$(BIN)/python tests/bench/measuring.py $(BENCH)

demo: env ## real calls through a real Airflow into an archive that anyone can check
	@$(BIN)/python -m cloud9_archive.demo

up: env ## the same, with Airflow's page left running (PORT=8080)
	@$(BIN)/python -m cloud9_archive.demo --stay --port $(or $(PORT),8080) --root var/up
