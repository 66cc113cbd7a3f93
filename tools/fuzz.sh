#!/usr/bin/env bash
# Fuzzes the readers of documents and tables with libFuzzer: tools/fuzz.sh SECONDS [libFuzzer options].
# Corpus and finds stay in .build/fuzz; the first run starts from the shipped files.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: tools/fuzz.sh SECONDS}
shift
work=$PWD/.build/fuzz
mkdir -p "$work/corpus" "$work/finds" "$work/seeds"

# Instrumented for coverage, and without a catcher of crashes that would hide them from libFuzzer.
export SWIFT_BACKTRACE=enable=no
swift build --package-path Tests/Fuzz --scratch-path "$work/build" -c release --sanitize=fuzzer
program=$(swift build --package-path Tests/Fuzz --scratch-path "$work/build" -c release --sanitize=fuzzer \
  --show-bin-path)/FuzzReaders

# Seeds: models and configurations whole, tables by their first lines.
for file in models/{hardware,workloads,scenarios,calibrations}/*.yaml Tests/WorkloadsTests/Fixtures/*.json; do
  head -c 4096 "$file" > "$work/seeds/$(basename "$(dirname "$file")")-$(basename "$file")"
done
for file in notebooks-data/measurements/*/*.csv; do
  head -n 4 "$file" > "$work/seeds/$(basename "$file")"
done
tr -s ' ,:;={}\n"' '\n' < <(cat models/*/*.yaml) | grep -E '^[A-Za-z_/]{2,20}$' | sort -u | sed -n 1,400p \
  | sed 's/.*/"&"/' > "$work/words.dict"

export ROOFTREE_MODELS=$PWD/models
cd "$work"
exec "$program" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
  -dict=words.dict -artifact_prefix=finds/ "$@" corpus seeds
