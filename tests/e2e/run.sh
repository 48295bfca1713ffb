#!/bin/sh
# The end-to-end tests: starts the servers they need on free ports of this machine, and ends them.
# usage: run.sh [TEXT]     only the tests whose name holds TEXT
# Takes the programs from NSGFLOW_BUILD, or builds them. The last line is "N passed, N failed".
set -eu
cd "$(dirname "$0")/../.."
if [ -z "${NSGFLOW_BUILD:-}" ]; then
    make -s plan programs
    NSGFLOW_BUILD=$(pwd)/$(sed -n 's/^build //p' build/plans/default.plan)
fi
NSGFLOW=${NSGFLOW:-$NSGFLOW_BUILD/nsgflow}
STORAGE_CAT=$NSGFLOW_BUILD/tests/e2e/storage_cat
export NSGFLOW_BUILD NSGFLOW STORAGE_CAT

# The blob server and the client, pinned by the lock file; no script of theirs runs.
if [ ! -f tests/e2e/node_modules/.package-lock.json ] ||
    [ tests/e2e/package-lock.json -nt tests/e2e/node_modules/.package-lock.json ]; then
    (cd tests/e2e && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    touch tests/e2e/node_modules/.package-lock.json
fi

fixed=
if [ "${NSGFLOW_LABEL:-}" = thread ]; then
    fixed="setarch -R" # ThreadSanitizer of gcc 12 does not start where addresses are spread too widely
fi
# Nothing of the caller's own cloud may be used.
for name in $(env | sed -n 's/^\(AZURE_[A-Z_]*\|IDENTITY_[A-Z_]*\|[A-Za-z]*_[Pp][Rr][Oo][Xx][Yy]\)=.*/\1/p'); do
    unset "$name"
done
exec $fixed python3 tests/e2e/run.py --filter "${1:-}"
