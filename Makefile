# The two commands: `make demo` runs the main job on the embedded demo, `make test` the tests.
# Both make their own environment in .venv from nothing but a Python 3.11. `make matrix` makes two
# more, of the oldest and the newest requirements, and tests in each; see docs/versions.md.
PYTHON ?= python3.11
VENV ?= .venv
DEMO_OUT ?= showcase-demo

BIN := $(VENV)/bin

.PHONY: demo test lint matrix clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# What is imported is compiled then, a part of all that is installed.
INSTALL := -m pip install --progress-bar off --no-compile

$(VENV)/.installed: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python $(INSTALL) -e .
	touch $@

$(VENV)/.installed-test: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python $(INSTALL) -e ".[test]"
	touch $(VENV)/.installed $@

demo: $(VENV)/.installed
	$(BIN)/recbole-showcase demo --out $(DEMO_OUT)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest

# The tests with the oldest and with the newest requirements that setup.py allows.
matrix:
	PYTHON=$(PYTHON) tests/matrix/run.sh

clean:
	rm -rf $(VENV) .matrix build dist *.egg-info $(DEMO_OUT)
