#!/usr/bin/env bash
# npm's smpp (node-smpp), both ways: as ESME on `bindery smsc`, and as the SMSC that `bindery send` talks to.
#
# Usage: .ci/interop-node-smpp.sh [path of the binary]

version=0.5.1
peer="interop with node-smpp $version"
source "$(dirname "$0")/interop.bash"

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

send_to node tests/interop/node_smpp_smsc.js
echo "$peer: ok"
