#include "raft/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/check.h"
#include "raft/failpoint.h"
#include "raft/log_file.h"
#include "raft/log_frame.h"
#include "raft/log_meta.h"
#include "raft/log_recover.h"
#include "raft/log_slots.h"
#include "raft/log_table.h"
#include "raft/log_tail.h"
#include "raft/log_writer.h"

enum {
    SEGMENT_SIZE_MIN = 4 * WEFT_LOG_PAGE_SIZE,
    SEGMENT_SIZE_MAX = 1 << 30,
    /* What a segment has besides one entry's data: its header, a frame, the seal. */
    SEGMENT_OVERHEAD = WEFT_LOG_PAGE_SIZE + 2 * WEFT_LOG_FRAME_SIZE + 8,
};

static const char reserve_name[] = "reserve";

struct disk_log {
    struct weft_log log;
    struct weft_log_options options; /* `directory` is ours. */
    struct weft_log_directory directory;
    struct weft_log_meta meta; /* The disk thread writes its mark and nothing else. */
    struct weft_log_slots *slots;
    struct weft_log_writer *writer;

    uint64_t base_index;
    uint64_t base_term;
    struct weft_log_table table;
    uint64_t durable_index;
    uint64_t used_bytes;
    uint64_t appended_bytes;

    struct weft_log_tail tail;
    uint8_t *read_buffer; /* For what is not cached. */
    size_t read_capacity;
};

static struct disk_log *of(struct weft_log *log)
{
    return (struct disk_log *)log;
}

static const struct disk_log *of_const(const struct weft_log *log)
{
    return (const struct disk_log *)log;
}

static uint64_t last_of(const struct disk_log *l)
{
    return weft_log_table_next(&l->table) - 1;
}

static void check(const struct disk_log *l)
{
    weft_assert(l->table.first == l->base_index + 1); /* RFT-106 */
    weft_assert(l->durable_index >= l->base_index);   /* RFT-105 */
    weft_assert(l->durable_index <= last_of(l));      /* RFT-105 */
}

/* Half of a call was carried out in memory: nothing of it may be built upon. */
static enum weft_err give_up(struct disk_log *l, enum weft_err err, struct weft_msg *msg)
{
    struct weft_msg own = {""};
    weft_log_writer_kill(l->writer, err, msg != NULL ? msg : &own);
    return err;
}

/* ---- The table's functions ---- */

