# Everything runs in .venv, which the first target makes. See README.md.
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu   where PyPI would give a CUDA build of torch
#   make test ARGS="-k engines"                                  part of the tests
#   make reproduce ARGS="--size paper --folds 0,1,2,3,4"         the paper's tables; see benchmarks/reproduce.py
#   make site ARGS=--allow-missing                              the site, also where a section has no examples yet
#   make install PYTHON=/opt/python3.12/bin/python3              another Python than the first one found

.PHONY: install install-dev demo test quick check format reproduce site clean help
.DEFAULT_GOAL := help

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install -c constraints.txt
PLUGINS := amsynth gcc libc6-dev liblo-tools puredata-core zynaddsubfx-vst
BROWSER := chromium chromium-driver
EXAMPLE := patchflow/examples/bell.flac

help:
	@echo "make demo     match a shipped example sound, after installing into .venv"
	@echo "make test     run the whole test suite"
	@echo "make quick    run the tests that take no more than about a minute in all"
	@echo "make check    lint, format check, types, layering, README"
	@echo "make reproduce  make the paper's tables: examples, trainings, evaluations; hours on a CPU, goes on after a stop"
	@echo "make site     build the site of guide, reference and results, with its sounds, into build/site"
	@echo "make install  install into .venv only"
	@echo "make clean    remove .venv and everything that was made"

install: .venv/installed

install-dev: .venv/installed-dev

demo: install
	$(BIN)/patchflow match $(EXAMPLE) --seconds 5 --out demo
	@echo
	@echo "Listen to demo/bell-ab.wav: the wanted sound before each preset, all equally loud; demo/bell.png shows them."
	@echo "In Vital: open a .vital file from the menu of its preset browser, or drop it on its window."
	@echo "On a DX7: send a .syx file to it as SysEx. Dexed opens cartridges of 32 voices; this makes one:"
	@echo "  $(BIN)/patchflow presets import demo/bell*.syx --library demo/presets.sqlite"
	@echo "  $(BIN)/patchflow presets export 1 --library demo/presets.sqlite -o demo/cartridge.syx"
	@echo "The same on a page in the browser, with keys to play: $(BIN)/patchflow studio"
	@echo "Next, with a sound of yours, by both synths, by one, or by every plug-in that you have added:"
	@echo "  $(BIN)/patchflow match SOUND.wav --seconds 20 --out found"
	@echo "  $(BIN)/patchflow match SOUND.wav --seconds 20 --out found --synth vital"
	@echo "  $(BIN)/patchflow match SOUND.wav --seconds 20 --out found --synth all"
	@echo "  $(BIN)/patchflow --help"

test: install-dev
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

quick: install-dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" $(ARGS)

check: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_docs.py tests/test_house_rules.py

format: install-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

reproduce: install-dev
	$(BIN)/python benchmarks/reproduce.py $(ARGS)

site: .venv/installed-site
	$(BIN)/python site/build.py $(ARGS)

clean:
	rm -rf .venv demo build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "patchflow needs Python 3.11 or newer, and found none: python3 is" \
		"$$(python3 --version 2>&1 || true). Install one, or name it: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) --no-print-directory debian-venv
	@$(BIN)/python -c 'import pip; $(NEW_ENOUGH)' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@echo "Installing into .venv (a few minutes, once)"
	$(PIP) --no-deps $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(PIP) --editable . || $(MAKE) --no-print-directory without-vita
	@touch $@

# Vita, the engine of Vital, has no wheel for some machines; all else works without it.
.PHONY: without-vita
without-vita:
	@echo "trying without the package vita: then there is no Vital, and the DX7 searches alone" >&2
	$(BIN)/python -c 'import tomllib; \
		needs = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]; \
		print(*[need for need in needs if not need.startswith("vita")], sep="\n")' > .venv/needs.txt
	$(PIP) -r .venv/needs.txt
	$(PIP) --no-deps --editable .

.venv/installed-site: .venv/installed
	$(PIP) --editable '.[site]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --editable '.[dev]'
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then $(MAKE) --no-print-directory debian-plugins; fi
	@touch $@

# Plug-ins for the tests, a compiler for one that misbehaves, clients of OSC, and a browser; without them those tests
# are skipped.
.PHONY: debian-plugins
debian-plugins:
	@dpkg -s $(PLUGINS) $(BROWSER) >/dev/null 2>&1 || { apt-get update -q && DEBIAN_FRONTEND=noninteractive \
		apt-get install -q -y --no-install-recommends $(PLUGINS) $(BROWSER); } || \
		echo "not installed: $(PLUGINS) $(BROWSER)" >&2

# Debian splits venv off Python.
.PHONY: debian-venv
debian-venv:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y python3-venv; \
	else \
		echo "This Python has no venv module. On Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; \
	fi
