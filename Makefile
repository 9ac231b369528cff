# The two commands: `make demo` runs the main job on the embedded demo, `make test` the tests.
# Both make their own environment in .venv from nothing but a Python 3.11.
PYTHON ?= python3.11
VENV ?= .venv
DEMO_OUT ?= showcase-demo

BIN := $(VENV)/bin

.PHONY: demo test lint clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --progress-bar off -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --progress-bar off -e ".[test]"
	touch $@

demo: $(VENV)/.installed
	$(BIN)/recbole-showcase demo --out $(DEMO_OUT)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest

clean:
	rm -rf $(VENV) build dist *.egg-info $(DEMO_OUT)
