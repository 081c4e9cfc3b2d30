/* The registry of agreements and their streams: what is in memory, and its rows (streams.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/streams_parts.h"
#include "proto/check.h"

enum {
    AGAIN_ARENA_SIZE_MAX = 8 * 1024 * 1024, /* the largest projection three times */
    ITEM_ARENA_SIZE_MAX = 48 * 1024 * 1024, /* a batch judged, and what is made of its statements */
};

/* --- finding --------------------------------------------------------------------------------- */

struct weft_accord *weft_streams_accord(const struct weft_streams *streams, struct weft_text name)
{
    for (uint32_t i = 0; i < streams->count; i++) {
        if (weft_text_equal(streams->accords[i]->row.name, name)) {
            return streams->accords[i];
        }
    }
    return NULL;
}

uint32_t weft_streams_place(const struct weft_streams *streams, struct weft_text site)
{
    uint32_t at = 0;
    while (
        at < streams->partner_count && weft_text_compare(streams->partners[at]->site, site) < 0) {
        at++;
    }
    return at;
}

struct weft_pinned *weft_streams_pinned(const struct weft_streams *streams, struct weft_text site)
{
    uint32_t at = weft_streams_place(streams, site);
    return at < streams->partner_count && weft_text_equal(streams->partners[at]->site, site)
               ? streams->partners[at]
               : NULL;
}

enum weft_err weft_streams_version(struct weft_streams *streams, const struct weft_accord *accord,
    uint64_t version, struct weft_deed **ret_deed, struct weft_msg *msg)
{
    for (unsigned i = 0; i < WEFT_ACCORD_VERSIONS; i++) {
        if (accord->deeds[i] != NULL && accord->deeds[i]->contract.link.version == version) {
            *ret_deed = weft_deed_retain(accord->deeds[i]);
            return WEFT_OK;
        }
    }
    for (uint32_t i = 0; i < streams->version_count; i++) { /* NOD-191: whatever the batching. */
        const struct weft_streams_version *fresh = &streams->versions[i];
        if (fresh->number == accord->number && fresh->deed->contract.link.version == version) {
            *ret_deed = weft_deed_retain(fresh->deed);
            return WEFT_OK;
        }
    }
    *ret_deed = NULL;
    if (version == 0 || version > UINT32_MAX) {
        return WEFT_OK;
    }
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key =
        weft_key_of_number(WEFT_KEY_VERSION_NOTE, accord->number, (uint32_t)version);
    enum weft_err err = weft_store_get(streams->store, NULL, &key, &value, msg);
    if (err == WEFT_OK) {
        const struct weft_text note = {(const char *)value.bytes.data, value.bytes.size};
        err = weft_deed_read(note, ret_deed, msg);
        err = err == WEFT_OK || err == WEFT_ENOMEM
                  ? err
                  : weft_wrap(msg, WEFT_ECORRUPT, "version %" PRIu64 " of an agreement", version);
    }
    weft_store_release(&value);
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

static enum weft_err note_version(struct weft_streams *streams, const struct weft_accord *accord,
    struct weft_deed *deed, struct weft_msg *msg)
{
    if (streams->version_count == streams->version_capacity) {
        uint32_t capacity = streams->version_capacity == 0 ? 8 : streams->version_capacity * 2;
        struct weft_streams_version *versions =
            realloc(streams->versions, capacity * sizeof(*versions));
        if (versions == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "a version of an agreement");
        }
        streams->versions = versions;
        streams->version_capacity = capacity;
    }
    streams->versions[streams->version_count++] =
        (struct weft_streams_version){accord->number, weft_deed_retain(deed)};
    return WEFT_OK;
}

