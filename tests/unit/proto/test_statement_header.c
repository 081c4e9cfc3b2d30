#include "proto/statement_header.h"

#include "proto/statement.h"
#include "tests/lib/test.h"

static struct weft_arena arena = {.size_max = 1 << 20};

static struct weft_statement_header header(void)
{
    static struct weft_digest basis[WEFT_BASIS_MAX + 1];
    for (unsigned i = 0; i <= WEFT_BASIS_MAX; i++) {
        basis[i].bytes[0] = (uint8_t)(i + 1);
    }
    return (struct weft_statement_header){
        .subject = {{1}},
        .kind = WEFT_TEXT("inspection"),
        .group = WEFT_TEXT("results/final"),
        .authority = WEFT_TEXT("oem.example/plant1"),
        .epoch = 3,
        .index = 1000,
        .ordinal = 7,
        .previous = {{2}},
        .time_ns = -5,
        .schema = WEFT_TEXT("dtmi:example:Inspection;1"),
        .basis = basis,
        .basis_count = 2,
        .leaf_count = 9,
        .root = {{3}},
    };
}

/* PRO-13 */
TEST(statement_header, comes_back_as_it_was_and_its_hash_is_the_digest)
{
    struct weft_statement_header h = header(), again;
    struct weft_buffer bytes = {0}, second = {0};
    EXPECT_EQ(WEFT_OK, weft_statement_header_encode(&h, &bytes));
    EXPECT_EQ(WEFT_OK,
        weft_statement_header_decode((struct weft_bytes){bytes.data, bytes.size}, &arena, &again));
    EXPECT_EQ(h.epoch, again.epoch);
    EXPECT_EQ(h.time_ns, again.time_ns);
    EXPECT_EQ(2, again.basis_count);
    EXPECT_MEM(h.basis, again.basis, 2 * sizeof(*h.basis));
    EXPECT_EQ(WEFT_OK, weft_statement_header_encode(&again, &second));
    EXPECT_EQ(bytes.size, second.size);
    EXPECT_MEM(bytes.data, second.data, bytes.size);
    struct weft_digest digest = weft_statement_header_digest(&h), expected;
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, "\x02", 1);
    weft_sha256_update(&hash, bytes.data, bytes.size);
    expected = weft_sha256_final(&hash);
    EXPECT_MEM(expected.bytes, digest.bytes, WEFT_DIGEST_SIZE);
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&second);
}

TEST(statement_header, cut_short_or_longer_is_none)
{
    struct weft_statement_header h = header();
    struct weft_buffer bytes = {0};
    EXPECT_EQ(WEFT_OK, weft_statement_header_encode(&h, &bytes));
    for (size_t size = 0; size < bytes.size; size++) {
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_statement_header_decode((struct weft_bytes){bytes.data, size}, &arena, &h));
    }
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&bytes, "", 1));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_statement_header_decode((struct weft_bytes){bytes.data, bytes.size}, &arena, &h));
    bytes.data[0] = 2;
    EXPECT_EQ(WEFT_EVERSION,
        weft_statement_header_decode((struct weft_bytes){bytes.data, bytes.size}, &arena, &h));
    weft_buffer_destroy(&bytes);
}

static enum weft_err encode(const struct weft_statement_header *h)
{
    struct weft_buffer bytes = {0};
    enum weft_err err = weft_statement_header_encode(h, &bytes);
    EXPECT_EQ(err == WEFT_OK, bytes.size > 0);
    weft_buffer_destroy(&bytes);
    return err;
}

TEST(statement_header, keeps_its_limits_from_both_sides)
{
    static char text[WEFT_PRINCIPAL_SIZE_MAX + 1];
    struct weft_statement_header h = header();
    memset(text, 'a', sizeof(text));
    h.kind = (struct weft_text){text, WEFT_KIND_SIZE_MAX};
    h.group = (struct weft_text){text, WEFT_PATH_SIZE_MAX};
    h.authority = (struct weft_text){text, WEFT_PRINCIPAL_SIZE_MAX};
    h.schema = (struct weft_text){text, WEFT_SCHEMA_SIZE_MAX};
    h.basis_count = WEFT_BASIS_MAX;
    h.leaf_count = WEFT_STATEMENT_LEAVES_MAX;
    EXPECT_EQ(WEFT_OK, encode(&h));
    struct weft_statement_header other = h;
    other.kind.size++;
    EXPECT_EQ(WEFT_ETOOBIG, encode(&other));
    other = h;
    other.group.size++;
    EXPECT_EQ(WEFT_ETOOBIG, encode(&other));
    other = h;
    other.authority.size++;
    EXPECT_EQ(WEFT_ETOOBIG, encode(&other));
    other = h;
    other.schema.size++;
    EXPECT_EQ(WEFT_ETOOBIG, encode(&other));
    other = h;
    other.basis_count++;
    EXPECT_EQ(WEFT_ETOOBIG, encode(&other));
    other = h;
    other.leaf_count++;
    EXPECT_EQ(WEFT_ETOOBIG, encode(&other));
}

