#include "tests/unit/node/partner_fake.h"

#include <stdlib.h>
#include <string.h>

#include "federation/refusal.h"
#include "node/state/cells.h"
#include "node/state/offers.h"
#include "node/state/state.h"
#include "tests/lib/test.h"

/* --- streams.h -------------------------------------------------------------------------------- */

struct weft_streams *weft_state_streams(struct weft_state *state)
{
    return (struct weft_streams *)state;
}

static struct weft_state *state_of(const struct weft_streams *streams)
{
    return (struct weft_state *)streams;
}

uint64_t weft_streams_changed(const struct weft_streams *streams)
{
    (void)streams;
    return 1;
}

uint32_t weft_streams_count(const struct weft_streams *streams)
{
    (void)streams;
    return 1;
}

struct weft_agreement weft_streams_at(const struct weft_streams *streams, uint32_t number)
{
    struct weft_state *s = state_of(streams);
    EXPECT_EQ(0, number);
    return (struct weft_agreement){.terms = s->older != NULL ? s->older : &s->terms,
        .state = WEFT_AGREEMENT_IN_FORCE,
        .provider = &s->plant->provider,
        .consumer = &s->consumer,
        .looked_index = UINT64_MAX,
        .head_note = weft_buffer_as_text(&s->head_note)};
}

bool weft_streams_find(
    const struct weft_streams *streams, struct weft_text name, struct weft_agreement *ret_agreement)
{
    bool is_it = weft_text_is(name, "box-2026");
    if (is_it) {
        *ret_agreement = weft_streams_at(streams, 0);
    }
    return is_it;
}

/* Offers: test_partner_offer.c has states that know some. */
struct weft_text weft_offers_site(const struct weft_streams *streams)
{
    return state_of(streams)->terms.site;
}

struct weft_offer_verdict weft_offers_look(
    const struct weft_streams *streams, const struct weft_partner_message *m)
{
    (void)streams, (void)m;
    return (struct weft_offer_verdict){.fault = WEFT_STREAM_SOUND};
}

enum weft_err weft_offers_judge(struct weft_state *state, const struct weft_partner_message *m,
    int64_t now_ns, struct weft_offer_verdict *ret_verdict)
{
    (void)state, (void)m, (void)now_ns;
    *ret_verdict = (struct weft_offer_verdict){.fault = WEFT_STREAM_UNSIGNED};
    return WEFT_OK;
}

bool weft_offers_is_ended_by(
    const struct weft_streams *streams, const struct weft_partner_message *m)
{
    (void)streams, (void)m;
    return false;
}

bool weft_streams_due(const struct weft_streams *streams, uint32_t *number)
{
    (void)streams, (void)number;
    return false;
}

const struct weft_terms *weft_terms_retain(const struct weft_terms *terms)
{
    return terms;
}

void weft_terms_release(const struct weft_terms *terms)
{
    (void)terms;
}

struct weft_consumer_terms weft_terms_of_consumer(const struct weft_terms *terms, int64_t now_ns)
{
    return (struct weft_consumer_terms){.stream = {terms->name, terms->partner},
        .contract = terms->received,
        .next = terms->next,
        .orgs = terms->orgs,
        .party = 1 - terms->party,
        .now_ns = now_ns};
}

enum weft_err weft_stream_source(struct weft_state *state, uint32_t agreement,
    enum weft_direction direction, struct weft_stream_source *ret_source)
{
    bool is_sent = direction == WEFT_SENT;
    *ret_source = (struct weft_stream_source){.store = (struct weft_store *)state,
        .agreement = agreement,
        .direction = direction,
        .size =
            is_sent ? state->plant->provider.stream.tree.size : state->consumer.stream.tree.size};
    return WEFT_OK;
}

static const struct weft_digest *hashes_of(const struct weft_stream_source *source)
{
    const struct weft_state *s = (const struct weft_state *)source->store;
    return source->direction == WEFT_SENT ? s->plant->hashes : s->hashes;
}

