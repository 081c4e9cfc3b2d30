/* tests/bench/actuation_load.c: commands to simulated machines through a site and its gateway.
 *
 *     actuation_load IDENTITY ENDPOINTS HOME MODE CHANNELS PER_SECOND SECONDS
 *
 * HOME holds ann.key, bo.key, cy.key (and their .vkey), `law`, of two lines, "policy VERSION
 * sha256:..." and "envelope NAME VERSION sha256:...", and the machines' directories m0, m1, ...
 * (ops/gateway/machine_sim.h), whose files `told` say when each was really told what.
 *
 * MODE "one": one command after another, approved by two people; timed from the moment at which the
 * last approval is sent. "many": each channel gets so many commands a second of tier 0, which need
 * no approval, due at even times whatever became of those before; timed from when each was due.
 * Told, as one line of JSON: what came of them, and times to the machine and to the end in ms. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/weft/client.h"
#include "ops/weft/keys.h"
#include "policy/command/approval_note.h"
#include "policy/command/receipt_note.h"
#include "policy/note.h"
#include "proto/limits.h"

enum {
    COMMANDS_MAX = 1 << 20,
    CHANNELS_MAX = 128,
    PEOPLE = 3, /* ann proposes, the others approve. */
    WAIT_MS = 1000,
    DRAIN_S = 20, /* For what is under way at the end; behind it it counts as not carried out. */
    TOLD_LINE_MAX = 512,
};

/* What a command comes by, in order. Of entries: when the leader sealed them. */
enum stage {
    STAGE_DUE,
    STAGE_PROPOSED,
    STAGE_SELECTED,
    STAGE_INTENT,
    STAGE_BEGUN, /* The bundle was sound, the values within limits: `accepted` was signed. */
    STAGE_TOLD,
    STAGE_DONE, /* Carried out, by the receipt. */
    STAGE_ACCEPTED,
    STAGE_ACKED,
    STAGE_MEASURED,
    STAGE_VERIFIED,
    STAGES
};
static const char *const stage_names[STAGES] = {"due", "proposed", "selected", "intent", "begun",
    "told", "done", "accepted", "acked", "measured", "verified"};

/* One command. */
struct item {
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    int64_t stages_ns[STAGES]; /* 0: not seen. */
    struct weft_digest digest;
    uint32_t approvals;
    bool is_refused;
    int64_t from_ns; /* It counts from here; 0: not yet. */
    int64_t acked_ns;
    int64_t told_ns;
    int64_t end_ns; /* The step `verify` was seen. */
};

static struct weft_net *net;
static struct weft_client *client, *watcher;
static struct weft_signer signers[PEOPLE];
static struct weft_principal people[PEOPLE];
static struct item *items;
static uint32_t item_count, ended_count, refused_count;
static uint64_t policy_version, envelope_version, next_index, first_index;
static struct weft_digest policy_digest, envelope_digest;
static char envelope_name[256], last_error[256];
static uint32_t needed; /* Approvals. */
static bool is_watching, is_failed;

static int64_t wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

__attribute__((format(printf, 2, 3))) static void must(bool is_well, const char *format, ...)
{
    va_list list;
    if (is_well) {
        return;
    }
    va_start(list, format);
    (void)vfprintf(stderr, format, list);
    va_end(list);
    (void)fputc('\n', stderr);
    exit(1);
}

/* --- what people sign ------------------------------------------------------------------------ */

static void load_signer(const char *home, const char *name, uint32_t who)
{
    char path[WEFT_FILES_PATH_SIZE];
    struct weft_buffer pem = {.size_max = WEFT_KEYFILE_SIZE_MAX};
    struct weft_verifier verifier;
    struct weft_ed25519_pair pair;
    struct weft_msg msg = {""};
    (void)snprintf(path, sizeof(path), "%s/%s.vkey", home, name);
    must(weft_keys_read_public(path, &verifier, &msg) == WEFT_OK, "%s", msg.text);
    (void)snprintf(path, sizeof(path), "%s/%s.key", home, name);
    must(weft_files_read(path, &pem, &msg) == WEFT_OK, "%s", msg.text);
    must(weft_keyfile_decode((struct weft_bytes){pem.data, pem.size}, (struct weft_bytes){NULL, 0},
             &pair, &msg) == WEFT_OK,
        "%s: %s", path, msg.text);
    must(weft_signer_make(weft_text_of(verifier.name), WEFT_SIGNER_ED25519, &pair, &signers[who],
             &msg) == WEFT_OK &&
             weft_principal_parse(weft_text_of(verifier.name), &people[who], &msg) == WEFT_OK,
        "%s: %s", path, msg.text);
    weft_keyfile_destroy(&pem);
}

