#!/usr/bin/env bash
# Every benchmark once, as a Markdown table with the model of the machine; meant to take less than four
# minutes on one card. Without a card, or with "cpu", a smaller table of the CPU, which takes longer.
#   bash tools/benchmark/all.sh [cuda|cpu] [OUT.md]
set -uo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
DEVICE="${1:-cuda}"
OUT="${2:-work_dirs/benchmarks.md}"
if ! python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    DEVICE=cpu
fi
RESULTS="$(mktemp)"
trap 'rm -f "$RESULTS" "$RESULTS.one"' EXIT

measure() {  # a benchmark and its flags: a line of RESULTS
    local started=$SECONDS last=
    echo "== $*" >&2
    if python -W ignore "$HERE/$1" "${@:2}" >"$RESULTS.one"; then
        cat "$RESULTS.one" >&2
        last=$(tail -n 1 "$RESULTS.one")
    fi
    printf '%s\t%s\t%s\n' "$*" "$((SECONDS - started))" "$last" >>"$RESULTS"
}

if [ "$DEVICE" = cuda ]; then
    measure gpu_step.py --repeats 10
    measure gpu_step.py --repeats 10 --amp
    measure gpu_step.py --repeats 10 --amp --compile
    measure features.py --videos 64 --device cuda --amp
    measure epoch.py --amp
    measure data.py --clips 40 --repeats 3
    measure data.py --loader --clips 16 --repeats 3
else
    export CUDA_VISIBLE_DEVICES=
    measure train_step.py --videos 1 --repeats 2
    measure eval_pass.py --videos 1 --repeats 2
    measure features.py --videos 1 --repeats 2
    measure memory.py --frames 64
    measure epoch.py --clips 3 --videos 1 --epochs 2
    measure data.py --clips 10 --repeats 2
    measure data.py --loader --clips 8 --repeats 1
fi
measure metrics.py --samples 1000000 --repeats 3
python "$HERE/table.py" "$RESULTS" "$OUT"
