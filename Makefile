# `make report` and `make test` do all their own set-up on a fresh machine. `make check` is what CI runs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2
SOURCES := $(shell git ls-files src native CMakeLists.txt pyproject.toml 2>/dev/null)

.PHONY: report test check format lint types docs core pure web sanitize bench accuracy figures clean

report: $(VENV)/.report
	$(BIN)/xent report --example digits -o report.html

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) -q

# A process of tests for each core: torch's own threads in each of them would only wait for one another.
test docs pure sanitize: export OMP_NUM_THREADS = 1

# Steps that keep one core busy run beside each other, and each is heard when it ends; the others use WORKERS cores.
check: $(VENV)/.test
	$(MAKE) --jobs=$(WORKERS) --output-sync=target --no-print-directory format lint types docs core web $(VENV)/.pure
	$(MAKE) --no-print-directory test pure sanitize
	@echo "make check: all passed"

# Formatting, lint, types
format: $(VENV)/.test
	$(BIN)/ruff format --check .

lint: $(VENV)/.test
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/pyright --pythonpath $(BIN)/python

# The examples in docstrings and documents print what they say
docs: $(VENV)/.test
	$(BIN)/python -m pytest -q --doctest-modules --doctest-glob='*.md' --import-mode=importlib \
	    --pyargs xent README.md docs/*.md

# The compiled core is really there
core: $(VENV)/.test
	XENT_REQUIRE_NATIVE=1 $(BIN)/python -c "import xent; print(xent.about())"

# The same package without a compiler: a pure wheel that works
pure: $(VENV)/.pure
	$(VENV)/pure/bin/python tests/pure_wheel.py
	$(VENV)/pure/bin/python -m pytest -q -n $(WORKERS) tests/measures/test_measures.py tests/contracts

# The explorer's source: types, format, tests, and the asset in the package is what it builds. Only this needs Node.
web:
	cd web && npm ci --ignore-scripts && npm run check && node build.mjs --check

# The compiled core under AddressSanitizer and UndefinedBehaviorSanitizer
sanitize: $(VENV)/.test
	PATH="$(abspath $(BIN)):$$PATH" PYTHON=$(abspath $(BIN))/python WORKERS=$(WORKERS) native/sanitize.sh

bench: $(VENV)/.test
	$(BIN)/python benchmarks/measures.py
	$(BIN)/python benchmarks/evaluation.py
	$(BIN)/python benchmarks/torch_cpu.py
	$(BIN)/python benchmarks/explorer.py
	$(BIN)/python benchmarks/estimators.py
	$(BIN)/python benchmarks/distributions.py
	$(BIN)/python benchmarks/estimator_quality.py

accuracy: $(VENV)/.test
	$(BIN)/python benchmarks/accuracy.py

figures: $(VENV)/.test
	$(BIN)/python docs/figures/make.py

clean:
	rm -rf $(VENV) build web/node_modules report.html explorer.html

# Set-up: one environment; each stamp says what it holds. Sources newer than a stamp mean a new install.
$(VENV)/.venv:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q --upgrade pip
	touch $@

$(VENV)/.report: $(VENV)/.venv constraints.txt $(SOURCES)
	$(PIP) install -q -c constraints.txt '.[report]'
	touch $@

$(VENV)/.test: $(VENV)/.venv constraints.txt $(SOURCES)
	$(PIP) install -q -c constraints.txt '.[dev]'
	touch $@ $(VENV)/.report

# Shares the packages of the first environment; only xent itself differs.
$(VENV)/.pure: $(VENV)/.test
	$(PYTHON) -m venv $(VENV)/pure
	realpath $(VENV)/lib/python3*/site-packages > $$(echo $(VENV)/pure/lib/python3*/site-packages)/shared.pth
	CC=/bin/false CXX=/bin/false $(VENV)/pure/bin/python -m pip --disable-pip-version-check install -q --no-deps --ignore-installed -c constraints.txt .
	touch $@
