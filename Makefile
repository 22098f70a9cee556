# Every target makes what it needs: a virtual environment from a locked, hash-checked list, and nothing else.
PYTHON ?= python3
PY := .venv/bin/python
RUN := .venv-run/bin

.PHONY: demo test install check bench compiled conformance soak docs e2e claims clean format

demo: .venv-run/.stamp ## the main job: a gateway before two example servers, and what happens to each call
	$(RUN)/ostiary demo

test: install ## everything that CI runs
	sh scripts/system.sh
	$(PY) scripts/test.py

install: .venv/.stamp ## the development environment

check: install ## format, lint, types, imports, fast tests; under two minutes
	$(PY) scripts/check.py

bench: install ## requests per second and CPU, beside nginx in the same run
	sh scripts/system.sh bench
	$(PY) -m bench.run

compiled: install ## a faster gateway from the same files, in .venv-compiled; needs a C compiler
	$(PY) scripts/compiled.py

conformance: install ## the official suite: direct and through the gateway side by side, across eras, tasks, authorization
	$(PY) scripts/conformance.py
	$(PY) scripts/conformance.py --cross
	$(PY) scripts/conformance.py --tasks
	$(PY) scripts/conformance.py --authorization

soak: install ## the long runs: isolation over a million calls, fuzzing, a hostile server, kill -9, power cuts
	$(PY) scripts/soak.py
	$(PY) scripts/crash.py --kills 20
	$(PY) scripts/powercut.py --cuts 3000

e2e: install
	$(PY) -m pytest -m e2e

docs: install ## the reference pages, written anew from the code
	$(PY) scripts/reference.py
	$(PY) scripts/errors.py
	$(PY) scripts/cli_reference.py

claims: install ## run the command of every row of docs/claims.md
	$(PY) scripts/claims.py

format: install
	.venv/bin/ruff format src tests scripts bench
	.venv/bin/ruff check --fix src tests scripts bench

clean:
	rm -rf .venv .venv-run .venv-servers .venv-compiled build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/.stamp: requirements/dev.txt pyproject.toml
	sh scripts/venv.sh .venv requirements/dev.txt "$(PYTHON)"

.venv-run/.stamp: requirements/runtime.txt pyproject.toml
	sh scripts/venv.sh .venv-run requirements/runtime.txt "$(PYTHON)"
