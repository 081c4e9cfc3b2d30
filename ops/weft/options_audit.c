#include "ops/weft/options_audit.h"

const struct weft_option weft_audit_options[] = {
    {"stale", 0, NULL, "whatever the node has: no round to the others"}, {NULL, 0, NULL, NULL}};
const struct weft_option weft_audit_verify_options[] = {
    {"keys", 0, "FILE",
        "keys of the log, one a line as log.vkey has them, of each\n"
        "node of the site, from where they are trusted"},
    {"threshold", 0, "N", "keys that must have signed; default: the majority"},
    {"known", 0, "FILE", "an older checkpoint, which must be its beginning"},
    {"no-evidence", 0, NULL, "the log alone: a mirror that has no evidence/"},
    {NULL, 0, NULL, NULL},
};
const struct weft_option weft_audit_tail_options[] = {
    {"from", 0, "N", "begin with that leaf"},
    {"state", 0, "FILE", "go on where it ended; the newest checkpoint is kept there"},
    {"keys", 0, "FILE", "as of verify: whose signatures checkpoints must have"},
    {"threshold", 0, "N", "keys that must have signed; default: the majority"},
    {"once", 0, NULL, "end with the newest checkpoint"},
    {"stale", 0, NULL, "whatever the node has: no round to the others"},
    {NULL, 0, NULL, NULL},
};
const struct weft_option weft_audit_witness_options[] = {
    {"old", 0, "N", "leaves that the witness has cosigned last (0)"},
    {"policy", 0, "FILE", "C2SP tlog-policy: the log, its witnesses, the quorum"},
    {"stale", 0, NULL, "whatever the node has: no round to the others"},
    {NULL, 0, NULL, NULL},
};
const struct weft_option weft_audit_redact_options[] = {
    {"rev", 0, "N", "index of the record: what the asset's revision was after it"},
    {"evidence", 0, "DIGEST", "this blob of evidence/, instead of a field"},
    {"reason", 0, "TEXT", "why; it is kept"},
    {NULL, 0, NULL, NULL},
};
