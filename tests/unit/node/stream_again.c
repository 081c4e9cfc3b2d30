#include "tests/unit/node/stream_again.h"

#include "node/state/machine.h"
#include "node/state/runs.h"
#include "node/state/streams_parts.h"
#include "tests/lib/test.h"

void rig_tell_again(struct rig_site *site, uint64_t sequence, int times)
{
    struct weft_accord *accord = weft_state_streams(site->f.state)->accords[0];
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    EXPECT_EQ(WEFT_OK, weft_flow_get(site->f.state->store, NULL, 0, WEFT_SENT, sequence, &value,
                           &leaf, &site->msg));
    struct weft_store_batch *batch = weft_store_batch_create();
    for (int i = 1; i <= times; i++) {
        struct weft_stream_leaf again = leaf.leaf;
        EXPECT_EQ(
            WEFT_STREAM_SOUND, weft_provider_append(&accord->sent.provider, &again, &site->msg));
        struct weft_flow_leaf row = {.leaf = again, .content = leaf.content};
        if (i < WEFT_FLOW_TOLD_MAX) {
            row.earlier = sequence + (uint64_t)i;
            row.told = (uint32_t)i;
        }
        EXPECT_EQ(WEFT_OK, weft_flow_append(&accord->flows[WEFT_SENT], &row, batch, &site->msg));
    }
    EXPECT_EQ(WEFT_OK, weft_store_write(site->f.state->store, batch, &site->msg));
    weft_streams_settle(weft_state_streams(site->f.state));
    weft_store_batch_destroy(batch);
    weft_store_release(&value);
}

/* What stands there at the supplier, as an item; and of which statement it is. */
struct weft_buffer rig_item_at(
    struct rig_pair *pair, uint64_t sequence, struct weft_digest *ret_digest)
{
    struct rig_site *west = &pair->sites[RIG_SUPPLIER];
    struct weft_buffer items = {0};
    struct weft_stream_source source;
    struct weft_stream_item item;
    uint32_t count;
    EXPECT_EQ(WEFT_OK, weft_stream_source(west->f.state, 0, WEFT_SENT, &source));
    EXPECT_EQ(WEFT_OK,
        weft_stream_source_items(&source, sequence, 1, 100000, true, &items, &count, &west->msg));
    struct weft_bytes rest = {items.data, items.size};
    EXPECT_EQ(WEFT_OK, weft_stream_item_next(&rest, &item));
    *ret_digest = item.digest;
    return items;
}

enum weft_err rig_refile(struct rig_site *site, uint64_t sequence, const struct weft_digest *digest,
    struct weft_bytes item)
{
    struct weft_buffer bytes = {0};
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH,
        .stream = {WEFT_TEXT(RIG_NAME), weft_text_of(rig_site_of(RIG_SUPPLIER))},
        .batch = {.first = sequence, .count = 1, .items = item}};
    EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &bytes));
    const struct weft_stream_entry entry = {.act = WEFT_STREAM_ACT_FILE,
        .number = sequence,
        .root = *digest,
        .agreement = WEFT_TEXT(RIG_NAME),
        .message = {bytes.data, bytes.size}};
    enum weft_err err = rig_item(site, &entry);
    weft_buffer_destroy(&bytes);
    return err;
}

uint64_t rig_place(
    struct rig_site *site, enum weft_direction direction, const struct weft_digest *statement)
{
    struct weft_stream_source source;
    uint64_t sequence = UINT64_MAX;
    EXPECT_EQ(WEFT_OK, weft_stream_source(site->f.state, 0, direction, &source));
    enum weft_err err = weft_stream_source_find(&source, statement, &sequence, &site->msg);
    EXPECT_TRUE(err == WEFT_OK || err == WEFT_ENOTFOUND);
    return err == WEFT_OK ? sequence : UINT64_MAX;
}

bool rig_links(struct rig_site *site, enum weft_direction direction, uint64_t sequence,
    uint64_t earlier, uint32_t told)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    EXPECT_EQ(WEFT_OK, weft_flow_get(site->f.state->store, NULL, 0, direction, sequence, &value,
                           &leaf, &site->msg));
    weft_store_release(&value);
    return leaf.earlier == earlier && leaf.told == told;
}

void rig_twin_open(struct rig_twin *twin, struct rig_site *site, const char *name)
{
    fixture_init(&twin->f, name);
    twin->f.options.org = site->f.options.org;
    twin->f.options.site = site->f.options.site;
    twin->taped = site->taped;
    EXPECT_EQ(WEFT_OK, weft_state_checkpoint(site->f.state, twin->f.directory, &site->msg));
    fixture_open(&twin->f);
    EXPECT_EQ(twin->taped, twin->f.index);
}

void rig_twin_expect_same(struct rig_twin *twin, struct rig_site *site)
{
    enum {
        ENTRIES_MAX = 16
    };
    struct weft_log_entry entries[ENTRIES_MAX];
    struct fixture *f = &twin->f;
    const uint32_t count = site->taped - twin->taped;
    EXPECT_TRUE(count <= ENTRIES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_buffer *tape = &site->tape[twin->taped + i];
        entries[i] = (struct weft_log_entry){.index = ++f->index,
            .term = 1,
            .type = WEFT_ENTRY_COMMAND,
            .data = {tape->data, tape->size}};
    }
    EXPECT_EQ(count, weft_runs_next(entries, count));
    EXPECT_EQ(WEFT_OK, weft_state_apply(f->state, entries, count, true, &f->arena, &f->items,
                           &f->item_count, &f->msg));
    const struct weft_digest_result a = fixture_digest(&site->f), b = fixture_digest(f);
    EXPECT_EQ(a.index, b.index);
    EXPECT_EQ(a.keys, b.keys);
    EXPECT_TRUE(weft_digest_equal(&a.digest, &b.digest));
    fixture_destroy(f);
}
