#!/bin/sh
# The whole chain on synthetic patients with planted signs: sh demo/planted.sh [WORKSPACE [FLAG…]]
# Needs `cxr` and `python` on the PATH. What is up to date is not done again.
set -eu
here=$(dirname "$0")
WEIGHTS=$(python "$here/weights.py")
export WEIGHTS
workspace=${1:-workspace-demo}
[ $# -eq 0 ] || shift
exec cxr run --config "$here/planted.yaml" --workspace "$workspace" "$@"
