#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Becomes the systemd of a Debian in a directory. For chroot.sh, in namespaces of
# its own but for the control groups, of which it makes one.
set -eu
root=$1
cgroup=$2

# Version 1 of control groups has a tree for each controller, version 2 has one.
trees=$(awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/self/mounts)
for tree in $trees; do
    mkdir -p "$tree/$cgroup"
    [ ! -e "$tree/$cgroup/cpuset.cpus" ] || {
        cat "$tree/cpuset.cpus" >"$tree/$cgroup/cpuset.cpus" 2>/dev/null || true
        cat "$tree/cpuset.mems" >"$tree/$cgroup/cpuset.mems" 2>/dev/null || true
    }
    echo $$ >"$tree/$cgroup/cgroup.procs"
done

mount --make-rprivate /
cd "$root"
mount -t proc proc proc
mount -t sysfs -o ro sys sys
for tree in $trees; do
    [ "$tree" = /sys/fs/cgroup ] || mountpoint -q sys/fs/cgroup || mount -t tmpfs cgroup sys/fs/cgroup
    mkdir -p ".$tree"
    mount --bind "$tree/$cgroup" ".$tree"
done

mount -t tmpfs -o mode=755 dev dev
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
mknod -m 666 dev/fuse c 10 229
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 run run
mount -t tmpfs tmp tmp

hostname fresh
ip link set lo up
# nmbd waits for a network beside the loopback.
ip link add eth0 type veth peer name eth1
ip address add 192.0.2.2/24 dev eth0
ip link set eth0 up
ip link set eth1 up
exec env -i container=chroot PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    chroot . /lib/systemd/systemd --log-target=console
