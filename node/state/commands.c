#include "node/state/commands.h"

#include <stdlib.h>

#include "node/state/commands_parts.h"
#include "proto/check.h"

static const uint64_t ms_ns = 1000 * 1000;
/* How long behind its time a command that nobody has ended is still looked for. Chosen: a site
 * that was without a leader for so long has other cares. */
static const int64_t open_lag_ns = INT64_C(7) * 24 * 3600 * 1000 * 1000 * 1000;

/* --- memory ---------------------------------------------------------------------------------- */

void weft_command_live_destroy(struct weft_command_live *live)
{
    if (live != NULL) {
        weft_buffer_destroy(&live->note);
        free(live);
    }
}

static uint32_t bucket_of(const void *bytes, size_t size)
{
    uint32_t hash =
        2166136261u; /* FNV-1a: who fills one bucket has paid for each by a signature. */
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 16777619u;
    }
    return hash % WEFT_COMMANDS_BUCKETS;
}

enum weft_err weft_commands_create(struct weft_text site, struct weft_store *store,
    struct weft_names *names, struct weft_commands **ret_commands, struct weft_msg *msg)
{
    struct weft_commands *c = calloc(1, sizeof(*c));
    if (c == NULL || weft_envelopes_create(&c->envelopes) != WEFT_OK) {
        free(c);
        return weft_fail(msg, WEFT_ENOMEM, "open the commands");
    }
    TAILQ_INIT(&c->all);
    TAILQ_INIT(&c->changed);
    TAILQ_INIT(&c->ended);
    TAILQ_INIT(&c->to_look);
    TAILQ_INIT(&c->changed_channels);
    c->site = site;
    c->store = store;
    c->names = names;
    *ret_commands = c;
    return WEFT_OK;
}

void weft_commands_destroy(struct weft_commands *c)
{
    if (c == NULL) {
        return;
    }
    for (uint32_t i = 0; i < WEFT_COMMANDS_BUCKETS; i++) {
        while (c->commands[i] != NULL) {
            struct weft_command_live *live = c->commands[i];
            c->commands[i] = live->next;
            weft_command_live_destroy(live);
        }
        while (c->channels[i] != NULL) {
            struct weft_command_channel *channel = c->channels[i];
            c->channels[i] = channel->next;
            free(channel);
        }
    }
    if (c->checked.is_new) {
        weft_command_live_destroy(c->checked.live);
    }
    weft_envelopes_destroy(c->envelopes);
    weft_buffer_destroy(&c->checked.approval);
    weft_buffer_destroy(&c->value);
    free(c->seqs);
    free(c);
}

uint64_t weft_commands_open(const struct weft_commands *c)
{
    return c->open_count;
}

void weft_commands_insert(struct weft_commands *c, struct weft_command_live *live)
{
    struct weft_command_live **bucket = &c->commands[bucket_of(live->id, sizeof(live->id))];
    live->next = *bucket;
    *bucket = live;
    TAILQ_INSERT_TAIL(&c->all, live, in_all);
    c->command_count++;
    weft_commands_look_at(c, live);
}

void weft_commands_change(struct weft_commands *c, struct weft_command_live *live)
{
    c->is_changed = true;
    weft_commands_look_at(c, live);
    if (!live->is_changed) {
        live->is_changed = true;
        TAILQ_INSERT_TAIL(&c->changed, live, in_changed);
    }
}

void weft_commands_is_put(struct weft_commands *c, struct weft_command_live *live)
{
    live->is_changed = false;
    TAILQ_REMOVE(&c->changed, live, in_changed);
}

void weft_commands_may_end(struct weft_commands *c, struct weft_command_live *live)
{
    if (!live->may_have_ended) {
        live->may_have_ended = true;
        TAILQ_INSERT_TAIL(&c->ended, live, in_ended);
    }
}

void weft_commands_change_channel(struct weft_commands *c, struct weft_command_channel *channel)
{
    c->is_changed = true;
    if (!channel->is_changed) {
        channel->is_changed = true;
        TAILQ_INSERT_TAIL(&c->changed_channels, channel, in_changed);
    }
}

