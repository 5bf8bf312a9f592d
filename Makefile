# `make` alone lists what there is. Everything runs in $(VENV), made on first use; nothing is installed outside it.

VENV ?= .venv
BIN := $(VENV)/bin
export VENV
# Without compiled modules every command, and every service of the lab, starts several times slower.
unexport PYTHONDONTWRITEBYTECODE
# uv trusts what the machine trusts, as pip does; its own certificates know no proxy in between.
export UV_SYSTEM_CERTS := true

.DEFAULT_GOAL := help
.PHONY: help install check format unit page-test lab-test long-test release-test test demo demo-upgrade pictures docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# One stamp for each set of extras; older than pyproject.toml means install again.
$(VENV)/.installed-%: pyproject.toml scripts/install
	@scripts/install $*

install: $(VENV)/.installed-dev,hosts,lab ## Install Pumphouse, its lab and the development tools into .venv

check: install ## Format and lint, types, import contracts
	@scripts/test format lint types contracts

format: install ## Format the code, mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

unit: install ## Unit tests: no network, under a minute
	@scripts/test unit

page-test: install ## The page in a real browser (Debian's chromium): a minute or two
	@scripts/test page

lab-test: install ## Tests on two real clouds: about half an hour
	@scripts/test lab features workloads hosts museum

long-test: install ## What the continuous integration has no time for: twenty minutes
	@scripts/test long

release-test: install ## Try a release as the source: make release-test RELEASE=train
	@scripts/try-release $(RELEASE)

test: install ## Everything the continuous integration runs
	@scripts/test format lint types contracts docs lab features workloads hosts museum machines unit page

demo: $(VENV)/.installed-lab ## Move a project between two real clouds on this machine
	@scripts/demo

demo-upgrade: $(VENV)/.installed-hosts,lab ## Move a whole cloud with its hosts between two real clouds on this machine
	@scripts/demo-upgrade

pictures: install ## Take the pictures of docs/ anew, from a lab
	@PUMPHOUSE_TEST_PICTURES=docs/images $(BIN)/pytest -q tests/lab/features/test_page.py

docs: install ## Write the generated pages of docs/ anew
	@$(BIN)/python scripts/generate_docs.py

clean: ## Stop the lab; remove what was built here (not the lab's files)
	@if [ -x $(BIN)/pumphouse ]; then $(BIN)/pumphouse lab down; fi
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/*.egg-info
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
