#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Prints the flags with which the Go tool builds for the FFmpeg of this machine:
# none for FFmpeg 5.1 (Debian 12). For FFmpeg 7.1 (Debian 13), they name a second
# module file, which this script derives from the first: another version of
# go-astiav is all that differs.
set -eu
cd "$(dirname "$0")/.."

version=$(pkg-config --modversion libavformat 2>/dev/null || echo 59)
[ "${version%%.*}" -ge 61 ] || exit 0

mkdir -p .tools
sed 's#\(github.com/asticode/go-astiav\) v.*#\1 v0.39.0#' go.mod >.tools/go.deb13.mod
cat go.sum - >.tools/go.deb13.sum <<SUM
github.com/asticode/go-astiav v0.39.0 h1:XKYbLIe0TVyKFnwRcpWe0kdYJjNSMZo1zjWloFypOWM=
github.com/asticode/go-astiav v0.39.0/go.mod h1:GI0pHw6K2/pl/o8upCtT49P/q4KCwhv/8nGLlCsZLdA=
SUM
echo "-modfile=$PWD/.tools/go.deb13.mod"
