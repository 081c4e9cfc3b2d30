#include "raft/log_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>

#include "proto/arith.h"
#include "proto/crc32c.h"
#include "raft/failpoint.h"
#include "raft/log_frame.h"

/* A record and a mark each lie in one sector, which a disk writes in whole or not at all. The
 * copies are a page apart, the marks in a third page that is never written with them. */
enum {
    SECTOR = 512,
    RECORD_B = WEFT_LOG_PAGE_SIZE,
    MARK_A = 2 * WEFT_LOG_PAGE_SIZE,
    MARK_B = MARK_A + SECTOR,
    META_SIZE = 3 * WEFT_LOG_PAGE_SIZE,
};

static const char name[] = "meta";
static const char new_name[] = "meta.new";
static const uint8_t record_magic[8] = {'W', 'E', 'F', 'T', 'M', 'E', 'T', 'A'};
static const uint8_t mark_magic[8] = {'W', 'E', 'F', 'T', 'M', 'A', 'R', 'K'};

static uint32_t checksum(const uint8_t sector[SECTOR])
{
    return weft_crc32c(weft_crc32c(0, sector, 12), sector + 16, SECTOR - 16);
}

static void seal(uint8_t sector[SECTOR], const uint8_t magic[8])
{
    memcpy(sector, magic, 8);
    weft_put_le32(sector + 8, WEFT_LOG_VERSION);
    weft_put_le32(sector + 12, checksum(sector));
}

/* Whether the sector is whole; its version is another question. */
static bool is_sealed(const uint8_t sector[SECTOR], const uint8_t magic[8])
{
    return memcmp(sector, magic, 8) == 0 && weft_get_le32(sector + 12) == checksum(sector);
}

static void encode(const struct weft_log_record *r, uint8_t ret_sector[SECTOR])
{
    memset(ret_sector, 0, SECTOR);
    weft_put_le64(ret_sector + 16, r->cluster);
    weft_put_le64(ret_sector + 24, r->sequence);
    weft_put_le64(ret_sector + 32, r->term);
    weft_put_le64(ret_sector + 40, r->voted_for);
    weft_put_le64(ret_sector + 48, r->base_index);
    weft_put_le64(ret_sector + 56, r->base_term);
    weft_put_le64(ret_sector + 64, r->first_segment);
    weft_put_le64(ret_sector + 72, r->first_sequence);
    seal(ret_sector, record_magic);
}

static void decode(const uint8_t sector[SECTOR], struct weft_log_record *ret_record)
{
    *ret_record = (struct weft_log_record){
        .cluster = weft_get_le64(sector + 16),
        .sequence = weft_get_le64(sector + 24),
        .term = weft_get_le64(sector + 32),
        .voted_for = weft_get_le64(sector + 40),
        .base_index = weft_get_le64(sector + 48),
        .base_term = weft_get_le64(sector + 56),
        .first_segment = weft_get_le64(sector + 64),
        .first_sequence = weft_get_le64(sector + 72),
    };
}

static void encode_mark(uint64_t cluster, uint64_t mark, uint8_t ret_sector[SECTOR])
{
    memset(ret_sector, 0, SECTOR);
    weft_put_le64(ret_sector + 16, cluster);
    weft_put_le64(ret_sector + 24, mark);
    seal(ret_sector, mark_magic);
}

/* Complete under another name first: a file `meta` is always whole. */
static enum weft_err create(
    const struct weft_log_directory *d, uint64_t cluster, struct weft_msg *msg)
{
    uint8_t page[META_SIZE] = {0};
    const struct weft_log_record first = {
        .cluster = cluster, .first_segment = 1, .first_sequence = 1};
    encode(&first, page);
    encode(&first, page + RECORD_B);
    encode_mark(cluster, 0, page + MARK_A);
    encode_mark(cluster, 0, page + MARK_B);
    int fd = d->ops->open(d->ops->ctx, d->fd, new_name, O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0) {
        return weft_fail(
            msg, weft_log_file_err(fd), "%s/%s: create: %s", d->path, new_name, strerror(-fd));
    }
    enum weft_err rv = weft_log_file_write(d, fd, new_name, page, sizeof(page), 0, msg);
    if (rv == WEFT_OK) {
        rv = weft_log_file_sync(d, fd, new_name, msg);
    }
    d->ops->close(d->ops->ctx, fd);
    if (rv != WEFT_OK) {
        return rv;
    }
    int renamed = d->ops->rename(d->ops->ctx, d->fd, new_name, name);
    if (renamed != 0) {
        return weft_fail(msg, weft_log_file_err(renamed), "%s/%s: rename: %s", d->path, new_name,
            strerror(-renamed));
    }
    return weft_log_file_sync_directory(d, msg);
}

