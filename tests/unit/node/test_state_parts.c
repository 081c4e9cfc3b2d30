/* Parts of the replicated state by themselves: globs and numbers, the window of request ids, the
 * filter of names, names, packs, and how many of them are read at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/condition.h"
#include "node/state/filter.h"
#include "node/state/loader.h"
#include "node/state/names.h"
#include "node/state/pack.h"
#include "node/state/requests.h"
#include "proto/arith.h"
#include "tests/lib/test.h"

/* --- globs ----------------------------------------------------------------------------------- */

static bool fits(const char *glob, const char *text)
{
    return weft_glob_fits(weft_text_of(glob), weft_text_of(text));
}

TEST(condition, fits_globs_as_their_definition_says)
{
    EXPECT_TRUE(fits("", "anything"));
    EXPECT_TRUE(fits("*", ""));
    EXPECT_TRUE(fits("lot:?", "lot:1"));
    EXPECT_TRUE(!fits("lot:?", "lot:"));
    EXPECT_TRUE(!fits("lot:?", "lot:12"));
    EXPECT_TRUE(fits("*:*/*", "lot:AL6061/22"));
    EXPECT_TRUE(!fits("*:*/", "lot:AL6061/22"));
    EXPECT_TRUE(fits("a*b*c", "a--b--b--c"));
    EXPECT_TRUE(!fits("a*b*c", "a--b--b--"));
    EXPECT_TRUE(fits("**", "x"));
    EXPECT_TRUE(!fits("lot", "lo"));
    EXPECT_TRUE(!fits("lot", "lots"));
}

/* Patterns that make a careless matcher take time exponential in their stars. */
TEST(condition, takes_no_more_than_the_product_of_sizes)
{
    char glob[256], text[256];
    for (int i = 0; i < 254; i++) {
        glob[i] = i % 2 == 0 ? '*' : 'a';
        text[i] = 'a';
    }
    glob[253] = 'b';
    EXPECT_TRUE(!weft_glob_fits((struct weft_text){glob, 254}, (struct weft_text){text, 254}));
}

TEST(condition, knows_what_all_that_fits_starts_with)
{
    EXPECT_EQ(4, weft_glob_prefix(WEFT_TEXT("lot:*")).size);
    EXPECT_EQ(0, weft_glob_prefix(WEFT_TEXT("?ot")).size);
    EXPECT_EQ(3, weft_glob_prefix(WEFT_TEXT("lot")).size);
}

/* --- numbers --------------------------------------------------------------------------------- */

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

