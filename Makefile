# `make` lists what can be made. Everything runs in .venv, which is made on first use and renewed
# when the requirements, the constraints or pyproject.toml change, or when the folder has moved.

PORT ?= 8000
CHAPTERS ?= chapters/*.ipynb
ARGS ?=

SHELL := bash -o pipefail
BIN := .venv/bin
STAMP := .venv/installed
INPUTS := requirements.txt constraints.txt pyproject.toml
TORCH_CPU := https://download.pytorch.org/whl/cpu
# JupyterLab asks nobody for news or for its newest version.
LAB := $(BIN)/python -m jupyterlab --LabApp.news_url=None \
  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.default_url=/lab/tree
STRIP := $(BIN)/python -m nbstripout --keep-count --extra-keys metadata.language_info.version

# The kernel of .venv wins over one of the same name in the user's own Jupyter folder.
export JUPYTER_PREFER_ENV_PATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help book pdf audit test deep lab play serve notebooks lint bench clean moved
.DEFAULT_GOAL := help

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1 /p' Makefile | while read -r target what; do \
	  printf '  make %-10s %s\n' "$$target" "$$what"; \
	done

# Pages are written afresh, so that none outlives its source or its warning; only the execution of
# the chapters is cached. What Sphinx says is cut down to its progress, its warnings and its errors.
book: $(STAMP) ## build the website into _build/html, warnings as errors
	@echo "Building the book; chapters that changed are executed first ..."
	@unpublish() { rm -rf _build/html _build/.doctrees; }; unpublish; \
	trap unpublish EXIT; trap 'exit 130' INT TERM; \
	{ PYTHONUNBUFFERED=1 $(BIN)/jupyter-book build . -W -n --keep-going 2>&1 >&3 \
	    | sed '/^\[IPKernelApp\] WARNING/d' >&2; } 3>&1 \
	  | sed -n 's|.*/\([^/]*\): Executing .*|  executing \1|p' \
	  || { echo "The book was not built; the warnings and errors above say why." >&2; exit 1; }; \
	trap - EXIT; echo "The book is in _build/html; make serve shows it."

pdf: book ## print the whole book into _build/downhill.pdf (needs Chromium or Chrome)
	@echo "Printing, twice: the first time tells the pages of the table of contents ..."
	@$(BIN)/python _ext/print_book.py

# Lighthouse comes from the npm registry when it is asked for.
audit: book ## measure every page with Lighthouse (needs a network; PAGES=chapters/autograd)
	@$(BIN)/python tests/audit.py $(PAGES)

test: $(STAMP) ## run every test: helpers, chapters, prose, site (ARGS="-k name" selects)
	@echo "Testing on every core; about six minutes on two ..."
	@$(BIN)/python -m pytest -n auto --dist loadscope --durations=10 $(ARGS)

deep: $(STAMP) ## run every chapter with other seeds, and plant the faults that take minutes
	@$(BIN)/python -m pytest -m deep -n auto tests
	@$(BIN)/python tests/verdicts.py $(filter-out chapters/*.ipynb,$(CHAPTERS))

lab: $(STAMP) ## open the chapters in JupyterLab
	@$(LAB)/chapters $(ARGS)

# What lies in play/ is the reader's: it is copied once, and never written over.
play: $(STAMP) ## open copies of the chapters in JupyterLab, to change at will
	@mkdir -p play; for chapter in $(CHAPTERS); do \
	  [ -e "play/$${chapter##*/}" ] || cp "$$chapter" play/ || exit 1; \
	done
	@echo "Your copies of the chapters are in $$(pwd)/play; delete one to get it anew."
	@$(LAB)/play $(ARGS)

serve: $(STAMP) ## show the built website on this machine (PORT=8000)
	@[ -f _build/html/index.html ] || $(MAKE) --no-print-directory book
	@echo "Serving the book at http://127.0.0.1:$(PORT)/ until Ctrl-C ..."
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT) \
	  || { echo "If port $(PORT) is taken, choose another: make serve PORT=8001" >&2; exit 1; }

