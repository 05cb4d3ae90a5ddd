#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Prints the licences of the Go modules that the program contains.
set -eu
cd "$(dirname "$0")/.."

go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/moonfirefs |
    sort -u | while read -r module version dir; do
    printf '\n======== %s %s\n\n' "$module" "$version"
    found=
    for file in "$dir"/LICEN[CS]E* "$dir"/COPYING* "$dir"/NOTICE*; do
        [ ! -f "$file" ] || { cat "$file"; found=yes; }
    done
    [ -n "$found" ] || { echo "licenses.sh: $module has no licence file" >&2; exit 1; }
done
