#!/usr/bin/env bash
# Runs the tests with the oldest direct requirements that setup.py allows, then with the newest.
#
#     tests/matrix/run.sh                           both, the whole suite
#     tests/matrix/run.sh oldest                    one of them
#     tests/matrix/run.sh oldest tests/encoders     one of them, some of the tests
#
# Each environment is a folder under MATRIX (.matrix by default) and is kept for the next run;
# beside it lie the versions that were chosen. PYTHON is a Python 3.11.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3.11}
root=${MATRIX:-.matrix}

# uv knows how to choose the lowest versions of what is asked for directly; pip does not.
get_uv() {
    [[ -x $root/uv/bin/uv ]] && return
    "$python" -m venv "$root/uv"
    "$root/uv/bin/python" -m pip install --quiet uv
}

install() {
    local name=$1 resolution=highest
    [[ $name == oldest ]] && resolution=lowest-direct
    "$root/uv/bin/uv" venv --quiet --clear --python "$python" "$root/$name"
    "$root/uv/bin/uv" pip compile --quiet --python "$root/$name/bin/python" \
        --resolution "$resolution" --extra test setup.py --output-file "$root/$name.txt" >/dev/null
    "$root/uv/bin/uv" pip sync --python "$root/$name/bin/python" "$root/$name.txt"
    "$root/uv/bin/uv" pip install --python "$root/$name/bin/python" --no-deps --editable .
}

environments=(oldest newest)
if [[ ${1:-} == oldest || ${1:-} == newest ]]; then
    environments=("$1")
    shift
fi

mkdir -p "$root"
get_uv
failed=()
for name in "${environments[@]}"; do
    echo "== $name =="
    install "$name"
    "$root/$name/bin/python" -m pytest -q "$@" || failed+=("$name")
done
if ((${#failed[@]})); then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
