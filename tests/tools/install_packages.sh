#!/bin/sh
# usage: install_packages.sh "NEEDED..." "OPTIONAL..."
# Installs the Debian packages that are missing. Asks for nothing and takes no time when none is.
# An optional package that this release or processor does not have is left out.
set -eu
needed=$1
optional=$2

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "deps: this is no Debian; what the build needs has these names there: $needed" >&2
    exit 0
fi

missing_of() {
    for p in $1; do
        # A line an architecture; dpkg also knows packages that are "not-installed".
        dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || printf '%s ' "$p"
    done
}

missing=$(missing_of "$needed")
wanted=$(missing_of "$optional")
# What is only nice to have must not ask for a password at every make.
if [ -z "$missing" ] && { [ -z "$wanted" ] || [ "$(id -u)" != 0 ]; }; then
    exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "deps: missing: $missing" >&2
        echo "deps: installing needs root or sudo: apt-get install $missing" >&2
        exit 1
    fi
    as_root="sudo -n"
    $as_root true 2>/dev/null || as_root=sudo
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@"
}

known=
filter_known() {
    known=
    for p in $wanted; do
        if apt-cache show "$p" >/dev/null 2>&1; then
            known="$known $p"
        fi
    done
}

filter_known
# Nothing to do but an optional package that is not offered here.
if [ -z "$missing" ] && [ -z "$known" ] && [ -n "$(ls /var/lib/apt/lists/*Packages* 2>/dev/null)" ]; then
    exit 0
fi
echo "deps: installing $missing$wanted" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ apt update && filter_known && apt install -y --no-install-recommends $missing $known; } >"$log" 2>&1 || {
    cat "$log" >&2
    echo "deps: apt-get could not install: $missing$known" >&2
    exit 1
}
