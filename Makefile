# `make demo` and `make test` set everything up themselves, from package registries alone.
#
# Another torch build, for example a smaller one without CUDA:
#   make demo TORCH="torch torchvision --index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch torchvision
OUTPUT ?= output

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint format clean

demo: $(STAMP)
	$(BIN)/motionweave demo --output-dir $(OUTPUT)

test: lint
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# torch and torchvision first and together, so that they are a matching pair. InsightFace asks for opencv-python, which
# wants a desktop's libraries; the headless wheel holds the same module, so it is installed without what it asks for.
$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --editable '.[dev,train]'
	$(BIN)/python -m pip install --quiet opencv-contrib-python-headless requests scikit-image tqdm
	$(BIN)/python -m pip install --quiet --no-deps 'insightface>=2.1'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
