#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the Debian package from a clone of this tree in a fresh Debian, which has
# nothing but git, make, ca-certificates and the Go of this machine.
#
#   tools/freshdeb.sh SUITE ARCH FOLDER
set -eu
cd "$(dirname "$0")/.."
. tools/chroot.sh
suite=$1
arch=$2
folder=$3

chroot_make "$suite"
chroot_install --no-install-recommends git make
chroot_devices
chroot_go
chroot_clone /root/moonfirefs
in_go make -C /root/moonfirefs deb ARCH="$arch"
mkdir -p "$folder"
rm -f "$folder"/moonfirefs_*_"$arch".deb
cp "$root"/root/moonfirefs/dist/moonfirefs_*_"$arch".deb "$folder/"
[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:$SUDO_GID" "${folder%%/*}"
