#!/bin/sh
# Gender from real radiographs in NIH layout: sh demo/radiographs.sh DATA [WORKSPACE [SEED ...]]
# One workspace per split seed. Needs `cxr` and `python` on the PATH.
set -eu
here=$(dirname "$0")
data=$1
base=${2:-workspace-real}
shift "$(($# < 2 ? $# : 2))"
weights=$(python "$here/weights.py")

for seed in "${@:-0}"; do
    export CXR_WORKSPACE="$base/seed-$seed"
    cxr extract --source nih --root "$data" --select all --seed "$seed"
    cxr preprocess --root "$data" --size 160
    cxr train-task --task gender --config "$here/radiographs.yaml" --weights "$weights"
    cxr explain --task gender
    cxr aggregate
done
