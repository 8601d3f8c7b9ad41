#!/usr/bin/env bash
# Fuzzes the targets named, or all, for FUZZ_SECONDS each. An input that breaks one is left in its corpus, which the tests replay.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ $# -gt 0 ] || set -- frames handshake
out=.build/fuzz
compile=(swiftc -O -g -swift-version 6 -parse-as-library -sanitize=fuzzer,address -I "$out")
# Swift's own backtrace of a crash keeps libFuzzer from reporting it.
export SWIFT_BACKTRACE=enable=no

mkdir -p "$out"
objects=()
for module in HTTPCodec:Sources/HTTPCodec WebSocketCodec:Sources/WebSocketCodec CodecChecks:Tests/fuzz/Checks; do
  name=${module%%:*}
  "${compile[@]}" -wmo -module-name "$name" -emit-module-path "$out/$name.swiftmodule" -emit-object -o "$out/$name.o" "${module#*:}"/*.swift
  objects+=("$out/$name.o")
done

for target; do
  "${compile[@]}" -use-ld=lld -module-name "Fuzz_$target" "Tests/fuzz/Targets/$target.swift" "${objects[@]}" -o "$out/$target"
  corpus=Tests/fuzz/corpus/$target
  options=(-artifact_prefix="$corpus/" -max_len=2048 -timeout=10 -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=1)
  [ ! -f "Tests/fuzz/$target.dict" ] || options+=(-dict="Tests/fuzz/$target.dict")
  # What it finds on the way is kept for the next run, out of the tree.
  mkdir -p "$out/found/$target"
  "$out/$target" "${options[@]}" "$out/found/$target" "$corpus"
done
