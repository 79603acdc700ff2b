# dialog-gateway: `make demo` shows it at work, `make test` proves it. Both set up what they need.

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= python3
STAMP  := $(VENV)/.ready
WORKERS ?= 2
FUZZ   := .venv-fuzz
SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast check fmt faults fuzz bench up down clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## Create .venv with the locked versions and install the project

$(STAMP): requirements-dev.lock pyproject.toml
	@./tools/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

demo: $(STAMP) ## Run the main job: two gateways, one private broker, real SMTP between them
	@$(BIN)/dialog-gateway demo $(ARGS)

test: $(STAMP) ## Run all tests; starts a private RabbitMQ node by itself
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup $(ARGS)

test-fast: $(STAMP) ## Run the tests that need no broker and no database server
	@$(BIN)/python -m pytest -q -m "not broker and not postgres and not slow" $(ARGS)

check: $(STAMP) ## Lint, format, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict gateway tests
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/unit/test_imports.py

fmt: $(STAMP) ## Format the code and sort imports
	@$(BIN)/ruff check --fix -q .
	@$(BIN)/ruff format -q .

faults: $(STAMP) ## Kill gateways and broker at random moments; everything must still be confirmed once
	@$(BIN)/python -m pytest -q -o faulthandler_timeout=7200 tests/faults --run-full-faults $(ARGS)

fuzz: $(FUZZ)/.ready ## Fuzz every entrance; SECONDS=60 each
	@$(FUZZ)/bin/python tools/fuzz.py --seconds $(SECONDS) $(ARGS)

$(FUZZ)/.ready: requirements-fuzz.lock
	@$(PYTHON) -m venv $(FUZZ)
	@$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check \
		--only-binary :all: --require-hashes -r requirements-fuzz.lock
	@touch $@

bench: $(STAMP) ## Measure, and write docs/performance.md
	@$(BIN)/dialog-gateway bench --output docs/performance.md $(ARGS)

up: ## Start RabbitMQ, PostgreSQL and the gateway with docker compose
	docker compose up --wait

down: ## Stop them; volumes stay
	docker compose down

clean: ## Remove the environment and caches
	rm -rf $(VENV) $(FUZZ) .fuzz .mypy_cache .ruff_cache .pytest_cache .hypothesis