enum weft_err weft_commands_read_note(
    struct weft_text note, struct weft_command_live **ret_live, struct weft_msg *msg)
{
    struct weft_note parsed;
    struct weft_command_live *live = calloc(1, sizeof(*live));
    enum weft_err err = live != NULL ? weft_buffer_text(&live->note, note) : WEFT_ENOMEM;
    if (err != WEFT_OK) {
        weft_command_live_destroy(live);
        return weft_fail(msg, WEFT_ENOMEM, "read a command");
    }
    err = weft_note_parse(weft_buffer_as_text(&live->note), &parsed, msg);
    if (err == WEFT_OK) {
        err = weft_command_note_decode(parsed.text, &live->command, msg);
    }
    if (err != WEFT_OK) {
        weft_command_live_destroy(live);
        return err;
    }
    memcpy(live->id, live->command.id, sizeof(live->id));
    *ret_live = live;
    return WEFT_OK;
}

/* --- the store ------------------------------------------------------------------------------- */

static enum weft_err damaged(struct weft_msg *msg, const char *what)
{
    return weft_fail(msg, WEFT_ECORRUPT, "%s in the state is damaged", what);
}

static enum weft_err read_live(struct weft_commands *c, const uint8_t id[WEFT_COMMAND_ID_SIZE],
    struct weft_command_live **ret_live, struct weft_msg *msg)
{
    struct weft_store_value state = {.handle = NULL}, note = {.handle = NULL};
    struct weft_command_live *live = NULL;
    struct weft_key key = weft_key_command(id, 0);
    enum weft_err err = weft_store_get(c->store, NULL, &key, &state, msg);
    if (err == WEFT_ENOTFOUND) {
        *ret_live = NULL;
        return WEFT_OK;
    }
    if (err == WEFT_OK) {
        key = weft_key_command(id, 1);
        err = weft_store_get(c->store, NULL, &key, &note, msg);
    }
    if (err == WEFT_OK) {
        struct weft_text text = {(const char *)note.bytes.data, note.bytes.size};
        err = weft_commands_read_note(text, &live, msg);
    }
    if (err == WEFT_OK) {
        err = weft_command_value_decode(state.bytes, &live->value);
    }
    weft_store_release(&state);
    weft_store_release(&note);
    if (err != WEFT_OK) {
        weft_command_live_destroy(live);
        return err == WEFT_ENOMEM || err == WEFT_EIO ? err : damaged(msg, "a command");
    }
    if (c->is_replay && live->value.index >= c->checked.place.index) {
        weft_command_live_destroy(live); /* It is of later. */
        *ret_live = NULL;
        return WEFT_OK;
    }
    weft_commands_insert(c, live);
    weft_commands_wait(c, live, weft_commands_channel(c, live->command.channel));
    weft_commands_may_end(c, live); /* Then it goes with the next settle. */
    *ret_live = live;
    return WEFT_OK;
}

struct weft_command_live *weft_commands_in_memory(
    const struct weft_commands *c, const uint8_t id[WEFT_COMMAND_ID_SIZE])
{
    struct weft_command_live *live = c->commands[bucket_of(id, WEFT_COMMAND_ID_SIZE)];
    while (live != NULL && memcmp(live->id, id, WEFT_COMMAND_ID_SIZE) != 0) {
        live = live->next;
    }
    return live;
}

enum weft_err weft_commands_find(struct weft_commands *c, const uint8_t id[WEFT_COMMAND_ID_SIZE],
    struct weft_command_live **ret_live, struct weft_msg *msg)
{
    struct weft_command_live *live = weft_commands_in_memory(c, id);
    if (live != NULL) {
        *ret_live = live;
        return WEFT_OK;
    }
    return read_live(c, id, ret_live, msg);
}

struct weft_command_channel *weft_commands_channel(
    struct weft_commands *c, struct weft_text channel)
{
    struct weft_command_channel *at = c->channels[bucket_of(channel.data, channel.size)];
    while (at != NULL && !weft_text_equal((struct weft_text){at->name, at->name_size}, channel)) {
        at = at->next;
    }
    return at;
}

struct weft_command_channel *weft_commands_keep_channel(
    struct weft_commands *c, const struct weft_command_channel *channel)
{
    struct weft_command_channel **bucket =
        &c->channels[bucket_of(channel->name, channel->name_size)];
    struct weft_command_channel *kept = malloc(sizeof(*kept));
    if (kept != NULL) {
        *kept = *channel;
        kept->next = *bucket;
        TAILQ_INIT(&kept->waiting);
        *bucket = kept;
        c->channel_count++;
    }
    return kept;
}