/* Both copies, `first_place` before the other one. */
static enum weft_err write_copies(struct weft_log_meta *m, const struct weft_log_record *record,
    int first_place, struct weft_msg *msg)
{
    struct weft_log_record next = *record;
    uint8_t sector[SECTOR];
    next.sequence = m->record.sequence + 1;
    encode(&next, sector);
    /* RFT-108: one copy is whole, and no older than the last that was reported, at any moment. */
    for (int i = 0; i < 2; i++) {
        uint64_t offset = (first_place + i) % 2 == 0 ? 0 : RECORD_B;
        if (i == 1) {
            weft_failpoint(WEFT_FAILPOINT_META_COPY);
        }
        enum weft_err rv =
            weft_log_file_write(m->directory, m->fd, name, sector, SECTOR, offset, msg);
        if (rv == WEFT_OK) {
            rv = weft_log_meta_sync(m, msg);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    m->record = next;
    return WEFT_OK;
}

/* The newer of the copies that are whole. */
static enum weft_err load_record(
    struct weft_log_meta *m, const uint8_t *page, uint64_t cluster, struct weft_msg *msg)
{
    const struct weft_log_directory *d = m->directory;
    bool is_whole[2] = {is_sealed(page, record_magic), is_sealed(page + RECORD_B, record_magic)};
    if (!is_whole[0] && !is_whole[1]) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "%s/%s: both copies of term and vote are damaged (offsets 0 and %d)", d->path, name,
            RECORD_B);
    }
    struct weft_log_record records[2];
    for (int i = 0; i < 2; i++) {
        const uint8_t *sector = page + i * RECORD_B;
        if (is_whole[i] && weft_get_le32(sector + 8) != WEFT_LOG_VERSION) {
            return weft_fail(msg, WEFT_EVERSION,
                "%s/%s: format %u, this program knows %d: use the newer program", d->path, name,
                weft_get_le32(sector + 8), WEFT_LOG_VERSION);
        }
        decode(sector, &records[i]);
    }
    int best = !is_whole[0] || (is_whole[1] && records[1].sequence > records[0].sequence);
    m->record = records[best];
    if (m->record.cluster != cluster) {
        return weft_fail(msg, WEFT_EPEER,
            "%s/%s: belongs to cluster %016" PRIx64 ", this node to %016" PRIx64, d->path, name,
            m->record.cluster, cluster);
    }
    /* Copies that differ are a write that was cut short, which is no damage. */
    m->was_repaired = !is_whole[0] || !is_whole[1];
    if (m->was_repaired || records[0].sequence != records[1].sequence) {
        struct weft_log_record again = m->record;
        return write_copies(m, &again, 1 - best, msg);
    }
    return WEFT_OK;
}

static enum weft_err load_mark(
    struct weft_log_meta *m, const uint8_t *page, bool forgive, struct weft_msg *msg)
{
    const uint8_t *sectors[2] = {page + MARK_A, page + MARK_B};
    bool is_whole[2] = {is_sealed(sectors[0], mark_magic), is_sealed(sectors[1], mark_magic)};
    if (!is_whole[0] && !is_whole[1] && !forgive) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "%s/%s: both durable marks are damaged (offsets %d and %d)", m->directory->path, name,
            MARK_A, MARK_B);
    }
    m->was_repaired = m->was_repaired || !is_whole[0] || !is_whole[1];
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t mark = is_whole[i] ? weft_get_le64(sectors[i] + 24) : 0;
        if (mark >= m->mark) {
            m->mark = mark;
            m->mark_place = 1 - i;
        }
    }
    /* A bad place is written next. */
    if (is_whole[0] != is_whole[1]) {
        m->mark_place = is_whole[0] ? 1 : 0;
    }
    return WEFT_OK;
}

static enum weft_err load(
    struct weft_log_meta *m, uint64_t cluster, bool forgive_mark, struct weft_msg *msg)
{
    uint8_t page[META_SIZE];
    enum weft_err rv = weft_log_file_read(m->directory, m->fd, name, page, sizeof(page), 0, msg);
    if (rv == WEFT_OK) {
        rv = load_record(m, page, cluster, msg);
    }
    if (rv == WEFT_OK) {
        rv = load_mark(m, page, forgive_mark, msg);
    }
    return rv;
}

enum weft_err weft_log_meta_open(const struct weft_log_directory *directory, uint64_t cluster,
    bool may_create, bool forgive_mark, struct weft_log_meta *ret_meta, struct weft_msg *msg)
{
    const struct weft_log_directory *d = directory;
    struct weft_log_meta m = {.directory = d, .cluster = cluster};
    m.fd = d->ops->open(d->ops->ctx, d->fd, name, O_RDWR);
    if (m.fd == -ENOENT && may_create) {
        enum weft_err rv = create(d, cluster, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        m.fd = d->ops->open(d->ops->ctx, d->fd, name, O_RDWR);
    }
    if (m.fd < 0) {
        return weft_fail(msg, m.fd == -ENOENT ? WEFT_ENOTFOUND : weft_log_file_err(m.fd),
            "%s/%s: open: %s", d->path, name, strerror(-m.fd));
    }
    enum weft_err rv;
    if (flock(m.fd, LOCK_EX | LOCK_NB) != 0) {
        rv = weft_fail(msg, WEFT_EBUSY, "%s/%s: in use by another process", d->path, name);
    } else {
        rv = load(&m, cluster, forgive_mark, msg);
    }
    if (rv != WEFT_OK) {
        d->ops->close(d->ops->ctx, m.fd);
        return rv;
    }
    *ret_meta = m;
    return WEFT_OK;
}

void weft_log_meta_close(struct weft_log_meta *meta)
{
    meta->directory->ops->close(meta->directory->ops->ctx, meta->fd);
}

enum weft_err weft_log_meta_write(
    struct weft_log_meta *meta, const struct weft_log_record *record, struct weft_msg *msg)
{
    return write_copies(meta, record, 0, msg);
}

enum weft_err weft_log_meta_mark(struct weft_log_meta *meta, uint64_t mark, struct weft_msg *msg)
{
    uint8_t sector[SECTOR];
    encode_mark(meta->cluster, mark, sector);
    enum weft_err rv = weft_log_file_write(meta->directory, meta->fd, name, sector, SECTOR,
        meta->mark_place == 0 ? MARK_A : MARK_B, msg);
    if (rv == WEFT_OK) {
        meta->mark = mark;
        meta->mark_place = 1 - meta->mark_place;
    }
    return rv;
}

enum weft_err weft_log_meta_sync(struct weft_log_meta *meta, struct weft_msg *msg)
{
    return weft_log_file_sync(meta->directory, meta->fd, name, msg);
}
