#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/weft/backup.h"
#include "ops/weft/client.h"
#include "ops/weft/output.h"
#include "proto/checkpoint.h"
#include "proto/crc32c.h"
#include "proto/limits.h"
#include "proto/time.h"

/* backup: a checkpoint of one node, its files stored under their digests.
 *
 *     DIR/manifest           as the node gave it: names, sizes, digests, index, configuration
 *     DIR/files/<64 hex>     content, named by its SHA-256
 *
 * Names repeat with other content from one checkpoint to the next, digests do not: so the files
 * of the manifest in place are never touched, and it is replaced last, in one step (OPS-5). */

enum {
    ARENA_SIZE_MAX = 16 * 1024 * 1024,
    ATTEMPTS_MAX = 5, /* Each starts with a checkpoint anew; files at hand stay. */
    IN_FLIGHT = 4,    /* Chunks asked for ahead of their answers. */
    TURN_MS = 1000,
    TIMEOUT_MS = 60000, /* chosen: a checkpoint of a large state may take so long */
    PATH_SIZE = WEFT_FILES_PATH_SIZE + 96,
};

struct backup {
    struct weft_net *net;
    struct weft_client *client; /* Pinned: a checkpoint is one node's. */
    const char *directory;
    struct weft_arena arena;
    struct weft_manifest manifest;
    struct weft_bytes manifest_bytes;
    struct weft_progress progress;
    uint64_t done_bytes, read_bytes;
    uint32_t read_files, kept_files;
};

/* One file on its way. */
struct transfer {
    struct backup *backup;
    const struct weft_checkpoint_file *file;
    int fd;
    struct weft_sha256 hash;
    uint64_t asked, written; /* Offsets. Answers come in any order: kept until their turn. */
    struct chunk {
        uint64_t offset;
        struct weft_buffer data;
        bool is_here;
    } chunks[IN_FLIGHT];
    uint32_t in_flight;
    enum weft_err err;
    struct weft_msg msg;
};

static void path_of(
    const struct backup *b, const struct weft_digest *digest, const char *suffix, char *ret_path)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    (void)snprintf(ret_path, PATH_SIZE, "%s/files/%s%s", b->directory, text + 7, suffix);
}

/* --- one file ---------------------------------------------------------------------------- */

static enum weft_err write_chunk(struct transfer *t, const struct weft_buffer *data)
{
    size_t done = 0;
    while (done < data->size) {
        ssize_t size = write(t->fd, data->data + done, data->size - done);
        if (size < 0 && errno != EINTR) {
            return weft_fail(&t->msg, errno == ENOSPC ? WEFT_ENOSPC : WEFT_EIO, "%s: %s",
                t->backup->directory, strerror(errno));
        }
        done += size > 0 ? (size_t)size : 0;
    }
    weft_sha256_update(&t->hash, data->data, data->size);
    t->written += data->size;
    t->backup->done_bytes += data->size;
    t->backup->read_bytes += data->size;
    weft_progress_show(&t->backup->progress, t->backup->done_bytes);
    return WEFT_OK;
}

/* Whatever is next in the file, as far as it is here. */
static void write_ready(struct transfer *t)
{
    for (bool has_written = true; has_written && t->err == WEFT_OK;) {
        has_written = false;
        for (int i = 0; i < IN_FLIGHT; i++) {
            struct chunk *c = &t->chunks[i];
            if (c->is_here && c->offset == t->written) {
                t->err = write_chunk(t, &c->data);
                c->is_here = false;
                has_written = true;
            }
        }
    }
}