enum weft_err weft_stream_source_items(const struct weft_stream_source *source, uint64_t first,
    uint32_t count_max, size_t bytes_max, bool is_explicit, struct weft_buffer *out,
    uint32_t *ret_count, struct weft_msg *msg)
{
    const struct weft_state *s = (const struct weft_state *)source->store;
    const size_t before = out->size;
    bool is_sent = source->direction == WEFT_SENT;
    uint32_t count = 0;
    EXPECT_TRUE(first < source->size);
    while (count < count_max && first + count < source->size) {
        const uint64_t i = first + count;
        const struct weft_stream_leaf *leaf = is_sent ? &s->plant->leaves[i] : &s->leaves[i];
        const struct weft_buffer *content = is_sent ? &s->plant->contents[i] : &s->contents[i];
        const struct weft_stream_item item = {.kind = leaf->kind,
            .has_digest = is_explicit && leaf->kind == WEFT_STREAM_STATEMENT,
            .digest = leaf->digest,
            .content = {content->data, content->size}};
        if (count > 0 && out->size - before + content->size + 64 > bytes_max) {
            break;
        }
        enum weft_err err = weft_stream_item_append(out, &item);
        if (err != WEFT_OK) {
            out->size = before;
            return weft_fail(msg, err, "an item");
        }
        count++;
    }
    *ret_count = count;
    return WEFT_OK;
}

enum weft_err weft_stream_source_consistency(const struct weft_stream_source *source,
    uint64_t old_size, uint64_t size, struct weft_merkle_proof *ret_proof, struct weft_msg *msg)
{
    (void)msg;
    EXPECT_TRUE(old_size <= size && size <= source->size);
    *ret_proof = rig_consistency(hashes_of(source), old_size, size);
    return WEFT_OK;
}

enum weft_err weft_stream_source_root(
    void *ctx, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg)
{
    const struct weft_stream_source *source = ctx;
    const struct weft_digest *hashes = hashes_of(source);
    struct weft_merkle_range range = {.size = 0};
    EXPECT_TRUE(size <= source->size);
    for (uint64_t i = 0; i < size; i++) {
        EXPECT_EQ(WEFT_OK, weft_merkle_append(&range, &hashes[i]));
    }
    (void)msg;
    *ret_root = weft_merkle_root(&range);
    return WEFT_OK;
}

enum weft_err weft_stream_source_node(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg)
{
    struct weft_digest below[1024];
    (void)msg;
    EXPECT_TRUE(height <= 10);
    memcpy(below, hashes_of(ctx) + (index << height), sizeof(below[0]) << height);
    *ret_hash = weft_merkle_fold(below, (size_t)1 << height);
    return WEFT_OK;
}

enum weft_err weft_stream_source_quarantine(const struct weft_stream_source *source, uint64_t from,
    weft_stream_on_received *on_received, void *ctx, struct weft_msg *msg)
{
    const struct weft_state *s = (const struct weft_state *)source->store;
    for (uint64_t i = from; i < source->size; i++) {
        const struct weft_received one = {.sequence = i,
            .statement = s->leaves[i].digest,
            .fault = s->faults[i],
            .reason = WEFT_TEXT("as it says")};
        if (s->faults[i] != WEFT_STREAM_SOUND) {
            EXPECT_EQ(WEFT_OK, on_received(ctx, &one, msg));
        }
    }
    return WEFT_OK;
}

enum weft_err weft_stream_source_find(const struct weft_stream_source *source,
    const struct weft_digest *statement, uint64_t *ret_sequence, struct weft_msg *msg)
{
    const struct weft_state *s = (const struct weft_state *)source->store;
    for (uint64_t i = 0; i < source->size; i++) {
        const struct weft_stream_leaf *leaf =
            source->direction == WEFT_SENT ? &s->plant->leaves[i] : &s->leaves[i];
        if (weft_digest_equal(&leaf->digest, statement)) {
            *ret_sequence = i;
            return WEFT_OK;
        }
    }
    return weft_fail(msg, WEFT_ENOTFOUND, "no such statement");
}

