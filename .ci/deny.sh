#!/usr/bin/env bash
# The dependencies keep to deny.toml. The advisories are left out, and that is said, where their database cannot
# be reached.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
if [[ $(cargo deny --version 2>/dev/null) != "cargo-deny $version" ]]; then
    # It works for seconds: making it fast takes minutes.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked "cargo-deny@$version"
fi

checks=(advisories bans licenses sources)
if ! fetched=$(timeout 120 cargo deny --locked fetch db 2>&1); then
    printf "%s\n" "$(tail -n 1 <<<"$fetched")" "advisories: NOT CHECKED, their database cannot be reached"
    checks=(bans licenses sources)
fi
deny() {
    local manifest=$1
    shift
    echo "-- $manifest: $*"
    cargo deny --locked --manifest-path "$manifest" --config deny.toml check --hide-inclusion-graph "$@"
}
deny Cargo.toml "${checks[@]}"
# Nobody ships these two; what they are built of is still to come from where it should.
deny fuzz/Cargo.toml sources
deny benches/peers/Cargo.toml sources
