#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gobench.sh           runs the benchmarks and compares them with design/benchmarks/baseline.txt
# gobench.sh COMMIT    runs those of COMMIT as well, in turn with those of this tree
# gobench.sh --store   makes the baseline anew
# Times of different machines do not compare: between machines, only allocations and
# bytes do. Between two commits on one machine, in turn, times do.
set -eu
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-6}
baseline=design/benchmarks/baseline.txt
work=$(mktemp -d)
trap 'git worktree remove --force "$work/other" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

# one FOLDER FILE adds a round of the benchmarks in FOLDER to FILE.
one() {
    (cd "$1" && go test -run '^$' -bench . -benchmem . ./index ./journal ./mp4 ./recorder) |
        grep -v -e '^ok ' -e '^PASS$' -e 'no test files' >>"$2"
}

compare() { ".tools/benchstat-$(cat tools/benchstat.version)" "$1" "$2"; }

case ${1:-} in
--store)
    : >"$work/new"
    for _ in $(seq "$rounds"); do one . "$work/new"; done
    cp "$work/new" "$baseline"
    ;;
'')
    for _ in $(seq "$rounds"); do one . "$work/new"; done
    compare "$baseline" "$work/new"
    ;;
*)
    git worktree add --quiet --detach "$work/other" "$1"
    for _ in $(seq "$rounds"); do
        one "$work/other" "$work/old"
        one . "$work/new"
    done
    compare "$work/old" "$work/new"
    ;;
esac
