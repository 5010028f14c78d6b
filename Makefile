# `make run` and `make test` set up .venv from a bare Python 3.11 by themselves.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Two test processes with one thread each use two cores better than one with two threads.
TEST_ENV := OMP_NUM_THREADS=1

.PHONY: run test test-fast lint types format attack benchmark docs constraints clean

run: $(STAMP)  ## the main job: SGDFuse and three classical methods on the embedded demo, quality and downstream tasks, offline, CPU
	$(BIN)/fusionbench run --method sgdfuse,max,laplacian,guided-filter --dataset demo --limit 24 --task quality,detection,segmentation,efficiency --name demo
	$(BIN)/fusionbench site demo

test: $(STAMP)  ## the whole suite, slow tests too
	$(TEST_ENV) $(BIN)/pytest -q -n 2

test-fast: $(STAMP)  ## without the slow tests
	$(TEST_ENV) $(BIN)/pytest -q -n 2 -m "not slow"

attack: $(STAMP)  ## the long attacks: every kind of damage, pairs of them, and 100 kills (about 20 minutes)
	$(TEST_ENV) FUSIONBENCH_ATTACK=400 $(BIN)/pytest -q tests/robustness
	$(TEST_ENV) $(BIN)/python tests/robustness/kills.py --count 100

coverage: $(STAMP)  ## the suite with the share of lines that it runs
	$(TEST_ENV) $(BIN)/pytest -q -n 2 --cov=fusionbench --cov-report=term:skip-covered

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/lint_imports.py

types: $(STAMP)
	$(BIN)/python tools/check_types.py

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: $(STAMP)  ## metric speed against peers from PyPI
	$(BIN)/pip install -q -c constraints.txt -e ".[benchmark]"
	$(BIN)/python benchmarks/metrics.py --write

docs: $(STAMP)  ## the documentation site, in build/docs
	$(BIN)/python -m mkdocs build --strict

constraints:  ## pin what is installed now
	( echo "# Exact versions that the Makefile and CI install; pyproject.toml holds the ranges. Made by \`make constraints\`."; \
	  $(BIN)/pip freeze --exclude-editable | grep -viE '^fusionbench|^-e|@ file' | sort -f ) > constraints.new
	mv constraints.new constraints.txt

# torch first: on some machines the index that has it is not the one that has the rest.
$(STAMP): pyproject.toml setup.py constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt torch torchvision
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
