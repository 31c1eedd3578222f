# Everything a person types. Each target first sets up .venv, so a new machine needs only python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test check bench soak race mutations install clean

run: install ## start Callbox with everything it needs, and a phone to try it
	@$(BIN)/callbox run

test: install ## every test; finds or installs what pages need
	@CALLBOX_BIN=$(BIN) sh tests/run.sh

check: install ## lint, types, direction of imports, conversations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/callbox flows check

bench: install ## speed and memory, each beside its reference
	@$(BIN)/python -m tests.bench

soak: install ## MINUTES=30: many buy while everything is killed, cut and delayed
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),30)

race: install ## PEOPLE=5000: as many race for 100 shares of a gift, over three channels at once
	@$(BIN)/python -m tests.soak.race --people $(or $(PEOPLE),5000)

mutations: install ## show that tests notice ten faults which would break a promise
	@$(BIN)/python -m tests.mutations

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Callbox needs Python 3.11 or newer; say make PYTHON=python3.12")'
	@echo "Setting up .venv, once; this takes about a minute ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 lacks its venv module (Debian: apt install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

clean: ## forget .venv; data in .callbox stays
	rm -rf $(VENV) *.egg-info build