TEST(condition, compares_numbers_exactly)
{
    static const struct {
        const char *a, *b;
        int order;
    } cases[] = {
        {"0", "-0", 0},
        {"0", "0.000", 0},
        {"0e99", "-0.0", 0},
        {"1.50", "15e-1", 0},
        {"100", "1E2", 0},
        {"0.001", "1e-3", 0},
        {"9007199254740993", "9007199254740992", 1},
        {"9223372036854775807", "9223372036854775806", 1},
        {"-9223372036854775808", "-9223372036854775807", -1},
        {"0.1", "0.10000000000000000000000000000000000001", -1},
        {"1e300", "9.99e299", 1},
        {"-1e-300", "0", -1},
        {"1e-300", "0", 1},
        {"-2", "1", -1},
        {"-2", "-3", 1},
        {"10", "9", 1},
        {"99", "100", -1},
        {"0.09", "0.1", -1},
        {"123.456", "123.4560", 0},
        {"12e0", "1.2e1", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_text a = weft_text_of(cases[i].a), b = weft_text_of(cases[i].b);
        EXPECT_EQ(cases[i].order, sign(weft_number_compare(a, b)));
        EXPECT_EQ(-cases[i].order, sign(weft_number_compare(b, a)));
    }
}

TEST(condition, agrees_with_long_double_where_that_is_exact)
{
    for (int i = 0; i < 20000; i++) {
        char a[40], b[40];
        long x = (long)test_random(4000) - 2000, y = (long)test_random(4000) - 2000;
        int shift = (int)test_random(3);
        (void)snprintf(a, sizeof(a), "%ld.%02lde%d", x / 100, labs(x % 100), shift);
        (void)snprintf(b, sizeof(b), "%ld.%02ld", y / 100, labs(y % 100));
        /* "-0.05" loses its sign in x / 100 */
        long double p = strtold(a, NULL), q = strtold(b, NULL);
        int order = (p > q + 1e-9L) - (p < q - 1e-9L);
        EXPECT_EQ(order, sign(weft_number_compare(weft_text_of(a), weft_text_of(b))));
    }
}

TEST(condition, knows_a_number_from_what_only_looks_like_one)
{
    static const char *const good[] = {"0", "-0", "10", "1.5", "1e5", "-1.25E-7", "0.0"};
    static const char *const bad[] = {
        "", "-", "01", "1.", ".5", "1e", "1e+", "+1", "1 ", "0x1", "NaN", "1,5", "--1", "1e5.0"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT_TRUE(weft_number_is_valid(weft_text_of(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_number_is_valid(weft_text_of(bad[i])));
    }
}

static bool holds(
    enum weft_operator op, const char *asked, enum weft_value_type type, const char *value)
{
    struct weft_query query = {
        .where_path = WEFT_TEXT("p"), .where_op = op, .where_value = weft_text_of(asked)};
    struct weft_condition condition;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_condition_init(&query, &condition, &msg));
    return weft_condition_holds(&condition, type, weft_text_of(value));
}

TEST(condition, compares_numbers_as_numbers_and_texts_as_texts)
{
    EXPECT_TRUE(holds(WEFT_OP_LT, "10", WEFT_VALUE_INT, "9"));
    EXPECT_TRUE(!holds(WEFT_OP_LT, "10", WEFT_VALUE_TEXT, "9"));
    EXPECT_TRUE(holds(WEFT_OP_EQ, "1.0", WEFT_VALUE_INT, "1"));
    EXPECT_TRUE(!holds(WEFT_OP_EQ, "1.0", WEFT_VALUE_TEXT, "1"));
    EXPECT_TRUE(holds(WEFT_OP_NE, "PASS", WEFT_VALUE_REAL, "1.5"));
    EXPECT_TRUE(!holds(WEFT_OP_LT, "PASS", WEFT_VALUE_REAL, "1.5"));
    EXPECT_TRUE(!holds(WEFT_OP_GE, "PASS", WEFT_VALUE_REAL, "1.5"));
    EXPECT_TRUE(holds(WEFT_OP_EQ, "true", WEFT_VALUE_BOOL, "true"));
    EXPECT_TRUE(holds(WEFT_OP_GLOB, "1?5", WEFT_VALUE_REAL, "1.5"));
    EXPECT_TRUE(holds(WEFT_OP_LE, "PASS", WEFT_VALUE_TEXT, "FAIL"));
    EXPECT_TRUE(holds(WEFT_OP_GT, "-1", WEFT_VALUE_INT, "0"));
}

/* --- request ids ----------------------------------------------------------------------------- */

struct window {
    struct weft_store *store;
    struct weft_store_batch *batch;
    struct weft_requests *requests;
    struct weft_msg msg;
};

static void open_window(struct window *w, const struct weft_request_window *window)
{
    char directory[600];
    bool created;
    (void)snprintf(directory, sizeof(directory), "%s/store", test_directory());
    const struct weft_store_options options = {
        .directory = directory, .cache_bytes = 8 << 20, .memtable_bytes = 8 << 20};
    EXPECT_EQ(WEFT_OK, weft_store_open(&options, &w->store, &created, &w->msg));
    w->batch = weft_store_batch_create();
    EXPECT_EQ(WEFT_OK, weft_requests_create(w->store, 77, window, &w->requests, &w->msg));
}

static void close_window(struct window *w)
{
    weft_requests_destroy(w->requests);
    weft_store_batch_destroy(w->batch);
    weft_store_close(w->store);
}

/* Request n was made in entry n / 100 + 1. */
static struct weft_request_id id_of(uint64_t n)
{
    struct weft_request_id id;
    weft_put_le64(id.bytes, n + 1);
    weft_put_le64(id.bytes + 8, n * 7);
    return id;
}

static void expect_known(struct window *w, uint64_t n, bool known)
{
    struct weft_request_id id = id_of(n);
    struct weft_request_place place;
    EXPECT_EQ(
        known ? WEFT_OK : WEFT_ENOTFOUND, weft_requests_find(w->requests, &id, &place, &w->msg));
    if (known) {
        EXPECT_EQ(n / 100 + 1, place.index);
        EXPECT_EQ(n % 100, place.first_ordinal);
        EXPECT_EQ(1, place.record_count);
    }
}

/* Both edges of the window, before and after it moves, and over restarts (NOD-106). */
TEST(requests, remembers_as_many_as_it_says_and_forgets_the_oldest)
{
    enum {
        TOTAL = WEFT_REQUESTS_KEPT + 2 * WEFT_REQUESTS_SLACK + 70000,
        PER_ENTRY = 100,
        PER_BATCH = 20000,
    };
    struct window w;
    struct weft_request_window window = {0, 0};
    int moves = 0;
    open_window(&w, &window);
    for (uint64_t n = 0; n < TOTAL; n++) {
        struct weft_request_id id = id_of(n);
        const struct weft_request_place place = {n / PER_ENTRY + 1, (uint32_t)(n % PER_ENTRY), 1};
        EXPECT_EQ(WEFT_OK, weft_requests_add(w.requests, &id, &place));
        if (n % PER_ENTRY == PER_ENTRY - 1) {
            EXPECT_EQ(WEFT_OK, weft_requests_end_entry(w.requests, w.batch));
        }
        if (n % PER_BATCH == PER_BATCH - 1) {
            expect_known(&w, n, true); /* not yet written */
            EXPECT_EQ(WEFT_OK, weft_store_write(w.store, w.batch, &w.msg));
            weft_requests_settle(w.requests);
            const struct weft_request_window *now = weft_requests_window(w.requests);
            EXPECT_EQ(n + 1, now->next);
            EXPECT_TRUE(n < WEFT_REQUESTS_KEPT || now->next - now->oldest >= WEFT_REQUESTS_KEPT);
            EXPECT_TRUE(
                now->next - now->oldest <= WEFT_REQUESTS_KEPT + WEFT_REQUESTS_SLACK + PER_ENTRY);
            moves += now->oldest != window.oldest;
            window = *now;
            expect_known(&w, n, true);
            expect_known(&w, n + 1, false);
            expect_known(&w, window.oldest, true);
            if (window.oldest > 0) {
                expect_known(&w, window.oldest - 1, false);
                expect_known(&w, 0, false);
            }
        }
    }
    EXPECT_TRUE(moves >= 2);
    EXPECT_EQ(0, window.oldest % PER_ENTRY);
    close_window(&w);
    open_window(&w, &window);
    expect_known(&w, window.oldest, true);
    expect_known(&w, window.oldest - 1, false);
    expect_known(&w, window.next - 1, true);
    for (int i = 0; i < 1000; i++) {
        expect_known(&w, window.oldest + test_random(window.next - window.oldest), true);
        expect_known(&w, window.next + test_random(1000000), false);
    }
    close_window(&w);
    /* A window that says other than the keys is damage. */
    window.next++;
    char directory[600];
    bool created;
    (void)snprintf(directory, sizeof(directory), "%s/store", test_directory());
    const struct weft_store_options options = {
        .directory = directory, .cache_bytes = 8 << 20, .memtable_bytes = 8 << 20};
    EXPECT_EQ(WEFT_OK, weft_store_open(&options, &w.store, &created, &w.msg));
    EXPECT_EQ(WEFT_ECORRUPT, weft_requests_create(w.store, 77, &window, &w.requests, &w.msg));
    weft_store_close(w.store);
}

/* --- the filter of names --------------------------------------------------------------------- */

static uint64_t hash_of(uint64_t n)
{
    return weft_name_hash(12345, &n, sizeof(n));
}

TEST(filter, never_denies_what_it_holds_and_seldom_claims_what_it_does_not)
{
    enum {
        NAMES = 3000000
    }; /* into the second segment */
    struct weft_filter filter = {.count = 0};
    int claimed = 0;
    EXPECT_TRUE(!weft_filter_may_hold(&filter, hash_of(1)));
    for (uint64_t n = 0; n < NAMES; n++) {
        weft_filter_add(&filter, hash_of(n));
    }
    for (uint64_t n = 0; n < NAMES; n += 7) {
        EXPECT_TRUE(weft_filter_may_hold(&filter, hash_of(n)));
    }
    for (uint64_t n = NAMES; n < NAMES + 100000; n++) {
        claimed += weft_filter_may_hold(&filter, hash_of(n));
    }
    EXPECT_TRUE(!filter.is_full);
    EXPECT_TRUE(claimed > 0 && claimed < 3000);
    weft_filter_destroy(&filter);
}

TEST(filter, says_perhaps_to_all_once_it_is_full)
{
    struct weft_filter filter = {.count = WEFT_FILTER_NAMES_MAX};
    weft_filter_add(&filter, hash_of(1));
    EXPECT_TRUE(filter.is_full);
    EXPECT_TRUE(weft_filter_may_hold(&filter, hash_of(2)));
    weft_filter_destroy(&filter);
}

/* --- names ----------------------------------------------------------------------------------- */

/* Shorter and longer than what the cache keeps. */
static struct weft_text name_of(uint32_t n, char text[96])
{
    int size = snprintf(text, 96, "urn:name:%u:%.*s", n, (int)(n % 80),
        "................................................................................");
    return (struct weft_text){text, (size_t)size};
}

/* In applies of a few names, of which some are changed: what is found is what was put last,
 * whether table, cache or store has it. The cache is far too small for all. */
TEST(names, are_what_was_put_last_whoever_has_them)
{
    enum {
        NAMES = 400,
        APPLIES = 3000,
        PER_APPLY = 20,
        CACHE_BYTES = 64 * 128,
    };
    static struct weft_head heads[NAMES];
    static char texts[PER_APPLY][96];
    char directory[600];
    bool created;
    struct weft_store *store;
    struct weft_names *names;
    struct weft_msg msg;
    uint64_t known = 0;
    (void)snprintf(directory, sizeof(directory), "%s/store", test_directory());
    const struct weft_store_options options = {
        .directory = directory, .cache_bytes = 8 << 20, .memtable_bytes = 8 << 20};
    EXPECT_EQ(WEFT_OK, weft_store_open(&options, &store, &created, &msg));
    struct weft_store_batch *batch = weft_store_batch_create();
    EXPECT_EQ(WEFT_OK, weft_names_create(store, CACHE_BYTES, 0, 99, &names, &msg));
    for (uint64_t apply = 1; apply <= APPLIES; apply++) {
        for (uint32_t i = 0; i < PER_APPLY; i++) {
            uint32_t n = (uint32_t)test_random(test_random(4) == 0 ? NAMES : 40), place;
            struct weft_text text = name_of(n, texts[i]);
            weft_names_expect(names, text);
            EXPECT_EQ(WEFT_OK, weft_names_find(names, text, &place, &msg));
            struct weft_name *name = weft_names_at(names, place);
            EXPECT_EQ(heads[n].id, name->head.id);
            EXPECT_EQ(heads[n].rev, name->head.rev);
            if (test_random(3) == 0) {
                if (name->head.id == 0) {
                    name->head.id = ++known;
                    name->head.since = apply;
                    weft_names_is_new(names, name);
                }
                name->head.rev = apply;
                name->is_changed = true;
                heads[n] = name->head;
            }
        }
        for (uint32_t i = 0; i < weft_names_count(names); i++) {
            const struct weft_name *name = weft_names_at(names, i);
            uint8_t bytes[WEFT_HEAD_SIZE_MAX];
            struct weft_key key = weft_key_name(name->text);
            if (name->is_changed) {
                weft_store_batch_put(batch, &key, bytes, weft_head_encode(&name->head, bytes));
            }
        }
        EXPECT_EQ(WEFT_OK, weft_store_write(store, batch, &msg));
        weft_names_settle(names);
    }
    EXPECT_TRUE(known > NAMES / 2);
    weft_names_destroy(names);
    weft_store_batch_destroy(batch);
    weft_store_close(store);
}

/* --- packs ----------------------------------------------------------------------------------- */

/* Whatever bytes the disk gives, decoding ends in an error or in slices of those bytes. */
TEST(pack, survives_any_damage)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_buffer records = {.data = NULL}, value = {.data = NULL};
    const struct weft_field fields[] = {
        {WEFT_TEXT("flatness/value"), WEFT_TEXT("0.014"), WEFT_VALUE_REAL},
        {WEFT_TEXT("verdict"), WEFT_TEXT("FAIL"), WEFT_VALUE_TEXT}};
    const struct weft_link links[] = {
        {WEFT_TEXT("made_on"), WEFT_TEXT("plant1/line2/mill-2"), fields, 1}};
    const struct weft_record record = {.kind = WEFT_TEXT("inspection"),
        .asset = WEFT_TEXT("serial:box/7"),
        .author = WEFT_TEXT("person/17"),
        .has_at = true,
        .at_ns = 5,
        .fields = fields,
        .field_count = 2,
        .links = links,
        .link_count = 1};
    const struct weft_digest digest = {{1, 2, 3}};
    const uint8_t seed[WEFT_SALT_SEED_SIZE] = {9};
    uint32_t sizes[3];
    for (int i = 0; i < 3; i++) {
        size_t before = records.size;
        EXPECT_EQ(WEFT_OK, weft_stored_encode(&record, &digest, &records));
        sizes[i] = (uint32_t)(records.size - before);
    }
    EXPECT_EQ(WEFT_OK, weft_pack_begin(99, seed, sizes, 3, &value));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&value, records.data, records.size));
    int whole = 0, broken = 0;
    for (int i = 0; i < 60000; i++) {
        size_t size = test_random(4) == 0 ? test_random(value.size + 1) : value.size;
        uint8_t *copy = malloc(size + 1); /* its own block, so that ASan sees any step beyond */
        memcpy(copy, value.data, size);
        for (uint64_t n = i == 0 ? 0 : test_random(4); n > 0 && size > 0; n--) {
            copy[test_random(size)] = (uint8_t)test_random(256);
        }
        copy = realloc(copy, size > 0 ? size : 1);
        struct weft_pack pack;
        struct weft_bytes bytes;
        struct weft_digest got;
        struct weft_record decoded;
        bool good = weft_pack_open((struct weft_bytes){copy, size}, &pack) == WEFT_OK;
        for (uint32_t n = 0; good && n < pack.count; n++) {
            EXPECT_EQ(WEFT_OK, weft_pack_record(&pack, n, &bytes));
            enum weft_value_type type;
            struct weft_text text;
            (void)!weft_stored_field(bytes, WEFT_TEXT("verdict"), &type, &text);
            weft_arena_reset(&arena);
            good = weft_stored_decode(bytes, &arena, &got, &decoded) == WEFT_OK;
        }
        whole += good;
        broken += !good;
        free(copy);
    }
    EXPECT_TRUE(whole > 1000 && broken > 1000);
    weft_buffer_destroy(&records);
    weft_buffer_destroy(&value);
    weft_arena_destroy(&arena);
}

