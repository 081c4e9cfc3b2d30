#include "ops/weft/options_partner.h"

#include "ops/weft/keys.h"

/* Options of the commands on partners: see commands.c. */

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NULL, NULL                                                                        \
    }

#define ORG_OPTION                                                                                 \
    {                                                                                              \
        "org", 0, "FILE", "org document of a party, its org.note; of each one"                     \
    }
#define SIGN_OPTIONS                                                                               \
    {"key", 0, "FILE", "NAME.key of a root, NAME.vkey beside it; may be repeated"},                \
    {                                                                                              \
        "yes", 'y', NULL, "somebody has read what is signed: ask nobody"                           \
    }
#define DRAFT_OPTIONS                                                                              \
    {"set", 0, "LINE",                                                                             \
        "a line, in the place of the one that says the same; of a provider\n"                      \
        "behind its site, as 'supplier.example/west: depth 3'; may be repeated"},                  \
    {                                                                                              \
        "days", 0, "N", "how long it may be accepted (30); in force it does not run out"           \
    }

const struct weft_option weft_partner_propose_options[] = {
    {"sample", 0, NULL, "print a draft to begin with, and nothing else"}, ORG_OPTION, DRAFT_OPTIONS,
    {"unset", 0, "LINE", "a line of the draft that is left out; may be repeated"}, SIGN_OPTIONS,
    {"out", 0, "FILE", "where the signed note goes; default: NAME.offer"}, WEFT_KEYS_OPTIONS, END};
const struct weft_option weft_partner_amend_options[] = {
    {"base", 0, "FILE", "the version in force, as both have signed it"}, ORG_OPTION, DRAFT_OPTIONS,
    {"unset", 0, "LINE", "a line that is taken out, as it stands; may be repeated"}, SIGN_OPTIONS,
    {"out", 0, "FILE", "where the signed note goes; default: NAME.amendment"}, WEFT_KEYS_OPTIONS,
    END};
const struct weft_option weft_partner_sign_options[] = {
    {"offered", 0, NULL, "what the partner has offered the site under that name, and back into it"},
    ORG_OPTION, {"base", 0, "FILE", "the version in force, to be compared with"}, SIGN_OPTIONS,
    {"out", 0, "FILE", "where the signed note goes: a new file"}, WEFT_KEYS_OPTIONS, END};
const struct weft_option weft_partner_add_options[] = {
    {"org", 0, "FILE", "its org document, org.note: by it agreements are judged"},
    {"keys", 0, "FILE", "log.vkey of its nodes, all of them; may be repeated"},
    {"ca", 0, "FILE", "ca.crt: the trust root of its partner certificates"},
    {"partner-endpoint", 0, "HOST:PORT", "listen_partner of a node; may be repeated"},
    {"ships-to", 0, "ASSET", "an asset by which units are shipped to it; may be repeated"}, END};
const struct weft_option weft_partner_apply_options[] = {
    {"dry-run", 'n', NULL, "say what it changes, commit nothing"}, END};
const struct weft_option weft_partner_suspend_options[] = {{"reason", 0, "TEXT", "why; it is kept"},
    {"received", 0, NULL, "take nothing of the partner, instead of stating nothing"}, END};
const struct weft_option weft_partner_resume_options[] = {{"reason", 0, "TEXT", "why; it is kept"},
    {"received", 0, NULL, "take again what the partner states"},
    {"frozen", 0, NULL, "the same, of a stream that was frozen by two stories"},
    {"lost", 0, "HEAD", "that signed head is lost: \"SIZE sha256:ROOT\" (--received: a partner's)"},
    {"base", 0, "TREE", "what is left and gone on from, as --lost"}, END};
const struct weft_option weft_partner_terminate_options[] = {
    {"reason", 0, "TEXT", "why; it is kept"},
    {"yes", 'y', NULL, "it is meant: there is no way back"}, END};
const struct weft_option weft_partner_release_options[] = {
    {"reason", 0, "TEXT", "why; it is kept"}, END};
const struct weft_option weft_partner_show_options[] = {
    {"note", 0, NULL, "the whole note, with its signatures"},
    {"offer", 0, NULL, "what waits for signatures, instead of what is in force"},
    {"evidence", 0, "sent|received", "the newest proof that keys signed two stories, own or his"},
    END};
const struct weft_option weft_partner_audit_options[] = {
    {"wait", 0, "SECONDS", "until it is given up (60)"}, END};
const struct weft_option weft_partner_quarantine_options[] = {
    {"from", 0, "N", "from that place in the stream on (0)"}, END};
const struct weft_option weft_partner_disputes_options[] = {
    {"sum", 0, NULL, "the shared digest and counts alone"},
    {"aliases", 0, NULL, "pairs of names to be confirmed, instead"},
    {"unnamed", 0, NULL, "units without a usable serial, instead"},
    {"left-over", 0, NULL, "what belongs to no cell, instead"}, END};
const struct weft_option weft_partner_export_options[] = {
    {"received", 0, NULL, "the partner's stream, instead of the one that is sent"},
    {"bundle", 0, NULL, "one file of messages, for weft partner import at the partner"},
    {"hello", 0, "FILE", "go on from where the partner's own bundle says that he is"}, END};
const struct weft_option weft_partner_import_options[] = {
    {"vouch", 0, NULL, "the partner gave it away so: damaged, withheld or erased fields too"}, END};
const struct weft_option weft_partner_prove_options[] = {
    {"received", 0, NULL, "of the partner's stream, instead of the one that is sent"},
    {"leaf", 0, NULL, "the leaf itself, instead of its proof"},
    {"statement", 0, NULL, "the statement that it is of, as lines, instead of its proof"}, END};
const struct weft_option weft_partner_check_options[] = {
    ORG_OPTION, {"base", 0, "FILE", "the version in force, to be compared with"}, END};