enum weft_err weft_streams_put_version(struct weft_streams *streams, struct weft_accord *accord,
    struct weft_deed *deed, struct weft_store_batch *batch, struct weft_msg *msg)
{
    const uint64_t version = deed->contract.link.version;
    if (version > UINT32_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "more versions than keys have room for");
    }
    enum weft_err err = note_version(streams, accord, deed, msg);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_key key =
        weft_key_of_number(WEFT_KEY_VERSION_NOTE, accord->number, (uint32_t)version);
    weft_store_batch_put(batch, &key, deed->note.data, deed->note.size);
    if (accord->row.version == 0 && streams->epochs->count > 0) {
        /* NOD-199: of what a backup knows nothing of, other leaves may have been signed. */
        weft_provider_restore(&accord->sent.provider);
    }
    accord->row.version = version;
    weft_accord_row_clear_offer(&accord->row); /* It followed the one before. */
    weft_accord_set(accord, WEFT_ACCORD_NEWEST, weft_deed_retain(deed));
    if (accord->received.consumer.stream.version + 1 == version) {
        weft_accord_set(accord, WEFT_ACCORD_NEXT, weft_deed_retain(deed));
    }
    streams->is_stale = true;
    /* What comes into its scope is appended by steps. */
    weft_accord_fall_behind(accord, 1);
    weft_streams_touch(streams, accord);
    weft_streams_touch_flow(streams, accord, WEFT_SENT);
    weft_streams_touch_flow(streams, accord, WEFT_RECEIVED);
    return WEFT_OK;
}

static void forget_versions(struct weft_streams *streams)
{
    for (uint32_t i = 0; i < streams->version_count; i++) {
        weft_deed_release(streams->versions[i].deed);
    }
    streams->version_count = 0;
}

/* --- changing -------------------------------------------------------------------------------- */

static void make_anew(struct weft_accord *accord)
{
    weft_terms_box_release(accord->terms);
    accord->terms = NULL;
}

void weft_accord_set(
    struct weft_accord *accord, enum weft_accord_version which, struct weft_deed *deed)
{
    weft_deed_release(accord->deeds[which]);
    accord->deeds[which] = deed;
    make_anew(accord);
}

void weft_streams_stale(struct weft_streams *streams)
{
    for (uint32_t i = 0; i < streams->count; i++) {
        make_anew(streams->accords[i]);
    }
    streams->changed++;
    streams->is_stale = true;
}

void weft_streams_touch(struct weft_streams *streams, struct weft_accord *accord)
{
    accord->is_changed[WEFT_DIRECTIONS] = true;
    streams->changed++;
}

void weft_streams_touch_flow(
    struct weft_streams *streams, struct weft_accord *accord, enum weft_direction direction)
{
    accord->is_changed[direction] = true;
    streams->changed++;
}

