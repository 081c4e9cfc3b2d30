#include "tests/unit/federation/sim.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

static struct weft_stream_name stream_name(void)
{
    return (struct weft_stream_name){WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))};
}

void sim_send(struct wire *wire, struct weft_partner_message *m)
{
    m->stream = stream_name();
    if (wire->count < MESSAGES_MAX) { /* else it is lost, as on a full queue */
        struct weft_buffer *out = &wire->messages[wire->count];
        weft_buffer_clear(out);
        EXPECT_EQ(WEFT_OK, weft_partner_encode(m, out));
        wire->count++;
    }
}

/* --- the consumer ---------------------------------------------------------------------------- */

void sim_drop_pending(struct sim *s)
{
    for (uint32_t i = 0; i < PENDING_MAX; i++) {
        weft_arena_destroy(&s->pending[i].arena);
    }
    s->pending_count = 0;
    s->wants_hello = true;
}

/* Small, so that credit is a bound now and then. */
static struct weft_contract_side small_side(void)
{
    struct weft_contract_side side = rig_contract().sides[RIG_SUPPLIER];
    side.queue_statements = (uint32_t)(1 + test_random(40));
    side.rate_bytes = (uint32_t)(1 + test_random(20000));
    return side;
}

void sim_say_hello(struct sim *s)
{
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HELLO};
    struct weft_contract_side side = small_side();
    m.hello = weft_receiver_hello(&s->receiver, &s->consumer, &side, 1000);
    s->wants_hello = false;
    sim_send(&s->to_provider, &m);
}

static struct pending *new_pending(struct sim *s, const struct weft_buffer *bytes)
{
    struct pending *p = &s->pending[s->pending_count];
    weft_buffer_clear(&p->message);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&p->message, bytes->data, bytes->size));
    p->session = s->receiver.session;
    p->arena = (struct weft_arena){.size_max = WEFT_BATCH_MEMORY_MAX};
    return p;
}

/* An honest provider on a bad link: what is late or missing is out of its turn, and nothing else.
 */
static void expect_honest(enum weft_stream_fault fault, enum weft_receiver_act act)
{
    EXPECT_TRUE(fault == WEFT_STREAM_SOUND || fault == WEFT_STREAM_ROLLED_BACK ||
                fault == WEFT_STREAM_SEQUENCE || fault == WEFT_STREAM_HEAD);
    EXPECT_TRUE(
        act == WEFT_RECEIVER_PROPOSES || act == WEFT_RECEIVER_WAITS || act == WEFT_RECEIVER_GREETS);
}

static void hear_head(struct sim *s, const struct weft_stream_head *message)
{
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    struct weft_buffer none = {0};
    enum weft_stream_fault fault;
    if (s->pending_count == PENDING_MAX) {
        s->wants_hello = true;
        return;
    }
    struct pending *p = new_pending(s, &none);
    enum weft_receiver_act act =
        weft_receiver_hear_head(&s->receiver, message, &signers, &p->entry, &fault, &msg);
    expect_honest(fault, act);
    s->wants_hello = s->wants_hello || act == WEFT_RECEIVER_GREETS;
    if (act == WEFT_RECEIVER_PROPOSES) {
        s->pending_count++;
        weft_buffer_clear(&s->heads[p->entry.head.size]);
        EXPECT_EQ(WEFT_OK, weft_buffer_text(&s->heads[p->entry.head.size], message->note));
    }
}

static void hear_batch(struct sim *s, const struct weft_buffer *bytes)
{
    struct weft_consumer_terms terms = {
        .stream = stream_name(), .orgs = rig_orgs(), .party = RIG_SUPPLIER, .now_ns = RIG_NOW_NS};
    struct weft_partner_message m;
    struct weft_msg msg = {""};
    enum weft_stream_fault fault;
    if (s->pending_count == PENDING_MAX) {
        s->wants_hello = true;
        return;
    }
    struct pending *p = new_pending(s, bytes);
    EXPECT_EQ(WEFT_OK, weft_partner_decode((struct weft_bytes){p->message.data, p->message.size},
                           &p->arena, &m, &msg));
    terms.contract = s->receiver.ahead.stream.version > 0 ? &s->plant->contract : NULL;
    enum weft_receiver_act act = weft_receiver_hear_batch(
        &s->receiver, &terms, &m.batch, 3, &p->arena, &p->entry, &fault, &msg);
    expect_honest(fault, act);
    s->wants_hello = s->wants_hello || act == WEFT_RECEIVER_GREETS;
    if (act == WEFT_RECEIVER_PROPOSES) {
        EXPECT_EQ(m.batch.count, p->entry.batch.count);
        s->pending_count++;
    } else {
        weft_arena_destroy(&p->arena);
    }
}

