#include "ops/gateway/plant_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "ops/weft/net.h"
#include "policy/crypto/random.h"
#include "policy/note.h"
#include "proto/check.h"

enum {
    WAIT_MS = 1000,  /* A node holds an empty page so long, */
    PROOF_MS = 5000, /* and a bundle's question until it is proved: a leaf is good for so long. */
    RETRY_MS = 300,  /* chosen: from an error to the next try */
    TRIES_MAX = 100, /* chosen: of a receipt that is not due: half a minute */
    /* chosen: receipts on their way; of a hundred machines at ten commands a second 2,000 a second
     * have to come through, each in the time of a commit, which under such a load may be 100 ms */
    FLYING_MAX = 512,
    WANTED_MAX = 1024,
    ID_TEXT_SIZE = 2 * WEFT_COMMAND_ID_SIZE + 1,
    PATH_SIZE = 64,
};

static const char kind[] = "command", asset_stem[] = "command:";

struct link;

/* A receipt on its way. */
struct parcel {
    TAILQ_ENTRY(parcel) next; /* In order. */
    struct link *link;
    uint64_t counter;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    bool is_flying;
    /* Of the same command, in front of it, and not on their way: it would be refused. Behind those
     * that are it comes by the same connection, into the same entry or the next. */
    uint32_t ahead;
    uint32_t tries;
    uint64_t retry_ms;
    struct weft_text note; /* Behind it. */
};

/* A bundle or a command that was asked for. */
struct wanted {
    TAILQ_ENTRY(wanted) next;
    struct link *link;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    uint64_t index; /* That the node must have applied. */
    bool is_bundle;
    bool is_again; /* There was another step meanwhile. */
};

struct link {
    struct weft_plant plant;
    struct weft_net *net;
    struct weft_client *client;
    struct weft_text stem;
    struct weft_plant_callbacks to;
    uv_timer_t timer;
    TAILQ_HEAD(parcels, parcel) parcels;
    TAILQ_HEAD(wanteds, wanted) wanteds;
    uint32_t flying;
    uint32_t wanted_count;
    uint64_t next_index; /* To be watched from. */
    bool is_up;
    bool is_listing;
    bool is_watching;
    bool has_list;
    bool is_showing;
    bool is_closing;
    uint64_t retry_ms;
    struct weft_buffer cursor;
};

static void go_on(struct link *link);

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void format_id(const uint8_t id[WEFT_COMMAND_ID_SIZE], char ret_text[ID_TEXT_SIZE])
{
    for (size_t i = 0; i < WEFT_COMMAND_ID_SIZE; i++) {
        (void)snprintf(ret_text + 2 * i, 3, "%02x", id[i]);
    }
}

static bool is_ours(const struct link *link, struct weft_text channel)
{
    return channel.size > link->stem.size &&
           memcmp(channel.data, link->stem.data, link->stem.size) == 0;
}

/* --- what nodes say -------------------------------------------------------------------------- */

bool weft_plant_line_parse(struct weft_text line, uint8_t ret_id[WEFT_COMMAND_ID_SIZE],
    struct weft_text *ret_state, struct weft_text *ret_channel)
{
    struct weft_text id, skipped;
    char subject[WEFT_COMMAND_SUBJECT_SIZE];
    bool is_cut = weft_text_cut(&line, ' ', &id) && weft_text_cut(&line, ' ', ret_state);
    for (int i = 0; i < 3 && is_cut; i++) { /* What was found, index, time. */
        is_cut = weft_text_cut(&line, ' ', &skipped);
    }
    if (!is_cut || !weft_text_cut(&line, ' ', ret_channel) || id.size != ID_TEXT_SIZE - 1) {
        return false;
    }
    (void)snprintf(subject, sizeof(subject), "%s%.*s", asset_stem, (int)id.size, id.data);
    return weft_command_subject_parse(weft_text_of(subject), ret_id);
}

static bool parse_fence(struct weft_text value, struct weft_fence *ret_fence)
{
    struct weft_text term;
    return weft_text_cut(&value, ' ', &term) && weft_text_exact_number(term, &ret_fence->term) &&
           weft_text_exact_number(value, &ret_fence->index);
}

