#include "proto/statement.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/record_json.h"
#include "proto/time.h"
#include "tests/lib/test.h"

static uint8_t seed[WEFT_SALT_SEED_SIZE];

static struct weft_statement_place place_of_vectors(void)
{
    struct weft_statement_place place = {
        .authority = WEFT_TEXT("oem.example/plant1"),
        .authority_epoch = 1,
        .index = 123,
        .ordinal = 2,
        .time_ns = 1767323045678000000, /* 2026-01-02T03:04:05.678Z */
        .salt_seed = seed,
    };
    for (size_t i = 0; i < sizeof(seed); i++) {
        seed[i] = (uint8_t)i;
    }
    return place;
}

static void expect_digest(const char *expected_hex, const struct weft_digest *digest)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    EXPECT_TEXT(expected_hex, text + strlen("sha256:"));
}

static struct weft_digest digest_of(
    const struct weft_record *record, const struct weft_statement_place *place)
{
    struct weft_arena arena = {.size_max = 64 * 1024 * 1024};
    struct weft_digest digest;
    EXPECT_EQ(WEFT_OK, weft_statement_digest(record, place, &arena, NULL, &digest));
    weft_arena_destroy(&arena);
    return digest;
}

/* Vectors printed by golden_statement.py --vectors. They never change: partners compare
 * them (PRO-4). */
TEST(statement, bare_record_has_its_golden_digest)
{
    struct weft_statement_place place = place_of_vectors();
    struct weft_arena arena = {.size_max = 1024 * 1024};
    struct weft_record record = {
        .kind = WEFT_TEXT("note"),
        .asset = WEFT_TEXT("a"),
        .author = WEFT_TEXT("oem.example/plant1/op/ann"),
        .has_at = true,
        .at_ns = place.time_ns,
    };
    struct weft_digest root, digest;
    EXPECT_EQ(WEFT_OK, weft_statement_digest(&record, &place, &arena, &root, &digest));
    expect_digest("f5a85d9e2db90ff9c85c5ecc3dd025cb8a0d399b5736d2fe6652b57873e059ec", &root);
    expect_digest("dd982c426b34456b3f1fd3a276c24b565d7104635b9d94966ce96b5a9dd44a56", &digest);
    weft_arena_destroy(&arena);
}

/* Those without fields and links stand in the order of their paths already. */
TEST(statement, leaves_alone_are_those_under_its_root)
{
    struct weft_statement_place place = place_of_vectors();
    struct weft_arena arena = {.size_max = 1024 * 1024};
    const struct weft_field fields[] = {{WEFT_TEXT("b"), WEFT_TEXT("1"), WEFT_VALUE_INT},
        {WEFT_TEXT("a"), WEFT_TEXT("x"), WEFT_VALUE_TEXT}};
    const struct weft_link link = {.rel = WEFT_TEXT("of_lot"), .to = WEFT_TEXT("lot:1")};
    const struct weft_record record = {.kind = WEFT_TEXT("note"),
        .asset = WEFT_TEXT("a"),
        .has_at = true,
        .at_ns = place.time_ns,
        .fields = fields,
        .field_count = 2,
        .links = &link,
        .link_count = 1};
    struct weft_digest root, digest, leaves[2 + WEFT_LEAVES_RESERVED + 1];
    EXPECT_EQ(WEFT_OK, weft_statement_digest(&record, &place, &arena, &root, &digest));
    EXPECT_EQ(WEFT_OK, weft_statement_leaves(&record, &place, NULL, &arena, leaves));
    /* @at, @author, @link/0, @source, a, b */
    const struct weft_digest ordered[] = {
        leaves[2], leaves[3], leaves[5], leaves[4], leaves[1], leaves[0]};
    struct weft_digest again = weft_statement_root(ordered, 6);
    EXPECT_TRUE(weft_digest_equal(&root, &again));
    /* Any of them without the others. */
    for (uint32_t wanted = 0; wanted < 1u << 6; wanted++) {
        struct weft_digest some[6] = {{{0}}};
        const struct weft_digest none = {{0}};
        bool is_wanted[6];
        for (uint32_t i = 0; i < 6; i++) {
            is_wanted[i] = (wanted >> i & 1) != 0;
        }
        EXPECT_EQ(WEFT_OK, weft_statement_leaves(&record, &place, is_wanted, &arena, some));
        for (uint32_t i = 0; i < 6; i++) {
            EXPECT_TRUE(weft_digest_equal(&some[i], is_wanted[i] ? &leaves[i] : &none));
        }
    }
    weft_arena_destroy(&arena);
}

