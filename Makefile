# `make` lists what can be made. The environment in .venv is made on first use and kept up to date by itself.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Tests wait for servers and disks as often as they compute: one more than there are processors, five at most.
WORKERS := $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n + 1 : 5)))
PYTEST := $(BIN)/pytest --numprocesses=$(WORKERS) --dist=worksteal

# An environment is whole when its stamp names this folder (it was neither interrupted nor moved) and its Python runs.
WHOLE := $(shell test "$$(cat $(STAMP) 2>/dev/null)" = "$$(pwd -P)" && $(BIN)/python -c "" 2>/dev/null && echo yes)

# Tests start many programs: each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check fix audit bench overload simulate fuzz chaos migration install environment

help:
	@awk -F ': .*## ' '/^[a-z]+: .*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: $(STAMP) ## serve the demo community at http://127.0.0.1:8000
	$(BIN)/baobab serve --demo

test: $(STAMP) ## run the tests
	$(PYTEST)

check: $(STAMP) ## everything that must hold: format, lint, types, import contracts, tests, coverage
	@printf '\n== format\n'
	$(BIN)/ruff format --check .
	@printf '\n== lint\n'
	$(BIN)/ruff check .
	@printf '\n== what is installed is what is asked for\n'
	$(BIN)/python -m pip --disable-pip-version-check check
	@printf '\n== types\n'
	$(BIN)/mypy
	@printf '\n== import contracts\n'
	$(BIN)/lint-imports --no-cache --no-logo
	@printf '\n== tests\n'
	$(PYTEST) --cov --cov-report=
	@printf '\n== coverage of branches: domain and application at least 95 %%\n'
	$(BIN)/coverage report --include='src/domain/*,src/application/*' --fail-under=95
	@printf '\n== coverage of branches: overall at least 90 %%\n'
	$(BIN)/coverage report --fail-under=90

fix: $(STAMP) ## format, and mend what the linter can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

audit: $(STAMP) ## ask the registry for known weaknesses of what is installed; fails where it cannot tell
	$(BIN)/pip-audit --strict --skip-editable --progress-spinner=off

bench: $(STAMP) ## measure: the figures of the README
	$(BIN)/python -m bench

overload: $(STAMP) ## ten times what the server carries, for a minute
	$(BIN)/python -m bench.overload

simulate: $(STAMP) ## 200 seeded worlds of the points ledger, the server killed among them
	$(BIN)/python -m tests.simulation --seeds 1..200 --jobs 2

chaos: $(STAMP) ## the server and its database killed 50 times each under 64 clients
	$(BIN)/python -m tests.chaos --kills 50 --clients 64

fuzz: $(STAMP) ## schemathesis over the OpenAPI document, as people of every role: 20,000 requests
	$(BIN)/python -m tests.fuzz

migration: $(STAMP) ## draft a migration from the tables: make migration name="add units"
	@test -n '$(name)' || { echo 'Name it: make migration name="add units"' >&2; exit 2; }
	$(BIN)/baobab db revision '$(name)'

install: $(STAMP)

$(STAMP): pyproject.toml setup.py $(if $(WHOLE),,environment)
	@rm -f $@
	@echo 'Installing baobab and its tools into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@mkdir -p $(VENV)/tree && ln -sfn ../../src $(VENV)/tree/baobab
	@pwd -P > $@

environment:
	@found=; \
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    found=$$python; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
	    echo "Making $(VENV) with $$("$$python" --version)"; \
	    exec "$$python" -m venv --clear $(VENV); \
	done; \
	if [ -n "$$found" ]; then \
	    echo "$$found cannot make virtual environments: install its venv (Debian and Ubuntu: python3-venv)." >&2; \
	else \
	    echo 'baobab needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3' >&2; \
	fi; \
	exit 1
