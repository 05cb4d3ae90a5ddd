#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds and tests this tree in a fresh Debian 13, with the Go of this machine.
# Arguments are those of "go test"; without any, all packages that know of FFmpeg
# and the program as a whole are tested.
set -eu
cd "$(dirname "$0")/.."
. tools/chroot.sh

[ $# -gt 0 ] || set -- ./camera ./recorder ./internal/test/testcamera ./cmd/moonfirefs

chroot_make trixie
chroot_devices
chroot_go
chroot_clone /root/moonfirefs
in_go sh -euc '
    cd /root/moonfirefs
    tools/setup.sh demo
    apt-get install -y -qq --no-install-recommends e2fsprogs iproute2 mount procps </dev/null
    GOFLAGS="-buildvcs=false $(tools/goflags.sh)"
    export GOFLAGS
    echo "$GOFLAGS"
    pkg-config --modversion libavformat
    go build -o /tmp/moonfirefs ./cmd/moonfirefs
    go vet ./camera ./cmd/moonfirefs
    go test -count=1 -parallel 6 -timeout 20m "$@"' sh "$@"
