# SPDX-License-Identifier: GPL-3.0-or-later
#
# make demo   records a simulated camera and mounts its footage
# make test   everything that must hold before a change lands
# make crashtest-short  the store under faults, in two minutes
# make crashtest  the same in its long form, a simulated year, and kills while the present is read: half an hour or more; see design/faults.md
# make hostiletest  every reading command on all damaged and foreign stores that we could think of; design/faults.md
# make manytest  64 cameras for ten minutes, thousands of connections; see design/cameras.md
# make clienttest  the long form of the client tests, with more programs: players, rsync, borg, Samba, NFS, DLNA; about ten minutes
# make nvrtest   reads a Moonfire NVR that records and deletes for ten minutes, imports 100 GB, and shows a year of eight cameras; 8 GB of disk, see design/moonfire-nvr.md
# make latesttest  copies the newest footage for ten minutes, with four readers; see design/present.md
# make objecttest  runs the tests of buckets with versitygw, which it builds, for an object store, or with SEAWEEDFS, the path of SeaweedFS's weed; see docs/objects.md
# make litestreamtest  replicates the index with Litestream, which it builds, and restores it; see docs/growing.md
# make fuzz   every fuzz test for FUZZTIME (1h), one after another; see design/cameras.md
# make bench  what design/performance.md promises, all of it: half an hour on a quiet machine, 8 GB of disk; ROWS=6,7 for some rows, MEDIAMTX for row 10
# make gobench  the benchmarks of single functions, compared with design/benchmarks; BASE=COMMIT compares with a commit, in turn
# make servertest  records what ffmpeg publishes to GStreamer's RTSP server, for ten minutes, and to MEDIAMTX if that is given
# make build  only the program, ./moonfirefs
# make deb    the Debian package for the Debian that this is, dist/moonfirefs_*.deb; ARCH=arm64 for other machines
# make fresh-deb  the same from a clone in a fresh Debian, dist/SUITE/moonfirefs_*.deb; SUITE=trixie, ARCH=arm64
# make packagetest  builds it so, and installs, upgrades and removes it in a fresh Debian; SUITE=trixie
# make packagetest-arm64  builds for arm64, and compares what qemu makes of footage there with what this machine does; long
# make reproducibletest  builds the package twice, in different circumstances, and compares the bytes
# make aptrepotest  installs the package from a signed repository in a fresh Debian; SUITE=trixie
# make release  what a release consists of, dist/release, from the packages in dist; see design/releasing.md
# make test-debian13  builds and tests in a fresh Debian 13

DEMO ?= /tmp/moonfirefs-demo-$(shell id -un)
tool  = .tools/$(1)-$(shell cat tools/$(1).version)

# Tests mount file systems, also for other users, and unmount them.
# sudo has a search path of its own, in which there is no Go.
SUDO    = $(if $(filter-out 0,$(shell id -u)),sudo -E env "PATH=$(PATH)")
AS_ROOT = $(if $(SUDO),-exec '$(SUDO)')

include tools/cgo.mk

# Debian 13 has another FFmpeg.
export GOFLAGS += $(shell tools/goflags.sh)

.PHONY: aptrepotest bench build clienttest crashtest crashtest-short deb demo fresh-deb fuzz gobench hostiletest latesttest lint litestreamtest manytest nvrtest objecttest \
	packagetest packagetest-arm64 release reproducibletest servertest test test-debian13

build:
	@tools/setup.sh build
	go build -o moonfirefs ./cmd/moonfirefs

demo: build
	@tools/setup.sh demo
	./moonfirefs demo $(DEMO)

# The packages whose tests last longest begin first, so that no core waits for them at the
# end. They mostly wait, for footage and for disks: so twice as many run as there are cores.
# Where a machine is busy, all of them wait; the limits are for those that hang. The linter
# has vetted all packages before.
LONGEST = ./cmd/moonfirefs ./internal/test/crashtest ./internal/test/clienttest ./recorder ./fs ./camera ./internal/test/doctest

test: lint
	go test -race -vet=off -p $$((2 * $$(nproc))) -parallel 6 -timeout 40m $(AS_ROOT) $(LONGEST) ./...
	go test -race -tags failpoints ./internal/failpoint
	go test -run TestMemoryVices ./recorder