static enum weft_err append_one(
    struct disk_log *l, const struct weft_peer_entry *entry, struct weft_msg *msg)
{
    struct weft_log_frame frame = {
        .size_bytes = (uint32_t)entry->data.size,
        .index = weft_log_table_next(&l->table),
        .term = entry->term,
        .type = (uint32_t)entry->type,
    };
    struct weft_log_place place;
    enum weft_err rv =
        weft_log_tail_put(&l->tail, &frame, entry->data.data, frame.index, &place, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    *weft_log_table_push(&l->table) = (struct weft_log_ref){frame.term, frame.sequence, place.bytes,
        place.segment, place.offset, frame.size_bytes, place.chain_before, frame.type};
    l->appended_bytes += weft_log_frame_bytes(frame.size_bytes);
    l->used_bytes += weft_log_frame_bytes(frame.size_bytes);
    return WEFT_OK;
}

static uint64_t disk_term_of(const struct weft_log *log, uint64_t index)
{
    const struct disk_log *l = of_const(log);
    if (index == l->base_index) {
        return l->base_term;
    }
    return weft_log_table_has(&l->table, index) ? weft_log_table_at(&l->table, index)->term : 0;
}

static enum weft_err disk_append(struct weft_log *log, uint64_t index,
    const struct weft_peer_entry *entries, uint32_t count, struct weft_msg *msg)
{
    struct disk_log *l = of(log);
    enum weft_err rv = weft_log_writer_admit(l->writer, &l->tail.after, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_assert(index == last_of(l) + 1); /* RFT-101 */
    uint64_t term = disk_term_of(log, index - 1);
    for (uint32_t i = 0; i < count; i++) {
        weft_assert(entries[i].term >= term); /* RFT-102 */
        weft_assert(weft_log_frame_is_entry((uint32_t)entries[i].type));
        term = entries[i].term;
        if (entries[i].data.size > l->options.segment_size_bytes - SEGMENT_OVERHEAD) {
            return weft_fail(msg, WEFT_ETOOBIG,
                "entry %" PRIu64 " has %zu bytes, a segment holds %" PRIu32, index + i,
                entries[i].data.size, l->options.segment_size_bytes - SEGMENT_OVERHEAD);
        }
    }
    if (weft_log_table_reserve(&l->table, count) != WEFT_OK) {
        return give_up(l, weft_fail(msg, WEFT_ENOMEM, "append entry %" PRIu64, index), msg);
    }
    for (uint32_t i = 0; i < count; i++) {
        rv = append_one(l, &entries[i], msg);
        if (rv != WEFT_OK) {
            return give_up(l, rv, msg);
        }
    }
    weft_log_writer_publish(l->writer);
    weft_log_tail_evict(&l->tail);
    check(l);
    return WEFT_OK;
}

static void forget_used(struct disk_log *l, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i <= to; i++) {
        l->used_bytes -= weft_log_frame_bytes(weft_log_table_at(&l->table, i)->size_bytes);
    }
}

/* A truncation is a frame like any other: what it removes cannot come back as long as the
 * frames behind it are there, since they are chained to it (RFT-103). */
static enum weft_err disk_truncate(struct weft_log *log, uint64_t index, struct weft_msg *msg)
{
    struct disk_log *l = of(log);
    struct weft_log_frame frame = {.type = WEFT_LOG_FRAME_TRUNCATE, .index = index};
    struct weft_log_place place;
    enum weft_err rv = weft_log_writer_admit(l->writer, &l->tail.after, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_assert(index > l->base_index); /* RFT-103 */
    if (index > last_of(l)) {
        return WEFT_OK;
    }
    weft_failpoint(WEFT_FAILPOINT_LOG_TRUNCATE);
    rv = weft_log_tail_put(&l->tail, &frame, NULL, last_of(l) + 1, &place, msg);
    if (rv != WEFT_OK) {
        return give_up(l, rv, msg);
    }
    forget_used(l, index, last_of(l));
    weft_log_table_cut(&l->table, index);
    if (l->durable_index >= index) {
        l->durable_index = index - 1;
    }
    weft_log_writer_publish(l->writer);
    weft_log_tail_evict(&l->tail);
    check(l);
    return WEFT_OK;
}

static uint64_t disk_durable_index(
    struct weft_log *log, enum weft_err *ret_err, struct weft_msg *msg)
{
    struct disk_log *l = of(log);
    uint64_t sequence = weft_log_writer_durable(l->writer, ret_err, msg);
    while (l->durable_index < last_of(l) &&
           weft_log_table_at(&l->table, l->durable_index + 1)->sequence <= sequence) {
        l->durable_index++;
    }
    return l->durable_index;
}

static enum weft_err write_record(
    struct disk_log *l, const struct weft_log_record *record, struct weft_msg *msg)
{
    enum weft_err rv;
    (void)weft_log_writer_durable(l->writer, &rv, msg);
    if (rv == WEFT_OK) {
        rv = weft_log_meta_write(&l->meta, record, msg);
        if (rv != WEFT_OK) {
            return give_up(l, rv, msg);
        }
    }
    return rv;
}

static enum weft_err disk_set_term(
    struct weft_log *log, uint64_t term, uint64_t voted_for, struct weft_msg *msg)
{
    struct disk_log *l = of(log);
    struct weft_log_record record = l->meta.record;
    record.term = term;
    record.voted_for = voted_for;
    return write_record(l, &record, msg);
}

static enum weft_err disk_trim(struct weft_log *log, uint64_t index, struct weft_msg *msg)
{
    struct disk_log *l = of(log);
    enum weft_err rv;
    if (index <= l->base_index) {
        return WEFT_OK;
    }
    weft_assert(index <= disk_durable_index(log, &rv, msg)); /* RFT-106 */
    /* RFT-107. The segment of the last trimmed entry stays, although the next one may hold all
     * that is live: what comes behind that entry may not be durable yet, truncations among it,
     * and the entry itself is what a start can count on. */
    struct weft_log_segment *keep = weft_log_table_at(&l->table, index)->segment;
    struct weft_log_record record = l->meta.record;
    record.base_index = index;
    record.base_term = disk_term_of(log, index);
    record.first_segment = keep->number;
    record.first_sequence = keep->first_sequence;
    weft_failpoint(WEFT_FAILPOINT_LOG_TRIM);
    rv = write_record(l, &record, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    forget_used(l, l->base_index + 1, index);
    weft_log_table_drop(&l->table, index + 1);
    l->base_index = index;
    l->base_term = record.base_term;
    weft_log_tail_retire(&l->tail, keep, l->slots);
    check(l);
    return WEFT_OK;
}

static bool disk_scrub(struct weft_log *log, uint64_t index)
{
    struct disk_log *l = of(log);
    const struct weft_log_segment *oldest = l->tail.segments;
    bool is_done = oldest == NULL || oldest->first_index > index;
    weft_log_slots_scrub(l->slots, !is_done);
    return is_done;
}

static enum weft_err disk_reset(
    struct weft_log *log, uint64_t index, uint64_t term, struct weft_msg *msg)
{
    struct disk_log *l = of(log);
    enum weft_err rv = weft_log_writer_drain(l->writer, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    /* One record says it all: before it is durable the old log stands, afterwards none of it. */
    struct weft_log_record record = l->meta.record;
    record.base_index = index;
    record.base_term = term;
    record.first_segment = l->tail.next_segment;
    record.first_sequence = l->tail.next_sequence;
    rv = write_record(l, &record, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_log_table_restart(&l->table, index + 1);
    l->base_index = l->durable_index = index;
    l->base_term = term;
    l->used_bytes = 0;
    weft_log_tail_retire(&l->tail, NULL, l->slots);
    check(l);
    return WEFT_OK;
}

/* Entries index .. index + count - 1, which lie in one segment and not in memory. Frames of
 * truncated entries may lie between them. */
static enum weft_err load(struct disk_log *l, uint64_t index, uint32_t count,
    struct weft_log_entry *ret_entries, struct weft_msg *msg)
{
    const struct weft_log_ref *first = weft_log_table_at(&l->table, index);
    const struct weft_log_ref *last = weft_log_table_at(&l->table, index + count - 1);
    size_t size = last->offset + weft_log_frame_bytes(last->size_bytes) - first->offset;
    char name[WEFT_LOG_SLOT_NAME_SIZE];
    weft_log_slot_name(first->segment->slot.number, name);
    if (size > l->read_capacity) {
        uint8_t *buffer = realloc(l->read_buffer, size);
        if (buffer == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "read entry %" PRIu64, index);
        }
        l->read_buffer = buffer;
        l->read_capacity = size;
    }
    enum weft_err rv = weft_log_file_read(
        &l->directory, first->segment->slot.fd, name, l->read_buffer, size, first->offset, msg);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        const struct weft_log_ref *ref = weft_log_table_at(&l->table, index + i);
        const uint8_t *bytes = l->read_buffer + (ref->offset - first->offset);
        struct weft_log_frame frame;
        if (!weft_log_frame_decode(bytes, ref->segment->salt, &frame) ||
            frame.sequence != ref->sequence || frame.size_bytes != ref->size_bytes ||
            !weft_log_frame_verify(bytes, &frame, ref->chain_before)) {
            return weft_fail(msg, WEFT_ECORRUPT,
                "%s/%s: offset %" PRIu32 ": entry %" PRIu64 " is damaged", l->directory.path, name,
                ref->offset, index + i);
        }
        ret_entries[i] = (struct weft_log_entry){index + i, ref->term,
            (enum weft_entry_type)ref->type, {bytes + WEFT_LOG_FRAME_SIZE, ref->size_bytes}};
    }
    return rv;
}

static bool is_cached(const struct disk_log *l, const struct weft_log_ref *ref)
{
    return ref->sequence >= l->tail.cached_sequence;
}

static enum weft_err disk_read(struct weft_log *log, uint64_t index, size_t size_max,
    uint32_t count_max, struct weft_log_entry *ret_entries, uint32_t *ret_count,
    struct weft_msg *msg)
{
    struct disk_log *l = of(log);
    if (!weft_log_table_has(&l->table, index) || count_max == 0) {
        return weft_fail(msg, WEFT_ENOTFOUND, "entry %" PRIu64 " is not in the log", index);
    }
    const struct weft_log_ref *first = weft_log_table_at(&l->table, index);
    bool cached = is_cached(l, first);
    uint32_t count = 0;
    size_t size = 0;
    while (count < count_max && weft_log_table_has(&l->table, index + count)) {
        const struct weft_log_ref *ref = weft_log_table_at(&l->table, index + count);
        /* On disk, the stretch that is read counts: dead frames may lie in it. */
        size_t grown =
            cached ? size + ref->size_bytes : ref->offset + ref->size_bytes - (size_t)first->offset;
        if (count > 0 && (grown > size_max || is_cached(l, ref) != cached ||
                             (!cached && ref->segment != first->segment))) {
            break;
        }
        size = grown;
        if (cached) {
            ret_entries[count] =
                (struct weft_log_entry){index + count, ref->term, (enum weft_entry_type)ref->type,
                    {ref->frame + WEFT_LOG_FRAME_SIZE, ref->size_bytes}};
        }
        count++;
    }
    if (!cached) {
        enum weft_err rv = load(l, index, count, ret_entries, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    *ret_count = count;
    return WEFT_OK;
}

static uint64_t disk_base_index(const struct weft_log *log)
{
    return of_const(log)->base_index;
}

static uint64_t disk_last_index(const struct weft_log *log)
{
    return last_of(of_const(log));
}

static void disk_stats(const struct weft_log *log, struct weft_log_stats *ret_stats)
{
    const struct disk_log *l = of_const(log);
    *ret_stats = (struct weft_log_stats){
        .disk_bytes = weft_log_slots_spare_bytes(l->slots),
        .used_bytes = l->used_bytes,
        .cached_bytes = l->tail.cached_bytes,
        .appended_bytes = l->appended_bytes,
    };
    for (const struct weft_log_segment *s = l->tail.segments; s != NULL; s = s->next) {
        ret_stats->disk_bytes += s->size_bytes;
    }
    weft_log_writer_stats(l->writer, ret_stats);
}

/* ---- Open and close ---- */

/* Releases what there is, in any state of opening. */
static void destroy(struct disk_log *l)
{
    struct weft_log_block *blocks = NULL;
    if (l->writer != NULL) {
        blocks = weft_log_writer_destroy(l->writer);
    }
    if (l->slots != NULL) {
        weft_log_slots_destroy(l->slots);
    }
    weft_log_tail_destroy(&l->tail, blocks, &l->directory);
    if (l->meta.directory != NULL) {
        weft_log_meta_close(&l->meta);
    }
    if (l->directory.fd >= 0) {
        (void)close(l->directory.fd);
    }
    weft_log_table_destroy(&l->table);
    free(l->read_buffer);
    free((void *)(uintptr_t)l->options.directory);
    free(l);
}

static void disk_close(struct weft_log *log)
{
    destroy(of(log));
}

static const struct weft_log_engine engine = {
    .append = disk_append,
    .truncate = disk_truncate,
    .set_term = disk_set_term,
    .trim = disk_trim,
    .scrub = disk_scrub,
    .reset = disk_reset,
    .read = disk_read,
    .term_of = disk_term_of,
    .base_index = disk_base_index,
    .last_index = disk_last_index,
    .durable_index = disk_durable_index,
    .stats = disk_stats,
    .close = disk_close,
};

static enum weft_err has_slots(
    const struct weft_log_directory *d, bool *ret_has, struct weft_msg *msg)
{
    DIR *directory = opendir(d->path);
    if (directory == NULL) {
        return weft_fail(msg, WEFT_EIO, "%s: list: %s", d->path, strerror(errno));
    }
    *ret_has = false;
    for (const struct dirent *e; (e = readdir(directory)) != NULL;) {
        *ret_has = *ret_has || weft_log_slot_parse(e->d_name) != 0;
    }
    (void)closedir(directory);
    return WEFT_OK;
}

/* The file `meta` is made before the first segment: segments without it have lost the vote. */
static enum weft_err open_meta(struct disk_log *l, struct weft_msg *msg)
{
    bool has_segments = true;
    enum weft_err rv = has_slots(&l->directory, &has_segments, msg);
    if (rv == WEFT_OK) {
        rv = weft_log_meta_open(&l->directory, l->options.cluster, !has_segments,
            l->options.drop_damaged_tail, &l->meta, msg);
    }
    if (rv == WEFT_ENOTFOUND) {
        rv = weft_fail(msg, WEFT_ECORRUPT,
            "%s/meta: is missing although there are segments: term and vote are lost",
            l->directory.path);
    }
    return rv;
}

static enum weft_err keep_reserve(struct disk_log *l, struct weft_msg *msg)
{
    const struct weft_log_directory *d = &l->directory;
    struct stat st;
    if (l->options.reserve_bytes == 0) {
        (void)d->ops->unlink(d->ops->ctx, d->fd, reserve_name);
        return WEFT_OK;
    }
    int fd = d->ops->open(d->ops->ctx, d->fd, reserve_name, O_RDWR | O_CREAT);
    int rv = fd < 0 ? fd : 0;
    if (rv == 0 && (fstat(fd, &st) != 0 || (uint64_t)st.st_size < l->options.reserve_bytes)) {
        rv = d->ops->allocate(d->ops->ctx, fd, (off_t)l->options.reserve_bytes);
    }
    if (fd >= 0) {
        d->ops->close(d->ops->ctx, fd);
    }
    if (rv != 0) {
        (void)d->ops->unlink(d->ops->ctx, d->fd, reserve_name);
        return weft_fail(msg, weft_log_file_err(rv),
            "%s/%s: keep %" PRIu64 " bytes for the case of a full disk: %s", d->path, reserve_name,
            l->options.reserve_bytes, strerror(-rv));
    }
    return WEFT_OK;
}

/* Take over what recovery found. */
static enum weft_err start(
    struct disk_log *l, struct weft_log_recovery *recovery, struct weft_msg *msg)
{
    enum weft_err rv = weft_log_slots_create(
        &l->directory, l->options.segment_size_bytes, recovery->numbers_used, &l->slots, msg);
    if (rv != WEFT_OK) {
        weft_log_recovery_destroy(recovery, &l->directory);
        return rv;
    }
    for (uint32_t i = 0; i < recovery->spare_count; i++) {
        weft_log_slots_give(l->slots, recovery->spares[i], l->options.segment_size_bytes);
    }
    free(recovery->spares);
    l->table = recovery->table;
    l->tail = (struct weft_log_tail){
        .segment_size_bytes = l->options.segment_size_bytes,
        .cache_size_max = l->options.cache_size_max,
        .segments = recovery->segments,
        .last = recovery->last,
        .next_segment = recovery->next_segment,
        .next_sequence = recovery->next_sequence,
        .chain = recovery->chain,
        .offset = recovery->tail_offset,
        .is_sealed = recovery->last != NULL && recovery->tail_offset == recovery->last->size_bytes,
        .cached_sequence = recovery->next_sequence,
    };
    l->base_index = l->meta.record.base_index;
    l->base_term = l->meta.record.base_term;
    l->durable_index = last_of(l);
    for (uint64_t i = l->table.first; i <= l->durable_index; i++) {
        l->used_bytes += weft_log_frame_bytes(weft_log_table_at(&l->table, i)->size_bytes);
    }
    rv = weft_log_writer_create(&l->directory, &l->meta, l->slots, l->tail.next_sequence - 1,
        l->options.on_sync, l->options.on_sync_ctx, &l->writer, msg);
    l->tail.writer = l->writer;
    return rv;
}

static enum weft_err open_parts(
    struct disk_log *l, struct weft_log_start *ret_start, struct weft_msg *msg)
{
    struct weft_log_recovery recovery;
    enum weft_err rv = open_meta(l, msg);
    if (rv == WEFT_OK) {
        rv = weft_log_recover(&l->directory, &l->options, &l->meta, &recovery, msg);
    }
    if (rv == WEFT_OK) {
        rv = start(l, &recovery, msg);
    }
    if (rv == WEFT_OK) {
        rv = keep_reserve(l, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    *ret_start = (struct weft_log_start){
        .term = l->meta.record.term,
        .voted_for = l->meta.record.voted_for,
        .base_index = l->base_index,
        .base_term = l->base_term,
        .last_index = last_of(l),
        .dropped_bytes = recovery.dropped_bytes,
        .repaired_metadata = l->meta.was_repaired,
    };
    return WEFT_OK;
}

enum weft_err weft_log_disk_open_with(const struct weft_log_options *options,
    const struct weft_log_file_ops *ops, struct weft_log **ret_log,
    struct weft_log_start *ret_start, struct weft_msg *msg)
{
    uint32_t size = options->segment_size_bytes;
    if (size < SEGMENT_SIZE_MIN || size > SEGMENT_SIZE_MAX || size % WEFT_LOG_PAGE_SIZE != 0) {
        return weft_fail(msg, WEFT_EINVAL,
            "segment size %" PRIu32 ": must be a multiple of %d "
            "from %d to %d",
            size, WEFT_LOG_PAGE_SIZE, SEGMENT_SIZE_MIN, SEGMENT_SIZE_MAX);
    }
    struct disk_log *l = calloc(1, sizeof(*l));
    char *path = strdup(options->directory);
    if (l == NULL || path == NULL) {
        free(l);
        free(path);
        return weft_fail(msg, WEFT_ENOMEM, "open the log");
    }
    l->log.engine = &engine;
    l->options = *options;
    l->options.directory = path;
    l->directory =
        (struct weft_log_directory){ops, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path};
    enum weft_err rv = l->directory.fd < 0
                           ? weft_fail(msg, WEFT_EIO, "%s: open: %s", path, strerror(errno))
                           : open_parts(l, ret_start, msg);
    if (rv != WEFT_OK) {
        destroy(l);
        return rv;
    }
    *ret_log = &l->log;
    return WEFT_OK;
}

enum weft_err weft_log_disk_open(const struct weft_log_options *options, struct weft_log **ret_log,
    struct weft_log_start *ret_start, struct weft_msg *msg)
{
    return weft_log_disk_open_with(options, &weft_log_file_system, ret_log, ret_start, msg);
}
