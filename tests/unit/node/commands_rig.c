/* What the tests of commands in the state share. */
#include "tests/unit/node/commands_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/audit_read.h"
#include "policy/checkpoint_note.h"
#include "tests/lib/audit_log.h"
#include "tests/lib/test.h"

static const char *const by_ann[] = {RIG_ANN, NULL};

static const char lines[] = "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
                            "permit write\n  who op ann op cy\n  do write create\n"
                            "group approvers = op bo, op cy\n"
                            "permit command\n  who op ann op bo op cy svc robot\n"
                            "  do propose cancel take-authority read\n"
                            "permit approve\n  who approvers\n  do approve ack\n"
                            "require two\n  do propose\n  on tier >= 2\n"
                            "  need 2 of approvers not proposer distinct-persons\n"
                            "  envelope press7-speed\n";

enum weft_err scene_commit(struct scene *s, const char *who, struct weft_record record)
{
    const struct weft_applied_item *item = rig_commit(&s->f, who, &record, 1);
    if (item->err != WEFT_OK) {
        (void)snprintf(s->f.msg.text, sizeof(s->f.msg.text), "%.*s", (int)item->error.detail.size,
            item->error.detail.data);
    }
    return item->err;
}

void scene_must(struct scene *s, const char *who, struct weft_record record)
{
    s->f.msg.text[0] = '\0';
    enum weft_err err = scene_commit(s, who, record);
    EXPECT_TEXT("", s->f.msg.text);
    EXPECT_EQ(WEFT_OK, err);
}

void scene_expect_refused(struct scene *s, const char *who, struct weft_record record,
    enum weft_err err, const char *word)
{
    EXPECT_EQ(err, scene_commit(s, who, record));
    if (!weft_text_starts(weft_text_of(s->f.msg.text), word)) {
        EXPECT_TEXT(word, s->f.msg.text);
    }
}

/* A record with a note that is signed already. */
struct weft_record scene_note_record(
    const char *kind, const char *asset, const struct weft_buffer *note)
{
    static struct weft_field fields[RIG_RECORDS];
    static uint32_t used;
    struct weft_field *field = &fields[used++ % RIG_RECORDS];
    *field = (struct weft_field){WEFT_TEXT("note"), weft_buffer_as_text(note), WEFT_VALUE_TEXT};
    return (struct weft_record){.kind = weft_text_of(kind),
        .asset = weft_text_of(asset),
        .fields = field,
        .field_count = 1};
}

struct weft_record scene_step_record(struct scene *s, const char *step)
{
    static struct weft_field fields[2];
    fields[0] =
        (struct weft_field){WEFT_TEXT("channel"), WEFT_TEXT(COMMANDS_CHANNEL), WEFT_VALUE_TEXT};
    fields[1] = (struct weft_field){WEFT_TEXT("step"), weft_text_of(step), WEFT_VALUE_TEXT};
    return (struct weft_record){.kind = WEFT_TEXT("command"),
        .asset = weft_text_of(s->asset),
        .fields = fields,
        .field_count = 2};
}

struct weft_record scene_envelope_record(const struct weft_envelope_note *envelope)
{
    struct weft_buffer text = commands_envelope_text(envelope);
    struct weft_record record =
        rig_record("envelope:press7-speed", weft_buffer_as_text(&text), by_ann);
    record.kind = WEFT_TEXT("envelope");
    weft_buffer_destroy(&text);
    return record;
}

void scene_set(struct scene *s)
{
    static const char *const more[] = {RIG_CY, COMMANDS_GATEWAY, RIG_ROBOT, NULL};
    static unsigned count;
    char name[16];
    memset(s, 0, sizeof(*s));
    (void)snprintf(name, sizeof(name), "state%u", count++);
    rig_start(&s->f, name);
    s->policy = rig_govern(&s->f);
    s->org = signers_org();
    scene_must(s, RIG_ANN, rig_policy(2, &s->policy, lines, by_ann, &s->policy));
    for (const char *const *who = more; *who != NULL; who++) {
        scene_must(s, RIG_ANN, rig_key(*who, false, &s->org, by_ann));
    }
    struct weft_envelope_note envelope = commands_envelope();
    scene_must(s, RIG_ANN, scene_envelope_record(&envelope));
    s->command = commands_command();
    s->command.policy_version = 2;
    s->command.policy_digest = s->policy;
    commands_seal(&s->command);
    weft_command_subject(s->command.id, s->asset);
}

/* Takes the note. */
enum weft_err scene_hand_in(
    struct scene *s, const char *who, const char *asset, struct weft_buffer note)
{
    enum weft_err err = scene_commit(s, who, scene_note_record("command", asset, &note));
    weft_buffer_destroy(&note);
    return err;
}

