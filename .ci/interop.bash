# For the scripts beside it, which name their $peer: a folder to work in, the binary, an SMSC of ours that is stopped at the
# end, and messages to an SMSC of theirs.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
pids=()
# Ends what was started and is still there, also after a failure.
at_exit() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap at_exit EXIT

fail() {
    echo "$peer: FAILED, $1"
    [[ -n ${2:-} && -f $2 ]] && tail -n 30 "$2"
    exit 1
}

# install COMMAND...: what the peer needs. Without it the script is skipped, but not in CI ($CI).
install() {
    if ! "$@" >"$work/install.log" 2>&1; then
        [[ -n ${CI:-} ]] && fail "it does not install here:" "$work/install.log"
        echo "$peer: SKIPPED, it does not install here:"
        tail -n 3 "$work/install.log"
        exit 0
    fi
}

# debian COMMAND PACKAGE...: the packages, where COMMAND is missing.
debian() {
    local command=$1
    shift
    command -v "$command" >/dev/null && return
    apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# build PATH: the binary, built unless a path is given.
build() {
    binary=${1:-}
    if [[ -z $binary ]]; then
        cargo build --locked --quiet --bin bindery
        binary=${CARGO_TARGET_DIR:-target}/debug/bindery
    fi
}

# port_of FILE PID: waits until the program says `"listening":"127.0.0.1:PORT"` there.
port_of() {
    local port
    for _ in $(seq 100); do
        port=$(sed -n 's/.*"listening": *"127\.0\.0\.1:\([0-9]*\)".*/\1/p' "$1" | head -n 1)
        [[ -n $port ]] && break
        kill -0 "$2" 2>/dev/null || break
        sleep 0.1
    done
    [[ -n $port ]] && echo "$port"
}

# start_smsc ARGUMENT...: our SMSC, at $port.
start_smsc() {
    "$binary" smsc --listen 127.0.0.1:0 --json "$@" >"$work/smsc.out" 2>"$work/smsc.err" &
    smsc_pid=$!
    pids+=("$smsc_pid")
    port=$(port_of "$work/smsc.out" "$smsc_pid") || fail "our SMSC does not listen:" "$work/smsc.err"
}

# stop_smsc: in good order.
stop_smsc() {
    kill -TERM "$smsc_pid"
    wait "$smsc_pid" || fail "our SMSC ended with status $?:" "$work/smsc.err"
}

# smsc_counted NAME: what our SMSC counted until it was stopped.
smsc_counted() {
    sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$work/smsc.out" | tail -n 1
}

# send_to COMMAND...: `bindery send` to their SMSC, which is COMMAND; it says its `--messages`, and can `--compare` what came of them.
send_to() {
    local theirs status=0
    "$@" >"$work/theirs.out" 2>"$work/theirs.err" &
    theirs=$!
    pids+=("$theirs")
    port=$(port_of "$work/theirs.out" "$theirs") || fail "its SMSC does not listen:" "$work/theirs.err"
    cat >"$work/bindery.toml" <<TOML
[binds.theirs]
hosts = ["127.0.0.1:$port"]
system_id = "interop"
password = "secret"
enquire_link_interval = "1s"
enquire_link_mode = "fixed"
TOML
    "$@" --messages >"$work/messages.jsonl"
    "$binary" send --config "$work/bindery.toml" --file "$work/messages.jsonl" --wait-receipt --timeout 60s --json \
        >"$work/send.out" 2>"$work/send.err" || status=$?
    # 1: some messages are refused, and that is right.
    [[ $status == 1 ]] || fail "bindery send ended with status $status:" "$work/send.err"
    kill -TERM "$theirs"
    wait "$theirs" || fail "its SMSC found a mistake:" "$work/theirs.err"
    "$@" --compare "$work/messages.jsonl" "$work/send.out" "$work/theirs.out" || fail "as SMSC"
}
