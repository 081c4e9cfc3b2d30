/* What two projections of one statement show together. */
#include <string.h>

#include "tests/lib/sample.h"
#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_arena arena = {.size_max = 64 << 20};

static struct weft_projection decode(const struct weft_buffer *bytes)
{
    struct weft_projection projection;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_projection_decode((struct weft_bytes){bytes->data, bytes->size}, &arena,
                           &projection, &msg));
    EXPECT_TEXT("", msg.text);
    return projection;
}

/* Under a mask that is another one for each salt; every third shown field is erased, if so. */
static struct weft_projection random_projection(const struct weft_record *record,
    const struct weft_statement_place *place, uint64_t salt, bool erases, struct weft_buffer *out)
{
    struct weft_contract_mask *masks =
        weft_arena_array(&arena, record->field_count + 1, sizeof(*masks));
    const struct weft_contract_kind kind = {record->kind, (enum weft_disclosure)(salt % 3)};
    struct weft_digest digest;
    for (uint32_t i = 0; i < record->field_count; i++) {
        struct weft_digest of =
            weft_sha256(record->fields[i].path.data, record->fields[i].path.size);
        masks[i] = (struct weft_contract_mask){record->kind, record->fields[i].path,
            (enum weft_disclosure)((of.bytes[salt % 32] + salt) % WEFT_DISCLOSURES)};
    }
    const struct weft_contract_side side = {
        .kinds = &kind, .kind_count = 1, .masks = masks, .mask_count = record->field_count};
    EXPECT_EQ(WEFT_OK, weft_projection_make(record, place, &side, &arena, out, &digest));
    struct weft_projection projection = decode(out);
    for (uint32_t i = 0; erases && i < record->field_count; i += 3) {
        struct weft_buffer next = {0};
        if (weft_projection_erase(&projection, record->fields[i].path, &arena, &next) == WEFT_OK) {
            weft_buffer_destroy(out);
            *out = next;
            projection = decode(out);
        }
    }
    return projection;
}

static enum weft_projection_shape shape_of(
    const struct weft_projection *projection, struct weft_text path)
{
    const struct weft_projection_item *item = weft_projection_find(projection, path);
    return item != NULL ? item->shape : WEFT_PROJECTION_BLIND;
}

/* FED-40, said plainly. */
static enum weft_projection_shape expected(
    enum weft_projection_shape known, enum weft_projection_shape told, bool keeps)
{
    const bool is_shown = known == WEFT_PROJECTION_SHOWN || told == WEFT_PROJECTION_SHOWN;
    const bool is_erased = known == WEFT_PROJECTION_ERASED || told == WEFT_PROJECTION_ERASED;
    if (is_erased && !(keeps && is_shown)) {
        return WEFT_PROJECTION_ERASED;
    }
    return is_shown ? WEFT_PROJECTION_SHOWN
           : known == WEFT_PROJECTION_NAMED || told == WEFT_PROJECTION_NAMED
               ? WEFT_PROJECTION_NAMED
               : WEFT_PROJECTION_BLIND;
}