static enum weft_err load_channel(
    struct weft_commands *c, struct weft_bytes key, struct weft_bytes value, struct weft_msg *msg)
{
    struct weft_text name = {(const char *)key.data + 1, key.size - 1};
    struct weft_command_channel channel = {.name_size = (uint16_t)name.size};
    struct weft_command_live *holder = NULL;
    if (!weft_channel_is_valid(name) ||
        weft_channel_value_decode(value, &channel.value) != WEFT_OK) {
        return damaged(msg, "a channel");
    }
    memcpy(channel.name, name.data, name.size);
    if (weft_commands_keep_channel(c, &channel) == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "load a channel");
    }
    enum weft_err err =
        channel.value.is_held ? weft_commands_find(c, channel.value.holder, &holder, msg) : WEFT_OK;
    return err == WEFT_OK && channel.value.is_held && holder == NULL
               ? damaged(msg, "a channel's command")
               : err;
}

/* Takes it into memory if it has not ended. */
static enum weft_err load_open(struct weft_commands *c, struct weft_bytes key, struct weft_msg *msg)
{
    struct weft_command_live *live = NULL;
    if (key.size != WEFT_KEY_OPEN_SIZE) {
        return damaged(msg, "the list of open commands");
    }
    enum weft_err err = weft_commands_find(c, key.data + 9, &live, msg);
    return err == WEFT_OK && live == NULL ? damaged(msg, "an open command") : err;
}

/* Of one type of key, from one on. */
static enum weft_err load_all(
    struct weft_commands *c, const struct weft_key *from, struct weft_msg *msg)
{
    const struct weft_bytes prefix = {from->bytes, 1};
    struct weft_store_walk *walk = weft_store_walk_create(c->store, NULL, false);
    enum weft_err err = walk != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "load commands");
    if (walk != NULL) {
        weft_store_walk_to(walk, from);
    }
    while (err == WEFT_OK && weft_store_walk_is_below(walk, prefix)) {
        struct weft_bytes key = weft_store_walk_key(walk);
        err = from->bytes[0] == WEFT_KEY_CHANNEL
                  ? load_channel(c, key, weft_store_walk_value(walk), msg)
                  : load_open(c, key, msg);
        weft_store_walk_next(walk);
    }
    if (err == WEFT_OK) {
        err = weft_store_walk_err(walk, msg);
    }
    weft_store_walk_destroy(walk);
    return err;
}

