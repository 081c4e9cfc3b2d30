#include "ops/weft/options_keys.h"

#include "ops/weft/keys.h"

/* Options of the commands on keys, org documents and policies: see commands.c. */

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NULL, NULL                                                                        \
    }

#define KEY_OPTIONS                                                                                \
    {"pki", 0, "DIR", "directory of the trust root (pki)"},                                        \
        {"days", 0, "N", "validity in days (365)"}, {"key", 0, "TYPE", "p256 or ed25519 (p256)"},  \
        {"out", 0, "DIR", "where to write; default: PKI/SITE/CLASS/NAME"},                         \
    {                                                                                              \
        "force", 0, NULL, "replace what is there"                                                  \
    }

const struct weft_option weft_pki_init_options[] = {
    {"org", 0, "ORG", "the organization: its trust domain, such as oem.example"},
    {"pki", 0, "DIR", "directory to make (pki)"},
    {"days", 0, "N", "validity in days (3650)"},
    {"key", 0, "TYPE", "p256 or ed25519 (p256)"},
    {"force", 0, NULL, "replace what is there: every certificate below it becomes void"},
    END,
};
const struct weft_option weft_pki_node_options[] = {{"site", 0, "SITE", "the plant"},
    {"host", 0, "HOST",
        "DNS name or address it is reached by; may be repeated. localhost,\n"
        "127.0.0.1 and ::1 are always there"},
    KEY_OPTIONS, END};
const struct weft_option weft_pki_person_options[] = {{"site", 0, "SITE", "the plant"},
    {"only", 0, "WHAT",
        "note: the key of signatures alone, for which no trust root is needed;\n"
        "tls: the identity alone. Default: both"},
    {"org", 0, "ORG", "the organization, with --only note; default: the trust root's"},
    {"passphrase-file", 0, "FILE",
        "its first line will open note.key; default: the terminal. Without\n"
        "one a person gets no note.key"},
    {"clear", 0, NULL, "note.key without a passphrase: for trials"}, KEY_OPTIONS, END};
#define REQUEST_OPTIONS                                                                            \
    {"key", 0, "FILE", "NAME.key of who approves, NAME.vkey beside it; may be repeated"},          \
        {"request", 0, "FILE", "write what is signed so far there, and commit nothing"},           \
    {                                                                                              \
        "sign", 0, "FILE", "go on with what was written so"                                        \
    }
const struct weft_option weft_pki_enroll_options[] = {REQUEST_OPTIONS,
    {"nonce", 0, "HEX", "what the site asks for, by weft pki nonce; with --request, no connection"},
    {"principal", 0, "PRINCIPAL", "whose key it is; default: as it is named"},
    {"replaces", 0, "KEY", "end this key of the principal: its id, or NAME.vkey"},
    {"beside", 0, NULL, "let the principal's other keys go on"}, WEFT_KEYS_OPTIONS, END};
const struct weft_option weft_pki_rotate_options[] = {
    {"new-passphrase-file", 0, "FILE", "its first line will open NEW.key; default: as OLD.key"},
    {"clear", 0, NULL, "NEW.key without a passphrase: for trials and programs"}, WEFT_KEYS_OPTIONS,
    END};
const struct weft_option weft_pki_revoke_options[] = {
    {"reason", 0, "TEXT", "why; it is kept, and everybody who may read what governs reads it"},
    {"key-id", 0, "ID", "which of the principal's keys, if there are several"}, REQUEST_OPTIONS,
    WEFT_KEYS_OPTIONS, END};
const struct weft_option weft_policy_show_options[] = {
    {"note", 0, NULL, "the whole note, with its signatures"},
    {"next", 0, NULL, "with the head of the next version: to be edited and applied"},
    {"org", 0, NULL, "the org document instead"}, END};
const struct weft_option weft_policy_sign_options[] = {
    {"key", 0, "FILE", "NAME.key of an admin, NAME.vkey beside it; may be repeated"},
    WEFT_KEYS_OPTIONS, END};
const struct weft_option weft_policy_apply_options[] = {
    {"key", 0, "FILE", "NAME.key of an admin, NAME.vkey beside it; may be repeated"},
    {"signature", 0, "FILE", "signature lines of weft policy sign; may be repeated"},
    {"dry-run", 'n', NULL, "say what would change, commit nothing"}, WEFT_KEYS_OPTIONS, END};
#define POLICY_SOURCE_OPTIONS                                                                      \
    {"policy", 0, "FILE", "a policy in a file; default: the site's"},                              \
        {"org", 0, "FILE",                                                                         \
            "an org document in a file; default: the site's. With both no\n"                       \
            "connection is made"},                                                                 \
        {"site", 0, "SITE", "whose policy it is; default: that of the first admin"},               \
    {                                                                                              \
        "time", 0, "TIME", "when it is asked; default: now"                                        \
    }
#define POLICY_FACT_OPTIONS                                                                        \
    {"kind", 0, "KIND", "kind of the record"}, {"verb", 0, "VERB", "of a command"},                \
        {"tier", 0, "N", "of a command"},                                                          \
    {                                                                                              \
        "label", 0, "LABEL", "of the asset; may be repeated"                                       \
    }
const struct weft_option weft_policy_why_options[] = {
    POLICY_FACT_OPTIONS, POLICY_SOURCE_OPTIONS, END};
const struct weft_option weft_policy_who_can_options[] = {POLICY_FACT_OPTIONS,
    {"who", 0, "PRINCIPAL", "somebody whom the org document does not name; may be repeated"},
    POLICY_SOURCE_OPTIONS, END};
const struct weft_option weft_policy_what_if_options[] = {POLICY_SOURCE_OPTIONS, END};
const struct weft_option weft_pki_org_options[] = {{"org", 0, "ORG", "the organization"},
    {"site", 0, "SITE", "the plant"},
    {"admin", 0, "NAME", "a person who may change policy and keys; may be repeated"},
    {"admin-threshold", 0, "K", "admins that have to sign a change (1)"},
    {"roots", 0, "N", "root keys (3)"},
    {"threshold", 0, "K", "roots that have to sign an org document (more than half)"},
    {"role", 0, "TEXT", "\"CLASS/NAME ROLE ASSET\": who has a role at an asset; may be repeated"},
    {"attr", 0, "TEXT", "\"CLASS/NAME KEY VALUE\": an attribute of somebody; may be repeated"},
    {"ca", 0, "FILE", "certificate of the trust root for TLS, whose fingerprint is noted"},
    {"policy", 0, "FILE", "the first policy; default: admins may all, everybody reads"},
    {"days", 0, "N", "validity of the org document in days (365)"},
    {"out", 0, "DIR", "where all is written (org)"}, WEFT_KEYS_NEW_OPTIONS, END};
const struct weft_option weft_pki_token_options[] = {
    {"tokens", 0, "FILE", "the file that http.tokens of weftd.yaml names; made if it is not there"},
    {"org", 0, "ORG", "the organization"}, {"site", 0, "SITE", "the plant"},
    {"person", 0, NULL, "for a person; default: for a program"}, END};