enum weft_err weft_streams_tell_contract(
    struct weft_streams *streams, const struct weft_deed *deed, struct weft_msg *msg)
{
    const struct weft_streams_listener *l = &streams->listener;
    struct weft_note note;
    if (l->on_contract == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_note_parse(weft_buffer_as_text(&deed->note), &note, msg);
    return err == WEFT_OK ? l->on_contract(l->ctx, &deed->contract, note.text, msg) : err;
}

enum weft_err weft_streams_tell_statement(struct weft_streams *streams,
    const struct weft_accord *accord, enum weft_direction direction, uint64_t sequence,
    const struct weft_digest *digest, struct weft_bytes projection, bool is_first,
    struct weft_msg *msg)
{
    const struct weft_streams_listener *l = &streams->listener;
    const bool is_own = direction == WEFT_SENT;
    const struct weft_deed *deed = accord->deeds[is_own ? WEFT_ACCORD_SENT : WEFT_ACCORD_RECEIVED];
    const uint32_t party = is_own ? accord->row.party : 1 - accord->row.party;
    const struct weft_streams_told told = {
        &deed->contract, party, sequence, digest, projection, is_first};
    return l->on_statement == NULL ? WEFT_OK : l->on_statement(l->ctx, &told, msg);
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

enum weft_err weft_streams_note(struct weft_streams *streams, const struct weft_accord *accord,
    enum weft_direction direction, uint64_t sequence, enum weft_streams_deed deed,
    const struct weft_digest *leaves, uint32_t count, struct weft_msg *msg)
{
    if (count == 0) {
        return WEFT_OK;
    }
    if (streams->note_count == streams->note_capacity) {
        uint32_t capacity = streams->note_capacity == 0 ? 16 : streams->note_capacity * 2;
        struct weft_streams_note *notes = realloc(streams->notes, capacity * sizeof(*notes));
        if (notes == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "what was told again");
        }
        streams->notes = notes;
        streams->note_capacity = capacity;
    }
    struct weft_streams_note *note = &streams->notes[streams->note_count++];
    *note = (struct weft_streams_note){.accord = accord,
        .direction = direction,
        .sequence = sequence,
        .deed = deed,
        .count = count,
        .evidence_count = count <= WEFT_STREAMS_EVIDENCE_MAX ? count : 1};
    if (count <= WEFT_STREAMS_EVIDENCE_MAX) {
        memcpy(note->evidence, leaves, count * sizeof(leaves[0]));
        qsort(note->evidence, count, sizeof(note->evidence[0]), compare_digests);
    } else {
        note->evidence[0] = weft_statement_root(leaves, count);
    }
    return WEFT_OK;
}

enum weft_err weft_streams_note_refused(struct weft_streams *streams,
    const struct weft_accord *accord, uint64_t sequence, const struct weft_digest *statement,
    const struct weft_policy *policy, const struct weft_policy_decision *decision,
    struct weft_msg *msg)
{
    enum weft_err err = weft_streams_note(
        streams, accord, WEFT_RECEIVED, sequence, WEFT_STREAMS_REFUSED, statement, 1, msg);
    if (err == WEFT_OK) {
        struct weft_streams_note *note = &streams->notes[streams->note_count - 1];
        note->policy = policy;
        note->statement = decision->statement;
        note->line = decision->line;
    }
    return err;
}

bool weft_accord_is_stated_to(const struct weft_accord *accord)
{
    const struct weft_provider *p = &accord->sent.provider;
    return weft_accord_keeps_up(accord) && p->stream.phase == WEFT_STREAM_OPEN &&
           !weft_provider_is_fenced(p);
}

bool weft_streams_are_open(const struct weft_streams *streams)
{
    return streams->open_count > 0;
}

void weft_streams_recount(struct weft_streams *streams)
{
    streams->open_count = 0;
    streams->is_asking = false;
    for (uint32_t i = 0; i < streams->count; i++) {
        const struct weft_accord *accord = streams->accords[i];
        if (weft_accord_is_stated_to(accord)) {
            const struct weft_contract_side *side =
                &accord->deeds[WEFT_ACCORD_SENT]->contract.sides[accord->row.party];
            streams->open_count++;
            streams->is_asking = streams->is_asking || side->part_count > 0 ||
                                 side->depth != WEFT_CONTRACT_DEPTH_ANY;
        }
    }
}

static void destroy_accord(struct weft_accord *accord)
{
    if (accord == NULL) {
        return;
    }
    make_anew(accord);
    for (unsigned i = 0; i < WEFT_ACCORD_VERSIONS; i++) {
        weft_deed_release(accord->deeds[i]);
    }
    for (unsigned i = 0; i < WEFT_DIRECTIONS; i++) {
        weft_flow_close(&accord->flows[i]);
    }
    weft_accord_row_destroy(&accord->row);
    weft_buffer_destroy(&accord->sent.receipt);
    weft_buffer_destroy(&accord->received.head);
    free(accord);
}

/* In no place yet. */
static enum weft_err create_accord(struct weft_streams *streams, uint32_t number,
    struct weft_accord **ret_accord, struct weft_msg *msg)
{
    struct weft_accord *accord = calloc(1, sizeof(*accord));
    if (accord == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "an agreement");
    }
    accord->number = number;
    for (unsigned i = 0; i < WEFT_DIRECTIONS; i++) {
        accord->flows[i].store = streams->store;
        accord->flows[i].number = number;
        accord->flows[i].direction = i;
    }
    *ret_accord = accord;
    return WEFT_OK;
}

