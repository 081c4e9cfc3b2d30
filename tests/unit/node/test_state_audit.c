/* The audit log of the state: its tree beside a naive one, the same on every replica, what leaves
 * say and do not say, refusals counted, and what the offline check finds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/audit_read.h"
#include "node/state/machine.h"
#include "policy/audit_leaf.h"
#include "proto/entry.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_fixture.h"

enum {
    HISTORY = 700,
    LEAVES_MAX = 20000
};

/* --- a naive tree ---------------------------------------------------------------------------- */

static struct weft_digest hashes[LEAVES_MAX];

/* RFC 6962, 2.1, word for word. */
static struct weft_digest naive_root(uint64_t first, uint64_t count)
{
    if (count == 0) {
        return weft_sha256(NULL, 0);
    }
    if (count == 1) {
        return hashes[first];
    }
    uint64_t k = 1;
    while (k * 2 < count) {
        k *= 2;
    }
    uint8_t bytes[1 + 2 * WEFT_DIGEST_SIZE] = {1};
    struct weft_digest left = naive_root(first, k), right = naive_root(first + k, count - k);
    memcpy(bytes + 1, left.bytes, WEFT_DIGEST_SIZE);
    memcpy(bytes + 1 + WEFT_DIGEST_SIZE, right.bytes, WEFT_DIGEST_SIZE);
    return weft_sha256(bytes, sizeof(bytes));
}

/* All leaves of the state as a bundle in `out`, their hashes in `hashes`. */
static uint64_t read_log(struct fixture *f, struct weft_audit_reader *reader,
    struct weft_audit_head *head, struct weft_buffer *out)
{
    weft_audit_reader_init(reader, f->state->store, NULL);
    EXPECT_EQ(WEFT_OK, weft_audit_read_head(reader, head, &f->msg));
    uint64_t size = head->range.size;
    EXPECT_TRUE(size <= LEAVES_MAX);
    weft_buffer_clear(out);
    EXPECT_EQ(WEFT_OK, weft_audit_read_leaves(reader, 0, size, out, &f->msg));
    struct weft_bytes rest = {out->data, out->size}, leaf;
    for (uint64_t i = 0; i < size; i++) {
        EXPECT_EQ(WEFT_OK, weft_bundle_next(&rest, &leaf));
        uint8_t *prefixed = malloc(leaf.size + 1);
        prefixed[0] = 0;
        memcpy(prefixed + 1, leaf.data, leaf.size);
        hashes[i] = weft_sha256(prefixed, leaf.size + 1);
        free(prefixed);
    }
    EXPECT_EQ(0, rest.size);
    return size;
}

TEST(state_audit, tree_and_tiles_are_those_of_a_naive_tree)
{
    static struct weft_audit_roots roots;
    struct fixture f;
    struct weft_audit_reader reader;
    struct weft_audit_head head;
    struct weft_buffer log = {.size_max = 64 << 20};
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, HISTORY, 20, false);
    uint64_t size = read_log(&f, &reader, &head, &log);
    EXPECT_TRUE(size > 4 * WEFT_TILE_WIDTH);
    weft_audit_roots_init(&roots);
    struct weft_digest root = naive_root(0, size);
    struct weft_merkle_head tree = weft_state_audit(f.state);
    EXPECT_EQ(size, tree.size);
    EXPECT_MEM(root.bytes, tree.root.bytes, WEFT_DIGEST_SIZE);
    for (unsigned level = 0; level < 3; level++) {
        uint64_t span = UINT64_C(1) << (level * WEFT_TILE_HEIGHT);
        for (uint64_t index = 0; index < weft_tile_count(size, level); index++) {
            struct weft_digest got[WEFT_TILE_WIDTH];
            struct weft_tile tile = {
                .level = level, .index = index, .width = weft_tile_width(size, level, index)};
            const unsigned width = tile.width;
            /* Of the present size, and of ones that were, with what was worked out before. */
            for (unsigned cut = 0; cut < 6; cut++) {
                reader.roots = cut < 2 ? NULL : &roots;
                tile.width = width - (cut == 0 ? 0 : (unsigned)test_random(width));
                EXPECT_EQ(WEFT_OK, weft_audit_read_tile(&reader, &tile, got, &f.msg));
                for (unsigned i = 0; i < tile.width; i++) {
                    struct weft_digest made =
                        naive_root((index * WEFT_TILE_WIDTH + i) * span, span);
                    EXPECT_MEM(made.bytes, got[i].bytes, WEFT_DIGEST_SIZE);
                }
            }
        }
    }
    weft_audit_roots_close(&roots);
    weft_audit_reader_close(&reader);
    weft_buffer_destroy(&log);
    fixture_destroy(&f);
}

