/* Offers on the link: two drivers over two real states, and what is lost, said twice or too often
 * between them. */
#include <stdlib.h>
#include <string.h>

#include "node/partner_offer.h"
#include "node/partner_parts.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

enum {
    QUEUE_MAX = 256,
    SELF = 1,
    OTHER = 2, /* Somebody else leads. */
};

static struct rig_pair pair; /* Large. */
static uint64_t now_ms;

/* One side: what it is told, and what it proposed and is not applied yet. */
static struct side {
    struct rig_site *site;
    struct weft_partners *p;
    uv_loop_t loop;
    bool is_up, is_deaf; /* Deaf: what is sent to it is lost. */
    uint64_t leader;
    struct weft_buffer inbox[QUEUE_MAX], log[QUEUE_MAX];
    struct weft_waiter waiters[QUEUE_MAX];
    uint32_t inbox_count, log_count, offers, faults[WEFT_STREAM_FAULTS];
} sides[2];
static struct side *const oem = &sides[RIG_OEM], *const west = &sides[RIG_SUPPLIER];

static struct side *other_of(const struct side *s)
{
    return &sides[1 - s->site->party];
}

static void put(struct weft_buffer *queue, uint32_t *count, struct weft_bytes bytes)
{
    EXPECT_TRUE(*count < QUEUE_MAX);
    queue[*count] = (struct weft_buffer){.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&queue[(*count)++], bytes.data, bytes.size));
}

static struct weft_buffer take(struct weft_buffer *queue, uint32_t *count)
{
    struct weft_buffer first = queue[0];
    memmove(&queue[0], &queue[1], --*count * sizeof(queue[0]));
    return first;
}

static struct weft_state *get_state(void *ctx)
{
    return ((struct side *)ctx)->site->f.state;
}

static enum weft_err propose(
    void *ctx, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    struct side *s = ctx;
    s->waiters[s->log_count] = *waiter;
    put(s->log, &s->log_count, item->body);
    return WEFT_OK;
}

/* What is said of offers is counted at whom it was said to. */
static enum weft_err say(void *ctx, void *conn, struct weft_bytes bytes)
{
    struct side *to = other_of(ctx);
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_partner_message m;
    struct weft_msg msg;
    static const struct weft_digest none;
    (void)conn;
    EXPECT_EQ(WEFT_OK, weft_partner_decode(bytes, &arena, &m, &msg));
    to->offers += m.kind == WEFT_KIND_STREAM_OFFER ? 1 : 0;
    if (m.kind == WEFT_KIND_STREAM_NOTICE && !weft_digest_equal(&none, &m.notice.offer)) {
        to->faults[m.notice.fault]++;
    }
    weft_arena_destroy(&arena);
    if (!to->is_deaf) {
        put(to->inbox, &to->inbox_count, bytes);
    }
    return WEFT_OK;
}

static void pause_it(void *ctx, void *conn, bool is_paused)
{
    (void)ctx, (void)conn, (void)is_paused;
}

static void hang_up(void *ctx, void *conn)
{
    (void)ctx, (void)conn;
}

static bool is_dialled(void *ctx, void *conn)
{
    (void)ctx, (void)conn;
    return true;
}

static void tell(void *ctx, uint64_t to, const struct weft_audit_line *line)
{
    (void)ctx, (void)to, (void)line;
}

static void wake(void *ctx)
{
    (void)ctx;
}

static void on_closed(void *ctx)
{
    (void)ctx;
}

static void begin(const char *name)
{
    rig_pair_start(&pair, name);
    memset(sides, 0, sizeof(sides));
    now_ms = 1000;
    for (uint32_t i = 0; i < 2; i++) {
        struct weft_msg msg = {""};
        sides[i].site = &pair.sites[i];
        sides[i].leader = SELF;
        EXPECT_EQ(0, uv_loop_init(&sides[i].loop));
        const struct weft_partners_options options = {.loop = &sides[i].loop,
            .io = {&sides[i], get_state, propose, say, pause_it, hang_up, is_dialled, tell, wake,
                NULL},
            .principal = "spiffe://oem.example/plant1/node/n1",
            .key_file = "nowhere/log.key",
            .site = rig_site_of(i),
            .self_id = SELF};
        EXPECT_EQ(WEFT_OK, weft_partners_open(&options, &sides[i].p, &msg));
    }
}

