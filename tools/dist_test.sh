#!/usr/bin/env bash
# Test with several processes, on GPUs or on CPU cores:
#     tools/dist_test.sh CONFIG CHECKPOINT NPROC [arguments of tools/test.py]
# On several machines set NNODES, NODE_RANK, MASTER_ADDR and PORT alike on each of them.
set -euo pipefail

if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT NPROC [arguments of tools/test.py]" >&2
    exit 1
fi
CONFIG=$1
CHECKPOINT=$2
NPROC=$3
shift 3

TOOLS="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$TOOLS/dist_env.sh"
torchrun_here "$TOOLS/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "$@"
