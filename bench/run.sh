#!/usr/bin/env bash
# ./dev bench size [--parameters P] [--nodes N] [--steps S] [--recipe R]: nodes of one program, and their memory, as
# one JSON object.
# ./dev bench [NAME] [--json | --full]: builds and runs the benchmarks, each beside its reference from the same run.
# Names: crypto session node_core codec model ledger vote_log divergence (default: all). --json (codec, ledger, session): one
# JSON object as the last line; the table goes to standard error. --full (ledger): also sums naively at all sizes, some four
# minutes, and ends with the table of docs/LEDGER.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ "${1:-}" = size ]; then
  shift
  [ -f build/bench/build.ninja ] || cmake --preset bench >/dev/null
  ninja -C build/bench --quiet bench_size >&2
  exec build/bench/bench/bench_size "$@"
fi

names=(crypto session node_core codec model ledger vote_log divergence)
json_names=(codec ledger session)
as_json=no
full=
chosen=()
for argument in "$@"; do
  case $argument in
    --json) as_json=yes ;;
    --full) full=--full ;;
    *)
      [[ " ${names[*]} " == *" $argument "* ]] ||
        { echo "bench: unknown argument '$argument'; one of: ${names[*]} --json --full" >&2; exit 2; }
      chosen+=("$argument") ;;
  esac
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${names[@]}")
[ -z "$full" ] || [ "${chosen[*]}" = ledger ] || { echo "bench: --full goes with ledger" >&2; exit 2; }
[ $as_json = no ] || [[ " ${json_names[*]} " == *" ${chosen[*]} "* ]] ||
  { echo "bench: --json goes with one of: ${json_names[*]}" >&2; exit 2; }

targets=()
for name in "${chosen[@]}"; do targets+=("bench_$name"); done
[ -f build/bench/build.ninja ] || cmake --preset bench >/dev/null
ninja -C build/bench --quiet "${targets[@]}" >&2

for name in "${chosen[@]}"; do
  program=build/bench/bench/bench_$name
  echo "== $name" >&2
  if [ $as_json = yes ]; then
    # Of several repetitions the fastest counts: programs beside this one slow it down, and never speed it up.
    repetitions=1
    [ "$name" != session ] || repetitions=5
    output=$("$program" --benchmark_min_time=0.2 --benchmark_repetitions=$repetitions)
    echo "$output" | sed '$d' >&2
    echo "$output" | tail -1
  else
    "$program" --benchmark_min_time=0.2 $full
  fi
  # The same training step in PyTorch, one thread (Debian's package, so Debian's interpreter).
  [ "$name" != vote_log ] || python3 bench/macro/vote_log_sqlite.py
  [ "$name" != model ] || OPENBLAS_NUM_THREADS=1 /usr/bin/python3 bench/macro/mlp_torch.py
done
