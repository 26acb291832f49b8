#!/usr/bin/env bash
# npm's smpp (node-smpp), both ways: as ESME on `bindery smsc`, and as the SMSC that `bindery send` talks to.
#
# Usage: .ci/interop-node-smpp.sh [path of the binary]
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.5.1
peer="interop with node-smpp $version"
source .ci/interop.bash

node_smpp() {
    debian npm nodejs npm && npm install --silent --no-audit --no-fund --prefix "$work" "smpp@$version"
}
install node_smpp
build "$@"
export NODE_PATH="$work/node_modules"

start_smsc
timeout 60 node tests/interop/node_smpp_esme.js "$port" || fail "as ESME"
stop_smsc
[[ $(smsc_counted unreadable) == 0 ]] || fail "our SMSC could not read it:" "$work/smsc.out"

node tests/interop/node_smpp_smsc.js >"$work/theirs.out" 2>"$work/theirs.err" &
theirs=$!
pids+=("$theirs")
port=$(port_of "$work/theirs.out" "$theirs") || fail "its SMSC does not listen:" "$work/theirs.err"
cat >"$work/bindery.toml" <<TOML
[binds.node]
hosts = ["127.0.0.1:$port"]
system_id = "interop"
password = "secret"
enquire_link_interval = "1s"
enquire_link_mode = "fixed"
TOML
node tests/interop/node_smpp_smsc.js --messages >"$work/messages.jsonl"
status=0
"$binary" send --config "$work/bindery.toml" --file "$work/messages.jsonl" --wait-receipt --timeout 60s --json \
    >"$work/send.out" 2>"$work/send.err" || status=$?
# 1: some messages are refused, and that is right.
[[ $status == 1 ]] || fail "bindery send ended with status $status:" "$work/send.err"
kill -TERM "$theirs"
wait "$theirs" || fail "its SMSC found a mistake:" "$work/theirs.err"
node tests/interop/node_smpp_smsc.js --compare "$work/messages.jsonl" "$work/send.out" "$work/theirs.out" ||
    fail "as SMSC"
echo "$peer: ok"