TEST(statement_header, is_of_somebody_about_something)
{
    struct weft_statement_header h = header(), other = h;
    other.kind.size = 0;
    EXPECT_EQ(WEFT_EINVAL, encode(&other));
    other = h;
    other.authority.size = 0;
    EXPECT_EQ(WEFT_EINVAL, encode(&other));
    other = h;
    other.epoch = 0;
    EXPECT_EQ(WEFT_EINVAL, encode(&other));
    other = h;
    other.index = 0;
    EXPECT_EQ(WEFT_EINVAL, encode(&other));
    other = h;
    other.leaf_count = 0;
    EXPECT_EQ(WEFT_EINVAL, encode(&other));
    other = h;
    other.schema = WEFT_TEXT("\xff");
    EXPECT_EQ(WEFT_EMALFORMED, encode(&other));
}

TEST(statement_header, without_memory_says_so)
{
    struct weft_statement_header h = header();
    struct weft_buffer bytes = {0}, small = {.size_max = 100};
    struct weft_arena none = {.size_max = 16};
    EXPECT_EQ(WEFT_OK, weft_statement_header_encode(&h, &bytes));
    EXPECT_EQ(WEFT_ETOOBIG, weft_statement_header_encode(&h, &small));
    EXPECT_EQ(WEFT_ENOMEM,
        weft_statement_header_decode((struct weft_bytes){bytes.data, bytes.size}, &none, &h));
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&small);
    weft_arena_destroy(&none);
}

TEST(statement_header, opened_leaves_lead_to_the_root_of_the_statement)
{
    static const struct weft_field fields[] = {
        {WEFT_TEXT("b"), WEFT_TEXT("1"), WEFT_VALUE_INT},
        {WEFT_TEXT("a"), WEFT_TEXT("x"), WEFT_VALUE_TEXT},
    };
    static const struct weft_link links[] = {
        {WEFT_TEXT("made_on"), WEFT_TEXT("mill-2"), NULL, 0},
        {WEFT_TEXT("uses_lot"), WEFT_TEXT("lot:1"), fields, 2},
    };
    static const uint8_t seed[WEFT_SALT_SEED_SIZE] = {4};
    const struct weft_record record = {.kind = WEFT_TEXT("note"),
        .asset = WEFT_TEXT("a"),
        .has_at = true,
        .fields = fields,
        .field_count = 2,
        .links = links,
        .link_count = 2};
    const struct weft_statement_place place = {
        .authority = WEFT_TEXT("o.example/p"), .authority_epoch = 1, .index = 1, .salt_seed = seed};
    const struct weft_opened_leaf *leaves = NULL;
    struct weft_digest hashes[7], root, digest, other;
    uint32_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_statement_open(&record, &place, &arena, &leaves, &count));
    EXPECT_EQ(7, count);
    for (uint32_t i = 0; i < count; i++) {
        struct weft_salt salt = weft_statement_salt(seed, 0, i);
        EXPECT_MEM(salt.bytes, leaves[i].salt.bytes, WEFT_SALT_SIZE);
        EXPECT_TRUE(i == 0 || weft_text_compare(leaves[i - 1].path, leaves[i].path) < 0);
        hashes[i] = weft_statement_leaf(
            &leaves[i].salt, leaves[i].path, (enum weft_value_type)leaves[i].type, leaves[i].value);
    }
    EXPECT_TRUE(leaves[2].link == &links[0] && leaves[3].link == &links[1]);
    EXPECT_TRUE(leaves[0].link == NULL && leaves[6].link == NULL);
    EXPECT_EQ(WEFT_OK, weft_statement_digest(&record, &place, &arena, &root, &digest));
    other = weft_statement_root(hashes, count);
    EXPECT_MEM(root.bytes, other.bytes, WEFT_DIGEST_SIZE);
    struct weft_statement whole;
    EXPECT_EQ(WEFT_OK, weft_statement_make(&record, &place, &arena, &whole));
    EXPECT_MEM(digest.bytes, whole.digest.bytes, WEFT_DIGEST_SIZE);
    EXPECT_MEM(root.bytes, whole.header.root.bytes, WEFT_DIGEST_SIZE);
    EXPECT_EQ(7, whole.leaf_count);
    EXPECT_MEM(hashes[3].bytes, whole.leaves[3].hash.bytes, WEFT_DIGEST_SIZE);
    struct weft_arena none = {.size_max = 16};
    EXPECT_EQ(WEFT_ENOMEM, weft_statement_open(&record, &place, &none, &leaves, &count));
    EXPECT_EQ(WEFT_ENOMEM, weft_statement_make(&record, &place, &none, &whole));
    weft_arena_destroy(&none);
}
