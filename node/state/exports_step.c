/* Bringing a stream to where it keeps up: what is owed, a bounded piece at a time (exports.h). */
#include <inttypes.h>
#include <stdio.h>

#include "node/state/exports.h"
#include "node/state/loader.h"
#include "node/state/salts.h"
#include "proto/check.h"

enum {
    DTMI_SIZE_MAX = 512,
    AGAIN_PATHS_MAX = 64,     /* Fields of one statement that one step discloses; chosen. */
    SCHEMA_VERSIONS_MAX = 64, /* of one kind, tried until a statement's digest comes out; chosen */
};

/* One step. */
struct step {
    struct weft_streams *s;
    struct weft_accord *accord;
    const struct weft_exports_source *source;
    const struct weft_exports_place *place;
    struct weft_store_walk *walk;   /* Of packs, or of versions of assets. */
    struct weft_store_walk *before; /* Of versions, looking for what came before. */
    struct weft_loader loader;
    struct weft_salts salts;
    uint32_t records_left;
    bool is_asking; /* Links matter, of whatever kind. */
    uint64_t bytes;
    struct weft_msg *msg;
};

static bool is_spent(const struct step *t)
{
    return t->records_left == 0 || t->bytes >= WEFT_EXPORTS_STEP_BYTES;
}

static const struct weft_contract_side *side_of(const struct step *t)
{
    return &t->accord->deeds[WEFT_ACCORD_SENT]->contract.sides[t->accord->row.party];
}

/* --- a statement made again ------------------------------------------------------------------ */

