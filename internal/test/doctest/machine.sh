# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs commands on a copy of this machine that is thrown away: process 1 of its
# namespaces, with an overlay for a root. For machine_test.go.
#
#   sh machine.sh DIR PREPARED SOURCE    the commands are in DIR/commands
set -eu
dir=$1
prepared=$2
source=$3

commands=$(cat "$dir/commands")
# What other tests have mounted they could not unmount for good otherwise.
while read -r _ path _; do
    case $path in /tmp/*) umount --lazy "$(printf %b "$path")" 2>/dev/null || true ;; esac
done </proc/self/mounts
mount -t tmpfs copy "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay copy -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
root=$dir/root
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229; do
    name=${device%%:*}
    numbers=${device#*:}
    mknod -m 666 "$root/dev/$name" c "${numbers%:*}" "${numbers#*:}"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir -m 1777 "$root/dev/shm"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
hostname nvr
ip link set lo up

# What the package installs.
install -m 755 "$prepared/moonfirefs" "$root/usr/bin/moonfirefs"
install -m 755 "$source/tools/mount.moonfirefs" "$root/usr/sbin/mount.moonfirefs"
mkdir -p "$root/usr/share/doc/moonfirefs"
cp -r "$source/examples" "$root/usr/share/doc/moonfirefs/"
install -m 644 "$source/debian/moonfirefs.service" "$root/lib/systemd/system/moonfirefs.service"
cp "$source/debian/moonfirefs.sysusers" "$root/tmp/moonfirefs.conf"
chroot "$root" systemd-sysusers /tmp/moonfirefs.conf >/dev/null
echo user_allow_other >>"$root/etc/fuse.conf"
install -m 755 "$source/internal/test/doctest/systemctl.sh" "$root/usr/bin/systemctl"

# What its owner has: footage, a camera, a mount, and disks that are root's, as new ones are.
cp -r "$prepared/store" "$root/var/lib/moonfirefs"
chroot "$root" chown -R moonfirefs:moonfirefs /var/lib/moonfirefs
chroot "$root" sqlite3 /var/lib/moonfirefs/moonfire.db "UPDATE stream SET url = 'rtsp://127.0.0.1:8554/stream'"
mkdir -p "$root/mnt/nvr" "$root/media/backup" "$root/media/disk2" "$root/root"
chroot "$root" chown moonfirefs:moonfirefs /mnt/nvr
chroot "$root" systemctl start test-camera
chroot "$root" systemctl start moonfirefs

printf '%s\n' "$commands" >"$root/tmp/commands"
exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    chroot "$root" sh -euc 'cd /root; . /tmp/commands'
