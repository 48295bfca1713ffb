#!/usr/bin/env bash
# Reading from storage beside curl fetching the same blobs with as many connections, both to nowhere, on loopback.
#
# usage: NSGFLOW_BUILD=build/<sum> bench/storage.sh [URL...]     ROUNDS (7), MB (200), BLOBS (200) set size and repetitions
#
# The server is bench/range_server.c, which costs next to nothing, once with the MD5 of each range, which the source then
# checks (0.8 GB/s on the machine of the table), and once without, which is what the rest costs. Each URL given (https://..., with a SAS) is measured as
# well. `storage_cat --null` is the source alone: it lists, checks length, version and MD5 of each range, and drops the
# bytes. Commands take turns, one warm-up first; wall and user+sys are the least of the rounds.
set -eu
cd "$(dirname "$0")/.."
: "${NSGFLOW_BUILD:?}"
ROUNDS=${ROUNDS:-7} MB=${MB:-200} BLOBS=${BLOBS:-200}
work=$(mktemp -d)
servers=()
trap 'for p in "${servers[@]}"; do kill "$p" 2>/dev/null || true; done; rm -rf "$work"' EXIT
export AZURE_STORAGE_ACCOUNT=devstoreaccount1 AZURE_STORAGE_KEY=c2VjcmV0
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY AZURE_STORAGE_CONNECTION_STRING

serve() { # FOLDER [no-md5]: sets url
    mkfifo "$work/in.$$.${#servers[@]}"
    "$NSGFLOW_BUILD/bench/range_server" "$@" <>"$work/in.$$.${#servers[@]}" >"$work/port" &
    servers+=($!)
    until grep -q port "$work/port" 2>/dev/null; do
        kill -0 "${servers[-1]}" || exit 1
        sleep 0.05
    done
    url=http://127.0.0.1:$(sed 's/port //' "$work/port")/devstoreaccount1/logs
    rm "$work/port"
}

mkdir "$work/large" "$work/small"
head -c "$MB"M /dev/urandom >"$work/large/one.json"
for ((i = 0; i < BLOBS; i++)); do head -c 1M /dev/urandom >"$work/small/$(printf %05d "$i").json"; done

# measure URL NAMES JOBS: one line of the table
measure() {
    python3 - "$NSGFLOW_BUILD/tests/e2e/storage_cat" "$ROUNDS" "$1" "$3" "$2" "${4:-}" <<'PY'
import resource, subprocess, sys, time
cat, rounds, url, jobs, names = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5].split()
place, _, query = url.partition("?")
words = []
for name in names:
    words += ["-o", "/dev/null", place + "/" + name + ("?" + query if query else "")]
peers = {"curl": ["curl", "-s", "-f", "--no-progress-meter", "-Z", "--parallel-max", jobs] + words,
         "ours": [cat, "--null", "--threads", jobs, "--ahead", "1" if len(names) > 1 else "0", url]}
best = {}
for turn in range(rounds + 1):
    for name, command in peers.items():
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if turn:
            best[name] = tuple(map(min, best.get(name, (9e9, 9e9)), (wall, cpu)))
(cw, cc), (ow, oc) = best["curl"], best["ours"]
print("| %s | %s | %.3f | %.3f | %.2f | %.3f | %.3f | %.2f |" % (
    "%d blob%s%s" % (len(names), "s" if len(names) > 1 else "", sys.argv[6]), jobs, cw, ow, ow / cw, cc, oc, oc / cc))
PY
}

echo "| what | connections | curl wall s | ours wall s | ratio | curl user+sys s | ours user+sys s | ratio |"
echo "|---|---|---|---|---|---|---|---|"
for md5 in "" no-md5; do
    for folder in large small; do
        serve "$work/$folder" $md5
        for jobs in 1 2; do
            measure "$url" "$(cd "$work/$folder" && echo *)" $jobs "${md5:+ without MD5}"
        done
    done
done
for url in "$@"; do
    names=$("$NSGFLOW_BUILD/tests/e2e/storage_cat" --list "$url" | sed -n 's!^item .*/\([^/ ]*\) [0-9]* etag.*!\1!p')
    for jobs in 1 2; do
        measure "$url" "$names" $jobs
    done
done