static void load_law(const char *home)
{
    char path[WEFT_FILES_PATH_SIZE], first[WEFT_DIGEST_TEXT_SIZE], second[WEFT_DIGEST_TEXT_SIZE];
    (void)snprintf(path, sizeof(path), "%s/law", home);
    FILE *file = fopen(path, "r");
    must(file != NULL &&
             fscanf(file, "policy %" SCNu64 " %71s envelope %255s %" SCNu64 " %71s",
                 &policy_version, first, envelope_name, &envelope_version, second) == 5 &&
             weft_digest_parse(weft_text_of(first), &policy_digest) == WEFT_OK &&
             weft_digest_parse(weft_text_of(second), &envelope_digest) == WEFT_OK,
        "%s is not as it has to be", path);
    (void)fclose(file);
}

static void on_commit(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg);

static void commit(struct item *item, uint32_t who, const struct weft_buffer *text)
{
    char asset[80] = "command:";
    struct weft_buffer note = {0};
    struct weft_msg msg = {""};
    for (size_t i = 0; i < sizeof(item->id); i++) {
        (void)snprintf(asset + 8 + 2 * i, 3, "%02x", item->id[i]);
    }
    must(weft_note_sign(weft_buffer_as_text(text), &signers[who], 1, &note, &msg) == WEFT_OK, "%s",
        msg.text);
    const struct weft_field field = {
        .path = WEFT_TEXT("note"), .value = weft_buffer_as_text(&note), .type = WEFT_VALUE_TEXT};
    const struct weft_record record = {.kind = WEFT_TEXT("command"),
        .asset = weft_text_of(asset),
        .fields = &field,
        .field_count = 1};
    struct weft_client_message message = {
        .kind = WEFT_KIND_COMMIT, .commit = {.records = &record, .record_count = 1}};
    struct weft_digest digest = weft_sha256(note.data, note.size);
    memcpy(message.commit.request_id.bytes, digest.bytes, sizeof(message.commit.request_id.bytes));
    must(weft_client_submit(client, &message, on_commit, item) == WEFT_OK, "too much at once");
    weft_buffer_destroy(&note);
}

static void propose(uint32_t channel, int64_t due_ns)
{
    struct item *item = &items[item_count];
    struct weft_command_note c = {.origin = WEFT_TEXT("oem.example/plant1/audit")};
    char target[80], name[80];
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    int64_t now_ns = wall_ns() / 1000000 * 1000000;
    (void)snprintf(target, sizeof(target), "oem.example/plant1/line2/m%" PRIu32, channel);
    (void)snprintf(name, sizeof(name), "plant1/gw1/m%" PRIu32, channel);
    memcpy(c.id, &now_ns, sizeof(now_ns));
    memcpy(c.id + sizeof(now_ns), &item_count, sizeof(item_count));
    memcpy(c.nonce, c.id, sizeof(c.nonce));
    c.target = weft_text_of(target);
    c.channel = weft_text_of(name);
    c.class = WEFT_COMMAND_CLASS_B;
    c.tier = needed > 0 ? 2 : 0;
    c.verb = WEFT_TEXT("set-speed");
    c.arg_count = c.post_count = c.envelope_count = 1;
    c.args[0] = (struct weft_command_arg){WEFT_TEXT("speed"),
        {.type = WEFT_SCALAR_NUMBER, .number = 40 * WEFT_SCALAR_ONE, .unit = WEFT_TEXT("rpm")}};
    must(weft_outcome_parse(WEFT_TEXT("speed = 40 +- 60 rpm by 20s"), &c.posts[0]), "an outcome");
    c.envelopes[0] =
        (struct weft_envelope_ref){weft_text_of(envelope_name), envelope_version, envelope_digest};
    c.policy_version = policy_version;
    c.policy_digest = policy_digest;
    c.seq = (uint64_t)now_ns + item_count;
    c.not_before_ns = c.signed_ns = now_ns;
    c.not_after_ns = now_ns + INT64_C(120) * 1000000000;
    c.proposer = people[0];
    c.printed_name = WEFT_TEXT("Ann Example");
    c.reason = WEFT_TEXT("measured");
    must(weft_command_note_encode(&c, &text, &msg) == WEFT_OK, "%s", msg.text);
    *item = (struct item){.digest = weft_sha256(text.data, text.size), .from_ns = due_ns};
    memcpy(item->id, c.id, sizeof(item->id));
    item_count++;
    commit(item, 0, &text);
    weft_buffer_destroy(&text);
}

