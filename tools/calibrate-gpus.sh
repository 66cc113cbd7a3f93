#!/usr/bin/env bash
# Fits every GPU calibration of models/calibrations from the tables of notebooks-data/measurements.
# Run from the repository root; prints the error of each form on rows that its fit did not see.
set -euo pipefail
rooftree=${ROOFTREE:-.build/release/rooftree}
tables=notebooks-data/measurements
fit() { # device, extends or "", tables...
  local device=$1 extends=$2
  shift 2
  local arguments=(--hardware "$device" --output "models/calibrations/$device.yaml")
  [ -z "$extends" ] && arguments+=(--covariance "notebooks-data/calibrations/$device-covariance.csv")
  [ -n "$extends" ] && arguments+=(--extends "$extends")
  for table in "$@"; do arguments+=(--table "$tables/$table"); done
  echo "== $device"
  "$rooftree" calibrate "${arguments[@]}"
}
fit nvidia-h200 "" h200/operators.csv h200/collectives_nvlink.csv h200/layers.csv h200/energy.csv \
  h200/c3.csv h200/c3_dma.csv h200/sm_partition.csv lenet/h200.csv measure-gpu/h200_operators_more.csv
fit nvidia-h200-slow-a nvidia-h200 h200/collectives_slow_a.csv
fit nvidia-h200-slow-b nvidia-h200 h200/collectives_slow_b.csv
fit nvidia-a100-80g-sxm "" aiconfigurator/a100_operators.csv aiconfigurator/a100_collectives.csv
fit nvidia-b200 "" aiconfigurator/b200_operators.csv aiconfigurator/b200_collectives.csv
fit upmem-prim "" upmem/prim_kernels.csv
