#include "tests/unit/federation/sim.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

static void rewind_to(struct sim *s, uint64_t size)
{
    struct weft_stream stream = {.version = 0};
    struct weft_msg msg = {""};
    for (uint64_t i = 0; i < size; i++) {
        EXPECT_EQ(WEFT_STREAM_SOUND, weft_stream_append(&stream, &s->plant->leaves[i], &msg));
    }
    EXPECT_EQ(WEFT_OK, weft_provider_rewind(&s->plant->provider, &stream, &msg));
    s->provider_backup = s->plant->provider; /* An older one may hold what is gone now. */
    s->happened[REWOUND]++;
}

static void act(struct sim *s, enum weft_recovery_act what, const struct weft_buffer *question)
{
    struct weft_provider *p = &s->plant->provider;
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_FORK};
    switch (what) {
    case WEFT_RECOVERY_ASKS:
        m.body = (struct weft_bytes){question->data, question->size};
        sim_send(&s->to_consumer, &m);
        break;
    case WEFT_RECOVERY_REWINDS:
        rewind_to(s, s->recovery.next);
        act(s, weft_recovery_applied(&s->recovery, p), question);
        break;
    case WEFT_RECOVERY_WANTS:
        m.kind = WEFT_KIND_STREAM_HELLO;
        m.hello.next = s->recovery.next;
        sim_send(&s->to_consumer, &m);
        break;
    case WEFT_RECOVERY_ENDS:
        s->happened[RECOVERED]++;
        weft_buffer_destroy(&s->plant->head);
        s->plant->head = rig_plant_head_at(s->plant, p->signed_head.size);
        s->may_sign = true;
        break;
    case WEFT_RECOVERY_WAITS:
        break;
    case WEFT_RECOVERY_APPENDS:
    case WEFT_RECOVERY_SPLITS:
        EXPECT_TRUE(false);
    }
}

static void hear_fork(struct sim *s, struct weft_bytes answer)
{
    struct weft_buffer question = {0};
    struct weft_msg msg = {""};
    enum weft_recovery_act what;
    /* An error is of an answer that is late: the next hello begins again. */
    if (weft_recovery_hear_fork(&s->recovery, &s->plant->provider, answer, sim_node_of_taken,
            s->plant->hashes, &question, &what, &msg) == WEFT_OK) {
        act(s, what, &question);
    }
    weft_buffer_destroy(&question);
}

static void hear_own(struct sim *s, const struct weft_stream_batch *message)
{
    struct weft_provider *p = &s->plant->provider;
    struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};
    struct weft_batch batch;
    struct weft_msg msg = {""};
    enum weft_stream_fault fault;
    if (weft_recovery_hear_batch(&s->recovery, p, message, &arena, &batch, &fault, &msg) ==
        WEFT_RECOVERY_APPENDS) {
        for (uint32_t i = 0; i < batch.count; i++) {
            const struct weft_batch_entry *entry = &batch.entries[i];
            uint64_t place = p->stream.tree.size;
            EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_recover(p, &entry->leaf, &msg));
            s->plant->leaves[place] = entry->leaf;
            s->plant->hashes[place] = weft_stream_leaf_hash(&entry->leaf);
            weft_buffer_clear(&s->plant->contents[place]);
            EXPECT_EQ(WEFT_OK, weft_buffer_append(&s->plant->contents[place], entry->content.data,
                                   entry->content.size));
        }
        act(s, weft_recovery_applied(&s->recovery, p), NULL);
    }
    weft_arena_destroy(&arena);
}

static void hear_head(struct sim *s, struct weft_text note)
{
    struct weft_provider *p = &s->plant->provider;
    struct weft_stream_signers own = rig_heads_of(RIG_SUPPLIER);
    struct weft_buffer question = {0};
    struct weft_msg msg = {""};
    enum weft_recovery_act what;
    enum weft_stream_fault fault =
        weft_provider_fence(p, note, &own, rig_plant_root, s->plant, &msg);
    if (fault == WEFT_STREAM_BEHIND) {
        EXPECT_TRUE(s->is_lost_here); /* Their operators have not said so, or it is late. */
        return;
    }
    EXPECT_EQ(WEFT_STREAM_SOUND, fault);
    EXPECT_EQ(WEFT_OK, weft_recovery_begin(&s->recovery, p, &question, &what, &msg));
    act(s, what, &question);
    weft_buffer_destroy(&question);
}

