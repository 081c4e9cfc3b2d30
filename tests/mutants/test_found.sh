#!/bin/bash
# Shows that a unit test can fail: it passes as it is, and with each of these faults planted it does
# not, be it that a test fails or that an invariant is broken on the way.
# usage: test_found.sh TEST NAME...
set -uo pipefail

test=$1 && shift
# What dies on the way leaves its directory behind: all are made in this one.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export TMPDIR=$dir
log=$dir/log
if ! "$test" >"$log" 2>&1; then
    cat "$log"
    echo "$test fails with no fault planted"
    exit 1
fi
bad=0
for name in "$@"; do
    WEFT_MUTANTS=$name "$test" >"$log" 2>&1
    code=$?
    if [ $code -ne 0 ] && grep -q '\[  FAILED  \]' "$log"; then
        echo "$name: found: $(grep -m1 -E 'not true|expected|differs' "$log")"
    elif [ $code -ne 0 ] && grep -q '^event=invariant_broken ' "$log"; then
        echo "$name: found: $(grep -m1 '^event=invariant_broken ' "$log")"
    else
        echo "$name: not found (exit code $code)"
        bad=1
    fi
done
exit $bad
