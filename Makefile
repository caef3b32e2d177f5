# twinmx: `make help` lists every task. Two of them are enough to begin: make up, make test.

INVENTORY ?= inventory/lab.py
BIN := .venv/bin
# flags of a converge or plan, as in: make converge DATA="primary=mx2 workers=12"
FLAGS = $(foreach flag,$(DATA),--data $(flag))
# in the lab a real message passes through each host before the next one is touched
GATE = $(if $(filter inventory/lab.py,$(INVENTORY)),--gate "$(BIN)/python -m lab probe --host {name}")
CHECKED := bench controller deploy.py drills inventory lab roles src tests

.DEFAULT_GOAL := help
.PHONY: help up down test test-long faults rolling rotation recovery incidents drill drills fuzz check format converge plan drift unchanged probe status mxctl ssh logs lock bench bench-fleet

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/ready: requirements/controller.txt pyproject.toml bin/bootstrap
	@bin/bootstrap

up: .venv/ready ## set everything up: the lab, mx1 and mx2 converged, a message through both
	@$(BIN)/python -m lab up
	@$(MAKE) --no-print-directory converge
	@$(BIN)/python -m lab probe

down: ## remove the lab: containers, network, volume, image, build/lab
	@test ! -x $(BIN)/python || $(BIN)/python -m lab down

test: up ## all tests: unit, plan, fresh pair, second converge, hosts, mail
	@$(BIN)/python -m tests.run

test-long: test ## all tests, then every fault case, change, rotation, and ten minutes of fuzzing (three hours)
	@$(BIN)/python -m tests.faults
	@$(BIN)/python -m tests.rolling
	@$(BIN)/python -m tests.rotation
	@$(BIN)/python -m tests.recovery
	@$(BIN)/python -m tests.fuzz --seconds 600

faults: .venv/ready ## every fault case with a ledger: what was lost, repeated, delayed, refused
	@$(BIN)/python -m tests.faults $(CASES)

rolling: .venv/ready ## converges, rollbacks, a replaced host under load, with a ledger: CASES="'…' '…'" for some
	@$(BIN)/python -m tests.rolling $(CASES)

rotation: .venv/ready ## each secret rotated under load, with a ledger
	@$(BIN)/python -m tests.rotation $(CASES)

recovery: .venv/ready ## backup, a dying host, a broken disk, a lost host, under load, with a ledger
	@$(BIN)/python -m tests.recovery $(CASES)

incidents: .venv/ready ## each incident left to the hosts: how soon seen, acted upon and over (about three hours)
	@$(BIN)/python -m tests.incidents $(CASES)

drill: .venv/ready ## replay an incident: make drill NAME=june-2021 [VARIANT=now|then|both] [SHORT=1]; without NAME, list them
	@$(BIN)/python -m drills $(if $(NAME),run $(NAME) --variant $(or $(VARIANT),both) $(if $(SHORT),--short),list)

drills: .venv/ready ## every drill, now and then, with a report of each in build/drills (hours)
	@$(BIN)/python -m drills run --variant $(or $(VARIANT),both)

fuzz: .venv/ready ## let the fuzzers run: make fuzz SECONDS=600
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60)

check: .venv/ready ## lint, types and unit tests: no hosts needed, seconds
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/ruff format --check -q $(CHECKED)
	@$(BIN)/mypy $(CHECKED)
	@$(BIN)/pytest -q --numprocesses=auto --dist=worksteal tests/unit tests/plan

format: .venv/ready ## let ruff put the code in order
	@$(BIN)/ruff check --fix $(CHECKED)
	@$(BIN)/ruff format $(CHECKED)

converge: .venv/ready ## bring INVENTORY's hosts to what it says, one after another (DATA="flag=value …")
	@bin/twinmx converge $(INVENTORY) $(FLAGS) $(GATE)

plan: .venv/ready ## show what a converge would change; "Error 2" says that something would (DATA="flag=value …")
	@bin/twinmx plan $(INVENTORY) $(FLAGS)

drift: .venv/ready ## show what somebody changed by hand on INVENTORY's hosts; "Error 2" says that something differs
	@bin/twinmx drift $(INVENTORY) $(FLAGS)

unchanged: .venv/ready ## converge again and fail unless nothing had to be changed
	@bin/twinmx unchanged $(INVENTORY) $(FLAGS)

probe: .venv/ready ## send a message through each lab exchanger and show its way
	@$(BIN)/python -m lab probe

status: .venv/ready ## what there is of the lab
	@$(BIN)/python -m lab status

mxctl: .venv/ready ## ask all exchangers: make mxctl CMD="status"; to change: CMD="drain" HOST=mx1 (or ALL=1)
	@bin/twinmx mxctl $(INVENTORY) $(foreach host,$(HOST),--host $(host)) $(if $(ALL),--all) \
	  -- $(or $(CMD),--help)

ssh: ## a shell on a lab host: make ssh HOST=mx1
	@ssh -F build/lab/ssh_config $(or $(HOST),$(error say which one: make ssh HOST=mx1))

logs: ## follow the mail logs of a lab host: make logs HOST=mx1
	@ssh -F build/lab/ssh_config $(or $(HOST),$(error say which one: make logs HOST=mx1)) \
	  journalctl -f -n 50 -u 'postfix*' -u 'gate@*' -u 'forwarder@*' -u rspamd -u spamd

bench: .venv/ready ## measure: a no-op converge, one forwarder, a million aliases, the whole path (about 20 minutes)
	@$(BIN)/python -m bench.converge
	@$(BIN)/python -m bench.forwarder
	@$(BIN)/python -m bench.aliases
	@$(BIN)/python -m bench.mailpath

bench-fleet: .venv/ready ## measure no-op converges of 1 to 8 hosts against Ansible, on the fleet (about two hours)
	@$(BIN)/python -m bench.fleet

lock: .venv/ready ## pin every dependency anew, with hashes
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --upgrade requirements/controller.in -o requirements/controller.txt
	@$(BIN)/uv pip compile -q --python-version 3.13 --python-platform x86_64-manylinux_2_28 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --upgrade requirements/hosts.in -o requirements/hosts.txt
