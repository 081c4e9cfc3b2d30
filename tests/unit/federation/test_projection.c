/* Projections: one digest whatever the mask, nothing hidden in them, later disclosures hold. */
#include <stdlib.h>
#include <string.h>

#include "proto/time.h"
#include "tests/lib/sample.h"
#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_arena arena = {.size_max = 64 << 20};

static void make(
    const struct weft_contract_side *side, struct weft_buffer *out, struct weft_digest *digest)
{
    struct weft_record record = rig_record(7);
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 8);
    EXPECT_EQ(WEFT_OK, weft_projection_make(&record, &place, side, &arena, out, digest));
}

static struct weft_projection decode(const struct weft_buffer *bytes)
{
    struct weft_projection projection;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_projection_decode((struct weft_bytes){bytes->data, bytes->size}, &arena,
                           &projection, &msg));
    EXPECT_TEXT("", msg.text);
    return projection;
}

TEST(projection, of_the_same_statement_has_the_same_digest_under_each_mask)
{
    struct weft_contract contract = rig_contract();
    struct weft_record record = rig_record(7);
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 8);
    struct weft_buffer half = {0}, whole = {0};
    struct weft_digest statement, digests[4];
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_statement_digest(&record, &place, &arena, NULL, &statement));
    make(&contract.sides[RIG_SUPPLIER], &half, &digests[0]);
    make(&contract.sides[RIG_OEM], &whole, &digests[1]);
    struct weft_projection a = decode(&half), b = decode(&whole);
    EXPECT_EQ(WEFT_OK, weft_projection_verify(&a, &digests[2], &msg));
    EXPECT_EQ(WEFT_OK, weft_projection_verify(&b, &digests[3], &msg));
    for (int i = 0; i < 4; i++) {
        EXPECT_MEM(statement.bytes, digests[i].bytes, WEFT_DIGEST_SIZE);
    }
    EXPECT_EQ(12, b.item_count);
    EXPECT_EQ(11, a.item_count); /* unit and value of flatness are one subtree */
    EXPECT_EQ(WEFT_OK, weft_projection_check_mask(&a, &contract.sides[RIG_SUPPLIER], &msg));
    EXPECT_EQ(WEFT_OK, weft_projection_check_mask(&b, &contract.sides[RIG_OEM], &msg));
    weft_buffer_destroy(&half);
    weft_buffer_destroy(&whole);
}

TEST(projection, holds_no_byte_of_what_is_hidden_or_committed)
{
    struct weft_contract contract = rig_contract();
    struct weft_buffer half = {0}, whole = {0};
    struct weft_digest digest;
    static const char *const secrets[] = {
        "SECRET-12.50", "cost", "secret-mill", "made_on", "0.014", "op/17", "svc/qa"};
    weft_arena_reset(&arena);
    make(&contract.sides[RIG_SUPPLIER], &half, &digest);
    make(&contract.sides[RIG_OEM], &whole, &digest);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        size_t size = strlen(secrets[i]);
        EXPECT_TRUE(memmem(half.data, half.size, secrets[i], size) == NULL);
        EXPECT_TRUE(memmem(whole.data, whole.size, secrets[i], size) != NULL);
    }
    EXPECT_TRUE(memmem(half.data, half.size, "operator", 8) != NULL); /* its path is told */
    weft_buffer_destroy(&half);
    weft_buffer_destroy(&whole);
}

