#!/bin/bash
# What is delivered knows no planted fault and no failpoint: neither its name nor, where symbols
# are, its constant.
# usage: test_absent.sh WEFTD_MUTANTS BINARY...
set -euo pipefail

mutants=$1 && shift
names=$("$mutants" --mutants | cut -f1 && "$mutants" --failpoints)
count=$(wc -l <<<"$names")
if [ "$count" -lt 20 ]; then
    echo "only $count mutants"
    exit 1
fi
bad=0
for name in $names; do
    # The search itself must be able to find: in the program that has them.
    if ! grep -qF "$name" "$mutants"; then
        echo "$name: not found in $mutants: this search finds nothing"
        bad=1
    fi
    for binary in "$@"; do
        if grep -qF "$name" "$binary"; then
            echo "$binary: holds the name of the planted fault or failpoint $name"
            bad=1
        fi
    done
done
for binary in "$@"; do
    if grep -qE 'weft_(node_)?mutants_on|WEFT_(NODE_)?MUTANT|WEFT_FAILPOINT|weft_failpoint' \
        "$binary"; then
        echo "$binary: faults can be planted in it, or it can be ended at a failpoint"
        bad=1
    fi
done
[ $bad -eq 0 ] && echo "$count names, in none of: $*"
exit $bad