/* From memory what is open, and from the store: of a state that has just made it, and one opened.
 */
TEST(state_audit, the_root_of_each_size_there_was_is_that_of_a_naive_tree)
{
    struct fixture f;
    struct weft_audit_reader reader;
    struct weft_audit_head head;
    struct weft_buffer log = {.size_max = 64 << 20};
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, HISTORY, 20, false);
    uint64_t size = read_log(&f, &reader, &head, &log);
    weft_audit_reader_close(&reader);
    for (uint64_t i = 0; i < 400; i++) {
        const uint64_t at = i < 300 ? size - i : i == 300 ? 0 : test_random(size);
        struct weft_digest made = naive_root(0, at), got;
        if (i == 350) {
            fixture_close(&f);
            fixture_open(&f);
        }
        EXPECT_EQ(WEFT_OK, weft_state_audit_root(f.state, at, &got, &f.msg));
        EXPECT_MEM(made.bytes, got.bytes, WEFT_DIGEST_SIZE);
    }
    weft_buffer_destroy(&log);
    fixture_destroy(&f);
}

TEST(state_audit, replicas_have_one_root_whatever_the_batches_and_restarts)
{
    struct fixture plain, other;
    fixture_init(&plain, "plain");
    fixture_init(&other, "other");
    fixture_open(&plain);
    fixture_open(&other);
    while (plain.index < HISTORY) {
        uint64_t until = plain.index + 1 + test_random(60);
        fixture_replay(&plain, until, 1, true);
        fixture_replay(&other, until, 1 + (uint32_t)test_random(40), false);
        if (test_random(2) == 0) {
            fixture_close(&other);
            fixture_open(&other);
        }
        struct weft_merkle_head a = weft_state_audit(plain.state),
                                b = weft_state_audit(other.state);
        EXPECT_EQ(a.size, b.size);
        EXPECT_MEM(a.root.bytes, b.root.bytes, WEFT_DIGEST_SIZE);
    }
    struct weft_digest_result x = fixture_digest(&plain), y = fixture_digest(&other);
    EXPECT_EQ(x.keys, y.keys);
    EXPECT_MEM(x.digest.bytes, y.digest.bytes, WEFT_DIGEST_SIZE);
    fixture_destroy(&plain);
    fixture_destroy(&other);
}

/* --- what leaves say ------------------------------------------------------------------------- */

static struct weft_audit_leaf last_leaf(struct fixture *f, struct weft_buffer *log)
{
    struct weft_audit_reader reader;
    struct weft_audit_leaf leaf;
    uint64_t size = weft_state_audit(f->state).size;
    weft_audit_reader_init(&reader, f->state->store, NULL);
    weft_buffer_clear(log);
    EXPECT_TRUE(size > 0);
    EXPECT_EQ(WEFT_OK, weft_audit_read_leaves(&reader, size - 1, 1, log, &f->msg));
    weft_audit_reader_close(&reader);
    EXPECT_EQ(WEFT_OK,
        weft_audit_leaf_parse(
            (struct weft_text){(const char *)log->data + 2, log->size - 2}, &leaf, &f->msg));
    return leaf;
}

