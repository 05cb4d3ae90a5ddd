#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes version-N.tar.gz and version-N.sha256 beside itself: a store as a commit with that
# version of the index makes it, and the digests of what its own mount shows. Needs root and
# FUSE, ffmpeg, and what that commit needs to be built.
#
#   make.sh N
set -euo pipefail
version=$1
case $version in
1) commit=59032b4 camera=1 ;;
4) commit=5c878f8 camera=4 ;;
5) commit=b504c27 camera=4 ;;
6) commit=928cd6d camera=4 ;;
7) commit=6aee5ce camera=4 ;;
8) commit=7bd4e90 camera=4 ;;
*) echo "no commit is known that makes stores of version $version" >&2; exit 1 ;;
esac
name=version-$version
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

# Times of the store's zone must be of one day, and all footage of one hour.
export TZ=Europe/Zurich
[ "$(date +%M)" -lt 57 ] || { echo "too late in the hour: try again soon" >&2; exit 1; }

git clone -q "$here/../.." "$work/source"
cd "$work/source"
git checkout -q "$commit"
mkdir cmd/camera
cp "$here/camera-$camera/camera.go" cmd/camera/
make -s build
go build -o "$work/camera" ./cmd/camera

cd "$work"
moonfirefs() { "$work/source/moonfirefs" --store "$work/store" "$@"; }
mkdir mount
"$work/camera" >camera.log &
until grep -q playing camera.log; do sleep 0.1; done

moonfirefs init --time-zone "$TZ"
moonfirefs camera add --no-test yard rtsp://127.0.0.1:28554/stream --retain 1GB \
  --sub rtsp://127.0.0.1:28555/stream --sub-retain 1GB

# Two runs, so that there is a gap; each ends in order.
record() {
  "$work/source/moonfirefs" run mount --store "$work/store" --rotate-every 2s 2>run.log &
  recorder=$!
  sleep "$1"
  kill "$recorder"
  wait "$recorder"
}
begin=$(date +%s)
record 10
record 4
at() { date -d "@$((begin + $1))" +%FT%T; }
moonfirefs keep yard "$(at 2)" "$(at 4)" --name visit
moonfirefs delete yard "$(at 6)" "$(at 7)" --yes
# Since version 7, recordings with an event are marked. The recorder marks them when it starts.
events=
if [ "$version" -ge 7 ]; then
  moonfirefs camera edit yard --no-test --retain-events 40%
  moonfirefs event add yard visit --from "$(at 8)" --to "$(at 9)"
  record 4
  events='yard/events/*/*.mp4'
fi
moonfirefs check --hash

: >mount.log
"$work/source/moonfirefs" mount mount --store "$work/store" 2>mount.log &
mount=$!
until grep -q mounted mount.log; do sleep 0.1; done
# shellcheck disable=SC2086 # $events is a pattern, or nothing.
(cd mount && sha256sum */*-*-*/*.mp4 saved/*.mp4 $events "yard/clips/$(date -d "@$((begin + 3))" +%FT%H.%M.%S)--$(date -d "@$((begin + 12))" +%H.%M.%S).mp4") >"$name.sha256"
kill "$mount"
wait "$mount"

# The line in it names this machine; it is made again.
rm -f store/samples/lock
tar --sort=name --owner=0 --group=0 --numeric-owner -cf - store | gzip -9n >"$name.tar.gz"
cp "$name.sha256" "$name.tar.gz" "$here/"
cat "$name.sha256"
ls -l "$here/$name".*
