#!/usr/bin/env bash
# PyPI's smpplib as ESME on `bindery smsc`. Skipped, and says so, where smpplib does not install.
#
# Usage: .ci/interop-smpplib.sh [path of the binary]
set -euo pipefail
cd "$(dirname "$0")/.."

smpplib_version=2.2.4
work=$(mktemp -d)
smsc_pid=
cleanup() {
    if [[ -n $smsc_pid ]]; then
        kill "$smsc_pid" 2>/dev/null || true
        wait "$smsc_pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT

if ! { python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet "smpplib==$smpplib_version"; } \
    >"$work/install.log" 2>&1; then
    echo "interop with smpplib: SKIPPED, it does not install here:"
    tail -n 3 "$work/install.log"
    exit 0
fi

binary=${1:-}
if [[ -z $binary ]]; then
    cargo build --quiet --bin bindery
    binary=${CARGO_TARGET_DIR:-target}/debug/bindery
fi

"$binary" smsc --listen 127.0.0.1:0 --json >"$work/smsc.out" 2>"$work/smsc.err" &
smsc_pid=$!
port=
for _ in $(seq 100); do
    port=$(sed -n 's/.*"listening": *"127\.0\.0\.1:\([0-9]*\)".*/\1/p' "$work/smsc.out" | head -n 1)
    [[ -n $port ]] && break
    kill -0 "$smsc_pid" 2>/dev/null || break
    sleep 0.1
done
if [[ -z $port ]]; then
    echo "interop with smpplib: FAILED, the SMSC does not listen:"
    cat "$work/smsc.err"
    exit 1
fi

"$work/venv/bin/python" tests/interop/smpplib_esme.py 127.0.0.1 "$port"

kill -TERM "$smsc_pid"
status=0
wait "$smsc_pid" || status=$?
smsc_pid=
if [[ $status -ne 0 ]]; then
    echo "interop with smpplib: FAILED, the SMSC ended with status $status:"
    cat "$work/smsc.err"
    exit 1
fi
echo "interop with smpplib $smpplib_version: ok"
