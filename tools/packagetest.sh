#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs the Debian package on a fresh Debian with systemd, follows the README, and
# upgrades, removes and purges the package.
#
#   tools/packagetest.sh SUITE PACKAGE
set -eu
cd "$(dirname "$0")/.."
. tools/chroot.sh
suite=$1
first=$2

step() { echo "== $*"; }
fail() { echo "packagetest: $*" >&2; exit 1; }

# What is committed: names, sizes and digests of all recordings, sorted for comm.
recordings() {
    sqlite3 -readonly -quote "$root/var/lib/moonfirefs/moonfire.db" \
        'SELECT sample_file_uuid, sample_file_bytes, sample_file_sha1 FROM recording' | sort
}
# The whole store. To be asked for after recordings, since SQLite marks in its shared
# memory (-shm) that somebody has read.
footage() { (cd "$root/var/lib/moonfirefs" && find . -type f -exec sha256sum {} + | sort -k 2); }

# run WHAT DOCUMENT runs the blocks of a document that are marked with
# <!-- run: WHAT -->, or with <!-- run --> if WHAT is empty, as $user, or as root in the
# folder with the package.
run() {
    awk -v mark="<!-- run${1:+: $1} -->" '
        $0 == mark { found = 1; next }
        found && /^```sh$/ { inside = 1; next }
        /^```$/ { inside = 0; found = 0 }
        inside' "$2" >"$root/srv/commands"
    [ -s "$root/srv/commands" ] || fail "$2 has nothing to run for $1"
    sed 's/^/    /' "$root/srv/commands"
    in_systemd runuser --login "${user:-root}" -c 'DEBIAN_FRONTEND=noninteractive sh -euc ". /srv/commands"' </dev/null
}

# until_true WHAT COMMAND... waits, a minute or two, for what must come.
until_true() {
    what=$1
    shift
    for _ in $(seq 240); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.5
    done
    in_systemd journalctl --no-pager -u moonfirefs >&2 || true
    fail "in vain waited until $what"
}

# newer FILE FOLDER puts the same package there, as a higher version.
newer() {
    dpkg-deb -R "$1" "$work/newer"
    sed -i 's/^Version: .*/&+newer/' "$work/newer/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$work/newer" "$2" | sed 's/.* in .\(.*\).\.$/\1/'
}

# dead_links FOLDER prints the links in its documents that lead nowhere.
dead_links() {
    (cd "$root" && find "$1" -name '*.md') | while read -r document; do
        grep -o ']([^)#:]*[)#]' "$root/$document" | sed 's/^](//; s/[)#]$//' | while read -r target; do
            chroot "$root" test -e "${document%/*}/$target" || echo "$document $target"
        done
    done
}

chroot_make "$suite"
chroot_install systemd systemd-sysv dbus procps
# There is nobody to say yes.
echo 'APT::Get::Assume-Yes "true";' >"$root/etc/apt/apt.conf.d/99yes"
cp "$first" "$root/root/"
chroot_download --no-install-recommends "/root/$(basename "$first")" ffmpeg
chroot_download samba smbclient
chroot_download rsync
systemd_start

step "install, as the README says"
run install README.md
in_systemd moonfirefs version
for file in doc/moonfirefs/README.md man/man1/moonfirefs-camera-add.1.gz man/man8/mount.moonfirefs.8.gz bash-completion/completions/moonfirefs; do
    [ -s "$root/usr/share/$file" ] || fail "there is no $file"
done

dead=$(dead_links usr/share/doc/moonfirefs)
[ -z "$dead" ] || fail "links lead nowhere: $dead"

step "the demo, as somebody who is not root"
in_systemd useradd --create-home bob
demo() {
    user=bob
    run demo README.md
}
demo >"$work/demo.log" 2>&1 &
demo=$!
until_true "the demo says what to type" grep -q ' vlc ' "$work/demo.log"
hour=$(sed -n 's/^ *vlc //p' "$work/demo.log" | head -n 1)
in_systemd runuser -u bob -- ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 "$hour"
in_systemd pkill -INT --uid bob --exact moonfirefs
wait $demo
tail -n 4 "$work/demo.log"

