# One command runs the main job (make run), one the tests (make test); each sets itself up.
# Where a conda environment is active it is used; elsewhere a virtual environment in .venv.

PYTHON ?= python3
PIP_FLAGS ?=

ifdef CONDA_PREFIX
  ENVIRONMENT := $(CONDA_PREFIX)
  KIND := the active conda environment
  CREATE := @echo "using the active conda environment, $(CONDA_PREFIX)"
  PYTHON_IN := python
  ACTIVATE := conda activate "$(CONDA_PREFIX)"
else
  ENVIRONMENT := .venv
  KIND := the virtual environment .venv
  CREATE := $(PYTHON) -m venv .venv
  ifeq ($(OS),Windows_NT)
    PYTHON_IN := .venv/Scripts/python
    ACTIVATE := .venv\\Scripts\\activate
  else
    PYTHON_IN := .venv/bin/python
    ACTIVATE := . .venv/bin/activate
  endif
endif

STAMP := $(ENVIRONMENT)/foreseen-installed
SHOW := $(PYTHON_IN) scripts/show.py

.PHONY: install activate run test coverage bench docs pictures messages notebook lint format clean

install: $(STAMP)
	@echo "installed in $(KIND); to use it: $(ACTIVATE)"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(None if sys.version_info >= (3, 11) else 'Foreseen needs Python 3.11 or newer; this is ' + sys.version.split()[0] + '. Name another with: make PYTHON=python3.12 ...')"
	$(CREATE)
	$(PYTHON_IN) -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e ".[dev,docs,pipeline]"
	@$(PYTHON_IN) -c "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()" "$(STAMP)"

activate: install
	@echo "$(ACTIVATE)"

run: $(STAMP)
	$(PYTHON_IN) scripts/repro.py
	@$(SHOW) work/rankings.txt work/evaluation/stream.txt work/evaluation/foldin.txt work/backtest.txt work/backtest-ensemble.txt

test: $(STAMP)
	$(PYTHON_IN) -m pytest -n auto --dist loadfile

coverage: $(STAMP)
	$(PYTHON_IN) -m pytest --cov --cov-report=term

bench: $(STAMP)
	$(PYTHON_IN) benchmarks/bench.py work/bench

docs: export NO_MKDOCS_2_WARNING = 1
docs: $(STAMP)
	$(PYTHON_IN) scripts/draw_models.py docs/figures
	$(PYTHON_IN) scripts/draw_data.py docs/figures
	$(PYTHON_IN) scripts/draw_diagrams.py docs/figures
	$(PYTHON_IN) -m mkdocs build --strict
	@echo "open site/index.html"

pictures: $(STAMP)
	$(PYTHON_IN) benchmarks/pictures.py work/models/ensemble docs/figures

messages: $(STAMP)
	$(PYTHON_IN) scripts/update_messages.py

notebook: $(STAMP)
	$(PYTHON_IN) scripts/run_notebook.py examples/quickstart.ipynb

lint: $(STAMP)
	$(PYTHON_IN) -m ruff check .
	$(PYTHON_IN) -m ruff format --check .
	$(PYTHON_IN) -m pyright
	$(PYTHON_IN) scripts/check_secrets.py

format: $(STAMP)
	$(PYTHON_IN) -m ruff check --fix .
	$(PYTHON_IN) -m ruff format .

clean:
	$(PYTHON) -c "import pathlib, shutil; [shutil.rmtree(p, ignore_errors=True) for p in ('work', 'site', 'build', 'dist', '.pytest_cache', '.ruff_cache', '.hypothesis', '.dvc/cache', '.dvc/tmp', '.venv')]; [p.unlink() for p in (*pathlib.Path().glob('.coverage*'), *pathlib.Path().glob('dvc.lock'))]"
