# The words of the house; `make` alone lists them. Tools are pinned in tools/
# and built on first use, outside the checkout.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Time that `make fuzz` gives each target.
FUZZTIME ?= 1s
# The benchmarks of `make bench`, by their names, and the commit that it compares
# with in place of the baseline's.
BENCH ?= .
OLD ?=
# What `make load` measures: group, loginstorm, backlog or presence; RATE gives a rate, and
# LOADFLAGS what else bin/load takes (-h).
SCENARIO ?=
RATE ?=
LOADFLAGS ?=
# The script of loadtest/k6 that `make k6` runs, and more flags for k6. Its options, such as EDGES,
# VUS and DURATION, are variables as well.
SCRIPT ?= chat
K6FLAGS ?=
# What `make compare` compares (bin/compare -h): all by default.
TRIALS ?=
SERVERS ?=
# What else `make swarm` gives bin/swarm (-h); SCENARIO is one of its own.
FLAGS ?=
# What must stay covered: files by their path in the module, and per cent.
COVER_PACKAGES := ./lime ./edge
COVER_GATES := ^lime/=90 ^edge/session=90
# What `make fault` draws its faults from, and for how long it sends messages.
SEED ?= 1
DURATION ?= 10m
# How many sessions an edge takes that `make scale` fills.
SESSIONS ?= 2000
# Where `make connectors` finds the package aioconnectors: a folder that has it, or . for what is installed for
# PYTHON. Its connectors send a file of FILE bytes, and BURST messages at once.
PACKAGE ?= .
PYTHON ?= python3
FILE ?= 104857600
BURST ?= 3000
# For how long `make hooks` has an endpoint away, and `make kiosk` a network, and how often the one.
AWAY ?= 1m
ROUNDS ?= 1

.PHONY: help
help: ## list these words
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## install what the checks need besides Go
	@tools/deps
	@tools/build golangci-lint gotestsum nats-server toxiproxy k6 image compose manifests >/dev/null
	@go -C tools/crds mod download

# What a cluster of real processes consists of, and what else SERVERS or FLAGS name. No word for people.
.PHONY: deps-cluster
deps-cluster:
	@tools/deps redis $(findstring mosquitto,$(SERVERS) $(FLAGS))
	@tools/build nats-server >/dev/null

# What a cluster under faults needs besides: a clock that can be turned, and what cuts and slows networks.
.PHONY: deps-fault
deps-fault: deps-cluster
	@tools/deps gcc network
	@tools/build toxiproxy >/dev/null

.PHONY: fmt
fmt: ## format the Go code
	@find . -name node_modules -prune -o -name '*.go' -print0 | \
		xargs -0 -r "$$(tools/build gofumpt)" -l -w

.PHONY: vet
vet: ## go vet
	go vet -tags connectors ./...

.PHONY: lint
lint: ## golangci-lint, formatting included
	"$$(tools/build golangci-lint)" run ./...
	lint="$$(tools/build golangci-lint)" && cd e2e/limego && "$$lint" run

.PHONY: tidy
tidy: ## fail when go.mod or go.sum is not tidy
	go mod tidy -diff
	go -C e2e/limego mod tidy -diff

.PHONY: cross
cross: ## what a build for a system without epoll would say
	typecheck="$$(tools/build typecheck)" && GOOS=darwin CGO_ENABLED=0 "$$typecheck" ./...

.PHONY: docs
docs: ## docs/configuration.md, of the code
	go test -count=1 ./internal/config -run '^TestPageOfSettingsIsThatOfTheCode$$' -write

.PHONY: vendored
vendored: ## whether web/uplot is what npm has, by its checksums there
	tools/vendored web/uplot

.PHONY: cover
cover: ## statement coverage of what has a threshold
	@mkdir -p bin
	go test -vet=off -coverprofile=bin/cover.out $(COVER_PACKAGES)
	@tools/cover bin/cover.out '$(subst $() ,' ',$(COVER_GATES))'

