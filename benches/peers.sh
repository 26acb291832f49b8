#!/usr/bin/env bash
# bindery beside a bare socket and other clients on the same work: benches/peers.sh [rounds=N]
#
# Installs the peers (crates of benches/peers), runs everything in turns, and writes the figures into docs/performance.md
# and docs/throughput.svg. Wants two cores that nobody else uses, and some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
ulimit -n "$(ulimit -Hn)"
cargo build --locked --release --manifest-path benches/peers/Cargo.toml --bins
benches/peers/target/release/compare docs/performance.md docs/throughput.svg "$@"