static void on_chunk(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct transfer *t = ctx;
    t->in_flight--;
    if (t->err != WEFT_OK) {
        return;
    }
    if (err != WEFT_OK) {
        t->err = weft_fail(&t->msg, err, "%s", msg->text);
        return;
    }
    const struct weft_chunk *chunk = &answer->file_result;
    if (chunk->err != WEFT_OK) {
        t->err = weft_fail(&t->msg, WEFT_EUNAVAILABLE, "the node gives the file no longer: %s",
            weft_err_name(chunk->err));
        return;
    }
    if (chunk->data.size == 0 || chunk->data.size > WEFT_CHUNK_SIZE_MAX ||
        weft_crc32c(0, chunk->data.data, chunk->data.size) != chunk->crc32c) {
        t->err = weft_fail(&t->msg, WEFT_EUNAVAILABLE, "a chunk came damaged");
        return;
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
        struct chunk *c = &t->chunks[i];
        if (!c->is_here && c->offset == chunk->offset) {
            weft_buffer_clear(&c->data);
            t->err = weft_buffer_append(&c->data, chunk->data.data, chunk->data.size);
            c->is_here = true;
            write_ready(t);
            return;
        }
    }
    t->err = weft_fail(&t->msg, WEFT_EUNAVAILABLE, "a chunk came that was not asked for");
}

/* Ask for the next piece, if there is room to keep its answer. */
static void ask(struct transfer *t)
{
    for (int i = 0; i < IN_FLIGHT && t->asked < t->file->size_bytes; i++) {
        struct chunk *c = &t->chunks[i];
        bool is_free = !c->is_here && (c->offset == UINT64_MAX || c->offset < t->written);
        if (!is_free) {
            continue;
        }
        uint64_t left = t->file->size_bytes - t->asked;
        uint32_t size = (uint32_t)(left < WEFT_CHUNK_SIZE_MAX ? left : WEFT_CHUNK_SIZE_MAX);
        struct weft_client_message request = {.kind = WEFT_KIND_FILE,
            .file = {.checkpoint = t->backup->manifest.name,
                .file = t->file->name,
                .offset = t->asked,
                .size_bytes = size}};
        enum weft_err err = weft_client_submit(t->backup->client, &request, on_chunk, t);
        if (err != WEFT_OK) {
            t->err = weft_fail(&t->msg, err, "ask for a file: %s", weft_err_name(err));
            return;
        }
        c->offset = t->asked;
        t->asked += size;
        t->in_flight++;
    }
}

static enum weft_err transfer(struct transfer *t)
{
    while (t->err == WEFT_OK && t->written < t->file->size_bytes) {
        ask(t);
        if (t->in_flight == 0 && t->err == WEFT_OK) {
            /* Every piece asked for has come, and they do not add up: short answers. */
            t->err = weft_fail(&t->msg, WEFT_EUNAVAILABLE, "the node gave too few bytes");
        }
        if (t->err == WEFT_OK) {
            weft_net_turn(t->backup->net, TURN_MS);
        }
    }
    while (t->in_flight > 0) { /* Their callbacks point here. */
        weft_net_turn(t->backup->net, TURN_MS);
    }
    struct weft_digest digest = weft_sha256_final(&t->hash);
    if (t->err == WEFT_OK && !weft_digest_equal(&digest, &t->file->digest)) {
        t->err = weft_fail(&t->msg, WEFT_EUNAVAILABLE, "its digest is not the manifest's");
    }
    if (t->err == WEFT_OK && fsync(t->fd) != 0) {
        t->err = weft_fail(&t->msg, WEFT_EIO, "%s", strerror(errno));
    }
    return t->err;
}

static enum weft_err read_file(
    struct backup *b, const struct weft_checkpoint_file *file, struct weft_msg *msg)
{
    char path[PATH_SIZE], beside[PATH_SIZE];
    struct transfer t = {.backup = b, .file = file};
    path_of(b, &file->digest, "", path);
    path_of(b, &file->digest, ".new", beside);
    for (int i = 0; i < IN_FLIGHT; i++) {
        t.chunks[i].offset = UINT64_MAX;
    }
    weft_sha256_init(&t.hash);
    t.fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (t.fd < 0) {
        return weft_fail(msg, WEFT_EIO, "%s: %s", beside, strerror(errno));
    }
    enum weft_err err = transfer(&t);
    (void)close(t.fd);
    for (int i = 0; i < IN_FLIGHT; i++) {
        weft_buffer_destroy(&t.chunks[i].data);
    }
    if (err == WEFT_OK && rename(beside, path) != 0) {
        err = weft_fail(&t.msg, WEFT_EIO, "%s: %s", path, strerror(errno));
    }
    if (err != WEFT_OK) {
        (void)unlink(beside);
        return weft_fail(
            msg, err, "file %.*s: %s", (int)file->name.size, file->name.data, t.msg.text);
    }
    b->read_files++;
    return WEFT_OK;
}