static const char inspection[] =
    "{\"kind\":\"inspection\",\"asset\":\"serial:box/7\",\"at\":\"2017-07-28T08:16:42Z\","
    "\"source\":\"qif:Box_Results.qif#7\",\"attrs\":{\"verdict\":\"FAIL\",\"flatness\":{"
    "\"value\":0.014,\"unit\":\"mm\",\"max\":0.010},\"operator\":\"op/17\",\"ok\":false,"
    "\"none\":null,\"many\":[1,{},[]]},\"links\":[{\"rel\":\"made_on\",\"to\":"
    "\"plant1/line2/mill-2\"},{\"rel\":\"uses_lot\",\"to\":\"lot:AL6061/22\",\"attrs\":"
    "{\"quantity\":2.50,\"Unit\":\"kg\"}}]}";

static struct weft_record inspection_record(struct weft_arena *arena)
{
    struct weft_record record;
    struct weft_json *tree;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_json_parse(weft_text_of(inspection), 1, arena, &tree, &msg));
    EXPECT_EQ(WEFT_OK, weft_record_from_json(tree, arena, &record, &msg));
    record.author = WEFT_TEXT("oem.example/plant1/op/ann");
    return record;
}

TEST(statement, inspection_has_its_golden_digest)
{
    struct weft_statement_place place = place_of_vectors();
    place.authority_epoch = 2;
    place.index = UINT64_MAX;
    memset(place.previous.bytes, 0xab, sizeof(place.previous.bytes));
    struct weft_arena arena = {.size_max = 1024 * 1024};
    struct weft_record record = inspection_record(&arena);
    struct weft_digest root, digest;
    EXPECT_EQ(WEFT_OK, weft_statement_digest(&record, &place, &arena, &root, &digest));
    expect_digest("15bbad12aaed933b6e3789a08b312c8390cc522665fda2682d96cae7309fe8ba", &root);
    expect_digest("3e3df225e15c343dbcf024fdb8619e022b67ff30fbfb519ee7acf0f7832f3cbe", &digest);
    weft_arena_destroy(&arena);
}

TEST(statement, order_of_fields_does_not_matter_and_order_of_links_does)
{
    struct weft_statement_place place = place_of_vectors();
    struct weft_arena arena = {.size_max = 1024 * 1024};
    struct weft_record record = inspection_record(&arena);
    struct weft_digest before = digest_of(&record, &place);
    struct weft_field *fields = weft_arena_array(&arena, record.field_count, sizeof(*fields));
    for (uint32_t i = 0; i < record.field_count; i++) {
        fields[i] = record.fields[record.field_count - 1 - i];
    }
    record.fields = fields;
    struct weft_digest after = digest_of(&record, &place);
    EXPECT_TRUE(weft_digest_equal(&before, &after));

    struct weft_link swapped[2] = {record.links[1], record.links[0]};
    record.links = swapped;
    after = digest_of(&record, &place);
    EXPECT_TRUE(!weft_digest_equal(&before, &after));
    weft_arena_destroy(&arena);
}

