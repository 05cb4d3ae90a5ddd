#!/bin/sh
# Builds the Debian package in a folder, in place of one that is there, from the files
# that Git knows. Arguments are the version and the folder; without them, it is the
# newest in CHANGELOG.md, in dist.
set -eu
cd "$(dirname "$0")/.."

version=${1:-$(sed -n 's/^## \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)}
dist=${2:-dist}
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
mkdir -p "$dist"
rm -f "$dist"/moonfirefs_*.deb
cp "$work"/moonfirefs_*.deb "$dist/"
ls "$dist"/moonfirefs_"$version"-1_*.deb
