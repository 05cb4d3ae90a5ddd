#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the Debian package in a folder, in place of one that is there, from the files
# that Git knows, for the Debian that this machine runs. Arguments are the architecture
# and the folder; without them, it is this machine's, and dist.
#
# The same commit gives the same bytes wherever it is built: see reproducible.sh.
set -eu
cd "$(dirname "$0")/.."

arch=${1:-$(dpkg --print-architecture)}
dist=${2:-dist}
date=$(git log -1 --format=%ct)
# The newest version with a date in CHANGELOG.md, or what came after it.
version=$(sed -n 's/^## \[\([0-9][^]]*\)\] - [0-9-]*$/\1/p' CHANGELOG.md | head -n 1)
version=${version:-0.0.0}
[ "$(git tag --points-at HEAD --list "v$version")" ] ||
    version=$version+git$(date -u -d "@$date" +%Y%m%d).$(git rev-parse HEAD | cut -c 1-7)
# The packages for Debian 12 and 13 differ: an upgrade of Debian upgrades this one, too.
debian=$(. /etc/os-release && echo "$ID$VERSION_ID" | sed 's/^debian/deb/')
revision=1+$debian
profile=
[ "$arch" = "$(dpkg --print-architecture)" ] || profile=cross
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/moonfirefs"
git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- | tar -x -C "$work/moonfirefs"
MOONFIREFS_COMMIT=$(git describe --always --abbrev=40 --exclude='*' --dirty=+changes)
export MOONFIREFS_COMMIT
(
    umask 022
    cd "$work/moonfirefs"
    chmod -R u=rwX,go=rX .
    cat >debian/changelog <<CHANGELOG
moonfirefs ($version-$revision) unstable; urgency=medium

  * See CHANGELOG.md.

 -- The moonfirefs authors <moonfirefs@localhost>  $(LC_ALL=C date -u -R -d "@$date")
CHANGELOG
    dpkg-buildpackage --build=binary --no-sign --host-arch "$arch" --build-profiles="$profile"
)
mkdir -p "$dist"
rm -f "$dist"/moonfirefs_*_"$arch".deb
cp "$work"/moonfirefs_*.deb "$dist/"
ls "$dist/moonfirefs_$version-${revision}_$arch.deb"