TEST(statement, everything_stated_is_in_the_digest)
{
    struct weft_statement_place place = place_of_vectors();
    struct weft_arena arena = {.size_max = 1024 * 1024};
    enum {
        CHANGES = 16
    };
    struct weft_digest digests[CHANGES];
    for (int change = 0; change < CHANGES; change++) {
        struct weft_record record = inspection_record(&arena);
        struct weft_statement_place p = place;
        uint8_t other_seed[WEFT_SALT_SEED_SIZE] = {1};
        struct weft_field fields[16];
        memcpy(fields, record.fields, record.field_count * sizeof(*fields));
        struct weft_link links[2] = {record.links[0], record.links[1]};
        record.fields = fields;
        record.links = links;
        switch (change) {
        case 0:
            break;
        case 1:
            record.kind = WEFT_TEXT("inspections");
            break;
        case 2:
            record.asset = WEFT_TEXT("serial:box/8");
            break;
        case 3:
            record.source = WEFT_TEXT("");
            break;
        case 4:
            record.author = WEFT_TEXT("oem.example/plant1/op/bo");
            break;
        case 5:
            record.at_ns++;
            break;
        case 6:
            fields[0].value = WEFT_TEXT("PASS");
            break;
        case 7:
            fields[0].type = WEFT_VALUE_NULL;
            break;
        case 8:
            links[0].to = WEFT_TEXT("plant1/line2/mill-3");
            break;
        case 9:
            record.link_count = 1;
            break;
        case 10:
            p.authority = WEFT_TEXT("oem.example/plant2");
            break;
        case 11:
            p.authority_epoch++;
            break;
        case 12:
            p.index++;
            break;
        case 13:
            p.time_ns++;
            break;
        case 14:
            p.previous.bytes[31] = 1;
            break;
        default:
            p.salt_seed = other_seed;
            break;
        }
        digests[change] = digest_of(&record, &p);
        for (int other = 0; other < change; other++) {
            EXPECT_TRUE(!weft_digest_equal(&digests[other], &digests[change]));
        }
    }
    weft_arena_destroy(&arena);
}

