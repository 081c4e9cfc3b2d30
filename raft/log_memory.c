#include "raft/log_memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

/* What an entry takes on the disk engine's disk besides its data (raft/README.md). */
enum {
    FRAME_SIZE = 48
};

/* An entry is shared by what the loop sees and what is on the virtual disk. */
struct cell {
    uint32_t references;
    enum weft_entry_type type;
    uint64_t term;
    size_t size;
    uint8_t data[] __attribute__((aligned(8)));
};

/* Entries first, first + 1, ... */
struct row {
    struct cell **cells;
    size_t count;
    size_t capacity;
};

/* A write that is not durable yet: an entry, or (cell NULL) a truncation at `index`. */
struct write {
    uint64_t index;
    struct cell *cell;
};

struct fault {
    uint64_t calls_left; /* 0: none planted. */
    enum weft_err err;
};

struct memory_log {
    struct weft_log log;
    struct weft_log_memory_options options;
    uint64_t term;
    uint64_t voted_for;
    bool has_unsure_term; /* set_term failed: the crash decides. */
    uint64_t unsure_term;
    uint64_t unsure_voted_for;
    uint64_t base_index;
    uint64_t base_term;
    struct row live; /* As the loop sees it; starts at base_index + 1, as `disk` does. */
    struct row disk; /* What a crash leaves at least. */
    struct write *writes;
    size_t write_count;
    size_t write_capacity;
    uint64_t durable_index;
    struct fault faults[WEFT_LOG_MEMORY_OPS];
    enum weft_err dead;
    struct weft_msg dead_msg;
    uint64_t used_bytes; /* On the virtual disk, unsynced writes included. */
    uint64_t appended_bytes;
    uint64_t syncs;
};

static struct memory_log *of(struct weft_log *log)
{
    return (struct memory_log *)log;
}

static const struct memory_log *of_const(const struct weft_log *log)
{
    return (const struct memory_log *)log;
}

/* splitmix64 (Steele, Lea, Flood, 2014). */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t cell_bytes(const struct cell *cell)
{
    return FRAME_SIZE + (cell->size + 7) / 8 * 8;
}

static struct cell *cell_share(struct cell *cell)
{
    cell->references++;
    return cell;
}

static void cell_release(struct cell *cell)
{
    if (cell != NULL && --cell->references == 0) {
        free(cell);
    }
}

static void row_cut(struct row *row, size_t count)
{
    while (row->count > count) {
        cell_release(row->cells[--row->count]);
    }
}

static void row_drop_front(struct row *row, size_t count)
{
    size_t dropped = count < row->count ? count : row->count;
    for (size_t i = 0; i < dropped; i++) {
        cell_release(row->cells[i]);
    }
    row->count -= dropped;
    if (row->count > 0) {
        memmove(row->cells, row->cells + dropped, row->count * sizeof(*row->cells));
    }
}

static bool row_reserve(struct row *row, size_t more)
{
    if (row->count + more > row->capacity) {
        size_t capacity = (row->count + more) * 2;
        struct cell **cells = realloc(row->cells, capacity * sizeof(*cells));
        if (cells == NULL) {
            return false;
        }
        row->cells = cells;
        row->capacity = capacity;
    }
    return true;
}

static bool writes_reserve(struct memory_log *m, size_t more)
{
    if (m->write_count + more > m->write_capacity) {
        size_t capacity = (m->write_count + more) * 2;
        struct write *writes = realloc(m->writes, capacity * sizeof(*writes));
        if (writes == NULL) {
            return false;
        }
        m->writes = writes;
        m->write_capacity = capacity;
    }
    return true;
}

static uint64_t last_of(const struct memory_log *m)
{
    return m->base_index + m->live.count;
}

static void check(const struct memory_log *m)
{
    weft_assert(m->durable_index >= m->base_index); /* RFT-105 */
    weft_assert(m->durable_index <= last_of(m));    /* RFT-105 */
    weft_assert(m->disk.capacity >= m->disk.count + m->write_count);
}

/* The only writer of m->dead. */
static enum weft_err die(struct memory_log *m, enum weft_err err, const char *what)
{
    m->dead = err;
    return weft_fail(&m->dead_msg, err, "virtual disk: %s: %s", what, weft_err_name(err));
}