TEST(state_audit, a_commit_has_one_leaf_of_digests_alone)
{
    struct fixture f;
    struct weft_buffer log = {.size_max = 1 << 20};
    fixture_init(&f, "state");
    fixture_open(&f);
    const struct weft_record records[] = {fixture_record("serial:1"), fixture_record("serial:2")};
    const struct weft_applied_item *item = fixture_commit(&f, 1, records, 2);
    struct weft_audit_leaf leaf = last_leaf(&f, &log);
    EXPECT_EQ(0, leaf.number);
    EXPECT_EQ(1, leaf.index);
    EXPECT_EQ(f.time_ns, leaf.time_ns);
    EXPECT_TRUE(weft_text_is(leaf.act, "commit"));
    EXPECT_EQ(2, leaf.count);
    EXPECT_EQ(1, leaf.evidence_count);
    struct weft_digest a = item->result.receipts[0].digest, b = item->result.receipts[1].digest;
    a = weft_merkle_leaf(a.bytes, WEFT_DIGEST_SIZE);
    b = weft_merkle_leaf(b.bytes, WEFT_DIGEST_SIZE);
    struct weft_digest root = weft_merkle_node(&a, &b);
    EXPECT_MEM(root.bytes, leaf.evidence[0].bytes, WEFT_DIGEST_SIZE);
    EXPECT_EQ(0, leaf.subject.size);
    EXPECT_TRUE(memmem(log.data, log.size, "serial", 6) == NULL);
    EXPECT_TRUE(memmem(log.data, log.size, "person", 6) == NULL);
    /* Who asks twice has one leaf; what is refused for its content has none. */
    EXPECT_TRUE(fixture_commit(&f, 1, records, 2)->result.repeated);
    struct weft_record stale = fixture_record("serial:1");
    stale.has_expect = true;
    EXPECT_EQ(WEFT_ECONFLICT, fixture_commit(&f, 2, &stale, 1)->err);
    EXPECT_EQ(1, weft_state_audit(f.state).size);
    weft_buffer_destroy(&log);
    fixture_destroy(&f);
}

TEST(state_audit, one_principal_has_one_pseudonym_which_its_salt_alone_opens)
{
    struct weft_digest secret = {{1}}, other_secret = {{2}};
    struct weft_digest a = weft_audit_actor(&secret, WEFT_TEXT("acme.example/plant1/op/jo"));
    struct weft_digest b = weft_audit_actor(&secret, WEFT_TEXT("acme.example/plant1/op/jo"));
    struct weft_digest c = weft_audit_actor(&secret, WEFT_TEXT("acme.example/plant1/op/joe"));
    struct weft_digest d = weft_audit_actor(&other_secret, WEFT_TEXT("acme.example/plant1/op/jo"));
    EXPECT_MEM(a.bytes, b.bytes, WEFT_DIGEST_SIZE);
    EXPECT_TRUE(!weft_digest_equal(&a, &c));
    EXPECT_TRUE(!weft_digest_equal(&a, &d));
}

static void refuse(
    struct fixture *f, int64_t time_ns, const char *who, const char *statement, uint64_t count);

