#!/usr/bin/env bash
# Train with several processes, on GPUs or on CPU cores:
#     tools/dist_train.sh CONFIG NPROC [arguments of tools/train.py]
# On several machines set NNODES, NODE_RANK, MASTER_ADDR and PORT alike on each of them.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG NPROC [arguments of tools/train.py]" >&2
    exit 1
fi
CONFIG=$1
NPROC=$2
shift 2

TOOLS="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$TOOLS/dist_env.sh"
torchrun_here "$TOOLS/train.py" "$CONFIG" --launcher pytorch "$@"
