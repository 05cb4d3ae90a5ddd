#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs the package from a repository of aptrepo.sh in a fresh Debian, which checks
# its signature, and sees that apt refuses a package that was changed.
#
#   tools/aptrepotest.sh SUITE PACKAGE
set -eu
cd "$(dirname "$0")/.."
. tools/chroot.sh
suite=$1
package=$2

fail() { echo "aptrepotest: $*" >&2; exit 1; }

chroot_make "$suite"

# A key for this test only.
GNUPGHOME=$work/gnupg
export GNUPGHOME
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'moonfirefs test <test@localhost>' ed25519 sign never
tools/aptrepo.sh "$root/srv/repository" test@localhost "$package"
gpgconf --kill all
find "$root/srv/repository" -type f | sed "s#^$root##" | sort

mkdir -p "$root/etc/apt/keyrings"
cp "$root/srv/repository/moonfirefs.asc" "$root/etc/apt/keyrings/"
cat >"$root/etc/apt/sources.list.d/moonfirefs.sources" <<SOURCES
Types: deb
URIs: file:///srv/repository
Suites: $suite
Components: main
Signed-By: /etc/apt/keyrings/moonfirefs.asc
SOURCES
chroot "$root" apt-get -qq update
chroot_install --no-install-recommends moonfirefs
chroot "$root" apt-cache policy moonfirefs
chroot "$root" moonfirefs version

chroot "$root" apt-get -qq purge -y moonfirefs >/dev/null
chroot "$root" apt-get clean
printf x >>"$root/srv/repository/pool/$suite/$(basename "$package")"
if chroot "$root" apt-get -qq install -y moonfirefs >"$work/refused" 2>&1; then
    fail "a package that was changed is installed"
fi
sed -i 's/^Suite: .*/Suite: other/' "$root/srv/repository/dists/$suite/InRelease"
if chroot "$root" apt-get -qq update -o APT::Update::Error-Mode=any >"$work/refused" 2>&1; then
    fail "a list that was changed is believed"
fi
echo "aptrepotest: ok"