/* The row's name is the accord's own from now on. */
static void keep_name(struct weft_accord *accord, struct weft_text name)
{
    weft_assert(name.size <= sizeof(accord->name)); /* NOD-191 */
    memcpy(accord->name, name.data, name.size);
    accord->row.name = (struct weft_text){accord->name, name.size};
}

enum weft_err weft_streams_add(struct weft_streams *streams, struct weft_text name,
    struct weft_accord *place, struct weft_accord **ret_accord, struct weft_msg *msg)
{
    if (place != NULL) { /* Of an offer that came to nothing there is no row but its own. */
        weft_accord_row_clear_offer(&place->row);
        place->row.taken_back_count = 0; /* Expired, or it were no place. */
        keep_name(place, name);
        *ret_accord = place;
        return WEFT_OK;
    }
    weft_assert(streams->count < WEFT_AGREEMENTS_MAX); /* NOD-191: checked before */
    enum weft_err err = create_accord(streams, streams->count, ret_accord, msg);
    if (err == WEFT_OK) {
        keep_name(*ret_accord, name);
        streams->accords[streams->count++] = *ret_accord;
    }
    return err;
}

enum weft_err weft_streams_refresh(
    struct weft_streams *streams, struct weft_authority *authority, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    if (streams->authority != authority) {
        weft_authority_release(streams->authority);
        streams->authority = weft_authority_retain(authority);
        weft_streams_stale(streams);
    }
    for (uint32_t i = 0; err == WEFT_OK && streams->is_stale && i < streams->count; i++) {
        err = weft_terms_make(streams, streams->accords[i], msg);
    }
    streams->is_stale = streams->is_stale && err != WEFT_OK;
    return err;
}

void weft_streams_restore(struct weft_streams *streams, uint64_t index)
{
    for (uint32_t i = 0; i < streams->count; i++) {
        struct weft_accord *accord = streams->accords[i];
        if (accord->sent.provider.stream.tree.size > 0) {
            weft_provider_restore(&accord->sent.provider);
            weft_accord_fall_behind(accord, index + 1);
            weft_streams_touch_flow(streams, accord, WEFT_SENT);
        }
    }
    weft_streams_recount(streams);
}

/* --- rows ------------------------------------------------------------------------------------ */

static enum weft_err put_row(struct weft_streams *s, const struct weft_accord *accord,
    unsigned which, struct weft_store_batch *batch, struct weft_msg *msg)
{
    weft_buffer_clear(&s->value);
    enum weft_err err = which == WEFT_SENT ? weft_sent_row_encode(&accord->sent, &s->value)
                        : which == WEFT_RECEIVED
                            ? weft_received_row_encode(&accord->received, &s->value)
                            : weft_accord_row_encode(&accord->row, &s->value);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "the row of an agreement");
    }
    const struct weft_key key = which == WEFT_DIRECTIONS
                                    ? weft_key_of_agreement(WEFT_KEY_AGREEMENT, accord->number)
                                    : weft_key_of_stream(WEFT_KEY_STREAM, accord->number, which);
    weft_store_batch_put(batch, &key, s->value.data, s->value.size);
    return WEFT_OK;
}

/* The fault that the cursor is in another write than the leaves, sixteen entries later
 * (tests/mutants). */
static bool is_put_off(const struct weft_accord *accord, unsigned which)
{
    static uint32_t counts[4];
    return which == WEFT_RECEIVED && weft_node_mutant(WEFT_NODE_MUTANT_CURSOR_APART) &&
           ++counts[accord->number % 4] % 16 != 0;
}

enum weft_err weft_streams_put(
    struct weft_streams *streams, struct weft_store_batch *batch, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < streams->count; i++) {
        struct weft_accord *accord = streams->accords[i];
        for (unsigned k = 0; err == WEFT_OK && k <= WEFT_DIRECTIONS; k++) {
            if (accord->is_changed[k] && !is_put_off(accord, k)) {
                err = put_row(streams, accord, k, batch, msg);
                accord->is_changed[k] = false;
            }
        }
    }
    return err;
}

