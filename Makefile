# The two commands: `make run` and `make test`. Each sets up all it needs.
PYTHON := .venv/bin/python
STAMP := .venv/.dexgen-ready

.PHONY: run test setup lint screenshots bench-live bench-learn clean

run: $(STAMP)
	@$(PYTHON) -m dexgen_app run

test: $(STAMP)
	@scripts/test.sh

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt scripts/setup.sh
	@scripts/setup.sh

lint: $(STAMP)
	@$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check . && $(PYTHON) -m mypy

screenshots: $(STAMP)
	@$(PYTHON) -m dexgen_app screenshots --out docs/images

bench-live: $(STAMP)
	@$(PYTHON) benchmarks/bench_live.py

bench-learn: $(STAMP)
	@$(PYTHON) benchmarks/bench_learn.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache
