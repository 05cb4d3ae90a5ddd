#!/bin/sh
# Installs the Debian package on a fresh Debian 12 with systemd, follows the
# README, and upgrades, removes and purges the package. Arguments are two versions
# of the package; without any, they are built.
set -eu
cd "$(dirname "$0")/.."
. tools/chroot.sh

if [ $# -eq 0 ]; then
    tools/deb.sh
    version=$(sed -n 's/^## \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)
    tools/deb.sh "$version+rebuilt" dist/rebuilt
    set -- "dist/moonfirefs_$version-1_$(dpkg --print-architecture).deb" \
        "dist/rebuilt/moonfirefs_$version+rebuilt-1_$(dpkg --print-architecture).deb"
fi
first=$1
second=$2

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
# <!-- run: WHAT -->, as root, in the folder with the package.
run() {
    awk -v mark="<!-- run: $1 -->" '
        $0 == mark { found = 1; next }
        found && /^```sh$/ { inside = 1; next }
        /^```$/ { inside = 0; found = 0 }
        inside' "$2" >"$root/root/commands"
    [ -s "$root/root/commands" ] || fail "$2 has nothing to run for $1"
    sed 's/^/    /' "$root/root/commands"
    in_systemd sh -euc 'cd /root && . ./commands' </dev/null
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

chroot_make bookworm
chroot_install systemd systemd-sysv dbus procps
# There is nobody to say yes.
echo 'APT::Get::Assume-Yes "true";' >"$root/etc/apt/apt.conf.d/99yes"
cp "$first" "$root/root/"
chroot_download "/root/$(basename "$first")" samba smbclient
systemd_start

step "install, as the README says"
run install README.md
in_systemd moonfirefs version
for file in man/man1/moonfirefs-camera-add.1.gz man/man8/mount.moonfirefs.8.gz bash-completion/completions/moonfirefs; do
    [ -s "$root/usr/share/$file" ] || fail "there is no $file"
done

step "record the test camera, as the README says"
run store README.md
run camera README.md
until_true "the camera plays" in_systemd bash -c '</dev/tcp/127.0.0.1/8554'
run add README.md
run record README.md
until_true "a recording is committed" sh -c "[ \$(sqlite3 -readonly $root/var/lib/moonfirefs/moonfire.db 'SELECT count(*) FROM recording') -ge 1 ]"
in_systemd systemctl --no-pager status moonfirefs
run look README.md
in_systemd useradd --create-home bob
run join README.md
in_systemd runuser -u bob -- sh -euc 'ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 /mnt/nvr/driveway/*/*.mp4'

step "share it, as docs/samba.md says"
run share docs/samba.md
in_systemd sh -euc '
    cd /root
    hour=$(cd /mnt/nvr && ls -d driveway/*-*-*/*.mp4 | head -n 1)
    smbclient //127.0.0.1/footage -U alice%s3cret -c "recurse ON; ls; get $hour over-smb.mp4"
    ffprobe -v error -count_packets -select_streams v -show_entries stream=nb_read_packets -of csv=p=0 over-smb.mp4'

step "mount it a second time, as an ordinary line of fstab"
grep -v '^#' examples/fstab >"$root/etc/fstab"
in_systemd sh -euc 'mkdir -p /mnt/old; mount /mnt/old; mount | grep /mnt/old; ls /mnt/old/driveway; umount /mnt/old'
in_systemd sh -euc 'systemctl daemon-reload; systemctl start mnt-old.mount; ls /mnt/old/driveway; systemctl stop mnt-old.mount'

step "upgrade while recording"
recordings >"$work/before"
before=$(in_systemd systemctl show -P MainPID moonfirefs)
cp "$second" "$root/root/"
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
