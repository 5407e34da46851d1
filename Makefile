# make run   a city on http://localhost:8080, after doing all of its own set-up
# make test  everything that must hold, in under 15 minutes on two cores
.DEFAULT_GOAL := build
SHELL := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
INFLUX_VERSION := 1.8.10
ARGS ?=
DURATION ?= 10m
CITY ?=
LOAD ?=
OUTAGE ?=

.PHONY: build run test test-long check web influxd deps deps-test bench bench-city bench-load bench-outage clean pictures

## build: bin/dianchi, with the web pages if npm is there
build: deps web
	@echo "building bin/dianchi (the first time takes a minute or two)"
	@go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/dianchi .

## run: the whole platform with a simulated city; ARGS="--http :9090" adds flags
run: build
	@if [ ! -x bin/influxd ]; then \
	  echo "building InfluxDB $(INFLUX_VERSION) behind the running platform: history answers once it is there"; \
	  ( $(MAKE) --no-print-directory influxd >bin/influxd-build.log 2>&1 \
	    || echo "InfluxDB did not build: see bin/influxd-build.log; live pages go on without history" ) & \
	fi; \
	exec bin/dianchi --demo $(ARGS)

## influxd: the bundled store, built from its Go module
influxd: bin/influxd
bin/influxd: internal/influxd/build/go.mod internal/influxd/build/go.sum
	@mkdir -p bin
	cd internal/influxd/build && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(INFLUX_VERSION)" \
	  -o $(CURDIR)/bin/.influxd.new github.com/influxdata/influxdb/cmd/influxd
	@mv bin/.influxd.new $@

## web: the pages; without npm the plain ones are served
web: dashboard/dist/.built
dashboard/dist/.built: $(shell find dashboard/web -type f -not -path '*/node_modules/*' 2>/dev/null) \
  docs/quality.md docs/alarms.md docs/rules.md
	@scripts/web.sh

## deps: what building needs; deps-test: what the tests need on top
deps:
	@scripts/deps.sh build
deps-test: deps
	@scripts/deps.sh test

## test: vet, unit and whole-program tests with the real broker, store and browser
test: deps-test build influxd
	@scripts/test.sh

## test-long: the race detector everywhere and longer random runs
test-long: deps-test build influxd
	go test -race -timeout 60m ./...
	DIANCHI_LONG=1 go test -timeout 60m ./...

## check: format and vet, and what .golangci.yml names where golangci-lint is installed
check:
	! gofmt -l $$(git ls-files '*.go') | grep .
	go vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo "golangci-lint is not here: its linters did not run"; fi

## bench: Go benchmarks, a second each; whole-system programs are under bench/
bench:
	go test -run '^$$' -bench . -benchtime 1s ./...

## bench-city: the whole city for DURATION; CITY="--vehicles 2000 --piles 2000" makes it smaller
bench-city: deps influxd
	@go run ./bench/city --duration $(DURATION) $(CITY)

## bench-load: 40,000 reports/s for 5 minutes; LOAD="--scale 50000,100000,200000 --duration 2m", LOAD="--cadence 30s --late 4"
bench-load: deps influxd
	@go run ./bench/load $(LOAD)

## torture: every plug pulled under load for DURATION, then everything compared; TORTURE="--seed 7" repeats a run
TORTURE ?=
.PHONY: torture
torture: deps-test influxd
	@go run ./bench/torture --duration $(DURATION) $(TORTURE)

## bench-outage: InfluxDB away for DURATION at 13,333 reports/s; OUTAGE="--vehicles 20000 --piles 20000" makes it smaller
bench-outage: deps influxd
	@go run ./bench/outage --duration $(DURATION) $(OUTAGE)

## bench-restart: kill -9 under 13,333 and 40,000 reports/s, time of the next start; RESTART="--objects 20000 --cadence 10s"
.PHONY: bench-restart
bench-restart: deps influxd
	@go run ./bench/restart $(RESTART)

## bench-crowd: 200,000 websockets at 12 replicas for 5 minutes; CROWD="--viewers 5000 --replicas 2 --duration 20s" is small
CROWD ?=
.PHONY: bench-crowd
bench-crowd: deps influxd
	@go run ./bench/crowd $(CROWD)

## bench-decode: our decoder beside JSON libraries, in turns; a module of its own has the libraries
.PHONY: bench-decode
bench-decode:
	@cd bench/decode && go run . $(ARGS)

## bench-push: 15,000 moving viewers on one process beside its floor and centrifuge; PUSH="--viewers 2000 --duration 20s"
PUSH ?=
.PHONY: bench-push
bench-push:
	@go build -o bin/bench-push ./bench/push && bin/bench-push $(PUSH); status=$$?; rm -f bin/bench-push; exit $$status

## fuzz: every fuzz target, DURATION together; PARALLEL=1 leaves a core free, FUZZ=door takes only what matches
PARALLEL ?=
FUZZ ?= .
.PHONY: fuzz
fuzz:
	@scripts/fuzz.sh $(DURATION) "$(PARALLEL)" "$(FUZZ)"

## bench-telegraf: our ingest beside Telegraf, which it builds; ARGS="--rates 20000 --duration 30s" makes it shorter
.PHONY: bench-telegraf
bench-telegraf: deps-test influxd
	@go run ./bench/telegraf $(ARGS)

## bench-query: the ten nearest stations over HTTP and websocket beside floors, tidwall/rtree and Redis; QUERY="--redis=false"
QUERY ?=
.PHONY: bench-query deps-bench
bench-query: deps-bench
	@cd bench/query && go build -o ../../bin/bench-query . && cd ../.. && bin/bench-query $(QUERY); status=$$?; \
	rm -f bin/bench-query; exit $$status

## deps-bench: what some benchmarks need besides
deps-bench:
	@scripts/deps.sh bench

## pictures: docs/screens, of a simulated city of their own (about 20 minutes); PICTURES="wall-zh driver" takes some
PICTURES ?=
pictures: build influxd
	@cd dashboard/web && node scripts/pictures.mjs $(PICTURES)

## bench-screens: the screens' budgets in Chromium on a simulated city; VEHICLES=200000 PILES=200000 is the whole one
.PHONY: bench-screens
bench-screens: deps-test build influxd
	@cd dashboard/web && node scripts/bench.mjs

clean:
	rm -rf bin dashboard/web/node_modules ingest/door/testdata/mqttjs/node_modules
	find dashboard/dist -mindepth 1 -not -name .gitkeep -delete
