#!/bin/sh
# Installs what building, testing and the demo need on Debian 12 beside Go. Does
# nothing, quickly, where all is there. Run by the Makefile.
set -eu
cd "$(dirname "$0")/.."

packages='gcc libc6-dev lld pkg-config libavcodec-dev libavdevice-dev libavfilter-dev
libavformat-dev libavutil-dev libswresample-dev libswscale-dev
ffmpeg fuse3 sqlite3'
# The crash tests make file systems, others networks; the client tests use what
# people use.
[ "${1:-}" = test ] && packages="$packages e2fsprogs xfsprogs mount
vlc-bin vlc-plugin-base gstreamer1.0-tools gstreamer1.0-plugins-base-apps
gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
gstreamer1.0-libav python3-gi gir1.2-gst-rtsp-server-1.0 mediainfo chromium rsync
samba smbclient samba-common-bin python3 strace systemd iproute2 procps yamllint
docker-compose rclone restic"
# Packages are built with Debian's tools, and tried in chroots.
[ "${1:-}" = deb ] && packages="$packages debhelper dpkg-dev lintian debootstrap"

missing=
for package in $packages; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "Installing Debian packages:$missing"
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    $sudo apt-get install -y -qq --no-install-recommends $missing </dev/null
fi

if [ ! -e /dev/fuse ]; then
    echo "There is no /dev/fuse here (in a container, pass --device /dev/fuse)." >&2
    exit 1
fi

# The linter, of the version that this tree is written for.
if [ "${1:-}" = test ]; then
    version=$(cat tools/golangci-lint.version)
    if [ ! -x ".tools/golangci-lint-$version" ]; then
        echo "Building golangci-lint $version (once, a few minutes)"
        mkdir -p .tools
        GOBIN="$PWD/.tools/new" GOFLAGS= go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
        mv .tools/new/golangci-lint ".tools/golangci-lint-$version"
        rmdir .tools/new
    fi
fi
