/* ops/weft/options_partner.h: rows and options of the commands on partners, for commands.c. */
#ifndef WEFT_OPS_OPTIONS_PARTNER_H
#define WEFT_OPS_OPTIONS_PARTNER_H

#include "ops/weft/command.h"

extern const struct weft_option weft_partner_propose_options[];
extern const struct weft_option weft_partner_amend_options[];
extern const struct weft_option weft_partner_sign_options[];
extern const struct weft_option weft_partner_check_options[];
extern const struct weft_option weft_partner_add_options[];
extern const struct weft_option weft_partner_apply_options[];
extern const struct weft_option weft_partner_suspend_options[];
extern const struct weft_option weft_partner_resume_options[];
extern const struct weft_option weft_partner_terminate_options[];
extern const struct weft_option weft_partner_release_options[];
extern const struct weft_option weft_partner_show_options[];
extern const struct weft_option weft_partner_audit_options[];
extern const struct weft_option weft_partner_quarantine_options[];
extern const struct weft_option weft_partner_disputes_options[];
extern const struct weft_option weft_partner_export_options[];
extern const struct weft_option weft_partner_import_options[];
extern const struct weft_option weft_partner_prove_options[];

#define WEFT_PARTNER_COMMANDS                                                                      \
    {"partner propose", "an agreement with another site, from a draft", "[NAME] [DRAFT]", 0, 2,    \
        weft_partner_propose_options, false,                                                       \
        "A draft has lines of an agreement (federation/contract.h) in any order, and\n"            \
        "comments; --sample prints one to begin with. What follows from\n"                         \
        "others is filled in: version, times, digests of org documents, limits. Prints\n"          \
        "the text; with --key shows what it shares and the whole of it, asks, signs it\n"          \
        "and writes NAME.offer, for the partner to read and sign. Needs no connection.",           \
        "weft partner propose --sample >box.draft\n"                                               \
        "weft partner propose box-2026 box.draft --org org.note --org supplier.note\n"             \
        "weft partner propose box-2026 box.draft --org org.note --org supplier.note \\\n"          \
        "    --key roots/a.key --key roots/b.key",                                                 \
        weft_cmd_partner_propose},                                                                 \
        {"partner amend", "the next version of an agreement", "NAME [DRAFT]", 1, 2,                \
            weft_partner_amend_options, false,                                                     \
            "Of the version in force (--base) by lines, or a whole draft in its place.\n"          \
            "Shows what it widens and narrows. Else as weft partner propose; writes\n"             \
            "NAME.amendment. It holds from the place in each stream on where its leaf is,\n"       \
            "once both have signed it.",                                                           \
            "weft partner amend box-2026 --base box.agreement \\\n"                                \
            "    --set 'supplier.example/west: mask inspection disclosed cost'",                   \
            weft_cmd_partner_amend},                                                               \
        {"partner sign", "sign an agreement that is offered", "FILE|NAME", 1, 1,                   \
            weft_partner_sign_options, true,                                                       \
            "Shows what it widens and narrows, and the whole of it, asks, and adds the\n"          \
            "signatures of roots to those that are there. With --org of both parties it\n"         \
            "says who still has to sign. Of a file it needs no connection; --offered: of what\n"   \
            "came over the link (NAME in weft partner list), and the partner gets it back.",       \
            "weft partner sign box-2026 --offered --key roots/a.key --key roots/b.key\n"           \
            "weft partner sign box-2026.offer --org org.note --org oem.note \\\n"                  \
            "    --key roots/a.key --key roots/b.key --out box.agreement",                         \
            weft_cmd_partner_sign},                                                                \
        {"partner add", "pin a partner's site: by what it is known here", "ORG/SITE", 1, 1,        \
            weft_partner_add_options, true,                                                        \
            "Its org document, the keys of its nodes, its trust root and doors, as they\n"         \
            "came by a way that is trusted; they are shown. What is not given stays as it\n"       \
            "was. Of the own site the keys and doors alone: partners are known by them.",          \
            "weft partner add supplier.example/west --org supplier.note --keys west.vkeys \\\n"    \
            "    --ca supplier.crt --partner-endpoint 10.0.0.7:7104\n"                             \
            "weft partner add oem.example/plant1 --keys plant1.vkeys",                             \
            weft_cmd_partner_add},                                                                 \
        {"partner apply", "bring a signed agreement into a site", "FILE", 1, 1,                    \
            weft_partner_apply_options, true,                                                      \
            "With one side's signatures it is an offer, and waits: the partner's site is told\n"   \
            "over the link. With both sides' it is the next version, there too. A site of "        \
            "before\n"                                                                             \
            "offers travelled, or without a link, is told by a file. Says what it changes.",       \
            "weft partner apply box.offer", weft_cmd_partner_apply},                               \
        {"partner withdraw", "take an offer of this site's back", "NAME", 1, 1,                    \
            weft_partner_release_options, true,                                                    \
            "It comes into force here no more, whoever signs it; the partner is told, with the\n"  \
            "reason. Who wants it after all proposes it anew.",                                    \
            "weft partner withdraw box-2026 --reason 'wrong depth'", weft_cmd_partner_withdraw},   \
        {"partner decline", "say no to an offer of a partner's", "NAME", 1, 1,                     \
            weft_partner_release_options, true,                                                    \
            "The partner is told, with the reason. It can be signed yet, while it runs.",          \
            "weft partner decline box-2026 --reason 'depth 2 at most'", weft_cmd_partner_decline}, \
        {"partner list", "agreements, and how far they are", "", 0, 0, NULL, true,                 \
            "OFFER: whose waits, own or partner, or what became of the last one. Leaves that\n"    \
            "were sent, and of them acknowledged; received, and of those that the partner has\n"   \
            "signed known.",                                                                       \
            "weft partner list", weft_cmd_partner_list},                                           \
        {"partner status", "how an agreement stands, in both directions", "NAME", 1, 1, NULL,      \
            true, "Heads, receipts, phases, holds, quarantine, times.",                            \
            "weft partner status box-2026", weft_cmd_partner_status},                              \
        {"partner audit", "compare with the partner what both have filed", "NAME", 1, 1,           \
            weft_partner_audit_options, true,                                                      \
            "Where both streams stand at one place both sides have the same statements. What\n"    \
            "this site lacks is had of the partner, and filed; what is left has a name.",          \
            "weft partner audit box-2026", weft_cmd_partner_audit},                                \
        {"partner show", "an agreement's text", "NAME", 1, 1, weft_partner_show_options, true,     \
            "The newest version that both have signed. --offer: what waits to be signed, with\n"   \
            "what it widens and narrows.",                                                         \
            "weft partner show box-2026 --note >box.agreement", weft_cmd_partner_show},            \
        {"partner suspend", "state nothing under an agreement for a while", "NAME", 1, 1,          \
            weft_partner_suspend_options, true,                                                    \
            "What is committed meanwhile is stated behind the resume. With --received\n"           \
            "nothing is taken of the partner; its own log keeps it.",                              \
            "weft partner suspend box-2026 --reason 'audit of the scope'",                         \
            weft_cmd_partner_suspend},                                                             \
        {"partner resume", "go on with an agreement", "NAME", 1, 1, weft_partner_resume_options,   \
            true, "The way back from weft partner suspend.",                                       \
            "weft partner resume box-2026 --reason 'done'", weft_cmd_partner_resume},              \
        {"partner terminate", "end what is sent under an agreement", "NAME", 1, 1,                 \
            weft_partner_terminate_options, true,                                                  \
            "Its last leaf says so: size and root are final, and the partner acknowledges\n"       \
            "them. What was received stays.",                                                      \
            "weft partner terminate box-2026 --reason 'delivered' --yes",                          \
            weft_cmd_partner_terminate},                                                           \
        {"partner quarantine", "statements of a partner that are at fault", "NAME", 1, 1,          \
            weft_partner_quarantine_options, true,                                                 \
            "By their place in the stream, with the fault's name; the partner has a signed\n"      \
            "refusal of each. Up to 200.",                                                         \
            "weft partner quarantine box-2026", weft_cmd_partner_quarantine},                      \
        {"partner release", "take statements out of quarantine", "NAME N[..N]", 2, 2,              \
            weft_partner_release_options, true,                                                    \
            "They were looked at: they do not count, and there is room again. What this\n"         \
            "site's own policy refused counts from then on, if it refuses it no more.",            \
            "weft partner release box-2026 17..20 --reason 'the partner retracts them'",           \
            weft_cmd_partner_release},                                                             \
        {"partner disclose", "show a partner a field that was withheld", "NAME N PATH", 3, 3,      \
            weft_partner_release_options, true,                                                    \
            "Of the statement at place N of what is sent; the agreement has to say committed\n"    \
            "of it (of what is hidden: after an amendment), and the policy has to let the\n"       \
            "partner have it. The statement is told again with the field's value and salt,\n"      \
            "under its old digest: the partner verifies it against what he has. Both audit\n"      \
            "logs have it as partner.disclosed. weft partner status tells his receipt.",           \
            "weft partner disclose box-2026 17 operator --reason 'complaint 4711'",                \
            weft_cmd_partner_disclose},                                                            \
        {"partner disputes", "where two parties say different things", "NAME", 1, 1,               \
            weft_partner_disputes_options, true,                                                   \
            "Each disputed cell with its rule, the value that counts meanwhile, and every\n"       \
            "claim with its author and how it stands. Both sides derive the same from the\n"       \
            "same statements; a dispute's name is the digest of theirs. --sum: the shared\n"       \
            "digest, which is equal on both sides, and counts.",                                   \
            "weft partner disputes box-2026\nweft partner disputes box-2026 --sum",                \
            weft_cmd_partner_disputes},                                                            \
        {"partner resolve", "say what holds in a dispute", "NAME DISPUTE VALUE", 3, 3, NULL, true, \
            "Commits a resolution that names the claims that are open. It counts once both\n"      \
            "parties have said the same; a claim that it does not name reopens the matter.\n"      \
            "The agreement has to share kind resolution in both directions.",                      \
            "weft partner resolve box-2026 sha256:2c26b46b... PASS", weft_cmd_partner_resolve},    \
        {"partner export", "a whole stream into a directory", "NAME DIR", 2, 2,                    \
            weft_partner_export_options, true,                                                     \
            "As C2SP tlog-tiles lays it out, up to the newest head that was signed:\n"             \
            "checkpoint, tile/, tile/entries/ with the leaves, and beside them what they are\n"    \
            "of: statement/ and contract/. With the keys of the provider's nodes and openssl\n"    \
            "federation/stranger.sh verifies a statement in it, and tests/foreign/verify-audit\n"  \
            "the whole stream. --bundle: what the partner has not acknowledged, as one file\n"     \
            "that he imports; with --received the answer to his.",                                 \
            "weft partner export box-2026 /media/stick/box\n"                                      \
            "weft partner export box-2026 /media/stick/box-2026.bundle --bundle",                  \
            weft_cmd_partner_export},                                                              \
        {"partner import", "take a partner's messages from a file", "FILE", 1, 1,                  \
            weft_partner_import_options, true,                                                     \
            "For sites without a link: what weft partner export --bundle made at the\n"            \
            "partner's. It is judged as if it had come by a link, and counts once. What\n"         \
            "whoever carried it could have done to it is refused: a statement that is\n"           \
            "damaged, or of which a field is withheld or erased. The answer to it is made\n"       \
            "by weft partner export --bundle --received.",                                         \
            "weft partner import /media/stick/box-2026.bundle", weft_cmd_partner_import},          \
        {"partner prove", "that a statement is in a stream", "NAME N", 2, 2,                       \
            weft_partner_prove_options, true,                                                      \
            "Prints a proof (C2SP tlog-proof) of leaf N under the newest signed head; with\n"      \
            "--statement the statement as far as the agreement shows it. With these two and\n"     \
            "a key of a node federation/stranger.sh verifies it, by openssl alone.",               \
            "weft partner prove box-2026 17 >17.proof\n"                                           \
            "weft partner prove box-2026 17 --statement >17.statement",                            \
            weft_cmd_partner_prove},                                                               \
    {                                                                                              \
        "partner check", "what an agreement says, and who has signed it", "FILE", 1, 1,            \
            weft_partner_check_options, false,                                                     \
            "Each line in its one form, its place in the chain, and what it widens and\n"          \
            "narrows against --base; without one what a first version shares.",                    \
            "weft partner check box-2026.offer --org org.note --org oem.note",                     \
            weft_cmd_partner_check                                                                 \
    }

#endif
