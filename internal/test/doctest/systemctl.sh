#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Starts and stops services where there is no systemd: what "systemctl" is on the
# machines of package doctest.
set -eu

case $1 in
start | stop | restart | enable | daemon-reload | status) ;;
*) echo "systemctl: $1 is not known here" >&2; exit 1 ;;
esac
action=$1
shift
[ "${1:-}" != --now ] || { action=start; shift; }

listens() { bash -c "</dev/tcp/127.0.0.1/$1"; }

stop() {
    [ -e "/run/$1.pid" ] || return 0
    pid=$(cat "/run/$1.pid")
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 600); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    rm "/run/$1.pid"
}

start() {
    case $1 in
    test-camera) command="moonfirefs test-camera" ready="listens 8554" ;;
    moonfirefs)
        command=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/moonfirefs.service | tail -n 1)
        command="setpriv --reuid moonfirefs --regid moonfirefs --init-groups $command" ready="mountpoint -q /mnt/nvr" ;;
    smbd) command="smbd --foreground --no-process-group" ready="listens 445" ;;
    moonfirefs-backup)
        command=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/moonfirefs-backup.service)
        # shellcheck disable=SC2086 # words
        exec setpriv --reuid moonfirefs --regid moonfirefs --init-groups $command ;;
    *) command=true ready=true ;;
    esac
    # shellcheck disable=SC2086 # words
    setsid $command >"/run/$1.log" 2>&1 </dev/null &
    echo $! >"/run/$1.pid"
    for _ in $(seq 600); do
        if $ready 2>/dev/null; then return; fi
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    cat "/run/$1.log" >&2
    return 1
}

for name in "$@"; do
    name=${name%.service}
    case $action in
    start) stop "$name"; start "$name" ;;
    restart) stop "$name"; start "$name" ;;
    stop) stop "$name" ;;
    status) kill -0 "$(cat "/run/$name.pid")" ;;
    esac
done
