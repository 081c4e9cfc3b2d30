#!/bin/bash
# weft-gateway knows no fault that can be planted in weft-gateway_mutants.
# usage: test_gate_absent.sh WEFT-GATEWAY_MUTANTS WEFT-GATEWAY
set -euo pipefail

names='gate_acts_first|gate_no_fence|WEFT_GATE_MUTANT|weft_gate_mutants_on'
if ! grep -aqE "$names" "$1"; then
    echo "not found in $1, so this search finds nothing"
    exit 1
fi
if found=$(grep -aoE "$names" "$2"); then
    echo "$2: holds planted faults:" $found
    exit 1
fi
echo "none in $2"
