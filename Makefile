# make demo   records a camera made of software and mounts its footage
# make test   everything that must hold before a change lands
# make crashtest-short  the store under faults, in two minutes
# make crashtest  the same in its long form: about twenty minutes; see design/faults.md
# make manytest  64 cameras for ten minutes, thousands of connections; see design/cameras.md
# make clienttest  the long form of the client tests: players, rsync, Samba; about ten minutes
# make fuzz   every fuzz test for FUZZTIME (1h), one after another; see design/cameras.md
# make bench  what design/performance.md promises, all of it: half an hour on a quiet machine, 8 GB of disk; ROWS=6,7 for some rows, MEDIAMTX for row 10
# make servertest  records what ffmpeg publishes to GStreamer's RTSP server, for ten minutes, and to MEDIAMTX if that is given
# make build  only the program, ./moonfirefs
# make deb    the Debian package, dist/moonfirefs_*.deb
# make packagetest  installs, upgrades and removes it in a fresh Debian 12
# make test-debian13  builds and tests in a fresh Debian 13

DEMO ?= /tmp/moonfirefs-demo
LINT  = .tools/golangci-lint-$(shell cat tools/golangci-lint.version)

# Tests mount file systems, also for other users, and unmount them.
SUDO    = $(if $(filter-out 0,$(shell id -u)),sudo -E)
AS_ROOT = $(if $(SUDO),-exec '$(SUDO)')

include tools/cgo.mk

# Debian 13 has another FFmpeg.
export GOFLAGS += $(shell tools/goflags.sh)

.PHONY: servertest bench build fuzz clienttest crashtest crashtest-short deb manytest demo packagetest test test-debian13 lint

build:
	@tools/setup.sh build
	go build -o moonfirefs ./cmd/moonfirefs

demo: build
	./moonfirefs demo $(DEMO)

test:
	@tools/setup.sh test
	$(LINT) run
	go test -race -parallel 6 -timeout 20m $(AS_ROOT) $$(go list ./... | grep -v /internal/test/crashtest)
	go test -race -timeout 20m $(AS_ROOT) ./internal/test/crashtest
	go test -race -tags failpoints ./internal/failpoint

lint:
	@tools/setup.sh test
	$(LINT) run

crashtest-short:
	@tools/setup.sh test
	go test -race -count=1 -timeout 9m $(AS_ROOT) ./internal/test/crashtest

crashtest:
	@tools/setup.sh test
	MOONFIREFS_CRASHTEST=long go test -race -v -count=1 -timeout 3h $(AS_ROOT) ./internal/test/crashtest

# What is measured needs the machine for itself.
manytest:
	@tools/setup.sh test
	go test -v -count=1 -timeout 1h $(AS_ROOT) ./internal/test/manytest -full

FUZZTIME ?= 1h

fuzz:
	@tools/setup.sh test
	tools/fuzz.sh $(FUZZTIME)

# Tables of what was found go to docs/compatibility.md.
clienttest:
	@tools/setup.sh test
	go test -v -count=1 -timeout 1h $(AS_ROOT) ./internal/test/clienttest -full -table $(CURDIR)/docs/compatibility.md

deb:
	@tools/setup.sh deb
	tools/deb.sh
	lintian --profile debian --fail-on error,warning dist/moonfirefs_*.deb

packagetest:
	@tools/setup.sh deb
	$(SUDO) tools/packagetest.sh

test-debian13:
	@tools/setup.sh deb
	$(SUDO) tools/test-debian13.sh

# The machine's other work is what disturbs most.
bench:
	@tools/setup.sh test
	nice -n -10 go run $(AS_ROOT) ./internal/test/bench -rows "$(ROWS)" -mediamtx "$(MEDIAMTX)"

# Its figures are in design/cameras.md. Debian has no mediamtx: MEDIAMTX is its path.
servertest:
	@tools/setup.sh test
	go test -v -count=1 -timeout 30m $(AS_ROOT) ./internal/test/servertest -length 10m -mediamtx "$(MEDIAMTX)"
