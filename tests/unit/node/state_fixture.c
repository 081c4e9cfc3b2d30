#include "tests/unit/node/state_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"
#include "tests/lib/test.h"

enum {
    BATCH_MAX = 128
};

#define TIME_FIRST INT64_C(1700000000000000000)

static void must(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s\n", weft_err_name(err), msg->text);
    }
    EXPECT_EQ(WEFT_OK, err);
}

void fixture_init(struct fixture *f, const char *name)
{
    memset(f, 0, sizeof(*f));
    (void)snprintf(f->directory, sizeof(f->directory), "%s/%s", test_directory(), name);
    f->options = (struct weft_state_options){.directory = f->directory,
        .site = "plant1",
        .org = "acme.example",
        .cluster = 7,
        .cache_bytes = 1 << 20,
        .memtable_bytes = 128 * 1024};
    f->arena.size_max = 64 << 20;
    f->time_ns = TIME_FIRST;
}

void fixture_open(struct fixture *f)
{
    struct weft_state_position position;
    must(weft_state_open(&f->options, &f->state, &f->msg), &f->msg);
    weft_state_position(f->state, &position);
    f->index = position.index;
}

void fixture_close(struct fixture *f)
{
    weft_state_close(f->state);
    f->state = NULL;
}

void fixture_destroy(struct fixture *f)
{
    fixture_close(f);
    test_entry_destroy(&f->entry);
    weft_arena_destroy(&f->arena);
}

void fixture_apply(struct fixture *f)
{
    weft_arena_reset(&f->arena);
    f->time_ns += 1000;
    struct weft_log_entry entry = test_entry_end(&f->entry, ++f->index, 1, f->time_ns);
    must(weft_state_apply(f->state, &entry, 1, true, &f->arena, &f->items, &f->item_count, &f->msg),
        &f->msg);
}

const struct weft_applied_item *fixture_commit(
    struct fixture *f, uint64_t request, const struct weft_record *records, uint32_t count)
{
    struct weft_commit commit = {.records = records, .record_count = count};
    weft_put_le64(commit.request_id.bytes, request);
    test_entry_begin(&f->entry);
    EXPECT_TRUE(test_entry_commit(&f->entry, "person/17", &commit));
    fixture_apply(f);
    EXPECT_EQ(1, f->item_count);
    return &f->items[0];
}

struct weft_record fixture_record(const char *asset)
{
    return (struct weft_record){.kind = WEFT_TEXT("test"), .asset = weft_text_of(asset)};
}

/* --- the fixed history ----------------------------------------------------------------------- */

struct dice {
    uint64_t state;
};