TEST(pack, gives_back_what_was_stored)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_buffer bytes = {.data = NULL};
    struct weft_record decoded;
    struct weft_digest digest = {{7}}, got;
    struct weft_stored_head head;
    enum weft_value_type type;
    struct weft_text value;
    const struct weft_field fields[] = {{WEFT_TEXT("a"), WEFT_TEXT(""), WEFT_VALUE_EMPTY_ARRAY},
        {WEFT_TEXT("b"), WEFT_TEXT("-1e400"), WEFT_VALUE_REAL}};
    const struct weft_record record = {.kind = WEFT_TEXT("test"),
        .asset = WEFT_TEXT("lot:1"),
        .source = WEFT_TEXT("mes:4"),
        .has_at = true,
        .at_ns = INT64_MIN,
        .fields = fields,
        .field_count = 2};
    EXPECT_EQ(WEFT_OK, weft_stored_encode(&record, &digest, &bytes));
    const struct weft_bytes stored = {bytes.data, bytes.size};
    EXPECT_EQ(WEFT_OK, weft_stored_decode(stored, &arena, &got, &decoded));
    EXPECT_MEM(digest.bytes, got.bytes, WEFT_DIGEST_SIZE);
    EXPECT_EQ(INT64_MIN, decoded.at_ns);
    EXPECT_TRUE(decoded.has_at && decoded.author.size == 0 && decoded.link_count == 0);
    EXPECT_TRUE(weft_text_is(decoded.source, "mes:4"));
    EXPECT_EQ(2, decoded.field_count);
    EXPECT_EQ(WEFT_OK, weft_stored_peek(stored, &head));
    EXPECT_TRUE(weft_text_is(head.asset, "lot:1") && weft_text_is(head.kind, "test"));
    EXPECT_EQ(WEFT_OK, weft_stored_field(stored, WEFT_TEXT("b"), &type, &value));
    EXPECT_TRUE(type == WEFT_VALUE_REAL && weft_text_is(value, "-1e400"));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_stored_field(stored, WEFT_TEXT("c"), &type, &value));
    weft_buffer_destroy(&bytes);
    weft_arena_destroy(&arena);
}