/* --- the whole --------------------------------------------------------------------------- */

static enum weft_err take_checkpoint(struct backup *b, bool newest, struct weft_msg *msg)
{
    struct weft_client_message answer;
    struct weft_client_message request = {
        .kind = WEFT_KIND_CHECKPOINT, .checkpoint = {.newest = newest}};
    weft_arena_reset(&b->arena);
    enum weft_err err = weft_client_call(b->client, &request, &b->arena, &answer, msg);
    if (err == WEFT_OK) {
        b->manifest_bytes = answer.checkpoint_result.manifest;
        err = weft_manifest_decode(b->manifest_bytes, &b->arena, &b->manifest);
        if (err != WEFT_OK) {
            err = weft_fail(msg, WEFT_EUNAVAILABLE, "the node gave a manifest that cannot be read");
        }
    }
    return err;
}

/* A backup directory belongs to one site: a second one's would make the first's useless. */
static enum weft_err check_owner(const struct backup *b, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_manifest old;
    enum weft_err err = weft_backup_read_manifest(b->directory, &arena, &old, msg);
    if (err == WEFT_ENOTFOUND) {
        err = WEFT_OK;
    } else if (err == WEFT_ECORRUPT) {
        err = weft_wrap(msg, err, "move it away to begin anew");
    } else if (err == WEFT_OK && !weft_text_equal(old.site, b->manifest.site)) {
        err = weft_fail(msg, WEFT_ECONFLICT, "%s holds a backup of site %.*s, not of %.*s",
            b->directory, (int)old.site.size, old.site.data, (int)b->manifest.site.size,
            b->manifest.site.data);
    }
    weft_arena_destroy(&arena);
    return err;
}

