#!/usr/bin/env bash
# Installs what is missing to build, run and test. Safe to repeat; says what it does.
#   tools/install.sh          to build and run
#   tools/install.sh test     to test as well: a browser, Chinese fonts, a code reader, Python,
#                             networks of their own
#   tools/install.sh web      to build the browser's verifier: Debian's Rust and its standard library
set -euo pipefail

command -v cargo >/dev/null || { echo "install.sh: Rust is missing: install rustup and Rust 1.95 or newer" >&2; exit 1; }

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need g++ g++
need ccache ccache
# RocksDB's bindings are made with libclang; the compiler itself is not needed.
# libclang-cpp, which other packages bring along, is another library.
ldconfig -p | grep -Eq 'libclang(-[0-9.]+)?\.so' ||
  compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null || packages+=(libclang-dev)
if [ "${1:-}" = test ]; then
  need chromium chromium
  need zbarimg zbar-tools
  need ip iproute2
  need unshare util-linux
  need python3 python3
  fc-list 2>/dev/null | grep -qi 'noto.*cjk' || packages+=(fonts-noto-cjk fontconfig)
  python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
fi
if [ "${1:-}" = web ]; then
  [ -x /usr/bin/cargo ] || packages+=(cargo-web)
  [ -x /usr/bin/rustc ] || packages+=(rustc-web)
  [ -d /usr/lib/rustlib/src/rust/library/std ] || packages+=(rust-web-src)
  need wasm-ld-22 lld-22
  need strings binutils
fi
if [ ${#packages[@]} -gt 0 ]; then
  as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  echo "install.sh: installing ${packages[*]}" >&2
  "${as_root[@]}" apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
fi
