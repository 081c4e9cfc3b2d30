/* ops/weft/options_audit.h: rows and options of the commands on the audit log, for commands.c. */
#ifndef WEFT_OPS_OPTIONS_AUDIT_H
#define WEFT_OPS_OPTIONS_AUDIT_H

#include "ops/weft/command.h"

extern const struct weft_option weft_audit_options[];
extern const struct weft_option weft_audit_verify_options[];
extern const struct weft_option weft_audit_tail_options[];
extern const struct weft_option weft_audit_witness_options[];
extern const struct weft_option weft_audit_redact_options[];

#define WEFT_AUDIT_COMMANDS                                                                        \
    {"audit head", "how large the audit log is, and the root of its tree", "", 0, 0,               \
        weft_audit_options, true,                                                                  \
        "Whatever was governed has a leaf in it: each commit, each refusal by policy,\n"           \
        "each change of members. Every node has the same tree.",                                   \
        "weft audit head", weft_cmd_audit_head},                                                   \
        {"audit show", "leaves of the audit log", "N...", 1, -1, weft_audit_options, true,         \
            "As they are hashed. They hold digests alone: of the statements that were\n"           \
            "committed, and pseudonyms of who did it.",                                            \
            "weft audit show 1187", weft_cmd_audit_show},                                          \
        {"audit prove", "that a leaf is in the audit log", "N", 1, 1, weft_audit_options, true,    \
            "Prints a proof (C2SP tlog-proof) with the newest checkpoint that a majority\n"        \
            "of the nodes has signed. Who has it, the leaf and the keys needs no more.",           \
            "weft audit prove 1187 >1187.tlog-proof", weft_cmd_audit_prove},                       \
        {"audit export", "the whole audit log into a directory", "DIR", 1, 1, weft_audit_options,  \
            true,                                                                                  \
            "As C2SP tlog-tiles lays it out, up to the newest checkpoint that a majority\n"        \
            "of the nodes has signed, with the evidence that leaves commit to. What is\n"          \
            "there already is not asked for again, so that exporting to the same place\n"          \
            "again brings it forward; what was redacted meanwhile is removed.",                    \
            "weft audit export /media/stick/plant1", weft_cmd_audit_export},                       \
        {"audit verify", "that an exported audit log is what its checkpoint says", "DIR", 1, 1,    \
            weft_audit_verify_options, false,                                                      \
            "Needs no node. Every entry is hashed, every tile compared, and the root with\n"       \
            "the one that was signed. In evidence/ each blob has to be what its leaf\n"            \
            "commits to, or a leaf has to say that it was redacted. Exit 1 if a single\n"          \
            "bit differs, with the file.",                                                         \
            "weft audit verify /media/stick/plant1 --keys plant1.keys", weft_cmd_audit_verify},    \
        {"audit tail", "leaves of the audit log as they come", "", 0, 0, weft_audit_tail_options,  \
            true,                                                                                  \
            "Each checkpoint has to continue the one before, and each leaf to be in it.\n"         \
            "Exit 1 if the log was rewritten. With --state it goes on where it ended,\n"           \
            "and finds what was rewritten meanwhile.",                                             \
            "weft audit tail --state tail.checkpoint --keys plant1.keys", weft_cmd_audit_tail},    \
        {"audit witness", "ask witnesses to cosign, and judge what they answer",                   \
            "[REQUEST ANSWER...]", 0, -1, weft_audit_witness_options, true,                        \
            "Without operands: prints the body of a POST to a witness's add-checkpoint\n"          \
            "(C2SP tlog-witness), for the newest checkpoint. An answer 409 says N for\n"           \
            "--old. With them: prints the checkpoint of that request with the cosignatures\n"      \
            "of the answers, if they are enough by --policy. Exit 1 if not.",                      \
            "weft audit witness --old 1187 >request", weft_cmd_audit_witness},                     \
    {                                                                                              \
        "audit redact", "destroy the value of a field, or an evidence blob", "[ASSET KIND PATH]",  \
            0, 3, weft_audit_redact_options, true,                                                 \
            "On every node: in the records, and with the next checkpoint in all files;\n"          \
            "in the Raft log when it is trimmed. What is left is the leaf of the field, so\n"      \
            "that every proof stays good. PATH names a field, or all below it; --rev is\n"         \
            "the index of the record. Refused while a hold lasts (records of kind\n"               \
            "retention_hold on the asset).",                                                       \
            "weft audit redact serial:box/7 inspection operator --rev 8812 --reason 'GDPR 17'",    \
            weft_cmd_audit_redact                                                                  \
    }

#endif
