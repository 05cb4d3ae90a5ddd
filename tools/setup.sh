#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs what building, testing and packaging need on Debian 12 or 13 beside Go.
# Does nothing, quickly, where all is there. Run by the Makefile.
#
#   tools/setup.sh build | gobench | litestream | versitygw | demo | test | clients | deb [ARCH] | chroot | release
set -eu
cd "$(dirname "$0")/.."
purpose=$1
arch=${2:-}

tools/checkgo.sh

compiler='gcc libc6-dev lld pkg-config'
libav='libavcodec-dev libavdevice-dev libavfilter-dev libavformat-dev libavutil-dev
libswresample-dev libswscale-dev'
run='ffmpeg fuse3 sqlite3'
# The crash tests make file systems, others networks; the client tests use what people use.
test="$compiler $libav $run e2fsprogs xfsprogs mount
vlc-bin vlc-plugin-base gstreamer1.0-tools gstreamer1.0-plugins-base-apps
gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
gstreamer1.0-libav python3-gi gir1.2-gst-rtsp-server-1.0 mediainfo chromium rsync
samba smbclient samba-common-bin python3 strace systemd iproute2 procps yamllint
docker-compose rclone restic shellcheck nginx libarchive-tools"

case $purpose in
build | gobench | litestream | versitygw) packages="$compiler $libav" ;;
demo) packages="$compiler $libav $run" ;;
test) packages=$test ;;
# The long form of the client tests uses more.
clients) packages="$test mpv ffmpegthumbnailer borgbackup minidlna nfs-ganesha nfs-ganesha-vfs libnfs-utils" ;;
# Packages are built with Debian's tools.
deb) packages="$compiler $libav build-essential debhelper dpkg-dev lintian" ;;
# They are tried in other Debians, each in a folder.
chroot) packages="debootstrap debian-archive-keyring sqlite3 procps iproute2" ;;
# A release is signed, and listed for apt.
release) packages="dpkg-dev apt-utils gpg" ;;
*) echo "setup.sh: $purpose is not known" >&2; exit 1 ;;
esac

# For another architecture, its compiler and its libraries beside those of this one,
# for which a program is built that prints the manual pages.
foreign=
if [ -n "$arch" ] && [ "$arch" != "$(dpkg --print-architecture)" ]; then
    packages="$packages crossbuild-essential-$arch"
    for package in $libav; do packages="$packages $package:$arch"; done
    dpkg --print-foreign-architectures | grep -q -x "$arch" || foreign=$arch
fi

missing=
for package in $packages; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -q -x installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
        echo "Debian packages are missing, and there is no sudo to install them. As root (su -), type:" >&2
        [ -z "$foreign" ] || echo "    dpkg --add-architecture $foreign" >&2
        echo "    apt-get update && apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    echo "Installing Debian packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    [ -z "$foreign" ] || $sudo dpkg --add-architecture "$foreign"
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    $sudo apt-get install -y -qq --no-install-recommends $missing </dev/null
fi

case $purpose in
demo | test | clients)
    if [ ! -e /dev/fuse ]; then
        echo "There is no /dev/fuse here (in a container, pass --device /dev/fuse)." >&2
        exit 1
    fi
    ;;
esac

# go_tool NAME PACKAGE builds one of the programs that this tree is checked with, of the
# version that it is written for.
go_tool() {
    version=$(cat "tools/$1.version")
    [ ! -x ".tools/$1-$version" ] || return 0
    echo "Building $1 $version (once)"
    mkdir -p .tools/new
    GOBIN="$PWD/.tools/new" GOFLAGS='' go install "$2@$version"
    mv ".tools/new/$1" ".tools/$1-$version"
    rmdir .tools/new
}

case $purpose in
test)
    go_tool golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
    go_tool actionlint github.com/rhysd/actionlint/cmd/actionlint
    ;;
versitygw) go_tool versitygw github.com/versity/versitygw/cmd/versitygw ;;
litestream) go_tool litestream github.com/benbjohnson/litestream/cmd/litestream ;;
gobench) go_tool benchstat golang.org/x/perf/cmd/benchstat ;;
release) go_tool cyclonedx-gomod github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod ;;
esac