/* Lines "key value", an empty one, and the command's note. */
bool weft_plant_command_parse(struct weft_text text, struct weft_plant_command *ret_command)
{
    struct weft_plant_command found = {.state = {NULL, 0}};
    struct weft_command_note command;
    struct weft_note note;
    struct weft_text line, key;
    bool has_digest = false;
    while (weft_text_cut(&text, '\n', &line) && line.size > 0) {
        struct weft_text value = line;
        if (!weft_text_cut(&value, ' ', &key)) {
            return false;
        }
        if (weft_text_is(key, "state")) {
            found.state = value;
        } else if (weft_text_is(key, "digest")) {
            has_digest = weft_digest_parse(value, &found.digest) == WEFT_OK;
        } else if (weft_text_is(key, "asked") && !parse_fence(value, &found.asked)) {
            return false;
        }
    }
    if (found.state.size == 0 || !has_digest || weft_note_parse(text, &note, NULL) != WEFT_OK ||
        weft_command_note_decode(note.text, &command, NULL) != WEFT_OK) {
        return false;
    }
    found.channel = command.channel;
    *ret_command = found;
    return true;
}

/* --- up and down ----------------------------------------------------------------------------- */

static void set_up(struct link *link, bool is_up, const char *why)
{
    if (link->is_up != is_up) {
        link->is_up = is_up;
        if (!is_up) {
            link->to.on_notice(link->to.ctx, "plant", why);
        }
        link->to.on_plant(link->to.ctx, is_up);
    }
}

static void fail(struct link *link, const struct weft_msg *msg)
{
    link->has_list = false;
    link->retry_ms = now_ms() + RETRY_MS;
    set_up(link, false, msg != NULL ? msg->text : "");
    go_on(link);
}

/* --- bundles and questions ------------------------------------------------------------------- */

static void drop_wanted(struct wanted *wanted)
{
    TAILQ_REMOVE(&wanted->link->wanteds, wanted, next);
    wanted->link->wanted_count--;
    free(wanted);
}

static void ask_for(struct wanted *wanted);

static void pass_on(struct wanted *wanted, const struct weft_audit_result *audit)
{
    struct link *link = wanted->link;
    const struct weft_text text = {(const char *)audit->content.data, audit->content.size};
    struct weft_plant_command command;
    if (wanted->is_bundle) {
        link->to.on_bundle(link->to.ctx, text);
        return;
    }
    if (!weft_plant_command_parse(text, &command) || weft_fence_is_none(&command.asked) ||
        !weft_text_is(command.state, "INTENT")) {
        return;
    }
    struct weft_actor_ask ask = {
        .channel = command.channel, .digest = command.digest, .fence = command.asked};
    memcpy(ask.id, wanted->id, sizeof(ask.id));
    link->to.on_ask(link->to.ctx, &ask);
}

static void on_wanted(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct wanted *wanted = ctx;
    if (err == WEFT_OK && answer->kind == WEFT_KIND_AUDIT_RESULT) {
        pass_on(wanted, &answer->audit);
    } else if (msg != NULL && err != WEFT_ESTATE) {
        wanted->link->to.on_notice(wanted->link->to.ctx, "not-given", msg->text);
    }
    if (wanted->is_again) {
        wanted->is_again = false;
        ask_for(wanted);
    } else {
        drop_wanted(wanted);
    }
}

static void ask_for(struct wanted *wanted)
{
    char path[PATH_SIZE], id[ID_TEXT_SIZE];
    format_id(wanted->id, id);
    (void)snprintf(path, sizeof(path), "%s/%s%s", kind, id, wanted->is_bundle ? "/bundle" : "");
    const struct weft_client_message message = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_AUDIT,
            .consistency = WEFT_MIN_INDEX,
            .min_index = wanted->index,
            .asset = weft_text_of(path),
            .wait_ms = wanted->is_bundle ? PROOF_MS : 0}};
    if (weft_client_submit(wanted->link->client, &message, on_wanted, wanted) != WEFT_OK) {
        drop_wanted(wanted);
    }
}

