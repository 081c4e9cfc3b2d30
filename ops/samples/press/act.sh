#!/bin/bash
# ops/samples/press/act.sh: what ops/quickstart shows of commands to machines. It is sourced there:
# three people, a gateway with a simulated press, one command to its end, and six that are refused.

# shellcheck disable=SC2154 # demo, org and site are the quickstart's
readonly press=plant1/line2/press7 press_channel=plant1/gw1/press7

key_of() { echo "$demo/pki/$site/op/$1/note.key"; }

# The site's first run: who they are, what they may, within what the press moves.
set_up_press() {
    local admin=$demo/org/admins/you.key name
    [ ! -f "$demo/is-pressed" ] || return 0
    for name in ann bo cy; do
        show weft pki person "$name" --only note "&&" weft pki enroll "$(key_of "$name")"
        weft pki person "$name" --org "$org" --site "$site" --only note --clear --pki "$demo/pki" \
            -q >/dev/null
        weft pki enroll "$(key_of "$name")" --key "$admin" -q >/dev/null
    done
    show weft pki gateway gw1 "&&" weft pki enroll "$demo/pki/$site/gw/gw1/note.key"
    weft pki gateway gw1 --site "$site" --pki "$demo/pki" -q >/dev/null
    weft pki enroll "$demo/pki/$site/gw/gw1/note.key" --key "$admin" -q >/dev/null
    weft policy show --next | cat - ops/samples/press/policy >"$demo/next.policy"
    show weft policy apply "$demo/next.policy    # with ops/samples/press/policy"
    weft policy apply "$demo/next.policy" --key "$admin" -q >/dev/null 2>&1
    show weft envelope apply ops/samples/press/envelope
    weft envelope apply ops/samples/press/envelope --key "$admin" --yes -q >/dev/null
    touch "$demo/is-pressed"
}

# set_guard TEXT: what the press's guard says.
set_guard() {
    echo "$1" >"$demo/gw1/press7/inputs.new"
    mv "$demo/gw1/press7/inputs.new" "$demo/gw1/press7/inputs"
}

write_gateway() {
    local number name home=$demo/gw1
    mkdir -p "$home/press7"
    for name in ann bo cy; do
        echo "key 1 - $org/$site/op/$name $(<"$demo/pki/$site/op/$name/note.vkey")"
    done >"$home/persons"
    {
        cat <<YAML
# Made by ops/quickstart. Every setting: ops/samples/gateway/gateway.yaml
gateway:
  org: $org
  site: $site
  name: gw1
  data: data
  key: ../pki/$site/gw/gw1/note.key
plant:
  endpoints: ["127.0.0.1:$(client_port 1)", "127.0.0.1:$(client_port 2)", \
"127.0.0.1:$(client_port 3)"]
  identity: ../pki/$site/gw/gw1
trust:
  needed: 2
  keys: persons
  approvals: [0, 1, 2]
  logs:
YAML
        for number in 1 2 3; do
            echo "    - $(<"$demo/pki/$site/node/n$number/log.vkey")"
        done
        cat <<YAML
channels:
  - machine: press7
    asset: $press
    show_s: 1
    sim:
      kind: press
      directory: press7
YAML
    } >"$home/gateway.yaml"
}

start_gateway() {
    local home=$demo/gw1
    write_gateway
    set_guard 'guard/closed = true'
    show weft-gateway --config "$home/gateway.yaml"
    (
        setsid nohup build/bin/weft-gateway --config "$home/gateway.yaml" \
            </dev/null >"$home/weft-gateway.log" 2>&1 &
        echo $! >"$home/pid"
    )
    wait_for 30 "the gateway has its plant" grep -q 'event=plant-up' "$home/weft-gateway.log"
}

# field FIELD: of the JSON object on stdin.
field() {
    /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], ""))' "$1"
}

# A speed for the press, as ann proposes it. In `options` what all of them have.
options=()
proposal() { # SPEED OPTION...
    local speed=$1
    shift
    options=(command propose set-speed "$press" --channel "$press_channel"
        --arg "speed=$speed rpm" --post "speed = $speed +- 0.5 rpm by 20s" --class B --tier 2
        --reason "batch 1187" --key "$(key_of ann)" --yes "$@")
}

propose() { # SPEED OPTION...: prints its id
    proposal "$@"
    weft "${options[@]}" -q -o json | field id
}

approve() { # ID WHO...
    local id=$1 who
    shift
    for who; do
        show weft command approve "$id" --key "$(key_of "$who")"
        weft command approve "$id" --reason seen --key "$(key_of "$who")" --yes -q >/dev/null
    done
}

ended() { # ID
    case $(weft command show "$1" -o json | field state) in
    VERIFIED | FAILED | UNKNOWN | CANCELLED | EXPIRED | REJECTED) ;;
    *) return 1 ;;
    esac
}

# refused EXIT WORDS COMMAND...: what is demanded of it.
refused() {
    local wanted=$1 words=$2 code=0
    shift 2
    weft "$@" -q >/dev/null 2>"$demo/said" || code=$?
    sed 's/^/   /' "$demo/said"
    if [ "$code" -ne "$wanted" ] || ! grep -qF "$words" "$demo/said"; then
        fail "weft $*: exit $code; it should be $wanted, and say: $words"
    fi
    good "refused, exit $wanted"
}

told() { # ID: how often the press was
    grep -c " live $1 " "$demo/gw1/press7/told" || true
}