TEST(projection, is_confirmed_by_a_later_disclosure_of_the_same_value_and_salt_alone)
{
    struct weft_contract contract = rig_contract();
    struct weft_record record = rig_record(7);
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 8);
    const struct weft_opened_leaf *leaves = NULL;
    struct weft_buffer half = {0};
    struct weft_digest digest;
    struct weft_msg msg = {""};
    uint32_t count = 0, confirmed = 0, unknown = 0;
    weft_arena_reset(&arena);
    make(&contract.sides[RIG_SUPPLIER], &half, &digest);
    struct weft_projection projection = decode(&half);
    EXPECT_EQ(WEFT_OK, weft_statement_open(&record, &place, &arena, &leaves, &count));
    for (uint32_t i = 0; i < count; i++) {
        enum weft_err err = weft_projection_confirm(&projection, &leaves[i], &msg);
        confirmed += err == WEFT_OK;
        unknown += err == WEFT_ENOTFOUND;
        struct weft_opened_leaf other = leaves[i];
        other.salt.bytes[0] ^= 1;
        EXPECT_EQ(err == WEFT_OK ? WEFT_EBADSIG : err,
            weft_projection_confirm(&projection, &other, &msg));
        other = leaves[i];
        other.value = WEFT_TEXT("PASS");
        EXPECT_EQ(err == WEFT_OK ? WEFT_EBADSIG : err,
            weft_projection_confirm(&projection, &other, &msg));
    }
    EXPECT_EQ(7, confirmed); /* @at @author @link/1 @source, flatness/max, operator, verdict */
    EXPECT_EQ(count, confirmed + unknown);
    weft_buffer_destroy(&half);
}

TEST(projection, keeps_its_digest_when_a_field_is_erased)
{
    struct weft_contract contract = rig_contract();
    struct weft_buffer half = {0}, erased = {0}, again = {0}, stored = {0};
    struct weft_digest digest, other;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    make(&contract.sides[RIG_SUPPLIER], &half, &digest);
    struct weft_projection projection = decode(&half);
    EXPECT_EQ(WEFT_OK, weft_projection_erase(&projection, WEFT_TEXT("verdict"), &arena, &erased));
    EXPECT_TRUE(memmem(erased.data, erased.size, "FAIL", 4) == NULL);
    struct weft_projection after = decode(&erased);
    EXPECT_EQ(WEFT_OK, weft_projection_verify(&after, &other, &msg));
    EXPECT_MEM(digest.bytes, other.bytes, WEFT_DIGEST_SIZE);
    EXPECT_EQ(WEFT_OK, weft_projection_check_mask(&after, &contract.sides[RIG_SUPPLIER], &msg));
    EXPECT_EQ(WEFT_ENOTFOUND,
        weft_projection_erase(&after, WEFT_TEXT("verdict"), &arena, &again)); /* no more */
    EXPECT_EQ(WEFT_ENOTFOUND,
        weft_projection_erase(&after, WEFT_TEXT("operator"), &arena, &again)); /* not shown */
    /* The same as the provider projects it from a record that was redacted. FED-4 */
    struct weft_record record = rig_record(7);
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 8);
    struct weft_field fields[16];
    char leaf[WEFT_DIGEST_TEXT_SIZE];
    memcpy(fields, record.fields, record.field_count * sizeof(fields[0]));
    weft_digest_format(&weft_projection_find(&after, WEFT_TEXT("verdict"))->hash, leaf);
    fields[0].type = WEFT_VALUE_REDACTED;
    fields[0].value = weft_text_of(leaf);
    record.fields = fields;
    EXPECT_EQ(WEFT_OK, weft_projection_make(&record, &place, &contract.sides[RIG_SUPPLIER], &arena,
                           &stored, &other));
    EXPECT_EQ(erased.size, stored.size);
    EXPECT_MEM(erased.data, stored.data, erased.size);
    EXPECT_MEM(digest.bytes, other.bytes, WEFT_DIGEST_SIZE);
    weft_buffer_destroy(&half);
    weft_buffer_destroy(&erased);
    weft_buffer_destroy(&again);
    weft_buffer_destroy(&stored);
}

TEST(projection, that_shows_more_or_less_than_the_mask_is_refused)
{
    struct weft_contract contract = rig_contract();
    struct weft_buffer half = {0}, whole = {0};
    struct weft_digest digest;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    make(&contract.sides[RIG_SUPPLIER], &half, &digest);
    make(&contract.sides[RIG_OEM], &whole, &digest);
    struct weft_projection a = decode(&half), b = decode(&whole);
    EXPECT_EQ(WEFT_EREFUSED, weft_projection_check_mask(&a, &contract.sides[RIG_OEM], &msg));
    EXPECT_EQ(WEFT_EREFUSED, weft_projection_check_mask(&b, &contract.sides[RIG_SUPPLIER], &msg));
    /* "@author" is committed and shown, and that is no fault: it may be disclosed. */
    EXPECT_TEXT("\"@link/0\" is disclosed, and the mask says otherwise", msg.text);
    weft_buffer_destroy(&half);
    weft_buffer_destroy(&whole);
}