# What a cell prints may arrive in one piece or in several; the second nbconvert joins them.
notebooks: $(STAMP) ## execute every chapter in place and clean it (CHAPTERS=chapters/one.ipynb)
	@for chapter in $(CHAPTERS); do \
	  echo "Executing $$chapter ..."; \
	  $(BIN)/python -m nbconvert --log-level=ERROR --to=notebook --inplace --execute \
	    --ExecutePreprocessor.kernel_name=python3 --ExecutePreprocessor.timeout=120 \
	    --ExecutePreprocessor.record_timing=False \
	    --ExecutePreprocessor.extra_arguments=--log-level=ERROR "$$chapter" \
	  && $(BIN)/python -m nbconvert --log-level=ERROR --coalesce-streams "$$chapter" \
	  && $(STRIP) "$$chapter" || exit 1; \
	done

lint: $(STAMP) ## check the code, its format, and that notebooks store no stray output
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m nbstripout --keep-count --verify chapters/*.ipynb || { \
	  echo "A chapter was run and saved: make notebooks CHAPTERS=chapters/one.ipynb keeps what you" >&2; \
	  echo "changed in it, git checkout chapters puts all of them back." >&2; exit 1; }

bench: $(STAMP) ## measure the speed of the helpers
	@$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove the built book and all caches; .venv stays
	@rm -rf _build build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -name .venv -prune -o -name .git -prune -o -type d \
	  \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# A virtual environment holds the absolute path of the folder that it was made in.
made_here = grep -qsF " $$(pwd -P)/.venv" .venv/pyvenv.cfg
$(STAMP): $(INPUTS) $(shell $(made_here) || echo moved)
	@rm -f $@
	@new_enough='import sys; sys.exit(sys.version_info < (3, 11))'; \
	if $(made_here) && $(BIN)/python -c "import pip; $$new_enough" 2>/dev/null; then \
	  echo "Renewing the packages in .venv ..."; \
	else \
	  python=; \
	  for each in $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11 python); do \
	    if "$$each" -c "$$new_enough" >/dev/null 2>&1; then python=$$each; break; fi; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "Python 3.11 or newer is needed, and $(if $(PYTHON),$(PYTHON) is not one,none was found)." >&2; \
	    echo "Install it (https://www.python.org/downloads/, or your system's package manager)," >&2; \
	    echo "or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; \
	  fi; \
	  if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python cannot make a virtual environment: its venv module is incomplete." >&2; \
	    echo "On Debian and Ubuntu: sudo apt install python3-venv. Then run make again." >&2; exit 1; \
	  fi; \
	  echo "Making .venv with $$("$$python" --version) ..."; \
	  "$$python" -m venv --clear .venv || exit 1; \
	  echo "Installing the packages (2 GB on disk): some minutes the first time ..."; \
	fi; \
	torch=$$(sed -n 's/^torch==//p' requirements.txt); \
	if [ "$$(uname -s)" = Linux ] && ! $(BIN)/python -c "from importlib.metadata import version; \
	    assert version('torch').split('+')[0] == '$$torch'" 2>/dev/null; then \
	  $(BIN)/python -m pip install --quiet --no-deps --retries 0 --timeout 15 \
	    --index-url $(TORCH_CPU) "torch==$$torch" >/dev/null 2>&1 || true; \
	fi; \
	build=$$($(BIN)/python -c 'import setuptools as s; print(s.__version__.split(".")[0])' 2>/dev/null); \
	[ "$${build:-0}" -ge 77 ] && build=--no-build-isolation || build=; \
	$(BIN)/python -m pip install --quiet $$build -r requirements.txt || { \
	  echo "The packages could not be installed; what pip said is above." >&2; \
	  echo "Without a network, or behind a proxy, pip needs a package index that it can reach:" >&2; \
	  echo "set HTTPS_PROXY or PIP_INDEX_URL, then run make again; it goes on from here." >&2; exit 1; }
	@touch $@