/* However many there are: pseudonyms that were worked out are remembered, of some. */
TEST(state_audit, each_leaf_has_its_own_principals_pseudonym)
{
    enum {
        PERSONS = 150,
        LEAVES = 600
    };
    unsigned persons[LEAVES];
    char who[64];
    struct fixture f;
    struct weft_audit_reader reader;
    struct weft_audit_head head;
    struct weft_buffer log = {.size_max = 1 << 20};
    fixture_init(&f, "state");
    fixture_open(&f);
    for (unsigned i = 0; i <= LEAVES; i++) { /* Each makes a leaf of the one before. */
        persons[i % LEAVES] = i < LEAVES ? (unsigned)test_random(PERSONS) : persons[0];
        (void)snprintf(who, sizeof(who), "acme.example/plant1/op/%u", persons[i % LEAVES]);
        refuse(&f, INT64_C(1700000000) * (i + 1), who, "night", 1);
        if (i == LEAVES / 2) {
            uint64_t index = f.index;
            fixture_close(&f);
            fixture_open(&f);
            f.index = index;
        }
    }
    EXPECT_EQ(LEAVES, read_log(&f, &reader, &head, &log));
    weft_audit_reader_close(&reader);
    struct weft_bytes rest = {log.data, log.size}, bytes;
    for (unsigned i = 0; i < LEAVES; i++) {
        struct weft_audit_leaf leaf;
        EXPECT_EQ(WEFT_OK, weft_bundle_next(&rest, &bytes));
        struct weft_text text = {(const char *)bytes.data, bytes.size};
        EXPECT_EQ(WEFT_OK, weft_audit_leaf_parse(text, &leaf, &f.msg));
        (void)snprintf(who, sizeof(who), "acme.example/plant1/op/%u", persons[i]);
        struct weft_digest actor = weft_audit_actor(&head.secret, weft_text_of(who));
        EXPECT_MEM(actor.bytes, leaf.actor.bytes, WEFT_DIGEST_SIZE);
    }
    weft_buffer_destroy(&log);
    fixture_destroy(&f);
}

TEST(state_audit, a_change_of_members_has_a_leaf)
{
    static const char configuration[] = "three members";
    struct fixture f;
    struct weft_buffer log = {.size_max = 1 << 20};
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_log_entry entry = {.index = 1,
        .term = 1,
        .type = WEFT_ENTRY_CHANGE,
        .data = {(const uint8_t *)configuration, sizeof(configuration)}};
    EXPECT_EQ(WEFT_OK,
        weft_state_apply(f.state, &entry, 1, true, &f.arena, &f.items, &f.item_count, &f.msg));
    struct weft_audit_leaf leaf = last_leaf(&f, &log);
    struct weft_digest digest = weft_sha256(configuration, sizeof(configuration));
    EXPECT_TRUE(weft_text_is(leaf.act, "members"));
    EXPECT_TRUE(!leaf.has_actor);
    EXPECT_MEM(digest.bytes, leaf.evidence[0].bytes, WEFT_DIGEST_SIZE);
    weft_buffer_destroy(&log);
    fixture_destroy(&f);
}

/* --- refusals -------------------------------------------------------------------------------- */

/* An entry in which `who` was refused `count` times, applied beside the state. */
static void refuse(
    struct fixture *f, int64_t time_ns, const char *who, const char *statement, uint64_t count)
{
    const uint8_t seed[WEFT_SALT_SEED_SIZE] = {7};
    struct weft_state *s = f->state;
    const struct weft_audit_entry entry = {
        .term = 1, .index = ++f->index, .time_ns = time_ns, .seed = seed};
    const struct weft_audit_act act = {.act = "commit.write",
        .principal = weft_text_of(who),
        .effect = WEFT_AUDIT_DENY,
        .statement = weft_text_of(statement),
        .version = 3,
        .line = 12,
        .count = 1};
    EXPECT_EQ(WEFT_OK, weft_audit_begin(s->audit, &entry, s->batch, &f->msg));
    for (uint64_t i = 0; i < count; i++) {
        EXPECT_EQ(WEFT_OK, weft_audit_count(s->audit, &act, s->batch, &f->msg));
    }
    weft_audit_end(s->audit, s->batch);
    weft_audit_put(s->audit, s->batch);
    EXPECT_EQ(WEFT_OK, weft_store_write(s->store, s->batch, &f->msg));
}