step "record the test camera, as the README says"
run allow README.md
run store README.md
run camera README.md
run add README.md
run record README.md
until_true "a recording is committed" sh -c "[ \$(sqlite3 -readonly $root/var/lib/moonfirefs/moonfire.db 'SELECT count(*) FROM recording') -ge 1 ]"
in_systemd systemctl --no-pager status moonfirefs
run look README.md
run join README.md
in_systemd runuser -u bob -- sh -euc 'ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 /mnt/nvr/driveway/*/*.mp4'

step "share it, as docs/samba.md says"
run share docs/samba.md
in_systemd sh -euc '
    cd /root
    hour=$(cd /mnt/nvr && ls -d driveway/*-*-*/*.mp4 | head -n 1)
    smbclient //127.0.0.1/footage -U alice%s3cret -c "recurse ON; ls; get $hour over-smb.mp4"
    ffprobe -v error -count_packets -select_streams v -show_entries stream=nb_read_packets -of csv=p=0 over-smb.mp4'

step "back it up, as docs/backup.md says"
run "" docs/backup.md
hour=$(cd "$root/media/backup/nvr" && ls -d driveway/*-*-*/*.mp4 | head -n 1)
in_systemd runuser -u moonfirefs -- ffprobe -v error -show_entries format=duration -of csv=p=0 "/media/backup/nvr/$hour"
in_systemd systemctl disable --now moonfirefs-backup.timer

step "mount it a second time, as an ordinary line of fstab"
grep -v '^#' examples/fstab >"$root/etc/fstab"
in_systemd sh -euc 'mkdir -p /mnt/old; mount /mnt/old; mount | grep /mnt/old; ls /mnt/old/driveway; umount /mnt/old'
in_systemd sh -euc 'systemctl daemon-reload; systemctl start mnt-old.mount; ls /mnt/old/driveway; systemctl stop mnt-old.mount'

step "upgrade while recording"
recordings >"$work/before"
before=$(in_systemd systemctl show -P MainPID moonfirefs)
second=$(newer "$first" "$root/root")
in_systemd apt-get install -qq -y "/root/$(basename "$second")" >/dev/null
in_systemd moonfirefs version
[ "$(in_systemd systemctl show -P MainPID moonfirefs)" != "$before" ] || fail "the recorder was not restarted"
in_systemd systemctl is-active moonfirefs
recordings >"$work/after"
[ "$(comm -23 "$work/before" "$work/after" | wc -l)" = 0 ] || { diff "$work/before" "$work/after"; fail "a recording was lost"; }
[ "$(wc -l <"$work/after")" -gt "$(wc -l <"$work/before")" ] || fail "what was being recorded was not saved"
in_systemd runuser -u moonfirefs -- moonfirefs check --hash
until_true "the recorder records again" sh -c "[ \$(sqlite3 -readonly $root/var/lib/moonfirefs/moonfire.db 'SELECT count(*) FROM recording') -gt $(wc -l <"$work/after") ]"

step "a recorder that is killed is started again"
in_systemd systemctl kill --signal=KILL --kill-whom=main moonfirefs
until_true "it runs again" in_systemd sh -c 'systemctl is-active moonfirefs && ls /mnt/nvr/driveway'

step "remove"
in_systemd apt-get remove -qq -y moonfirefs >/dev/null
in_systemd sh -c '! mountpoint -q /mnt/nvr && ! test -e /mnt/nvr && ! pgrep -x moonfirefs -u moonfirefs' || fail "something is left"
recordings >"$work/removed-recordings"
footage >"$work/removed"
[ "$(comm -23 "$work/after" "$work/removed-recordings" | wc -l)" = 0 ] || fail "removing lost a recording"

step "purge"
in_systemd apt-get purge -qq -y moonfirefs >/dev/null
footage >"$work/purged"
diff "$work/removed" "$work/purged" || fail "purging touched the footage"

step "install again"
in_systemd apt-get install -qq -y "/root/$(basename "$second")" >/dev/null
in_systemd runuser -u moonfirefs -- moonfirefs check --hash
until_true "the footage shows again" in_systemd sh -c 'ls /mnt/nvr/driveway/*/*.mp4'
in_systemd systemctl stop moonfirefs

echo "packagetest: all is well: $(wc -l <"$work/removed-recordings") recordings, $(wc -l <"$work/purged") files of the store untouched"
