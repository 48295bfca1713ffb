#!/usr/bin/env bash
# Prints the tables of bench/README.md: the whole review beside other readers of the same files, and the scan by size.
# Ratios are taken in one run on one machine, page cache warm, medians of ROUNDS (5). BYTES (200 MB) is the size of a log.
#
# A peer that is not installed is left out. What a peer counts is compared with the review before its time stands here.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${NSGFLOW:?}" "${NSGFLOW_BUILD:?}"
BYTES=${BYTES:-200000000}
ROUNDS=${ROUNDS:-5}
gen=$NSGFLOW_BUILD/bench/gen_logs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# seconds COMMAND...: the median of ROUNDS runs; what the command prints goes nowhere.
seconds() {
    local i
    for ((i = 0; i < ROUNDS; i++)); do
        local from to
        from=$(date +%s%N)
        "$@" >/dev/null 2>&1 || { echo "nan"; return; }
        to=$(date +%s%N)
        echo $((to - from))
    done | sort -n | awk '{ t[NR] = $1 } END { printf "%.4f\n", t[int((NR + 1) / 2)] / 1e9 }'
}

# row NAME SECONDS BYTES BASE
row() {
    awk -v name="$1" -v s="$2" -v n="$3" -v base="$4" \
        'BEGIN { if (s == "nan" || s <= 0) exit; printf "| %s | %.3f | %.2f | %.2f |\n", name, s, n / s / 1e9, s / base }'
}

review() { "$NSGFLOW" review --quiet --format json -o /dev/null --rules "$work/nsgs.json" "$@"; }

py_tuples='import json, sys
n = 0
def walk(value):
    global n
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "flowTuples":
                n += sum(len(text.split(",")) > 7 for text in item)
            else:
                walk(item)
    elif isinstance(value, list):
        for item in value:
            walk(item)
walk(json.load(open(sys.argv[1])))
print(n)'
js_tuples='const d = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")); let n = 0;
const walk = (v) => { if (Array.isArray(v)) v.forEach(walk); else if (v && typeof v === "object")
  for (const [k, x] of Object.entries(v)) if (k === "flowTuples") for (const t of x) { if (t.split(",").length > 7) n++; } else walk(x); };
walk(d); console.log(n);'
jq_tuples='[.. | .flowTuples? // empty | length] | add'

ours_tuples() {
    "$NSGFLOW" review --quiet --format json --top 1 --rules "$work/nsgs.json" "$1" | tr -d '\n ' |
        sed 's/.*"tuples":\([0-9]*\),"tuples_bad".*/\1/'
}

"$gen" rules 0 1 "$work/nsgs.json"
for kind in typical vnet flood; do
    log=$work/$kind.json
    "$gen" "$kind" "$BYTES" 1 "$log"
    size=$(stat -c %s "$log")
    tuples=$(ours_tuples "$log")
    base=$(seconds dd if="$log" of=/dev/null bs=256K status=none)
    printf '\n### %s: %d bytes, %s tuples\n\n| what | seconds | GB/s | times the bare read |\n|---|---|---|---|\n' "$kind" "$size" "$tuples"
    row "bare read, 256 KiB" "$base" "$size" "$base"
    row "wc -l" "$(seconds wc -l "$log")" "$size" "$base"
    row "review --jobs 1" "$(seconds review --jobs 1 "$log")" "$size" "$base"
    row "review --jobs 2" "$(seconds review --jobs 2 "$log")" "$size" "$base"
    row "review --jobs 1 --smtp-only" "$(seconds review --jobs 1 --smtp-only "$log")" "$size" "$base"
    row "review --jobs 1 --parser yajl" "$(seconds review --jobs 1 --parser yajl "$log")" "$size" "$base"
    [ "$kind" = typical ] || continue
    for peer in python3 node jq; do
        command -v "$peer" >/dev/null || continue
        case $peer in
        python3) run=(python3 -c "$py_tuples" "$log") ;;
        node) run=(node -e "$js_tuples" "$log") ;;
        jq) run=(jq "$jq_tuples" "$log") ;;
        esac
        count=$(timeout 300 "${run[@]}" 2>/dev/null)
        if [ "$count" = "$tuples" ]; then
            row "$peer, counting tuples" "$(ROUNDS=1 seconds "${run[@]}")" "$size" "$base"
        else
            echo "| $peer | counts $count tuples: left out | | |"
        fi
    done
done

log=$work/typical.json.gz
"$gen" gz "$BYTES" 1 "$log"
base=$(seconds gzip -dc "$log")
size=$(stat -c %s "$work/typical.json")
printf '\n### gz: typical, gzipped\n\n| what | seconds | GB/s inflated | times gzip -dc |\n|---|---|---|---|\n'
row "gzip -dc" "$base" "$size" "$base"
command -v igzip >/dev/null && row "igzip -dc" "$(seconds igzip -dc "$log")" "$size" "$base"
row "review --jobs 1" "$(seconds review --jobs 1 "$log")" "$size" "$base"

"$gen" small $((BYTES / 10)) 1 "$work/small"
size=$((BYTES / 10))
base=$(seconds sh -c "find '$work/small' -type f -print0 | xargs -0 cat")
printf '\n### small: blobs of 10 KB\n\n| what | seconds | GB/s | times find and cat |\n|---|---|---|---|\n'
row "find and cat" "$base" "$size" "$base"
row "review --jobs 1" "$(seconds review --jobs 1 "$work/small")" "$size" "$base"

printf '\n### scan: cost a rule\n\n| NSGs | rules each | prefixes each | MB | seconds | us a rule |\n|---|---|---|---|---|---|\n'
for shape in "100 10 4" "100 100 4" "100 1000 4" "1000 100 4" "10 100 400" "10 1000 400" "2000 200 4"; do
    read -r nsgs rules prefixes <<<"$shape"
    python3 bench/gen_nsgs.py "$nsgs" "$rules" "$prefixes" >"$work/scan.json"
    s=$(seconds "$NSGFLOW" scan --quiet --format json -o /dev/null "$work/scan.json")
    awk -v a="$nsgs" -v b="$rules" -v c="$prefixes" -v n="$(stat -c %s "$work/scan.json")" -v s="$s" \
        'BEGIN { printf "| %d | %d | %d | %.1f | %.3f | %.2f |\n", a, b, c, n / 1e6, s, s / a / b * 1e6 }'
done
