# Sourced by the scripts beside it. RocksDB's C++ takes most of a first build; a compiler cache
# keeps its objects, whichever profile or folder asks for them next.
if command -v ccache >/dev/null; then
  export CC="${CC:-ccache gcc}" CXX="${CXX:-ccache g++}"
fi
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"