TEST(projection, with_any_bit_changed_is_not_the_statement)
{
    struct weft_contract contract = rig_contract();
    struct weft_buffer half = {0}, again = {0};
    struct weft_digest digest, other;
    uint32_t unread = 0, unproven = 0, another = 0, renamed = 0;
    weft_arena_reset(&arena);
    make(&contract.sides[RIG_SUPPLIER], &half, &digest);
    for (size_t bit = 0; bit < 8 * half.size; bit++) {
        struct weft_projection projection;
        half.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum weft_err err = weft_projection_decode(
            (struct weft_bytes){half.data, half.size}, &arena, &projection, NULL);
        if (err != WEFT_OK) {
            unread++;
        } else if (weft_projection_verify(&projection, &other, NULL) != WEFT_OK) {
            unproven++;
        } else if (!weft_digest_equal(&digest, &other)) {
            another++; /* A header's own field: it is another statement. */
        } else {
            renamed++; /* A path that is only named is in no hash, nor that it is not erased. */
            const struct weft_projection_item *author, *operator;
            author = weft_projection_find(&projection, WEFT_TEXT("@author"));
            operator= weft_projection_find(&projection, WEFT_TEXT("operator"));
            EXPECT_TRUE(author == NULL || operator== NULL ||
                                          author->shape == WEFT_PROJECTION_ERASED ||
                                          operator->shape == WEFT_PROJECTION_ERASED);
        }
        if (err == WEFT_OK) { /* FED-5 */
            weft_buffer_clear(&again);
            EXPECT_EQ(WEFT_OK, weft_projection_encode(&projection, &again));
            EXPECT_EQ(half.size, again.size);
            EXPECT_MEM(half.data, again.data, half.size);
        }
        half.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        weft_arena_reset(&arena);
    }
    EXPECT_TRUE(unread > 0 && unproven > 0 && another > 0 && renamed > 0);
    for (size_t size = 0; size < half.size; size++) {
        struct weft_projection projection;
        EXPECT_TRUE(weft_projection_decode((struct weft_bytes){half.data, size}, &arena,
                        &projection, NULL) != WEFT_OK);
        weft_arena_reset(&arena);
    }
    weft_buffer_destroy(&half);
    weft_buffer_destroy(&again);
}

/* A mask over the paths of a random record: each is one of three, by a few bits of its hash. */
static enum weft_disclosure random_disclosure(struct weft_text path, uint64_t salt)
{
    struct weft_digest digest = weft_sha256(path.data, path.size);
    return (enum weft_disclosure)((digest.bytes[salt % 32] + salt) % WEFT_DISCLOSURES);
}

static struct weft_contract_side random_side(
    const struct weft_record *record, struct weft_contract_kind *kind, uint64_t salt)
{
    struct weft_contract_mask *masks =
        weft_arena_array(&arena, record->field_count + 1, sizeof(*masks));
    *kind = (struct weft_contract_kind){record->kind, (enum weft_disclosure)(salt % 3)};
    for (uint32_t i = 0; i < record->field_count; i++) {
        struct weft_text path = record->fields[i].path;
        masks[i] = (struct weft_contract_mask){record->kind, path, random_disclosure(path, salt)};
    }
    return (struct weft_contract_side){
        .kinds = kind, .kind_count = 1, .masks = masks, .mask_count = record->field_count};
}

