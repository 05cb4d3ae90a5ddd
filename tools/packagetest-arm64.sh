#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the program of the package for arm64 on this machine's processor (qemu), beside
# this machine's own, in a fresh Debian: each must find the other's footage good, and
# make the same bytes of it.
#
#   tools/packagetest-arm64.sh SUITE PACKAGE PACKAGE-ARM64
set -eu
cd "$(dirname "$0")/.."
. tools/chroot.sh
suite=$1
here=$2
there=$3

step() { echo "== $*"; }
fail() { echo "packagetest-arm64: $*" >&2; exit 1; }
native() { chroot "$root" moonfirefs "$@"; }
arm64() { chroot "$root" qemu-aarch64-static /opt/arm64/usr/bin/moonfirefs "$@"; }

# mounted WHO STORE mounts a store and prints the digests of its files.
mounted() {
    mkdir -p "$root/srv/footage"
    $1 mount --store "$2" /srv/footage >"$work/mount.log" 2>&1 &
    for _ in $(seq 240); do
        ! mountpoint -q "$root/srv/footage" || break
        sleep 0.5
    done
    mountpoint -q "$root/srv/footage" || { cat "$work/mount.log" >&2; return 1; }
    (cd "$root/srv/footage" && find . -name '[0-9]*.mp4' -exec sha256sum {} +)
    umount "$root/srv/footage"
    wait $!
}

# compare STORE compares what the two make of a store.
compare() {
    to=$(date -u '+%F %TZ')
    native check --hash --store "$1"
    arm64 check --hash --store "$1"

    mounted native "$1" >"$work/native"
    mounted arm64 "$1" >"$work/arm64"
    cat "$work/native"
    [ -s "$work/native" ] || fail "$1 has no hour"
    cmp "$work/native" "$work/arm64" || fail "the hours of $1 differ"

    for who in native arm64; do
        $who export --store "$1" demo "$from" "$to" --output "/root/$who.mp4"
    done
    cmp "$root/root/native.mp4" "$root/root/arm64.mp4" || fail "exports of $1 differ"
    rm "$root/root/native.mp4" "$root/root/arm64.mp4"
}

chroot_make "$suite"
chroot "$root" dpkg --add-architecture arm64
chroot "$root" apt-get -qq update
cp "$here" "$root/root/"
chroot_devices
# shellcheck disable=SC2046 # a list of words
chroot_install --no-install-recommends qemu-user-static ffmpeg "/root/$(basename "$here")" \
    $(dpkg-deb -f "$there" Depends | grep -o 'lib[a-z0-9]*' | sort -u | sed 's/$/:arm64/')
dpkg-deb -x "$there" "$root/opt/arm64"

step "the package for arm64 finds what it depends on"
cp "$there" "$root/root/"
chroot "$root" apt-get install -s --no-install-recommends "/root/$(basename "$there")" | grep '^Inst moonfirefs'

step "version"
native version
arm64 version
arm64 version --json | grep -q '"arch": "arm64"'

from=$(date -u '+%F %TZ')
step "recorded here"
native demo /root/demo --duration 40s
compare /root/demo/store

step "recorded for arm64"
arm64 demo /root/demo-arm64 --duration 60s
compare /root/demo-arm64/store

echo "packagetest-arm64: ok"