/* --- cells.h, as far as sets go ----------------------------------------------------------------
 */

static bool is_filed(const struct weft_state *s, const struct weft_digest *digest)
{
    for (uint32_t i = 0; i < s->unfiled_count; i++) {
        if (weft_digest_equal(&s->unfiled[i], digest)) {
            return false;
        }
    }
    return true;
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

static uint32_t list_filed(const struct weft_state *s, struct weft_digest *ret_list)
{
    const uint64_t sizes[2] = {s->plant->provider.stream.tree.size, s->consumer.stream.tree.size};
    uint32_t count = 0;
    for (int d = 0; d < 2; d++) {
        for (uint64_t i = 0; i < sizes[d]; i++) {
            const struct weft_stream_leaf *leaf = d == 0 ? &s->plant->leaves[i] : &s->leaves[i];
            bool is_sound = d == 0 || s->faults[i] == WEFT_STREAM_SOUND;
            if (leaf->kind == WEFT_STREAM_STATEMENT && is_sound && is_filed(s, &leaf->digest)) {
                ret_list[count++] = leaf->digest;
            }
        }
    }
    qsort(ret_list, count, sizeof(*ret_list), compare_digests);
    return count;
}

static struct weft_digest filed[2 * RIG_LEAVES_MAX];

enum weft_err weft_state_cells_sum(struct weft_state *state, struct weft_text agreement,
    struct weft_cells_sum *ret_sum, struct weft_msg *msg)
{
    const uint32_t count = list_filed(state, filed);
    (void)agreement, (void)msg;
    *ret_sum = (struct weft_cells_sum){.shared = weft_sha256(filed, count * sizeof(filed[0])),
        .statements = count,
        .is_settled = state->has_sets};
    return WEFT_OK;
}

enum weft_err weft_view_open(
    struct weft_state *state, struct weft_view **ret_view, struct weft_msg *msg)
{
    (void)msg;
    *ret_view = (struct weft_view *)state;
    return WEFT_OK;
}

void weft_view_yield_with(struct weft_view *view, struct weft_yield *yield)
{
    (void)view, (void)yield;
}

void weft_view_close(struct weft_view *view)
{
    (void)view;
}

enum weft_err weft_view_filed(struct weft_view *view, struct weft_text agreement,
    weft_cells_on_filed *on_filed, void *ctx, struct weft_msg *msg)
{
    const uint32_t count = list_filed((const struct weft_state *)view, filed);
    enum weft_err err = WEFT_OK;
    EXPECT_TRUE(weft_text_is(agreement, "box-2026"));
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        err = on_filed(ctx, &filed[i], msg);
    }
    return err;
}

/* --- apply ------------------------------------------------------------------------------------ */

static enum weft_err take_batch(
    struct weft_state *s, const struct weft_stream_batch *message, uint64_t number)
{
    struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};
    struct weft_consumer_terms terms = weft_terms_of_consumer(&s->terms, RIG_NOW_NS);
    struct weft_batch batch;
    struct weft_msg msg = {""};
    uint64_t place = s->consumer.stream.tree.size;
    terms.next = s->terms.newest;
    enum weft_stream_fault fault =
        weft_consumer_judge_batch(&s->consumer, &terms, message, &arena, &batch, &msg);
    enum weft_err err = fault == WEFT_STREAM_SOUND ? WEFT_OK : WEFT_ECONFLICT;
    if (err == WEFT_OK) {
        err = batch.after.tree.size == number ? WEFT_OK : WEFT_ECONFLICT;
    }
    if (err == WEFT_OK && s->unwanted > 0 && s->unwanted >= place &&
        s->unwanted - place < batch.count) {
        struct weft_msg why = {""};
        (void)weft_stream_fail(&why, WEFT_STREAM_POLICY, "not wanted");
        weft_consumer_refuse(&batch.entries[s->unwanted - place], &arena, &why);
    }
    if (err == WEFT_OK) {
        err = weft_consumer_take(
            &s->consumer, &batch, s->contract.sides[1 - s->party].quarantine_statements);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < batch.count; i++, place++) {
        s->leaves[place] = batch.entries[i].leaf;
        s->hashes[place] = weft_stream_leaf_hash(&batch.entries[i].leaf);
        s->faults[place] = batch.entries[i].fault;
        weft_buffer_clear(&s->contents[place]);
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&s->contents[place], batch.entries[i].content.data,
                               batch.entries[i].content.size));
    }
    s->terms.received = s->consumer.stream.version > 0 ? &s->contract : NULL;
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err take_head(struct weft_state *s, const struct weft_stream_head *message)
{
    struct weft_merkle_head head;
    struct weft_msg msg = {""};
    const struct weft_merkle_head known = s->consumer.head;
    if (weft_consumer_judge_head(&s->consumer, message, &s->terms.their_heads, &head, &msg) !=
        WEFT_STREAM_SOUND) {
        return WEFT_ECONFLICT;
    }
    enum weft_err err = weft_consumer_take_head(&s->consumer, &known, &head);
    if (err == WEFT_OK) {
        weft_buffer_clear(&s->head_note);
        EXPECT_EQ(WEFT_OK, weft_buffer_text(&s->head_note, message->note));
    }
    return err;
}

