#!/usr/bin/env bash
# Installs what is missing, builds, and runs the demo. Arguments go to `suyuan demo`.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install.sh
. tools/env.sh
echo "demo.sh: building; the first time RocksDB takes 10 to 15 minutes of two cores" >&2
cargo build --locked --release -p tools
exec "${CARGO_TARGET_DIR:-target}/release/suyuan" demo "$@"
