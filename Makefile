.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# What is added to a command: make run ARGS='--port 9000', make test PYTEST='-k online', make test SWIFT_TEST='--filter Tokens',
# make bench CASES='1 3' PEERS='muster raw' ARGS='--json bench.json'.
ARGS ?=
PYTEST ?=
SWIFT_TEST ?=
FUZZ_SECONDS ?= 60
MINUTES ?= 60
CASES ?=
PEERS ?=
# The stack of make deploy and make destroy, where its packages go, and parameters of its template: PARAMETERS='LogLevel=debug'.
export STACK ?= muster
export BUCKET ?=
export PARAMETERS ?=
export CONFIRM ?=

HANDLERS := Connect Disconnect Default JoinRoom LeaveRoom SendMessage Heartbeat Online History Cleanup Fanout Authorizer Publish

# The checked builds treat warnings as errors. They have a folder of their own: other flags in the same one rebuild everything.
CHECKED := --scratch-path .build/checked -Xswiftc -warnings-as-errors
BIN ?= .build/release
# Linked statically and without checks of exclusive access, which the checked builds make, the simulator is a quarter faster.
SIMULATE := --scratch-path .build/simulate --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked
DIST ?= dist

# Debian's Python, which has the venv module of the package below whatever else is on the PATH.
PYTHON := /usr/bin/python3
REQUIREMENTS := Tests/e2e/requirements.txt

BUILD_PACKAGES := libsqlite3-dev libssl-dev pkg-config
TEST_PACKAGES := $(BUILD_PACKAGES) python3 python3-venv node-ws tmux util-linux openssl libcurl4
PACKAGE_PACKAGES := $(BUILD_PACKAGES) python3 binutils
BENCH_PACKAGES := python3 nats-server nginx libnginx-mod-nchan node-ws

# Installs what is missing of $(1), once at a time on a machine; with nothing missing it neither needs root nor a network.
define install
missing=; for name in $(1); do \
  dpkg-query -W -f '$${db:Status-Abbrev}' "$$name" 2>/dev/null | grep -q '^ii' || missing+=" $$name"; done; \
[ -z "$$missing" ] || { \
  echo "installing$$missing"; \
  root=; [ "$$(id -u)" = 0 ] || root=sudo; \
  apt="$$root env DEBIAN_FRONTEND=noninteractive flock /var/lib/dpkg apt-get -qq -o DPkg::Lock::Timeout=600"; \
  apt-cache show $$missing >/dev/null 2>&1 || $$apt update; \
  log=$$(mktemp); \
  $$apt install -y --no-install-recommends $$missing >"$$log" 2>&1 </dev/null || \
    { $$apt update && $$apt install -y --no-install-recommends $$missing >"$$log" 2>&1 </dev/null; } || \
    { cat "$$log" >&2; rm -f "$$log"; exit 1; }; \
  rm -f "$$log"; }
endef

.PHONY: help run test handlers package deploy destroy bench bench-table bench-send bench-tokens leaks crashes conformance fuzz tsan simulate mutants soak clean build-packages package-packages test-packages bench-packages release checked

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: release ## Builds and runs the server; ARGS='--port 9000' passes flags
	@exec .build/release/muster serve $(ARGS)

test: checked package .venv/.stamp .venv/aws4_testsuite/.stamp ## Builds without warnings, runs the Swift tests, then the end-to-end tests
	SWIFT_DETERMINISTIC_HASHING=1 MUSTER_SIGV4_VECTORS=$(CURDIR)/.venv/aws4_testsuite \
	  .venv/bin/python Tests/e2e/emulator.py swift test $(CHECKED) $(SWIFT_TEST)
	MUSTER_BINARY=$(CURDIR)/.build/checked/release/muster MUSTER_HANDLERS_FOLDER=$(CURDIR)/.build/checked/handlers \
	  MUSTER_DIST=$(CURDIR)/dist .venv/bin/python -m pytest Tests/e2e $(PYTEST)

handlers: release ## Lays the handlers out as dist/<Handler>/bootstrap, for muster serve --handlers dist
	@$(MAKE) lay-out

package: package-packages ## Builds the functions for AWS Lambda as dist/<Handler>.zip, for this machine's architecture
	@deploy/package $(HANDLERS)

deploy: package release ## Deploys to AWS with its CLI; STACK=muster BUCKET=… PARAMETERS='StageName=live …', MUSTER_JWT_SECRET
	@deploy/deploy

destroy: ## Deletes what make deploy made, the table too; STACK=muster CONFIRM=muster
	@deploy/destroy

bench: release bench-packages .build/bench/client .build/bench/raw ## Compares with other servers; CASES='1 3' PEERS='muster raw' choose
	@$(PYTHON) Tests/bench/bench.py --cases '$(CASES)' --peers '$(PEERS)' $(ARGS)

bench-table: | build-packages ## Measures the table alone
	MUSTER_BENCHMARK=1 swift test -c release --scratch-path .build/bench/tests -Xswiftc -enable-testing --filter TableBenchmark

bench-send: | build-packages ## Measures what a sendMessage costs its function beside libcurl and the network
	MUSTER_BENCHMARK=1 swift test -c release --scratch-path .build/bench/tests -Xswiftc -enable-testing --filter SendBenchmark

bench-tokens: | build-packages ## Measures what verifying a token costs a processor
	MUSTER_BENCHMARK=1 swift test -c release --scratch-path .build/bench/tests -Xswiftc -enable-testing --filter TokenBenchmark

BENCH_CLIENT := $(addprefix Tests/bench/,client.c cases.c connections.c wire.c figures.c)

