/* Recovery of the disk log: whatever stands in its segments, it opens, refuses, or cuts when it
 * is told to; never more than once for the same damage, and never into another log.
 *
 * The first byte says how the input is read. 0: raw bytes behind a good segment header.
 * Otherwise commands of four bytes, which write frames with right checksums and any content,
 * so that what lies behind the checksums is reached. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/check.h"
#include "raft/log_frame.h"
#include "raft/log_recover.h"

enum {
    SEGMENT = 16 * 1024,
    SEGMENTS_MAX = 3,
    CLUSTER = 5,
    SALT = 9,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];
static uint8_t segments[SEGMENTS_MAX][SEGMENT];

struct writer {
    uint32_t segment;
    size_t offset;
    uint32_t chain;
    uint64_t sequence;
    uint64_t index;
    uint64_t term;
};

static void clear(void)
{
    char path[400];
    DIR *d = opendir(directory);
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, e->d_name);
        (void)unlink(path);
    }
    (void)closedir(d);
}

static void leave(void)
{
    clear();
    (void)rmdir(directory);
}

static void begin_segment(struct writer *w)
{
    const struct weft_log_segment_header header = {
        CLUSTER, w->segment + 1u, w->sequence, w->index, w->chain, SEGMENT, SALT};
    memset(segments[w->segment], 0, SEGMENT);
    weft_log_segment_encode(&header, segments[w->segment]);
    w->offset = WEFT_LOG_PAGE_SIZE;
}

static void put(struct writer *w, struct weft_log_frame frame, bool with_room)
{
    static const uint8_t content[256];
    size_t whole = weft_log_frame_bytes(frame.size_bytes);
    if (w->offset + whole + (with_room ? WEFT_LOG_FRAME_SIZE : 0) > SEGMENT) {
        return;
    }
    w->chain =
        weft_log_frame_encode(&frame, content, SALT, w->chain, segments[w->segment] + w->offset);
    w->offset += whole;
    w->sequence++;
}

static void command(struct writer *w, const uint8_t c[4])
{
    struct weft_log_frame frame = {.size_bytes = c[1],
        .sequence = w->sequence,
        .after = w->sequence - 1 < c[2] ? 0 : w->sequence - 1 - c[2],
        .index = w->index,
        .term = w->term += c[3] == 1,
        .type = 1 + c[1] % 3u};
    switch (c[0] % 8) {
    case 0:
        frame.type = WEFT_LOG_FRAME_TRUNCATE;
        frame.size_bytes = 0;
        frame.index = w->index > c[1] ? w->index - c[1] : 1;
        w->index = frame.index < w->index ? frame.index : w->index;
        put(w, frame, true);
        break;
    case 1:
        frame.type = WEFT_LOG_FRAME_SEAL;
        frame.size_bytes = 0;
        put(w, frame, false);
        if (w->segment + 1 < SEGMENTS_MAX) {
            w->segment++;
            begin_segment(w);
        }
        break;
    case 2: /* What no program of ours writes. */
        frame.index = c[2];
        frame.term = c[3];
        frame.type = c[1];
        frame.after = c[3] * 7u;
        put(w, frame, true);
        break;
    case 3: /* Damage behind or in front. */
        segments[c[1] % (w->segment + 1)][(c[2] * 256u + c[3]) % SEGMENT] ^= 1;
        break;
    default:
        put(w, frame, true);
        w->index++;
        break;
    }
}

static uint32_t build(const uint8_t *data, size_t size)
{
    struct writer w = {.sequence = 1, .index = 1, .term = 1};
    begin_segment(&w);
    if (data[0] == 0) {
        size_t room = SEGMENT - WEFT_LOG_PAGE_SIZE;
        memcpy(segments[0] + WEFT_LOG_PAGE_SIZE, data + 1, size - 1 < room ? size - 1 : room);
        return 1;
    }
    for (size_t i = 1; i + 4 <= size; i += 4) {
        command(&w, data + i);
    }
    return w.segment + 1;
}

static enum weft_err open_once(bool drop, uint64_t *ret_next, uint64_t *ret_dropped)
{
    struct weft_log_directory d = {
        &weft_log_file_system, open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), directory};
    const struct weft_log_options options = {.directory = directory,
        .cluster = CLUSTER,
        .segment_size_bytes = SEGMENT,
        .drop_damaged_tail = drop};
    struct weft_log_meta meta;
    struct weft_log_recovery recovery;
    struct weft_msg msg = {""};
    enum weft_err rv = weft_log_meta_open(&d, CLUSTER, true, drop, &meta, &msg);
    weft_assert(rv == WEFT_OK);
    rv = weft_log_recover(&d, &options, &meta, &recovery, &msg);
    if (rv == WEFT_OK) {
        *ret_next = weft_log_table_next(&recovery.table);
        *ret_dropped = recovery.dropped_bytes;
        weft_assert(recovery.table.first == 1 && *ret_next >= 1); /* RFT-106 */
        weft_assert(meta.mark == recovery.next_sequence - 1);     /* RFT-105 */
        weft_log_recovery_destroy(&recovery, &d);
    } else {
        weft_assert(rv == WEFT_ECORRUPT && msg.text[0] != '\0');
    }
    weft_log_meta_close(&meta);
    (void)close(d.fd);
    return rv;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t next = 0, again = 0, dropped = 0;
    if (size == 0) {
        return 0;
    }
    if (directory[0] == '\0') {
        const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        (void)snprintf(directory, sizeof(directory), "%s/fuzz-log-XXXXXX", base);
        weft_assert(mkdtemp(directory) != NULL);
        (void)atexit(leave);
    }
    clear();
    uint32_t count = build(data, size);
    for (uint32_t i = 0; i < count; i++) {
        char path[96];
        (void)snprintf(path, sizeof(path), "%s/segment-%04u", directory, i + 1);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        weft_assert(write(fd, segments[i], SEGMENT) == SEGMENT);
        (void)close(fd);
    }
    enum weft_err rv = open_once(false, &next, &dropped);
    if (rv != WEFT_OK) {
        weft_assert(open_once(false, &next, &dropped) == rv); /* Refusing changes nothing. */
        rv = open_once(true, &next, &dropped);
    }
    if (rv == WEFT_OK) {
        weft_assert(open_once(false, &again, &dropped) == WEFT_OK);
        weft_assert(again == next && dropped == 0); /* RFT-104 */
    }
    return 0;
}