TEST(state_audit, refusals_are_counted_exactly_for_each_second_principal_and_statement)
{
    const int64_t second = INT64_C(1000000000), t = INT64_C(1700000000) * second;
    struct fixture f;
    struct weft_buffer log = {.size_max = 1 << 20};
    fixture_init(&f, "state");
    fixture_open(&f);
    refuse(&f, t, "a", "night", 3);
    refuse(&f, t + 5, "b", "night", 1);
    refuse(&f, t + second - 1, "a", "night", 4);
    refuse(&f, t + second - 1, "a", "", 2);
    EXPECT_EQ(0, weft_state_audit(f.state).size); /* The second is not over. */
    fixture_close(&f);
    fixture_open(&f);
    f.index = 4;
    refuse(&f, t + second, "a", "night", 1);
    EXPECT_EQ(3, weft_state_audit(f.state).size);
    struct weft_audit_leaf leaf = last_leaf(&f, &log);
    EXPECT_EQ(2, leaf.count);
    EXPECT_EQ(WEFT_AUDIT_DENY, leaf.effect);
    EXPECT_EQ(0, leaf.statement.size);
    EXPECT_TRUE(weft_text_is(leaf.subject, "2023-11-14T22:13:20Z"));
    struct weft_audit_reader reader;
    weft_audit_reader_init(&reader, f.state->store, NULL);
    weft_buffer_clear(&log);
    EXPECT_EQ(WEFT_OK, weft_audit_read_leaves(&reader, 0, 1, &log, &f.msg));
    weft_audit_reader_close(&reader);
    EXPECT_EQ(
        WEFT_OK, weft_audit_leaf_parse(
                     (struct weft_text){(const char *)log.data + 2, log.size - 2}, &leaf, &f.msg));
    EXPECT_EQ(7, leaf.count);
    EXPECT_TRUE(weft_text_is(leaf.statement, "night"));
    EXPECT_EQ(12, leaf.line);
    weft_buffer_destroy(&log);
    fixture_destroy(&f);
}

TEST(state_audit, no_refusal_is_lost_when_more_are_told_apart_than_are_kept)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    for (unsigned i = 0; i < 3 * WEFT_AUDIT_PENDING_MAX + 1; i++) {
        char who[32];
        (void)snprintf(who, sizeof(who), "person/%u", i);
        refuse(&f, INT64_C(1700000000000000000), who, "night", 1);
    }
    EXPECT_EQ(3 * WEFT_AUDIT_PENDING_MAX, weft_state_audit(f.state).size);
    fixture_destroy(&f);
}

/* --- states from before, and the check ------------------------------------------------------- */

static void forget(struct fixture *f, uint8_t from, uint8_t to)
{
    struct weft_key a = {1, {from}}, b = {1, {to}};
    weft_store_batch_forget(f->state->batch, &a, &b);
    EXPECT_EQ(WEFT_OK, weft_store_write(f->state->store, f->state->batch, &f->msg));
}

TEST(state_audit, the_log_of_an_older_state_begins_with_the_first_entry_applied)
{
    struct fixture f;
    struct weft_audit_reader reader;
    struct weft_audit_head head;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 100, 20, false);
    forget(&f, 'A', 'C');
    forget(&f, 'U', 'V');
    fixture_close(&f);
    struct weft_state_check check = {.directory = f.directory};
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &f.msg));
    fixture_open(&f);
    EXPECT_EQ(0, weft_state_audit(f.state).size);
    fixture_replay(&f, 200, 20, false);
    weft_audit_reader_init(&reader, f.state->store, NULL);
    EXPECT_EQ(WEFT_OK, weft_audit_read_head(&reader, &head, &f.msg));
    EXPECT_EQ(101, head.first_index);
    weft_audit_reader_close(&reader);
    fixture_close(&f);
    enum weft_err err = weft_state_check(&check, &f.msg);
    EXPECT_TEXT("", err == WEFT_OK ? "" : f.msg.text);
    fixture_destroy(&f);
}

static void expect_bad_check(struct fixture *f, const char *text)
{
    struct weft_state_check check = {.directory = f->directory};
    fixture_close(f);
    EXPECT_EQ(WEFT_ECORRUPT, weft_state_check(&check, &f->msg));
    if (strstr(f->msg.text, text) == NULL) {
        EXPECT_TEXT(text, f->msg.text);
    }
}

static void put(struct fixture *f, const struct weft_key *key, const void *value, size_t size)
{
    weft_store_batch_put(f->state->batch, key, value, size);
    EXPECT_EQ(WEFT_OK, weft_store_write(f->state->store, f->state->batch, &f->msg));
}