TEST(projection_merge, shows_what_either_shows_and_nothing_that_is_erased)
{
    uint32_t seen[4] = {0};
    for (uint64_t round = 0; round < 400; round++) {
        struct sample s = {test_random(0), &arena};
        struct weft_record record;
        struct weft_buffer a = {0}, b = {0}, both = {0};
        struct weft_projection_change change;
        struct weft_digest digest, merged_digest;
        struct weft_msg msg = {""};
        const bool keeps = round % 2 == 0;
        weft_arena_reset(&arena);
        sample_record(&s, &record);
        record.has_at = true;
        const struct weft_statement_place place = rig_place(RIG_SUPPLIER, 1 + round);
        struct weft_projection known =
            random_projection(&record, &place, test_random(1000), test_random(4) == 0, &a);
        struct weft_projection told =
            random_projection(&record, &place, test_random(1000), test_random(2) == 0, &b);
        enum weft_err err =
            weft_projection_merge(&known, &told, keeps, &arena, &both, &change, &msg);
        EXPECT_TEXT("", msg.text);
        EXPECT_EQ(WEFT_OK, err);
        struct weft_projection merged = decode(&both);
        EXPECT_EQ(WEFT_OK, weft_projection_verify(&merged, &merged_digest, &msg));
        EXPECT_EQ(WEFT_OK, weft_projection_verify(&known, &digest, &msg));
        EXPECT_MEM(digest.bytes, merged_digest.bytes, WEFT_DIGEST_SIZE);
        uint32_t shown = 0, erased = 0;
        for (uint32_t i = 0; i < record.field_count; i++) {
            const struct weft_text path = record.fields[i].path;
            const enum weft_projection_shape before = shape_of(&known, path);
            const enum weft_projection_shape after = shape_of(&merged, path);
            EXPECT_EQ(expected(before, shape_of(&told, path), keeps), after);
            shown += after == WEFT_PROJECTION_SHOWN && before != WEFT_PROJECTION_SHOWN ? 1 : 0;
            erased +=
                before == WEFT_PROJECTION_SHOWN && shape_of(&told, path) == WEFT_PROJECTION_ERASED
                    ? 1
                    : 0;
            seen[after]++;
        }
        EXPECT_TRUE(change.shown_count >= shown); /* Links and reserved ones beside them. */
        EXPECT_EQ(erased, change.erased_count);
        weft_buffer_destroy(&a);
        weft_buffer_destroy(&b);
        weft_buffer_destroy(&both);
    }
    for (int i = 0; i < 4; i++) {
        EXPECT_TRUE(seen[i] > 0);
    }
}

TEST(projection_merge, of_two_statements_or_two_names_of_one_leaf_is_none)
{
    struct weft_contract contract = rig_contract();
    struct weft_buffer bytes[3] = {{0}, {0}, {0}}, both = {0};
    struct weft_projection projections[2];
    struct weft_projection_change change;
    struct weft_digest digest;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    for (uint64_t i = 0; i < 2; i++) {
        struct weft_record record = rig_record(7 + i);
        struct weft_statement_place place = rig_place(RIG_SUPPLIER, 8);
        EXPECT_EQ(WEFT_OK, weft_projection_make(&record, &place, &contract.sides[RIG_SUPPLIER],
                               &arena, &bytes[i], &digest));
        projections[i] = decode(&bytes[i]);
    }
    EXPECT_EQ(WEFT_EINVAL, weft_projection_merge(&projections[0], &projections[1], false, &arena,
                               &both, &change, &msg));
    /* "operator" is said to be "operatox": a hash does not tell. */
    struct weft_projection_item items[16];
    struct weft_projection liar = projections[0];
    memcpy(items, liar.items, liar.item_count * sizeof(items[0]));
    for (uint32_t i = 0; i < liar.item_count; i++) {
        if (weft_text_is(items[i].path, "operator")) {
            items[i].path = WEFT_TEXT("operatox");
        }
    }
    liar.items = items;
    EXPECT_EQ(WEFT_OK, weft_projection_verify(&liar, &digest, &msg));
    EXPECT_EQ(WEFT_EREFUSED,
        weft_projection_merge(&projections[0], &liar, false, &arena, &both, &change, &msg));
    EXPECT_EQ(0, both.size);
    for (int i = 0; i < 3; i++) {
        weft_buffer_destroy(&bytes[i]);
    }
    weft_buffer_destroy(&both);
}

TEST(projection_merge, a_disclosure_shows_what_is_committed_and_nothing_that_is_hidden)
{
    static const struct weft_text paths[] = {{"cost", 4}, {"flatness/value", 14}, {"operator", 8}};
    struct weft_contract contract = rig_contract();
    const struct weft_contract_side *side = &contract.sides[RIG_SUPPLIER];
    struct weft_record record = rig_record(7);
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 8);
    struct weft_buffer bytes = {0};
    struct weft_digest digest;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK,
        weft_projection_make_shown(&record, &place, side, paths, 3, &arena, &bytes, &digest));
    struct weft_projection projection = decode(&bytes);
    EXPECT_EQ(WEFT_PROJECTION_SHOWN, shape_of(&projection, WEFT_TEXT("operator")));
    EXPECT_EQ(WEFT_PROJECTION_BLIND, shape_of(&projection, WEFT_TEXT("cost")));
    EXPECT_EQ(WEFT_OK, weft_projection_check_mask(&projection, side, &msg));
    weft_buffer_destroy(&bytes);
}
