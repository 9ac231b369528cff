# The two commands: `make demo` runs the main job on the embedded demo, `make test` the tests.
# Both make their own environment in .venv from nothing but a Python. `make matrix` makes others, of
# the oldest and the newest requirements and of each Python, and tests in each; `make smoke` tries
# the newest Python that there is. See docs/versions.md.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
# python3 if it is one of them, else the first that is.
PYTHON ?= $(shell for name in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$name -c '$(SUPPORTED)' 2>/dev/null && echo $$name && break; done)
VENV ?= .venv
DEMO_OUT ?= showcase-demo

BIN := $(VENV)/bin

# Some images tell Python to keep nothing that it compiles. What starts would compile torch and others
# each time, which takes thrice as long as to import them.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test lint docs results-quick tutorials matrix smoke clean

# A Python without ensurepip leaves an environment without pip, which must not pass for one.
$(BIN)/python:
	@$(or $(PYTHON),false) -c '$(SUPPORTED)' || { echo "Python 3.11 to 3.14 is needed," \
		"found: $(or $(PYTHON),none); name one by make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV) || { rm -f $(BIN)/python*; exit 2; }

# What is imported is compiled then, a part of all that is installed.
INSTALL := -m pip install --progress-bar off --no-compile
# On Python 3.11 it is there already; a newer one has no ray that RecBole allows.
INSTALL_RECBOLE := $(INSTALL) --no-deps 'recbole>=1.2.1,<1.3'

$(VENV)/.installed: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python $(INSTALL) -e .
	$(BIN)/python $(INSTALL_RECBOLE)
	touch $@

$(VENV)/.installed-test: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python $(INSTALL) -e ".[test]"
	$(BIN)/python $(INSTALL_RECBOLE)
	touch $(VENV)/.installed $@

$(VENV)/.installed-docs: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python $(INSTALL) -e ".[docs]"
	$(BIN)/python $(INSTALL_RECBOLE)
	touch $(VENV)/.installed $@

$(VENV)/.installed-tutorials: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python $(INSTALL) -e ".[tutorials]"
	$(BIN)/python $(INSTALL_RECBOLE)
	touch $(VENV)/.installed $@

demo: $(VENV)/.installed
	$(BIN)/recbole-showcase demo --out $(DEMO_OUT)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest

# The site of docs/ in site/, to be opened by site/index.html. With --quiet a broken link would pass.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "site/index.html"

# A small version of every table of docs/results.md; fails where a figure has left its stated spread.
results-quick: $(VENV)/.installed-test
	nice $(BIN)/python -W ignore -m benchmarks.quick $(QUICK)

# Runs the notebooks of docs/tutorials/, and keeps what they show. It takes minutes.
tutorials: $(VENV)/.installed-tutorials
	$(BIN)/python -m docs_site.tutorials

# The tests with the oldest and the newest requirements that setup.py allows, and on each Python.
matrix:
	tests/matrix/run.sh

# A part of the tests on the newest Python of this machine, if it is newer than that of `make test`.
smoke:
	tests/matrix/run.sh smoke

clean:
	rm -rf $(VENV) .matrix build dist site *.egg-info $(DEMO_OUT)