/* Error to return instead of carrying out `op`: the log is dead, or a fault is due. */
static enum weft_err admit(
    struct memory_log *m, enum weft_log_memory_op op, const char *what, struct weft_msg *msg)
{
    struct fault *fault = &m->faults[op];
    enum weft_err rv = m->dead;
    if (rv == WEFT_OK && fault->calls_left > 0 && --fault->calls_left == 0) {
        rv = fault->err;
        if (op == WEFT_LOG_MEMORY_READ) {
            return weft_fail(msg, rv, "virtual disk: %s: %s", what, weft_err_name(rv));
        }
        (void)die(m, rv, what);
    }
    if (rv != WEFT_OK && msg != NULL) {
        *msg = m->dead_msg;
    }
    return rv;
}

/* Carry one write out on the virtual disk. */
static void settle(struct memory_log *m, struct write *write)
{
    weft_assert(write->index > m->base_index); /* RFT-106 */
    size_t place = (size_t)(write->index - m->base_index - 1);
    if (write->cell == NULL) {
        row_cut(&m->disk, place);
    } else {
        weft_assert(m->disk.count == place); /* RFT-101 */
        m->disk.cells[m->disk.count++] = write->cell;
    }
}

static void settle_oldest(struct memory_log *m, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        settle(m, &m->writes[i]);
    }
    m->write_count -= count;
    if (m->write_count > 0) {
        memmove(m->writes, m->writes + count, m->write_count * sizeof(*m->writes));
    }
    /* The longest prefix that both have in common, by identity: an entry that was truncated
     * and written again is another cell. */
    size_t same = (size_t)(m->durable_index - m->base_index);
    while (same < m->disk.count && same < m->live.count &&
           m->disk.cells[same] == m->live.cells[same]) {
        same++;
    }
    m->durable_index = m->base_index + same;
}

static void recount(struct memory_log *m)
{
    m->used_bytes = 0;
    for (size_t i = 0; i < m->live.count; i++) {
        m->used_bytes += cell_bytes(m->live.cells[i]);
    }
}

static uint64_t memory_term_of(const struct weft_log *log, uint64_t index)
{
    const struct memory_log *m = of_const(log);
    if (index == m->base_index) {
        return m->base_term;
    }
    if (index < m->base_index || index > last_of(m)) {
        return 0;
    }
    return m->live.cells[index - m->base_index - 1]->term;
}