/* --- many at once ---------------------------------------------------------------------------- */

enum {
    PLACES = 600, /* Indexes; of two in three there are packs. */
    PACKS_MAX = 3,
    IN_PACK_MAX = 5,
};

struct shelf {
    struct weft_store *store;
    struct weft_ref refs[PLACES * PACKS_MAX * IN_PACK_MAX];
    uint32_t count;
};

/* A record that says where it stands. */
static size_t write_record(uint8_t *to, uint64_t index, uint32_t ordinal)
{
    size_t size = 12 + (index + ordinal) % 300;
    memset(to, 0xab, size);
    weft_put_be64(to, index);
    weft_put_be32(to + 8, ordinal);
    return size;
}

static void put_pack(
    struct shelf *s, struct weft_store_batch *batch, uint64_t index, uint32_t first, uint32_t count)
{
    uint8_t records[IN_PACK_MAX * 400];
    uint32_t sizes[IN_PACK_MAX];
    size_t size = 0;
    struct weft_buffer value = {.data = NULL};
    struct weft_key key = weft_key_records(index, first);
    for (uint32_t i = 0; i < count; i++) {
        sizes[i] = (uint32_t)write_record(records + size, index, first + i);
        size += sizes[i];
        s->refs[s->count++] =
            (struct weft_ref){.index = index, .ordinal = first + i, .first = first};
    }
    EXPECT_EQ(WEFT_OK, weft_pack_begin((int64_t)index * 10, NULL, sizes, count, &value));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&value, records, size));
    weft_store_batch_put(batch, &key, value.data, value.size);
    weft_buffer_destroy(&value);
}

