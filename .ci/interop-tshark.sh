#!/usr/bin/env bash
# Every PDU and TLV that we write, read by Wireshark's dissector.
#
# Usage: .ci/interop-tshark.sh

peer="interop with tshark"
source "$(dirname "$0")/interop.bash"
install debian tshark tshark

BINDERY_CAPTURE="$work/all.pcap" cargo test --locked --quiet --test it capture:: >"$work/test.log" 2>&1 ||
    fail "no capture:" "$work/test.log"
[[ -s $work/all.pcap && -s $work/all.pdus ]] || fail "no capture"

read_capture() { tshark -r "$work/all.pcap" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE "$@" 2>"$work/tshark.err"; }

# Number and command of each PDU, as written and as seen.
cut -d ' ' -f 1,2 "$work/all.pdus" >"$work/written"
read_capture -Y smpp -T fields -E separator=' ' -e smpp.sequence_number -e smpp.command_id >"$work/seen"
if ! diff "$work/written" "$work/seen" >"$work/diff"; then
    fail "it sees other PDUs (>) than were written (<):" "$work/diff"
fi

# Faults of the dissector (5.0 section 4.8.4 has the lengths):
#   broadcast_rep_num     two octets, but tshark steps over one;
#   ms_validity           one octet or four (a span), but tshark steps over one; those of one are not excused;
#   source_telematics_id  one octet, but tshark steps over two.
awk '$3 ~ /^(broadcast_rep_num|ms_validity|source_telematics_id)$/ { print $1 }' "$work/all.pdus" | sort >"$work/excused"
problems='_ws.malformed || _ws.expert.severity == error || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"'
read_capture -Y "$problems" -T fields -e smpp.sequence_number -e frame.number -e smpp.command_id -e _ws.expert.message \
    >"$work/problems"
sort "$work/problems" | join -t $'\t' -v 1 - "$work/excused" >"$work/found"
if [[ -s $work/found ]]; then
    fail "(sequence number, frame, command, what it says)" "$work/found"
fi
echo "interop with $(tshark --version 2>/dev/null | head -n 1): ok, $(wc -l <"$work/seen") PDUs"
