#!/usr/bin/env bash
# PyPI's smpp34, both ways: as ESME on `bindery smsc`, and as the SMSC that `bindery send` talks to.
#
# Usage: .ci/interop-smpp34.sh [path of the binary]

version=1.5.0
peer="interop with smpp34 $version"
source "$(dirname "$0")/interop.bash"

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

send_to "$python" tests/interop/smpp34_smsc.py
echo "$peer: ok"