enum weft_err scene_propose(struct scene *s)
{
    return scene_hand_in(s, RIG_ANN, s->asset, commands_note(&s->command));
}

enum weft_err scene_approve(struct scene *s, const char *who, enum weft_approval_meaning meaning)
{
    struct weft_approval_note approval = commands_approval(&s->command, who);
    approval.meaning = meaning;
    return scene_hand_in(s, SCENE_NODE, s->asset, commands_approval_note(&approval));
}

enum weft_err scene_step(struct scene *s, const char *name)
{
    return scene_commit(s, SCENE_NODE, scene_step_record(s, name));
}

struct weft_command_live_view scene_look(struct scene *s)
{
    struct weft_command_live_view seen = {.state = WEFT_COMMAND_NONE};
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_command(s->command.id, 0);
    if (weft_store_get(s->f.state->store, NULL, &key, &value, NULL) == WEFT_OK) {
        EXPECT_EQ(WEFT_OK, weft_command_value_decode(value.bytes, &seen.value));
        seen.state = seen.value.machine.state;
    }
    weft_store_release(&value);
    return seen;
}

enum weft_err scene_receive(struct scene *s, enum weft_receipt_outcome outcome)
{
    struct weft_command_machine m = scene_look(s).value.machine;
    struct weft_receipt_note receipt =
        commands_receipt(&s->command, outcome == WEFT_RECEIPT_STATE ? &m.asked : &m.fence, outcome);
    receipt.signed_ns = s->f.time_ns - s->f.time_ns % SCENE_MS_NS;
    receipt.readings[0].at_ns = receipt.signed_ns;
    return scene_hand_in(s, COMMANDS_GATEWAY, s->asset, commands_receipt_note(&receipt));
}

void scene_reopen(struct scene *s)
{
    fixture_close(&s->f);
    fixture_open(&s->f);
}

/* What a query by somebody gives: "-" of all, else of the command, and what is behind it. */
enum weft_err scene_ask_report(struct scene *s, const char *who, const char *rest,
    struct weft_text checkpoint, struct weft_buffer *ret_content,
    struct weft_read_report *ret_report)
{
    struct weft_view *view = NULL;
    struct weft_client_message answer;
    char uri[WEFT_PRINCIPAL_URI_SIZE], whole[128];
    struct weft_msg msg = {""};
    (void)snprintf(uri, sizeof(uri), "spiffe://%s", who);
    (void)snprintf(whole, sizeof(whole), "command%s%s%s", rest[0] == '-' ? "" : "/",
        rest[0] == '-' ? "" : s->asset + strlen("command:"), rest[0] == '-' ? "" : rest);
    const struct weft_query query = {.type = WEFT_QUERY_AUDIT,
        .asset = weft_text_of(whole),
        .where_value = checkpoint,
        .principal = weft_text_of(uri)};
    struct weft_arena arena = {.size_max = 1 << 20};
    EXPECT_EQ(WEFT_OK, weft_view_open(s->f.state, &view, &msg));
    enum weft_err err = weft_view_query(view, &query, &arena, &answer, &msg);
    if (err == WEFT_OK) {
        weft_buffer_clear(ret_content);
        EXPECT_EQ(WEFT_OK,
            weft_buffer_append(ret_content, answer.audit.content.data, answer.audit.content.size));
    }
    weft_view_report(view, &query, ret_report);
    weft_view_close(view);
    weft_arena_destroy(&arena);
    return err;
}

enum weft_err scene_ask(struct scene *s, const char *who, const char *rest,
    struct weft_text checkpoint, struct weft_buffer *ret_content)
{
    struct weft_read_report report;
    return scene_ask_report(s, who, rest, checkpoint, ret_content, &report);
}

/* The tree as it is now, signed by the first nodes. */
struct weft_buffer scene_checkpoint_of(struct scene *s, uint32_t nodes)
{
    struct weft_buffer text = {0}, note = {0};
    struct weft_signer signers[COMMANDS_NODES];
    const struct weft_checkpoint_note checkpoint = {
        .origin = WEFT_TEXT(COMMANDS_ORIGIN), .head = weft_state_audit(s->f.state)};
    EXPECT_EQ(WEFT_OK, weft_checkpoint_note_encode(&checkpoint, &text, NULL));
    for (uint32_t i = 0; i < nodes; i++) {
        signers[i] = audit_signer(COMMANDS_ORIGIN, WEFT_SIGNER_ED25519, (uint8_t)(100 + i));
    }
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_buffer_as_text(&text), signers, nodes, &note, NULL));
    weft_buffer_destroy(&text);
    return note;
}

