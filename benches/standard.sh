#!/bin/sh
# Runs the cases behind the budget table. From the repository's root, after
#   cargo build --release -p weir -p weir-loadgen
# Arguments are passed on to the rig: benches/standard.sh --runs 5
set -eu

rig() {
    name=$1
    shift
    target/release/weir-loadgen rig --pin --json "target/rig/$name.json" "$@"
}

mkdir -p target/rig
rig versions "$@" \
    --case benches/cases/weir-rw2-mixed6.yaml \
    --case benches/cases/weir-rw1-mixed6.yaml \
    --case benches/cases/weir-rw2-sums10.yaml \
    --case benches/cases/weir-rw1-sums10.yaml
rig attributes "$@" \
    --case benches/cases/weir-rw2-sums10.yaml \
    --case benches/cases/weir-rw2-card10.yaml \
    --case benches/cases/weir-rw2-uniq10.yaml
rig transports "$@" \
    --case benches/cases/weir-rw2-mixed6.yaml \
    --case benches/cases/weir-rw2-http.yaml \
    --case benches/cases/weir-rw2-gzip.yaml \
    --case benches/cases/weir-rw2-zstd.yaml \
    --case benches/cases/weir-rw2-small40.yaml
rig steps "$@" \
    --case benches/cases/weir-rw2-mixed6.yaml \
    --case benches/cases/weir-nop.yaml
rig conditions "$@" \
    --case benches/cases/weir-rw2-series1m.yaml \
    --case benches/cases/weir-rw2-rate100k.yaml \
    --case benches/cases/weir-rw2-slow-backend.yaml \
    --case benches/cases/weir-rw2-errors.yaml
