#!/usr/bin/env bash
# Uses Starling as a stranger does: installs build/release into an empty place, copies the example out of
# the tree, and builds and runs it against nothing but the installed package.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cmake --install build/release --prefix "$place/prefix" >/dev/null
mkdir "$place/project"
cp examples/embed_minimal.cpp examples/embedder/CMakeLists.txt "$place/project"

cd "$place/project"
cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$place/prefix" >/dev/null
cmake --build build
expected=$'x = 2.000\nmerged digests agree'
seen=$(timeout 60 build/embed_minimal)
if [ "$seen" != "$expected" ]; then
  printf 'check_embedder: embed_minimal printed:\n%s\nexpected:\n%s\n' "$seen" "$expected" >&2
  exit 1
fi
"$place/prefix/bin/starling" version >/dev/null
echo "check_embedder: an outside project built and ran against the installed package"
