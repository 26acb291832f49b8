#!/usr/bin/env bash
# Debian's Kannel as ESME on `bindery smsc`.
#
# Usage: .ci/interop-kannel.sh [path of the binary]

peer="interop with Kannel"
source "$(dirname "$0")/interop.bash"

install debian bearerbox kannel
build "$@"

mobile_originated=5
cat >"$work/smsc.toml" <<TOML
[smsc.kannel]
final_states.undeliverable = 0.2

[smsc.kannel.mobile_originated]
rate = 10.0
count = $mobile_originated
TOML
start_smsc --config "$work/smsc.toml" --seed 1
timeout 120 python3 tests/interop/kannel_esme.py "$port" "$mobile_originated" "$work" || {
    grep -hE "WARNING|ERROR|PANIC" "$work"/*box.log | tail -n 20
    fail "as ESME"
}
stop_smsc
for what in unreadable deliveries_pending deliveries_dropped; do
    [[ $(smsc_counted "$what") == 0 ]] || fail "$what:" "$work/smsc.out"
done
[[ $(smsc_counted receipts_delivered) == $(smsc_counted receipts_owed) ]] || fail "receipts are missing:" "$work/smsc.out"
echo "$peer $(dpkg-query -W -f '${Version}' kannel): ok"
