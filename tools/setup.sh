#!/bin/sh
# Make the virtual environment from the lock file. uv is used where it is installed, plain pip
# otherwise; both check the hashes.
set -eu
python=$1
venv=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "dialog-gateway needs Python 3.11 or newer; '$python' is not. Try: make setup PYTHON=python3.12" >&2
    exit 1
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || {
    echo "The venv module is missing; on Debian: apt-get install python3-venv" >&2
    exit 1
}
if command -v uv >/dev/null 2>&1; then
    VIRTUAL_ENV=$venv uv pip sync --quiet --require-hashes requirements-build.lock requirements-dev.lock
    VIRTUAL_ENV=$venv uv pip install --quiet --no-deps --no-build-isolation --editable .
else
    pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
    $pip --require-hashes -r requirements-build.lock -r requirements-dev.lock
    $pip --no-deps --no-build-isolation --editable .
fi
