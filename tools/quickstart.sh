#!/usr/bin/env bash
# From nothing to a result: installs, draws the embedded clips, trains HESP on the five published
# splits, tests it beside zero-shot CLIP, and draws the figures. Safe to run twice. In an installed
# package (hesp_mmaction/.mim/tools) it installs nothing and works in the current folder.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [ -f "$HERE/setup.py" ]; then
    cd "$HERE"
    EXTRAS=lite
    source tools/setup_env.sh
fi

started=$SECONDS
python "$HERE"/tools/data/make_synthetic.py --layout afew --out data/synthetic --seed 0
python "$HERE"/tools/run_splits.py "$HERE"/configs/hesp_synthetic_o34.py "$HERE"/configs/clip_zeroshot_afew_o34.py \
    --out work_dirs/quickstart --cfg-options data_root=data/synthetic \
    image_size=96 clip.arch=small_face_clip clip.pretrained=embedded
echo "Figures of split 0:"
python "$HERE"/tools/analysis/plot_open_set.py work_dirs/quickstart/hesp_synthetic_o34/split0
echo "Done in $((SECONDS - started)) s after installation."
echo "Results: work_dirs/quickstart/splits.md; drawn faces and a CLIP trained on drawn faces."