/* Half of it in files, half in the memtable. */
static void fill_shelf(struct shelf *s, const char *name)
{
    char directory[600];
    bool created;
    struct weft_msg msg;
    (void)snprintf(directory, sizeof(directory), "%s/%s", test_directory(), name);
    const struct weft_store_options options = {
        .directory = directory, .cache_bytes = 8 << 20, .memtable_bytes = 8 << 20};
    EXPECT_EQ(WEFT_OK, weft_store_open(&options, &s->store, &created, &msg));
    struct weft_store_batch *batch = weft_store_batch_create();
    for (uint64_t index = 1; index <= PLACES; index++) {
        uint32_t first = 0;
        for (uint64_t packs = index % 3 == 0 ? 0 : 1 + test_random(PACKS_MAX); packs > 0; packs--) {
            uint32_t count = 1 + (uint32_t)test_random(IN_PACK_MAX);
            put_pack(s, batch, index, first, count);
            first += count;
        }
        if (index == PLACES / 2) {
            EXPECT_EQ(WEFT_OK, weft_store_write(s->store, batch, &msg));
            EXPECT_EQ(WEFT_OK, weft_store_flush(s->store, &msg));
        }
    }
    EXPECT_EQ(WEFT_OK, weft_store_write(s->store, batch, &msg));
    weft_store_batch_destroy(batch);
}

