#!/bin/bash
# A stranger with openssl verifies a redacted statement and the same whole, and nothing else.
# usage: test_stranger.sh STRANGER STRANGER_EXPORT
set -euo pipefail
stranger=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" "$work"
cd "$work"
key=$(cat key)

holds() {
    "$stranger" "$@" || { echo "expected to hold: $*" >&2; exit 1; }
}
refuses() {
    local why=$1 said
    shift
    said=$("$stranger" "$@" 2>&1) && { echo "expected not to hold: $*" >&2; exit 1; }
    [[ $said == *"$why"* ]] || { echo "expected \"$why\", got: $said" >&2; exit 1; }
}

first=$(holds redacted proof "$key")
second=$(holds whole proof "$key" "$(cat other-key)")
[ "${first%, *}" = "${second%, *}" ] || { echo "$first / $second" >&2; exit 1; }
echo "$first"

# The verdict, FAIL, is shown: with another one the fields lead elsewhere.
sed 's/4641494c$/50415353/' redacted >changed
cmp -s redacted changed && { echo "nothing was changed" >&2; exit 1; }
refuses "another root" changed proof "$key"
sed '/^blind/d' redacted >changed
refuses "another root" changed proof "$key"
refuses "not in the tree" redacted other-proof "$key"
refuses "none of the keys" redacted proof "$(cat other-key)"
sed 's/^12$/11/; s/^13$/12/' proof >changed
refuses "" redacted changed "$key"
# One character of each signature.
while IFS= read -r line; do
    if [[ $line == "— "* ]]; then
        at=$((${#line} - 20))
        other=$([ "${line:at:1}" = A ] && echo B || echo A)
        line=${line:0:at}$other${line:at+1}
    fi
    printf '%s\n' "$line"
done <proof >changed
refuses "does not verify" redacted changed "$key"