command_the_press() {
    local leaf
    proposal 42.5
    show weft command propose set-speed "$press" --arg "'speed=42.5 rpm'" ...
    weft "${options[@]}" -o json 2>"$demo/said" >"$demo/answer"
    sed 's/^/   | /' "$demo/said"
    pressed=$(field id <"$demo/answer")
    good "shown in full, and signed as it was shown"
    approve "$pressed" bo cy
    show weft command watch "$pressed"
    weft command watch "$pressed" -o table 2>&1 | sed 's/^/   /'
    ended "$pressed" || fail "$pressed has not ended"
    [ "$(weft command show "$pressed" -o json | field state)" = VERIFIED ] ||
        fail "$pressed was not verified; $demo/gw1/weft-gateway.log"
    show cat "$demo/gw1/press7/told"
    grep " live $pressed " "$demo/gw1/press7/told" | sed 's/^/   /'
    [ "$(told "$pressed")" -eq 1 ] || fail "the press was told $(told "$pressed") times"
    good "told once; what it measured is what was commanded"
    leaf=$(weft command show "$pressed" -o json | field leaf)
    show weft audit show "$leaf" "   # why it moved"
    weft audit show "$leaf" | grep -E '^(n|act|decision|subject|state|evidence) ' | sed 's/^/   /'
    wait_for 30 "its checkpoint" weft audit prove "$leaf"
    show weft audit prove "$leaf" ">" "$demo/intent.tlog-proof"
    weft audit prove "$leaf" >"$demo/intent.tlog-proof"
    check_evidence "$leaf"
    wait_for 60 "what is desired is met" is_met
    show weft get "$press" --section properties
    weft get "$press" --section properties -o table | sed -n '/^Desired/,/^$/s/^/   /p'
    good "what was commanded is what is desired, by whom, and what the press says of it"
}

# The press says what is desired of its speed.
is_met() {
    weft get "$press" -o json | /usr/bin/python3 -c '
import json, sys
wishes = json.load(sys.stdin)["properties"]["desired"]
sys.exit(0 if [w for w in wishes if w["name"] == "speed" and w["is_met"]] else 1)'
}

# The leaf commits to what was signed: to the digest of the command's text, among others.
check_evidence() {
    local digest
    digest=$(weft command show "$pressed" -o json | field note | /usr/bin/python3 -c '
import hashlib, sys
note = sys.stdin.read()
text = note[:note.index("\n\n") + 1]
print(hashlib.sha256(text.encode()).hexdigest())')
    weft audit show "$1" | grep -q "^evidence .*$digest" ||
        fail "the leaf does not have the command's digest $digest"
    good "its evidence is the SHA-256 of the command as it was signed, and of both approvals"
}

refuse_what_is_not_right() {
    local id old seq
    say "one approver alone:"
    id=$(propose 40)
    approve "$id" bo
    show weft command show "$id"
    weft command show "$id" -o table | sed -n 's/^\(state\|needs\) /   \1 /p' | tee "$demo/said"
    grep -q 'state PROPOSED' "$demo/said" || fail "one was enough"
    grep -q 'needs two-for-the-press: 1 of 2 of press-approvers' "$demo/said" ||
        fail "it is not said what is missing"
    refused 5 "twice: " command approve "$id" --reason seen --key "$(key_of bo)" --yes
    say "the proposer approving:"
    refused 4 "own: " command approve "$id" --reason seen --key "$(key_of ann)" --yes
    weft command cancel "$id" --reason 'shown' --key "$(key_of ann)" --yes -q >/dev/null
    say "a value outside of the envelope:"
    proposal 61
    refused 4 "hard: speed" "${options[@]}"
    say "an interlock that was read too long ago:"
    set_guard "guard/closed = true at 2026-01-01T00:00:00.000Z"
    id=$(propose 41)
    approve "$id" bo cy
    wait_for 60 "an end" ended "$id"
    refused 1 "FAILED (interlock)" command watch "$id"
    [ "$(told "$id")" -eq 0 ] || fail "the press was told"
    show weft find --kind alarm --asset "$press"
    weft find --kind alarm --asset "$press" -o jsonl | grep -F "command:$id" >"$demo/said" ||
        fail "there is no alarm of it"
    sed 's/^/   /' "$demo/said"
    good "an alarm: in the twin, the feed and /metrics; ops/runbooks/machine-alarms.md"
    set_guard 'guard/closed = true'
    say "one whose time is over:"
    id=$(propose 41 --for 2s)
    wait_for 30 "its end" ended "$id"
    refused 5 "EXPIRED" command approve "$id" --reason seen --key "$(key_of bo)" --yes
    say "one that comes again:"
    old=$(weft command show "$pressed" -o json | field note)
    seq=$(sed -n 's/^seq //p' <<<"$old")
    proposal 42.5 --seq "$seq"
    refused 5 "seq: " "${options[@]}"
    /usr/bin/python3 -c 'import json, sys
print(json.dumps({"kind": "command", "asset": "command:" + sys.argv[1],
                  "attrs": {"note": sys.stdin.read()}}))' "$pressed" <<<"$old" >"$demo/again"
    weft put "$demo/again" -q >/dev/null
    [ "$(told "$pressed")" -eq 1 ] || fail "the press was told again"
    good "the very same note once more changes nothing: the press was told once"
}

show_the_press() {
    set_up_press
    start_gateway
    command_the_press
    refuse_what_is_not_right
}
