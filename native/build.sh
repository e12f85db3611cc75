#!/bin/sh
# Builds the extension and puts it beside the package (src/xent/_core*.so), for work on a checkout: native/build.sh [cmake options]
# PYTHON names the interpreter, BUILD_DIR where the objects go.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
build=${BUILD_DIR:-$root/build/dev}
cmake -S "$root" -B "$build" -G Ninja -DPython_EXECUTABLE="$(command -v "$python")" "$@"
cmake --build "$build"
cp "$build"/_core*.so "$root/src/xent/"