static int compare_keys(const void *a, const void *b)
{
    const struct weft_key *x = a, *y = b;
    return memcmp(x->bytes, y->bytes, WEFT_KEY_RECORDS_SIZE);
}

TEST(store, gives_many_keys_at_once_as_one_by_one)
{
    struct shelf *s = calloc(1, sizeof(*s));
    struct weft_msg msg;
    int found = 0, missing = 0;
    fill_shelf(s, "many");
    struct weft_store_snapshot *snapshot = weft_store_snapshot_create(s->store);
    for (int round = 0; round < 300; round++) {
        struct weft_key keys[WEFT_STORE_GETS_MAX];
        struct weft_store_value values[WEFT_STORE_GETS_MAX];
        uint32_t wanted = 1 + (uint32_t)test_random(WEFT_STORE_GETS_MAX), count = 0;
        for (uint32_t i = 0; i < wanted; i++) {
            keys[i] = weft_key_records(1 + test_random(PLACES), (uint32_t)test_random(4));
        }
        qsort(keys, wanted, sizeof(keys[0]), compare_keys);
        for (uint32_t i = 0; i < wanted; i++) {
            if (count == 0 || compare_keys(&keys[count - 1], &keys[i]) != 0) {
                keys[count++] = keys[i];
            }
        }
        EXPECT_EQ(WEFT_OK, weft_store_get_many(s->store, round % 2 == 0 ? snapshot : NULL, keys,
                               count, values, &msg));
        for (uint32_t i = 0; i < count; i++) {
            struct weft_store_value one = {.handle = NULL};
            bool is_there = weft_store_get(s->store, NULL, &keys[i], &one, &msg) == WEFT_OK;
            EXPECT_EQ(is_there, values[i].handle != NULL);
            EXPECT_EQ(one.bytes.size, values[i].bytes.size);
            EXPECT_TRUE(
                !is_there || memcmp(one.bytes.data, values[i].bytes.data, one.bytes.size) == 0);
            found += is_there;
            missing += !is_there;
            weft_store_release(&one);
            weft_store_release(&values[i]);
        }
    }
    EXPECT_TRUE(found > 1000 && missing > 1000);
    weft_store_snapshot_destroy(s->store, snapshot);
    weft_store_close(s->store);
    free(s);
}

