# make lab    JupyterLab opens on the first notebook
# make test   the whole test suite: style, types, tests, every notebook
#
# Both make .venv by themselves. Another Python: make lab PYTHON=python3.13

PYTHON ?= python3
BIN := .venv/bin

.PHONY: lab test style types bench

lab: .venv/installed
	$(BIN)/chatkit lab

test: style types
	$(BIN)/pytest

style: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

bench: .venv/installed
	$(BIN)/chatkit bench

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ChatKit needs Python 3.11 or newer: make PYTHON=python3.13")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

# Two clients that are not ours, for the tests that need node.
build/node/node_modules: tests/node/package.json
	@mkdir -p build/node
	cp tests/node/package.json build/node/
	npm install --prefix build/node --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@
