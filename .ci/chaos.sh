#!/usr/bin/env bash
# What goes wrong in production, over processes and real TCP: `bindery send` on `bindery smsc`. At the end what was told is
# held against what the SMSC noted of its own (`--seen`); figures are printed, and only the account is judged.
#
# Usage: .ci/chaos.sh [BINARY [NAME]]. All in a short form; or one by its name, in full. .ci/chaos.py has the names.

peer=chaos
source "$(dirname "$0")/interop.bash"
build "$@"
python3 .ci/chaos.py "$binary" "$work" ${2:+"$2"}