static enum weft_err sign(struct weft_state *s, uint64_t number, const struct weft_digest *root)
{
    struct weft_provider *provider = &s->plant->provider;
    struct weft_stream_source source;
    struct weft_digest own;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_stream_source(s, 0, WEFT_SENT, &source));
    if (number > source.size || number <= provider->signed_head.size ||
        weft_provider_may_sign(provider, weft_stream_source_root, &source, &msg) != WEFT_OK) {
        return WEFT_ESTATE;
    }
    EXPECT_EQ(WEFT_OK, weft_stream_source_root(&source, number, &own, &msg));
    if (!weft_digest_equal(&own, root)) {
        return WEFT_ECONFLICT;
    }
    const struct weft_merkle_head head = {number, own};
    weft_provider_sign(provider, &head);
    return WEFT_OK;
}

static enum weft_err recover(
    struct weft_state *s, const struct weft_stream_batch *message, uint64_t number)
{
    struct weft_provider *provider = &s->plant->provider;
    struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};
    struct weft_batch batch;
    struct weft_msg msg = {""};
    enum weft_err err = WEFT_ECONFLICT;
    if (weft_provider_is_behind(provider) &&
        weft_batch_verify(&provider->stream, &provider->fence, message, &arena, &batch, &msg) ==
            WEFT_STREAM_SOUND &&
        batch.after.tree.size == number) {
        err = WEFT_OK;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < batch.count; i++) {
        uint64_t place = provider->stream.tree.size;
        EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_recover(provider, &batch.entries[i].leaf, &msg));
        s->plant->leaves[place] = batch.entries[i].leaf;
        s->plant->hashes[place] = weft_stream_leaf_hash(&batch.entries[i].leaf);
        weft_buffer_clear(&s->plant->contents[place]);
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&s->plant->contents[place],
                               batch.entries[i].content.data, batch.entries[i].content.size));
    }
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err rewind_to(struct weft_state *s, uint64_t number)
{
    struct weft_stream stream = {.version = 0};
    struct weft_msg msg = {""};
    for (uint64_t i = 0; i < number; i++) {
        EXPECT_EQ(WEFT_STREAM_SOUND, weft_stream_append(&stream, &s->plant->leaves[i], &msg));
    }
    return weft_provider_rewind(&s->plant->provider, &stream, &msg);
}

static uint32_t lines_of(const struct weft_state *s, struct weft_text note)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_refusal refusal;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_refusal_verify(note, &s->terms.their_receipts, &arena, &refusal, &msg));
    weft_arena_destroy(&arena);
    return refusal.line_count;
}