TEST(store, steps_on_to_where_a_descent_leads)
{
    struct shelf *s = calloc(1, sizeof(*s));
    int moves = 0;
    fill_shelf(s, "steps");
    struct weft_store_walk *on = weft_store_walk_create(s->store, NULL, false);
    struct weft_store_walk *to = weft_store_walk_create(s->store, NULL, false);
    for (int round = 0; round < 100; round++) {
        uint64_t index = 1 + test_random(PLACES);
        struct weft_key key = weft_key_records(index, 0);
        weft_store_walk_to(on, &key);
        for (; weft_store_walk_is_at_key(on); moves++) {
            weft_store_walk_to(to, &key);
            EXPECT_TRUE(weft_store_walk_is_at_key(to));
            struct weft_bytes x = weft_store_walk_key(to), y = weft_store_walk_key(on);
            EXPECT_TRUE(x.size == y.size && memcmp(x.data, y.data, x.size) == 0);
            struct weft_bytes prefix = {key.bytes, 1 + WEFT_INDEX_SIZE};
            while (test_random(3) > 0 && weft_store_walk_is_below(on, prefix)) {
                weft_store_walk_next(on);
            }
            index += 1 + test_random(test_random(4) == 0 ? 40 : 3);
            key = weft_key_records(index, 0);
            weft_store_walk_on_to(on, &key);
        }
        weft_store_walk_to(to, &key);
        EXPECT_TRUE(!weft_store_walk_is_at_key(to));
    }
    EXPECT_TRUE(moves > 1000);
    weft_store_walk_destroy(on);
    weft_store_walk_destroy(to);
    weft_store_close(s->store);
    free(s);
}

