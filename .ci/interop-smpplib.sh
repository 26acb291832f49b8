#!/usr/bin/env bash
# PyPI's smpplib as ESME on `bindery smsc`.
#
# Usage: .ci/interop-smpplib.sh [path of the binary]

version=2.2.4
peer="interop with smpplib $version"
source "$(dirname "$0")/interop.bash"

python() {
    python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet "smpplib==$version"
}
install python
build "$@"

start_smsc
"$work/venv/bin/python" tests/interop/smpplib_esme.py 127.0.0.1 "$port"
stop_smsc
echo "$peer: ok"