/* What the log says of it at `index` or later. */
static void want(
    struct link *link, const uint8_t id[WEFT_COMMAND_ID_SIZE], bool is_bundle, uint64_t index)
{
    struct wanted *wanted;
    TAILQ_FOREACH(wanted, &link->wanteds, next)
    {
        if (wanted->is_bundle == is_bundle && memcmp(wanted->id, id, sizeof(wanted->id)) == 0) {
            wanted->is_again = true;
            wanted->index = index > wanted->index ? index : wanted->index;
            return;
        }
    }
    wanted = link->wanted_count < WANTED_MAX ? calloc(1, sizeof(*wanted)) : NULL;
    if (wanted == NULL) {
        link->to.on_notice(link->to.ctx, "plant", "too many commands at once");
        return;
    }
    wanted->link = link;
    wanted->is_bundle = is_bundle;
    wanted->index = index;
    memcpy(wanted->id, id, sizeof(wanted->id));
    TAILQ_INSERT_TAIL(&link->wanteds, wanted, next);
    link->wanted_count++;
    ask_for(wanted);
}

/* --- the list, then what comes --------------------------------------------------------------- */

static void on_list(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct link *link = ctx;
    link->is_listing = false;
    if (err != WEFT_OK || answer->kind != WEFT_KIND_AUDIT_RESULT) {
        fail(link, msg);
        return;
    }
    struct weft_text rest = {(const char *)answer->audit.content.data, answer->audit.content.size};
    struct weft_text line;
    while (weft_text_cut(&rest, '\n', &line)) {
        uint8_t id[WEFT_COMMAND_ID_SIZE];
        struct weft_text state, channel;
        if (weft_plant_line_parse(line, id, &state, &channel) && is_ours(link, channel) &&
            (weft_text_is(state, "INTENT") || weft_text_is(state, "SHADOW"))) {
            want(link, id, true, answer->audit.index);
            want(link, id, false, answer->audit.index);
        }
    }
    link->has_list = true;
    link->next_index = answer->audit.index + 1;
    weft_buffer_clear(&link->cursor);
    set_up(link, true, "");
    go_on(link);
}

static void list(struct link *link)
{
    const struct weft_client_message message = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_AUDIT,
            .consistency = WEFT_LINEARIZABLE,
            .asset = weft_text_of(kind)}};
    link->is_listing = true;
    if (weft_client_submit(link->client, &message, on_list, link) != WEFT_OK) {
        link->is_listing = false;
        link->retry_ms = now_ms() + RETRY_MS;
    }
}

static struct weft_text field_of(const struct weft_record *record, const char *path)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, path)) {
            return record->fields[i].value;
        }
    }
    return WEFT_TEXT("");
}

/* Steps are the leader's, and name the channel; notes have nothing for us. */
static void take_step(struct link *link, const struct weft_record *record, uint64_t index)
{
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    struct weft_text step = field_of(record, "step");
    if (!weft_text_is(record->kind, kind) || !is_ours(link, field_of(record, "channel")) ||
        !weft_command_subject_parse(record->asset, id)) {
        return;
    }
    if (weft_text_is(step, "dispatch")) {
        want(link, id, true, index);
    } else if (weft_text_is(step, "ask")) {
        want(link, id, false, index);
    }
}

static void on_page(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct link *link = ctx;
    link->is_watching = false;
    if (err != WEFT_OK || answer->kind != WEFT_KIND_PAGE) {
        fail(link, msg);
        return;
    }
    const struct weft_page *page = &answer->page;
    for (uint32_t i = 0; i < page->record_count; i++) {
        take_step(link, &page->records[i].record, page->records[i].index);
    }
    weft_buffer_clear(&link->cursor);
    if (page->cursor.size > 0 &&
        weft_buffer_append(&link->cursor, page->cursor.data, page->cursor.size) != WEFT_OK) {
        fail(link, NULL); /* The list says what was missed. */
        return;
    }
    link->next_index = page->next_index > link->next_index ? page->next_index : link->next_index;
    set_up(link, true, "");
    go_on(link);
}

static void watch(struct link *link)
{
    const struct weft_client_message message = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_COMMITS,
            .consistency = WEFT_STALE,
            .asset_glob = WEFT_TEXT("command:*"),
            .where_path = WEFT_TEXT("step"), /* Notes, seven times as many bytes, stay there. */
            .where_op = WEFT_OP_LE,          /* Of steps: "ask", and itself. */
            .where_value = WEFT_TEXT("dispatch"),
            .from_index = link->next_index,
            .limit = WEFT_PAGE_RECORDS_MAX, /* A page waits for a turn of both, however short. */
            .wait_ms = WAIT_MS,
            .cursor = {link->cursor.data, link->cursor.size}}};
    link->is_watching = true;
    if (weft_client_submit(link->client, &message, on_page, link) != WEFT_OK) {
        link->is_watching = false;
        link->retry_ms = now_ms() + RETRY_MS;
    }
}

