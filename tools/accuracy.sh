#!/usr/bin/env bash
# Prints the accuracy table of the README from `rooftree validate --json`. Run from the repository root.
set -euo pipefail
rooftree=${ROOFTREE:-.build/release/rooftree}
tables=notebooks-data/measurements
"$rooftree" validate --json $tables/h200/tp_layers_nvlink.csv $tables/h200/tp_layers_slow_a.csv \
  $tables/h200/dp_nvlink.csv $tables/h200/c3.csv $tables/h200/c3_dma.csv $tables/h200/layers.csv $tables/h200/operators.csv $tables/h200/energy.csv \
  $tables/aiconfigurator/*_operators.csv $tables/a100-megatron/*.csv notebooks-data/published/training_steps.csv \
  $tables/measure-gpu/h100_training_steps.csv |
  awk -F'"' '
  function field(name, format,   at, rest) {
    at = index($0, "\"" name "\": ")
    if (!at) return "-"
    rest = substr($0, at + length(name) + 4)
    sub(/[,}].*/, "", rest)
    return rest == "null" ? "-" : sprintf(format, rest)
  }
  function share(name,   value) {
    value = field(name, "%.0f")
    return value == "-" ? value : value " %"
  }
  BEGIN {
    print "| measured | rows | fitted to them? | bias % | mean absolute error % | 90th percentile % | in 90 % interval |"
    print "|---|--:|---|--:|--:|--:|--:|"
  }
  /"group"/ {
    n = split($4, path, "/")
    table = path[n]
    group = $8
    layers = table ~ /^(tp|dp)_/
    shared = table ~ /^c3/
    unseen = layers || table ~ /^h100_training/ || $12 ~ /^memory/
    if (layers) wanted = (group == "all" || table ~ /^dp/) && $12 !~ /comm/
    else if (table ~ /_node|training_steps/) {
      wanted = group != "all"
      if ($12 !~ /^iteration/) group = group ", " $12
    }
    else if (table == "energy.csv") wanted = group == "all" && $12 ~ /seconds|watts/
    else if (shared) wanted = (group == "all" || table ~ /dma/) && $12 ~ /^concurrent/
    else wanted = group ~ /^(gemm bf16|conc bf16|sdpa_fwd|layernorm bf16|(eager|sdpa) total)/
    if (wanted)
      printf "| %s, %s | %s | %s | %s | %s | %s | %s |\n", table, layers || shared || table == "energy.csv" ? $12 : group, field("rows", "%d"),
        table ~ /^dp_/ ? ($12 ~ /serial/ ? "4 us of it" : "no") : unseen ? "no" : "yes", field("bias", "%.1f"), field("mape", "%.1f"), field("p90", "%.1f"), share("coverage90")
  }'
