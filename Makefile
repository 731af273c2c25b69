# Two commands are enough: `make demo` shows what Idiolect does, `make test` proves it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo serve check test test-fast bench bench-quick lint-containers clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25"
	$(BIN)/python -m pip install --progress-bar on -c constraints.txt -e ".[dev]"
	touch $(STAMP)

demo: install
	$(BIN)/idiolect demo $(ARGS)

serve: install
	$(BIN)/idiolect serve $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) lint-containers

lint-containers: install
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yml

# Redis, PostgreSQL and Chromium come from Debian when they are missing and we may install them.
test: install
	sh tests/install-services.sh
	$(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-fast: install
	$(BIN)/pytest -m "not slow and not browser and not model"

# Minutes to half an hour, on a machine that does nothing else; what they measure is explained in benchmarks/README.md.
bench: install
	$(BIN)/python -m benchmarks.serving $(ARGS)
	$(BIN)/python -m benchmarks.training $(ARGS)
	$(BIN)/python -m benchmarks.web $(ARGS)
	$(BIN)/python -m benchmarks.profiling $(ARGS)
	$(BIN)/python -m benchmarks.choices $(ARGS)
	$(BIN)/python -m benchmarks.start $(ARGS)

bench-quick:
	$(MAKE) bench ARGS=--quick

clean:
	rm -rf $(VENV) .idiolect .mypy_cache .ruff_cache .pytest_cache