static enum weft_err file_again(struct weft_state *s, const struct weft_stream_entry *entry,
    const struct weft_partner_message *m)
{
    const bool is_own = weft_text_is(m->stream.provider, rig_site(s->party));
    const struct weft_stream_leaf *leaf =
        is_own ? &s->plant->leaves[entry->number] : &s->leaves[entry->number];
    EXPECT_TRUE(weft_digest_equal(&leaf->digest, &entry->root));
    EXPECT_EQ(1, m->batch.count);
    for (uint32_t i = 0; i < s->unfiled_count; i++) {
        if (weft_digest_equal(&s->unfiled[i], &entry->root)) {
            s->unfiled[i] = s->unfiled[--s->unfiled_count];
            s->filed_again++;
            return WEFT_OK;
        }
    }
    EXPECT_TRUE(false); /* Nothing that is filed is asked for. */
    return WEFT_ECONFLICT;
}

static enum weft_err apply_message(
    struct weft_state *s, const struct weft_stream_entry *entry, struct weft_partner_message *m)
{
    struct weft_provider *provider = &s->plant->provider;
    struct weft_stream_source source;
    struct weft_msg msg = {""};
    enum weft_stream_fault fault = WEFT_STREAM_SOUND;
    EXPECT_EQ(WEFT_OK, weft_stream_source(s, 0, WEFT_SENT, &source));
    switch (entry->act) {
    case WEFT_STREAM_ACT_HEAD:
        return take_head(s, &m->head);
    case WEFT_STREAM_ACT_BATCH:
        return take_batch(s, &m->batch, entry->number);
    case WEFT_STREAM_ACT_RECEIPT:
        fault = weft_provider_acknowledge(provider, m->receipt.note, &s->terms.their_receipts,
            weft_stream_source_root, &source, &msg);
        break;
    case WEFT_STREAM_ACT_SURE:
        fault = weft_provider_greet(provider, &m->hello, weft_stream_source_root, &source, &msg);
        if (fault == WEFT_STREAM_SOUND) {
            weft_provider_sure(provider);
        }
        break;
    case WEFT_STREAM_ACT_FENCE:
        fault = weft_provider_fence(
            provider, m->head.note, &s->terms.own_heads, weft_stream_source_root, &source, &msg);
        break;
    case WEFT_STREAM_ACT_RECOVER:
        return recover(s, &m->batch, entry->number);
    case WEFT_STREAM_ACT_REFUSAL:
        s->refusals++;
        s->refused += lines_of(s, m->text);
        break;
    case WEFT_STREAM_ACT_EVIDENCE:
        s->evidence++;
        if (weft_text_is(m->stream.provider, rig_site(1 - s->party))) {
            weft_consumer_freeze(&s->consumer);
        }
        break;
    case WEFT_STREAM_ACT_FILE:
        return file_again(s, entry, m);
    case WEFT_STREAM_ACT_SIGN:
    case WEFT_STREAM_ACT_REWIND:
    case WEFT_STREAM_ACT_STEP:
    case WEFT_STREAM_ACT_OFFER:
    case WEFT_STREAM_ACT_OFFER_END:
    case WEFT_STREAM_ACTS:
        EXPECT_TRUE(false);
    }
    return fault == WEFT_STREAM_SOUND ? WEFT_OK : WEFT_EREFUSED;
}

enum weft_err fake_apply(struct weft_state *s, struct weft_bytes body)
{
    struct weft_arena arena = {.size_max = 1 << 22};
    struct weft_stream_entry entry;
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HELLO};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_stream_entry_decode(body, &entry));
    EXPECT_TRUE(weft_text_is(entry.agreement, "box-2026"));
    if (entry.message.size > 0) {
        EXPECT_EQ(WEFT_OK, weft_partner_decode(entry.message, &arena, &m, &msg));
    }
    enum weft_err err = entry.act == WEFT_STREAM_ACT_SIGN     ? sign(s, entry.number, &entry.root)
                        : entry.act == WEFT_STREAM_ACT_REWIND ? rewind_to(s, entry.number)
                                                              : apply_message(s, &entry, &m);
    weft_arena_destroy(&arena);
    return err;
}
