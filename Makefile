# Two commands: `make up` (a running cluster on this machine) and `make test` (every test there is).
# Both install what they need on the host first; run them as root or with sudo at hand.

CONF ?= conf/meta.yml
TARGET := $(shell rustc -vV | sed -n 's/^host: //p')
STY := target/$(TARGET)/release/sty
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo,)

.PHONY: help up down build deps deps-test compile-parts test lint test-pure test-parts test-nodes soak drills bench docs

help:
	@echo "make up [CONF=conf/full.yml]   build sty, make a sandbox, deploy, say how to connect"
	@echo "make down                      remove every sandbox that 'make up' made"
	@echo "make test                      the tests, with real nodes (half an hour and more)"
	@echo "make test-pure                 tests without nodes (a minute)"
	@echo "make test-parts                single parts against the real thing (some minutes)"
	@echo "make test-nodes STORY=name     one story on real nodes"
	@echo "make soak [RUNS=30] [SEED=n]   faults by chance, one after the other (about half an hour)"
	@echo "make drills [RUNS=10]          the figures in docs/reference/measured.md (hours)"
	@echo "make bench                     the figures in docs/benchmarks.md"
	@echo "make docs                      write the generated references"

up: build
	$(SUDO) $(STY) up $(CONF)

down: build
	$(SUDO) $(STY) down

build: deps
	cargo build --release --package sty

deps:
	@scripts/deps

# What the tests of single parts use on the host: an sshd and a PostgreSQL server of their own.
deps-test:
	@scripts/deps openssh-server openssl postgresql

# Stories wait for boots, leases and checks: everything else runs beside them. What compiles does so
# in time that they leave.
test: deps deps-test build
	scripts/beside "nice -n 19 $(MAKE) lint test-pure compile-parts && $(MAKE) test-parts" \
	  "$(MAKE) test-nodes"

lint:
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings

# No root, no network, no machine but this one.
test-pure:
	cargo test --package sty-core --package sty-inventory --package sty-catalog --package sty-wire \
	  --package sty-desired --package sty-plan --package sty-drill --package sty
	cargo test --lib --package sty-node --package sty-engine --package sty-repo --package sty-sandbox

# Single parts against the real thing: a PostgreSQL server, an sshd, apt, sandbox nodes.
PARTS := --test '*' --package sty-node --package sty-engine --package sty-repo --package sty-sandbox

compile-parts: deps
	cargo build --package sty-engine --example node
	cargo test --no-run $(PARTS)

test-parts: compile-parts deps-test
	$(SUDO) env "PATH=$$PATH" scripts/within 1200 cargo test $(PARTS) -- --test-threads=2

# Stories on real nodes, each in a sandbox of its own; two at a time, or the one that is named.
test-nodes: build
	$(STY) docs --check
	$(SUDO) env "PATH=$$PATH" "STY_BIN=$(CURDIR)/$(STY)" scripts/stories $(STORY)

# Not part of the tests: what it breaks, and in which order, is chance.
soak: build
	$(SUDO) env "PATH=$$PATH" "STY=$(CURDIR)/$(STY)" "RUNS=$(RUNS)" "SEED=$(SEED)" scripts/soak

drills: build
	@scripts/deps jq
	$(SUDO) env "PATH=$$PATH" "STY=$(CURDIR)/$(STY)" "RUNS=$(RUNS)" "FAULTS=$(FAULTS)" scripts/drills $(PLANS)
	$(STY) docs

bench: build
	@scripts/deps time
	$(SUDO) env "PATH=$$PATH" "STY=$(CURDIR)/$(STY)" scripts/bench

docs: build
	$(STY) docs