static enum weft_err load_count(struct weft_commands *c, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_single(WEFT_KEY_OPEN);
    enum weft_err err = weft_store_get(c->store, NULL, &key, &value, msg);
    if (err == WEFT_OK && value.bytes.size != 8) {
        err = damaged(msg, "the number of open commands");
    } else if (err == WEFT_OK) {
        c->open_count = weft_get_be64(value.bytes.data);
    }
    weft_store_release(&value);
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

enum weft_err weft_commands_load(struct weft_commands *c, int64_t time_ns, struct weft_msg *msg)
{
    static const uint8_t no_id[WEFT_COMMAND_ID_SIZE];
    const struct weft_key channels = weft_key_single(WEFT_KEY_CHANNEL);
    int64_t from_ns = time_ns > open_lag_ns ? time_ns - open_lag_ns : 0;
    const struct weft_key open = weft_key_open(from_ns, no_id);
    enum weft_err err = weft_envelopes_load(c->envelopes, c->store, msg);
    if (err == WEFT_OK) {
        err = load_count(c, msg);
    }
    if (err == WEFT_OK) {
        err = load_all(c, &channels, msg);
    }
    if (err == WEFT_OK) {
        err = load_all(c, &open, msg);
    }
    weft_commands_settle(c); /* Those that have ended are not kept. */
    return err;
}

/* --- the batch ------------------------------------------------------------------------------- */

enum weft_err weft_commands_put(
    struct weft_commands *c, struct weft_store_batch *batch, struct weft_msg *msg)
{
    if (!c->is_changed) {
        return WEFT_OK;
    }
    while (!TAILQ_EMPTY(&c->changed)) {
        struct weft_command_live *live = TAILQ_FIRST(&c->changed);
        weft_buffer_clear(&c->value);
        if (weft_command_value_encode(&live->value, &c->value) != WEFT_OK) {
            return weft_fail(msg, WEFT_ENOMEM, "keep a command");
        }
        struct weft_key key = weft_key_command(live->id, 0);
        weft_store_batch_put(batch, &key, c->value.data, c->value.size);
        weft_commands_is_put(c, live);
    }
    while (!TAILQ_EMPTY(&c->changed_channels)) {
        struct weft_command_channel *at = TAILQ_FIRST(&c->changed_channels);
        weft_buffer_clear(&c->value);
        if (weft_channel_value_encode(&at->value, &c->value) != WEFT_OK) {
            return weft_fail(msg, WEFT_ENOMEM, "keep a channel");
        }
        struct weft_key key = weft_key_channel((struct weft_text){at->name, at->name_size});
        weft_store_batch_put(batch, &key, c->value.data, c->value.size);
        at->is_changed = false;
        TAILQ_REMOVE(&c->changed_channels, at, in_changed);
    }
    uint8_t count[8];
    struct weft_key key = weft_key_single(WEFT_KEY_OPEN);
    weft_put_be64(count, c->open_count);
    weft_store_batch_put(batch, &key, count, sizeof(count));
    c->is_changed = false;
    return WEFT_OK;
}

/* It is looked at by steps no more: who asks for it finds it in the store. */
static bool is_over(const struct weft_command_live *live)
{
    return weft_command_state_is_end(live->value.machine.state) &&
           !weft_command_machine_holds(&live->value.machine) && !live->is_changed;
}

/* Digests are as good as random. */
static struct weft_command_seq *known_seq(struct weft_commands *c, const uint8_t digest[16])
{
    return &c->known_seqs[weft_get_be32(digest) % WEFT_COMMANDS_SEQS];
}

void weft_commands_settle(struct weft_commands *c)
{
    for (uint32_t i = 0; !c->is_replay && i < c->seq_count; i++) { /* The store has them now. */
        *known_seq(c, c->seqs[i].digest) = c->seqs[i];
    }
    c->seq_count = c->is_replay ? c->seq_count : 0;
    while (!TAILQ_EMPTY(&c->ended)) {
        struct weft_command_live *live = TAILQ_FIRST(&c->ended);
        TAILQ_REMOVE(&c->ended, live, in_ended);
        live->may_have_ended = false;
        if (!is_over(live)) {
            continue;
        }
        struct weft_command_live **at = &c->commands[bucket_of(live->id, sizeof(live->id))];
        while (*at != live) {
            at = &(*at)->next;
        }
        *at = live->next;
        TAILQ_REMOVE(&c->all, live, in_all);
        weft_commands_look_away(c, live);
        weft_command_live_destroy(live);
        c->command_count--;
    }
}

/* --- what is in force ------------------------------------------------------------------------ */

enum weft_err weft_commands_last_seq(struct weft_commands *c, struct weft_text channel,
    const struct weft_principal *proposer, uint32_t key_id, uint8_t ret_digest[16],
    uint64_t *ret_seq, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    char name[WEFT_PRINCIPAL_TEXT_SIZE];
    uint8_t id[4];
    struct weft_sha256 hash;
    weft_principal_format(proposer, name);
    weft_put_be32(id, key_id);
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, channel.data, channel.size);
    weft_sha256_update(&hash, "\n", 1);
    weft_sha256_update(&hash, name, strlen(name));
    weft_sha256_update(&hash, id, sizeof(id));
    struct weft_digest digest = weft_sha256_final(&hash);
    memcpy(ret_digest, digest.bytes, 16);
    for (uint32_t i = c->seq_count; i-- > 0;) {
        if (memcmp(c->seqs[i].digest, ret_digest, 16) == 0) {
            *ret_seq = c->seqs[i].seq;
            return WEFT_OK;
        }
    }
    *ret_seq = 0;
    if (c->is_replay) {
        return WEFT_OK;
    }
    struct weft_command_seq *known = known_seq(c, ret_digest);
    if (known->seq != 0 && memcmp(known->digest, ret_digest, 16) == 0) {
        *ret_seq = known->seq;
        return WEFT_OK;
    }
    struct weft_key key = weft_key_seq(ret_digest);
    enum weft_err err = weft_store_get(c->store, NULL, &key, &value, msg);
    *ret_seq = err == WEFT_OK && value.bytes.size == 8 ? weft_get_be64(value.bytes.data) : 0;
    if (err == WEFT_OK && value.bytes.size != 8) {
        err = damaged(msg, "a seq");
    }
    if (err == WEFT_OK) {
        memcpy(known->digest, ret_digest, 16);
        known->seq = *ret_seq;
    }
    weft_store_release(&value);
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

struct weft_digest weft_commands_what(const struct weft_command_note *command)
{
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, command->verb.data, command->verb.size);
    for (uint32_t i = 0; i < command->arg_count; i++) {
        const struct weft_command_arg *arg = &command->args[i];
        uint8_t number[9] = {(uint8_t)(arg->value.type * 2 + arg->value.truth)};
        weft_put_be64(number + 1, (uint64_t)arg->value.number);
        weft_sha256_update(&hash, "\n", 1);
        weft_sha256_update(&hash, arg->name.data, arg->name.size);
        weft_sha256_update(&hash, " ", 1);
        weft_sha256_update(&hash, number, sizeof(number));
        weft_sha256_update(&hash, arg->value.unit.data, arg->value.unit.size);
        weft_sha256_update(&hash, arg->value.word.data, arg->value.word.size);
    }
    return weft_sha256_final(&hash);
}

