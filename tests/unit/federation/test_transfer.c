/* A whole transfer, simulated: messages are lost, doubled and reordered, either side crashes
 * between any two steps or is restored from a backup. Nothing that was acknowledged is lost,
 * nothing is taken twice, nothing that was signed is taken back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/federation/sim.h"

#ifndef TRANSFERS
#define TRANSFERS 12
#endif

static const char *const event_names[EVENTS] = {"lost", "doubled", "reordered", "provider crashed",
    "consumer crashed", "provider restored", "consumer restored", "unnoticed", "rewound",
    "recovered", "head lost", "conflicted", "proven", "given up"};

/* --- faults ---------------------------------------------------------------------------------- */

static void cut_wires(struct sim *s)
{
    s->to_consumer.count = s->to_provider.count = 0;
}

static void deliver(struct sim *s, struct wire *wire, bool is_faulty)
{
    if (wire->count == 0) {
        return;
    }
    uint64_t dice = is_faulty ? test_random(60) : 59;
    uint32_t which = dice < 4 ? (uint32_t)test_random(wire->count) : 0;
    struct weft_buffer kept = wire->messages[which];
    s->happened[REORDERED] += which > 0;
    if (dice == 4 || dice == 5) {
        s->happened[LOST]++;
    } else if (wire == &s->to_consumer) {
        sim_consumer_hears(s, &kept);
    } else {
        sim_provider_hears(s, &kept);
    }
    if (dice == 6) {
        s->happened[DOUBLED]++;
        return; /* It stays, and comes again. */
    }
    if (which < wire->count) {
        memmove(&wire->messages[which], &wire->messages[which + 1],
            (MESSAGES_MAX - 1 - which) * sizeof(kept));
        wire->messages[MESSAGES_MAX - 1] = kept;
        wire->count--;
    }
}

static void crash_provider(struct sim *s)
{
    weft_sender_close(&s->sender);
    s->recovery = (struct weft_recovery){.is_forking = false};
    cut_wires(s);
    s->wants_hello = true;
    s->happened[PROVIDER_CRASHED]++;
}

static void crash_consumer(struct sim *s)
{
    if (test_random(2) == 0) {
        sim_drop_pending(s);
    }
    sim_drop_held(s);
    s->receiver = (struct weft_receiver){.session = s->receiver.session};
    s->wants_hello = true;
    cut_wires(s);
    s->happened[CONSUMER_CRASHED]++;
}

/* Back to the backup: what was signed and nobody has is forgotten by all, which no machine can
 * mend. If the consumer knows of it, operators have to agree that it is lost. */
static void restore_provider(struct sim *s)
{
    const struct weft_consumer *c = &s->consumer;
    bool is_whole =
        c->stream.tree.size == c->head.size && c->head.size >= s->plant->provider.receipt.size &&
        c->head.size >= s->provider_backup.signed_head.size && s->heads[c->head.size].size > 0;
    bool is_lost = c->stream.tree.size < c->head.size && s->may_sign && s->lost.size == 0 &&
                   c->stream.tree.size >= s->plant->provider.receipt.size &&
                   c->lost.count + 1 < WEFT_LOST_MAX && test_random(4) == 0;
    if ((!is_whole && !is_lost) || s->provider_backup.stream.tree.size >= c->head.size) {
        return;
    }
    crash_provider(s);
    sim_drop_pending(s);
    bool is_noticed = test_random(2) == 0;
    s->plant->provider = s->provider_backup;
    s->truth_size = c->stream.tree.size > s->provider_backup.signed_head.size
                        ? c->stream.tree.size
                        : s->provider_backup.signed_head.size;
    if (is_lost) {
        s->lost = c->head;
        s->is_lost_here = s->is_lost_there = false;
        s->happened[HEAD_LOST]++;
    }
    if (s->provider_backup.signed_head.size > 0) {
        weft_buffer_destroy(&s->plant->head);
        s->plant->head = rig_plant_head_at(s->plant, s->provider_backup.signed_head.size);
    }
    if (is_noticed) {
        weft_provider_restore(&s->plant->provider);
        s->happened[PROVIDER_RESTORED]++;
    } else {
        /* Lucky: it appends before it signs. Had it signed, it would have equivocated. */
        s->happened[UNNOTICED]++;
        uint64_t more = 1 + test_random(4);
        for (uint64_t i = 0; i < more; i++) {
            sim_state(s);
        }
    }
    s->may_sign = false;
}

/* Not while the provider does not know where it stands: what both have lost nobody has. */
static void restore_consumer(struct sim *s)
{
    if (!s->may_sign || weft_provider_is_fenced(&s->plant->provider) || s->lost.size > 0) {
        return;
    }
    s->consumer = s->consumer_backup;
    sim_drop_pending(s);
    crash_consumer(s);
    s->happened[CONSUMER_RESTORED]++;
}

