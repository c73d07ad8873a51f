# Needs only Python 3.11 or later and make. Stamp files inside the environments make a second run
# start at once; a change of pyproject.toml installs again.

PYTHON ?= python3
VENV ?= .venv
VENV_LOWEST ?= .venv-lowest

ifeq ($(OS),Windows_NT)
BIN := Scripts
else
BIN := bin
endif

PY := $(VENV)/$(BIN)/python
PY_LOWEST := $(VENV_LOWEST)/$(BIN)/python
PIP := -m pip --disable-pip-version-check -qq install
# Each file is run whole by one of the two, so that a server which it starts is started once.
PYTEST := -m pytest --numprocesses 2 --dist loadfile

# What the demo needs, and what is tested, with the lowest versions too. Spark is large: its tests are
# left out where it is not installed.
DEMO_EXTRAS := cli,duckdb
EXTRAS ?= cli,duckdb,polars,sql

.DELETE_ON_ERROR:
.PHONY: help demo test lint format docs bench test-lowest clean

help: ## Print this list
	@echo "make <target>, where <target> is one of:"
	@sed -n 's/^\([a-z-]*\):.*## /  \1#/p' Makefile | while IFS='#' read -r name text; do \
	    printf '%-13s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.demo-installed ## Install, then compute and check a real tree (CDNOW orders)
	@$(VENV)/$(BIN)/metrictree demo

test: $(VENV)/.dev-installed ## Install, then run every test (with branch coverage: COVERAGE=1)
ifdef COVERAGE
	@$(PY) -m coverage erase
	@$(PY) -m coverage run $(PYTEST) $(ARGS)
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage report
else
	@$(PY) $(PYTEST) $(ARGS)
endif

lint: $(VENV)/.dev-installed ## Check format, rules, types and the direction of imports
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/$(BIN)/lint-imports

format: $(VENV)/.dev-installed ## Format the code and apply the safe fixes
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: $(VENV)/.dev-installed ## Build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

bench: $(VENV)/.bench-installed ## Run the benchmarks (some 20 minutes)
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(PY) "$$script" || exit 1; done

test-lowest: $(VENV_LOWEST)/.installed ## Run the tests with the lowest dependencies (Python 3.11)
	@# Old releases warn of what later ones have settled, so here warnings do not fail.
	@$(PY_LOWEST) $(PYTEST) -q -W default $(ARGS)

clean: ## Remove the environments and everything that was built
	rm -rf $(VENV) $(VENV_LOWEST) build dist site .coverage .coverage.* .mypy_cache \
	    .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# $(call make-venv,FOLDER): an empty environment with a pip that knows dependency groups.
define make-venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "metrictree needs Python 3.11 or later, and '$(PYTHON)' is not one:" \
	         "name one with make PYTHON=python3.12"; exit 1; }
	@echo "Making $(1) and installing (about a minute, once) ..."
	@$(PYTHON) -m venv --clear $(1) || { rm -rf $(1); \
	    echo "Python could not make $(1); on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(1)/$(BIN)/python $(PIP) --upgrade "pip>=25.1"
	@touch $@
endef

$(VENV)/.made:
	$(call make-venv,$(VENV))

$(VENV)/.demo-installed: pyproject.toml | $(VENV)/.made
	@$(PY) $(PIP) --editable ".[$(DEMO_EXTRAS)]"
	@touch $@

$(VENV)/.dev-installed: pyproject.toml | $(VENV)/.made
	@$(PY) $(PIP) --editable ".[$(EXTRAS),test]" --group dev
	@touch $@ $(VENV)/.demo-installed

$(VENV)/.bench-installed: pyproject.toml $(VENV)/.dev-installed
	@$(PY) $(PIP) --group bench
	@touch $@

$(VENV_LOWEST)/.made:
	$(call make-venv,$(VENV_LOWEST))

$(VENV_LOWEST)/.installed: pyproject.toml scripts/lowest.py | $(VENV_LOWEST)/.made
	@$(PY_LOWEST) scripts/lowest.py $(EXTRAS) > $(VENV_LOWEST)/constraints.txt
	@$(PY_LOWEST) $(PIP) --editable ".[$(EXTRAS)]" --group tests \
	    --constraint $(VENV_LOWEST)/constraints.txt
	@touch $@