static uint64_t throw_dice(struct dice *d, uint64_t bound)
{
    uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

static void name_asset(struct dice *d, char ret_name[32])
{
    bool is_busy = throw_dice(d, 3) == 0;
    (void)snprintf(ret_name, 32, "serial:box/%" PRIu64, throw_dice(d, is_busy ? 5 : 2000));
}

/* Commit n of an entry. A retry is the commit of an earlier index, made again. */
static bool add_commit(struct test_entry *e, uint64_t index, uint64_t n, bool may_retry)
{
    struct dice d = {index * 64 + n};
    if (may_retry && index > 20 && throw_dice(&d, 15) == 0) {
        return add_commit(e, index - throw_dice(&d, 20) - 1, 0, false);
    }
    struct weft_record records[3];
    struct weft_field fields[3][2];
    struct weft_link links[3][2];
    char names[3][3][32], values[3][32];
    static const char *const kinds[] = {"inspection", "as-built", "process-run"};
    static const char *const rels[] = {"consumes", "made_on", "part_of"};
    uint32_t count = 1 + (uint32_t)throw_dice(&d, 3);
    struct weft_commit commit = {.records = records, .record_count = count};
    if (throw_dice(&d, 10) != 0) {
        weft_put_le64(commit.request_id.bytes, index);
        weft_put_le64(commit.request_id.bytes + 8, n + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        name_asset(&d, names[i][0]);
        (void)snprintf(
            values[i], 32, "%" PRIu64 ".%02" PRIu64, throw_dice(&d, 90), throw_dice(&d, 100));
        fields[i][0] = (struct weft_field){
            WEFT_TEXT("flatness/value"), weft_text_of(values[i]), WEFT_VALUE_REAL};
        fields[i][1] =
            (struct weft_field){WEFT_TEXT("flatness/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT};
        records[i] = (struct weft_record){.kind = weft_text_of(kinds[throw_dice(&d, 3)]),
            .asset = weft_text_of(names[i][0]),
            .fields = fields[i],
            .field_count = 2,
            .has_at = throw_dice(&d, 2) == 0,
            .at_ns = TIME_FIRST + (int64_t)throw_dice(&d, 1000) * 1000000,
            .has_expect = throw_dice(&d, 12) == 0,
            .expect_rev = throw_dice(&d, 2) == 0 ? 0 : throw_dice(&d, index),
            .links = links[i],
            .link_count = (uint32_t)throw_dice(&d, 3)};
        for (uint32_t j = 0; j < records[i].link_count; j++) {
            name_asset(&d, names[i][1 + j]);
            links[i][j] = (struct weft_link){
                .rel = weft_text_of(rels[throw_dice(&d, 3)]), .to = weft_text_of(names[i][1 + j])};
        }
    }
    return test_entry_commit(e, index % 2 == 0 ? "person/17" : "service/mes", &commit);
}

struct weft_log_entry fixture_history(struct test_entry *e, uint64_t index)
{
    struct dice d = {index};
    uint64_t term = 1 + index / 100;
    static const char configuration[] = "three members";
    if (throw_dice(&d, 25) == 0) {
        bool is_change = throw_dice(&d, 2) == 0;
        return (struct weft_log_entry){.index = index,
            .term = term,
            .type = is_change ? WEFT_ENTRY_CHANGE : WEFT_ENTRY_BARRIER,
            .data = {(const uint8_t *)configuration, is_change ? sizeof(configuration) : 0}};
    }
    test_entry_begin(e);
    for (uint64_t n = 0, count = 1 + throw_dice(&d, 12); n < count; n++) {
        EXPECT_TRUE(add_commit(e, index, n, true));
    }
    return test_entry_end(e, index, term, TIME_FIRST + (int64_t)index * 1000000);
}

void fixture_replay(struct fixture *f, uint64_t last, uint32_t batch_max, bool with_results)
{
    static struct test_entry made[BATCH_MAX];
    struct weft_log_entry entries[BATCH_MAX];
    EXPECT_TRUE(batch_max >= 1 && batch_max <= BATCH_MAX);
    while (f->index < last) {
        uint32_t count = 1 + (uint32_t)test_random(batch_max);
        if (count > last - f->index) {
            count = (uint32_t)(last - f->index);
        }
        for (uint32_t i = 0; i < count; i++) {
            entries[i] = fixture_history(&made[i], ++f->index);
        }
        weft_arena_reset(&f->arena);
        must(weft_state_apply(f->state, entries, count, with_results, &f->arena, &f->items,
                 &f->item_count, &f->msg),
            &f->msg);
    }
    for (uint32_t i = 0; i < BATCH_MAX; i++) {
        test_entry_destroy(&made[i]);
        made[i] = (struct test_entry){.bytes = {.data = NULL}};
    }
}

struct weft_digest_result fixture_digest(struct fixture *f)
{
    struct weft_view *view;
    struct weft_digest_result result;
    must(weft_view_open(f->state, &view, &f->msg), &f->msg);
    must(weft_view_digest(view, NULL, &result, &f->msg), &f->msg);
    EXPECT_EQ(f->index, result.index);
    EXPECT_EQ(f->index, weft_view_index(view));
    weft_view_close(view);
    return result;
}
