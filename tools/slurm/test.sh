#!/bin/bash
# Tries tools/slurm/sweep.sbatch on a Slurm of one node, started by hand: an array of 8 tasks, one of them killed in the
# middle, submitted again and merged; the results equal those of a run on one core, byte for byte.
#
#   ROOFTREE=.build/release/rooftree tools/slurm/test.sh
#
# Needs Debian's slurm-wlm and munge (make slurm) and root, which munged and slurmd want.
set -euo pipefail
cd "$(dirname "$0")/../.."
rooftree=$(realpath "${ROOFTREE:-.build/debug/rooftree}")
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

start() {
  mkdir -p /run/munge /var/log/munge /var/lib/munge
  chown munge: /run/munge /var/log/munge /var/lib/munge
  [ -s /etc/munge/munge.key ] || mungekey --create
  chown munge: /etc/munge/munge.key
  if ! munge -n >/dev/null 2>&1; then
    # Not as a login shell: the account has none.
    setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged --foreground --force \
      >"$work/munged.log" 2>&1 &
    pids+=($!)
  fi
  local host
  host=$(hostname -s)
  mkdir -p "$work/state" "$work/spool"
  cat >"$work/slurm.conf" <<CONF
ClusterName=rooftree
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=26817
SlurmdPort=26818
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
ReturnToService=2
JobRequeue=0
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
  export SLURM_CONF=$work/slurm.conf
  /usr/sbin/slurmctld -D -f "$work/slurm.conf" >"$work/slurmctld.log" 2>&1 &
  pids+=($!)
  /usr/sbin/slurmd -D -f "$work/slurm.conf" >"$work/slurmd.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 60); do
    sinfo -h -o %T 2>/dev/null | grep -q idle && return
    sleep 1
  done
  tail -n 5 "$work"/*.log
  echo "Slurm did not come up" >&2
  exit 1
}

# A space that takes a few seconds on a core, in 16 parts.
space=$work/space.yaml
cat >"$space" <<'SPACE'
name: slurm-test
model: roofline
base: {hardware: nvidia-h200, bytes: 1 GB}
axes:
  flop: {sets: flop, from: 1 GFLOP, to: 1 PFLOP, count: 64, spacing: logarithmic}
  bandwidth: {sets: bandwidth, from: 1 TB/s, to: 32 TB/s, count: 256}
  ranks: {sets: ranks, values: [2, 4, 8, 16]}
  payload: {sets: payload, from: 1 MB, to: 10 GB, count: 64, spacing: logarithmic}
outputs: [time, exchange]
reduce:
  best: {minimize: time, count: 20}
  pareto: {minimize: [time, compute]}
  percentiles: {time: [1, 50, 99]}
  marginals: {time: [ranks]}
write: [netcdf]
part: 262144
SPACE

start
"$rooftree" sweep "$space" --output "$work/one" --threads 1 >"$work/one.txt"

export SPACE=$space OUTPUT=$work/many ROOFTREE=$rooftree SHARDS=8
options="--parsable --output=$work/task-%a.log --chdir=$PWD"
# Task 3 waits until it is killed, as if its node had died.
cat >"$work/wrapper" <<WRAPPER
#!/bin/bash
[ "\$SLURM_ARRAY_TASK_ID" = 3 ] && [ ! -e "$work/killed" ] && { touch "$work/started"; sleep 600; }
exec "$rooftree" "\$@"
WRAPPER
chmod +x "$work/wrapper"
job=$(ROOFTREE=$work/wrapper sbatch $options --array=0-7 tools/slurm/sweep.sbatch)
for _ in $(seq 120); do [ -e "$work/started" ] && break; sleep 0.5; done
[ -e "$work/started" ] || { echo "task 3 did not start" >&2; cat "$work"/task-*.log >&2; exit 1; }
touch "$work/killed"
scancel --signal=KILL --full "${job}_3"
scancel "${job}_3" 2>/dev/null || true
for _ in $(seq 120); do [ -z "$(squeue -h -j "$job" 2>/dev/null)" ] && break; sleep 0.5; done

if "$rooftree" merge "$space" --output "$work/many" >"$work/merge.txt" 2>"$work/merge.err"; then
  echo "merge went ahead without the parts of task 3" >&2
  exit 1
fi
grep -q "parts are missing" "$work/merge.err" || { cat "$work/merge.err" >&2; exit 1; }

# The whole array again: seven tasks find their parts, one computes what is missing.
sbatch $options --wait --array=0-7 tools/slurm/sweep.sbatch >/dev/null
grep -q "2 found, 0 computed" "$work/task-0.log" || { cat "$work"/task-*.log >&2; exit 1; }
grep -q "0 found, 2 computed" "$work/task-3.log" || { cat "$work"/task-*.log >&2; exit 1; }
"$rooftree" merge "$space" --output "$work/many" >"$work/merge.txt"
for file in "$work"/one/*.csv "$work"/one/*.nc; do cmp "$file" "$work/many/$(basename "$file")"; done
echo "Slurm: 8 tasks, one killed and submitted again, merged: equal to one run on one core ($(ls "$work/one" | wc -l) files)"