static void finish(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct side *s = &sides[i];
        while (s->inbox_count > 0) {
            weft_buffer_destroy(&s->inbox[--s->inbox_count]);
        }
        while (s->log_count > 0) {
            weft_buffer_destroy(&s->log[--s->log_count]);
        }
        weft_partners_close(s->p, on_closed, NULL);
        EXPECT_EQ(0, uv_run(&s->loop, UV_RUN_DEFAULT));
        EXPECT_EQ(0, uv_loop_close(&s->loop));
    }
    rig_pair_stop(&pair);
}

static void connect_both(bool is_up)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (is_up) {
            weft_partners_up(sides[i].p, &sides[i], rig_site_of(1 - i));
        } else {
            weft_partners_down(sides[i].p, &sides[i]);
        }
    }
}

/* Everything happens in order, until nothing does. */
static void settle(uint64_t ms)
{
    now_ms += ms;
    for (int round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < 2; i++) {
            struct side *s = &sides[i];
            weft_partners_turn(s->p, s->leader, now_ms, SIGNERS_NOW_NS);
            while (s->inbox_count > 0) {
                struct weft_buffer m = take(s->inbox, &s->inbox_count);
                EXPECT_EQ(
                    WEFT_OK, weft_partners_hear(s->p, s, (struct weft_bytes){m.data, m.size}));
                weft_buffer_destroy(&m);
            }
            while (s->log_count > 0) {
                struct weft_waiter waiter = s->waiters[0];
                memmove(&s->waiters[0], &s->waiters[1], sizeof(s->waiters[0]) * (QUEUE_MAX - 1));
                struct weft_buffer body = take(s->log, &s->log_count);
                struct weft_stream_entry entry;
                EXPECT_EQ(WEFT_OK,
                    weft_stream_entry_decode((struct weft_bytes){body.data, body.size}, &entry));
                weft_partners_done(s->p, &waiter, rig_item(s->site, &entry));
                weft_buffer_destroy(&body);
            }
        }
    }
}

static void bring(struct side *s, struct weft_contract *contract, bool by_oem, bool by_supplier)
{
    struct weft_buffer note = rig_contract_note(&pair, contract, by_oem, by_supplier);
    rig_must(s->site, rig_note("agreement", "agreement:" RIG_NAME, weft_buffer_as_text(&note)));
    weft_buffer_destroy(&note);
}

static uint64_t version(struct side *s)
{
    struct weft_agreement a;
    return weft_streams_find(weft_state_streams(s->site->f.state), WEFT_TEXT(RIG_NAME), &a) &&
                   a.terms != NULL
               ? a.terms->newest->link.version
               : 0;
}

static bool answered(struct side *s, const char *text)
{
    return weft_text_is(weft_partners_offer_answer(s->p, 0), text);
}

/* NOD-342 */
TEST(partner_offer, goes_there_and_its_signatures_come_back)
{
    struct weft_contract contract = rig_contract();
    begin("link-there");
    bring(west, &contract, false, true);
    settle(0);
    EXPECT_EQ(0, oem->offers); /* Nobody is connected. */
    connect_both(true);
    settle(0);
    EXPECT_EQ(WEFT_AGREEMENT_OFFERED, rig_agreement(oem->site).state);
    EXPECT_TRUE(!rig_agreement(oem->site).offer.is_ours);
    EXPECT_TRUE(answered(west, "waits there"));
    settle(100000);
    EXPECT_EQ(1, oem->offers); /* Once was enough. */
    EXPECT_EQ(0, version(oem) + version(west));
    bring(oem, &contract, true, true);
    settle(0);
    EXPECT_EQ(1, version(oem));
    EXPECT_EQ(1, version(west));
    EXPECT_EQ(1, west->offers);
    EXPECT_EQ(0, west->log_count + oem->log_count);
    finish();
}