TEST(projection, of_random_records_under_random_masks_keeps_digest_form_and_mask)
{
    for (uint64_t round = 0; round < 300; round++) {
        struct sample s = {test_random(0), &arena};
        struct weft_record record;
        struct weft_contract_kind kind;
        struct weft_buffer bytes = {0};
        struct weft_digest statement, digest;
        struct weft_msg msg = {""};
        weft_arena_reset(&arena);
        sample_record(&s, &record);
        record.has_at = true;
        struct weft_statement_place place = rig_place(RIG_SUPPLIER, 1 + round);
        struct weft_contract_side side = random_side(&record, &kind, test_random(1000));
        EXPECT_EQ(WEFT_OK, weft_statement_digest(&record, &place, &arena, NULL, &statement));
        EXPECT_EQ(WEFT_OK, weft_projection_make(&record, &place, &side, &arena, &bytes, &digest));
        struct weft_projection projection = decode(&bytes);
        EXPECT_MEM(statement.bytes, digest.bytes, WEFT_DIGEST_SIZE);
        EXPECT_EQ(WEFT_OK, weft_projection_verify(&projection, &digest, &msg));
        EXPECT_MEM(statement.bytes, digest.bytes, WEFT_DIGEST_SIZE);
        EXPECT_EQ(WEFT_OK, weft_projection_check_mask(&projection, &side, &msg));
        struct weft_statement whole; /* Made once, it gives the same projection. */
        struct weft_buffer again = {0};
        EXPECT_EQ(WEFT_OK, weft_statement_make(&record, &place, &arena, &whole));
        EXPECT_MEM(statement.bytes, whole.digest.bytes, WEFT_DIGEST_SIZE);
        EXPECT_EQ(WEFT_OK, weft_projection_of(&record, &whole, &side, &arena, &again));
        EXPECT_EQ(bytes.size, again.size);
        EXPECT_MEM(bytes.data, again.data, bytes.size);
        weft_buffer_destroy(&again);
        weft_buffer_destroy(&bytes);
    }
}

TEST(projection, that_hides_nothing_is_the_record_again)
{
    for (uint64_t round = 0; round < 100; round++) {
        struct sample s = {test_random(0), &arena};
        struct weft_record record, again;
        struct weft_buffer bytes = {0}, first = {0}, second = {0};
        struct weft_digest digest, statement;
        struct weft_msg msg = {""};
        weft_arena_reset(&arena);
        sample_record(&s, &record);
        record.has_at = true;
        record.has_expect = false;
        const struct weft_contract_kind kind = {record.kind, WEFT_DISCLOSED};
        const struct weft_contract_side side = {.kinds = &kind, .kind_count = 1};
        struct weft_statement_place place = rig_place(RIG_SUPPLIER, 1 + round);
        EXPECT_EQ(WEFT_OK, weft_projection_make(&record, &place, &side, &arena, &bytes, &digest));
        struct weft_projection projection = decode(&bytes);
        EXPECT_EQ(WEFT_OK, weft_projection_record(&projection, &arena, &again, &msg));
        EXPECT_TEXT("", msg.text);
        EXPECT_EQ(record.field_count, again.field_count);
        EXPECT_EQ(record.link_count, again.link_count);
        /* Fields and links come in another order: the statement is the same. */
        EXPECT_EQ(WEFT_OK, weft_statement_digest(&record, &place, &arena, NULL, &statement));
        EXPECT_MEM(statement.bytes, digest.bytes, WEFT_DIGEST_SIZE);
        if (record.link_count <= 10) {
            EXPECT_EQ(WEFT_OK, weft_statement_digest(&again, &place, &arena, NULL, &statement));
            EXPECT_MEM(statement.bytes, digest.bytes, WEFT_DIGEST_SIZE);
        }
        weft_buffer_destroy(&bytes);
        weft_buffer_destroy(&first);
        weft_buffer_destroy(&second);
    }
}

TEST(projection, without_memory_says_so)
{
    struct weft_contract contract = rig_contract();
    struct weft_buffer half = {0};
    struct weft_digest digest;
    struct weft_projection projection;
    struct weft_record record;
    struct weft_msg msg = {""};
    struct weft_arena small = {.size_max = 1024};
    weft_arena_reset(&arena);
    make(&contract.sides[RIG_OEM], &half, &digest);
    const struct weft_bytes bytes = {half.data, half.size};
    EXPECT_EQ(WEFT_ENOMEM, weft_projection_decode(bytes, &small, &projection, &msg));
    projection = decode(&half);
    EXPECT_EQ(WEFT_ENOMEM, weft_projection_record(&projection, &small, &record, &msg));
    weft_arena_destroy(&small);
    weft_buffer_destroy(&half);
}