/* --- receipts -------------------------------------------------------------------------------- */

static bool is_of_one(const struct parcel *a, const struct parcel *b)
{
    return memcmp(a->id, b->id, sizeof(a->id)) == 0;
}

static void drop_parcel(struct parcel *parcel)
{
    struct parcel *behind = parcel;
    while ((behind = TAILQ_NEXT(behind, next)) != NULL) {
        behind->ahead -= is_of_one(behind, parcel) && !parcel->is_flying;
    }
    TAILQ_REMOVE(&parcel->link->parcels, parcel, next);
    free(parcel);
}

static void fly(struct parcel *parcel, bool is_flying)
{
    struct parcel *behind = parcel;
    while ((behind = TAILQ_NEXT(behind, next)) != NULL) {
        uint32_t ours = is_of_one(behind, parcel);
        behind->ahead = is_flying ? behind->ahead - ours : behind->ahead + ours;
    }
    parcel->is_flying = is_flying;
    parcel->link->flying += is_flying ? 1 : -1;
}

static void settle(struct parcel *parcel, const char *why)
{
    struct link *link = parcel->link;
    uint64_t counter = parcel->counter;
    drop_parcel(parcel);
    link->to.on_settled(link->to.ctx, counter, why);
}

/* "order": an earlier one has to be there first, or the log has not come so far yet. */
static void on_commit(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct parcel *parcel = ctx;
    struct link *link = parcel->link;
    enum weft_err_class class = weft_err_class(err);
    (void)answer;
    fly(parcel, false);
    bool may_come_later = class == WEFT_CLASS_RETRY || err == WEFT_ESTATE;
    if (err == WEFT_OK) {
        settle(parcel, NULL);
    } else if (may_come_later && (class == WEFT_CLASS_RETRY || parcel->tries < TRIES_MAX)) {
        parcel->retry_ms = now_ms() + RETRY_MS;
    } else {
        settle(parcel, msg != NULL ? msg->text : weft_err_name(err));
    }
    go_on(link);
}

static void post(struct parcel *parcel)
{
    struct link *link = parcel->link;
    char asset[WEFT_COMMAND_SUBJECT_SIZE];
    weft_command_subject(parcel->id, asset);
    const struct weft_field field = {
        .path = WEFT_TEXT("note"), .value = parcel->note, .type = WEFT_VALUE_TEXT};
    const struct weft_record record = {.kind = weft_text_of(kind),
        .asset = weft_text_of(asset),
        .fields = &field,
        .field_count = 1};
    struct weft_client_message message = {
        .kind = WEFT_KIND_COMMIT, .commit = {.records = &record, .record_count = 1}};
    /* A refusal is remembered under its request id: what is tried again has another one. */
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, parcel->note.data, parcel->note.size);
    weft_sha256_update(&hash, &parcel->tries, sizeof(parcel->tries));
    struct weft_digest digest = weft_sha256_final(&hash);
    memcpy(message.commit.request_id.bytes, digest.bytes, sizeof(message.commit.request_id.bytes));
    parcel->tries++;
    if (weft_client_submit(link->client, &message, on_commit, parcel) != WEFT_OK) {
        parcel->retry_ms = now_ms() + RETRY_MS;
        return;
    }
    fly(parcel, true);
}

static void post_all(struct link *link)
{
    struct parcel *parcel;
    uint64_t now = now_ms();
    TAILQ_FOREACH(parcel, &link->parcels, next)
    {
        if (link->flying == FLYING_MAX) {
            return;
        }
        if (!parcel->is_flying && parcel->retry_ms <= now && parcel->ahead == 0) {
            post(parcel);
        }
    }
}

