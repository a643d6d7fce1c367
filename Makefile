# Everything that is done with the source tree. `make` alone lists it.

GO      ?= go
VERSION := $(shell git describe --tags --dirty 2>/dev/null || git describe --always --dirty 2>/dev/null | sed 's/^/0.1.0-g/')
LINT    := $(GO) tool -modfile=deploy/lint/go.mod

.DEFAULT_GOAL := help
.PHONY: help build demo test check bench clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/toji bin/temporal-server ## compile bin/toji and bin/temporal-server

# Go itself knows best whether there is anything to do.
bin/toji: FORCE
	@$(GO) build -trimpath $(if $(VERSION),-ldflags '-X github.com/toji-build/toji/cli.Version=$(VERSION)') -o $@ ./cmd/toji

# A module of its own: it links all of Temporal.
bin/temporal-server: $(wildcard deploy/temporal/*.go) deploy/temporal/go.mod deploy/temporal/go.sum
	@echo 'compiling bin/temporal-server: this takes some minutes, and happens once'
	@cd deploy/temporal && $(GO) build -trimpath -ldflags '-s -w' -o ../../$@ .
	@touch $@

demo: ## build everything, start it, and build a package with it; KEEP=1 stays up
	@deploy/demo/demo.sh

test: ## install what the tests need, build, run all tests
	@deploy/setup.sh run test
	@$(MAKE) --no-print-directory build
	$(GO) test -timeout 20m ./...
	cd deploy/temporal && $(GO) test -trimpath ./...

check: ## look for mistakes: format, vet, staticcheck, workflowcheck, rules of import, duplicates, shellcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "not formatted by gofmt:" $$unformatted; exit 1; }
	$(GO) vet ./...
	cd deploy/temporal && $(GO) vet -trimpath ./...
	$(LINT) staticcheck ./...
	$(LINT) workflowcheck ./workflows/...
	$(GO) test ./tests/architecture
	@if command -v shellcheck >/dev/null; then shellcheck -x -P SCRIPTDIR deploy/setup.sh deploy/demo/demo.sh deploy/seed/mkseed deploy/seed/mksrpm; else echo 'no shellcheck here: scripts not checked'; fi

bench: build ## measure, beside the figures of a real Koji; ARGS="-only open -v"
	$(GO) run ./tests/bench $(ARGS)

clean: ## remove what was built, and the demo
	rm -rf bin .demo