.build/bench/client: $(BENCH_CLIENT) Tests/bench/client.h
	@mkdir -p $(@D)
	clang -O2 -Wall -Wextra -Werror -o $@ $(BENCH_CLIENT)

.build/bench/raw: Tests/bench/raw.c
	@mkdir -p $(@D)
	clang -O2 -Wall -Wextra -Werror -o $@ $<

leaks: release .venv/.stamp ## Connects and leaves in every way, and looks for what is left; CONNECTS=1000000 (the default)
	MUSTER_CONNECTS=$(or $(CONNECTS),1000000) .venv/bin/python -m pytest Tests/e2e/test_leaks.py $(PYTEST)

crashes: release .venv/.stamp ## Kills the server under load again and again, and damages its files; ROUNDS=100 (the default)
	@$(MAKE) lay-out DIST=.build/release-handlers
	MUSTER_BINARY=$(CURDIR)/.build/release/muster MUSTER_HANDLERS_FOLDER=$(CURDIR)/.build/release-handlers \
	  MUSTER_CRASH_ROUNDS=$(or $(ROUNDS),100) .venv/bin/python -m pytest \
	  Tests/e2e/test_crashes.py Tests/e2e/test_torn_writes.py Tests/e2e/test_disk.py $(PYTEST)

soak: release .venv/.stamp ## Runs a server for MINUTES=60 while clients come and go, and looks whether anything grows; ARGS='--rate 20 --churn 3'
	@MUSTER_BINARY=$(CURDIR)/.build/release/muster .venv/bin/python Tests/soak/soak.py --minutes $(MINUTES) $(ARGS)

conformance: release ## Runs Autobahn|Testsuite against muster echo; PYTHON27=/path names its Python 2.7
	@$(PYTHON) Tests/conformance/autobahn.py .build/release/muster .venv-conformance

simulate: | build-packages ## Runs the whole service from seeds, and looks for an invariant that does not hold; SEEDS=1-2000, SECONDS=60 or SEED=42
	swift build -c release --product simulate $(SIMULATE)
	@.build/simulate/release/simulate $(if $(SEED),--seed $(SEED),$(if $(SECONDS),--seconds $(SECONDS),--seeds $(or $(SEEDS),1-2000))) $(ARGS)

# What is preloaded is only for the tests: beside them it would be in the compiler too.
tsan: | build-packages ## Runs the gateway's tests under the thread sanitizer; SWIFT_TEST='--filter ManagementTests'
	swift build --build-tests --sanitize=thread --scratch-path .build/tsan
	clang -O1 -Wall -Wextra -Werror -shared -fPIC -o .build/tsan/mutex.so Tests/tsan/mutex.c -ldl
	SWIFT_BACKTRACE=enable=no LD_PRELOAD=$(CURDIR)/.build/tsan/mutex.so TSAN_OPTIONS='halt_on_error=0 exitcode=66' \
	  swift test --skip-build --sanitize=thread --scratch-path .build/tsan $(or $(SWIFT_TEST),--filter GatewayTests)

fuzz: | build-packages ## Fuzzes all that comes from outside, two targets at a time; FUZZ_SECONDS=600 for each
	@FUZZ_SECONDS=$(FUZZ_SECONDS) Tests/fuzz/fuzz.sh

mutants: | build-packages ## Switches every seeded bug on, one at a time, and lets the simulator find it; ARGS='--only NAME'
	@$(PYTHON) Tests/Simulator/mutants/run.py $(ARGS)

clean: ## Removes everything that was built
	rm -rf .build dist .venv .venv-conformance Tests/e2e/__pycache__ .pytest_cache
	find Tests/Simulator/mutants -name __pycache__ -exec rm -rf {} +

release: | build-packages
	swift build -c release

checked: | build-packages
	swift build -c release $(CHECKED)
	@$(MAKE) lay-out BIN=.build/checked/release DIST=.build/checked/handlers

# A new file each time: a running child keeps the one it was started from.
.PHONY: lay-out
lay-out:
	@for name in $(HANDLERS); do mkdir -p $(DIST)/$$name; install -m 755 $(BIN)/$$name $(DIST)/$$name/bootstrap; done

build-packages:
	@$(call install,$(BUILD_PACKAGES))

package-packages:
	@$(call install,$(PACKAGE_PACKAGES))

test-packages:
	@$(call install,$(TEST_PACKAGES))

bench-packages:
	@$(call install,$(BENCH_PACKAGES))

# Made beside its place and moved there, so that a broken installation is never taken for one that is there.
.venv/.stamp: $(REQUIREMENTS) | test-packages
	@cmp -s $(REQUIREMENTS) .venv/.stamp && touch .venv/.stamp || { \
	  rm -rf .venv; $(PYTHON) -m venv .venv; \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS); \
	  cp $(REQUIREMENTS) .venv/.stamp; }

# The public vectors of Signature Version 4, which botocore's source carries. Unpacked beside their place and moved there last.
BOTOCORE := 1.43.106

.venv/aws4_testsuite/.stamp: .venv/.stamp
	@[ "$$(cat $@ 2>/dev/null)" = $(BOTOCORE) ] && touch $@ || { \
	  rm -rf .venv/aws4_testsuite .venv/vectors; mkdir .venv/vectors; \
	  .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
	    --dest .venv/vectors botocore==$(BOTOCORE); \
	  tar -xzf .venv/vectors/botocore-$(BOTOCORE).tar.gz -C .venv/vectors --strip-components=4 \
	    botocore-$(BOTOCORE)/tests/unit/auth/aws4_testsuite; \
	  echo $(BOTOCORE) >.venv/vectors/aws4_testsuite/.stamp; \
	  mv .venv/vectors/aws4_testsuite .venv/aws4_testsuite; rm -rf .venv/vectors; }
