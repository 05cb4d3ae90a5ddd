#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the package twice and compares the bytes. The second time, the folder, the
# user's folder, the time zone, the language and the mask of permissions are others, and
# nothing is taken from the cache of the first.
set -eu
cd "$(dirname "$0")/.."

arch=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

tools/deb.sh "$arch" "$work/first"
mkdir "$work/tmp" "$work/home"
modules=$(go env GOMODCACHE)
(
    umask 077
    export TMPDIR="$work/tmp" HOME="$work/home" TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 LANG=de_DE.UTF-8
    export GOCACHE="$work/cache" GOMODCACHE="$modules"
    tools/deb.sh "$arch" "$work/second"
)
cd "$work/first"
for package in *.deb; do
    sha256sum "$package" "../second/$package"
    cmp "$package" "../second/$package"
done
echo "reproducible: two builds, the same bytes"
