# Every target sets up what is missing first, in .venv; `make help` lists them.
# Another interpreter: make PYTHON=python3.12
PYTHON = python3
BIN = .venv/bin
INSTALLED = .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint format docs wheel clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(INSTALLED): pyproject.toml setup.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --editable ".[dev]"
	@touch $@

setup: $(INSTALLED) ## Set up .venv (about two minutes the first time)

demo: $(INSTALLED) ## Simulate a cohort, train, synthesize, evaluate, report
	$(BIN)/anysyn demo --overwrite

test: $(INSTALLED) ## Run the tests that take seconds
	$(BIN)/python -m pytest -m "not slow and not gpu" -n 2 --dist loadfile

test-all: $(INSTALLED) ## Run every test, the slow ones and, with a GPU, its own too
	$(BIN)/python -m pytest

lint: $(INSTALLED) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED) ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED) ## Build the documentation as a site, in site/
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable ".[docs]"
	$(BIN)/python -m mkdocs build

wheel: $(INSTALLED) ## Build dist/anysyn-*.whl
	$(BIN)/python -m build

clean: ## Remove what was built; .venv, cohorts and runs stay
	rm -rf build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find anysyn recipes tests examples -name __pycache__ -type d -prune -exec rm -rf {} +
