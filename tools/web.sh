#!/usr/bin/env bash
# Builds the browser's verifier, byte for byte the same on every machine with the same compiler.
#   tools/web.sh              to its place in the source, api/assets/verify.wasm
#   tools/web.sh FILE         to FILE
#   tools/web.sh --check      compares with the one in the source
# Exit code 3: not the compiler that the module in the source was built with, so that bytes say
# nothing; tools/install.sh web installs it where the distribution has it.
set -euo pipefail
cd "$(dirname "$0")/.."
committed=api/assets/verify.wasm
compiler='rustc 1.96.0 '

# Debian's own Rust, beside any other: it has the sources of the standard library, which is built
# along. No network is asked for anything but the crates that Cargo.lock names.
rustc=/usr/bin/rustc cargo=/usr/bin/cargo
missing() { echo "web.sh: $1" >&2; exit 3; }
[[ "$("$rustc" --version 2>/dev/null)" = "$compiler"* ]] || missing "$rustc is not $compiler"
sysroot="$("$rustc" --print sysroot)"
[ -d "$sysroot/lib/rustlib/src/rust/library/std" ] || missing 'no sources of std'

# The linker of the same LLVM: another might lay the module out otherwise.
linker="$(command -v wasm-ld-22)" || missing 'no wasm-ld-22'

target_dir="$(realpath -m "${CARGO_TARGET_DIR:-target}")/web"
home="$(realpath -m "${CARGO_HOME:-$HOME/.cargo}")"
source="$(realpath "$sysroot/lib/rustlib/src/rust")"
# No path of this machine may reach the bytes; panics say where they are in the source.
remap="--remap-path-prefix=$PWD=/suyuan --remap-path-prefix=$home=/cargo \
  --remap-path-prefix=$source=/rust --remap-path-prefix=$target_dir=/target"

# A module without imports has nobody to tell why it panicked: without the words it is smaller.
abort='-Zunstable-options -Cpanic=immediate-abort'

env -u CC -u CXX -u RUSTUP_TOOLCHAIN -u CARGO_ENCODED_RUSTFLAGS \
  RUSTC="$rustc" RUSTC_BOOTSTRAP=1 RUSTFLAGS="$remap $abort" CARGO_INCREMENTAL=0 \
  CARGO_TARGET_DIR="$target_dir" CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker" \
  "$cargo" build --locked --quiet --package ledger-web-abi --profile web \
  --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size >&2

built="$target_dir/wasm32-unknown-unknown/web/ledger_web_abi.wasm"
if strings -n 6 "$built" | grep -F -e "$PWD" -e "$home" -e "$HOME/"; then
  echo "web.sh: a path of this machine is in the module" >&2
  exit 1
fi
if [ "${1:-}" = --check ]; then
  cmp "$built" "$committed" || {
    echo "web.sh: $committed is not what this source builds: run tools/web.sh" >&2
    exit 1
  }
else
  install -m 644 "$built" "${1:-$committed}"
fi
