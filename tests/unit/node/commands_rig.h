/* tests/unit/node/commands_rig.h: a governed site that is commanded, for tests of the state. */
#ifndef WEFT_TESTS_UNIT_NODE_COMMANDS_RIG_H
#define WEFT_TESTS_UNIT_NODE_COMMANDS_RIG_H

#include "node/state/commands.h"
#include "node/state/machine.h"
#include "tests/lib/commands.h"
#include "tests/unit/node/authority_rig.h"

#define SCENE_NODE "oem.example/plant1/node/n1"
#define SCENE_MS_NS INT64_C(1000000)

/* A governed site with an envelope, and the keys of all. */
struct scene {
    struct fixture f;
    struct weft_digest policy;
    struct weft_org org;
    struct weft_command_note command;
    char asset[WEFT_COMMAND_SUBJECT_SIZE];
};

/* What is kept of the scene's command. */
struct weft_command_live_view {
    enum weft_command_state state;
    struct weft_command_value value;
};

/* A new state with policy, keys, envelope; the command is ann's, to be proposed. */
void scene_set(struct scene *s);
void scene_reopen(struct scene *s);

/* The refusal's text is in s->f.msg. */
enum weft_err scene_commit(struct scene *s, const char *who, struct weft_record record);
void scene_must(struct scene *s, const char *who, struct weft_record record);
void scene_expect_refused(struct scene *s, const char *who, struct weft_record record,
    enum weft_err err, const char *word);

/* A record with a note that is signed already; the note is borrowed. */
struct weft_record scene_note_record(
    const char *kind, const char *asset, const struct weft_buffer *note);
struct weft_record scene_step_record(struct scene *s, const char *step);
struct weft_record scene_envelope_record(const struct weft_envelope_note *envelope);

/* Takes the note. */
enum weft_err scene_hand_in(
    struct scene *s, const char *who, const char *asset, struct weft_buffer note);
enum weft_err scene_propose(struct scene *s);
enum weft_err scene_approve(struct scene *s, const char *who, enum weft_approval_meaning meaning);
enum weft_err scene_step(struct scene *s, const char *name);
/* By the gateway, of the last token. */
enum weft_err scene_receive(struct scene *s, enum weft_receipt_outcome outcome);
/* Somebody has looked: it was not done. */
enum weft_err scene_resolve(
    struct scene *s, const struct weft_command_note *command, const char *who);
/* Proposed, approved by bo and cy, selected. */
void scene_lead_to_selected(struct scene *s);

struct weft_command_live_view scene_look(struct scene *s);
/* What a query by somebody gives: "-" of all, else of the command, and what is behind it. */
enum weft_err scene_ask(struct scene *s, const char *who, const char *rest,
    struct weft_text checkpoint, struct weft_buffer *ret_content);
/* And what of it is labelled. */
enum weft_err scene_ask_report(struct scene *s, const char *who, const char *rest,
    struct weft_text checkpoint, struct weft_buffer *ret_content,
    struct weft_read_report *ret_report);
/* The tree as it is now, signed by the first nodes. */
struct weft_buffer scene_checkpoint_of(struct scene *s, uint32_t nodes);
/* Asks for the bundle as the gateway, and judges it as one. */
enum weft_proof_fault scene_verify_bundle(struct scene *s, uint32_t nodes);
/* Is the last leaf of that act, between these states? */
void scene_expect_leaf(struct scene *s, const char *act, const char *from, const char *to);

#endif