/* Of the group: "plant1/line2" and what is below it. */
static bool is_below(struct weft_text asset, struct weft_text group)
{
    return asset.size > group.size && memcmp(asset.data, group.data, group.size) == 0 &&
           asset.data[group.size] == '/';
}

/* Of the machines that this one is not. */
static uint32_t count_canaries(const struct weft_command_law *law,
    const struct weft_command_note *command, const struct weft_envelope_note *envelope)
{
    const struct weft_commands *c = law->ctx;
    struct weft_digest what = weft_commands_what(command);
    uint32_t count = 0;
    for (uint32_t i = 0; i < WEFT_COMMANDS_BUCKETS; i++) {
        for (const struct weft_command_channel *at = c->channels[i]; at != NULL; at = at->next) {
            const struct weft_channel_value *v = &at->value;
            struct weft_text asset = {v->asset, v->asset_size};
            bool has_soaked = law->now_ns > v->verified_ns &&
                              ((uint64_t)law->now_ns - (uint64_t)v->verified_ns) / ms_ns >=
                                  envelope->canary_soak_ms;
            count += has_soaked && weft_digest_equal(&what, &v->what) &&
                     is_below(asset, envelope->canary_group) &&
                     !weft_text_equal(asset, weft_command_note_asset(command));
        }
    }
    return count;
}

void weft_commands_ask_of(const struct weft_authority *authority, struct weft_text asset,
    struct weft_commands_room *room, struct weft_command_law *law)
{
    const struct weft_labels *labels = weft_authority_labels(authority);
    law->labels = room->labels;
    law->label_count = weft_labels_names(labels, weft_labels_of(labels, asset), room->labels);
}

enum weft_err weft_commands_law(struct weft_commands *c, const struct weft_authority *authority,
    uint64_t index, int64_t time_ns, const struct weft_command_note *command,
    const struct weft_command_channel *channel, struct weft_commands_room *room,
    struct weft_command_law *ret_law, struct weft_msg *msg)
{
    struct weft_head head = {.rev = 0};
    struct weft_text site = c->site, org;
    (void)weft_text_cut(&site, '/', &org);
    enum weft_err err = weft_names_peek(c->names, weft_command_note_asset(command), &head, msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_law = (struct weft_command_law){.policy = weft_authority_policy(authority),
        .ring = weft_authority_keyring(authority),
        .subjects = weft_authority_subjects(authority),
        .org = org,
        .site = site,
        .index = index,
        .now_ns = time_ns,
        .envelopes = room->envelopes,
        .envelope_count = weft_envelopes_about(c->envelopes, command->target, command->verb,
            room->envelopes, WEFT_COMMAND_ENVELOPES_MAX),
        .authority = channel->value.authority,
        .moves_ns = channel->value.moves_ns,
        .move_count = channel->value.move_count,
        .rev = head.rev,
        .count_canaries = count_canaries,
        .ctx = c};
    weft_commands_ask_of(authority, weft_command_note_asset(command), room, ret_law);
    if (ret_law->envelope_count > WEFT_COMMAND_ENVELOPES_MAX) {
        ret_law->envelope_count =
            0; /* More than a command can name: none is named as it has to be. */
    }
    return WEFT_OK;
}
