#!/usr/bin/env bash
# Usage: scripts/check.sh
#
# Everything but the tests: formatting, lints, documentation; cargo-deny, typos and shellcheck where they
# are installed. The code behind feature `torch` is linted too where scripts/setup-torch.sh has run.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
usage_only "$@"
cd "$root"

say "formatting"
cargo fmt --all --check

say "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings
if libtorch=$(scripts/setup-torch.sh --print); then
    LIBTORCH=$libtorch cargo clippy --workspace --all-targets --features host/torch --locked -- -D warnings
else
    say "libtorch is not set up: what needs it is not linted"
fi

say "documentation"
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

# optional NAME COMMAND…: runs the command where NAME is installed.
optional() {
    if command -v "$1" >/dev/null; then
        say "$1"
        "${@:2}"
    else
        say "$1 is not installed: left out"
    fi
}
optional cargo-deny cargo deny --offline check --config .deny.toml bans licenses sources
optional typos typos
optional shellcheck shellcheck --external-sources scripts/*.sh .ci/run
