# tests/foreign/signed.sh: C2SP signed notes for openssl and coreutils; sourced by verify-audit and
# verify-note, which say what else a note must be. Needs the variable `work`, a directory of ours.
# shellcheck shell=bash disable=SC2154

export LC_ALL=C

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit "${2:-1}"
}

for tool in openssl base64 sha256sum od sed xargs; do
    command -v "$tool" >/dev/null || fail "$tool is not installed" 2
done

hex_of() { # FILE: its bytes in hexadecimal
    od -An -v -tx1 "$1" | tr -d ' \n'
}

escaped() { # FILE: its bytes as printf takes them: \x00\xff
    od -An -v -tx1 "$1" | tr -d '\n' | sed 's/ /\\x/g'
}

write_hex() { # HEX FILE: those bytes
    printf '%b' "$(sed 's/../\\x&/g' <<<"$1")" >"$2"
}

# split_note FILE NAME: the signed text goes to $work/text, its signature lines to $work/lines.
split_note() {
    local note=$1 what=$2 lines last
    [ -f "$note" ] || fail "$what: missing"
    [ "$(tail -c 1 "$note" | od -An -tx1)" = ' 0a' ] || fail "$what: no newline at its end"
    [ "$(tr -d '\n\040-\377' <"$note" | wc -c)" = 0 ] || fail "$what: control characters"
    mapfile -t lines <"$note"
    for ((last = ${#lines[@]} - 1; last >= 0; last--)); do
        [ -n "${lines[last]}" ] || break
        [[ ${lines[last]} == "— "* ]] || fail "$what: no signature line: ${lines[last]}"
    done
    [ "$last" -gt 0 ] || fail "$what: no text and an empty line before its signatures"
    head -n "$last" "$note" >"$work/text"
    tail -n +$((last + 2)) "$note" >"$work/lines"
}

# check_signature VKEY WHAT: sets name, type, and found: how often that key has signed what
# split_note has split. A wrong signature of it is the end.
check_signature() {
    local what=$2 rest=${1#*+} id data line signature time
    name=${1%%+*}
    id=${rest%%+*}
    data=$(base64 -d <<<"${rest#*+}" | od -An -v -tx1 | tr -d ' \n')
    type=${data:0:2}
    [ "$(printf '%s\n' "$name" >"$work/id" && write_hex "$data" "$work/data" &&
        cat "$work/id" "$work/data" | sha256sum | head -c 8)" = "$id" ] ||
        fail "a key whose id is another: $name"
    # RFC 8410: the key's bytes behind the head of a SubjectPublicKeyInfo.
    write_hex "302a300506032b6570032100${data:2}" "$work/der"
    { echo '-----BEGIN PUBLIC KEY-----' && base64 -w 64 "$work/der" &&
        echo '-----END PUBLIC KEY-----'; } >"$work/pem"
    found=0
    while IFS= read -r line; do
        [[ $line == "— $name "* ]] || continue
        base64 -d <<<"${line##* }" >"$work/signed" 2>/dev/null || fail "$what: not base64"
        [ "$(base64 -w 0 "$work/signed")" = "${line##* }" ] || fail "$what: not base64"
        signature=$(hex_of "$work/signed")
        [ "${signature:0:8}" = "$id" ] || continue
        found=$((found + 1))
        signature=${signature:8}
        cp "$work/text" "$work/message"
        if [ "$type" = 04 ]; then
            time=$((16#${signature:0:16}))
            signature=${signature:16}
            { printf 'cosignature/v1\ntime %u\n' "$time" && cat "$work/text"; } >"$work/message"
        fi
        write_hex "$signature" "$work/signature"
        openssl pkeyutl -verify -pubin -inkey "$work/pem" -rawin -in "$work/message" \
            -sigfile "$work/signature" >/dev/null 2>&1 || fail "$what: wrong signature: $name"
    done <"$work/lines"
    [ "$found" -le 1 ] || fail "$what: a key signed twice: $name"
}