TEST(partner_offer, that_is_lost_is_said_again_so_often_and_with_each_connection)
{
    struct weft_contract contract = rig_contract();
    begin("link-lost");
    bring(west, &contract, false, true);
    connect_both(true);
    oem->is_deaf = true;
    for (int i = 0; i < 100; i++) {
        settle(5000);
    }
    EXPECT_EQ(WEFT_PARTNER_OFFER_TRIES, oem->offers);
    EXPECT_TRUE(answered(west, "unanswered"));
    connect_both(false);
    connect_both(true);
    oem->is_deaf = false;
    settle(0);
    EXPECT_EQ(WEFT_PARTNER_OFFER_TRIES + 1, oem->offers);
    EXPECT_TRUE(answered(west, "waits there"));
    /* Another leader begins anew, and nothing is there twice for it. */
    west->leader = OTHER;
    settle(0);
    west->leader = SELF;
    settle(0);
    EXPECT_EQ(WEFT_PARTNER_OFFER_TRIES + 2, oem->offers);
    EXPECT_EQ(1, weft_streams_count(weft_state_streams(oem->site->f.state)));
    /* The signatures get lost, and are shown with the next connection. */
    west->is_deaf = true;
    bring(oem, &contract, true, true);
    settle(0);
    EXPECT_EQ(0, version(west));
    connect_both(false);
    connect_both(true);
    west->is_deaf = false;
    settle(0);
    EXPECT_EQ(1, version(west));
    finish();
}

TEST(partner_offer, that_ends_is_told_to_the_other_side_whenever_it_is_there)
{
    struct weft_contract contract = rig_contract();
    begin("link-ends");
    bring(west, &contract, false, true);
    connect_both(true);
    settle(0);
    rig_must(oem->site, rig_act("decline"));
    settle(0);
    EXPECT_EQ(WEFT_OFFER_DECLINED, rig_agreement(west->site).offer.end);
    EXPECT_EQ(1, west->faults[WEFT_STREAM_DECLINED]);
    settle(100000);
    EXPECT_EQ(1, west->faults[WEFT_STREAM_DECLINED]);
    bring(west, &contract, false, true); /* Once more: declined once more, by nobody. */
    settle(0);
    EXPECT_EQ(WEFT_OFFER_DECLINED, rig_agreement(west->site).offer.end);
    contract.link.expires_ns += SIGNERS_DAY_NS;
    bring(west, &contract, false, true);
    settle(0);
    EXPECT_EQ(WEFT_OFFER_STANDS, rig_agreement(oem->site).offer.end);
    connect_both(false);
    rig_must(west->site, rig_act("withdraw"));
    settle(0);
    EXPECT_EQ(WEFT_OFFER_STANDS, rig_agreement(oem->site).offer.end);
    connect_both(true);
    settle(0);
    EXPECT_EQ(WEFT_OFFER_WITHDRAWN, rig_agreement(oem->site).offer.end);
    finish();
}

/* Signed in the time in which it was withdrawn: in force there alone, and it is told why. */
TEST(partner_offer, that_was_withdrawn_is_not_taken_signed)
{
    struct weft_contract contract = rig_contract();
    begin("link-crossed");
    bring(west, &contract, false, true);
    connect_both(true);
    settle(0);
    connect_both(false);
    rig_must(west->site, rig_act("withdraw"));
    bring(oem, &contract, true, true);
    connect_both(true);
    settle(0);
    EXPECT_EQ(1, version(oem));
    EXPECT_EQ(0, version(west));
    EXPECT_TRUE(weft_text_starts(weft_partners_offer_answer(oem->p, 0), "refused: withdrawn: "));
    finish();
}

