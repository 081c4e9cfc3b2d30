#include "raft/log_recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "raft/log_frame.h"

/* A slot that holds a part of the log, by its header. */
struct found {
    struct weft_log_slot slot;
    struct weft_log_segment_header header;
    uint32_t end; /* Of its last good frame. */
    char name[WEFT_LOG_SLOT_NAME_SIZE];
};

struct slots {
    struct weft_log_slot *items;
    uint32_t count;
};

struct replay {
    const struct weft_log_directory *directory;
    const struct weft_log_options *options;
    struct weft_log_meta *meta;
    struct weft_log_recovery *out;
    struct slots spares;
    struct slots misfits;
    struct found *live; /* By number, none twice. */
    uint32_t live_count;
    uint32_t kept;   /* The first so many are a part of the log, and in out->segments. */
    uint8_t *buffer; /* One segment. */
    size_t buffer_size;
    /* The frame that comes next. */
    uint32_t place; /* In `live`; live_count: in a segment that is not there. */
    uint32_t offset;
    uint64_t sequence;
    uint32_t chain;
    bool is_sealed;        /* The segment before `place` ended as it should. */
    uint64_t proven;       /* Frames up to this one were durable. */
    uint64_t beyond_bytes; /* Found behind the end. */
};

/* ---- What is in the directory ---- */

static enum weft_err push(struct slots *list, struct weft_log_slot slot, struct weft_msg *msg)
{
    struct weft_log_slot *items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (items == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "read the log");
    }
    list->items = items;
    list->items[list->count++] = slot;
    return WEFT_OK;
}

/* The slot is taken. One of another size than new segments have serves no more; it is removed
 * in the end, not before all else is found to be in order. */
static enum weft_err add_spare(
    struct replay *r, struct weft_log_slot slot, uint64_t size_bytes, struct weft_msg *msg)
{
    bool fits = size_bytes == r->options->segment_size_bytes;
    enum weft_err rv = push(fits ? &r->spares : &r->misfits, slot, msg);
    if (rv != WEFT_OK) {
        r->directory->ops->close(r->directory->ops->ctx, slot.fd);
    }
    return rv;
}

static void remove_misfits(struct replay *r)
{
    const struct weft_log_directory *d = r->directory;
    for (uint32_t i = 0; i < r->misfits.count; i++) {
        char name[WEFT_LOG_SLOT_NAME_SIZE];
        weft_log_slot_name(r->misfits.items[i].number, name);
        (void)d->ops->unlink(d->ops->ctx, d->fd, name);
    }
}

static void close_slots(struct replay *r, struct slots *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        r->directory->ops->close(r->directory->ops->ctx, list->items[i].fd);
    }
    free(list->items);
}

static enum weft_err add_live(struct replay *r, const struct found *found, struct weft_msg *msg)
{
    struct found *live = realloc(r->live, (r->live_count + 1) * sizeof(*live));
    if (live == NULL) {
        r->directory->ops->close(r->directory->ops->ctx, found->slot.fd);
        return weft_fail(msg, WEFT_ENOMEM, "read the log");
    }
    r->live = live;
    r->live[r->live_count++] = *found;
    return WEFT_OK;
}

static enum weft_err wipe_header(struct replay *r, const struct found *f, struct weft_msg *msg)
{
    static const uint8_t page[WEFT_LOG_PAGE_SIZE];
    enum weft_err rv =
        weft_log_file_write(r->directory, f->slot.fd, f->name, page, sizeof(page), 0, msg);
    return rv == WEFT_OK ? weft_log_file_sync(r->directory, f->slot.fd, f->name, msg) : rv;
}

/* What the header says: WEFT_OK live or (number below the first segment) trimmed, WEFT_ENOTFOUND
 * never used; WEFT_ECORRUPT only if it is to be taken for a spare. */
static enum weft_err judge_header(struct replay *r, struct found *f, struct weft_msg *msg)
{
    const struct weft_log_directory *d = r->directory;
    uint8_t page[WEFT_LOG_PAGE_SIZE];
    enum weft_err rv = weft_log_file_read(d, f->slot.fd, f->name, page, sizeof(page), 0, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    rv = weft_log_segment_decode(page, &f->header);
    if (rv == WEFT_EVERSION) {
        return weft_fail(
            msg, rv, "%s/%s: of a newer format: use the newer program", d->path, f->name);
    }
    if (rv == WEFT_OK && f->header.cluster != r->options->cluster) {
        return weft_fail(msg, WEFT_EPEER,
            "%s/%s: belongs to cluster %016" PRIx64 ", this node to %016" PRIx64, d->path, f->name,
            f->header.cluster, r->options->cluster);
    }
    if (rv == WEFT_ECORRUPT) {
        return weft_fail(
            msg, rv, "%s/%s: offset 0: the segment's header is damaged", d->path, f->name);
    }
    return rv;
}

/* Spare or live? The slot is taken, also on failure. */
static enum weft_err classify(struct replay *r, struct found *f, struct weft_msg *msg)
{
    const struct weft_log_directory *d = r->directory;
    enum weft_err rv = judge_header(r, f, msg);
    if (rv == WEFT_OK && f->header.number >= r->meta->record.first_segment) {
        return add_live(r, f, msg);
    }
    if (rv == WEFT_ECORRUPT && r->options->drop_damaged_tail) {
        rv = wipe_header(r, f, msg);
    }
    if (rv != WEFT_OK && rv != WEFT_ENOTFOUND) {
        d->ops->close(d->ops->ctx, f->slot.fd);
        return rv;
    }
    struct stat st;
    uint64_t size_bytes = fstat(f->slot.fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    return add_spare(r, f->slot, size_bytes, msg);
}

static enum weft_err look_at(struct replay *r, const char *name, struct weft_msg *msg)
{
    const struct weft_log_directory *d = r->directory;
    uint32_t number = weft_log_slot_parse(name);
    struct found f = {.slot = {number, -1}};
    if (strcmp(name, "segment.new") == 0 || strcmp(name, "meta.new") == 0) {
        (void)d->ops->unlink(d->ops->ctx, d->fd, name); /* Never finished. */
        return WEFT_OK;
    }
    if (number == 0) {
        return WEFT_OK;
    }
    weft_log_slot_name(number, f.name);
    f.slot.fd = d->ops->open(d->ops->ctx, d->fd, name, O_RDWR);
    if (f.slot.fd < 0) {
        return weft_fail(msg, weft_log_file_err(f.slot.fd), "%s/%s: open: %s", d->path, name,
            strerror(-f.slot.fd));
    }
    if (number > r->out->numbers_used) {
        r->out->numbers_used = number;
    }
    return classify(r, &f, msg);
}

static int by_number(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return (x->header.number > y->header.number) - (x->header.number < y->header.number);
}

static enum weft_err list(struct replay *r, struct weft_msg *msg)
{
    const struct weft_log_directory *d = r->directory;
    DIR *directory = opendir(d->path);
    enum weft_err rv = WEFT_OK;
    if (directory == NULL) {
        return weft_fail(msg, WEFT_EIO, "%s: list: %s", d->path, strerror(errno));
    }
    for (const struct dirent *entry; rv == WEFT_OK && (entry = readdir(directory)) != NULL;) {
        rv = look_at(r, entry->d_name, msg);
    }
    (void)closedir(directory);
    if (rv == WEFT_OK) {
        /* A process that was killed may have named a file without getting to sync the name. */
        rv = weft_log_file_sync_directory(d, msg);
    }
    if (rv != WEFT_OK || r->live_count == 0) {
        return rv;
    }
    qsort(r->live, r->live_count, sizeof(*r->live), by_number);
    for (uint32_t i = 1; i < r->live_count; i++) {
        if (r->live[i].header.number == r->live[i - 1].header.number) {
            return weft_fail(msg, WEFT_ECORRUPT, "%s: %s and %s both claim to be segment %" PRIu64,
                d->path, r->live[i - 1].name, r->live[i].name, r->live[i].header.number);
        }
    }
    return WEFT_OK;
}

/* ---- Following the frames ---- */

static enum weft_err load(struct replay *r, uint32_t place, struct weft_msg *msg)
{
    const struct found *f = &r->live[place];
    if (f->header.size_bytes > r->buffer_size) {
        uint8_t *buffer = realloc(r->buffer, f->header.size_bytes);
        if (buffer == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "read %s/%s", r->directory->path, f->name);
        }
        r->buffer = buffer;
        r->buffer_size = f->header.size_bytes;
    }
    return weft_log_file_read(
        r->directory, f->slot.fd, f->name, r->buffer, f->header.size_bytes, 0, msg);
}

/* Every checksum was right: what contradicts here was written so, and no cut mends it. */
static enum weft_err apply(struct replay *r, struct weft_log_segment *segment,
    const struct weft_log_frame *frame, struct weft_msg *msg)
{
    struct weft_log_table *table = &r->out->table;
    uint64_t next = weft_log_table_next(table);
    bool is_sane = frame->after < frame->sequence;
    if (weft_log_frame_is_entry(frame->type)) {
        bool has_previous = table->end > table->begin;
        is_sane = is_sane && frame->index == next &&
                  (!has_previous || weft_log_table_at(table, next - 1)->term <= frame->term);
        if (is_sane && weft_log_table_reserve(table, 1) != WEFT_OK) {
            return weft_fail(msg, WEFT_ENOMEM, "read the log");
        }
        if (is_sane) {
            *weft_log_table_push(table) = (struct weft_log_ref){frame->term, frame->sequence, NULL,
                segment, r->offset, frame->size_bytes, r->chain, frame->type};
        }
    } else if (frame->type == WEFT_LOG_FRAME_TRUNCATE) {
        is_sane = is_sane && frame->index < next;
        weft_log_table_cut(table, frame->index);
    }
    if (!is_sane) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "%s/%s: offset %" PRIu32 ": entry %" PRIu64 " of term %" PRIu64
            " cannot follow entry %" PRIu64,
            r->directory->path, r->live[r->place].name, r->offset, frame->index, frame->term,
            next - 1);
    }
    if (frame->after > r->proven) {
        r->proven = frame->after;
    }
    return WEFT_OK;
}

