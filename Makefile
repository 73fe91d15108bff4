# Everything runs from a virtual environment that `make` makes itself; nothing is needed but Python 3.11+ and make.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
WORKERS ?= 3
CASES ?= 300

.PHONY: help setup demo up test check lint types imports unit docs conformance new-provider simulate bench crash faults lock format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## make the virtual environment with the locked packages

# The marker is written last, so an installation that was cut off is done again. The lock names every package, so none
# is looked for; Python compiles what is imported, when it is, which is a third of it.
$(READY): requirements/dev.txt requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; call make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

demo: $(READY) ## run the main job on embedded stores; ARGS="--once --json --payins 200 --payouts 100"
	@$(BIN)/wisipay demo $(ARGS)

up: $(READY) ## start everything; ARGS="--data DIR --port-base N --ready-file F"
	@$(BIN)/wisipay up $(ARGS)

test: check unit ## lint, types, import rules and all tests

check: $(READY) ## lint, types and import rules, side by side
	@$(MAKE) --no-print-directory -j3 lint types imports

lint: $(READY) ## ruff, sqlfluff, dead code, dependencies
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/sqlfluff lint --disable-progress-bar src migrations/sql
	$(BIN)/vulture
	$(BIN)/deptry --config requirements/deptry.toml .

types: $(READY) ## mypy --strict
	$(BIN)/mypy

imports: $(READY) ## layers and independence of the slices
	$(BIN)/lint-imports

unit: $(READY) ## all tests on real stores, with coverage floors; ARGS="tests/ledger" runs some, without floors
ifeq ($(ARGS),)
	$(BIN)/python scripts/run_tests.py $(WORKERS)
	$(BIN)/python scripts/coverage_gate.py
else
	$(BIN)/python -m pytest $(ARGS)
endif

docs: $(READY) ## write the parts of docs/ that code decides
	$(BIN)/python scripts/generated_blocks.py
	$(BIN)/python scripts/postman_collection.py
	$(BIN)/python -m wisipay.core.config_docs > docs/configuration.md.new && mv docs/configuration.md.new docs/configuration.md

conformance: $(READY) ## send thousands of requests that fit the OpenAPI document, and that do not; CASES=300 per operation
	CONFORMANCE_CASES=$(CASES) $(BIN)/python -m pytest tests/reference/test_conformance.py -s

new-provider: $(READY) ## make adapter, simulator part, tests and page of a provider; NAME=acmepay
	$(BIN)/python scripts/new_provider.py $(NAME)
	$(BIN)/python scripts/generated_blocks.py

simulate: $(READY) ## run random histories of the core in memory; ARGS="--histories 100000 --workers 2" or ARGS="--seed 7"
	PYTHONPATH=tests $(BIN)/python -m simulation $(ARGS)

bench: $(READY) ## print the figures of docs/performance.md; ARGS="--quick"
	$(BIN)/python benchmarks/run.py $(ARGS)

crash: $(READY) ## kill, stop and cut off what runs, under load, and compare the books; ARGS="--seconds 120 --seed 7 --json F"
	$(BIN)/python tests/crash/run.py $(ARGS)

faults: $(READY) ## play every fault of the simulator with every provider and compare the books; ARGS="--adapters dummy --write"
	$(BIN)/python tests/faults/run.py $(ARGS)

lock: $(READY) ## resolve requirements/*.in into hashed locks
	cd requirements && for name in runtime dev; do ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --output-file $$name.txt $$name.in; done

format: $(READY) ## rewrite sources in the house's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove what make made; data in .data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
