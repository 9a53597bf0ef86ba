# What is done with this repository, by name: `make help` lists it. HOME and a PATH with Go are all it asks of the
# environment.

GO ?= go
# Further flags of `make test`, as in `make test TESTFLAGS='-run TestScripts/sync -v'`.
TESTFLAGS ?=
# Many scripts, each with many processes: a busy machine needs longer than go test's ten minutes.
TIMEOUT ?= 30m
# Further flags of `make bench`, as in `make bench BENCH='-bench Speed/sync'`.
BENCH ?=
# How long each fuzzer runs.
FUZZTIME ?= 10s
# How long `make soak` pushes, how many sequences its model tries, and how many faults it has happen (0: all).
SOAK ?= 10m
MODEL ?= 100
FAULTS ?= 0

binary := bin/git-push-mirror
# What --version shows: the tag, and how far from it this is. Without git, nothing is known.
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || { \
  commit=$$(git describe --always --dirty --abbrev=8 2>/dev/null) && echo "v0.0.0-$$(git rev-list --count HEAD)-g$$commit"; })
build := CGO_ENABLED=0 $(GO) build -trimpath -tags urfave_cli_no_docs -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'
# The linters have a module of their own, so that the product's go.mod lists what the product needs.
tool := $(GO) tool -modfile=.tools/go.mod

# Packages are for one kind of machine each: make deb ARCH=arm64. Their versions sort as 1.2.0 < 1.2.0+3.g1234567 < 1.2.1.
ARCH ?= $(shell $(GO) env GOARCH)
MAINTAINER ?= $(shell git log -1 --format='%an <%ae>')
package_version = $(shell echo '$(VERSION)' | sed 's/^v//; s/^$$/0.0.0/; s/-/+/; s/-/./g')
systems := linux/amd64 linux/arm64 freebsd/amd64 freebsd/arm64 darwin/amd64 darwin/arm64

.PHONY: build docs release deb rpm demo test race soak package-test lint fuzz bench bench-quick cover clean help

build: ## build bin/git-push-mirror, one static binary
	$(build) -o $(binary) ./cmd/git-push-mirror

docs: build ## write bin/man and bin/completions, made from what the program says of itself
	$(binary) generate bin

release: ## build dist/: static programs for all systems, and their checksums
	rm -f $(addprefix dist/*_,$(subst /,_,$(systems))) dist/SHA256SUMS
	mkdir -p dist
	@set -e; for system in $(systems); do \
	  name=git-push-mirror_$(VERSION)_$$(echo $$system | tr / _); \
	  echo $$name; \
	  GOOS=$${system%/*} GOARCH=$${system#*/} $(build) -o dist/$$name ./cmd/git-push-mirror; \
	done
	cd dist && sha256sum $(addprefix *_,$(subst /,_,$(systems))) >SHA256SUMS

deb rpm: build ## make a package of that kind in dist/
	rm -rf dist/share
	GOOS=linux GOARCH=$(ARCH) $(build) -o dist/$(ARCH)/git-push-mirror ./cmd/git-push-mirror
	$(binary) generate dist/share
	export PACKAGE_VERSION='$(package_version)' MAINTAINER='$(MAINTAINER)' ARCH=$(ARCH) STAGE=dist/$@ \
	  DATE="$$(git log -1 --format=%cD)" && \
	install/package/stage.sh $@ dist/$@ dist/$(ARCH)/git-push-mirror dist/share && \
	$(GO) tool -modfile=.tools/nfpm.mod nfpm package -f install/package/nfpm.yaml -p $@ -t dist/
	rm -rf dist/share dist/$@ dist/$(ARCH)

package-test: ## check the .deb with lintian and dpkg, as root on Debian
	.ci/needs package
	rm -f dist/*.deb
	$(MAKE) deb
	install/package/test.sh dist

demo: build ## show a push travelling to two mirrors
	examples/demo.sh $(CURDIR)/$(binary)

test: ## run all tests, after installing the servers they use (as root) or naming them
	.ci/needs
	$(GO) test -race -timeout $(TIMEOUT) $(TESTFLAGS) ./hook/... ./install/... ./pushmirror/...
	$(GO) test -timeout $(TIMEOUT) $(TESTFLAGS) ./cmd/...

race: ## run all tests with the race detector, the many processes of scripts too
	.ci/needs
	$(GO) test -race -timeout $(TIMEOUT) $(TESTFLAGS) ./...

soak: ## push to 50 repositories for SOAK while servers and workers die, then try many sequences and every fault, for hours
	.ci/needs
	$(GO) test ./cmd/git-push-mirror -timeout 24h -run TestSoak -v -soak $(SOAK) -soakrepositories 50 $(TESTFLAGS)
	$(GO) test ./cmd/git-push-mirror/proof -timeout 24h -run 'TestModel|TestFaults' -model $(MODEL) -faults $(FAULTS) $(TESTFLAGS)

lint: ## format, vet and all linters
	.ci/needs
	@unformatted=$$($(tool) gofumpt -l .) && if [ -n "$$unformatted" ]; then \
	  printf 'not as gofumpt writes it:\n%s\n' "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(tool) staticcheck ./...
	$(tool) golangci-lint run ./...
	find . -path ./.git -prune -o -name '*.sh' -print | xargs shellcheck .ci/run .ci/needs

fuzz: ## run each fuzzer for FUZZTIME, a time (10s) or a number of inputs (20000x)
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

bench: ## measure beside git and other mirrors, which takes an hour; BENCH='-bench Speed/sync' measures some
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 3h ./cmd/git-push-mirror/bench $(BENCH)

bench-quick: ## the same on small repositories
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./cmd/git-push-mirror/bench -quick $(BENCH)

cover: ## measure what the tests reach, the commands that scripts run included
	.ci/needs
	mkdir -p bin
	$(GO) test -timeout $(TIMEOUT) -coverpkg ./... -coverprofile bin/cover.out $(TESTFLAGS) ./...
	$(GO) tool cover -html bin/cover.out -o bin/cover.html
	$(GO) tool cover -func bin/cover.out | tail -n 1

clean: ## remove what was built
	rm -rf bin dist

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile
