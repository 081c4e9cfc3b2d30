#include "tests/unit/node/partner_fake.h"

#include <stdio.h>
#include <string.h>

#include "policy/crypto/keyfile.h"
#include "tests/lib/signers.h"
#include "tests/lib/test.h"

bool fake_commit(struct fake_site *site)
{
    if (site->log_count == 0) {
        return false;
    }
    struct fake_item item = site->log[0];
    site->log_count--;
    memmove(&site->log[0], &site->log[1], site->log_count * sizeof(site->log[0]));
    memset(&site->log[site->log_count], 0, sizeof(site->log[0]));
    enum weft_err err =
        fake_apply(&site->state, (struct weft_bytes){item.body.data, item.body.size});
    if (!item.is_orphan) {
        weft_partners_done(site->nodes[item.node], &item.waiter, err);
    }
    weft_buffer_destroy(&item.body);
    return true;
}

void fake_commit_all(struct fake_site *site)
{
    struct fake_item items[FAKE_LOG_MAX];
    enum weft_err errs[FAKE_LOG_MAX];
    const uint32_t count = site->log_count;
    memcpy(items, site->log, sizeof(items));
    memset(site->log, 0, sizeof(site->log));
    site->log_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        errs[i] =
            fake_apply(&site->state, (struct weft_bytes){items[i].body.data, items[i].body.size});
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!items[i].is_orphan) {
            weft_partners_done(site->nodes[items[i].node], &items[i].waiter, errs[i]);
        }
        weft_buffer_destroy(&items[i].body);
    }
}

/* --- between drivers -------------------------------------------------------------------------- */

static enum weft_err io_propose(
    void *ctx, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    struct fake_node *node = ctx;
    struct fake_site *site = node->site;
    if (site->leader != node->number || site->log_count == FAKE_LOG_MAX) {
        return site->leader != node->number ? WEFT_ENOTLEADER : WEFT_EBUSY;
    }
    struct fake_item *at = &site->log[site->log_count++];
    *at = (struct fake_item){.waiter = *waiter, .node = node->number};
    EXPECT_EQ(WEFT_ITEM_STREAM, item->type);
    EXPECT_EQ(WEFT_DOOR_PARTNERS, waiter->door);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&at->body, item->body.data, item->body.size));
    site->proposed++;
    return WEFT_OK;
}

static void put_bytes(struct fake_conn *end, struct weft_bytes message)
{
    struct weft_buffer *at = &end->wire[end->wire_count];
    weft_buffer_clear(at);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(at, message.data, message.size));
    end->wire_count++;
}

static enum weft_err io_send(void *ctx, void *conn, struct weft_bytes message)
{
    struct fake_conn *end = conn;
    (void)ctx;
    EXPECT_TRUE(end->is_up);
    if (end->is_full || end->other->wire_count == FAKE_WIRE_MAX) {
        end->is_full = true;
        return WEFT_EBUSY;
    }
    put_bytes(end->other, message);
    return WEFT_OK;
}

static void io_pause(void *ctx, void *conn, bool is_paused)
{
    struct fake_conn *end = conn;
    (void)ctx;
    end->is_paused = is_paused;
}

static void io_hang_up(void *ctx, void *conn)
{
    (void)ctx, (void)conn;
    EXPECT_TRUE(false);
}

static bool io_is_dialled(void *ctx, void *conn)
{
    const struct fake_conn *end = conn;
    (void)ctx;
    return end->is_dialled;
}

static void io_tell(void *ctx, uint64_t to, const struct weft_audit_line *line)
{
    struct fake_node *node = ctx;
    struct fake_site *site = node->site;
    for (uint64_t i = 1; i <= FAKE_NODES; i++) {
        bool is_for = to == 0 ? i != node->number + 1U : i == to;
        if (!is_for || site->line_count == 64) {
            continue;
        }
        const struct weft_text of[] = {line->vkey, line->line, line->origin};
        struct weft_text copies[3];
        char(*texts)[WEFT_AUDIT_LINE_SIZE_MAX + 1] = site->lines[site->line_count].texts;
        for (int k = 0; k < 3; k++) {
            (void)snprintf(texts[k], sizeof(texts[k]), "%.*s", (int)of[k].size,
                of[k].size > 0 ? of[k].data : "");
            copies[k] = weft_text_of(texts[k]);
        }
        site->lines[site->line_count].from = node->number + 1U;
        site->lines[site->line_count].to = i;
        site->lines[site->line_count].line = *line;
        site->lines[site->line_count].line.vkey = copies[0];
        site->lines[site->line_count].line.line = copies[1];
        site->lines[site->line_count].line.origin = copies[2];
        site->line_count++;
    }
}

