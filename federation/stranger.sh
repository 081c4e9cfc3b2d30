#!/bin/bash
# federation/stranger.sh: verify what a partner exported, with openssl and coreutils alone.
#
# usage: federation/stranger.sh DIR N KEY...
#        federation/stranger.sh STATEMENT PROOF KEY...
#
# DIR is what weft partner export wrote, N the place of a statement in it; or STATEMENT is a
# statement's text (weft-statement/v1) and PROOF its leaf's (C2SP tlog-proof, with the signed head
# in it), as weft partner prove prints them. Each KEY is a verifier key of a node, as
# NAME+ID+BASE64, or a file of such lines. Says "holds" if
#   1. the fields lead to the root in the header: nothing that is shown was changed,
#   2. the statement's leaf is in the tree of the head,
#   3. one KEY at least has signed that head.
# Exit 0: all hold; 1: something does not; 2: wrong usage. What each step is: README.md.
set -uo pipefail
export LC_ALL=C # Bytes.

usage() {
    sed -n '4,15s/^# \?//p' "$0" >&2
    exit 2
}
[ $# -ge 3 ] || usage
statement=$1 proof=$2
shift 2
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

bytes() { tr a-f A-F | basenc --base16 -d; }
hex() { basenc --base16 -w0 | tr A-F a-f; }
sha() { openssl dgst -sha256 -binary | hex; }
fail() { echo "stranger: $*" >&2; exit 1; }
node() { printf '01%s%s' "$1" "$2" | bytes | sha; }
field() { sed -n "s/^$1 //p" "$statement"; }
readable() { [ -f "$1" ] && [ -r "$1" ] || fail "$1: no file that can be read"; }

keys=()
for given in "$@"; do
    mapfile -t lines < <([ -f "$given" ] && sed '/^$/d; s/ .*//' "$given" || echo "$given")
    for key in "${lines[@]}"; do
        [[ $key =~ ^[^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$ ]] ||
            fail "$given: neither a key, NAME+ID+BASE64, nor a file of keys"
        keys+=("$key")
    done
done

# 0. Of a directory (C2SP tlog-tiles): the leaf's way up, and the statement as text.
tile() { # STEM LEVEL INDEX: its file, at the head's size
    local number width=$(((size >> (8 * $2)) - 256 * $3)) path
    number=$(printf %03d $(($3 % 1000)))
    path=$number
    for ((number = $3 / 1000; number > 0; number /= 1000)); do
        path=$(printf 'x%03d/%s' $((number % 1000)) "$path")
    done
    ((width >= 256)) || path+=.p/$width
    readable "$directory/tile/$1/$path"
    echo "$directory/tile/$1/$path"
}
root_of() { # FROM UNTIL: of leaves (RFC 6962, 2.1)
    local level=0 span=1 half=1 file left right
    while ((span < $2 - $1)); do
        level=$((level + 1)) span=$((span * 256))
    done
    if ((span == $2 - $1)); then
        file=$(tile "$level" "$level" $(($1 / span / 256))) || return 1
        dd if="$file" bs=32 skip=$(($1 / span % 256)) count=1 status=none | hex
        return
    fi
    while ((half * 2 < $2 - $1)); do half=$((half * 2)); done
    left=$(root_of "$1" $(($1 + half))) && right=$(root_of $(($1 + half)) "$2") || return 1
    node "$left" "$right"
}
way_of() { # N FROM UNTIL: the hashes beside it, from below
    local half=1 way
    (($3 - $2 > 1)) || return 0
    while ((half * 2 < $3 - $2)); do half=$((half * 2)); done
    if (($1 < $2 + half)); then
        way_of "$1" "$2" $(($2 + half)) && way=$(root_of $(($2 + half)) "$3") || return 1
    else
        way_of "$1" $(($2 + half)) "$3" && way=$(root_of "$2" $(($2 + half))) || return 1
    fi
    bytes <<<"$way" | base64 -w0
    echo
}
take() { # COUNT: the next bytes of $rest, as $taken
    taken=${rest:0:2*$1} rest=${rest:2*$1}
    [ "${#taken}" -eq $((2 * $1)) ] || fail "$file: it is cut short"
}
number() { # The next varint, as $value
    local shift=0
    value=0
    while take 1; do
        value=$((value | (0x$taken & 127) << shift)) shift=$((shift + 7))
        ((0x$taken & 128)) || break
    done
}
text() { number && take "$value"; }
write_statement() { # FILE: a projection (README.md), as text
    local file=$1 rest taken value header path salt type count
    rest=$(hex <"$file")
    text && header=$taken && text
    printf 'weft-statement/v1\nasset %s\nheader %s\n' "$(bytes <<<"$taken")" "$header"
    number
    for ((count = value; count > 0; count--)); do
        take 1
        case $taken in
        00)
            take 16 && salt=$taken && take 1 && type=$taken && text && path=$taken && text
            printf 'shown 00%s%08x%s%s%s\n' "$salt" $((${#path} / 2)) "$path" "$type" "$taken"
            ;;
        02)
            take 1 && type=$taken && take 32
            printf 'blind %d %s\n' "0x$type" "$taken"
            ;;
        01 | 03)
            type=$([ "$taken" = 01 ] && echo named || echo erased)
            text && path=$taken && take 32
            printf '%s %s %s\n' "$type" "$taken" "$path"
            ;;
        *) fail "$file: no statement" ;;
        esac
    done
}
open_directory() { # DIRECTORY N
    local file rest taken n leaf
    directory=$1
    readable "$directory/checkpoint"
    size=$(sed -n 2p "$directory/checkpoint")
    [[ $size =~ ^[1-9][0-9]*$ ]] || fail "$directory/checkpoint: no head"
    [[ $2 =~ ^(0|[1-9][0-9]*)$ ]] && (($2 < size)) || fail "$2: the leaves are 0 to $((size - 1))"
    file=$(tile entries 0 $(($2 / 256))) || exit 1
    rest=$(hex <"$file")
    for ((n = $2 % 256; n >= 0; n--)); do
        take 2 && take $((0x$taken))
    done
    leaf=$(bytes <<<"$taken")
    [[ $leaf =~ ^statement\ sha256:([0-9a-f]{64})$ ]] || fail "leaf $2 is no statement: $leaf"
    readable "$directory/statement/${BASH_REMATCH[1]}"
    statement=$work/statement proof=$work/proof
    write_statement "$directory/statement/${BASH_REMATCH[1]}" >"$statement" || exit 1
    {
        printf 'c2sp.org/tlog-proof@v1\nindex %s\n' "$2"
        way_of "$2" 0 "$size" || exit 1
        echo
        cat "$directory/checkpoint"
    } >"$proof"
}
[ ! -d "$statement" ] || open_directory "$statement" "$proof"
readable "$statement"
readable "$proof"
[ "$(head -n 1 "$statement")" = weft-statement/v1 ] || fail "$statement: no statement's text"
[ "$(head -n 1 "$proof")" = c2sp.org/tlog-proof@v1 ] || fail "$proof: no proof of a leaf"

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
sed '/^$/,$d' <<<"$head" >"$work/text"
count=0
for key in "${keys[@]}"; do
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