/* Digest of the asset's statement before that place: the last one of any kind. */
static enum weft_err find_previous(struct step *t, uint64_t asset, uint64_t index, uint32_t ordinal,
    struct weft_digest *ret_previous)
{
    const uint64_t at_index = ordinal > 0 ? index : index - 1;
    const uint32_t at_ordinal = ordinal > 0 ? ordinal - 1 : WEFT_STATE_ORDINAL_MAX;
    struct weft_key key = weft_key_version(asset, 0, 0, 0);
    const struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    struct weft_store_walk *walk = t->before;
    uint64_t best_index = 0;
    uint32_t best_ordinal = 0;
    weft_store_walk_to(walk, &key);
    while (weft_store_walk_is_below(walk, prefix)) {
        const uint16_t kind = weft_get_be16(weft_store_walk_key(walk).data + 6);
        const struct weft_key last = weft_key_version(asset, kind, at_index, at_ordinal);
        const struct weft_bytes of_kind = {last.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
        weft_store_walk_back_to(walk, &last);
        if (weft_store_walk_is_below(walk, of_kind)) {
            const uint8_t *place = weft_store_walk_key(walk).data + WEFT_KEY_VERSION_PREFIX_SIZE;
            const uint64_t found = weft_get_be48(place);
            const uint32_t found_ordinal = weft_get_be24(place + WEFT_INDEX_SIZE);
            if (found > best_index || (found == best_index && found_ordinal >= best_ordinal)) {
                best_index = found;
                best_ordinal = found_ordinal;
            }
        }
        if (kind == WEFT_STATE_WORDS_MAX) {
            break;
        }
        const struct weft_key next = weft_key_version(asset, (uint16_t)(kind + 1), 0, 0);
        weft_store_walk_to(walk, &next);
    }
    enum weft_err err = weft_store_walk_err(walk, t->msg);
    *ret_previous = (struct weft_digest){{0}};
    if (err == WEFT_OK && best_index > 0) {
        struct weft_bytes bytes;
        struct weft_stored_head head;
        int64_t time_ns;
        err = weft_loader_find(&t->loader, best_index, best_ordinal, &bytes, &time_ns, t->msg);
        if (err == WEFT_OK && weft_stored_peek(bytes, &head) != WEFT_OK) {
            err = weft_fail(t->msg, WEFT_ECORRUPT, "a record does not decode");
        }
        if (err == WEFT_OK) {
            *ret_previous = head.digest;
        }
    }
    return err;
}

/* The model that the record was held to: the one in force, none, or an earlier version of it; the
 * digest of its statement tells. False: it cannot be made again. */
static enum weft_err find_schema(
    struct step *t, struct weft_exports_record *r, char schema[DTMI_SIZE_MAX], bool *ret_found)
{
    struct weft_text now = weft_models_schema(t->source->models, r->record->kind, t->place->index);
    struct weft_text base = now, version = {NULL, 0};
    uint64_t number = 0;
    for (size_t i = now.size; i > 0 && version.data == NULL; i--) {
        if (now.data[i - 1] == ';') {
            base.size = i;
            version = (struct weft_text){now.data + i, now.size - i};
        }
    }
    (void)weft_text_exact_number(version, &number);
    *ret_found = false;
    for (uint32_t i = 0; !*ret_found && i < SCHEMA_VERSIONS_MAX + 2; i++) {
        struct weft_digest digest;
        if (i == 0) {
            r->place.schema = now;
        } else if (i == 1) {
            r->place.schema = (struct weft_text){NULL, 0};
        } else if (number >= i && base.size < DTMI_SIZE_MAX - 24) {
            int size = snprintf(
                schema, DTMI_SIZE_MAX, "%.*s%" PRIu64, (int)base.size, base.data, number + 1 - i);
            r->place.schema = (struct weft_text){schema, (size_t)size};
        } else {
            break;
        }
        enum weft_err err =
            weft_statement_digest(r->record, &r->place, &t->s->arena, NULL, &digest);
        if (err != WEFT_OK) {
            return weft_fail(t->msg, err, "a statement made again");
        }
        *ret_found = weft_digest_equal(&digest, &r->digest);
    }
    return WEFT_OK;
}

static enum weft_err is_sent(struct step *t, const struct weft_digest *digest, bool *ret_sent)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_of_statement(t->accord->number, WEFT_SENT, digest);
    enum weft_err err = weft_store_get(t->s->store, NULL, &key, &value, t->msg);
    weft_store_release(&value);
    *ret_sent = err == WEFT_OK;
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

/* What else its statement is made of. False: with nothing that is known of it its digest comes out.
 */
static enum weft_err find_place(
    struct step *t, struct weft_exports_record *r, char schema[DTMI_SIZE_MAX], bool *ret_found)
{
    struct weft_streams *s = t->s;
    struct weft_statement_place salted;
    enum weft_err err =
        find_previous(t, r->asset, r->place.index, r->place.ordinal, &r->place.previous);
    if (err == WEFT_OK) {
        err = weft_salts_read(&t->salts, s->store, NULL, r->place.index, t->msg);
    }
    if (err == WEFT_OK) {
        err = weft_salts_place(
            &t->salts, s->store, NULL, r->record, r->place.ordinal, &s->arena, &salted, t->msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    r->place.salt_seed = salted.salt_seed;
    r->place.salts = salted.salts;
    return find_schema(t, r, schema, ret_found);
}

static struct weft_statement_place place_of(
    const struct step *t, uint64_t index, uint32_t ordinal, int64_t time_ns)
{
    return (struct weft_statement_place){.authority = t->s->site,
        .authority_epoch = weft_epochs_at(t->source->epochs, index),
        .index = index,
        .ordinal = ordinal,
        .time_ns = time_ns};
}

/* A stored record, of an asset of which those facts hold (NULL: to be found). NOD-195: once. */
static enum weft_err look_at(struct step *t, struct weft_bytes bytes, uint64_t index,
    uint32_t ordinal, int64_t time_ns, const struct weft_contract_facts *known)
{
    struct weft_streams *s = t->s;
    struct weft_record record;
    struct weft_exports_record r = {.record = &record};
    struct weft_contract_facts facts;
    struct weft_head head;
    char schema[DTMI_SIZE_MAX];
    bool is_known = true, is_there;
    struct weft_stored_head peeked;
    weft_arena_reset(&s->arena);
    t->records_left -= t->records_left > 0 ? 1 : 0;
    if (!t->is_asking && weft_stored_peek(bytes, &peeked) == WEFT_OK &&
        !weft_contract_has_kind(side_of(t), peeked.kind)) {
        return WEFT_OK; /* Most of them: not decoded. */
    }
    if (weft_stored_decode(bytes, &s->arena, &r.digest, &record) != WEFT_OK) {
        return weft_fail(
            t->msg, WEFT_ECORRUPT, "record %" PRIu64 "/%u does not decode", index, ordinal);
    }
    enum weft_err err = weft_names_peek(s->names, record.asset, &head, t->msg);
    r.asset = head.id;
    r.place = place_of(t, index, ordinal, time_ns);
    if (err == WEFT_OK && known == NULL) {
        err = weft_exports_moved(s, t->accord, &r, false, t->place, t->msg);
    }
    if (err != WEFT_OK || !weft_contract_has_kind(side_of(t), record.kind)) {
        return err;
    }
    if (known == NULL) {
        err = weft_exports_facts(s, t->accord, head.id, record.asset, &facts, &is_known, t->msg);
    } else {
        facts = *known;
    }
    err = err == WEFT_OK ? is_sent(t, &r.digest, &is_there) : err;
    if (err != WEFT_OK || !is_known || is_there ||
        !weft_contract_is_in_scope(side_of(t), record.kind, &facts)) {
        return err;
    }
    err = find_place(t, &r, schema, &is_there);
    if (err == WEFT_OK && !is_there) {
        t->accord->sent.omitted_count++;
        return WEFT_OK;
    }
    const uint64_t size = weft_flow_size(&t->accord->flows[WEFT_SENT]);
    err = err == WEFT_OK ? weft_exports_consider(s, t->accord, &r, &facts, t->place, t->msg) : err;
    t->bytes += weft_flow_size(&t->accord->flows[WEFT_SENT]) > size ? s->projection.size : 0;
    return err;
}

/* --- told again ------------------------------------------------------------------------------- */

/* One statement that is to be told again. */
struct again {
    struct weft_digest statement;
    struct weft_text paths[AGAIN_PATHS_MAX]; /* To be shown; in the walk's hands no more. */
    uint32_t count;
    bool is_erased;              /* Something of it was. */
    struct weft_projection last; /* As it was told last. */
    struct weft_buffer kept;     /* Its bytes. */
};

/* Paths that the last time has shown though the mask commits to them: nothing is taken back. */
static const struct weft_text *paths_of(struct step *t, const struct again *a, uint32_t *ret_count)
{
    const size_t most = a->count + a->last.item_count;
    struct weft_text *paths = weft_arena_array(&t->s->arena, most, sizeof(*paths));
    *ret_count = 0;
    for (uint32_t i = 0; paths != NULL && i < a->count; i++) {
        paths[(*ret_count)++] = a->paths[i];
    }
    for (uint32_t i = 0; paths != NULL && i < a->last.item_count; i++) {
        if (a->last.items[i].shape == WEFT_PROJECTION_SHOWN) {
            paths[(*ret_count)++] = a->last.items[i].path;
        }
    }
    return paths;
}

/* Its projection, made of the record as it is now. Nothing in the buffer: it cannot be. */
static enum weft_err remake(struct step *t, const struct again *a)
{
    struct weft_streams *s = t->s;
    const struct weft_statement_header *header = &a->last.header;
    struct weft_record record;
    struct weft_exports_record r = {.record = &record};
    struct weft_head head;
    struct weft_bytes bytes;
    struct weft_digest digest;
    char schema[DTMI_SIZE_MAX];
    uint32_t count;
    int64_t time_ns;
    bool is_found = false;
    weft_buffer_clear(&s->projection);
    if (!weft_text_equal(header->authority, s->site) ||
        header->epoch != weft_epochs_at(t->source->epochs, header->index)) {
        return WEFT_OK; /* Of a record that a backup lost. */
    }
    enum weft_err err =
        weft_loader_find(&t->loader, header->index, header->ordinal, &bytes, &time_ns, t->msg);
    if (err == WEFT_OK && weft_stored_decode(bytes, &s->arena, &r.digest, &record) != WEFT_OK) {
        err = weft_fail(t->msg, WEFT_ECORRUPT, "a record does not decode");
    }
    err = err == WEFT_OK ? weft_names_peek(s->names, record.asset, &head, t->msg) : err;
    if (err != WEFT_OK || !weft_digest_equal(&r.digest, &a->statement)) {
        return err;
    }
    r.asset = head.id;
    r.place = place_of(t, header->index, header->ordinal, time_ns);
    err = find_place(t, &r, schema, &is_found);
    const struct weft_text *paths = paths_of(t, a, &count);
    if (err != WEFT_OK || !is_found || paths == NULL) {
        return err == WEFT_OK && paths == NULL ? weft_fail(t->msg, WEFT_ENOMEM, "told again") : err;
    }
    err = weft_projection_make_shown(
        &record, &r.place, side_of(t), paths, count, &s->arena, &s->projection, &digest);
    if (err == WEFT_ENOMEM) {
        return weft_fail(t->msg, err, "told again");
    }
    if (err != WEFT_OK || !weft_digest_equal(&digest, &a->statement)) {
        weft_buffer_clear(&s->projection);
    }
    return WEFT_OK;
}

/* What it says that it did not say before, for the audit log. */
static enum weft_err note_again(struct step *t, const struct again *a, uint64_t sequence)
{
    struct weft_streams *s = t->s;
    struct weft_projection told;
    struct weft_projection_change change;
    struct weft_buffer merged = {.size_max = WEFT_PROJECTION_SIZE_MAX};
    struct weft_msg why = {""};
    enum weft_err err = weft_projection_decode(
        (struct weft_bytes){s->projection.data, s->projection.size}, &s->arena, &told, &why);
    if (err == WEFT_OK) {
        err = weft_projection_merge(&a->last, &told, false, &s->arena, &merged, &change, &why);
    }
    weft_buffer_destroy(&merged);
    if (err != WEFT_OK) {
        return weft_fail(t->msg, err == WEFT_ENOMEM ? err : WEFT_ECORRUPT, "%s", why.text);
    }
    struct weft_digest *erased = weft_arena_array(&s->arena, told.item_count, sizeof(*erased));
    uint32_t count = 0;
    for (uint32_t i = 0; erased != NULL && i < told.item_count; i++) {
        if (told.items[i].shape == WEFT_PROJECTION_ERASED) {
            erased[count++] = told.items[i].hash; /* Here it was erased before this. */
        }
    }
    err = erased != NULL ? weft_streams_note(s, t->accord, WEFT_SENT, sequence,
                               WEFT_STREAMS_DISCLOSED, change.shown, change.shown_count, t->msg)
                         : weft_fail(t->msg, WEFT_ENOMEM, "told again");
    return err == WEFT_OK ? weft_streams_note(s, t->accord, WEFT_SENT, sequence,
                                WEFT_STREAMS_ERASED, erased, count, t->msg)
                          : err;
}

/* NOD-290: once more, with what is to be shown, and nothing that was erased. */
static enum weft_err tell_again(struct step *t, struct again *a)
{
    struct weft_streams *s = t->s;
    struct weft_flow *flow = &t->accord->flows[WEFT_SENT];
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    struct weft_msg why = {""};
    uint64_t last;
    uint32_t told;
    enum weft_err err = weft_flow_last(flow, &a->statement, &last, &told, t->msg);
    err = err == WEFT_OK ? weft_flow_now(flow, last, &value, &leaf, t->msg) : err;
    if (err == WEFT_OK) {
        err = weft_buffer_append(&a->kept, leaf.content.data, leaf.content.size);
    }
    weft_store_release(&value);
    if (err == WEFT_OK) {
        err = weft_projection_decode(
            (struct weft_bytes){a->kept.data, a->kept.size}, &s->arena, &a->last, t->msg);
    }
    if (err == WEFT_ENOTFOUND) {
        return WEFT_OK; /* A rewind took it. */
    }
    if (err != WEFT_OK) {
        return err == WEFT_ENOMEM ? err : weft_wrap(t->msg, WEFT_ECORRUPT, "told again");
    }
    weft_buffer_clear(&s->projection);
    const bool may_show =
        weft_exports_is_shared(s, t->accord, a->last.header.kind, a->last.asset, t->place);
    const bool is_masked = weft_projection_check_mask(&a->last, side_of(t), &why) == WEFT_OK;
    if (told < WEFT_FLOW_TOLD_MAX && may_show && (a->count > 0 || !is_masked)) {
        err = remake(t, a);
    } else if (told < WEFT_FLOW_TOLD_MAX && a->is_erased && is_masked) {
        err = weft_buffer_append(&s->projection, a->kept.data, a->kept.size);
    }
    if (err != WEFT_OK || s->projection.size == 0) {
        t->accord->sent.omitted_count += err == WEFT_OK ? 1 : 0;
        return err;
    }
    err = note_again(t, a, weft_flow_size(flow));
    t->bytes += s->projection.size;
    return err == WEFT_OK
               ? weft_exports_again(s, t->accord, &a->statement,
                     (struct weft_bytes){s->projection.data, s->projection.size}, t->place, t->msg)
               : err;
}

/* The keys of one statement, from where the walk stands on; they go. */
static enum weft_err collect(struct step *t, struct again *a)
{
    struct weft_bytes key = weft_store_walk_key(t->walk);
    if (key.size != WEFT_KEY_AGAIN_SIZE && key.size != WEFT_KEY_SHOWN_SIZE) {
        return weft_fail(t->msg, WEFT_ECORRUPT, "what is to be told again is damaged");
    }
    memcpy(a->statement.bytes, key.data + WEFT_KEY_AGREEMENT_SIZE, WEFT_DIGEST_SIZE);
    const struct weft_key prefix = weft_key_of_again(t->accord->number, &a->statement, NULL);
    while (
        weft_store_walk_is_below(t->walk, weft_key_bytes(&prefix)) && a->count < AGAIN_PATHS_MAX) {
        struct weft_bytes value = weft_store_walk_value(t->walk);
        const struct weft_text path = {(const char *)value.data, value.size};
        struct weft_key row = {.size = weft_store_walk_key(t->walk).size};
        memcpy(row.bytes, weft_store_walk_key(t->walk).data, row.size);
        if (row.size == WEFT_KEY_SHOWN_SIZE) {
            a->paths[a->count] = weft_arena_text(&t->s->arena, path);
            if (a->paths[a->count++].data == NULL) {
                return weft_fail(t->msg, WEFT_ENOMEM, "told again");
            }
        } else {
            a->is_erased = true;
        }
        weft_store_batch_remove(t->place->batch, &row);
        weft_store_walk_next(t->walk);
    }
    return WEFT_OK;
}

static enum weft_err look_at_told(struct step *t)
{
    const struct weft_key prefix = weft_key_of_agreement(WEFT_KEY_AGAIN, t->accord->number);
    enum weft_err err = WEFT_OK;
    weft_store_walk_to(t->walk, &prefix);
    while (err == WEFT_OK && weft_store_walk_is_below(t->walk, weft_key_bytes(&prefix)) &&
           !is_spent(t)) {
        struct again a = {.count = 0, .kept = {.size_max = WEFT_PROJECTION_SIZE_MAX}};
        weft_arena_reset(&t->s->arena);
        t->records_left -= t->records_left > 0 ? 1 : 0;
        err = collect(t, &a);
        err = err == WEFT_OK ? tell_again(t, &a) : err;
        weft_buffer_destroy(&a.kept);
    }
    return err == WEFT_OK ? weft_store_walk_err(t->walk, t->msg) : err;
}

/* --- by index -------------------------------------------------------------------------------- */

static enum weft_err look_at_pack(struct step *t, struct weft_bytes key, struct weft_bytes value)
{
    struct weft_pack pack;
    const uint64_t index = weft_get_be48(key.data + 1);
    const uint32_t first = weft_get_be24(key.data + 7);
    if (weft_pack_open(value, &pack) != WEFT_OK) {
        return weft_fail(
            t->msg, WEFT_ECORRUPT, "the records of index %" PRIu64 " are damaged", index);
    }
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < pack.count; i++) {
        struct weft_bytes bytes;
        err = weft_pack_record(&pack, i, &bytes) == WEFT_OK
                  ? look_at(t, bytes, index, first + i, pack.time_ns, NULL)
                  : weft_fail(t->msg, WEFT_ECORRUPT, "record %" PRIu64 "/%u is missing", index,
                        first + i);
    }
    return err;
}

/* Entries from looked_index on, whole ones. */
static enum weft_err look_at_entries(struct step *t)
{
    struct weft_sent_row *sent = &t->accord->sent;
    const struct weft_key prefix = weft_key_single(WEFT_KEY_RECORDS);
    const struct weft_key from = weft_key_records(sent->looked_index, 0);
    uint64_t index = sent->looked_index;
    enum weft_err err = WEFT_OK;
    for (weft_store_walk_to(t->walk, &from);
         err == WEFT_OK && weft_store_walk_is_below(t->walk, weft_key_bytes(&prefix));
         weft_store_walk_next(t->walk)) {
        struct weft_bytes key = weft_store_walk_key(t->walk);
        if (key.size != WEFT_KEY_RECORDS_SIZE) {
            return weft_fail(t->msg, WEFT_ECORRUPT, "a pack of records has no place");
        }
        if (weft_get_be48(key.data + 1) != index && is_spent(t)) {
            sent->looked_index = weft_get_be48(key.data + 1);
            return WEFT_OK;
        }
        index = weft_get_be48(key.data + 1);
        err = look_at_pack(t, key, weft_store_walk_value(t->walk));
    }
    err = err == WEFT_OK ? weft_store_walk_err(t->walk, t->msg) : err;
    if (err == WEFT_OK) {
        sent->looked_index = UINT64_MAX;
    }
    return err;
}

/* --- by asset -------------------------------------------------------------------------------- */

static enum weft_err owe_child(void *ctx, uint64_t child, struct weft_msg *msg)
{
    struct step *t = ctx;
    (void)msg;
    weft_exports_owe(t->s, t->accord, child, t->place);
    return WEFT_OK;
}

/* What is inside of it is owed too, once for each time that it comes nearer to a shipped unit. */
static enum weft_err owe_children(
    struct step *t, uint64_t asset, const struct weft_contract_facts *facts)
{
    const struct weft_contract_side *side = side_of(t);
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_of_asset(WEFT_KEY_REACHED, t->accord->number, asset);
    if (side->depth == WEFT_CONTRACT_DEPTH_ANY || facts->depth >= side->depth) {
        return WEFT_OK;
    }
    enum weft_err err = weft_store_get(t->s->store, NULL, &key, &value, t->msg);
    bool is_reached =
        err == WEFT_OK && value.bytes.size == 4 && weft_get_be32(value.bytes.data) <= facts->depth;
    weft_store_release(&value);
    if ((err != WEFT_OK && err != WEFT_ENOTFOUND) || is_reached) {
        return is_reached ? WEFT_OK : err;
    }
    uint8_t depth[4];
    weft_put_be32(depth, facts->depth);
    weft_store_batch_put(t->place->batch, &key, depth, sizeof(depth));
    return weft_scope_children(&t->s->scope, asset, owe_child, t, t->msg);
}

/* The asset's name, of any record of it; empty: there is none. In *ret_copy. */
static enum weft_err find_name(
    struct step *t, uint64_t asset, char copy[WEFT_ASSET_SIZE_MAX], struct weft_text *ret_name)
{
    struct weft_key key = weft_key_version(asset, 0, 0, 0);
    const struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    struct weft_stored_head head;
    struct weft_bytes bytes;
    int64_t time_ns;
    *ret_name = (struct weft_text){NULL, 0};
    weft_store_walk_to(t->before, &key);
    if (!weft_store_walk_is_below(t->before, prefix)) {
        return weft_store_walk_err(t->before, t->msg);
    }
    const uint8_t *place = weft_store_walk_key(t->before).data + WEFT_KEY_VERSION_PREFIX_SIZE;
    enum weft_err err = weft_loader_find(&t->loader, weft_get_be48(place),
        weft_get_be24(place + WEFT_INDEX_SIZE), &bytes, &time_ns, t->msg);
    if (err == WEFT_OK && weft_stored_peek(bytes, &head) != WEFT_OK) {
        err = weft_fail(t->msg, WEFT_ECORRUPT, "a record does not decode");
    }
    if (err == WEFT_OK) {
        memcpy(copy, head.asset.data, head.asset.size);
        *ret_name = (struct weft_text){copy, head.asset.size};
    }
    return err;
}

/* Records of the asset behind the cursor, which moves. *ret_done: all of them. */
static enum weft_err look_at_records(struct step *t, const struct weft_contract_facts *facts,
    struct weft_key *cursor, bool *ret_done)
{
    const struct weft_bytes prefix = {cursor->bytes, 1 + WEFT_ASSET_ID_SIZE};
    struct weft_store_walk *walk = weft_store_walk_create(t->s->store, NULL, false);
    enum weft_err err = walk != NULL ? WEFT_OK : weft_fail(t->msg, WEFT_ENOMEM, "what is owed");
    if (walk != NULL) {
        weft_store_walk_to(walk, cursor);
    }
    while (err == WEFT_OK && weft_store_walk_is_below(walk, prefix) && !is_spent(t)) {
        struct weft_bytes key = weft_store_walk_key(walk), bytes;
        const uint8_t *place = key.data + WEFT_KEY_VERSION_PREFIX_SIZE;
        const uint64_t index = weft_get_be48(place);
        const uint32_t ordinal = weft_get_be24(place + WEFT_INDEX_SIZE);
        int64_t time_ns;
        err = weft_loader_find(&t->loader, index, ordinal, &bytes, &time_ns, t->msg);
        weft_buffer_clear(&t->s->value);
        err = err == WEFT_OK ? weft_buffer_append(&t->s->value, bytes.data, bytes.size) : err;
        if (err == WEFT_OK) { /* The loader has others in hand while this one is looked at. */
            bytes = (struct weft_bytes){t->s->value.data, t->s->value.size};
            err = look_at(t, bytes, index, ordinal, time_ns, facts);
        }
        memcpy(cursor->bytes, key.data, key.size);
        cursor->size = key.size;
        weft_store_walk_next(walk);
    }
    *ret_done = err != WEFT_OK || !weft_store_walk_is_below(walk, prefix);
    if (!*ret_done) {
        memcpy(cursor->bytes, weft_store_walk_key(walk).data, WEFT_KEY_VERSION_SIZE);
        cursor->size = WEFT_KEY_VERSION_SIZE;
    }
    err = err == WEFT_OK ? weft_store_walk_err(walk, t->msg) : err;
    weft_store_walk_destroy(walk);
    return err;
}

/* One that is owed: `value` is where it was left. */
static enum weft_err look_at_asset(struct step *t, uint64_t asset, struct weft_bytes value)
{
    struct weft_contract_facts facts;
    struct weft_text name;
    char copy[WEFT_ASSET_SIZE_MAX];
    bool is_known = false, is_done = true;
    const struct weft_key row = weft_key_of_asset(WEFT_KEY_OWED, t->accord->number, asset);
    struct weft_key cursor = weft_key_version(asset, 0, 0, 0), behind = row;
    if (value.size == WEFT_KEY_VERSION_SIZE) {
        memcpy(cursor.bytes, value.data, value.size);
    } else {
        cursor.size = 1 + WEFT_ASSET_ID_SIZE;
    }
    weft_arena_reset(&t->s->arena);
    behind.bytes[behind.size++] = 0;
    weft_store_batch_forget(t->place->batch, &row, &behind);
    enum weft_err err = find_name(t, asset, copy, &name);
    if (err == WEFT_OK) {
        err = weft_exports_facts(t->s, t->accord, asset, name, &facts, &is_known, t->msg);
    }
    if (err == WEFT_OK && is_known && name.size > 0) {
        struct weft_contract_facts kept = facts;
        /* Names of parts live in the arena that is reset for each record. */
        struct weft_text parts[WEFT_SCOPE_PARTS_MAX + 1];
        for (uint32_t i = 0; i < facts.part_count; i++) {
            parts[i] = facts.parts[i];
        }
        kept.parts = parts;
        err = look_at_records(t, &kept, &cursor, &is_done);
    }
    if (err == WEFT_OK && !is_done) {
        weft_store_batch_put(t->place->batch, &row, cursor.bytes, cursor.size);
        return WEFT_OK;
    }
    return err == WEFT_OK && is_known ? owe_children(t, asset, &facts) : err;
}

static enum weft_err look_at_assets(struct step *t)
{
    const struct weft_key prefix = weft_key_of_agreement(WEFT_KEY_OWED, t->accord->number);
    enum weft_err err = WEFT_OK;
    uint32_t left = WEFT_EXPORTS_STEP_ASSETS;
    t->accord->sent.owes_assets = false; /* Whoever owes again says so. */
    for (weft_store_walk_to(t->walk, &prefix);
         err == WEFT_OK && weft_store_walk_is_below(t->walk, weft_key_bytes(&prefix));
         weft_store_walk_next(t->walk)) {
        struct weft_bytes key = weft_store_walk_key(t->walk);
        if (left-- == 0 || is_spent(t)) {
            t->accord->sent.owes_assets = true;
            return WEFT_OK;
        }
        if (key.size != WEFT_KEY_OWED_SIZE) {
            return weft_fail(t->msg, WEFT_ECORRUPT, "an asset that is owed is damaged");
        }
        err = look_at_asset(
            t, weft_get_be40(key.data + WEFT_KEY_AGREEMENT_SIZE), weft_store_walk_value(t->walk));
        t->accord->sent.owes_assets = t->accord->sent.owes_assets || is_spent(t);
    }
    return err == WEFT_OK ? weft_store_walk_err(t->walk, t->msg) : err;
}

/* --- the step -------------------------------------------------------------------------------- */

static enum weft_err run(struct step *t)
{
    struct weft_sent_row *sent = &t->accord->sent;
    enum weft_err err = weft_exports_contracts(t->s, t->accord, t->place, t->msg);
    weft_streams_touch_flow(t->s, t->accord, WEFT_SENT);
    if (err != WEFT_OK || sent->provider.stream.phase != WEFT_STREAM_OPEN) {
        return err;
    }
    t->is_asking = side_of(t)->part_count > 0 || side_of(t)->depth != WEFT_CONTRACT_DEPTH_ANY;
    if (!weft_accord_keeps_up(t->accord)) {
        return look_at_entries(t);
    }
    if (!sent->owes_assets) {
        return WEFT_OK;
    }
    err = look_at_told(t);
    return err == WEFT_OK && !is_spent(t) ? look_at_assets(t) : err;
}

enum weft_err weft_exports_step(struct weft_streams *streams, struct weft_accord *accord,
    const struct weft_exports_source *source, const struct weft_exports_place *place,
    struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    struct step t = {.s = streams,
        .accord = accord,
        .source = source,
        .place = place,
        .records_left = WEFT_EXPORTS_STEP_RECORDS,
        .msg = msg};
    ret_refusal->err = WEFT_OK;
    if (weft_provider_is_fenced(&accord->sent.provider)) {
        ret_refusal->err = weft_fail(&ret_refusal->detail, WEFT_ESTATE, "the stream is fenced");
        return WEFT_OK;
    }
    t.walk = weft_store_walk_create(streams->store, NULL, true);
    t.before = weft_store_walk_create(streams->store, NULL, false);
    weft_loader_init(&t.loader, streams->store, NULL);
    enum weft_err err = t.walk != NULL && t.before != NULL
                            ? run(&t)
                            : weft_fail(msg, WEFT_ENOMEM, "append what is owed");
    weft_loader_close(&t.loader);
    weft_store_walk_destroy(t.walk);
    weft_store_walk_destroy(t.before);
    weft_streams_recount(streams);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "append what is owed");
}