/* What he says is shown to people as one line that no terminal obeys. */
TEST(partner_offer, is_answered_without_what_a_terminal_obeys)
{
    struct weft_contract contract = rig_contract();
    struct weft_buffer bytes = {0};
    begin("link-blank");
    bring(west, &contract, false, true);
    connect_both(true);
    weft_partners_turn(west->p, west->leader, now_ms, SIGNERS_NOW_NS);
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_NOTICE,
        .stream = {WEFT_TEXT(RIG_NAME), WEFT_TEXT("oem.example/plant1")},
        .notice = {.fault = WEFT_STREAM_UNSIGNED,
            .reason = WEFT_TEXT("a\xc2\x9b"
                                "2J\x1b"),
            .offer = contract.link.digest}};
    EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &bytes));
    EXPECT_EQ(
        WEFT_OK, weft_partners_hear(west->p, west, (struct weft_bytes){bytes.data, bytes.size}));
    EXPECT_TRUE(answered(west, "refused: unsigned: a  2J "));
    weft_buffer_destroy(&bytes);
    finish();
}

/* NOD-343: what goes into the log is fewer than what is judged. */
TEST(partner_offer, comes_into_the_log_so_often_and_no_more)
{
    begin("link-entries");
    connect_both(true);
    settle(0);
    for (int64_t i = 0; i < 2 * WEFT_PARTNER_OFFER_BURST; i++) {
        struct weft_contract contract = rig_contract();
        contract.link.expires_ns += i * INT64_C(1000000000);
        struct weft_buffer bytes = {0}, note = rig_contract_note(&pair, &contract, false, true);
        const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_OFFER,
            .stream = {WEFT_TEXT(RIG_NAME), WEFT_TEXT("supplier.example/west")},
            .text = weft_buffer_as_text(&note)};
        EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &bytes));
        put(oem->inbox, &oem->inbox_count, (struct weft_bytes){bytes.data, bytes.size});
        settle(WEFT_PARTNER_OFFER_MS);
        weft_buffer_destroy(&bytes);
        weft_buffer_destroy(&note);
    }
    /* One came back within the time that this took, at the first second of the next minute. */
    EXPECT_EQ(WEFT_PARTNER_OFFER_BURST - 1, west->faults[WEFT_STREAM_FLOOD]);
    finish();
}

/* NOD-343 */
TEST(partner_offer, is_judged_so_often_and_no_more)
{
    struct weft_contract contract = rig_contract();
    struct weft_buffer bytes = {0};
    begin("link-many");
    struct weft_buffer note = rig_contract_note(&pair, &contract, true, false); /* Not by them. */
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_OFFER,
        .stream = {WEFT_TEXT(RIG_NAME), WEFT_TEXT("supplier.example/west")},
        .text = weft_buffer_as_text(&note)};
    EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &bytes));
    connect_both(true);
    settle(0);
    for (int i = 0; i < 3 * WEFT_PARTNER_OFFER_BURST; i++) {
        put(oem->inbox, &oem->inbox_count, (struct weft_bytes){bytes.data, bytes.size});
    }
    settle(0);
    EXPECT_EQ(WEFT_PARTNER_OFFER_BURST, west->faults[WEFT_STREAM_UNSIGNED]);
    EXPECT_EQ(2 * WEFT_PARTNER_OFFER_BURST, west->faults[WEFT_STREAM_FLOOD]);
    /* A new connection changes nothing; time does. */
    connect_both(false);
    connect_both(true);
    put(oem->inbox, &oem->inbox_count, (struct weft_bytes){bytes.data, bytes.size});
    settle(0);
    EXPECT_EQ(WEFT_PARTNER_OFFER_BURST, west->faults[WEFT_STREAM_UNSIGNED]);
    for (int i = 0; i < 2; i++) {
        put(oem->inbox, &oem->inbox_count, (struct weft_bytes){bytes.data, bytes.size});
    }
    settle(WEFT_PARTNER_OFFER_MS);
    EXPECT_EQ(WEFT_PARTNER_OFFER_BURST + 1, west->faults[WEFT_STREAM_UNSIGNED]);
    EXPECT_EQ(0, weft_streams_count(weft_state_streams(oem->site->f.state)));
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&bytes);
    finish();
}
