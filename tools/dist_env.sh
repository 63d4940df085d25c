# Sourced by dist_train.sh and dist_test.sh, which set NPROC: how the processes find each other
# and share the machine's cores.

# On one machine torchrun finds a free port by itself, so several trainings run side by side.
if [ "${NNODES:-1}" -eq 1 ] && [ -z "${PORT:-}" ]; then
    RENDEZVOUS=(--standalone)
else
    RENDEZVOUS=(--nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}"
        --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}")
fi

# Without a GPU every process would use all cores and hinder the others.
if [ -z "${OMP_NUM_THREADS:-}" ] &&
    ! python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    CORES=$(getconf _NPROCESSORS_ONLN)
    export OMP_NUM_THREADS=$((CORES > NPROC ? CORES / NPROC : 1))
    export MKL_NUM_THREADS=${MKL_NUM_THREADS:-$OMP_NUM_THREADS}
fi

# A signal to this script reaches the processes through torchrun, which waits for them to save.
export TORCH_ELASTIC_SHUTDOWN_TIMEOUT=${TORCH_ELASTIC_SHUTDOWN_TIMEOUT:-120}

torchrun_here() {
    exec python -m torch.distributed.run "${RENDEZVOUS[@]}" --nproc_per_node="$NPROC" "$@"
}
