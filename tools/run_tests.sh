#!/usr/bin/env bash
# Install what the tests need (see setup_env.sh) and run them: tools/run_tests.sh [pytest args]
EXTRAS=lite,dev
source "$(dirname "${BASH_SOURCE[0]}")/setup_env.sh"
cd "$HESP_ROOT"
exec python -m pytest "$@"
