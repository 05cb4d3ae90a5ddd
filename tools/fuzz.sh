#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs every fuzz test for a while, one after another, at the lowest priority. What
# fails is kept by go test as a new file of the test's seed corpus (testdata/fuzz).
#
#   tools/fuzz.sh 1h [package…]
set -eu
cd "$(dirname "$0")/.."
time=$1
shift
# shellcheck disable=SC2046 # a list of words
[ $# -gt 0 ] || set -- $(go list ./...)

status=0
for package in "$@"; do
    for test in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
        echo "=== $package $test, $time"
        nice -n 19 go test -run '^$' -fuzz "^$test\$" -fuzztime "$time" -parallel 1 "$package" || status=1
    done
done
exit $status
