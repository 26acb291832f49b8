#!/usr/bin/env bash
# Counts the instructions of single pieces of work with valgrind, and compares them with those that are kept in
# benches/instructions.txt: more than 5 % above is a warning. `benches/instructions.sh --keep` keeps what is counted.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || { echo "benches/instructions.sh: valgrind is not installed; nothing is counted"; exit 0; }
binary=$(cargo bench --locked --no-run --bench instructions 2>&1 | sed -n 's/.*(\(target[^)]*\)).*/\1/p')
kept=benches/instructions.txt

count() { # work, times
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$1" "$2" 2>&1 | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

found=$(for work in receipt receipt-owed submit_sm-encode submit_sm-view gsm7-encode split-ucs2 message message-in-batch; do
  # What the process costs besides is the same in both.
  echo "$work $(( ($(count "$work" 1100) - $(count "$work" 100)) / 1000 ))"
done)
if [ "${1:-}" = --keep ]; then
  echo "$found" >"$kept"
fi
while read -r work now; do
  before=$(sed -n "s/^$work //p" "$kept")
  note=""
  if [ -z "$before" ]; then note="not kept yet"
  elif [ $((now * 100)) -gt $((before * 105)) ]; then note="WARNING: more than 5 % above $before"; fi
  printf '%-18s %7s instructions  %s\n' "$work" "$now" "$note"
done <<<"$found"