static enum weft_err memory_append(struct weft_log *log, uint64_t index,
    const struct weft_peer_entry *entries, uint32_t count, struct weft_msg *msg)
{
    struct memory_log *m = of(log);
    enum weft_err rv = admit(m, WEFT_LOG_MEMORY_APPEND, "append", msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_assert(index == last_of(m) + 1); /* RFT-101 */
    if (!row_reserve(&m->live, count) || !writes_reserve(m, count) ||
        !row_reserve(&m->disk, m->write_count + count)) {
        return weft_fail(msg, WEFT_ENOMEM, "append entry %" PRIu64, index);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_peer_entry *e = &entries[i];
        weft_assert(e->term >= memory_term_of(log, last_of(m))); /* RFT-102 */
        struct cell *cell = malloc(sizeof(*cell) + e->data.size);
        if (cell == NULL) {
            return weft_fail(msg, die(m, WEFT_ENOMEM, "append"), "append %" PRIu64, index + i);
        }
        *cell = (struct cell){2, e->type, e->term, e->data.size};
        if (e->data.size > 0) {
            memcpy(cell->data, e->data.data, e->data.size);
        }
        m->used_bytes += cell_bytes(cell);
        m->appended_bytes += cell_bytes(cell);
        m->live.cells[m->live.count++] = cell;
        m->writes[m->write_count++] = (struct write){index + i, cell};
    }
    if (m->options.capacity_bytes > 0 && m->used_bytes > m->options.capacity_bytes) {
        rv = die(m, WEFT_ENOSPC, "append");
        if (msg != NULL) {
            *msg = m->dead_msg;
        }
        return rv;
    }
    if (m->options.sync_at_once) {
        weft_log_memory_sync(log, UINT64_MAX);
    }
    check(m);
    return WEFT_OK;
}

static enum weft_err memory_truncate(struct weft_log *log, uint64_t index, struct weft_msg *msg)
{
    struct memory_log *m = of(log);
    enum weft_err rv = admit(m, WEFT_LOG_MEMORY_TRUNCATE, "truncate", msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_assert(index > m->base_index); /* RFT-103 */
    if (index > last_of(m)) {
        return WEFT_OK;
    }
    if (!writes_reserve(m, 1) || !row_reserve(&m->disk, m->write_count + 1)) {
        return weft_fail(msg, WEFT_ENOMEM, "truncate at %" PRIu64, index);
    }
    row_cut(&m->live, (size_t)(index - m->base_index - 1));
    m->writes[m->write_count++] = (struct write){index, NULL};
    if (m->durable_index >= index) {
        m->durable_index = index - 1;
    }
    recount(m);
    if (m->options.sync_at_once) {
        weft_log_memory_sync(log, UINT64_MAX);
    }
    check(m);
    return WEFT_OK;
}

static enum weft_err memory_set_term(
    struct weft_log *log, uint64_t term, uint64_t voted_for, struct weft_msg *msg)
{
    struct memory_log *m = of(log);
    bool was_alive = m->dead == WEFT_OK;
    enum weft_err rv = admit(m, WEFT_LOG_MEMORY_SET_TERM, "write term and vote", msg);
    if (rv != WEFT_OK) {
        if (was_alive) {
            m->has_unsure_term = true;
            m->unsure_term = term;
            m->unsure_voted_for = voted_for;
        }
        return rv;
    }
    m->term = term;
    m->voted_for = voted_for;
    return WEFT_OK;
}

static enum weft_err memory_trim(struct weft_log *log, uint64_t index, struct weft_msg *msg)
{
    struct memory_log *m = of(log);
    enum weft_err rv = admit(m, WEFT_LOG_MEMORY_TRIM, "trim", msg);
    if (rv != WEFT_OK || index <= m->base_index) {
        return rv;
    }
    weft_assert(index <= m->durable_index); /* RFT-106 */
    size_t count = (size_t)(index - m->base_index);
    m->base_term = m->live.cells[count - 1]->term;
    m->base_index = index;
    row_drop_front(&m->live, count);
    row_drop_front(&m->disk, count);
    recount(m);
    check(m);
    return WEFT_OK;
}

static void forget_writes(struct memory_log *m)
{
    for (size_t i = 0; i < m->write_count; i++) {
        cell_release(m->writes[i].cell);
    }
    m->write_count = 0;
}

static enum weft_err memory_reset(
    struct weft_log *log, uint64_t index, uint64_t term, struct weft_msg *msg)
{
    struct memory_log *m = of(log);
    enum weft_err rv = admit(m, WEFT_LOG_MEMORY_RESET, "reset", msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    forget_writes(m);
    row_cut(&m->live, 0);
    row_cut(&m->disk, 0);
    m->base_index = index;
    m->base_term = term;
    m->durable_index = index;
    m->used_bytes = 0;
    check(m);
    return WEFT_OK;
}

static enum weft_err memory_read(struct weft_log *log, uint64_t index, size_t size_max,
    uint32_t count_max, struct weft_log_entry *ret_entries, uint32_t *ret_count,
    struct weft_msg *msg)
{
    struct memory_log *m = of(log);
    if (index <= m->base_index || index > last_of(m) || count_max == 0) {
        return weft_fail(msg, WEFT_ENOTFOUND, "entry %" PRIu64 " is not in the log", index);
    }
    if (m->faults[WEFT_LOG_MEMORY_READ].calls_left > 0) {
        enum weft_err rv = admit(m, WEFT_LOG_MEMORY_READ, "read", msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    size_t place = (size_t)(index - m->base_index - 1), size = 0;
    uint32_t count = 0;
    while (count < count_max && place + count < m->live.count) {
        const struct cell *cell = m->live.cells[place + count];
        if (count > 0 && size + cell->size > size_max) {
            break;
        }
        size += cell->size;
        ret_entries[count] = (struct weft_log_entry){
            index + count, cell->term, cell->type, {cell->data, cell->size}};
        count++;
    }
    *ret_count = count;
    return WEFT_OK;
}

static uint64_t memory_base_index(const struct weft_log *log)
{
    return of_const(log)->base_index;
}

static uint64_t memory_last_index(const struct weft_log *log)
{
    return last_of(of_const(log));
}

static uint64_t memory_durable_index(
    struct weft_log *log, enum weft_err *ret_err, struct weft_msg *msg)
{
    struct memory_log *m = of(log);
    *ret_err = m->dead;
    if (m->dead != WEFT_OK && msg != NULL) {
        *msg = m->dead_msg;
    }
    return m->durable_index;
}

static void memory_stats(const struct weft_log *log, struct weft_log_stats *ret_stats)
{
    const struct memory_log *m = of_const(log);
    *ret_stats = (struct weft_log_stats){
        .disk_bytes = m->used_bytes,
        .used_bytes = m->used_bytes,
        .cached_bytes = m->used_bytes,
        .syncs = m->syncs,
        .appended_bytes = m->appended_bytes,
    };
}

static void memory_close(struct weft_log *log)
{
    struct memory_log *m = of(log);
    forget_writes(m);
    row_cut(&m->live, 0);
    row_cut(&m->disk, 0);
    free(m->live.cells);
    free(m->disk.cells);
    free(m->writes);
    free(m);
}

static bool memory_scrub(struct weft_log *log, uint64_t index)
{
    return log->engine->base_index(log) >= index;
}

static const struct weft_log_engine engine = {
    .append = memory_append,
    .truncate = memory_truncate,
    .set_term = memory_set_term,
    .trim = memory_trim,
    .scrub = memory_scrub,
    .reset = memory_reset,
    .read = memory_read,
    .term_of = memory_term_of,
    .base_index = memory_base_index,
    .last_index = memory_last_index,
    .durable_index = memory_durable_index,
    .stats = memory_stats,
    .close = memory_close,
};

enum weft_err weft_log_memory_create(
    const struct weft_log_memory_options *options, struct weft_log **ret_log)
{
    struct memory_log *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return WEFT_ENOMEM;
    }
    m->log.engine = &engine;
    m->options = *options;
    *ret_log = &m->log;
    return WEFT_OK;
}

uint64_t weft_log_memory_pending(const struct weft_log *log)
{
    return of_const(log)->write_count;
}

void weft_log_memory_sync(struct weft_log *log, uint64_t count)
{
    struct memory_log *m = of(log);
    if (m->write_count == 0 || m->dead != WEFT_OK) {
        return;
    }
    if (admit(m, WEFT_LOG_MEMORY_SYNC, "sync", NULL) == WEFT_OK) {
        settle_oldest(m, count < m->write_count ? (size_t)count : m->write_count);
        m->syncs++;
        check(m);
    }
    if (m->options.on_sync != NULL) {
        m->options.on_sync(m->options.on_sync_ctx);
    }
}

/* The loop sees what is on the disk, and nothing else. */
static void open_again(struct memory_log *m, struct weft_log_start *ret_start)
{
    row_cut(&m->live, 0);
    weft_assert(m->live.capacity >= m->disk.count);
    for (size_t i = 0; i < m->disk.count; i++) {
        m->live.cells[i] = cell_share(m->disk.cells[i]);
    }
    m->live.count = m->disk.count;
    m->durable_index = last_of(m);
    m->dead = WEFT_OK;
    m->has_unsure_term = false;
    memset(m->faults, 0, sizeof(m->faults));
    recount(m);
    check(m);
    *ret_start = (struct weft_log_start){
        .term = m->term,
        .voted_for = m->voted_for,
        .base_index = m->base_index,
        .base_term = m->base_term,
        .last_index = last_of(m),
    };
}

void weft_log_memory_crash(struct weft_log *log, uint64_t seed, struct weft_log_start *ret_start)
{
    struct memory_log *m = of(log);
    uint64_t dropped_bytes = 0;
    /* One third each: nothing, everything, a random prefix. */
    uint64_t kind = random_next(&seed) % 3;
    size_t kept = kind == 0 ? 0 : m->write_count;
    if (kind == 2) {
        kept = (size_t)(random_next(&seed) % (m->write_count + 1));
    }
    if (kept < m->write_count && m->writes[kept].cell != NULL) {
        dropped_bytes = random_next(&seed) % cell_bytes(m->writes[kept].cell);
    }
    if (m->has_unsure_term && random_next(&seed) % 2 == 0) {
        m->term = m->unsure_term;
        m->voted_for = m->unsure_voted_for;
    }
    settle_oldest(m, kept);
    forget_writes(m);
    open_again(m, ret_start);
    ret_start->dropped_bytes = dropped_bytes;
}

void weft_log_memory_restart(struct weft_log *log, struct weft_log_start *ret_start)
{
    struct memory_log *m = of(log);
    settle_oldest(m, m->write_count);
    open_again(m, ret_start);
}

void weft_log_memory_fail(
    struct weft_log *log, enum weft_log_memory_op op, uint64_t nth, enum weft_err err)
{
    weft_assert(op < WEFT_LOG_MEMORY_OPS);
    of(log)->faults[op] = (struct fault){nth, err};
}

void weft_log_memory_set_capacity(struct weft_log *log, uint64_t capacity_bytes)
{
    of(log)->options.capacity_bytes = capacity_bytes;
}