/* The oldest entry is committed and applied. */
void sim_commit(struct sim *s)
{
    if (s->pending_count == 0) {
        return;
    }
    struct pending first = s->pending[0];
    enum weft_err err = WEFT_OK;
    if (!first.entry.is_batch) {
        err = weft_consumer_take_head(&s->consumer, &first.entry.known, &first.entry.head);
    } else {
        const struct weft_batch *batch = &first.entry.batch;
        uint64_t place = s->consumer.stream.tree.size;
        err = weft_consumer_take(&s->consumer, batch, 3);
        for (uint32_t i = 0; i < batch->count && err == WEFT_OK; i++, place++) {
            const struct weft_batch_entry *entry = &batch->entries[i];
            EXPECT_EQ(WEFT_STREAM_SOUND, entry->fault);
            s->taken[place] = weft_stream_leaf_hash(&entry->leaf);
            s->kinds[place] = entry->leaf.kind;
            weft_buffer_clear(&s->contents[place]);
            EXPECT_EQ(WEFT_OK,
                weft_buffer_append(&s->contents[place], entry->content.data, entry->content.size));
        }
    }
    s->happened[CONFLICTED] += err == WEFT_ECONFLICT;
    EXPECT_TRUE(err == WEFT_OK || err == WEFT_ECONFLICT);
    bool is_of_now = first.session == s->receiver.session; /* A crash forgets the others'. */
    if (weft_receiver_applied(&s->receiver, &first.entry, err) == WEFT_RECEIVER_GREETS) {
        s->wants_hello = true;
    }
    s->wants_hello = s->wants_hello || !is_of_now;
    weft_arena_destroy(&first.arena);
    memmove(&s->pending[0], &s->pending[1], (PENDING_MAX - 1) * sizeof(s->pending[0]));
    s->pending[PENDING_MAX - 1] = first;
    s->pending_count--;
}

void sim_send_receipt(struct sim *s)
{
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    const struct weft_consumer *consumer =
        weft_stream_mutant(WEFT_STREAM_MUTANT_RECEIPT_EARLY) ? &s->receiver.ahead : &s->consumer;
    if (weft_consumer_receipt(consumer, weft_text_of(rig_site(RIG_OEM)), WEFT_TEXT("box-2026"),
            &text, &msg) == WEFT_OK) {
        struct weft_buffer note = rig_sign(RIG_OEM, 2, weft_buffer_as_text(&text));
        struct weft_contract_side side = small_side();
        struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_RECEIPT,
            .receipt = {.note = weft_buffer_as_text(&note), .session = s->receiver.session}};
        weft_receiver_grant(
            &s->receiver, &side, 1000, &m.receipt.statements_until, &m.receipt.bytes_until);
        sim_send(&s->to_provider, &m);
        weft_buffer_destroy(&note);
    }
    weft_buffer_destroy(&text);
}

enum weft_err sim_node_of_taken(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg)
{
    struct weft_digest hashes[512];
    const struct weft_digest *leaves = ctx;
    (void)msg;
    EXPECT_TRUE(height <= 9);
    memcpy(hashes, leaves + (index << height), sizeof(hashes[0]) << height);
    *ret_hash = weft_merkle_fold(hashes, (size_t)1 << height);
    return WEFT_OK;
}

/* The provider asks for its own leaves back, from `first` on. */
static void send_back(struct sim *s, uint64_t first)
{
    struct weft_merkle_proof proof;
    struct weft_buffer items = {0};
    uint64_t size = s->consumer.stream.tree.size, head = s->consumer.head.size;
    if (first >= size || head > size) {
        return;
    }
    uint32_t count = (uint32_t)(size - first < 20 ? size - first : 20);
    for (uint64_t i = first; i < first + count; i++) {
        const struct weft_stream_item item = {
            .kind = s->kinds[i], .content = {s->contents[i].data, s->contents[i].size}};
        EXPECT_EQ(WEFT_OK, weft_stream_item_append(&items, &item));
    }
    proof = rig_consistency(s->taken, first + count, head);
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH,
        .batch = {
            first, count, {items.data, items.size}, head, weft_stream_proof_bytes(&proof), 0}};
    sim_send(&s->to_provider, &m);
    weft_buffer_destroy(&items);
}

void sim_consumer_hears(struct sim *s, const struct weft_buffer *bytes)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_partner_message m, answer = {.kind = WEFT_KIND_STREAM_FORK};
    struct weft_buffer body = {0};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK,
        weft_partner_decode((struct weft_bytes){bytes->data, bytes->size}, &arena, &m, &msg));
    switch ((unsigned)m.kind) {
    case WEFT_KIND_STREAM_HEAD:
        hear_head(s, &m.head);
        break;
    case WEFT_KIND_STREAM_BATCH:
        hear_batch(s, bytes);
        break;
    case WEFT_KIND_STREAM_NOTICE:
        /* It is behind: show it what it signed. */
        if (weft_receiver_hear_notice(&s->receiver, &m.notice) == WEFT_RECEIVER_SHOWS &&
            s->heads[s->consumer.head.size].size > 0) {
            answer.kind = WEFT_KIND_STREAM_HEAD;
            answer.head.note = weft_buffer_as_text(&s->heads[s->consumer.head.size]);
            sim_send(&s->to_provider, &answer);
        }
        break;
    case WEFT_KIND_STREAM_FORK:
        if (weft_fork_answer(m.body, s->consumer.stream.tree.size, sim_node_of_taken, s->taken,
                &body, &msg) == WEFT_OK) {
            answer.body = (struct weft_bytes){body.data, body.size};
            sim_send(&s->to_provider, &answer);
        }
        break;
    case WEFT_KIND_STREAM_HELLO:
        send_back(s, m.hello.next);
        break;
    default:
        EXPECT_TRUE(false);
    }
    weft_buffer_destroy(&body);
    weft_arena_destroy(&arena);
}
