# The commands of this project. `make run` and `make test` are all a newcomer needs; both set everything up first.
# Needed on the machine: python3 (3.11 or newer) with venv, git, make. Nothing is installed outside this folder.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Behind a city's own proxy the machine's certificates count; without such a store uv brings its own.
UV := $(BIN)/uv $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),--system-certs)
# The browser tests need a Chromium, which the machine has or has not; .ci/run installs one.
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: setup run test lint tests browser stress bench figures vectors lock clean

setup: $(READY)

# uv and setuptools come from the lock like everything else, so each file that is installed has a known hash.
$(READY): pyproject.toml requirements.lock web/browser/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "walletpass needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	@$(BIN)/uv --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
	  { echo "No virtual environment could be made; on Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/uv || { sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock; }
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q walletpass issuers verifiers keys web
	@$(BIN)/python -m web.browser
	@touch $@

run: setup
	$(BIN)/walletpass demo

test: lint tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

tests: setup
	@test -n "$(CHROMIUM)" || echo "No Chromium on PATH: the page is not tried in a browser (apt-get install chromium)."
	$(BIN)/pytest -n $(JOBS) $(if $(CHROMIUM),,--ignore=tests/browser)

browser: setup
	@test -n "$(CHROMIUM)" || { echo "No Chromium on PATH; on Debian: apt-get install chromium"; exit 1; }
	$(BIN)/pytest tests/browser

# The same tests at the volumes that the issues name, instead of a tenth.
stress: setup
	WALLETPASS_STRESS=1 $(BIN)/pytest -n $(JOBS) $(if $(CHROMIUM),,--ignore=tests/browser)

bench: setup
	$(BIN)/python -m bench

figures: setup
	@$(BIN)/python tests/test_architecture.py

# New vectors hang on new keys, so all of their texts change; names and verdicts must not.
vectors: setup
	$(BIN)/python -m tests.vectors.make_vectors

# One lock for Python 3.11 and newer on every platform; it names packages and hashes, and no place to get them from.
# `make lock UPGRADE=--upgrade` takes the newest of everything.
lock: setup
	printf 'setuptools>=77\nuv>=0.9\n' | $(UV) pip compile --quiet --universal --python-version 3.11 --extra dev \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  $(UPGRADE) --output-file requirements.lock pyproject.toml -

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build dist