TEST(statement, a_withheld_field_is_replaced_by_its_leaf_alone)
{
    /* A partner who is shown only the second of three fields rebuilds the root from that field,
     * its salt and the other leaves: by hand, with the functions that partners use. */
    struct weft_statement_place place = place_of_vectors();
    struct weft_arena arena = {.size_max = 1024 * 1024};
    struct weft_field fields[2] = {
        {WEFT_TEXT("b"), WEFT_TEXT("2"), WEFT_VALUE_INT},
        {WEFT_TEXT("a"), WEFT_TEXT("1"), WEFT_VALUE_INT},
    };
    struct weft_record record = {.kind = WEFT_TEXT("note"),
        .asset = WEFT_TEXT("x"),
        .author = WEFT_TEXT("ann"),
        .has_at = true,
        .at_ns = 0,
        .fields = fields,
        .field_count = 2};
    struct weft_digest leaves[5], root, digest, rebuilt;
    EXPECT_EQ(WEFT_OK, weft_statement_digest(&record, &place, &arena, &root, &digest));
    const struct weft_field sorted[5] = {
        {WEFT_TEXT("@at"), WEFT_TEXT("1970-01-01T00:00:00Z"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("@author"), WEFT_TEXT("ann"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("@source"), WEFT_TEXT(""), WEFT_VALUE_NULL},
        fields[1],
        fields[0],
    };
    for (uint32_t i = 0; i < 5; i++) {
        struct weft_salt salt = weft_statement_salt(seed, place.ordinal, i);
        leaves[i] = weft_statement_leaf(&salt, sorted[i].path, sorted[i].type, sorted[i].value);
    }
    rebuilt = weft_statement_root(leaves, 5);
    EXPECT_TRUE(weft_digest_equal(&root, &rebuilt));
    weft_arena_destroy(&arena);
}

TEST(statement, salts_are_different_for_each_leaf_record_and_entry)
{
    enum {
        SALTS = 64
    };
    struct weft_salt salts[SALTS];
    uint8_t other[WEFT_SALT_SEED_SIZE] = {9};
    (void)place_of_vectors();
    for (uint32_t i = 0; i < SALTS; i++) {
        salts[i] = weft_statement_salt(i % 2 == 0 ? seed : other, i / 32, i / 2 % 16);
        for (uint32_t j = 0; j < i; j++) {
            EXPECT_TRUE(memcmp(&salts[i], &salts[j], sizeof(salts[i])) != 0);
        }
    }
}

TEST(statement, subject_separates_its_parts)
{
    struct weft_digest a = weft_statement_subject(WEFT_TEXT("ab"), WEFT_TEXT("c"), WEFT_TEXT("d"));
    struct weft_digest b = weft_statement_subject(WEFT_TEXT("a"), WEFT_TEXT("bc"), WEFT_TEXT("d"));
    struct weft_digest c = weft_statement_subject(WEFT_TEXT("ab"), WEFT_TEXT("c"), WEFT_TEXT("d"));
    EXPECT_TRUE(!weft_digest_equal(&a, &b));
    EXPECT_TRUE(weft_digest_equal(&a, &c));
    expect_digest("febb2fc5e2b7f08feafc5d7b28689b27b3e76f20bc5503e74190d0964365d93d", &a);
}

TEST(statement, the_largest_record_is_digested)
{
    static struct weft_field fields[WEFT_RECORD_FIELDS_MAX];
    static struct weft_link links[WEFT_RECORD_LINKS_MAX];
    static char paths[WEFT_RECORD_FIELDS_MAX][16];
    static char value[WEFT_VALUE_SIZE_MAX];
    memset(value, 'v', sizeof(value));
    for (int i = 0; i < WEFT_RECORD_FIELDS_MAX; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "f%d", i);
        fields[i] = (struct weft_field){weft_text_of(paths[i]), {NULL, 0}, WEFT_VALUE_NULL};
    }
    fields[7].value = (struct weft_text){value, sizeof(value)};
    for (int i = 0; i < WEFT_RECORD_LINKS_MAX; i++) {
        links[i] = (struct weft_link){.rel = WEFT_TEXT("about"), .to = WEFT_TEXT("x")};
    }
    struct weft_record record = {.kind = WEFT_TEXT("note"),
        .asset = WEFT_TEXT("x"),
        .has_at = true,
        .fields = fields,
        .field_count = WEFT_RECORD_FIELDS_MAX,
        .links = links,
        .link_count = WEFT_RECORD_LINKS_MAX};
    struct weft_statement_place place = place_of_vectors();
    struct weft_digest a = digest_of(&record, &place);
    value[WEFT_VALUE_SIZE_MAX - 1] = 'w';
    struct weft_digest b = digest_of(&record, &place);
    EXPECT_TRUE(!weft_digest_equal(&a, &b));
}

TEST(statement, without_memory_it_says_so_and_gives_nothing)
{
    struct weft_statement_place place = place_of_vectors();
    struct weft_arena content = {.size_max = 1024 * 1024};
    struct weft_record record = inspection_record(&content);
    int failures = 0;
    for (size_t size_max = 0; size_max < 8192; size_max += 16) {
        struct weft_arena arena = {.size_max = size_max};
        struct weft_digest digest = {.bytes = {1}};
        enum weft_err err = weft_statement_digest(&record, &place, &arena, NULL, &digest);
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_ENOMEM);
        if (err != WEFT_OK) {
            failures++;
            EXPECT_EQ(1, digest.bytes[0]);
        }
        weft_arena_destroy(&arena);
    }
    EXPECT_TRUE(failures > 10 && failures < 512);
    weft_arena_destroy(&content);
}

/* --- RFC 6962 -------------------------------------------------------------------------------- */