/* FED-32: each side in its own time, and only what both named is given up. */
void sim_operate(struct sim *s)
{
    struct weft_provider *p = &s->plant->provider;
    const struct weft_merkle_head base = weft_stream_tree(&s->consumer.stream);
    struct weft_msg msg = {""};
    /* A provider that has not heard of it goes on once the consumer gave it up. */
    if (s->is_lost_there && base.size >= s->lost.size) {
        s->lost.size = 0;
    }
    if (s->lost.size == 0) {
        return;
    }
    if (!s->is_lost_there && test_random(2) == 0) {
        EXPECT_EQ(WEFT_OK, weft_consumer_lose(&s->consumer, &s->lost, &base, &msg));
        for (uint64_t i = base.size + 1; i < RIG_LEAVES_MAX; i++) {
            weft_buffer_destroy(&s->heads[i]);
        }
        s->consumer_backup = s->consumer;
        s->is_lost_there = true;
    }
    if (!s->is_lost_here && base.size < s->lost.size && test_random(2) == 0) {
        EXPECT_EQ(WEFT_OK, weft_provider_lose(p, &s->lost, &base, rig_plant_root, s->plant, &msg));
        s->provider_backup = *p;
        s->is_lost_here = true;
    }
    if (s->is_lost_here && s->is_lost_there) {
        s->lost.size = 0;
    }
}

static void hear_hello(struct sim *s, const struct weft_stream_hello *hello)
{
    struct weft_provider *p = &s->plant->provider;
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_NOTICE};
    struct weft_msg msg = {""};
    enum weft_stream_fault fault = weft_provider_greet(p, hello, rig_plant_root, s->plant, &msg);
    if (fault == WEFT_STREAM_SOUND) {
        weft_provider_sure(p);
        s->may_sign = true;
        weft_sender_open(&s->sender, hello);
        return;
    }
    EXPECT_TRUE(fault == WEFT_STREAM_BEHIND || fault == WEFT_STREAM_FORKED);
    if (weft_recovery_may_begin(p, hello)) {
        struct weft_buffer question = {0};
        enum weft_recovery_act what;
        EXPECT_EQ(WEFT_OK, weft_recovery_begin(&s->recovery, p, &question, &what, &msg));
        act(s, what, &question);
        weft_buffer_destroy(&question);
        return;
    }
    m.notice.fault = (uint16_t)fault;
    sim_send(&s->to_consumer, &m);
}

void sim_provider_hears(struct sim *s, const struct weft_buffer *bytes)
{
    struct weft_provider *p = &s->plant->provider;
    struct weft_stream_signers receipts = rig_receipts_of(RIG_OEM);
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_partner_message m;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK,
        weft_partner_decode((struct weft_bytes){bytes->data, bytes->size}, &arena, &m, &msg));
    switch ((unsigned)m.kind) {
    case WEFT_KIND_STREAM_HELLO:
        hear_hello(s, &m.hello);
        break;
    case WEFT_KIND_STREAM_RECEIPT: {
        enum weft_stream_fault fault =
            weft_provider_acknowledge(p, m.receipt.note, &receipts, rig_plant_root, s->plant, &msg);
        EXPECT_TRUE(fault == WEFT_STREAM_SOUND ||
                    (fault == WEFT_STREAM_SEQUENCE &&
                        s->happened[PROVIDER_RESTORED] + s->happened[UNNOTICED] > 0));
        weft_sender_grant(&s->sender, &m.receipt);
        break;
    }
    case WEFT_KIND_STREAM_HEAD:
        hear_head(s, m.head.note);
        break;
    case WEFT_KIND_STREAM_FORK:
        hear_fork(s, m.body);
        break;
    case WEFT_KIND_STREAM_BATCH:
        hear_own(s, &m.batch);
        break;
    default:
        EXPECT_TRUE(false);
    }
    weft_arena_destroy(&arena);
}

void sim_state(struct sim *s)
{
    if (s->next_statement < STATEMENTS_MAX && !weft_provider_is_fenced(&s->plant->provider)) {
        rig_plant_state(s->plant, s->next_statement++);
    }
}

void sim_sign(struct sim *s)
{
    struct rig_plant *plant = s->plant;
    struct weft_msg msg = {""};
    uint64_t before = plant->provider.signed_head.size, size = plant->provider.stream.tree.size;
    if (!s->may_sign || size == before ||
        weft_provider_may_sign(&plant->provider, rig_plant_root, plant, &msg) != WEFT_OK) {
        return;
    }
    rig_plant_sign(plant);
    for (uint64_t i = 0; i < size; i++) {
        if (i < s->truth_size) { /* no rollback: what was signed stands */
            EXPECT_MEM(s->truth[i].bytes, plant->hashes[i].bytes, WEFT_DIGEST_SIZE);
        }
        s->truth[i] = plant->hashes[i];
    }
    s->truth_size = size > s->truth_size ? size : s->truth_size;
}