/* --- one run --------------------------------------------------------------------------------- */

static void check(struct sim *s)
{
    uint64_t size = s->consumer.stream.tree.size;
    s->committed_max = size > s->committed_max ? size : s->committed_max;
    EXPECT_TRUE(s->plant->provider.receipt.size <= s->committed_max);
    EXPECT_TRUE(size <= s->truth_size);
    for (uint64_t i = size > 24 ? size - 24 : 0; i < size; i++) {
        EXPECT_MEM(s->truth[i].bytes, s->taken[i].bytes, WEFT_DIGEST_SIZE);
    }
    EXPECT_EQ(0, s->consumer.quarantined);
}

static void step(struct sim *s, bool is_faulty)
{
    switch (test_random(is_faulty ? 17 : 12)) {
    case 0:
    case 1:
        if (is_faulty) {
            sim_state(s);
        }
        break;
    case 2:
        sim_sign(s);
        break;
    case 3:
        if (s->wants_hello && s->to_provider.count == 0) {
            sim_say_hello(s);
        }
        break;
    case 4:
    case 5:
        sim_send_next(s);
        break;
    case 6:
    case 7:
        deliver(s, &s->to_consumer, is_faulty);
        break;
    case 8:
    case 9:
        deliver(s, &s->to_provider, is_faulty);
        break;
    case 10:
        sim_commit(s);
        break;
    case 11:
        sim_send_receipt(s);
        break;
    case 12:
        s->wants_hello = s->wants_hello || test_random(10) == 0; /* a deadline passed */
        break;
    case 13:
        if (test_random(20) == 0) {
            s->provider_backup = s->plant->provider;
        } else if (test_random(8) == 0) {
            s->consumer_backup = s->consumer;
        }
        if (test_random(4) == 0) {
            sim_operate(s);
        }
        break;
    case 14:
        if (test_random(12) == 0) {
            test_random(2) == 0 ? crash_provider(s) : crash_consumer(s);
        }
        break;
    case 15:
        if (test_random(3) == 0) {
            restore_provider(s);
        }
        break;
    default:
        if (test_random(40) == 0) {
            restore_consumer(s);
        }
        break;
    }
    check(s);
}

static void destroy(struct sim *s)
{
    sim_drop_pending(s);
    sim_drop_held(s);
    for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
        weft_buffer_destroy(&s->to_consumer.messages[i]);
        weft_buffer_destroy(&s->to_provider.messages[i]);
    }
    for (uint32_t i = 0; i < PENDING_MAX; i++) {
        weft_buffer_destroy(&s->pending[i].message);
    }
    for (uint32_t i = 0; i < RIG_LEAVES_MAX; i++) {
        weft_buffer_destroy(&s->heads[i]);
        weft_buffer_destroy(&s->contents[i]);
    }
    rig_plant_destroy(s->plant);
    free(s);
}

static bool is_settled(const struct sim *s)
{
    const struct weft_provider *p = &s->plant->provider;
    uint64_t size = p->stream.tree.size;
    return !weft_provider_is_fenced(p) && s->lost.size == 0 && p->signed_head.size == size &&
           s->consumer.stream.tree.size == size && p->receipt.size == size;
}

static void run(uint32_t *happened)
{
    struct sim *s = calloc(1, sizeof(*s));
    EXPECT_TRUE(s != NULL);
    s->plant = rig_plant_create(RIG_SUPPLIER);
    s->provider_backup = s->plant->provider;
    s->wants_hello = s->may_sign = true;
    for (unsigned i = 0; i < 3000; i++) {
        step(s, true);
    }
    unsigned steps = 0;
    for (; steps < 20000 && !is_settled(s); steps++) { /* healed: nothing is lost any more */
        if (steps % 500 == 0) {
            s->wants_hello = true;
        }
        if (steps % 100 == 0) {
            sim_operate(s);
        }
        step(s, false);
    }
    EXPECT_TRUE(is_settled(s));
    for (uint64_t i = 0; i < s->consumer.stream.tree.size; i++) {
        EXPECT_MEM(s->plant->hashes[i].bytes, s->taken[i].bytes, WEFT_DIGEST_SIZE);
        EXPECT_MEM(s->truth[i].bytes, s->taken[i].bytes, WEFT_DIGEST_SIZE);
    }
    for (int i = 0; i < EVENTS; i++) {
        happened[i] += s->happened[i];
    }
    destroy(s);
}

TEST(transfer, loses_nothing_takes_nothing_twice_and_takes_nothing_back)
{
    uint32_t happened[EVENTS] = {0};
    for (int i = 0; i < TRANSFERS; i++) {
        run(happened);
    }
    for (int i = 0; i < EVENTS; i++) {
        (void)printf("%s %u\n", event_names[i], happened[i]);
        EXPECT_TRUE(happened[i] > 0);
    }
}