void weft_streams_settle(struct weft_streams *streams)
{
    for (uint32_t i = 0; i < streams->count; i++) {
        for (unsigned k = 0; k < WEFT_DIRECTIONS; k++) {
            weft_flow_settle(&streams->accords[i]->flows[k]);
        }
    }
    weft_scope_settle(&streams->scope);
    streams->fresh_count = 0;
    forget_versions(streams);
}

/* --- open and close -------------------------------------------------------------------------- */

enum weft_err weft_streams_create(struct weft_text site, struct weft_store *store,
    struct weft_names *names, const struct weft_epochs *epochs, struct weft_streams **ret_streams,
    struct weft_msg *msg)
{
    struct weft_streams *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open the agreements");
    }
    s->site = site;
    s->store = store;
    s->names = names;
    s->epochs = epochs;
    s->scope.store = store;
    s->scope.names = names;
    s->arena.size_max = ITEM_ARENA_SIZE_MAX;
    s->again.size_max = AGAIN_ARENA_SIZE_MAX;
    s->value.size_max = s->projection.size_max = SIZE_MAX / 2;
    *ret_streams = s;
    return WEFT_OK;
}

void weft_streams_destroy(struct weft_streams *s)
{
    if (s == NULL) {
        return;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        destroy_accord(s->accords[i]);
    }
    for (uint32_t i = 0; i < s->partner_count; i++) {
        weft_pinned_release(s->partners[i]);
    }
    weft_pinned_release(s->checked.pinned);
    weft_deed_release(s->checked.deed);
    weft_authority_release(s->authority);
    weft_scope_close(&s->scope);
    free(s->fresh);
    free(s->notes);
    weft_arena_destroy(&s->again);
    forget_versions(s);
    free(s->versions);
    weft_arena_destroy(&s->arena);
    weft_buffer_destroy(&s->value);
    weft_buffer_destroy(&s->projection);
    free(s);
}

void weft_streams_listen(struct weft_streams *streams, const struct weft_streams_listener *listener)
{
    streams->listener = *listener;
}

static enum weft_err damaged(uint32_t number, const char *what, struct weft_msg *msg)
{
    return weft_fail(msg, WEFT_ECORRUPT, "%s of agreement %u is damaged", what, number);
}

static enum weft_err load_flow(struct weft_streams *s, struct weft_accord *accord,
    enum weft_direction direction, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_of_stream(WEFT_KEY_STREAM, accord->number, direction);
    enum weft_err err = weft_store_get(s->store, NULL, &key, &value, msg);
    if (err == WEFT_ENOTFOUND) {
        return WEFT_OK;
    }
    if (err == WEFT_OK) {
        err = direction == WEFT_SENT ? weft_sent_row_decode(value.bytes, &accord->sent)
                                     : weft_received_row_decode(value.bytes, &accord->received);
        err = err == WEFT_OK || err == WEFT_ENOMEM
                  ? err
                  : damaged(accord->number, direction == WEFT_SENT ? "what is sent" : "what comes",
                        msg);
    }
    weft_store_release(&value);
    const struct weft_stream *stream =
        direction == WEFT_SENT ? &accord->sent.provider.stream : &accord->received.consumer.stream;
    return err == WEFT_OK ? weft_flow_load(&accord->flows[direction], &stream->tree, msg) : err;
}

/* A version that its stream, or the row, says there is. */
static enum weft_err load_version(struct weft_streams *s, struct weft_accord *accord,
    enum weft_accord_version which, uint64_t version, struct weft_msg *msg)
{
    struct weft_deed *deed = NULL;
    enum weft_err err = weft_streams_version(s, accord, version, &deed, msg);
    if (err == WEFT_OK && deed == NULL && version > 0 && which != WEFT_ACCORD_NEXT) {
        err = damaged(accord->number, "a version", msg);
    }
    if (err == WEFT_OK) {
        weft_accord_set(accord, which, deed);
    }
    return err;
}