static bool is_wanted(const struct backup *b, const char *name)
{
    for (uint32_t i = 0; i < b->manifest.file_count; i++) {
        char text[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&b->manifest.files[i].digest, text);
        if (strcmp(text + 7, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Once the new manifest is in place, files that it does not name serve nobody. */
static void sweep(const struct backup *b)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/files", b->directory);
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        size_t size = strspn(entry->d_name, "0123456789abcdef");
        bool is_ours = size == 64 &&
                       (entry->d_name[size] == '\0' || strcmp(entry->d_name + size, ".new") == 0);
        if (is_ours && !is_wanted(b, entry->d_name)) {
            char file[PATH_SIZE + 300];
            (void)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
            (void)unlink(file);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
}

static enum weft_err fetch_all(struct backup *b, const struct weft_args *args, struct weft_msg *msg)
{
    uint64_t total = 0;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < b->manifest.file_count; i++) {
        total += b->manifest.files[i].size_bytes;
    }
    b->done_bytes = 0;
    b->kept_files = 0;
    weft_progress_start(&b->progress, args, "backup", "bytes", total);
    for (uint32_t i = 0; err == WEFT_OK && i < b->manifest.file_count; i++) {
        const struct weft_checkpoint_file *file = &b->manifest.files[i];
        if (weft_backup_has(b->directory, file)) {
            b->kept_files++;
            b->done_bytes += file->size_bytes;
            weft_net_turn(b->net, 0); /* Heartbeats, while files here are hashed. */
        } else {
            err = read_file(b, file, msg);
        }
    }
    weft_progress_end(&b->progress);
    return err;
}

static enum weft_err backup(const struct weft_args *args, struct backup *b, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE];
    enum weft_err err = weft_files_join(b->directory, "files", path, msg);
    if (err == WEFT_OK) {
        err = weft_files_make_directory(path, 0750, msg);
    }
    for (int attempt = 0; err == WEFT_OK; attempt++) {
        err = take_checkpoint(b, weft_args_has(args, "newest"), msg);
        if (err == WEFT_OK) {
            err = check_owner(b, msg);
        }
        if (err == WEFT_OK) {
            err = fetch_all(b, args, msg);
        }
        bool may_retry = weft_err_class(err) == WEFT_CLASS_RETRY || err == WEFT_ENOTFOUND;
        if (err == WEFT_OK || !may_retry || attempt == ATTEMPTS_MAX) {
            break;
        }
        (void)fprintf(stderr, "weft: %s; trying again\n", msg->text);
        err = WEFT_OK;
    }
    if (err == WEFT_OK) {
        err = weft_files_sync_directory(path, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_join(b->directory, "manifest", path, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_write(path, b->manifest_bytes, 0640, true, msg);
    }
    if (err == WEFT_OK) {
        sweep(b);
    }
    return err;
}

static enum weft_err report(
    const struct weft_args *args, const struct backup *b, struct weft_msg *msg)
{
    const struct weft_manifest *m = &b->manifest;
    struct weft_writer w = {0};
    enum weft_format format;
    char time[WEFT_TIME_TEXT_SIZE];
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_time_format(m->time_ns, time);
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("site %.*s at index %" PRIu64
                     " of %s in %s: %u files read (%.1f MiB), %u kept\n",
            (int)m->site.size, m->site.data, m->index, time, b->directory, b->read_files,
            (double)b->read_bytes / 1048576, b->kept_files);
        return WEFT_OK;
    }
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "directory", weft_text_of(b->directory));
    weft_writer_text(&w, "site", m->site);
    weft_writer_text(&w, "checkpoint", m->name);
    weft_writer_unsigned(&w, "index", m->index);
    weft_writer_text(&w, "time", weft_text_of(time));
    weft_writer_unsigned(&w, "files", m->file_count);
    weft_writer_unsigned(&w, "files_read", b->read_files);
    weft_writer_unsigned(&w, "files_kept", b->kept_files);
    weft_writer_unsigned(&w, "bytes_read", b->read_bytes);
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

/* Any node will do; the first that answers is stayed with. */
static enum weft_err pin(const struct weft_args *args, struct backup *b, struct weft_msg *msg)
{
    struct weft_client *any = NULL;
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_client_message answer;
    struct weft_client_message request = {.kind = WEFT_KIND_STATUS};
    uint64_t timeout_ms = 0;
    char endpoint[WEFT_ADDRESS_SIZE_MAX + 1];
    enum weft_err err = weft_client_from_args(args, &b->net, &any, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_client_call(any, &request, &arena, &answer, msg);
    (void)snprintf(endpoint, sizeof(endpoint), "%s", weft_client_endpoint(any));
    weft_client_destroy(any);
    weft_arena_destroy(&arena);
    if (err == WEFT_OK) {
        err = weft_args_duration_ms(args, "timeout", TIMEOUT_MS, &timeout_ms, msg);
    }
    return err == WEFT_OK ? weft_client_pin(b->net, endpoint, timeout_ms, &b->client, msg) : err;
}

enum weft_exit weft_cmd_backup(const struct weft_args *args)
{
    struct backup b = {.directory = args->operands[0], .arena = {.size_max = ARENA_SIZE_MAX}};
    struct weft_msg msg = {""};
    enum weft_err err = pin(args, &b, &msg);
    if (err == WEFT_OK) {
        err = backup(args, &b, &msg);
    }
    if (err == WEFT_OK) {
        err = report(args, &b, &msg);
    }
    weft_client_destroy(b.client);
    weft_net_close(b.net);
    weft_arena_destroy(&b.arena);
    return weft_complain(err, &msg);
}
