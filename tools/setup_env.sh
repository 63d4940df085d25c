# Sourced, not run: `EXTRAS=lite,dev; source tools/setup_env.sh` leaves an environment with this
# package installed, and its python first in PATH. Uses the active virtual environment, or makes
# .venv in the repository. Quick when nothing has changed since the last time.
set -euo pipefail

HESP_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

hesp_stop() { echo "setup: $*" >&2; exit 1; }

hesp_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

# 1. Which environment.
hesp_active="${VIRTUAL_ENV:-}"
if [ -z "$hesp_active" ] && [ "${CONDA_DEFAULT_ENV:-base}" != base ]; then
    hesp_active="${CONDA_PREFIX:-}"
fi
if [ -n "$hesp_active" ] && [ -x "$hesp_active/bin/python" ]; then
    HESP_ENV="$hesp_active"
    hesp_new_enough "$HESP_ENV/bin/python" ||
        hesp_stop "the active environment $HESP_ENV has a Python older than 3.10;" \
            "deactivate it or make one with Python 3.10 or newer."
else
    HESP_ENV="$HESP_ROOT/.venv"
    if ! "$HESP_ENV/bin/python" -m pip --version >/dev/null 2>&1; then
        hesp_new_enough python3 ||
            hesp_stop "python3 is missing or older than 3.10; install Python 3.10 or newer."
        python3 -c 'import ensurepip, venv' 2>/dev/null ||
            hesp_stop "this Python cannot make virtual environments; install its venv module" \
                "(Debian, Ubuntu: apt-get install python3-venv)."
        echo "setup: making $HESP_ENV"
        python3 -m venv --clear "$HESP_ENV"
    fi
fi
export PATH="$HESP_ENV/bin:$PATH"

# 2. What to install. A full mmcv and mmcv-lite own the same folder, so never both.
hesp_extras="${EXTRAS:-lite}"
if python -c 'import importlib.metadata as m; m.version("mmcv")' 2>/dev/null; then
    hesp_extras="$(printf %s "$hesp_extras" | sed -E 's/(^|,)lite(,|$)/\1\2/; s/,,/,/; s/^,|,$//g')"
fi

# 3. Install, unless the stamp in the environment says that exactly this is there already.
hesp_stamp="$HESP_ENV/.hesp-mmaction"
hesp_wanted="$(
    {
        echo "$HESP_ROOT $hesp_extras"
        cat "$HESP_ROOT/setup.py" "$HESP_ROOT/requirements/tested.txt"
    } | python -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
)"
if [ "$(cat "$hesp_stamp" 2>/dev/null)" != "$hesp_wanted" ]; then
    hesp_start=$SECONDS
    rm -f "$hesp_stamp"
    hesp_constraints="$HESP_ENV/.hesp-mmaction.constraints"
    if [ "$HESP_ENV" = "$HESP_ROOT/.venv" ] ||
        ! python -W ignore -c 'import torch, torchvision' 2>/dev/null; then
        cp "$HESP_ROOT/requirements/tested.txt" "$hesp_constraints"
    else
        # Somebody chose this torch for this machine, and it works: whatever is there stays, and
        # only what is missing comes in the tested versions.
        python - "$HESP_ROOT/requirements/tested.txt" >"$hesp_constraints" <<'PYTHON'
import sys
from importlib.metadata import PackageNotFoundError, version

for line in open(sys.argv[1], encoding='utf-8'):
    name = line.split('==')[0]
    try:
        found = '' if line.startswith('#') else version(name)
    except PackageNotFoundError:
        print(line, end='')
    else:
        if name in ('torch', 'torchvision'):
            print(f'{name}=={found}')
PYTHON
    fi
    echo "setup: installing into $HESP_ENV (a first time takes minutes and about 6 GB)"
    (
        cd "$HESP_ROOT"
        python -m pip install --quiet --disable-pip-version-check \
            -e ".${hesp_extras:+[$hesp_extras]}" -c "$hesp_constraints"
    ) || hesp_stop "the installation failed, see pip's message above; run this again to go on."
    printf '%s\n' "$hesp_wanted" >"$hesp_stamp"
    echo "setup: installed in $((SECONDS - hesp_start)) s"
fi