/* A window ends where it may, or anywhere. */
static void send_in_one(
    struct sim *s, const struct weft_sender_effect *e, struct weft_stream_batch *leaves)
{
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_LEAVES};
    struct weft_merkle_proof hashes = {.count = 0};
    bool is_end = false;
    leaves->count = weft_sender_cut(&s->sender, leaves, &is_end);
    leaves->items = weft_window_cut(leaves->items, leaves->count);
    is_end = is_end || test_random(3) == 0;
    if (is_end) {
        const uint64_t size = leaves->first + leaves->count;
        const struct weft_merkle_proof proof =
            rig_consistency(s->plant->hashes, size, e->head_size);
        weft_merkle_right_pick(size, e->head_size, &proof, &hashes);
        hashes.count -= weft_merkle_right_shared(s->sender.known, size, e->head_size);
    }
    m.leaves = (struct weft_stream_leaves){leaves->first, is_end, is_end ? e->head_size : 0,
        weft_stream_proof_bytes(&hashes), leaves->items, s->sender.session};
    weft_sender_sent_leaves(&s->sender, leaves, is_end);
    sim_send(&s->to_consumer, &m);
}

/* At random: of a window a few leaves, as there are few. */
static void send_leaves(struct sim *s, const struct weft_sender_effect *e)
{
    struct rig_plant *plant = s->plant;
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH};
    uint32_t count = 0;
    size_t size = 0;
    do {
        size += plant->contents[e->first + count].size + 4;
        count++;
    } while (count < e->count_max && count < 16 &&
             size + plant->contents[e->first + count].size + 4 <= e->bytes_max);
    struct weft_stream_batch leaves = rig_plant_batch(plant, e->first, count, e->is_explicit);
    const bool is_later = e->act != WEFT_SENDER_BATCH || s->sender.window_max > 0;
    if (s->sender.frame_max > 0 && is_later && test_random(3) > 0) {
        send_in_one(s, e, &leaves);
        return;
    }
    if (e->act != WEFT_SENDER_BATCH || (s->sender.window_max > 0 && test_random(2) == 0)) {
        m.kind = WEFT_KIND_STREAM_MORE;
        m.more = (struct weft_stream_more){leaves.first, leaves.items, s->sender.session};
        weft_sender_sent_more(&s->sender, &leaves);
    } else {
        m.batch = leaves;
        m.batch.session = s->sender.session;
        weft_sender_sent_batch(&s->sender, &m.batch);
    }
    sim_send(&s->to_consumer, &m);
}

static void send_proof(struct sim *s, const struct weft_sender_effect *e)
{
    const struct weft_merkle_proof proof =
        rig_consistency(s->plant->hashes, e->first, e->head_size);
    struct weft_merkle_proof hashes;
    weft_merkle_right_pick(e->first, e->head_size, &proof, &hashes);
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_PROOF,
        .proof = {.size = e->first,
            .head_size = e->head_size,
            .hashes = weft_stream_proof_bytes(&hashes),
            .session = s->sender.session}};
    weft_sender_sent_proof(&s->sender);
    sim_send(&s->to_consumer, &m);
}

void sim_send_next(struct sim *s)
{
    struct weft_merkle_proof right = {.count = 0};
    struct rig_plant *plant = s->plant;
    struct weft_sender_effect e = weft_sender_next(&s->sender, &plant->provider);
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HEAD};
    if (e.act == WEFT_SENDER_HEAD) {
        m.head = rig_plant_head(plant, e.old_size);
        m.head.session = s->sender.session;
        weft_sender_sent_head(&s->sender, e.head_size);
        if (e.is_right && test_random(4) > 0) {
            struct weft_merkle_proof proof;
            EXPECT_EQ(WEFT_OK, weft_stream_proof_parse(m.head.proof, &proof));
            weft_merkle_right_pick(e.old_size, e.head_size, &proof, &right);
            m.head.right = weft_stream_proof_bytes(&right);
            m.head.proof = (struct weft_bytes){NULL, 0};
            weft_sender_sent_right(&s->sender);
        }
        sim_send(&s->to_consumer, &m);
    } else if (e.act == WEFT_SENDER_BATCH || e.act == WEFT_SENDER_MORE ||
               e.act == WEFT_SENDER_LEAVES) {
        send_leaves(s, &e);
    } else if (e.act == WEFT_SENDER_PROOF) {
        send_proof(s, &e);
    }
}
