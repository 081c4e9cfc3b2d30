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
# All names at once: programs with symbols are large.
found_in() {
    LC_ALL=C grep -aoF -f <(echo "$names") "$1" | sort -u || true
}
# The search itself must be able to find: in the program that has them.
missing=$(comm -23 <(sort -u <<<"$names") <(found_in "$mutants"))
if [ -n "$missing" ]; then
    echo "not found in $mutants, so this search finds nothing:" $missing
    bad=1
fi
for binary in "$@"; do
    found=$(found_in "$binary")
    if [ -n "$found" ]; then
        echo "$binary: holds the names of planted faults or failpoints:" $found
        bad=1
    fi
    words='weft_(node_|command_)?mutants_on|WEFT_(NODE_|COMMAND_)?MUTANT'
    if grep -qE "$words|WEFT_FAILPOINT|weft_failpoint" "$binary"; then
        echo "$binary: faults can be planted in it, or it can be ended at a failpoint"
        bad=1
    fi
done
[ $bad -eq 0 ] && echo "$count names, in none of: $*"
exit $bad