static struct weft_state *io_get_state(void *ctx)
{
    const struct fake_node *node = ctx;
    return &node->site->state;
}

static void io_wake(void *ctx)
{
    (void)ctx;
}

bool fake_tell(struct fake_site *site)
{
    if (site->line_count == 0) {
        return false;
    }
    struct weft_audit_line line = site->lines[0].line;
    char texts[3][WEFT_AUDIT_LINE_SIZE_MAX + 1];
    uint64_t from = site->lines[0].from, to = site->lines[0].to;
    memcpy(texts, site->lines[0].texts, sizeof(texts));
    line.vkey = weft_text_of(texts[0]);
    line.line = weft_text_of(texts[1]);
    line.origin = weft_text_of(texts[2]);
    site->line_count--;
    for (uint32_t i = 0; i < site->line_count; i++) {
        site->lines[i] = site->lines[i + 1];
        site->lines[i].line.vkey = weft_text_of(site->lines[i].texts[0]);
        site->lines[i].line.line = weft_text_of(site->lines[i].texts[1]);
        site->lines[i].line.origin = weft_text_of(site->lines[i].texts[2]);
    }
    weft_partners_receive_line(site->nodes[to - 1], from, &line);
    return true;
}

void fake_put(struct fake_conn *end, const struct weft_partner_message *m)
{
    struct weft_buffer bytes = {0};
    EXPECT_EQ(WEFT_OK, weft_partner_encode(m, &bytes));
    EXPECT_TRUE(end->wire_count < FAKE_WIRE_MAX);
    put_bytes(end, (struct weft_bytes){bytes.data, bytes.size});
    weft_buffer_destroy(&bytes);
}

bool fake_deliver(struct fake_conn *end, uint32_t place)
{
    struct weft_buffer message = end->wire[place];
    end->wire_count--;
    memmove(
        &end->wire[place], &end->wire[place + 1], (end->wire_count - place) * sizeof(end->wire[0]));
    end->wire[end->wire_count] = (struct weft_buffer){.data = NULL};
    enum weft_err err = weft_partners_hear(
        end->site->nodes[end->node], end, (struct weft_bytes){message.data, message.size});
    weft_buffer_destroy(&message);
    if (end->other->is_full && end->wire_count < FAKE_WIRE_MAX / 2) {
        end->other->is_full = false;
        weft_partners_drained(end->other->site->nodes[end->other->node], end->other);
    }
    return err == WEFT_OK;
}

/* --- connections and leaders ------------------------------------------------------------------ */

void fake_disconnect(struct fake *f)
{
    for (int i = 0; i < 2; i++) {
        struct fake_conn *end = &f->ends[i];
        if (end->is_up) {
            end->is_up = false;
            weft_partners_down(end->site->nodes[end->node], end);
        }
        for (uint32_t k = 0; k < FAKE_WIRE_MAX; k++) {
            weft_buffer_destroy(&end->wire[k]);
        }
        end->wire_count = 0;
        end->is_full = end->is_paused = false;
    }
}

void fake_connect(struct fake *f)
{
    fake_disconnect(f);
    if (f->sites[0].leader == FAKE_NODES || f->sites[1].leader == FAKE_NODES) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct fake_conn *end = &f->ends[i];
        end->site = &f->sites[i];
        end->node = end->site->leader;
        end->other = &f->ends[1 - i];
        end->is_dialled = i == 0;
        end->is_up = true;
    }
    for (int i = 0; i < 2; i++) {
        struct fake_conn *end = &f->ends[i];
        weft_partners_up(end->site->nodes[end->node], end, rig_site(1U - (uint32_t)i));
    }
}

