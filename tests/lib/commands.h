/* tests/lib/commands.h: a command, its envelope, approvals and proof, for tests and fuzz corpora.
 *
 * Of the organization of tests/lib/signers.h: ann proposes set-speed 42.5 rpm on
 * plant1/line2/press7 through gateway gw1; bo and cy may approve. What cannot fail here ends the
 * process. */
#ifndef WEFT_TESTS_LIB_COMMANDS_H
#define WEFT_TESTS_LIB_COMMANDS_H

#include "policy/command/envelope_check.h"
#include "policy/command/proof_bundle.h"
#include "policy/command/receipt_note.h"
#include "tests/lib/signers.h"

enum {
    COMMANDS_NODES = 5, /* Whose keys sign checkpoints. */
    COMMANDS_LEAVES = 11,
    COMMANDS_LEAF = 6, /* Number of the intent's leaf. */
};

#define COMMANDS_ORIGIN "oem.example/plant1/audit"
#define COMMANDS_ANN "oem.example/plant1/op/ann"
#define COMMANDS_BO "oem.example/plant1/op/bo"
#define COMMANDS_CY "oem.example/plant1/op/cy"
#define COMMANDS_ROBOT "oem.example/plant1/svc/robot"
#define COMMANDS_GATEWAY "oem.example/plant1/gw/gw1"
#define COMMANDS_CHANNEL "plant1/gw1/press7"

/* The envelope press7-speed, version 1: speed 0 to 60 rpm, normal 10 to 50, by its target and verb.
 */
struct weft_envelope_note commands_envelope(void);
struct weft_buffer commands_envelope_text(const struct weft_envelope_note *envelope);

/* Class B, tier 2, with an argument, preconditions and an outcome; good for two minutes from
 * SIGNERS_NOW_NS on. Names commands_envelope. Its digest is that of its text. */
struct weft_command_note commands_command(void);
/* Write its digest anew, after a change. */
void commands_seal(struct weft_command_note *command);
struct weft_buffer commands_text(const struct weft_command_note *command);
/* Signed by its proposer. */
struct weft_buffer commands_note(const struct weft_command_note *command);

struct weft_approval_note commands_approval(
    const struct weft_command_note *command, const char *approver);
/* Signed by its approver. */
struct weft_buffer commands_approval_note(const struct weft_approval_note *approval);

/* By the gateway, with the token, at SIGNERS_NOW_NS. */
struct weft_receipt_note commands_receipt(const struct weft_command_note *command,
    const struct weft_fence *fence, enum weft_receipt_outcome outcome);
struct weft_buffer commands_receipt_note(const struct weft_receipt_note *receipt);

/* The verifiers of the site's nodes, number 0 to COMMANDS_NODES - 1. Static memory. */
const struct weft_verifier *commands_logs(void);

/* The leaf of an intent, at SIGNERS_NOW_NS. */
struct weft_buffer commands_leaf(const struct weft_command_note *command,
    const struct weft_approval_note *approvals, uint32_t count, const struct weft_fence *fence);
/* A tlog-proof of the leaf among others, under a checkpoint that the first `nodes` nodes sign. */
struct weft_buffer commands_proof(const struct weft_buffer *leaf, uint32_t nodes);

/* A whole bundle: two approvals, three of five nodes. As text. */
struct weft_buffer commands_bundle(
    const struct weft_command_note *command, const struct weft_fence *fence);

/* The text with its first `from` replaced; there has to be one. */
struct weft_buffer commands_replace(
    const struct weft_buffer *text, const char *from, const char *to);

#endif
