#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the program of the package for arm64 on this machine's processor (qemu), beside
# this machine's own, in a fresh Debian: each must find the other's footage good, make
# the same bytes of it, and verify the other's proofs.
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

# proves WHO OTHER has one sign a day that is over and export footage of it, and the other
# verify that; and see whether it notices one byte that was changed.
proves() {
    store=/root/signed-by-$1
    cp -r "$work/unsigned" "$root$store"
    $1 run --store "$store" /srv/footage >"$work/run.log" 2>&1 &
    for _ in $(seq 240); do
        ! grep -q 'signed a day' "$work/run.log" || break
        sleep 0.5
    done
    kill -TERM $(pgrep --parent $!)
    wait $! || fail "$1 did not end in order"
    grep 'signed a day' "$work/run.log" || { cat "$work/run.log" >&2; fail "$1 signed nothing"; }
    film=/root/by-$1.mp4
    $1 export --store "$store" yard '2026-11-22 13:10:05' 13:10:33 --output "$film"
    key=$(tail -n 1 "$root$store/proof/public.key")
    for who in native arm64; do
        $who verify "$film" --key "$key" | tee "$work/verified"
        grep -q UNCHANGED "$work/verified" || fail "$who does not verify what $1 has signed"
    done
    size=$(stat -c %s "$root$film")
    printf X | dd of="$root$film" bs=1 seek=$((size - 1000)) conv=notrunc status=none
    ! $2 verify "$film" --key "$key" >"$work/verified" || fail "$2 does not notice a byte that was changed"
    grep 'DOES NOT FIT' "$work/verified" || fail "$2 does not say what does not fit"
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

step "signed here, verified for arm64"
# Footage of a day that is over, which no camera can send.
go test ./proof/verify -count=1 -run '^TestLeave$' -leave "$work/unsigned"
proves native arm64

step "signed for arm64, verified here"
proves arm64 native

cmp "$root/root/by-native.mp4" "$root/root/by-arm64.mp4" || fail "the films differ"

echo "packagetest-arm64: ok"
