# One list of commands for people and for CI. Needs make and Python 3.11 or newer, nothing else;
# judges and known-answers say what they need. ARGS is passed on: make test ARGS="-k settle -n 0"

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
UV := $(shell command -v uv || echo $(BIN)/uv)
COMPILE = $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-package federation-site --custom-compile-command "make lock" --quiet $(ARGS)
PYTEST = $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder
# What the first process compiles, the next hundred read: tests start many, and CI tests twice.
unexport PYTHONDONTWRITEBYTECODE
FOUND = command -v "$(PYTHON)" >/dev/null || \
	{ echo "There is no $(PYTHON) here. Install Python 3.11 or newer."; exit 1; }

.PHONY: demo test test-all thorough check lint types fix bench soak mutation judges browser test-browser graphiql client known-answers release lock main-env dev-env

demo: main-env   ## the whole story on this machine: hub, nodes, labs, sites, settlement
	@$(BIN)/federation demo $(ARGS)

test: dev-env   ## every behaviour, in a process more than there are cores, four at most; ARGS="-n 0 -k settle"
	@$(PYTEST) -m "not slow and not thorough" $(ARGS)

test-all: dev-env   ## what test leaves out: every crash, every known answer, the handbook
	@$(PYTEST) -m slow $(ARGS)

thorough: dev-env   ## the random searches of test-all with many times its examples; half an hour
	@$(PYTEST) -m thorough $(ARGS)

check: lint types test

lint: dev-env
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo

types: dev-env
	@$(BIN)/mypy
	@$(BIN)/mypy kit/client/examples
	@$(BIN)/mypy --explicit-package-bases tools bench
	@$(BIN)/pyright

fix: dev-env
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: dev-env
	@for script in bench/*.py; do echo "== $$script"; $(BIN)/python "$$script" $(ARGS) || exit 1; done

soak: dev-env   ## 10,000 random steps, crashes and all, and 2,000 wrong messages; ARGS="--steps 500 --seed 7"
	@$(BIN)/python tests/stateful/soak.py $(ARGS)

mutation: dev-env   ## break the pure rules one place at a time; docs/mutation.md says what survives
	@rm -rf mutants
	@$(BIN)/mutmut run --max-children 2 $(ARGS)
	@$(BIN)/python tools/mutation_score.py

judges: dev-env   ## outside judges: of journals (needs hledger), of GraphQL and OAuth (needs node and npm)
	@$(BIN)/python -m tools.judges.journals
	@cd tools/judges && npm install --silent --no-package-lock
	@$(BIN)/python tools/judges/run.py $(ARGS)
	@$(BIN)/python tools/judges/status_lists.py
	@$(BIN)/python tools/judges/signatures.py
	@$(BIN)/python tools/judges/gate.py
	@$(BIN)/python -m tests.site.stacks.runner workerd
	@$(BIN)/python -m tools.judges.breaking
	@$(BIN)/python -m tools.judges.entities
	@$(BIN)/python -m tools.judges.supergraph
	@$(BIN)/python -m tools.judges.sign_in
	@$(BIN)/python -m tools.judges.rsl
	@$(BIN)/python -m tools.judges.lab
	@$(BIN)/python -m tools.judges.webhooks
	@$(BIN)/python -m tools.judges.watching

browser: dev-env   ## look at GraphiQL as a person would (needs chromium, node, npm); ARGS=FOLDER keeps pictures
	@cd tools/browser && npm install --silent --no-package-lock
	@$(BIN)/python -m tools.browser.run $(ARGS)

test-browser: dev-env   ## every screen of the console, and the handbook's month (needs chromium, node, npm); ARGS="--all --pictures FOLDER"
	@cd tools/browser && npm install --silent --no-package-lock
	@$(BIN)/python -m pytest -n 2 --dist loadscope -k "not postgres" tests/console/browser*.py $(ARGS)

graphiql: dev-env   ## fetch again what servers serve of GraphiQL, in the versions that tools/graphiql.py names (needs npm)
	@$(BIN)/python -m tools.graphiql

client: dev-env   ## write again what follows of the client from the hub's schema and kit/client/lab.graphql
	@$(BIN)/python -m tools.client.write $(ARGS)

known-answers: main-env   ## real scenarios beside the checkout, compared with what is known
	@$(BIN)/python tools/known_answers.py --real $(ARGS)

release: dev-env   ## wheels, source, bill of materials and digests in dist/; ARGS="--draft --try" installs and runs them
	@$(BIN)/python -m tools.release $(ARGS)

lock:   ## pin again what pyproject.toml asks for; ARGS=--upgrade takes newer versions
	@test -x "$(UV)" || $(BIN)/python -m pip install --quiet uv
	@$(COMPILE) --output-file requirements/main.lock
	@$(COMPILE) --group dev --output-file requirements/dev.lock

main-env dev-env: %-env:
	@$(FOUND)
	@$(PYTHON) tools/environment.py $*