/* The leaves of the reference tree that public test vectors are made from. */
static const struct weft_text reference_leaves[8] = {
    {"", 0},
    {"\x00", 1},
    {"\x10", 1},
    {"\x20\x21", 2},
    {"\x30\x31", 2},
    {"\x40\x41\x42\x43", 4},
    {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
    {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
};

static struct weft_digest reference_leaf(uint32_t i)
{
    uint8_t bytes[17] = {0};
    if (reference_leaves[i].size > 0) {
        memcpy(bytes + 1, reference_leaves[i].data, reference_leaves[i].size);
    }
    return weft_sha256(bytes, 1 + reference_leaves[i].size);
}

static struct weft_digest from_base64(struct weft_text text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct weft_digest digest = {{0}};
    uint32_t bits = 0, count = 0, used = 0;
    for (size_t i = 0; i < text.size && text.data[i] != '='; i++) {
        const char *digit = strchr(digits, text.data[i]);
        EXPECT_TRUE(digit != NULL);
        bits = bits << 6 | (uint32_t)(digit - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            EXPECT_TRUE(used < WEFT_DIGEST_SIZE);
            digest.bytes[used++] = (uint8_t)(bits >> count);
        }
    }
    EXPECT_EQ(WEFT_DIGEST_SIZE, used);
    return digest;
}

static long number_member(const struct weft_json *object, const char *name)
{
    return strtol(weft_json_get(object, name)->text.data, NULL, 10);
}

/* Size and root of the tree that a vector speaks of. */
static void check_vector(const char *path, const char *size_name, const char *root_name)
{
    char text[4096];
    FILE *f = fopen(path, "r");
    EXPECT_TRUE(f != NULL);
    size_t size = fread(text, 1, sizeof(text), f);
    (void)fclose(f);
    struct weft_arena arena = {.size_max = 1024 * 1024};
    struct weft_json *tree;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_json_parse((struct weft_text){text, size}, 1, &arena, &tree, &msg));
    long count = number_member(tree, size_name);
    EXPECT_TRUE(count >= 1 && count <= 8);
    struct weft_digest leaves[8], expected = from_base64(weft_json_get(tree, root_name)->text);
    for (uint32_t i = 0; i < (uint32_t)count; i++) {
        leaves[i] = reference_leaf(i);
    }
    struct weft_digest root = weft_statement_root(leaves, (uint32_t)count);
    EXPECT_TRUE(weft_digest_equal(&expected, &root));
    const struct weft_json *leaf = weft_json_get(tree, "leafHash");
    if (leaf != NULL) {
        expected = from_base64(leaf->text);
        EXPECT_TRUE(weft_digest_equal(&expected, &leaves[number_member(tree, "leafIdx")]));
    }
    weft_arena_destroy(&arena);
}

TEST(tree, has_the_roots_of_the_public_rfc_6962_vectors)
{
    static const char *const inclusion[] = {"0", "1", "2", "3", "4"};
    char directory[1024], path[1200];
    (void)snprintf(
        directory, sizeof(directory), "%s", test_data("vectors/merkle-rfc6962/testdata"));
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(
            path, sizeof(path), "%s/inclusion/%s/happy-path.json", directory, inclusion[i]);
        check_vector(path, "treeSize", "root");
    }
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(
            path, sizeof(path), "%s/consistency/%s/happy-path.json", directory, inclusion[i]);
        check_vector(path, "size1", "root1");
        check_vector(path, "size2", "root2");
    }
}

/* RFC 6962, 2.1, as it is written there: top down. */
static struct weft_digest root_by_definition(const struct weft_digest *leaves, uint32_t count)
{
    if (count == 1) {
        return leaves[0];
    }
    uint32_t k = 1;
    while (k * 2 < count) {
        k *= 2;
    }
    uint8_t bytes[65] = {1};
    struct weft_digest left = root_by_definition(leaves, k);
    struct weft_digest right = root_by_definition(leaves + k, count - k);
    memcpy(bytes + 1, left.bytes, 32);
    memcpy(bytes + 33, right.bytes, 32);
    return weft_sha256(bytes, sizeof(bytes));
}

TEST(tree, is_that_of_the_definition_at_every_size)
{
    enum {
        LEAVES = 300
    };
    static struct weft_digest leaves[LEAVES];
    for (uint32_t i = 0; i < LEAVES; i++) {
        leaves[i] = weft_sha256(&i, sizeof(i));
        struct weft_digest expected = root_by_definition(leaves, i + 1);
        struct weft_digest root = weft_statement_root(leaves, i + 1);
        EXPECT_TRUE(weft_digest_equal(&expected, &root));
    }
    struct weft_digest empty = weft_statement_root(leaves, 0), nothing = weft_sha256("", 0);
    EXPECT_TRUE(weft_digest_equal(&empty, &nothing));
}