static void approve(struct item *item)
{
    struct weft_approval_note a = {.command = item->digest,
        .printed_name = WEFT_TEXT("Somebody Else"),
        .meaning = WEFT_APPROVAL_APPROVE,
        .reason = WEFT_TEXT("measured"),
        .signed_ns = wall_ns() / 1000000 * 1000000};
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    uint32_t who = 1 + item->approvals++;
    memcpy(a.id, item->id, sizeof(a.id));
    a.approver = people[who];
    a.expires_ns = a.signed_ns + INT64_C(60) * 1000000000;
    must(weft_approval_note_encode(&a, &text, &msg) == WEFT_OK, "%s", msg.text);
    item->from_ns = item->approvals == needed ? wall_ns() : item->from_ns;
    commit(item, who, &text);
    weft_buffer_destroy(&text);
}

static void on_commit(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct item *item = ctx;
    (void)answer;
    if (err != WEFT_OK) {
        (void)snprintf(last_error, sizeof(last_error), "%s", msg != NULL ? msg->text : "");
        item->is_refused = true;
        refused_count++;
    } else if (item->approvals < needed) {
        approve(item);
    } else {
        item->acked_ns = wall_ns();
    }
}

/* --- what becomes of them -------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(((const struct item *)a)->id, ((const struct item *)b)->id, 16);
}

/* The number stands behind the time. NULL: of another run. */
static struct item *item_of(const uint8_t id[WEFT_COMMAND_ID_SIZE])
{
    uint32_t which;
    memcpy(&which, id + sizeof(int64_t), sizeof(which));
    return which < item_count && compare_ids(&items[which], id) == 0 ? &items[which] : NULL;
}

static bool parse_id(struct weft_text hex, uint8_t ret_id[WEFT_COMMAND_ID_SIZE])
{
    char text[3] = {0};
    if (hex.size != 2 * WEFT_COMMAND_ID_SIZE) {
        return false;
    }
    for (size_t i = 0; i < WEFT_COMMAND_ID_SIZE; i++) {
        memcpy(text, hex.data + 2 * i, 2);
        ret_id[i] = (uint8_t)strtoul(text, NULL, 16);
    }
    return true;
}

static void on_page(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    (void)ctx, (void)msg;
    is_watching = false;
    is_failed = err != WEFT_OK;
    for (uint32_t i = 0; !is_failed && i < answer->page.record_count; i++) {
        const struct weft_record *r = &answer->page.records[i].record;
        uint8_t id[WEFT_COMMAND_ID_SIZE];
        struct weft_text asset = r->asset, stem;
        if (r->field_count == 2 && weft_text_is(r->fields[1].value, "verify") &&
            weft_text_cut(&asset, ':', &stem) && parse_id(asset, id) && item_of(id) != NULL) {
            ended_count += item_of(id)->end_ns == 0;
            item_of(id)->end_ns = wall_ns();
        }
    }
    next_index = !is_failed ? answer->page.next_index : next_index;
}

/* From now on, the first time. */
static void watch(void)
{
    const struct weft_client_message message = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_COMMITS,
            .consistency = WEFT_STALE,
            .asset_glob = WEFT_TEXT("command:*"),
            .where_path = WEFT_TEXT("step"),
            .where_op = WEFT_OP_EQ,
            .where_value = WEFT_TEXT("verify"),
            .from_index = next_index,
            .limit = WEFT_PAGE_RECORDS_MAX,
            .wait_ms = WAIT_MS}};
    if (!is_watching) {
        is_watching = true;
        must(weft_client_submit(watcher, &message, on_page, NULL) == WEFT_OK, "watch");
    }
}

static void turn(uint32_t wait_ms)
{
    watch();
    weft_net_turn(net, wait_ms);
    must(!is_failed, "the site cannot be watched");
}

