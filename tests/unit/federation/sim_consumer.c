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

void sim_drop_held(struct sim *s)
{
    for (uint32_t i = 0; i < s->held_count; i++) {
        weft_buffer_destroy(&s->held[i].message);
        weft_window_destroy(&s->held[i].run);
    }
    s->held_count = 0;
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
    const uint64_t window = test_random(3) == 0 ? 0 : 1 + test_random(8000);
    sim_drop_held(s);
    m.hello = weft_receiver_hello(&s->receiver, &s->consumer, &side, 1000, window);
    m.hello.frame_bytes = test_random(2) == 0 ? 0 : m.hello.frame_bytes; /* of before, perhaps */
    s->wants_hello = false;
    sim_send(&s->to_provider, &m);
}

static struct pending *new_pending(struct sim *s, const struct weft_buffer *bytes)
{
    struct pending *p = &s->pending[s->pending_count];
    weft_buffer_clear(&p->message);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&p->message, bytes->data, bytes->size));
    p->session = s->receiver.session;
    p->is_of_window = false;
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

/* weft_receiver_terms; ctx: struct sim */
static bool get_terms(void *ctx, uint64_t version, struct weft_consumer_terms *ret_terms)
{
    const struct sim *s = ctx;
    *ret_terms = (struct weft_consumer_terms){
        .stream = stream_name(), .orgs = rig_orgs(), .party = RIG_SUPPLIER, .now_ns = RIG_NOW_NS};
    ret_terms->contract = version > 0 ? &s->plant->contract : NULL;
    ret_terms->next = version == 0 ? &s->plant->contract : NULL;
    return true;
}

static void hear_batch(struct sim *s, const struct weft_buffer *bytes)
{
    struct weft_consumer_terms terms;
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
    (void)get_terms(s, s->receiver.ahead.stream.version, &terms);
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

static void give_up(struct sim *s)
{
    s->happened[GIVEN_UP]++;
    s->receiver.is_open = false;
    s->wants_hello = true;
    sim_drop_held(s);
}

/* On a link that loses a proof more may come than is held: the next hello wants none. */
static void expect_of_window(enum weft_stream_fault fault, enum weft_receiver_act act)
{
    if (act != WEFT_RECEIVER_HOLDS && fault != WEFT_STREAM_FLOOD) {
        expect_honest(fault, act);
    }
}

static void propose_part(
    struct sim *s, const struct weft_window_part *part, struct weft_bytes items, uint64_t head_size)
{
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH,
        .stream = stream_name(),
        .batch = weft_window_batch(part, items, head_size, s->receiver.session)};
    struct weft_buffer bytes = {0};
    EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &bytes));
    struct pending *p = new_pending(s, &bytes);
    p->is_of_window = p->entry.is_batch = true;
    s->pending_count++;
    weft_buffer_destroy(&bytes);
}

/* All that is held is proven. */
static void propose_held(struct sim *s, struct weft_merkle_right *right)
{
    const uint64_t head_size = right->size;
    if (s->pending_count + s->held_count > PENDING_MAX) {
        give_up(s);
        return;
    }
    for (uint32_t i = s->held_count; i > 0; i--) {
        weft_window_prove(&s->held[i - 1].run, right);
    }
    for (uint32_t i = 0; i < s->held_count; i++) {
        EXPECT_EQ(1, weft_window_part_count(&s->held[i].run));
        propose_part(s, weft_window_part_at(&s->held[i].run, 0), s->held[i].items, head_size);
    }
    s->happened[PROVEN]++;
    sim_drop_held(s);
}

static void hear_more(struct sim *s, const struct weft_buffer *bytes)
{
    struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};
    struct weft_merkle_right right;
    struct weft_partner_message m;
    struct weft_msg msg = {""};
    enum weft_stream_fault fault;
    if (s->held_count == HELD_MAX) {
        give_up(s);
        return;
    }
    struct held *held = &s->held[s->held_count++];
    *held = (struct held){.message = {.data = NULL}};
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&held->message, bytes->data, bytes->size));
    EXPECT_EQ(
        WEFT_OK, weft_partner_decode((struct weft_bytes){held->message.data, held->message.size},
                     &arena, &m, &msg));
    const bool is_more = m.kind == WEFT_KIND_STREAM_MORE;
    held->items = is_more ? m.more.items : m.leaves.items;
    enum weft_receiver_act act = is_more ? weft_receiver_hear_more(&s->receiver, get_terms, s,
                                               &m.more, &arena, &held->run, &fault, &msg)
                                         : weft_receiver_hear_leaves(&s->receiver, get_terms, s,
                                               &m.leaves, &arena, &held->run, &right, &fault, &msg);
    expect_of_window(fault, act);
    if (act == WEFT_RECEIVER_PROPOSES) {
        propose_held(s, &right);
    } else if (act == WEFT_RECEIVER_GREETS) {
        EXPECT_TRUE(s->receiver.is_plain);
        give_up(s);
    } else if (act == WEFT_RECEIVER_WAITS) { /* Late. */
        weft_buffer_destroy(&held->message);
        weft_window_destroy(&held->run);
        s->held_count--;
    }
    weft_arena_destroy(&arena);
}

static void hear_proof(struct sim *s, const struct weft_stream_proof *message)
{
    struct weft_merkle_right right;
    struct weft_msg msg = {""};
    enum weft_stream_fault fault;
    enum weft_receiver_act act =
        weft_receiver_hear_proof(&s->receiver, message, &right, &fault, &msg);
    expect_of_window(fault, act);
    if (act == WEFT_RECEIVER_GREETS) {
        give_up(s);
    } else if (act == WEFT_RECEIVER_PROPOSES) {
        propose_held(s, &right);
    }
}

/* FED-34: as a replica does, which has only the message: it holds, or its place is taken. */
static enum weft_err judge_part(struct sim *s, struct pending *p)
{
    struct weft_consumer_terms terms;
    struct weft_partner_message m;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_partner_decode((struct weft_bytes){p->message.data, p->message.size},
                           &p->arena, &m, &msg));
    (void)get_terms(s, s->consumer.stream.version, &terms);
    enum weft_stream_fault fault =
        weft_consumer_judge_batch(&s->consumer, &terms, &m.batch, &p->arena, &p->entry.batch, &msg);
    EXPECT_TRUE(
        fault == WEFT_STREAM_SOUND || fault == WEFT_STREAM_SEQUENCE || fault == WEFT_STREAM_HEAD);
    return fault == WEFT_STREAM_SOUND ? WEFT_OK : WEFT_ECONFLICT;
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
    } else if (first.is_of_window) {
        err = judge_part(s, &first);
    }
    if (first.entry.is_batch && err == WEFT_OK) {
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
    case WEFT_KIND_STREAM_MORE:
    case WEFT_KIND_STREAM_LEAVES:
        hear_more(s, bytes);
        break;
    case WEFT_KIND_STREAM_PROOF:
        hear_proof(s, &m.proof);
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