void fake_lead(struct fake *f, struct fake_site *site, uint32_t node, uint32_t keep)
{
    fake_disconnect(f);
    for (uint32_t i = 0; i < site->log_count; i++) {
        struct fake_item *item = &site->log[i];
        if (!item->is_orphan) {
            weft_partners_done(site->nodes[item->node], &item->waiter, WEFT_EUNAVAILABLE);
        }
        item->is_orphan = true;
        if (i >= keep) {
            weft_buffer_destroy(&item->body);
            memset(item, 0, sizeof(*item));
        }
    }
    site->log_count = keep < site->log_count ? keep : site->log_count;
    site->leader = node;
    fake_turn(f, 0);
}

void fake_turn(struct fake *f, uint64_t ms)
{
    f->now_ms += ms;
    for (uint32_t s = 0; s < 2; s++) {
        struct fake_site *site = &f->sites[s];
        uint64_t leader = site->leader < FAKE_NODES ? site->leader + 1U : 0;
        for (uint32_t i = 0; i < FAKE_NODES; i++) {
            weft_partners_turn(site->nodes[i], leader, f->now_ms, RIG_NOW_NS);
            weft_partners_work(site->nodes[i]);
        }
    }
}

void fake_settle(struct fake *f, uint32_t turns)
{
    for (uint32_t turn = 0; turn < turns && !fake_is_even(f); turn++) {
        for (uint32_t s = 0; s < 2; s++) {
            while (fake_tell(&f->sites[s])) {
            }
            while (f->ends[s].wire_count > 0 && !f->ends[s].is_paused) {
                EXPECT_TRUE(fake_deliver(&f->ends[s], 0));
                weft_partners_work(f->sites[s].nodes[f->ends[s].node]);
            }
            while (fake_commit(&f->sites[s])) {
            }
        }
        fake_turn(f, 10);
    }
}

/* --- open and close --------------------------------------------------------------------------- */

static struct weft_signer signer_of(uint32_t party, uint32_t node)
{
    char name[128];
    struct weft_signer own;
    struct weft_msg msg = {""};
    (void)snprintf(name, sizeof(name), "%s/node%u", rig_site(party), node);
    struct weft_signer signer = signers_make(name);
    (void)snprintf(name, sizeof(name), "%s/audit", rig_site(party));
    EXPECT_EQ(WEFT_OK,
        weft_signer_make(weft_text_of(name), WEFT_SIGNER_ED25519, &signer.pair, &own, &msg));
    return own;
}

void fake_signers(uint32_t party, uint32_t count, struct weft_signer *ret_signers)
{
    for (uint32_t i = 0; i < count; i++) {
        ret_signers[i] = signer_of(party, i);
    }
}

static void make_keys(struct weft_state *s)
{
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t party = side == 0 ? s->party : 1 - s->party;
        for (uint32_t i = 0; i < FAKE_NODES; i++) {
            const struct weft_signer own = signer_of(party, i);
            struct weft_buffer pem = {0};
            struct weft_msg msg = {""};
            s->keys[side][i] = own.verifier;
            char path[640];
            (void)snprintf(path, sizeof(path), "%s/log-%u-%u.key", test_directory(), party, i);
            EXPECT_EQ(
                WEFT_OK, weft_keyfile_encode(&own.pair, (struct weft_bytes){NULL, 0}, &pem, &msg));
            FILE *file = fopen(path, "wb");
            EXPECT_TRUE(file != NULL);
            EXPECT_EQ(pem.size, fwrite(pem.data, 1, pem.size, file));
            EXPECT_EQ(0, fclose(file));
            weft_keyfile_destroy(&pem);
        }
    }
}

