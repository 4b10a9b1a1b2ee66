#!/bin/bash
# Stands for scripts/build in the copy that the test of docs/adding-a-destination.md works in: compiles
# what is new or changed in the copy, and links it in front of what this build has made already.
#   page_build.sh PRESET TARGET...     with BIZOND_PAGE_SOURCE, the tree, and BIZOND_PAGE_BUILD, its build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$PWD
source=$BIZOND_PAGE_SOURCE
build=$BIZOND_PAGE_BUILD
shift
mkdir -p build/objects

# The flags that the tree's own catalogue was compiled with.
flags=$(ninja -C "$build" -t commands libbizond_destinations.a | grep -- "-c $source/destinations/catalog.cc" | head -1)
flags=${flags%% -MD *}
flags=${flags%% -o *}
flags=${flags/-I"$source" /-I"$copy/build/generated" -I"$copy" -I"$source" }

# What is embedded holds the new folder's schema and example.
mkdir -p build/generated/embedded
embedded=$(ls -d destinations/*/schema.json destinations/*/example*.yml destinations/template/* | sort)
cmake "-DOUTPUT=$copy/build/generated/embedded/destinations_files.cc" \
  "-DHEADER=$copy/build/generated/embedded/destinations_files.h" -DNAME=destinations_files \
  "-DROOT=$copy/destinations" "-DFILES=$(printf '%s' "$embedded" | sed "s|^|$copy/|" | paste -sd ';')" \
  -P "$source/cmake/EmbedFiles.cmake"

compile() {
  local object
  object=build/objects/$(tr / _ <<<"$1").o
  [ "$object" -nt "$1" ] || $flags -c "$copy/$1" -o "$object"
}
export -f compile
export flags copy

fresh=(build/generated/embedded/destinations_files.cc destinations/catalog.cc)
tests=(tests/conformance/destination_fixtures.cc)
for file in destinations/*/*.cc; do [ -f "$source/$file" ] || fresh+=("$file"); done
for file in tests/conformance/destination_*_test.cc; do [ -f "$source/$file" ] || tests+=("$file"); done
printf '%s\n' "${fresh[@]}" "${tests[@]}" | xargs -P "$(nproc)" -I{} bash -euc 'compile {}'

objects_of() {
  local file
  for file in "$@"; do printf '%s ' "$copy/build/objects/$(tr / _ <<<"$file").o"; done
}
for target in "$@"; do
  objects=$(objects_of "${fresh[@]}")
  [ "$target" = bizond ] || objects+=$(objects_of "${tests[@]}")
  link=$(ninja -C "$build" -t commands "$target" | tail -1)
  link=$(sed -E "s|[^ ]*/destination_fixtures\.cc\.o||; s| -o $target | $objects -o $copy/build/$target |" <<<"$link")
  rm -f "$copy/build/$target"
  (cd "$build" && bash -euc "$link")
done