.PHONY: coverage
coverage: ## what of the protocols' checklists is served, and by what it is tested
	@go run ./internal/coverage/cmd/coverage

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME=1s
	tools/fuzz $(FUZZTIME)

.PHONY: model
model: ## the model of stored delivery, some hundred thousand runs
	go test -count=1 ./routing/delivery -run Interleaving -rapid.checks=500000 -rapid.steps=100
	go test -count=1 ./routing/delivery -run Share -rapid.checks=100000 -rapid.steps=100

.PHONY: bench
bench: ## benchmarks BENCH=. beside those of the baseline's commit (or OLD=), as ratios
	go run ./internal/bench/cmd/bench -bench '$(BENCH)' -old '$(OLD)' -benchstat "$$(tools/build benchstat)"

.PHONY: allocs
allocs: ## what benchmarks allocate, held against the baseline
	go run ./internal/bench/cmd/bench -allocs

.PHONY: baseline
baseline: ## renew the baseline of `make bench` and `make allocs`
	go run ./internal/bench/cmd/bench -renew

.PHONY: e2e
e2e: deps ## the end-to-end tests alone
	tools/race ./e2e/...

.PHONY: memory
memory: deps-cluster ## what 15,000 idle sessions cost an edge, 5,000 in TLS, and what one consists of
	@go test -count=1 -run '^TestSizesOfWhatEverySessionHas$$' -v ./edge/poll ./edge ./routing | sed -n 's/^ *[a-z_]*test.go:[0-9]*: //p'
	go test -count=1 -run '^TestMemoryOfIdleSessions$$' -v ./e2e -sessions 15000 -rest 1m
	go test -count=1 -run '^TestMemoryOfIdleSessionsInTLS$$' -v ./e2e -sessions 5000 -rest 1m

.PHONY: files
files: deps-cluster ## a file of a gibibyte through three edges, two of them killed, and the memory that it takes
	go test -count=1 -timeout 15m -run '^TestFileOutlivesItsEdges$$' -v ./e2e -file-size 1073741824

.PHONY: connectors
connectors: deps-cluster ## connectors of the Python package aioconnectors itself, at two edges: PACKAGE=folder, or . for what PYTHON= has
	go test -count=1 -timeout 20m -tags connectors -run '^TestConnectorsOfThePackage$$' -v ./e2e -connectors-package '$(PACKAGE)' -connectors-python '$(PYTHON)' -connectors-file $(FILE) -connectors-burst $(BURST)

.PHONY: prices
prices: deps-cluster ## what syncing costs NATS and Redis, and what waits
	go test -count=1 -timeout 15m -run '^Test(PricesOfSyncing|CostOfWaitingMessages)$$' -v ./e2e -price-rounds 3 -price-seconds 2 -waiting 200000

.PHONY: backup
backup: deps-cluster ## streams that are backed up and restored by the command nats, which is built for it
	@tools/build natscli >/dev/null
	go vet -tags backup ./e2e
	go test -tags backup -count=1 -run '^Test(BackupIsRestored|OperatorMayBackUp)$$' -v ./e2e

.PHONY: pictures
pictures: deps-cluster ## docs/images/terminal*.svg, of `lime chat` in real terminals
	@tools/deps tmux
	go test -count=1 -run '^TestChatInATerminal$$' ./e2e -pictures ../docs/images

.PHONY: hooks
hooks: deps-cluster ## an endpoint of the platform that is away for AWAY=1m, ROUNDS=1 times, under load
	go test -count=1 -timeout 20m -run '^TestEndpointThatWasKilledGetsEverything$$' -v ./e2e -webhook-away $(AWAY) -webhook-rounds $(ROUNDS)

.PHONY: kiosk
kiosk: deps-cluster ## a program with a spool that is killed while its network is away for AWAY=1m
	go test -count=1 -timeout 20m -run '^TestProgramThatIsKilledWithoutANetworkLosesNothing$$' -v ./e2e -spool-away $(AWAY)

