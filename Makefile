# Everything a newcomer types. Each target makes what it needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help demo test check fix bench clean

help:
	@echo "make demo    install into $(VENV) and see Headroom work: no key, no network"
	@echo "make test    install what tests need and run them all"
	@echo "make check   ruff, mypy --strict, generated docs, architecture"
	@echo "make fix     format, and generate the tables in README and docs"
	@echo "make bench   print every figure that README quotes"

$(BIN)/headroom: pyproject.toml
	$(PYTHON) -m venv $(VENV)
# compat: a plain path, else a checkout called headroom hides the package from whoever works in its parent folder
	$(BIN)/python -m pip install --quiet --config-settings editable_mode=compat --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml $(BIN)/headroom
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --group lint --group test
	@touch $@

demo: $(BIN)/headroom
	$(BIN)/headroom demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m bench.docs --check
	$(BIN)/python -m pytest tests/test_architecture.py

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/python -m bench.docs

bench: $(VENV)/.dev
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) build dist *.egg-info