/* Frames of live[place], which is loaded, until one is not what should be there. */
static enum weft_err follow(
    struct replay *r, struct weft_log_segment *segment, struct weft_msg *msg)
{
    struct weft_log_frame frame;
    r->offset = WEFT_LOG_PAGE_SIZE;
    r->is_sealed = false;
    while (!r->is_sealed && r->offset + WEFT_LOG_FRAME_SIZE <= segment->size_bytes) {
        const uint8_t *bytes = r->buffer + r->offset;
        if (!weft_log_frame_decode(bytes, segment->salt, &frame) || frame.sequence != r->sequence ||
            weft_log_frame_bytes(frame.size_bytes) > segment->size_bytes - r->offset ||
            !weft_log_frame_verify(bytes, &frame, r->chain)) {
            return WEFT_OK;
        }
        enum weft_err rv = apply(r, segment, &frame, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        r->chain = frame.chain;
        r->sequence++;
        r->offset += (uint32_t)weft_log_frame_bytes(frame.size_bytes);
        r->is_sealed = frame.type == WEFT_LOG_FRAME_SEAL;
    }
    return WEFT_OK;
}

/* Does live[place] go on where the one before it ended? */
static bool continues(const struct replay *r)
{
    const struct weft_log_segment_header *h = &r->live[r->place].header;
    uint64_t number = r->meta->record.first_segment + r->place;
    bool is_first = r->place == 0;
    return h->number == number && h->first_sequence == r->sequence &&
           (is_first || h->chain == r->chain) &&
           (is_first || h->first_index == weft_log_table_next(&r->out->table));
}

static struct weft_log_segment *add_segment(struct replay *r)
{
    struct weft_log_recovery *out = r->out;
    const struct found *f = &r->live[r->place];
    struct weft_log_segment *segment = malloc(sizeof(*segment));
    if (segment != NULL) {
        *segment = (struct weft_log_segment){NULL, f->header.number, f->header.first_sequence,
            f->header.first_index, f->header.chain, f->header.salt, f->header.size_bytes, f->slot};
        *(out->last != NULL ? &out->last->next : &out->segments) = segment;
        out->last = segment;
        r->kept++;
    }
    return segment;
}

/* Leaves `place` at the segment in which the log ends: the last one that is a part of it, or
 * (sealed) the one that would follow. */
static enum weft_err follow_all(struct replay *r, struct weft_msg *msg)
{
    r->sequence = r->meta->record.first_sequence;
    r->proven = r->meta->mark;
    r->is_sealed = true;
    weft_log_table_restart(&r->out->table,
        r->live_count > 0 ? r->live[0].header.first_index : r->meta->record.base_index + 1);
    for (r->place = 0; r->place < r->live_count && continues(r); r->place++) {
        enum weft_err rv = load(r, r->place, msg);
        struct weft_log_segment *segment = rv == WEFT_OK ? add_segment(r) : NULL;
        if (segment == NULL) {
            return rv != WEFT_OK ? rv : weft_fail(msg, WEFT_ENOMEM, "read the log");
        }
        if (r->place == 0) {
            r->chain = segment->chain;
        }
        rv = follow(r, segment, msg);
        r->live[r->place].end = r->offset;
        if (rv != WEFT_OK) {
            return rv;
        }
        if (!r->is_sealed) {
            return WEFT_OK;
        }
    }
    if (r->kept == 0) {
        weft_log_table_restart(&r->out->table, r->meta->record.base_index + 1);
    }
    return WEFT_OK;
}

/* ---- What is behind the end ---- */

/* Headers of frames from `from` on in live[place], which is loaded: RFT-109. */
static void search(struct replay *r, uint32_t place, uint32_t from)
{
    const struct weft_log_segment_header *h = &r->live[place].header;
    struct weft_log_frame frame;
    uint32_t offset = from, end = from;
    while (offset + WEFT_LOG_FRAME_SIZE <= h->size_bytes) {
        bool is_frame = weft_log_frame_decode(r->buffer + offset, h->salt, &frame) &&
                        frame.sequence >= r->sequence && frame.after < frame.sequence;
        size_t whole = is_frame ? weft_log_frame_bytes(frame.size_bytes) : 8;
        if (whole > h->size_bytes - offset) {
            whole = is_frame ? WEFT_LOG_FRAME_SIZE : 8;
        }
        offset += (uint32_t)whole;
        if (is_frame) {
            end = offset;
            r->proven = frame.after > r->proven ? frame.after : r->proven;
        }
    }
    /* A write fills its last page with zeros: anything else there is of a torn one. */
    uint32_t page_end = (from + WEFT_LOG_PAGE_SIZE - 1) / WEFT_LOG_PAGE_SIZE * WEFT_LOG_PAGE_SIZE;
    for (uint32_t at = page_end; at > end && at <= h->size_bytes; at--) {
        if (r->buffer[at - 1] != 0) {
            end = at;
        }
    }
    r->beyond_bytes += end - from;
}

static enum weft_err search_all(struct replay *r, struct weft_msg *msg)
{
    uint32_t place = r->place;
    if (!r->is_sealed) { /* Loaded. */
        search(r, place, r->offset);
        place++;
    }
    for (; place < r->live_count; place++) {
        enum weft_err rv = load(r, place, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        search(r, place, WEFT_LOG_PAGE_SIZE);
    }
    return WEFT_OK;
}

static enum weft_err refuse(const struct replay *r, struct weft_msg *msg)
{
    const char *path = r->directory->path;
    uint64_t index = weft_log_table_next(&r->out->table);
    uint64_t number = r->meta->record.first_segment + r->place;
    bool is_there = r->place < r->live_count && r->live[r->place].header.number == number;
    if (r->is_sealed && !is_there) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "%s: segment %" PRIu64 " is missing, which holds entry %" PRIu64
            " (acknowledged up to frame %" PRIu64 ")",
            path, number, index, r->proven);
    }
    return weft_fail(msg, WEFT_ECORRUPT,
        "%s/%s: offset %" PRIu32 ": damaged at entry %" PRIu64 ", frame %" PRIu64
        ", of segment %" PRIu64 "; frames up to %" PRIu64 " were acknowledged",
        path, r->live[r->place].name, r->is_sealed ? 0 : r->offset, index, r->sequence, number,
        r->proven);
}