/* In order and not, what was expected and what was not, and what is not there. */
TEST(loader, gives_what_is_there_whatever_was_expected)
{
    struct shelf *s = calloc(1, sizeof(*s));
    struct weft_msg msg;
    uint64_t read = 0;
    fill_shelf(s, "loader");
    for (int round = 0; round < 200; round++) {
        struct weft_ref refs[400];
        struct weft_loader loader;
        uint32_t from = (uint32_t)test_random(s->count), count = 1 + (uint32_t)test_random(400);
        for (uint32_t i = 0; i < count; i++) {
            bool is_next = round % 2 == 0 && test_random(8) > 0;
            from = is_next ? (from + 1) % s->count : (uint32_t)test_random(s->count);
            refs[i] = s->refs[from];
        }
        weft_loader_init(&loader, s->store, NULL);
        weft_loader_expect(&loader, refs, count);
        for (uint32_t i = 0; i < count; i++) {
            struct weft_bytes bytes;
            struct weft_ref ref = test_random(20) == 0 ? s->refs[test_random(s->count)] : refs[i];
            int64_t time_ns;
            uint8_t record[400];
            bool finds = test_random(20) == 0;
            EXPECT_EQ(WEFT_OK,
                finds ? weft_loader_find(&loader, ref.index, ref.ordinal, &bytes, &time_ns, &msg)
                      : weft_loader_get(&loader, &ref, &bytes, &time_ns, &msg));
            EXPECT_EQ(write_record(record, ref.index, ref.ordinal), bytes.size);
            EXPECT_MEM(record, bytes.data, bytes.size);
            EXPECT_EQ((int64_t)ref.index * 10, time_ns);
        }
        read += loader.loaded_bytes;
        refs[0] = (struct weft_ref){.index = 3, .ordinal = 1};
        struct weft_bytes bytes;
        int64_t time_ns;
        EXPECT_EQ(WEFT_ECORRUPT, weft_loader_get(&loader, &refs[0], &bytes, &time_ns, &msg));
        EXPECT_EQ(WEFT_ECORRUPT, weft_loader_find(&loader, 3, 1, &bytes, &time_ns, &msg));
        weft_loader_close(&loader);
    }
    EXPECT_TRUE(read > 0);
    weft_store_close(s->store);
    free(s);
}
