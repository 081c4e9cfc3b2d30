/* What a node's Raft log costs to apply again, entry by entry, into a state of its own.
 *
 * usage: bench_replay RAFT CLUSTER ORG SITE STATE [FROM]
 *
 * RAFT is the directory `raft` of a stopped node, copied; CLUSTER its group's id, hexadecimal, as
 * each of its segments says; STATE is made and left there. Each entry is an apply, as on a node
 * that keeps up. Processor time of this thread and of all, for each record or leaf of a stream
 * behind index FROM, and the digest of the state: whoever makes an apply cheaper has the same. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "node/state/state.h"
#include "node/state/streams.h"
#include "raft/log.h"

enum {
    MIB = 1024 * 1024,
    ENTRIES = 16,
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void need(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "bench_replay: %s\n", msg->text);
        exit(1);
    }
}

/* Records of this site, and leaves that came from partners. */
static uint64_t count_of(struct weft_state *state)
{
    struct weft_state_position position;
    uint64_t count;
    const struct weft_streams *streams = weft_state_streams(state);
    weft_state_position(state, &position);
    count = position.records;
    for (uint32_t i = 0; i < weft_streams_count(streams); i++) {
        count += weft_streams_at(streams, i).consumer->stream.tree.size;
    }
    return count;
}

static void print_digest(struct weft_state *state, struct weft_msg *msg)
{
    const bool never = false;
    struct weft_view *view;
    struct weft_digest_result result;
    char text[WEFT_DIGEST_TEXT_SIZE];
    need(weft_view_open(state, &view, msg), msg);
    need(weft_view_digest(view, &never, &result, msg), msg);
    weft_view_close(view);
    weft_digest_format(&result.digest, text);
    (void)printf("state %s\n", text);
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        (void)fprintf(stderr, "usage: bench_replay RAFT CLUSTER ORG SITE STATE [FROM]\n");
        return 2;
    }
    const uint64_t from = argc > 6 ? strtoull(argv[6], NULL, 10) : 0;
    const struct weft_log_options options = {.directory = argv[1],
        .cluster = strtoull(argv[2], NULL, 16),
        .segment_size_bytes = 16 * MIB,
        .cache_size_max = 16 * MIB};
    const struct weft_state_options fresh = {.directory = argv[5],
        .org = argv[3],
        .site = argv[4],
        .cluster = options.cluster,
        .cache_bytes = 64 * MIB,
        .memtable_bytes = 32 * MIB,
        .lineage_bytes = 512 * MIB};
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_state *state;
    struct weft_msg msg = {""};
    struct weft_arena arena = {.size_max = SIZE_MAX / 2};
    double own = 0, all = 0;
    uint64_t before = 0, applies = 0;
    need(weft_log_disk_open(&options, &log, &start, &msg), &msg);
    need(weft_state_open(&fresh, &state, &msg), &msg);
    for (uint64_t index = 1; index <= start.last_index;) {
        struct weft_log_entry entries[ENTRIES];
        uint32_t count = 0;
        need(log->engine->read(log, index, 16 * MIB, ENTRIES, entries, &count, &msg), &msg);
        for (uint32_t i = 0; i < count; i++) {
            struct weft_applied_item *items;
            uint32_t item_count;
            if (entries[i].index == from + 1) {
                before = count_of(state);
                own = seconds(CLOCK_THREAD_CPUTIME_ID);
                all = seconds(CLOCK_PROCESS_CPUTIME_ID);
                applies = 0;
            }
            weft_arena_reset(&arena);
            need(weft_state_apply(state, &entries[i], 1, false, &arena, &items, &item_count, &msg),
                &msg);
            applies++;
        }
        index += count;
    }
    own = seconds(CLOCK_THREAD_CPUTIME_ID) - own;
    all = seconds(CLOCK_PROCESS_CPUTIME_ID) - all;
    const double records = (double)(count_of(state) - before);
    (void)printf("%.0f records in %" PRIu64 " applies: %.1f us each, %.1f of all threads; ",
        records, applies, own * 1e6 / records, all * 1e6 / records);
    print_digest(state, &msg);
    weft_state_close(state);
    log->engine->close(log);
    weft_arena_destroy(&arena);
    return 0;
}
