SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
ARGS ?=
EXAMPLES ?= 20000
export PYTHONDONTWRITEBYTECODE :=# hundreds of processes start in the tests: none should compile anew what another has

.PHONY: run demo test explore engine emulator bench mutants soak check docs fix constraints clean help

run: $(READY)      ## run the food delivery system on this machine; ARGS="--set refusal_rate=1" sets a setting
	@$(BIN)/contradance run $(ARGS)

demo: $(READY)     ## four orders, four endings, as trees
	@$(BIN)/contradance demo

test: $(READY)     ## every test
	@$(BIN)/pytest -n auto $(ARGS)

explore: $(READY)  ## every property with random examples, EXAMPLES of each; takes hours; ARGS=tests/pattern for a part
	@EXAMPLES=$(EXAMPLES) $(BIN)/pytest -n auto -m hypothesis --hypothesis-profile=explore --timeout=0 $(ARGS)

engine: $(READY)   ## the Pulumi program on Pulumi's own engine, with a stand-in for AWS; needs `pulumi` on the PATH
	@$(BIN)/pytest -m engine tests/engine $(ARGS)

emulator: $(READY) .venv-emulator/ready   ## the deployed systems on MiniStack, an emulator of AWS, and their resources through cfn-lint
	@$(BIN)/pytest -m emulator tests/emulator $(ARGS)

soak: $(READY)     ## 3,000 orders at once; 1,000 while the laptop is killed, or payments moves; 500 while functions raise, hang, exit
	@$(BIN)/python -m tests.durability.soak 3000 20 0
	@$(BIN)/python -m tests.durability.soak 1000 20 5
	@$(BIN)/python -m tests.durability.storm 500 10 20
	@$(BIN)/python -m tests.durability.moving 1000

bench: $(READY)    ## how fast it is, beside its floor and its neighbours; ARGS="--quick" for a first look
	@$(BIN)/python benchmarks/paths.py $(ARGS)
	@$(BIN)/python benchmarks/patterns.py $(ARGS)
	@$(BIN)/python benchmarks/bus.py $(ARGS)
	@$(BIN)/python benchmarks/flow.py $(ARGS)
	@$(BIN)/python benchmarks/cold_start.py $(ARGS)
	@$(BIN)/python benchmarks/hot_path.py $(ARGS)
	@$(BIN)/python benchmarks/infra.py $(ARGS)
	@$(BIN)/python benchmarks/contracts.py $(ARGS)
	@$(BIN)/python benchmarks/dead_letters.py $(ARGS)
	@$(BIN)/python benchmarks/scale.py $(ARGS)
	@$(BIN)/python benchmarks/units.py $(ARGS)

screenshots: $(READY)   ## every page of the console as PNG under .screenshots/; ARGS=--docs writes the README's two
	@$(BIN)/python scripts/screenshots.py $(ARGS)

docs: $(READY)     ## the documentation as a site, into site/; a broken link fails; `python3 -m http.server -d site` shows it
	@$(BIN)/zensical build --strict --clean > .venv/docs.txt 2>&1 || (sed '/^Traceback/,$$d' .venv/docs.txt; exit 1)

check: $(READY)    ## what CI runs: format, lint, types, import rules, choreography, spelling, generated parts, tests
	@$(BIN)/ruff format --check --quiet || (echo 'Some files are not formatted. Run: make fix'; exit 1)
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/pyright --pythonpath $(BIN)/python contradance > .venv/pyright.txt || (cat .venv/pyright.txt; exit 1)
	@$(BIN)/lint-imports --no-logo --no-cache > .venv/imports.txt || (cat .venv/imports.txt; exit 1)
	@$(BIN)/contradance lint
	@$(BIN)/contradance contracts freeze --check > .venv/frozen.txt || (cat .venv/frozen.txt; exit 1)
	@$(BIN)/codespell
	@$(BIN)/python scripts/readme.py --check
	@$(BIN)/python scripts/contract_types.py --check
	@$(MAKE) --no-print-directory test

fix: $(READY)      ## format, sort imports, and write the generated parts of the README
	@$(BIN)/ruff check --fix --quiet; $(BIN)/ruff format --quiet
	@$(BIN)/python scripts/readme.py
	@$(BIN)/python scripts/contract_types.py

DIST ?= dist
wheel: $(READY)    ## the contracts and contradance as wheels, into dist/: what another team installs
	@$(BIN)/uv build --quiet --wheel --out-dir $(DIST) .
	@$(BIN)/uv build --quiet --wheel --out-dir $(DIST) contracts

mutants: $(READY)  ## how many small mistakes in the code the tests notice; ARGS="local/events/bus --sample 30 --seed 7"
	@$(BIN)/python scripts/mutants.py $(ARGS)

constraints: $(READY)   ## pin anew what the pinned requirements need in turn, here and in the layer
	@grep -hv '^-' requirements.txt requirements-dev.txt > .venv/direct.in
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
		--no-emit-package contradance --no-emit-package food-contracts \
		--output-file constraints.txt pyproject.toml --all-extras .venv/direct.in
	@$(BIN)/contradance package --lock

clean:             ## remove what `make` and the laptop made
	@rm -rf .venv .venv-emulator .contradance dist site

help:              ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile

ifneq ($(origin PYTHON),file) # PYTHON=python3.13: set-up makes a .venv of another version anew
ifneq ($(shell $(PYTHON) --version),$(shell $(BIN)/python --version 2>/dev/null))
$(READY): no-other-python
endif
endif
.PHONY: no-other-python
no-other-python:
	@$(PYTHON) --version > /dev/null && rm -rf .venv

$(READY): requirements.txt requirements-dev.txt constraints.txt pyproject.toml contracts/pyproject.toml
	@echo "Setting up .venv (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt
	@touch $@

.venv-emulator/ready: tests/emulator/requirements.txt $(READY)
	@echo "Setting up .venv-emulator (once) ..."
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-emulator
	@$(BIN)/uv pip install --quiet --python .venv-emulator/bin/python -r tests/emulator/requirements.txt
	@touch $@
