# The tasks of development; `.ci/run` calls the same ones. `make setup` once, then `make fast` while working.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
WORK ?= build/checks

PINS = --universal --python-version 3.11 --generate-hashes --upgrade --no-annotate \
	--custom-compile-command 'make pins'
PINNED = install -q --require-hashes -r .ci/tools.txt

.PHONY: setup fast test lowest prove lint arrows types book docs wheel readme benchmarks mutation pins

setup:  ## an environment with everything that development needs
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip $(PINNED)
	$(BIN)/pip install -q -e '.[dev]'

fast:  ## what a change breaks most often, in a minute
	$(BIN)/python -m pytest -n auto tests/api tests/step tests/phases tests/network tests/test_structure.py

test:  ## everything; STEPTIME_MUTANTS=all for every mutant
	$(BIN)/python -m pytest -n auto

lowest:  ## the tests at the lowest versions that pyproject.toml declares; STEPTIME_TESTS=twentieth for a fixed twentieth of them
	$(PYTHON) -m venv $(WORK)/lowest
	$(WORK)/lowest/bin/pip install -q --require-hashes -r .ci/lowest.txt
	$(WORK)/lowest/bin/pip install -q --no-deps -e .
	$(WORK)/lowest/bin/python -m pytest -p no:cacheprovider -n auto

prove:  ## one derivation: make prove NAME=ridge; all of them and every claim without a name
	$(BIN)/steptime derive $(or $(NAME),--claims)

lint:  ## linter and formatter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check model derivations cli.py __init__.py benchmarks

arrows:  ## rooms import only what lies below them
	$(BIN)/lint-imports --no-cache

types:  ## mypy --strict on the installed package, and on a script as a user writes it
	mkdir -p $(WORK)/tree
	$(PYTHON) -m venv $(WORK)/types
	git ls-files -z | tar --null -T - -cf - | tar -xf - -C $(WORK)/tree
	$(WORK)/types/bin/pip $(PINNED)
	$(WORK)/types/bin/pip install -q --force-reinstall --no-deps $(abspath $(WORK))/tree
	cd $(WORK) && types/bin/mypy --config-file tree/pyproject.toml -p steptime
	cd $(WORK) && types/bin/mypy --strict tree/examples/first_steps.py && types/bin/python tree/examples/first_steps.py

book:  ## the book as a PDF, with its index
	mkdir -p $(WORK)
	$(BIN)/steptime latex --all -o $(WORK)/book.tex
	cd $(WORK) && for pass in 1 2 3; do \
		pdflatex -interaction=nonstopmode -halt-on-error book.tex > book.out || { tail -30 book.out; exit 1; }; \
		makeindex -q book; done

# More readers than cores: a page with many cells is then not left for the end, where it would run alone.
docs:  ## the documentation, every code cell run, every warning an error: build/docs/index.html
	$(BIN)/sphinx-build -j 8 -W --keep-going -q -b html docs $(WORK)/docs

wheel:  ## distributions, and what they carry
	$(BIN)/python -m build -q --no-isolation --outdir $(WORK)/dist
	$(BIN)/python .ci/contents.py $(WORK)/dist/*.whl $(WORK)/dist/*.tar.gz

readme:  ## write the generated parts of the README, and the page on how true it is
	$(BIN)/cog -r README.md
	$(BIN)/python docs/how_true.py

benchmarks:  ## how long a person waits, how many points a second
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/points.py

mutation:  ## 120 seeded mutants of the model against the tests that run their lines; an hour or two
	$(BIN)/python benchmarks/mutation.py --record

pins:  ## write .ci/tools.txt and .ci/lowest.txt anew, with the hashes of all platforms' files
	$(PYTHON) -m venv $(WORK)/pins
	$(WORK)/pins/bin/pip install -q uv
	$(WORK)/pins/bin/uv pip compile -q $(PINS) --extra dev -o .ci/tools.txt pyproject.toml
	$(WORK)/pins/bin/uv pip compile -q $(PINS) --extra test --extra plot --resolution lowest-direct -o .ci/lowest.txt pyproject.toml
