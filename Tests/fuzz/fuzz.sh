#!/usr/bin/env bash
# Fuzzes the targets named, or all, for FUZZ_SECONDS each, as many at a time as there are cores. An input that breaks one is left
# in its corpus, which the tests replay. With MINIMIZE=1 it fuzzes nothing: of what the runs before have found, the forty inputs
# of each target that reach most come into its corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ $# -gt 0 ] || set -- frames handshake client events tokens jwks keys
out=.build/fuzz
compile=(swiftc -O -g -swift-version 6 -parse-as-library -sanitize=fuzzer,address -I "$out" -I Sources/COpenSSL)
# Swift's own backtrace of a crash keeps libFuzzer from reporting it.
export SWIFT_BACKTRACE=enable=no

mkdir -p "$out"
objects=()
for module in HTTPCodec WebSocketCodec JSONCoding ChatModel ChatWire ChatStore Tokens \
  CodecChecks:Tests/fuzz/Checks InputChecks:Tests/fuzz/InputChecks; do
  name=${module%%:*}
  folder=Sources/$name
  [ "$name" = "$module" ] || folder=${module#*:}
  mapfile -t files < <(find "$folder" -name '*.swift' | sort)
  "${compile[@]}" -wmo -module-name "$name" -emit-module-path "$out/$name.swiftmodule" -emit-object -o "$out/$name.o" "${files[@]}"
  objects+=("$out/$name.o")
done

minimize() {
  local corpus=Tests/fuzz/corpus/$1 least=$out/least/$1
  rm -rf "$least"
  mkdir -p "$least"
  # What is named by a person stays, whatever else reaches the same.
  find "$corpus" -type f -regextype egrep ! -regex '.*/[0-9a-f]{40}' -exec cp -t "$least" {} +
  local named=$(ls "$least" | wc -l)
  "$out/$1" -merge=1 -set_cover_merge=1 -use_counters=0 -max_len=2048 "$least" "$corpus" "$out/found/$1" 2>&1 | tail -1
  # Those that reach most are written first.
  ls -t "$least" | head -n -$((named + 40)) | (cd "$least" && xargs -r rm)
  find "$corpus" -type f -delete
  cp "$least"/* "$corpus"
}

fuzz() {
  local corpus=Tests/fuzz/corpus/$1 log=$out/$1.log
  local options=(-artifact_prefix="$corpus/" -max_len=2048 -timeout=10 -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=1)
  [ ! -f "Tests/fuzz/$1.dict" ] || options+=(-dict="Tests/fuzz/$1.dict")
  if ! "$out/$1" "${options[@]}" "$out/found/$1" "$corpus" >"$log" 2>&1; then
    tail -n 40 "$log"
    echo "$1: found something; the input is in $corpus"
    return 1
  fi
  echo "$1: $(grep -o 'Done.*' "$log"), $(sed -n 's/stat::average_exec_per_sec: *//p' "$log") a second, nothing found"
}

for target; do
  "${compile[@]}" -use-ld=lld -module-name "Fuzz_$target" "Tests/fuzz/Targets/$target.swift" "${objects[@]}" -lcrypto -o "$out/$target"
  # What it finds on the way is kept for the next run, out of the tree.
  mkdir -p "$out/found/$target" "Tests/fuzz/corpus/$target"
done
failed=0
for target; do
  if [ -n "${MINIMIZE:-}" ]; then
    minimize "$target"
  else
    while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do wait -n || failed=1; done
    fuzz "$target" &
  fi
done
while [ -n "$(jobs -p)" ]; do wait -n || failed=1; done
exit $failed