static void link_send(struct weft_plant *plant, uint64_t counter,
    const uint8_t id[WEFT_COMMAND_ID_SIZE], struct weft_text note)
{
    struct link *link = (struct link *)plant;
    struct parcel *parcel, *before = NULL;
    TAILQ_FOREACH(parcel, &link->parcels, next)
    {
        if (parcel->counter == counter) {
            return; /* It is on its way. */
        }
        before = parcel->counter < counter ? parcel : before;
    }
    parcel = calloc(1, sizeof(*parcel) + note.size);
    if (parcel == NULL) {
        return; /* Not settled: it comes again when the plant does. */
    }
    parcel->link = link;
    parcel->counter = counter;
    memcpy(parcel->id, id, sizeof(parcel->id));
    memcpy(parcel + 1, note.data, note.size);
    parcel->note = (struct weft_text){(const char *)(parcel + 1), note.size};
    if (before != NULL) {
        TAILQ_INSERT_AFTER(&link->parcels, before, parcel, next);
    } else {
        TAILQ_INSERT_HEAD(&link->parcels, parcel, next);
    }
    TAILQ_FOREACH(before, &link->parcels, next)
    {
        bool is_before = before->counter < counter;
        bool is_after = before->counter > counter;
        parcel->ahead += is_before && is_of_one(before, parcel) && !before->is_flying;
        before->ahead += is_after && is_of_one(before, parcel);
    }
}

static void link_flush(struct weft_plant *plant)
{
    go_on((struct link *)plant);
}

/* --- what a machine shows -------------------------------------------------------------------- */

static void on_shown(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct link *link = ctx;
    (void)answer;
    link->is_showing = false;
    if (err != WEFT_OK) {
        link->to.on_notice(link->to.ctx, "not-shown", msg != NULL ? msg->text : "");
    }
}

/* A number as {"value": 42.3, "unit": "rpm"}, a truth or a word as itself. */
static uint32_t put_fields(
    struct weft_arena *arena, const struct weft_reading *reading, struct weft_field fields[2])
{
    char number[WEFT_SCALAR_NUMBER_TEXT_SIZE], path[WEFT_SCALAR_PATH_SIZE_MAX + 8];
    switch (reading->value.type) {
    case WEFT_SCALAR_NUMBER:
        weft_scalar_format_number(reading->value.number, number);
        for (int i = 0; i < 2; i++) {
            (void)snprintf(path, sizeof(path), "%.*s/%s", (int)reading->path.size,
                reading->path.data, i == 0 ? "value" : "unit");
            fields[i].path = weft_arena_text(arena, weft_text_of(path));
        }
        fields[0].value = weft_arena_text(arena, weft_text_of(number));
        fields[0].type = strchr(number, '.') != NULL ? WEFT_VALUE_REAL : WEFT_VALUE_INT;
        fields[1].value = reading->value.unit;
        fields[1].type = WEFT_VALUE_TEXT;
        return 2;
    case WEFT_SCALAR_TRUTH:
        fields[0] = (struct weft_field){reading->path,
            reading->value.truth ? WEFT_TEXT("true") : WEFT_TEXT("false"), WEFT_VALUE_BOOL};
        return 1;
    case WEFT_SCALAR_WORD:
        fields[0] = (struct weft_field){reading->path, reading->value.word, WEFT_VALUE_TEXT};
        return 1;
    }
    weft_unreachable("a scalar is of three types");
}

static void link_show(struct weft_plant *plant, struct weft_text asset,
    const struct weft_reading *readings, uint32_t count)
{
    struct link *link = (struct link *)plant;
    struct weft_arena arena = {.size_max = 256 * 1024};
    struct weft_field fields[2 * WEFT_ACTOR_READINGS_MAX];
    uint32_t used = 0;
    for (uint32_t i = 0; i < count && used + 2 <= 2 * WEFT_ACTOR_READINGS_MAX; i++) {
        used += put_fields(&arena, &readings[i], &fields[used]);
    }
    const struct weft_record record = {
        .kind = WEFT_TEXT("reported"), .asset = asset, .fields = fields, .field_count = used};
    struct weft_client_message message = {
        .kind = WEFT_KIND_COMMIT, .commit = {.records = &record, .record_count = 1}};
    struct weft_msg msg = {""};
    if (link->is_up && !link->is_showing && used > 0 &&
        weft_random_bytes(message.commit.request_id.bytes, sizeof(message.commit.request_id.bytes),
            &msg) == WEFT_OK &&
        weft_client_submit(link->client, &message, on_shown, link) == WEFT_OK) {
        link->is_showing = true;
    }
    weft_arena_destroy(&arena);
}