/* 0: a leaf says less; 1: a leaf is gone; 2: a tile differs; 3: the head; 4: leaves are gone with
 * what they are counted in. */
static void spoil(struct fixture *f, int how)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = how == 2   ? weft_key_audit_tile(0, 1)
                          : how == 3 ? weft_key_single(WEFT_KEY_AUDIT)
                                     : weft_key_audit_leaves(0);
    uint8_t bytes[WEFT_TILE_SIZE];
    EXPECT_EQ(WEFT_OK, weft_store_get(f->state->store, NULL, &key, &value, &f->msg));
    size_t size = value.bytes.size;
    EXPECT_TRUE(size <= sizeof(bytes));
    memcpy(bytes, value.bytes.data, size);
    weft_store_release(&value);
    if (how == 0) {
        char *digest = memmem(bytes, size, "evidence sha256:", 16);
        digest[20] = (char)(digest[20] == '0' ? '1' : '0');
    } else if (how == 2) {
        bytes[100] ^= 1;
    } else if (how == 3) {
        bytes[3 * 8 + WEFT_DIGEST_SIZE + 5] ^= 1;
    }
    if (how == 1) {
        struct weft_key end = key;
        end.bytes[8] = 1;
        weft_store_batch_forget(f->state->batch, &key, &end);
        EXPECT_EQ(WEFT_OK, weft_store_write(f->state->store, f->state->batch, &f->msg));
    } else if (how == 4) {
        forget(f, 'A', 'C');
        forget(f, 'U', 'V');
        struct weft_audit_head head = {.first_index = 1, .last_index = f->index};
        key = weft_key_single(WEFT_KEY_AUDIT);
        uint8_t empty[WEFT_AUDIT_HEAD_SIZE_MAX];
        put(f, &key, empty, weft_audit_head_encode(&head, empty));
    } else {
        put(f, &key, bytes, size);
    }
}

TEST(state_audit, the_check_finds_each_damage)
{
    static const char *const told[] = {"is of other records than those of", "is missing",
        "tiles of the audit log", "do not make the tree", "has no leaf of the commit of index"};
    for (int how = 0; how < 5; how++) {
        struct fixture f;
        char name[16];
        (void)snprintf(name, sizeof(name), "state%d", how);
        fixture_init(&f, name);
        fixture_open(&f);
        const struct weft_record record = fixture_record("serial:1");
        (void)fixture_commit(&f, 1, &record, 1);
        fixture_replay(&f, 300, 20, false);
        spoil(&f, how);
        expect_bad_check(&f, told[how]);
        fixture_destroy(&f);
    }
}

TEST(state_audit, a_head_has_one_encoding)
{
    static struct weft_audit_head head, again;
    uint8_t bytes[WEFT_AUDIT_HEAD_SIZE_MAX], twice[WEFT_AUDIT_HEAD_SIZE_MAX];
    head = (struct weft_audit_head){.first_index = 3, .last_index = 9, .second = -5};
    for (uint64_t i = 0; i < 11; i++) {
        struct weft_digest leaf = weft_merkle_leaf(&i, sizeof(i));
        EXPECT_EQ(WEFT_OK, weft_merkle_append(&head.range, &leaf));
    }
    head.pending_count = 2;
    head.pending[1] = (struct weft_audit_pending){
        .act = "commit", .statement = "night", .version = 3, .line = 4, .count = 5};
    size_t size = weft_audit_head_encode(&head, bytes);
    EXPECT_EQ(WEFT_OK, weft_audit_head_decode((struct weft_bytes){bytes, size}, &again));
    EXPECT_EQ(size, weft_audit_head_encode(&again, twice));
    EXPECT_MEM(bytes, twice, size);
    for (size_t cut = 0; cut < size; cut++) {
        EXPECT_EQ(WEFT_ECORRUPT, weft_audit_head_decode((struct weft_bytes){bytes, cut}, &again));
    }
}