/* A line of `told`: "MS live ID VERB ..." */
static void read_told(const char *home, uint32_t channel)
{
    char path[WEFT_FILES_PATH_SIZE], line[TOLD_LINE_MAX];
    (void)snprintf(path, sizeof(path), "%s/m%" PRIu32 "/told", home, channel);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char hex[2 * WEFT_COMMAND_ID_SIZE + 1];
        uint8_t id[WEFT_COMMAND_ID_SIZE];
        int64_t ms;
        if (sscanf(line, "%" SCNd64 " live %32s", &ms, hex) == 2 &&
            parse_id(weft_text_of(hex), id) && item_of(id) != NULL) {
            must(item_of(id)->told_ns == 0, "%s was told %s twice", path, hex);
            item_of(id)->told_ns = ms * 1000000;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* --- where their time goes ------------------------------------------------------------------- */

static void note_stage(struct item *item, const struct weft_stored_record *at)
{
    static const enum stage of_receipts[WEFT_RECEIPT_OUTCOMES] = {
        [WEFT_RECEIPT_ACCEPTED] = STAGE_ACCEPTED,
        [WEFT_RECEIPT_DONE] = STAGE_ACKED,
        [WEFT_RECEIPT_MEASURED] = STAGE_MEASURED};
    const struct weft_record *r = &at->record;
    enum stage stage = STAGE_PROPOSED;
    struct weft_receipt_note receipt;
    struct weft_note note;
    if (r->field_count == 2) {
        stage = weft_text_is(r->fields[1].value, "select")     ? STAGE_SELECTED
                : weft_text_is(r->fields[1].value, "dispatch") ? STAGE_INTENT
                                                               : STAGE_VERIFIED;
    } else if (weft_note_parse(r->fields[0].value, &note, NULL) == WEFT_OK &&
               weft_receipt_note_decode(note.text, &receipt, NULL) == WEFT_OK) {
        stage = of_receipts[receipt.outcome];
        item->stages_ns[STAGE_BEGUN] =
            stage == STAGE_ACCEPTED ? receipt.signed_ns : item->stages_ns[STAGE_BEGUN];
        item->stages_ns[STAGE_DONE] =
            stage == STAGE_ACKED ? receipt.signed_ns : item->stages_ns[STAGE_DONE];
    }
    item->stages_ns[stage] = at->time_ns;
}

/* By the site's log, afterwards. False: that was the last page. */
static bool read_stages(struct weft_buffer *cursor)
{
    struct weft_arena arena = {.size_max = 16 << 20};
    struct weft_client_message answer;
    struct weft_msg msg = {""};
    const struct weft_client_message message = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_COMMITS,
            .consistency = WEFT_STALE,
            .asset_glob = WEFT_TEXT("command:*"),
            .from_index = first_index,
            .limit = WEFT_PAGE_RECORDS_MAX,
            .cursor = {cursor->data, cursor->size}}};
    must(weft_client_call(client, &message, &arena, &answer, &msg) == WEFT_OK, "%s", msg.text);
    for (uint32_t i = 0; i < answer.page.record_count; i++) {
        struct weft_text asset = answer.page.records[i].record.asset, stem;
        uint8_t id[WEFT_COMMAND_ID_SIZE];
        if (weft_text_cut(&asset, ':', &stem) && parse_id(asset, id) && item_of(id) != NULL) {
            note_stage(item_of(id), &answer.page.records[i]);
        }
    }
    weft_buffer_clear(cursor);
    must(weft_buffer_append(cursor, answer.page.cursor.data, answer.page.cursor.size) == WEFT_OK,
        "no memory");
    first_index = answer.page.next_index;
    bool is_more = cursor->size > 0 || answer.page.record_count > 0;
    weft_arena_destroy(&arena);
    return is_more;
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static uint32_t put_times(const char *name, bool is_end)
{
    double *ms = calloc(item_count + 1, sizeof(*ms));
    uint32_t count = 0;
    must(ms != NULL, "no memory");
    for (uint32_t i = 0; i < item_count; i++) {
        int64_t at_ns = is_end ? items[i].end_ns : items[i].told_ns;
        if (at_ns != 0) {
            ms[count++] = (double)(at_ns - items[i].from_ns) / 1e6;
        }
    }
    qsort(ms, count, sizeof(*ms), compare_times);
    if (count > 0) {
        (void)printf(", \"%s\": {\"count\": %" PRIu32 ", \"p50\": %.1f, \"p90\": %.1f, "
                     "\"p99\": %.1f, \"max\": %.1f}",
            name, count, ms[count / 2], ms[count * 9 / 10], ms[count * 99 / 100], ms[count - 1]);
    }
    free(ms);
    return count;
}

static void put_stages(void)
{
    struct weft_buffer cursor = {.size_max = WEFT_CURSOR_SIZE_MAX};
    double *ms = calloc(item_count + 1, sizeof(*ms));
    must(ms != NULL, "no memory");
    while (read_stages(&cursor)) {
    }
    (void)printf(", \"stages_ms\": {");
    for (int stage = STAGE_PROPOSED; stage < STAGES; stage++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < item_count; i++) {
            int64_t *at_ns = items[i].stages_ns;
            at_ns[STAGE_DUE] = items[i].from_ns;
            at_ns[STAGE_TOLD] = items[i].told_ns;
            if (at_ns[stage] != 0 && at_ns[stage - 1] != 0) {
                ms[count++] = (double)(at_ns[stage] - at_ns[stage - 1]) / 1e6;
            }
        }
        qsort(ms, count, sizeof(*ms), compare_times);
        (void)printf("%s\"%s\": %.1f", stage > STAGE_PROPOSED ? ", " : "", stage_names[stage],
            count > 0 ? ms[count / 2] : 0.0);
    }
    (void)printf("}");
    weft_buffer_destroy(&cursor);
    free(ms);
}

