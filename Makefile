# Everything is installed into .venv, by hash, from the lock files. `make` alone lists the targets.

# The first of these that runs and is new enough; `make PYTHON=... test` chooses another.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# Tests start many processes: what the first one has compiled is kept for the others. They wait for
# each other, so that one more than there are cores are sooner ready.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
RUN := .venv/.installed
DEV := .venv/.installed-dev
TRAIN := .venv/.installed-train

# Servers that only tests need and no lock file can hold: Azure's emulator of its Blob storage, and
# an S3 server. Both run on Node 18 and newer.
AZURITE := azurite@3.35.0
S3RVER := s3rver@3.7.1
SERVERS := .venv/servers/.installed-$(AZURITE)-$(S3RVER)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test test-services test-cosmos test-azure test-models check audit demo bench bench-voice train lock clean

help: ## This list
	@awk -F ' *## *' '/^[a-z-]+:.*## /{sub(/:.*/, "", $$1); printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: $(RUN) ## Install, fetch the models, serve on port 8000 (HOST and PORT change it)
	$(BIN)/voice-cloning models pull
	exec $(BIN)/voice-cloning serve

test: $(DEV) ## Install and run the tests that need no model files
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not models and not services"

test-services: $(DEV) $(SERVERS) ## Run the tests with real servers beside the service, and the long ones
	$(PYTEST) -m services

test-cosmos: $(DEV) ## Run the tests of the API with Cosmos DB as database: with a fake of it
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not models and not services" --cosmos tests/api

test-azure: $(DEV) ## Run the tests of API, services and lexicons with the engine azure: over a fake of Azure AI Speech
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not models and not services" --speech-engine azure \
		tests/api tests/services tests/lexicons

test-models: $(TRAIN) ## Fetch every model and run the tests on the real engine
	$(BIN)/voice-cloning models pull --all
	$(PYTEST) -m models

check: $(DEV) ## Lint, types, layers, locks, container files, manifests, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_repo.py
	$(BIN)/python tools/check_container.py
	$(BIN)/python tools/check_manifests.py
	$(BIN)/python -m tools.check_bicep

audit: $(DEV) ## Look for known vulnerabilities in what is installed; needs the vulnerability service of the package index
	$(BIN)/pip-audit -r requirements-server.lock --require-hashes --disable-pip

demo: $(RUN) ## Clone the voice of the shipped sample and write hello.wav
	$(BIN)/voice-cloning models pull
	$(BIN)/voice-cloning say "$$($(BIN)/voice-cloning clone app/samples/sample.flac --name demo)" \
		"Hello! This is a voice that was cloned on this machine." --output hello.wav

bench: $(TRAIN) ## Measure speed, similarity and word errors; prints tables
	$(BIN)/voice-cloning models pull --all
	$(BIN)/python -m bench

bench-voice: $(TRAIN) ## Judge cloned and adapted voices at length; prints tables, draws curves
	$(BIN)/voice-cloning models pull --all
	$(BIN)/python -m bench voice

train: $(TRAIN) ## Install what `voice-cloning adapt` needs, PyTorch with it, and fetch its models
	$(BIN)/voice-cloning models pull --train

LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --group build \
	--generate-hashes --no-strip-extras --no-header --no-annotate --quiet --upgrade

SERVER := --extra postgres --extra redis --extra otel --extra azure-monitor --extra azure --extra gunicorn

lock: $(DEV) ## Renew the lock files within the ranges of pyproject.toml
	$(LOCK) -o requirements.lock
	$(LOCK) $(SERVER) --constraint requirements.lock -o requirements-server.lock
	$(LOCK) $(SERVER) --extra dev --extra bench --constraint requirements-server.lock -o requirements-dev.lock

clean: ## Remove what these targets made, except data/ (voices and models)
	rm -rf .venv build dist hello.wav .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A finished environment. The stamp comes last, so an interrupted one is made again.
.venv/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is not Python 3.11 or newer: make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

$(RUN): requirements.lock pyproject.toml | .venv/.made
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# The development lock holds the other one, in the same versions.
$(DEV): requirements-dev.lock requirements.lock pyproject.toml | .venv/.made
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUN) $@

# PyTorch stands in no lock: its right build depends on the machine. The rest is in the lock.
$(TRAIN): $(DEV)
	$(PIP) install -e ".[train]" --no-build-isolation
	@touch $@

# Nothing that these packages bring runs while they are installed.
$(SERVERS): | .venv/.made
	@if command -v npm >/dev/null; then \
		rm -rf $(@D) && mkdir -p $(@D) && npm install --prefix $(@D) --ignore-scripts --no-audit \
			--no-fund --no-update-notifier --loglevel error $(AZURITE) $(S3RVER) && touch $@; \
	else \
		echo "npm is not installed: the tests with Azure and S3 servers are SKIPPED" >&2; \
		test -z "$$CI"; \
	fi
