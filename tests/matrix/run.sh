#!/usr/bin/env bash
# Runs the tests in environments of their own.
#
#     tests/matrix/run.sh                           all of them, the whole suite
#     tests/matrix/run.sh oldest                    one of them
#     tests/matrix/run.sh 3.13 tests/encoders       one of them, some of the tests
#     tests/matrix/run.sh smoke                     a few tests on the newest Python there is
#
# oldest and newest have a Python 3.11 with the oldest direct requirements that setup.py allows and
# with the newest; 3.12, 3.13 and 3.14 are Pythons with the newest. A Python that is neither on the
# path nor one of pyenv's is passed over. Each environment is a folder under MATRIX (.matrix by
# default) and is kept for the next run; beside it lie the versions that were chosen.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=${MATRIX:-.matrix}
newer=(3.12 3.13 3.14)
smoke=(tests/integration/test_compat.py tests/integration/test_missing_values.py
    tests/integration/test_ray.py tests/test_architecture.py)

# The newest Python of a version, such as 3.13, on the path or of pyenv's.
find_python() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        "$candidate" -c "import sys; sys.exit('$1' != '%d.%d' % sys.version_info[:2])" \
            2>/dev/null && echo "$candidate" && return
    done
    return 1
}

python_of() {
    case $1 in
    oldest | newest) find_python 3.11 ;;
    *) find_python "$1" ;;
    esac
}

# uv knows how to choose the lowest versions of what is asked for directly; pip does not.
get_uv() {
    [[ -x $root/uv/bin/uv ]] && return
    "$1" -m venv "$root/uv"
    "$root/uv/bin/python" -m pip install --quiet uv
}

install() {
    local name=$1 python=$2 resolution=highest
    [[ $name == oldest ]] && resolution=lowest-direct
    get_uv "$python"
    "$root/uv/bin/uv" venv --quiet --clear --seed --python "$python" "$root/$name"
    "$root/uv/bin/uv" pip compile --quiet --python "$root/$name/bin/python" \
        --resolution "$resolution" --extra test setup.py --output-file "$root/$name.txt" >/dev/null
    "$root/uv/bin/uv" pip sync --python "$root/$name/bin/python" "$root/$name.txt"
    "$root/uv/bin/uv" pip install --python "$root/$name/bin/python" --no-deps \
        --editable . 'recbole>=1.2.1,<1.3'
}

environments=(oldest newest "${newer[@]}")
case ${1:-} in
oldest | newest | 3.1[0-9])
    environments=("$1")
    shift
    ;;
smoke)
    environments=()
    for name in "${newer[@]}"; do
        find_python "$name" >/dev/null && environments=("$name")
    done
    set -- "${smoke[@]}"
    ((${#environments[@]})) || echo "smoke: no Python newer than 3.11 here, nothing to try"
    ;;
esac

export PYTHONDONTWRITEBYTECODE= # as in the make file
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1} # as pip, which the machine's owner has set up
mkdir -p "$root"
failed=()
for name in ${environments[@]+"${environments[@]}"}; do
    echo "== $name =="
    if ! python=$(python_of "$name"); then
        echo "$name: its Python is not on this machine, passed over"
        continue
    fi
    install "$name" "$python"
    "$root/$name/bin/python" -m pytest -q "$@" || failed+=("$name")
done
if ((${#failed[@]})); then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
