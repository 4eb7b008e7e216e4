#!/bin/sh
# The whole chain on synthetic patients with planted signs: sh demo/planted.sh [WORKSPACE]
# Needs `cxr` and `python` on the PATH. What is up to date is not done again.
set -eu
here=$(dirname "$0")
export CXR_WORKSPACE="${1:-workspace-demo}"
source="$CXR_WORKSPACE/synthetic/source"
weights=$(python "$here/weights.py")

cxr synthesize --preset planted --subjects 400 --size 256 --seed 0
cxr extract --source mimic --mimic-iv "$source/mimic-iv" --mimic-cxr "$source/mimic-cxr"
cxr preprocess --root "$source/mimic-cxr" --size 112
for task in mortality gender race insurance; do
    cxr train-task --task "$task" --config "$here/planted.yaml" --weights "$weights"
    cxr explain --task "$task"
done
cxr aggregate
