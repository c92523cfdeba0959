#!/bin/sh
# Runs the cases behind the budget table and the goals. From the repository's root, after
#   cargo build --release -p weir -p weir-loadgen
# Arguments are passed on to the rig: benches/standard.sh --runs 5
set -eu

rig() {
    name=$1
    shift
    target/release/weir-loadgen rig --json "target/rig/$name.json" "$@"
}

mkdir -p target/rig
rig versions --pin "$@" \
    --case benches/cases/weir-rw2-mixed6.yaml \
    --case benches/cases/weir-rw1-mixed6.yaml \
    --case benches/cases/weir-rw2-sums10.yaml \
    --case benches/cases/weir-rw1-sums10.yaml
rig attributes --pin "$@" \
    --case benches/cases/weir-rw2-sums10.yaml \
    --case benches/cases/weir-rw2-card10.yaml \
    --case benches/cases/weir-rw2-uniq10.yaml
rig transports --pin "$@" \
    --case benches/cases/weir-rw2-mixed6.yaml \
    --case benches/cases/weir-rw2-http.yaml \
    --case benches/cases/weir-rw2-gzip.yaml \
    --case benches/cases/weir-rw2-zstd.yaml \
    --case benches/cases/weir-rw2-small40.yaml \
    --case benches/cases/weir-rw2-small20.yaml \
    --case benches/cases/weir-rw2-json.yaml
rig through --pin "$@" \
    --case benches/cases/weir-otlp-mixed6.yaml \
    --case benches/cases/weir-otlp-gzip.yaml \
    --case benches/cases/weir-otlp-http.yaml \
    --case benches/cases/weir-otlp-json.yaml \
    --case benches/cases/weir-otlp-traces.yaml \
    --case benches/cases/weir-otlp-logs.yaml
rig steps --pin "$@" \
    --case benches/cases/weir-rw2-mixed6.yaml \
    --case benches/cases/weir-nop.yaml \
    --case benches/cases/weir-rw2-debug.yaml \
    --case benches/cases/weir-relabel5-rw2.yaml
rig conditions --pin "$@" \
    --case benches/cases/weir-rw2-series1m.yaml \
    --case benches/cases/weir-rw2-rate100k.yaml \
    --case benches/cases/weir-rw2-slow-backend.yaml \
    --case benches/cases/weir-rw2-errors.yaml
rig cores "$@" \
    --case benches/cases/weir-rw2-one-core.yaml \
    --case benches/cases/weir-rw2-two-cores.yaml
rig streams --pin "$@" \
    --case benches/cases/weir-d2c-series1m.yaml \
    --case benches/cases/weir-d2c-storage-series1m.yaml
rig outage --pin "$@" --case benches/cases/weir-rw2-dead-backend.yaml
rig idle --pin "$@" --case benches/cases/weir-idle.yaml
# Half of what the first set has measured, in points per second.
if [ -n "${HALF_LOAD:-}" ]; then
    rig latency --pin "$@" --rate "$HALF_LOAD" --case benches/cases/weir-rw2-half-load.yaml
fi