.PHONY: fault
fault: deps-fault ## a cluster under faults for DURATION=10m, drawn from SEED=1
	@mkdir -p bin
	go build -o bin/ ./e2e/fault/cmd/fault
	bin/fault -seed $(SEED) -duration $(DURATION)

.PHONY: rolling
rolling: deps-fault ## 20 rolling restarts of all edges under 1,000 messages a second
	@mkdir -p bin
	go build -o bin/ ./e2e/fault/cmd/fault
	bin/fault -seed $(SEED) -rolling 20 -rate 1000

.PHONY: load
load: deps-cluster ## a cluster under load that is LIME's own: SCENARIO=group RATE=
	@mkdir -p bin
	go build -o bin/ ./e2e/load/cmd/load
	bin/load -scenario $(or $(SCENARIO),group) $(if $(RATE),-rate $(RATE)) $(LOADFLAGS)

.PHONY: scale
scale: deps-cluster ## three full edges, three more, and three less: SESSIONS=2000 each
	@tools/deps prometheus
	@tools/build manifests >/dev/null
	go test -count=1 -timeout 20m -run '^TestScaleOutAndIn$$' -v ./e2e/scale -sessions $(SESSIONS) -pairs 100

.PHONY: compare
compare: deps-cluster ## the same loads on other servers: TRIALS= SERVERS= FLAGS=
	@mkdir -p bin
	go build -o bin/ ./loadtest/compare
	bin/compare $(if $(TRIALS),-trials $(TRIALS)) $(if $(SERVERS),-servers $(SERVERS)) $(FLAGS)

.PHONY: swarm
swarm: deps-cluster ## very many clients: SCENARIO=pairs FLAGS='-pairs 200 -window 16'
	@mkdir -p bin
	go build -o bin/ ./loadtest/swarm
	bin/swarm -scenario $(or $(SCENARIO),pairs) $(FLAGS)

.PHONY: table
table: deps-cluster ## measure the table of loadtest/README.md, and write it: ROWS=hold,burst
	@mkdir -p bin
	go build -o bin/ ./loadtest/swarm ./cmd/edge ./cmd/router
	go run ./loadtest/table/cmd/table $(if $(ROWS),-rows $(ROWS))

.PHONY: k6
k6: ## load by k6 on EDGES=ws://127.0.0.1:8080: SCRIPT=chat, ramp, group, storm or soak
	"$$(tools/build k6)" run --no-usage-report --address '' $(K6FLAGS) loadtest/k6/$(SCRIPT).js

.PHONY: k8s
k8s: ## the image, compose.yaml and k8s/, against the programs
	@tools/deps redis
	@tools/build nats-server image compose manifests >/dev/null
	@go -C tools/crds mod download
	go test -count=1 ./e2e/deploy

.PHONY: k8s-api
k8s-api: ## k8s/ on a real API server, as a dry run; builds Kubernetes and etcd, which takes long
	@tools/build manifests etcd kube-apiserver >/dev/null
	go run ./e2e/deploy/cmd/api

.PHONY: k8s-hpa
k8s-hpa: ## the autoscaler of Kubernetes itself decides about edges; builds it and prometheus-adapter, which takes long
	@tools/deps prometheus
	@tools/build manifests etcd kube-apiserver kube-controller-manager prometheus-adapter >/dev/null
	go run ./e2e/deploy/cmd/hpa

# Clusters under faults have to be back in time, and mostly wait for that: they run one after the
# other, and behind them what only computes.
.PHONY: test-fault
test-fault: deps-fault
	tools/behind 'tools/race -p 1 ./e2e/fault/...' 'make deps vet lint tidy cross allocs'

# The tests come last, so that their count is the last thing to be read.
.PHONY: test
test: test-fault cover fuzz ## every check, as CI runs it
	tools/race $$(go list ./... | grep -v '/e2e/fault\(/\|$$\)')
