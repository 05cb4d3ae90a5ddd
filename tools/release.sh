#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes of the packages in dist what a release consists of, in dist/release: the
# packages, what each contains (SBOM, CycloneDX), digests, a signature of the digests,
# and a repository for apt. dist/notes.md is what CHANGELOG.md says.
#
#   tools/release.sh TAG KEY
#
# KEY is that of a secret key of gpg.
set -eu
cd "$(dirname "$0")/.."
tag=$1
key=$2
version=${tag#v}

fail() { echo "release.sh: $*" >&2; exit 1; }

grep -q -E "^## \[$version\] - [0-9]{4}-[0-9]{2}-[0-9]{2}\$" CHANGELOG.md ||
    fail "CHANGELOG.md has no version $version with a date"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf dist/release
mkdir dist/release

awk -v heading="## [$version]" '/^## / { inside = index($0, heading) == 1; next } inside' CHANGELOG.md >dist/notes.md
[ -s dist/notes.md ] || fail "CHANGELOG.md says nothing of $version"

for package in dist/moonfirefs_"$version"-*.deb; do
    [ -e "$package" ] || fail "dist has no package of $version"
    name=$(basename "$package" .deb)
    cp "$package" dist/release/
    dpkg-deb -x "$package" "$work/$name"
    ".tools/cyclonedx-gomod-$(cat tools/cyclonedx-gomod.version)" bin -json -version "$version" \
        -output "dist/release/$name.cdx.json" "$work/$name/usr/bin/moonfirefs"
done

tools/aptrepo.sh "$work/apt" "$key" dist/release/*.deb
tar -C "$work" -czf dist/release/apt-repository.tar.gz apt

cd dist/release
gpg --batch --armor --output moonfirefs.asc --export "$key"
sha256sum -- * >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" .
gpg --batch --local-user "$key" --armor --detach-sign SHA256SUMS
ls -l