/* ---- Making what is left durable and unambiguous ---- */

/* Segments behind the end become spare. Last first, so that a crash in here leaves no gap. */
static enum weft_err wipe_later(struct replay *r, struct weft_msg *msg)
{
    while (r->live_count > r->kept) {
        const struct found *f = &r->live[r->live_count - 1];
        enum weft_err rv = wipe_header(r, f, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        r->live_count--;
        rv = add_spare(r, f->slot, f->header.size_bytes, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}

/* RFT-110. Frames that are not proven durable may be in the page cache only, even marked clean
 * after a failed sync of the process before: they are written again. live[place] is loaded. */
static enum weft_err rewrite(struct replay *r, uint32_t place, struct weft_msg *msg)
{
    const struct found *f = &r->live[place];
    struct weft_log_frame frame;
    bool is_all = f->header.first_sequence > r->proven;
    uint32_t from = is_all ? 0 : WEFT_LOG_PAGE_SIZE;
    while (!is_all && from < f->end) {
        if (!weft_log_frame_decode(r->buffer + from, f->header.salt, &frame)) {
            return weft_fail(msg, WEFT_EIO, "%s/%s: offset %" PRIu32 ": reads differ",
                r->directory->path, f->name, from);
        }
        if (frame.sequence > r->proven) {
            break;
        }
        from += (uint32_t)weft_log_frame_bytes(frame.size_bytes);
    }
    if (from >= f->end) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_log_file_write(
        r->directory, f->slot.fd, f->name, r->buffer + from, f->end - from, from, msg);
    return rv == WEFT_OK ? weft_log_file_sync(r->directory, f->slot.fd, f->name, msg) : rv;
}

/* Behind the end of an open segment stands nothing but zeros, so that no frame of a write that
 * was given up can ever follow a new one (RFT-104). */
static enum weft_err clear_rest(struct replay *r, uint32_t place, struct weft_msg *msg)
{
    const struct found *f = &r->live[place];
    const uint8_t *rest = r->buffer + f->end;
    size_t size = f->header.size_bytes - f->end;
    if (size == 0 || (rest[0] == 0 && memcmp(rest, rest + 1, size - 1) == 0)) {
        return WEFT_OK;
    }
    return weft_log_file_zero(r->directory, f->slot.fd, f->name, f->end, size, NULL, msg);
}

static enum weft_err settle(struct replay *r, struct weft_msg *msg)
{
    uint64_t next_sequence = r->sequence;
    enum weft_err rv = wipe_later(r, msg);
    for (uint32_t i = r->kept; rv == WEFT_OK && i-- > 0;) {
        bool is_open = i + 1 == r->kept && !r->is_sealed;
        if (!is_open && next_sequence - 1 <= r->proven) {
            break;
        }
        rv = load(r, i, msg);
        if (rv == WEFT_OK) {
            rv = rewrite(r, i, msg);
        }
        if (rv == WEFT_OK && is_open) {
            rv = clear_rest(r, i, msg);
        }
        next_sequence = r->live[i].header.first_sequence;
    }
    if (rv != WEFT_OK || (r->meta->mark == r->sequence - 1)) {
        return rv;
    }
    /* Both places: after a cut the higher mark must be gone. */
    rv = weft_log_meta_mark(r->meta, r->sequence - 1, msg);
    if (rv == WEFT_OK) {
        rv = weft_log_meta_mark(r->meta, r->sequence - 1, msg);
    }
    return rv == WEFT_OK ? weft_log_meta_sync(r->meta, msg) : rv;
}

/* The operator's cut took entries that a checkpoint covers: nothing of the log is left but its
 * base. The numbers go on, so that nothing old can be taken for new. */
static enum weft_err restart_at_base(struct replay *r, struct weft_msg *msg)
{
    struct weft_log_recovery *out = r->out;
    struct weft_log_record record = r->meta->record;
    record.first_segment += r->kept;
    record.first_sequence = r->sequence;
    enum weft_err rv = weft_log_meta_write(r->meta, &record, msg);
    while (rv == WEFT_OK && out->segments != NULL) {
        struct weft_log_segment *segment = out->segments;
        out->segments = segment->next;
        rv = add_spare(r, segment->slot, segment->size_bytes, msg);
        free(segment);
    }
    out->last = NULL;
    weft_log_table_restart(&out->table, record.base_index + 1);
    return rv;
}

/* ---- All of it ---- */

static enum weft_err replay(struct replay *r, struct weft_msg *msg)
{
    struct weft_log_recovery *out = r->out;
    uint64_t base_index = r->meta->record.base_index;
    enum weft_err rv = list(r, msg);
    if (rv == WEFT_OK) {
        rv = follow_all(r, msg);
    }
    if (rv == WEFT_OK) {
        rv = search_all(r, msg);
    }
    if (rv == WEFT_OK && r->proven >= r->sequence && !r->options->drop_damaged_tail) {
        rv = refuse(r, msg);
    }
    bool reaches_base =
        out->table.first <= base_index + 1 && weft_log_table_next(&out->table) >= base_index + 1;
    if (rv == WEFT_OK && !reaches_base && !r->options->drop_damaged_tail) {
        rv = weft_fail(msg, WEFT_ECORRUPT,
            "%s: holds entries %" PRIu64 " to %" PRIu64 ", which do not reach entry %" PRIu64
            " up to which it was trimmed",
            r->directory->path, out->table.first, weft_log_table_next(&out->table) - 1, base_index);
    }
    if (rv == WEFT_OK) {
        rv = settle(r, msg);
    }
    if (rv == WEFT_OK && !reaches_base) {
        rv = restart_at_base(r, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_log_table_drop(&out->table, base_index + 1);
    out->next_sequence = r->sequence;
    out->next_segment = out->last != NULL ? out->last->number + 1 : r->meta->record.first_segment;
    out->chain = r->chain;
    out->tail_offset = out->last == NULL ? 0
                       : r->is_sealed    ? out->last->size_bytes
                                         : r->live[r->kept - 1].end;
    out->dropped_bytes = r->beyond_bytes;
    return WEFT_OK;
}

enum weft_err weft_log_recover(const struct weft_log_directory *directory,
    const struct weft_log_options *options, struct weft_log_meta *meta,
    struct weft_log_recovery *ret_recovery, struct weft_msg *msg)
{
    struct weft_log_recovery out = {.segments = NULL};
    struct replay r = {.directory = directory, .options = options, .meta = meta, .out = &out};
    enum weft_err rv = replay(&r, msg);
    if (rv == WEFT_OK) {
        remove_misfits(&r);
        out.spares = r.spares.items;
        out.spare_count = r.spares.count;
    } else {
        close_slots(&r, &r.spares);
    }
    close_slots(&r, &r.misfits);
    for (uint32_t i = r.kept; i < r.live_count; i++) {
        directory->ops->close(directory->ops->ctx, r.live[i].slot.fd);
    }
    free(r.live);
    free(r.buffer);
    if (rv != WEFT_OK) {
        weft_log_recovery_destroy(&out, directory);
        return rv;
    }
    *ret_recovery = out;
    return WEFT_OK;
}

void weft_log_recovery_destroy(
    struct weft_log_recovery *recovery, const struct weft_log_directory *directory)
{
    while (recovery->segments != NULL) {
        struct weft_log_segment *segment = recovery->segments;
        recovery->segments = segment->next;
        directory->ops->close(directory->ops->ctx, segment->slot.fd);
        free(segment);
    }
    for (uint32_t i = 0; i < recovery->spare_count; i++) {
        directory->ops->close(directory->ops->ctx, recovery->spares[i].fd);
    }
    free(recovery->spares);
    weft_log_table_destroy(&recovery->table);
}
