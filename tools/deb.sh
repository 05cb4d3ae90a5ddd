#!/bin/sh
# Builds the Debian package in dist/, from the files that Git knows. The version is
# the newest in CHANGELOG.md, or the argument.
set -eu
cd "$(dirname "$0")/.."

version=${1:-$(sed -n 's/^## \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)}
date=$(git log -1 --format=%ct)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/moonfirefs"
git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- | tar -x -C "$work/moonfirefs"
(
    cd "$work/moonfirefs"
    cat >debian/changelog <<CHANGELOG
moonfirefs ($version-1) unstable; urgency=medium

  * See CHANGELOG.md.

 -- The moonfirefs authors <moonfirefs@localhost>  $(date -u -R -d "@$date")
CHANGELOG
    dpkg-buildpackage --build=binary --no-sign
)
mkdir -p dist
cp "$work"/moonfirefs_*.deb dist/
ls dist/moonfirefs_"$version"-1_*.deb
