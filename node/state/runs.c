#include "node/state/runs.h"

#include "node/mutant.h"
#include "node/state/redaction.h"
#include "proto/entry.h"
#include "proto/stream_entry.h"

size_t weft_runs_items(const struct weft_log_entry *entries, uint32_t entry_count)
{
    size_t count = 0;
    for (uint32_t i = 0; i < entry_count; i++) {
        struct weft_entry_reader reader;
        if (entries[i].type == WEFT_ENTRY_COMMAND &&
            weft_entry_open(entries[i].data, &reader) == WEFT_OK) {
            count += reader.left;
        }
    }
    return count;
}

/* NOD-194: an item about a stream that reads what earlier entries have written comes first. */
static bool is_step(struct weft_bytes entry)
{
    struct weft_entry_reader reader;
    struct weft_entry_item item;
    struct weft_stream_entry stream;
    return weft_entry_open(entry, &reader) == WEFT_OK &&
           weft_entry_next(&reader, &item) == WEFT_OK && item.type == WEFT_ITEM_STREAM &&
           weft_stream_entry_decode(item.body, &stream) == WEFT_OK &&
           (stream.act == WEFT_STREAM_ACT_STEP || stream.act == WEFT_STREAM_ACT_REWIND);
}

uint32_t weft_runs_next(const struct weft_log_entry *entries, uint32_t entry_count)
{
    uint32_t count = weft_node_mutant(WEFT_NODE_MUTANT_REDACTION_BATCHED) ? entry_count : 0;
    while (count < entry_count &&
           (entries[count].type != WEFT_ENTRY_COMMAND ||
               !(weft_redaction_may_be(entries[count].data) || is_step(entries[count].data)))) {
        count++;
    }
    return count;
}
