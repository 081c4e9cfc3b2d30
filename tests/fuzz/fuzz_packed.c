#include "proto/packed.h"
#include "tests/fuzz/twice.h"

/* The first byte says how many there are to be: an odd number of steps, half of it rounded down,
 * or an even one of records. What was taken is written and read again. */

static void read_records(const struct weft_packed *records)
{
    struct weft_bytes rest = records->bytes;
    struct weft_packed_record packed;
    struct weft_stored_record stored;
    if (weft_packed_check_records(records) != WEFT_OK) {
        return;
    }
    while (weft_packed_next_record(&rest, &packed)) {
        weft_arena_reset(&arena);
        weft_buffer_clear(&first);
        weft_buffer_clear(&second);
        weft_buffer_clear(&out);
        if (weft_packed_open_record(&packed, &arena, &stored) != WEFT_OK) {
            continue;
        }
        sample_record_json(&stored.record, &first);
        if (is_encoded(weft_packed_add_stored(&out, &stored))) {
            struct weft_bytes again = {out.data, out.size};
            bool is_there = weft_packed_next_record(&again, &packed);
            weft_assert(is_there); /* PRO-9 */
            enum weft_err err = weft_packed_open_record(&packed, &arena, &stored);
            weft_assert(err == WEFT_OK); /* PRO-9 */
            sample_record_json(&stored.record, &second);
            expect_same();
        }
    }
}

static void read_steps(const struct weft_packed *steps)
{
    const struct weft_trace_result trace = {.steps = *steps};
    struct weft_packed_steps reading = weft_packed_read_steps(&trace);
    struct weft_packed_steps writing = {.number = 0};
    struct weft_trace_step step;
    if (weft_packed_check_steps(steps) != WEFT_OK) {
        return;
    }
    while (weft_packed_next_step(&reading, &step)) {
        enum weft_err err = weft_packed_add_step(&out, &writing, &step);
        weft_assert(err == WEFT_OK); /* PRO-9 */
    }
    const struct weft_trace_result again = {.steps = {{out.data, out.size}, steps->count}};
    enum weft_err err = weft_packed_check_steps(&again.steps);
    weft_assert(err == WEFT_OK); /* PRO-9 */
    struct weft_packed_steps once = weft_packed_read_steps(&trace);
    struct weft_packed_steps twice = weft_packed_read_steps(&again);
    struct weft_trace_step other;
    while (weft_packed_next_step(&once, &step)) {
        bool is_there = weft_packed_next_step(&twice, &other);
        weft_assert(is_there); /* PRO-9 */
        weft_assert(step.from_step == other.from_step && step.at_ns == other.at_ns);
        weft_assert(weft_text_equal(step.asset, other.asset));
        weft_assert(weft_text_equal(step.rel, other.rel));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    if (size == 0) {
        return 0;
    }
    const struct weft_packed packed = {{data + 1, size - 1}, data[0] / 2};
    if (data[0] % 2 == 0) {
        read_records(&packed);
    } else {
        read_steps(&packed);
    }
    return 0;
}
