# `make help` lists the commands. PYTHON names another interpreter (3.11 or later), PORT another port.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(PYTHON) requirements/install.py
TESTS := $(if $(shell command -v chromium chromium-browser google-chrome 2>/dev/null),browser,test)
COMPILE := uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 pyproject.toml
# Each worker keeps whole files, so that what a file starts is started once; who is done first helps.
PYTEST_ARGS ?= -n 2 --dist worksteal
# numpy's helpers only get in each other's way where two processes share two cores.
export OPENBLAS_NUM_THREADS := 1

.PHONY: run test faults check audit bench soak photographs faithful deadlines lock help
.DEFAULT_GOAL := help

run: ## set everything up and run it; Ctrl-C ends it
	@$(INSTALL) run && $(BIN)/python static/fill_vendor.py && exec $(BIN)/python -m app run

test: ## run every test, on SQLite and on a real PostgreSQL, with a real broker
	@$(INSTALL) $(TESTS) && $(BIN)/python static/fill_vendor.py --dev && $(BIN)/python -m pytest -rs --durations 20 $(PYTEST_ARGS)

faults: ## kill and break things, all of them, as in docs/operations.md: F=K8 names one, WAITS=full the real waits
	@$(INSTALL) $(TESTS) && $(BIN)/python static/fill_vendor.py --dev && FAULT_WAITS=$(WAITS) $(BIN)/python -m pytest -m "fault or full" -rs --durations 20 $(PYTEST_ARGS) $(if $(F),-k $(F)_)

check: ## lint, types, templates, who imports whom, migrations; quiet when all is well
	@$(INSTALL) check
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/djlint templates --lint --quiet
	@told=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$told"; false; }
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && export LUTHIER_HOME="$$home" && $(BIN)/alembic upgrade head && $(BIN)/alembic check >/dev/null

audit: ## ask PyPI and npm for known vulnerabilities of every locked package
	@$(INSTALL) audit && PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python requirements/audit.py

bench: ## measure what is claimed, with the machine's limit beside it
	@$(INSTALL) $(TESTS) && for name in $(filter-out make_% promptfoo scripted timed soak kills faithful$(if $(filter test,$(TESTS)), live),$(basename $(notdir $(wildcard bench/*.py)))); do echo "== $$name" && $(BIN)/python -m bench.$$name || exit 1; done

soak: ## ten minutes of fifty people, and ten of a kill every ten seconds, on SQLite and on PostgreSQL
	@$(INSTALL) test && $(BIN)/python -m bench.soak && $(BIN)/python -m bench.kills

faithful: ## hold every call of the SDK against OpenAI's specification: OPENAI_SPEC, and PRISM, its program
	@$(INSTALL) test && $(BIN)/python -m bench.faithful

photographs: ## every page of a furnished instance in light, in dark and on a phone, into PICTURES (/tmp/photographs)
	@$(INSTALL) browser && $(BIN)/python static/fill_vendor.py --dev && $(BIN)/python -m tests.browser.photographs $(or $(PICTURES),/tmp/photographs)

deadlines: ## write the table of docs/deadlines.md from app/catalog/deadlines.toml
	@$(INSTALL) run && $(BIN)/python -m app.catalog.deadlines_table

lock: ## pin the dependencies of pyproject.toml anew, by hash (needs uv)
	@$(COMPILE) -q -o requirements/run.txt
	@$(COMPILE) -q -c requirements/run.txt --extra assets -o requirements/assets.txt
	@$(COMPILE) -q -c requirements/run.txt --extra test -o requirements/test.txt
	@$(COMPILE) -q -c requirements/test.txt --extra test --extra browser -o requirements/browser.txt
	@$(COMPILE) -q -c requirements/browser.txt --extra test --extra browser --extra check -o requirements/check.txt
	@$(COMPILE) -q --extra test --extra browser --extra check --extra audit -c requirements/check.txt -o requirements/audit.txt

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10
