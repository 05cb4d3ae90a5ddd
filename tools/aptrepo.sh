#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Lists packages for apt, in a folder that any web server can offer as it is. Each
# package is for the Debian that its version ends in. What is in the folder already
# stays, so that older versions can be had, too.
#
#   tools/aptrepo.sh FOLDER KEY PACKAGE...
#
# KEY is that of a secret key of gpg, which signs; its public half becomes
# FOLDER/moonfirefs.asc.
set -eu
folder=$1
key=$2
shift 2

mkdir -p "$folder"
for package in "$@"; do
    case $package in
    *+deb12_*) suite=bookworm ;;
    *+deb13_*) suite=trixie ;;
    *) echo "aptrepo.sh: for which Debian $package is, its name does not say" >&2; exit 1 ;;
    esac
    mkdir -p "$folder/pool/$suite"
    cp "$package" "$folder/pool/$suite/"
done

gpg --batch --yes --armor --output "$folder/moonfirefs.asc" --export "$key"
cd "$folder"
for pool in pool/*; do
    suite=${pool#pool/}
    release=dists/$suite
    rm -rf "$release"
    for arch in amd64 arm64; do
        index=$release/main/binary-$arch
        mkdir -p "$index"
        apt-ftparchive --arch "$arch" packages "$pool" >"$index/Packages"
        gzip --no-name --keep "$index/Packages"
    done
    apt-ftparchive -o "APT::FTPArchive::Release::Origin=moonfirefs" -o "APT::FTPArchive::Release::Label=moonfirefs" \
        -o "APT::FTPArchive::Release::Suite=$suite" -o "APT::FTPArchive::Release::Codename=$suite" \
        -o "APT::FTPArchive::Release::Architectures=amd64 arm64" -o "APT::FTPArchive::Release::Components=main" \
        release "$release" >Release
    mv Release "$release/Release"
    gpg --batch --yes --local-user "$key" --clearsign --output "$release/InRelease" "$release/Release"
    gpg --batch --yes --local-user "$key" --armor --detach-sign --output "$release/Release.gpg" "$release/Release"
done