/* Asks for the bundle as the gateway, and judges it as one. */
enum weft_proof_fault scene_verify_bundle(struct scene *s, uint32_t nodes)
{
    struct weft_keyring ring = signers_ring();
    struct weft_principal gateway = signers_principal(COMMANDS_GATEWAY);
    const struct weft_proof_trust trust = {.origin = WEFT_TEXT(COMMANDS_ORIGIN),
        .logs = commands_logs(),
        .log_count = COMMANDS_NODES,
        .log_needed = 3,
        .ring = &ring,
        .ring_index = 1000,
        .gateway = &gateway,
        .approvals_min = {0, 0, 2}};
    struct weft_buffer checkpoint = scene_checkpoint_of(s, nodes), text = {0};
    struct weft_proof_bundle bundle;
    struct weft_proof *proof = calloc(1, sizeof(*proof));
    enum weft_proof_fault fault = WEFT_PROOF_FAULTS;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK,
        scene_ask(s, COMMANDS_GATEWAY, "/bundle", weft_buffer_as_text(&checkpoint), &text));
    EXPECT_EQ(WEFT_OK, weft_proof_bundle_parse(weft_buffer_as_text(&text), &bundle, &msg));
    enum weft_err err =
        weft_proof_bundle_verify(&bundle, &trust, s->f.time_ns, proof, &fault, &msg);
    EXPECT_EQ(fault == WEFT_PROOF_SOUND ? WEFT_OK : WEFT_EREFUSED, err);
    free(proof);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&checkpoint);
    weft_keyring_destroy(&ring);
    return fault;
}

/* Is the last leaf of that act, between these states? */
void scene_expect_leaf(struct scene *s, const char *act, const char *from, const char *to)
{
    struct weft_audit_reader reader;
    struct weft_buffer leaves = {0};
    struct weft_audit_leaf leaf;
    struct weft_bytes bytes = {NULL, 0};
    uint64_t size = weft_state_audit(s->f.state).size;
    weft_audit_reader_init(&reader, s->f.state->store, NULL);
    EXPECT_EQ(WEFT_OK, weft_audit_read_leaves(&reader, size - 1, 1, &leaves, NULL));
    struct weft_bytes rest = {leaves.data, leaves.size};
    EXPECT_EQ(WEFT_OK, weft_bundle_next(&rest, &bytes));
    EXPECT_EQ(WEFT_OK, weft_audit_leaf_parse(
                           (struct weft_text){(const char *)bytes.data, bytes.size}, &leaf, NULL));
    EXPECT_TRUE(weft_text_is(leaf.act, act));
    EXPECT_TRUE(weft_text_is(leaf.subject, s->asset));
    EXPECT_TRUE(weft_text_is(leaf.from, from));
    EXPECT_TRUE(weft_text_is(leaf.to, to));
    EXPECT_TRUE(leaf.has_actor);
    weft_audit_reader_close(&reader);
    weft_buffer_destroy(&leaves);
}

void scene_lead_to_selected(struct scene *s)
{
    EXPECT_EQ(WEFT_OK, scene_propose(s));
    EXPECT_EQ(WEFT_OK, scene_approve(s, RIG_BO, WEFT_APPROVAL_APPROVE));
    EXPECT_EQ(WEFT_OK, scene_approve(s, RIG_CY, WEFT_APPROVAL_APPROVE));
    EXPECT_EQ(WEFT_OK, scene_step(s, "select"));
}

/* Somebody has looked: it was not done. */
enum weft_err scene_resolve(
    struct scene *s, const struct weft_command_note *command, const char *who)
{
    const char *const by[] = {who, NULL};
    struct weft_resolution_note found = {.command = command->digest,
        .finding = WEFT_RESOLUTION_NOT_DONE,
        .resolver = signers_principal(who),
        .printed_name = WEFT_TEXT("Bo"),
        .reason = WEFT_TEXT("looked"),
        .signed_ns = SIGNERS_NOW_NS};
    char asset[WEFT_COMMAND_SUBJECT_SIZE];
    struct weft_buffer text = {0};
    memcpy(found.id, command->id, sizeof(found.id));
    weft_command_subject(command->id, asset);
    EXPECT_EQ(WEFT_OK, weft_resolution_note_encode(&found, &text, NULL));
    enum weft_err err = scene_hand_in(s, who, asset, signers_note(weft_buffer_as_text(&text), by));
    weft_buffer_destroy(&text);
    return err;
}
