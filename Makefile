# What is done with this repository, by name: `make help` lists it. HOME and a PATH with Go are all it asks of the
# environment.

GO ?= go
# Further flags of `make test`, as in `make test TESTFLAGS='-run TestScripts/sync -v'`.
TESTFLAGS ?=
# Many scripts, each with many processes: a busy machine needs longer than go test's ten minutes.
TIMEOUT ?= 30m
# How long each fuzzer runs.
FUZZTIME ?= 10s

binary := bin/git-push-mirror
# What --version shows: the tag, and how far from it this is. Without git, nothing is known.
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || { \
  commit=$$(git describe --always --dirty --abbrev=8 2>/dev/null) && echo "v0.0.0-$$(git rev-list --count HEAD)-g$$commit"; })
build := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'
# The linters have a module of their own, so that the product's go.mod lists what the product needs.
tool := $(GO) tool -modfile=.tools/go.mod

.PHONY: build docs demo test lint fuzz bench cover clean help

build: ## build bin/git-push-mirror, one static binary
	$(build) -o $(binary) ./cmd/git-push-mirror

docs: build ## write bin/man and bin/completions, made from what the program says of itself
	$(binary) generate bin

demo: build ## show a push travelling to two mirrors
	examples/demo.sh $(CURDIR)/$(binary)

test: ## run all tests, after installing the servers they use (as root) or naming them
	.ci/needs
	$(GO) test -race -timeout $(TIMEOUT) $(TESTFLAGS) ./...

lint: ## format, vet and all linters
	.ci/needs
	@unformatted=$$($(tool) gofumpt -l .) && if [ -n "$$unformatted" ]; then \
	  printf 'not as gofumpt writes it:\n%s\n' "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(tool) staticcheck ./...
	$(tool) golangci-lint run ./...
	find . -path ./.git -prune -o -name '*.sh' -print | xargs shellcheck .ci/run .ci/needs

fuzz: ## run each fuzzer for FUZZTIME
	@set -e; $(GO) test -list '^Fuzz' ./... | while read -r word package _; do \
	  case $$word in \
	    Fuzz*) fuzzers="$$fuzzers $$word" ;; \
	    ok) for fuzzer in $$fuzzers; do \
	          $(GO) test -run '^$$' -fuzz "^$$fuzzer\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null; \
	        done; \
	        fuzzers= ;; \
	    FAIL) exit 1 ;; \
	  esac; \
	done

bench: ## run all benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

cover: ## measure what the tests reach, the commands that scripts run included
	.ci/needs
	mkdir -p bin
	$(GO) test -timeout $(TIMEOUT) -coverpkg ./... -coverprofile bin/cover.out $(TESTFLAGS) ./...
	$(GO) tool cover -html bin/cover.out -o bin/cover.html
	$(GO) tool cover -func bin/cover.out | tail -n 1

clean: ## remove what was built
	rm -rf bin dist

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-7s %s\n", $$1, $$2 }' Makefile
