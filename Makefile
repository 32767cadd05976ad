# Everything one does with fastnano. `make train` and `make test` need nothing but Python and a C compiler.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Native code is generated from formulas in Python, too.
NATIVE := setup.py $(wildcard src/fastnano/*.pyx src/fastnano/_kernels/*.pyx src/fastnano/_kernels/*.pxi src/fastnano/_kernels/*.h) \
  src/fastnano/ops.py $(wildcard src/fastnano/_expressions/*.py) $(filter-out %_numba.py,$(wildcard src/fastnano/_kernels/*.py))
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help train test lint format bench sanitize docs dist clean

help:
	@echo "make train     build, train on MNIST (or, with no network, on synthetic digits), show the result"
	@echo "make test      build and run the tests"
	@echo "make lint      ruff, mypy"
	@echo "make format    let ruff mend what it can"
	@echo "make bench     training steps side by side with the peers that are installed"
	@echo "make sanitize  a debug build, and the tests of kernels and plans on it"
	@echo "make docs      the API reference, into build/docs"
	@echo "make dist      wheel and sdist, into dist"
	@echo "make clean     remove all that was made here"

train: $(VENV)/.viz
	$(BIN)/fastnano train $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench
	$(BIN)/python -m bench.peers $(ARGS)

sanitize: $(VENV)/.test
	mkdir -p build/debug/lib && tar -C src --exclude='*.so' -cf - fastnano | tar -C build/debug/lib -xf -
	FASTNANO_DEBUG=1 $(BIN)/python setup.py --quiet build_ext --build-lib build/debug/lib --build-temp build/debug/objects
	LD_PRELOAD="$$($${CC:-gcc} -print-file-name=libasan.so) $$($${CC:-gcc} -print-file-name=libstdc++.so)" \
	  ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=build/debug/lib \
	  $(BIN)/python -m pytest tests/test_parity.py tests/test_memory.py $(wildcard tests/test_*plan*.py) -k "not numba" $(ARGS)

docs: $(VENV)/.docs
	$(BIN)/pdoc --docformat restructuredtext --output-directory build/docs fastnano

dist: $(VENV)/.lint
	$(INSTALL) build
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist runs .asv .mypy_cache .ruff_cache .pytest_cache .hypothesis src/*.egg-info
	find src tests bench examples -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f src/fastnano/*.so src/fastnano/_kernels/*.so

# One stamp per set of packages; the build tools stay in the environment, so that a rebuild needs no network.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "fastnano needs Python 3.11 or newer; '$(PYTHON)' is" $$($(PYTHON) --version 2>&1) "(try: make PYTHON=python3.12)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.tools: | $(BIN)/python
	$(INSTALL) "setuptools>=77" "cython>=3.1" "numpy>=2.0"
	@touch $@

$(VENV)/.built: $(VENV)/.tools $(NATIVE) pyproject.toml
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.viz $(VENV)/.test $(VENV)/.lint $(VENV)/.bench $(VENV)/.docs: $(VENV)/.%: $(VENV)/.built
	$(INSTALL) "fastnano[$*]"
	@touch $@
