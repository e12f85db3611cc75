#!/bin/sh
# Builds the core with AddressSanitizer and UndefinedBehaviorSanitizer into its own copy of the package and runs tests/native (or what is
# named) under it: native/sanitize.sh [pytest arguments]. Any report is a failure: it ends the process that it is in, and
# pytest-xdist fails the test of a process that ends. PYTHON names the interpreter, WORKERS the number of processes.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
build=$root/build/sanitize
cmake -S "$root" -B "$build" -G Ninja -DPython_EXECUTABLE="$(command -v "$python")" -DCMAKE_BUILD_TYPE=Release -DXENT_SANITIZE=ON
cmake --build "$build"
rm -rf "$build/package"
mkdir -p "$build/package"
cp -R "$root/src/xent" "$build/package/xent"
rm -f "$build/package/xent/"_core*.so
cp "$build"/_core*.so "$build/package/xent/"
[ $# -gt 0 ] || set -- "$root/tests/native"
# The interpreter itself is not instrumented: the runtime comes in first, and what Python never frees is no leak of ours.
LD_PRELOAD="$("${CXX:-c++}" -print-file-name=libasan.so) $("${CXX:-c++}" -print-file-name=libubsan.so) $("${CXX:-c++}" -print-file-name=libstdc++.so)" \
    ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    PYTHONPATH="$build/package" XENT_REQUIRE_NATIVE=1 "$python" -m pytest -q -p no:cacheprovider -n "${WORKERS:-2}" "$@"
