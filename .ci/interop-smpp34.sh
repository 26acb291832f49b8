#!/usr/bin/env bash
# PyPI's smpp34, both ways: as ESME on `bindery smsc`, and as the SMSC that `bindery send` talks to.
#
# Usage: .ci/interop-smpp34.sh [path of the binary]
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.5.0
peer="interop with smpp34 $version"
source .ci/interop.bash

python() {
    python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet "smpp34==$version"
}
install python
build "$@"
python=$work/venv/bin/python

start_smsc
timeout 120 "$python" tests/interop/smpp34_esme.py "$port" || fail "as ESME"
stop_smsc
[[ $(smsc_counted unreadable) == 0 ]] || fail "our SMSC could not read it:" "$work/smsc.out"

"$python" tests/interop/smpp34_smsc.py >"$work/theirs.out" 2>"$work/theirs.err" &
theirs=$!
pids+=("$theirs")
port=$(port_of "$work/theirs.out" "$theirs") || fail "its SMSC does not listen:" "$work/theirs.err"
cat >"$work/bindery.toml" <<TOML
[binds.smpp34]
hosts = ["127.0.0.1:$port"]
system_id = "interop"
password = "secret"
enquire_link_interval = "1s"
enquire_link_mode = "fixed"
TOML
python3 tests/interop/smpp34_smsc.py --messages >"$work/messages.jsonl"
status=0
"$binary" send --config "$work/bindery.toml" --file "$work/messages.jsonl" --wait-receipt --timeout 60s --json \
    >"$work/send.out" 2>"$work/send.err" || status=$?
# 1: some messages are refused, and that is right.
[[ $status == 1 ]] || fail "bindery send ended with status $status:" "$work/send.err"
kill -TERM "$theirs"
wait "$theirs" || fail "its SMSC found a mistake:" "$work/theirs.err"
python3 tests/interop/smpp34_smsc.py --compare "$work/messages.jsonl" "$work/send.out" "$work/theirs.out" ||
    fail "as SMSC"
echo "$peer: ok"
