#!/usr/bin/env bash
# Installs what is missing and passes every check: format, lints, documentation, tests.
# The last line is the test runner's count.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install.sh test
. tools/env.sh
step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

# An independent verifier of receipts, and a bucket to export to, in a folder of their own.
venv="${CARGO_TARGET_DIR:-target}/verifiers"
if ! "$venv/bin/python" -c 'import scitt_cose, moto.server' 2>/dev/null; then
  step 'install the independent receipt verifier, and a bucket'
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'scitt-cose==0.5.0' \
    'moto==5.2.5' 'flask==3.1.3' 'flask-cors==6.0.5' 'py-partiql-parser==0.6.3' 'PyYAML==6.0.4'
fi
venv="$(cd "$venv" && pwd)"
export SUYUAN_VERIFIER_PYTHON="$venv/bin/python"

step 'format'; cargo fmt --all --check
step 'lint';   cargo clippy --locked --workspace --all-targets -- -D warnings
step 'build without a store: the offline verifier'
               cargo build --locked -p tools --no-default-features
step 'the browser verifier, built again'
if tools/install.sh web; then
  tools/web.sh --check || [ $? = 3 ]
else
  echo 'test.sh: no compiler for WebAssembly to be had here: the module is not compared' >&2
fi
step 'docs';   RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items
step 'documentation tests'; cargo test --locked --workspace --doc
step 'tests'
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --locked --workspace --profile ci
else
  cargo test --locked --workspace --lib --bins --tests
fi
