#!/bin/bash
# federation/stranger.sh: verify what a partner exported, with openssl and coreutils alone.
#
# usage: federation/stranger.sh STATEMENT PROOF KEY...
#
# STATEMENT is a statement's text (weft-statement/v1), PROOF its leaf's (C2SP tlog-proof, with the
# signed head in it), each KEY a verifier key, as org documents list them. Says "holds" if
#   1. the fields lead to the root in the header: nothing that is shown was changed,
#   2. the statement's leaf is in the tree of the head,
#   3. one KEY at least has signed that head.
# Exit 0: all hold; 1: something does not; 2: wrong usage. What each step is: README.md.
set -uo pipefail

[ $# -ge 3 ] || { sed -n '4,12s/^# \?//p' "$0" >&2; exit 2; }
statement=$1 proof=$2
shift 2

bytes() { tr a-f A-F | basenc --base16 -d; }
hex() { basenc --base16 -w0 | tr A-F a-f; }
sha() { openssl dgst -sha256 -binary | hex; }
fail() { echo "stranger: $*" >&2; exit 1; }
node() { printf '01%s%s' "$1" "$2" | bytes | sha; }
field() { sed -n "s/^$1 //p" "$statement"; }

# 1. The tree over the fields: subtrees of one height side by side are joined (RFC 6962, 2.1).
heights=() hashes=()
push() {
    local height=$1 hash=$2
    while [ "${#heights[@]}" -gt 0 ] && [ "${heights[-1]}" -eq "$height" ]; do
        hash=$(node "${hashes[-1]}" "$hash")
        height=$((height + 1))
        unset 'heights[-1]' 'hashes[-1]'
    done
    heights+=("$height") hashes+=("$hash")
}
while read -r word first second; do
    case $word in
    shown) push 0 "$(printf %s "$first" | bytes | sha)" ;;
    named | erased) push 0 "$first" ;;
    blind) push "$first" "$second" ;;
    esac
done <"$statement"
[ "${#hashes[@]}" -gt 0 ] || fail "no fields in $statement"
root=${hashes[-1]}
for ((i = ${#hashes[@]} - 2; i >= 0; i--)); do
    root=$(node "${hashes[i]}" "$root")
done
header=$(field header)
[ "${header: -64}" = "$root" ] || fail "the fields lead to another root than the header's"
digest=$(printf '02%s' "$header" | bytes | sha)

# 2. The way from the leaf up to the head's root (RFC 9162, 2.1.3.2).
index=$(sed -n 's/^index //p' "$proof" | head -n 1)
head=$(sed '1,/^$/d' "$proof")
size=$(sed -n 2p <<<"$head")
expected=$(sed -n 3p <<<"$head" | base64 -d | hex)
way=$({ printf '\0'; printf 'statement sha256:%s\n' "$digest"; } | sha)
place=$index last=$((size - 1))
while read -r line; do
    hash=$(base64 -d <<<"$line" | hex)
    if ((place % 2 == 1 || place == last)); then
        way=$(node "$hash" "$way")
        while ((place % 2 == 0 && place != 0)); do
            place=$((place / 2)) last=$((last / 2))
        done
    else
        way=$(node "$way" "$hash")
    fi
    place=$((place / 2)) last=$((last / 2))
done < <(sed -n '/^index /,/^$/p' "$proof" | sed '1d;$d')
((last == 0)) && [ "$way" = "$expected" ] || fail "the leaf is not in the tree of the head"

# 3. The signatures: base64 of 4 bytes of key id and 64 of Ed25519 (C2SP signed-note).
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
sed '/^$/,$d' <<<"$head" >"$work/text"
count=0
for key in "$@"; do
    name=${key%%+*} rest=${key#*+}
    id=${rest%%+*}
    { # The key in the form that openssl reads (RFC 8410).
        printf 302a300506032b6570032100 | bytes
        base64 -d <<<"${rest#*+}" | tail -c 32
    } >"$work/key"
    while read -r _ signer line; do
        [ "$signer" = "$name" ] || continue
        [ "$(base64 -d <<<"$line" | head -c 4 | hex)" = "$id" ] || continue
        base64 -d <<<"$line" | tail -c 64 >"$work/signature"
        openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key" -rawin -in "$work/text" \
            -sigfile "$work/signature" >/dev/null || fail "a signature of $name does not verify"
        count=$((count + 1))
    done < <(sed '1,/^$/d' <<<"$head")
done
((count > 0)) || fail "none of the keys signed the head"
echo "holds: statement sha256:$digest of $(field asset)," \
    "leaf $index of $size in $(sed -n 1p "$work/text"), $count keys"