static void make_state(
    struct weft_state *s, uint32_t party, struct rig_plant *(*make_plant)(uint32_t party))
{
    const struct weft_text site = weft_text_of(rig_site(party));
    const struct weft_text partner = weft_text_of(rig_site(1 - party));
    const struct weft_text name = WEFT_TEXT("box-2026");
    s->party = party;
    s->plant = make_plant(party);
    s->contract = s->plant->contract;
    make_keys(s);
    weft_stream_origin(site, name, s->origins[0]);
    weft_stream_origin(partner, name, s->origins[1]);
    weft_stream_receipt_origin(partner, name, s->origins[2]);
    s->terms = (struct weft_terms){.party = party,
        .name = name,
        .site = site,
        .partner = partner,
        .newest = &s->contract,
        .sent = &s->contract,
        .next = &s->contract,
        .own_heads = {s->origins[0], s->keys[0], FAKE_NODES, 2, NULL},
        .their_heads = {s->origins[1], s->keys[1], FAKE_NODES, 2, NULL},
        .their_receipts = {s->origins[2], s->keys[1], FAKE_NODES, 2, NULL}};
    memcpy(s->terms.orgs, rig_orgs(), sizeof(s->terms.orgs));
}

void fake_open(struct fake *f, struct rig_plant *(*make_plant)(uint32_t party))
{
    memset(f, 0, sizeof(*f));
    f->now_ms = 1000;
    for (uint32_t party = 0; party < 2; party++) {
        struct fake_site *site = &f->sites[party];
        make_state(&site->state, party, make_plant);
        for (uint32_t i = 0; i < FAKE_NODES; i++) {
            char key[640], principal[128];
            struct weft_msg msg = {""};
            site->names[i] = (struct fake_node){site, i};
            (void)snprintf(key, sizeof(key), "%s/log-%u-%u.key", test_directory(), party, i);
            (void)snprintf(
                principal, sizeof(principal), "spiffe://%s/node/n%u", rig_site(party), i);
            const struct weft_partners_options options = {.io = {.ctx = &site->names[i],
                                                              .get_state = io_get_state,
                                                              .propose = io_propose,
                                                              .send = io_send,
                                                              .pause = io_pause,
                                                              .hang_up = io_hang_up,
                                                              .is_dialled = io_is_dialled,
                                                              .tell = io_tell,
                                                              .wake = io_wake},
                .principal = principal,
                .key_file = key,
                .site = rig_site(party),
                .self_id = i + 1U};
            EXPECT_EQ(WEFT_OK, weft_partners_open(&options, &site->nodes[i], &msg));
        }
    }
    fake_turn(f, 1);
}

static void closed(void *ctx)
{
    ++*(int *)ctx;
}

void fake_close(struct fake *f)
{
    int count = 0;
    fake_disconnect(f);
    for (uint32_t party = 0; party < 2; party++) {
        struct fake_site *site = &f->sites[party];
        for (uint32_t i = 0; i < FAKE_NODES; i++) {
            weft_partners_close(site->nodes[i], closed, &count);
        }
        for (uint32_t i = 0; i < site->log_count; i++) {
            weft_buffer_destroy(&site->log[i].body);
        }
        for (size_t i = 0; i < RIG_LEAVES_MAX; i++) {
            weft_buffer_destroy(&site->state.contents[i]);
        }
        weft_buffer_destroy(&site->state.head_note);
        rig_plant_destroy(site->state.plant);
    }
    EXPECT_EQ(2 * FAKE_NODES, count);
}

void fake_state(struct fake_site *site, uint64_t number)
{
    if (!weft_provider_is_fenced(&site->state.plant->provider)) {
        rig_plant_state(site->state.plant, number);
    }
}

bool fake_is_even(const struct fake *f)
{
    for (uint32_t i = 0; i < 2; i++) {
        const struct weft_provider *provider = &f->sites[i].state.plant->provider;
        const struct weft_consumer *consumer = &f->sites[1 - i].state.consumer;
        const struct weft_merkle_head sent = weft_stream_tree(&provider->stream);
        const struct weft_merkle_head taken = weft_stream_tree(&consumer->stream);
        if (sent.size != taken.size || provider->receipt.size != sent.size ||
            !weft_digest_equal(&sent.root, &taken.root)) {
            return false;
        }
    }
    return true;
}
