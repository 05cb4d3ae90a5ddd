#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Says in a sentence that Go is missing or too old, instead of the riddle that an old
# Go makes of go.mod. Run by setup.sh before anything else.
set -eu
cd "$(dirname "$0")/.."

needed=$(sed -n 's/^go //p' go.mod)
if ! command -v go >/dev/null; then
    echo "moonfirefs needs Go $needed or newer, and there is no Go in PATH. Get it from https://go.dev/dl/" >&2
    exit 1
fi
# A Go that may download newer ones answers as the one that it would use here.
found=$(go env GOVERSION 2>/dev/null) || found=$(GOTOOLCHAIN=local GOFLAGS='' go version 2>/dev/null | cut -d ' ' -f 3)
found=${found#go}
oldest=$(printf '%s\n%s\n' "$needed" "${found:-0}" | sort --version-sort | head -n 1)
if [ "$oldest" != "$needed" ]; then
    echo "moonfirefs needs Go $needed or newer, and $(command -v go) is Go ${found:-of unknown version}. Get it from https://go.dev/dl/" >&2
    exit 1
fi
