#!/bin/sh
# The end-to-end tests: starts the servers they need on free ports of this machine, and ends them.
# usage: run.sh [--threads] [TEXT]     only the tests whose name holds TEXT; --threads: only those that use several
# Takes the programs from NSGFLOW_BUILD, or builds them. The last line is "N passed, N failed". Leaves with 77, and says
# so, where the blob server cannot be had because npm's registry is out of reach, refuses, or shows a certificate that this
# machine does not trust; any other trouble is a failure.
set -eu
cd "$(dirname "$0")/../.."
if [ -z "${NSGFLOW_BUILD:-}" ]; then
    make -s plan programs
    NSGFLOW_BUILD=$(pwd)/$(sed -n 's/^build //p' build/plans/default.plan)
fi
NSGFLOW=${NSGFLOW:-$NSGFLOW_BUILD/nsgflow}
STORAGE_CAT=$NSGFLOW_BUILD/tests/e2e/storage_cat
export NSGFLOW_BUILD NSGFLOW STORAGE_CAT

skip() {
    echo "SKIPPED: no end-to-end test was run: $1"
    exit 77
}

# The blob server and the client, pinned by the lock file; no script of theirs runs. Two runs do not install at a time.
modules=tests/e2e/node_modules
mkdir -p build
exec 9>build/e2e.lock
flock 9
if [ ! -f $modules/.package-lock.json ] || [ tests/e2e/package-lock.json -nt $modules/.package-lock.json ]; then
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        [ -z "${CI:-}" ] || { echo "node and npm are not installed (make deps-e2e installs them)" >&2; exit 1; }
        skip "node and npm are not installed (make deps-e2e installs them)"
    fi
    # node trusts a list of its own; a company's proxy is in that of the system.
    trusted=/etc/ssl/certs/ca-certificates.crt
    if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -f $trusted ]; then
        export NODE_EXTRA_CA_CERTS=$trusted
    fi
    said=$(mktemp)
    if ! (cd tests/e2e && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 \
        --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=10000 --fetch-timeout=30000) >"$said" 2>&1; then
        cat "$said" >&2
        unreachable='E(NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|AI_AGAIN|HOSTUNREACH|NETUNREACH|RR_SOCKET_TIMEOUT|PROTO|PIPE)'
        refused='E(40[1357]|429|5[0-9][0-9])'
        other='([A-Z_]*(CERT|UNABLE_TO_|ERR_TLS)[A-Z_]*|ERR_SOCKET_TIMEOUT)'
        if grep -Eq "^npm (error|ERR!) code ($unreachable|$refused|$other)\$" "$said"; then
            rm -f "$said"
            skip "npm's registry cannot be reached"
        fi
        rm -f "$said"
        exit 1
    fi
    rm -f "$said"
    touch $modules/.package-lock.json
fi
exec 9>&-

# Nothing of the caller's own cloud may be used.
for name in $(env | sed -n 's/^\(AZURE_[A-Z_]*\|IDENTITY_[A-Z_]*\|[A-Za-z]*_[Pp][Rr][Oo][Xx][Yy]\)=.*/\1/p'); do
    unset "$name"
done
threads=
if [ "${1:-}" = --threads ]; then
    threads=$1
    shift
fi
exec python3 tests/e2e/run.py $threads --filter "${1:-}"