SCRIPTS = tools/*.sh tools/mount.moonfirefs .ci/run examples/moonfirefs-backup examples/moonfirefs-follow internal/test/doctest/*.sh debian/*.postrm

lint:
	@tools/setup.sh test
	$(call tool,golangci-lint) run
	tools/spdx.sh
	$(call tool,actionlint)
	@# A tag can be moved to other code, a commit cannot.
	! grep -n 'uses: [^.]' .github/workflows/*.yml | grep -v '@[0-9a-f]\{40\} # v[0-9.]*$$'
	shellcheck --external-sources --severity warning --shell sh $(SCRIPTS)

crashtest-short:
	@tools/setup.sh test
	go test -race -count=1 -timeout 9m $(AS_ROOT) ./internal/test/crashtest

crashtest:
	@tools/setup.sh test
	MOONFIREFS_CRASHTEST=long go test -race -v -count=1 -timeout 3h $(AS_ROOT) ./internal/test/crashtest
	MOONFIREFS_CRASHTEST=long go test -v -count=1 -timeout 1h -run TestYear $(AS_ROOT) ./internal/test/crashtest
	go test -race -v -count=10 -timeout 1h -run TestLatestAfterKill $(AS_ROOT) ./cmd/moonfirefs

hostiletest:
	@tools/setup.sh test
	go test -v -count=1 -timeout 1h $(AS_ROOT) ./internal/test/hostiletest -full

# What is measured needs the machine for itself.
manytest:
	@tools/setup.sh test
	go test -v -count=1 -timeout 1h $(AS_ROOT) ./internal/test/manytest -full

latesttest:
	@tools/setup.sh test
	go test -v -count=1 -timeout 1h $(AS_ROOT) ./cmd/moonfirefs -parallel 8 -run TestLatestIsAPieceOfTheHours -latest 10m

nvrtest:
	@tools/setup.sh test
	go test -v -count=1 -timeout 1h $(AS_ROOT) ./cmd/moonfirefs -run 'MoonfireNVR' -nvr 10m -nvr-import 100 -nvr-days 365

# The tests of buckets with an object store of another make than in "make test": the one that
# set-up builds, or the program weed of SeaweedFS if that is given.
OBJECT_STORE = $(if $(SEAWEEDFS),MOONFIREFS_SEAWEEDFS=$(SEAWEEDFS),MOONFIREFS_VERSITYGW=$(CURDIR)/$(call tool,versitygw))

objecttest:
	@tools/setup.sh test
	@$(if $(SEAWEEDFS),,tools/setup.sh versitygw)
	$(OBJECT_STORE) go test -v -count=1 -timeout 1h $(AS_ROOT) ./objects
	$(OBJECT_STORE) go test -v -count=1 -timeout 1h $(AS_ROOT) ./cmd/moonfirefs -run 'TestTierInBucket|TestBucket' -object-day
	MOONFIREFS_CRASHTEST=long $(OBJECT_STORE) go test -v -count=1 -timeout 1h $(AS_ROOT) ./internal/test/crashtest -run TestBucket

litestreamtest:
	@tools/setup.sh test
	@tools/setup.sh litestream
	go test -v -count=1 -timeout 1h $(AS_ROOT) ./cmd/moonfirefs -run 'Litestream|FollowReplica' -litestream $(CURDIR)/$(call tool,litestream)

FUZZTIME ?= 1h

fuzz:
	@tools/setup.sh test
	tools/fuzz.sh $(FUZZTIME)

# Tables of what was found go to docs/compatibility.md.
clienttest:
	@tools/setup.sh clients
	go test -v -count=1 -timeout 1h $(AS_ROOT) ./internal/test/clienttest -full -table $(CURDIR)/docs/compatibility.md

ARCH  ?= $(shell dpkg --print-architecture)
SUITE ?= bookworm

deb:
	@tools/setup.sh deb $(ARCH)
	tools/deb.sh $(ARCH)
	lintian --profile debian --fail-on error,warning dist/moonfirefs_*_$(ARCH).deb

fresh-deb:
	@tools/setup.sh chroot
	$(SUDO) tools/freshdeb.sh $(SUITE) $(ARCH) dist/$(SUITE)

packagetest: fresh-deb
	$(SUDO) tools/packagetest.sh $(SUITE) dist/$(SUITE)/moonfirefs_*_$(ARCH).deb

packagetest-arm64:
	$(MAKE) fresh-deb ARCH=arm64
	$(MAKE) fresh-deb
	$(SUDO) tools/packagetest-arm64.sh $(SUITE) dist/$(SUITE)/moonfirefs_*_$(ARCH).deb dist/$(SUITE)/moonfirefs_*_arm64.deb

reproducibletest:
	@tools/setup.sh deb
	tools/reproducible.sh

aptrepotest: dist/$(SUITE)
	@tools/setup.sh chroot
	@tools/setup.sh release
	$(SUDO) tools/aptrepotest.sh $(SUITE) dist/$(SUITE)/moonfirefs_*_$(ARCH).deb

dist/$(SUITE):
	$(MAKE) fresh-deb

# TAG is such as v0.1.0, KEY that of a secret key of gpg.
release:
	@tools/setup.sh release
	tools/release.sh $(TAG) $(KEY)

test-debian13:
	@tools/setup.sh chroot
	$(SUDO) tools/test-debian13.sh

# The machine's other work is what disturbs most.
bench:
	@tools/setup.sh test
	nice -n -10 go run $(AS_ROOT) ./internal/test/bench -rows "$(ROWS)" -mediamtx "$(MEDIAMTX)"

# The allocations compare with those of any machine, times with those of this one only.
gobench:
	@tools/setup.sh gobench
	tools/gobench.sh $(BASE)

# Its figures are in design/cameras.md. Debian has no mediamtx: MEDIAMTX is its path.
servertest:
	@tools/setup.sh test
	go test -v -count=1 -parallel 6 -timeout 30m $(AS_ROOT) ./internal/test/servertest -length 10m -mediamtx "$(MEDIAMTX)"
