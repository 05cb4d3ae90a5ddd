#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Checks that each file of code says its licence in the first lines; with --add, says it
# in those that do not.
set -eu
cd "$(dirname "$0")/.."
licence='SPDX-License-Identifier: GPL-3.0-or-later'

# add FILE MARK puts a comment first, but behind a line for the kernel (#!).
add() {
    if head -n 1 "$1" | grep -q '^#!'; then
        sed -i "1a # $licence\n#" "$1"
    elif [ "$2" = "#" ]; then
        sed -i "1i # $licence\n#" "$1"
    else
        # A comment that touches "package" would be the package's.
        sed -i "1i $2 $licence\n" "$1"
    fi
}

status=0
for file in $(git ls-files --cached --others --exclude-standard -- '*.go' '*.c' '*.h' '*.sql' '*.sh' tools/mount.moonfirefs .ci/run examples/moonfirefs-backup debian/rules debian/moonfirefs.postrm Makefile '*.mk'); do
    [ -f "$file" ] || continue
    ! head -n 3 "$file" | grep -q -F "$licence" || continue
    case $file in
    *.go | *.c | *.h) mark=// ;;
    *.sql) mark=-- ;;
    *) mark=# ;;
    esac
    if [ "${1:-}" = --add ]; then
        add "$file" "$mark"
    else
        echo "$file does not say its licence: tools/spdx.sh --add" >&2
        status=1
    fi
done
exit $status
