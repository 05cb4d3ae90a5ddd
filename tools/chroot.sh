# SPDX-License-Identifier: GPL-3.0-or-later
#
# Debian in a directory, for the scripts that try things on a fresh machine: they
# read this file. Whatever happens, nothing stays mounted and nothing runs on.
# shellcheck shell=sh

# What is mounted here is seen here only, so that no other program keeps it busy.
[ -n "${MOONFIREFS_MOUNTS:-}" ] || MOONFIREFS_MOUNTS=own exec unshare --mount sh "tools/$(basename "$0")" "$@"

# chroot_make SUITE makes $root.
chroot_make() {
    work=$(mktemp -d)
    root=$work/root
    # A mount, so that it can be the root of what is mounted in it.
    mkdir "$root"
    mount --bind "$root" "$root"
    mount --make-private "$root"
    trap chroot_remove EXIT
    trap 'exit 1' INT TERM HUP
    echo "== $1 in $root"
    # shellcheck disable=SC2046 # without a mirror, it is debootstrap's
    debootstrap --variant=minbase --include=ca-certificates "$1" "$root" $(chroot_mirror) >"$work/debootstrap.log" ||
        { tail "$work/debootstrap.log" >&2; return 1; }
    # The network as this machine has it.
    apt-config dump --format '%F "%v";%n' Acquire >"$root/etc/apt/apt.conf.d/99machine"
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    cp -r /etc/ssl/certs "$root/etc/ssl/"
    # Services are not to be started by their installation, until systemd runs.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    # A power cut ends this Debian anyway.
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
    chroot "$root" apt-get -qq update
}

# chroot_mirror prints where this machine has Debian from, if it has.
chroot_mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1
}

# chroot_bind PATH shows a directory or a device of this machine there.
chroot_bind() {
    if [ -d "$1" ]; then mkdir -p "$root$1"; else touch "$root$1"; fi
    mount --bind "$1" "$root$1"
}

# chroot_devices shows the devices, processes and caches that building needs.
chroot_devices() {
    for path in /dev /dev/pts /proc /sys; do chroot_bind "$path"; done
}

# chroot_go shows the Go of this machine, and what it has downloaded and built; or, for
# somebody who is root by sudo, what these scripts have, since root's files in a user's
# cache would be in the way.
chroot_go() {
    [ -z "${SUDO_UID:-}" ] || export GOMODCACHE="$PWD/.tools/modules" GOCACHE="$PWD/.tools/cache"
    for path in "$(go env GOROOT)" "$(go env GOMODCACHE)" "$(go env GOCACHE)"; do
        mkdir -p "$path"
        chroot_bind "$path"
    done
}

# in_go COMMAND... runs a command there with that Go in its path.
in_go() {
    chroot "$root" env -i HOME=/root LC_ALL=C.UTF-8 "PATH=$(go env GOROOT)/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        "GOMODCACHE=$(go env GOMODCACHE)" "GOCACHE=$(go env GOCACHE)" \
        "GOPROXY=$(go env GOPROXY)" "GOSUMDB=$(go env GOSUMDB)" "$@"
}

# chroot_clone FOLDER clones this tree there, with what is not committed yet.
chroot_clone() {
    git -c safe.directory='*' clone --quiet --depth 1 "file://$PWD" "$root$1"
    find "$root$1" -mindepth 1 -maxdepth 1 ! -name .git -exec rm -r {} +
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- | tar -x --no-same-owner -C "$root$1"
}

# chroot_install installs packages.
chroot_install() {
    DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -qq -y "$@" </dev/null >"$work/apt.log" 2>&1 ||
        { tail -n 30 "$work/apt.log" >&2; return 1; }
}

# chroot_download fetches packages for later: what systemd_start boots has no network.
chroot_download() {
    chroot "$root" apt-get install -qq -y --download-only "$@" </dev/null >"$work/apt.log" 2>&1 ||
        { tail -n 30 "$work/apt.log" >&2; return 1; }
}

chroot_remove() {
    status=$?
    trap - EXIT
    [ -z "${init:-}" ] || kill -KILL "$init" 2>/dev/null || true
    [ -z "${unshared:-}" ] || wait "$unshared" 2>/dev/null || true
    cgroup_remove
    # The newest first.
    awk -v root="$root" 'index($2, root) == 1 { print $2 }' /proc/self/mounts | tac |
        while read -r mountpoint; do umount "$mountpoint" || umount --lazy "$mountpoint"; done
    if grep -q " $root" /proc/self/mounts; then
        echo "$root is still mounted, and stays" >&2
        exit 1
    fi
    rm -rf --one-file-system "$work"
    exit "$status"
}

# systemd_start boots $root: systemd is process 1 of its own namespaces, and has
# control groups, devices and a network of its own, which leads nowhere.
systemd_start() {
    rm "$root/usr/sbin/policy-rc.d"
    cgroup=moonfirefs-$$
    unshare --mount --pid --fork --uts --ipc --net --cgroup --kill-child \
        sh "$(dirname "$0")/chroot-boot.sh" "$root" "$cgroup" >"$work/systemd.log" 2>&1 &
    unshared=$!
    for _ in $(seq 300); do
        init=$(pgrep --parent "$unshared" || true)
        if [ -n "$init" ] && in_systemd systemctl is-system-running 2>/dev/null | grep -q -E 'running|degraded'; then
            return
        fi
        kill -0 "$unshared" 2>/dev/null || break
        sleep 0.2
    done
    cat "$work/systemd.log" >&2
    return 1
}

# in_systemd runs a command on the machine that systemd_start has booted.
in_systemd() {
    nsenter --target "$init" --mount --pid --net --uts --ipc --cgroup --root --wd \
        env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

cgroup_remove() {
    [ -n "${cgroup:-}" ] || return 0
    for _ in 1 2 3 4 5; do
        find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null || true
        sleep 0.2
    done
}