/* --- modes ----------------------------------------------------------------------------------- */

static void drain(void)
{
    int64_t until_ns = wall_ns() + INT64_C(1000000000) * DRAIN_S;
    while (ended_count + refused_count < item_count && wall_ns() < until_ns) {
        turn(10);
    }
}

static void one_by_one(uint32_t channels, uint32_t count)
{
    needed = 2;
    for (uint32_t i = 0; i < count; i++) {
        propose(i % channels, wall_ns());
        drain();
    }
}

static void many(uint32_t channels, uint32_t per_second, uint32_t seconds)
{
    int64_t step_ns = INT64_C(1000000000) / (channels * per_second), start_ns = wall_ns();
    uint32_t count = channels * per_second * seconds;
    while (item_count < count) {
        int64_t due_ns = start_ns + item_count * step_ns, now_ns = wall_ns();
        if (due_ns <= now_ns) {
            propose(item_count % channels, due_ns);
        } else {
            turn(1); /* It shares the processor with what it measures: it does not spin. */
        }
        if (item_count % 16 == 0) {
            turn(0);
        }
    }
    int64_t asked_ns = wall_ns() - start_ns;
    uint32_t ended = ended_count;
    drain();
    (void)printf("\"asked_per_second\": %.1f, \"ended_per_second\": %.1f, ",
        (double)count * 1e9 / (double)asked_ns, (double)ended * 1e9 / (double)asked_ns);
}

static void find_end(void)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_client_message answer;
    struct weft_msg msg = {""};
    const struct weft_client_message message = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_AUDIT, .asset = WEFT_TEXT("command")}};
    must(weft_client_call(client, &message, &arena, &answer, &msg) == WEFT_OK, "%s", msg.text);
    next_index = first_index = answer.audit.index + 1;
    weft_arena_destroy(&arena);
}

static void open_net(const char *identity, const char *endpoints)
{
    struct weft_context context = {.endpoint_count = 0};
    struct weft_msg msg = {""};
    must(weft_context_add_endpoints(&context, endpoints, &msg) == WEFT_OK &&
             weft_net_open(identity, &net, &msg) == WEFT_OK &&
             weft_client_create(net, &context, 60000, false, &client, &msg) == WEFT_OK &&
             weft_client_create(net, &context, 60000, false, &watcher, &msg) == WEFT_OK,
        "%s", msg.text);
}

int main(int argc, char **argv)
{
    must(argc == 8, "usage: actuation_load IDENTITY ENDPOINTS HOME one|many CHANNELS PER_SECOND "
                    "SECONDS");
    const char *home = argv[3];
    uint32_t numbers[3];
    for (int i = 0; i < 3; i++) {
        numbers[i] = (uint32_t)strtoul(argv[5 + i], NULL, 10);
        must(numbers[i] > 0 && numbers[i] <= 10000, "%s: 1 to 10000", argv[5 + i]);
    }
    must(numbers[0] <= CHANNELS_MAX, "at most %d channels", CHANNELS_MAX);
    items = calloc(COMMANDS_MAX, sizeof(*items));
    must(items != NULL && (uint64_t)numbers[0] * numbers[1] * numbers[2] <= COMMANDS_MAX,
        "at most %d commands", COMMANDS_MAX);
    load_signer(home, "ann", 0);
    load_signer(home, "bo", 1);
    load_signer(home, "cy", 2);
    load_law(home);
    open_net(argv[1], argv[2]);
    find_end();
    (void)printf("{");
    if (strcmp(argv[4], "one") == 0) {
        one_by_one(numbers[0], numbers[1] * numbers[2]);
    } else {
        many(numbers[0], numbers[1], numbers[2]);
    }
    for (uint32_t i = 0; i < numbers[0]; i++) {
        read_told(home, i);
    }
    (void)printf("\"commands\": %" PRIu32 ", \"refused\": %" PRIu32 ", \"error\": \"%s\"",
        item_count, refused_count, last_error);
    uint32_t told = put_times("told_ms", false), ended = put_times("ended_ms", true);
    put_stages();
    (void)printf("}\n");
    weft_client_destroy(client);
    weft_client_destroy(watcher);
    weft_net_close(net);
    free(items);
    return told == item_count && ended == item_count ? 0 : 1;
}