static enum weft_err load_accord(
    struct weft_streams *s, struct weft_bytes key, struct weft_bytes value, struct weft_msg *msg)
{
    struct weft_accord *accord = NULL;
    if (key.size != WEFT_KEY_AGREEMENT_SIZE || weft_get_be32(key.data + 1) != s->count ||
        s->count == WEFT_AGREEMENTS_MAX) {
        return damaged(s->count, "the number", msg);
    }
    enum weft_err err = create_accord(s, s->count, &accord, msg);
    if (err != WEFT_OK) {
        return err;
    }
    s->accords[s->count++] = accord;
    err = weft_accord_row_decode(value, &accord->row);
    if (err != WEFT_OK) {
        return err == WEFT_ENOMEM ? weft_fail(msg, err, "open the agreements")
                                  : damaged(accord->number, "the row", msg);
    }
    keep_name(accord, accord->row.name);
    err = load_flow(s, accord, WEFT_SENT, msg);
    err = err == WEFT_OK ? load_flow(s, accord, WEFT_RECEIVED, msg) : err;
    const uint64_t sent = accord->sent.provider.stream.version;
    const uint64_t received = accord->received.consumer.stream.version;
    if (err == WEFT_OK) {
        err = load_version(s, accord, WEFT_ACCORD_NEWEST, accord->row.version, msg);
    }
    if (err == WEFT_OK) {
        err = load_version(s, accord, WEFT_ACCORD_SENT, sent, msg);
    }
    if (err == WEFT_OK) {
        err = load_version(s, accord, WEFT_ACCORD_RECEIVED, received, msg);
    }
    return err == WEFT_OK ? load_version(s, accord, WEFT_ACCORD_NEXT, received + 1, msg) : err;
}

static enum weft_err load_partner(
    struct weft_streams *s, struct weft_bytes key, struct weft_bytes value, struct weft_msg *msg)
{
    const struct weft_text site = {(const char *)key.data + 1, key.size - 1};
    if (s->partner_count == WEFT_PARTNERS_MAX) {
        return weft_fail(msg, WEFT_ECORRUPT, "more than %d partners", WEFT_PARTNERS_MAX);
    }
    enum weft_err err =
        weft_pinned_decode(site, value, &s->partners[s->partner_count], msg); /* Keys rise. */
    s->partner_count += err == WEFT_OK ? 1 : 0;
    return err;
}

static enum weft_err each(struct weft_streams *s, enum weft_key_type type,
    enum weft_err (*on_row)(struct weft_streams *s, struct weft_bytes key, struct weft_bytes value,
        struct weft_msg *msg),
    struct weft_msg *msg)
{
    const struct weft_key prefix = weft_key_single(type);
    struct weft_store_walk *walk = weft_store_walk_create(s->store, NULL, false);
    enum weft_err err = walk != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "open the agreements");
    if (walk != NULL) {
        weft_store_walk_to(walk, &prefix);
    }
    while (err == WEFT_OK && weft_store_walk_is_below(walk, weft_key_bytes(&prefix))) {
        err = on_row(s, weft_store_walk_key(walk), weft_store_walk_value(walk), msg);
        weft_store_walk_next(walk);
    }
    err = err == WEFT_OK ? weft_store_walk_err(walk, msg) : err;
    weft_store_walk_destroy(walk);
    return err;
}

enum weft_err weft_streams_load(
    struct weft_streams *streams, struct weft_authority *authority, struct weft_msg *msg)
{
    enum weft_err err = each(streams, WEFT_KEY_PARTNER, load_partner, msg);
    err = err == WEFT_OK ? each(streams, WEFT_KEY_AGREEMENT, load_accord, msg) : err;
    streams->is_stale = true;
    if (err == WEFT_OK) {
        weft_streams_recount(streams);
        err = weft_streams_refresh(streams, authority, msg);
    }
    return err;
}
