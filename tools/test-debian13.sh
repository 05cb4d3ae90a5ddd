#!/bin/sh
# Builds and tests this tree in a fresh Debian 13, with the Go of this machine.
# Arguments are those of "go test"; without any, all packages that know of FFmpeg
# and the program as a whole are tested.
set -eu
cd "$(dirname "$0")/.."
. tools/chroot.sh

[ $# -gt 0 ] || set -- ./camera ./recorder ./internal/test/testcamera ./cmd/moonfirefs

chroot_make trixie
chroot_install --no-install-recommends gcc libc6-dev lld pkg-config ffmpeg fuse3 sqlite3 procps e2fsprogs mount iproute2 \
    libavcodec-dev libavdevice-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev
for path in /dev /dev/pts /proc /sys "$(go env GOROOT)" "$(go env GOMODCACHE)" "$(go env GOCACHE)"; do
    chroot_bind "$path"
done
mkdir "$root/src"
git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- | tar -x -C "$root/src"
chroot "$root" pkg-config --modversion libavformat
chroot "$root" env "PATH=$(go env GOROOT)/bin:$PATH" "GOMODCACHE=$(go env GOMODCACHE)" "GOCACHE=$(go env GOCACHE)" \
    "GOPROXY=$(go env GOPROXY)" "GOSUMDB=$(go env GOSUMDB)" sh -euc '
    cd /src
    GOFLAGS="-buildvcs=false $(tools/goflags.sh)"
    export GOFLAGS
    echo "$GOFLAGS"
    go build -o /tmp/moonfirefs ./cmd/moonfirefs
    go vet ./camera ./cmd/moonfirefs
    go test -count=1 -parallel 6 -timeout 20m "$@"' sh "$@"