/* --- alarms ---------------------------------------------------------------------------------- */

static void on_alarmed(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct link *link = ctx;
    (void)answer;
    link->to.on_alarmed(link->to.ctx, err == WEFT_OK                            ? NULL
                                      : weft_err_class(err) == WEFT_CLASS_RETRY ? ""
                                      : msg != NULL                             ? msg->text
                                                    : weft_err_name(err));
}

static bool link_alarm(struct weft_plant *plant, struct weft_text asset, struct weft_text channel,
    const struct weft_alarm *alarm)
{
    struct link *link = (struct link *)plant;
    char count[24];
    struct weft_field fields[5] = {{WEFT_TEXT("alarm"), weft_text_of(alarm->word), WEFT_VALUE_TEXT},
        {WEFT_TEXT("channel"), channel, WEFT_VALUE_TEXT},
        {WEFT_TEXT("count"), {NULL, 0}, WEFT_VALUE_INT},
        {WEFT_TEXT("text"), weft_text_of(alarm->text), WEFT_VALUE_TEXT},
        {WEFT_TEXT("code"), weft_text_of(alarm->code), WEFT_VALUE_TEXT}};
    (void)snprintf(count, sizeof(count), "%" PRIu64, alarm->count);
    fields[2].value = weft_text_of(count);
    const struct weft_record record = {.kind = WEFT_TEXT("alarm"),
        .asset = asset,
        .fields = fields,
        .field_count = alarm->code[0] != '\0' ? 5 : 4};
    const struct weft_client_message message = {.kind = WEFT_KIND_COMMIT,
        .commit = {.request_id = alarm->id, .records = &record, .record_count = 1}};
    return weft_client_submit(link->client, &message, on_alarmed, link) == WEFT_OK;
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    go_on(timer->data);
}

/* Whatever is to be done now; and again soon, if something waits for time to pass. */
static void go_on(struct link *link)
{
    uint64_t now = now_ms();
    if (link->is_closing) {
        return;
    }
    if (!link->has_list && !link->is_listing && now >= link->retry_ms) {
        list(link);
    }
    if (link->has_list && !link->is_watching && now >= link->retry_ms) {
        watch(link);
    }
    post_all(link);
    if (!uv_is_active((uv_handle_t *)&link->timer)) {
        (void)uv_timer_start(&link->timer, on_timer, RETRY_MS / 3, RETRY_MS / 3);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    struct parcel *parcel = TAILQ_FIRST(&link->parcels), *next_parcel;
    struct wanted *wanted = TAILQ_FIRST(&link->wanteds), *next_wanted;
    for (; parcel != NULL; parcel = next_parcel) {
        next_parcel = TAILQ_NEXT(parcel, next);
        free(parcel);
    }
    for (; wanted != NULL; wanted = next_wanted) {
        next_wanted = TAILQ_NEXT(wanted, next);
        free(wanted);
    }
    weft_buffer_destroy(&link->cursor);
    free(link);
}

static void link_close(struct weft_plant *plant)
{
    struct link *link = (struct link *)plant;
    link->is_closing = true;
    weft_client_destroy(link->client); /* Forgets what waits, without a callback. */
    uv_close((uv_handle_t *)&link->timer, on_closed);
}

static const struct weft_plant_type client_type = {.name = "client",
    .send = link_send,
    .flush = link_flush,
    .show = link_show,
    .alarm = link_alarm,
    .close = link_close};

enum weft_err weft_plant_client_open(const struct weft_plant_client_options *options,
    struct weft_plant **ret_plant, struct weft_msg *msg)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for the plant");
    }
    link->plant.type = &client_type;
    link->net = options->net;
    link->client = options->client;
    link->stem = options->channel_stem;
    link->to = options->callbacks;
    TAILQ_INIT(&link->parcels);
    TAILQ_INIT(&link->wanteds);
    (void)uv_timer_init(&link->net->loop, &link->timer);
    link->timer.data = link;
    (void)uv_timer_start(&link->timer, on_timer, 0, RETRY_MS / 3);
    *ret_plant = &link->plant;
    return WEFT_OK;
}
