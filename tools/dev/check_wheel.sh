#!/usr/bin/env bash
# Builds sdist and wheel, installs the wheel into a new environment and, from a folder elsewhere,
# trains and tests there through the installed tools:
#     tools/dev/check_wheel.sh [--full] [FOLDER]
# The new environment borrows the packages of the calling one, but not this repository's. With
# --full everything is installed (6 GB, minutes) and the whole quick start runs. FOLDER is kept
# (dist/, env/, elsewhere/); without it everything happens in a temporary folder.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
FULL=
if [ "${1:-}" = --full ]; then
    FULL=1
    shift
fi
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    FOLDER="$(cd "$1" && pwd)"
else
    FOLDER="$(mktemp -d)"
    trap 'rm -rf "$FOLDER"' EXIT
fi
unset PYTHONPATH  # it might lead to the repository

echo "check_wheel: building"
BUILD=(--outdir "$FOLDER/dist" "$ROOT")
[ -n "$FULL" ] || BUILD+=(--no-isolation)
python -m build "${BUILD[@]}" >"$FOLDER/build.log" 2>&1 ||
    { cat "$FOLDER/build.log" >&2; exit 1; }
WHEEL=("$FOLDER"/dist/*.whl)

echo "check_wheel: installing ${WHEEL[0]##*/}"
python -m venv --without-pip --clear "$FOLDER/env"
NEW="$FOLDER/env/bin/python"
if [ -n "$FULL" ]; then
    python -m pip --python "$NEW" install --quiet "${WHEEL[0]}[lite]" \
        -c "$ROOT/requirements/tested.txt"
    python -m pip --python "$NEW" check
else
    python -m pip --python "$NEW" install --quiet --no-deps "${WHEEL[0]}"
    SITE="$("$NEW" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    python -c 'import sys; print(*[p for p in sys.path if p.endswith("-packages")], sep="\n")' \
        >"$SITE/borrowed.pth"
fi
export PATH="$FOLDER/env/bin:$PATH"
mkdir -p "$FOLDER/elsewhere"
cd "$FOLDER/elsewhere"
PACKAGE="$(python - <<'PYTHON'
from importlib.util import find_spec

print(find_spec('hesp_mmaction').submodule_search_locations[0])
PYTHON
)"
case "$PACKAGE" in
    "$FOLDER"/env/*) ;;
    *) echo "check_wheel: imported $PACKAGE, not the installed package" >&2; exit 1 ;;
esac
MIM="$PACKAGE/.mim"

if [ -n "$FULL" ]; then
    bash "$MIM/tools/quickstart.sh"
    grep -q '^| mean' work_dirs/quickstart/splits.md
else
    echo "check_wheel: training elsewhere"
    python "$MIM/tools/data/make_synthetic.py" --layout afew --out data/synthetic --per-class 3 2
    python "$MIM/tools/train.py" "$MIM/configs/hesp_synthetic_o34.py" --work-dir train \
        --cfg-options train_cfg.max_epochs=1 >train.log 2>&1 || { cat train.log >&2; exit 1; }
    python "$MIM/tools/test.py" "$MIM/configs/hesp_synthetic_o34.py" train/epoch_1.pth \
        --work-dir test >test.log 2>&1 || { cat test.log >&2; exit 1; }
    python - <<'PYTHON'
import json

train, test = (json.load(open(f'{name}/metrics.json')) for name in ('train', 'test'))
assert train['AUROC'] == test['AUROC'] and test['num_known'] == 6, (train, test)
PYTHON
fi
echo "check_wheel: fine"
