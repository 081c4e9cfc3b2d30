#include "node/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/audit_sign.h"
#include "node/checkpoint/keeper.h"
#include "node/checkpoint/tree.h"
#include "node/config.h"
#include "node/datadir.h"
#include "node/start.h"
#include "node/state/state.h"
#include "node/wall.h"
#include "policy/checkpoint_note.h"
#include "proto/check.h"
#include "raft/log.h"
#include "raft/replica.h"

enum {
    COPY_BYTES = 1024 * 1024,
    READ_ENTRIES = 64
};

static int failed(const char *what, const struct weft_msg *msg)
{
    (void)fprintf(stderr, "weftd: %s: %s\n", what, msg->text);
    return 1;
}

static enum weft_err open_log(const struct weft_datadir *datadir, uint64_t cluster,
    struct weft_log **ret_log, struct weft_log_start *ret_start, struct weft_msg *msg)
{
    const struct weft_log_options options = {.directory = datadir->raft,
        .cluster = cluster,
        .segment_size_bytes = WEFT_START_SEGMENT_BYTES,
        .cache_size_max = WEFT_START_SEGMENT_BYTES};
    return weft_log_disk_open(&options, ret_log, ret_start, msg);
}

static struct weft_state_options state_options(
    const struct weft_datadir *datadir, uint64_t cluster, bool read_only)
{
    return (struct weft_state_options){.directory = datadir->state,
        .site = datadir->identity.site,
        .org = datadir->identity.org,
        .cluster = cluster,
        .cache_bytes = 16 * 1024 * 1024,
        .memtable_bytes = 8 * 1024 * 1024,
        .read_only = read_only};
}

/* --- check-data ------------------------------------------------------------------------ */

static enum weft_err check_log(const struct weft_datadir *datadir, struct weft_msg *msg)
{
    struct weft_log *log;
    struct weft_log_start start;
    enum weft_err rv = open_log(datadir, datadir->identity.cluster, &log, &start, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint64_t index = start.base_index + 1;
    while (rv == WEFT_OK && index <= start.last_index) {
        struct weft_log_entry entries[READ_ENTRIES];
        uint32_t count = 0;
        rv =
            log->engine->read(log, index, WEFT_APPEND_SIZE_MAX, READ_ENTRIES, entries, &count, msg);
        index += count;
    }
    log->engine->close(log);
    if (rv == WEFT_OK) {
        (void)printf("raft log     entries %" PRIu64 " to %" PRIu64 ", term %" PRIu64 ": good\n",
            start.base_index + 1, start.last_index, start.term);
    }
    return rv;
}

static enum weft_err check_checkpoints(const struct weft_datadir *datadir, struct weft_msg *msg)
{
    const struct weft_keeper_options options = {
        .directory = datadir->checkpoints, .cluster = datadir->identity.cluster, .kept = 1024};
    struct weft_keeper *keeper;
    struct weft_keeper_start start;
    struct weft_keeper_checkpoint newest;
    const bool never = false;
    enum weft_err rv = weft_keeper_open(&options, &keeper, &start, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (start.damaged > 0) {
        *msg = start.first;
        rv = WEFT_ECORRUPT;
    } else if (weft_keeper_newest(keeper, &newest) == WEFT_OK) {
        rv = weft_checkpoint_verify(newest.directory, newest.manifest, &never, msg);
        if (rv == WEFT_OK) {
            (void)printf("checkpoints  %u, newest at %" PRIu64 ", %u files: good\n",
                start.checkpoints, newest.manifest->index, newest.manifest->file_count);
        }
    } else {
        (void)puts("checkpoints  none");
    }
    weft_keeper_close(keeper);
    return rv;
}

static enum weft_err check_state(const struct weft_datadir *datadir, struct weft_msg *msg)
{
    struct weft_state_check check = {.directory = datadir->state};
    enum weft_err rv = weft_state_check(&check, msg);
    if (rv == WEFT_OK) {
        (void)printf("state        at %" PRIu64 ", %" PRIu64 " records, %" PRIu64 " links, %" PRIu64
                     " keys, %" PRIu64 " bytes: good\n",
            check.position.index, check.position.records, check.links, check.keys, check.bytes);
    }
    return rv;
}

int weft_offline_check_data(const char *directory)
{
    struct weft_datadir_identity identity;
    struct weft_datadir datadir;
    struct weft_msg msg = {""};
    int exit_code = 0;
    enum weft_err rv = weft_datadir_read(directory, &identity, &msg);
    if (rv == WEFT_OK) { /* The lock: a running node's files move while they are read. */
        rv = weft_datadir_open(
            directory, identity.org, identity.site, identity.node, false, &datadir, &msg);
    }
    if (rv != WEFT_OK) {
        return failed(directory, &msg);
    }
    (void)printf("directory    node %s of %s/%s, member %" PRIu64 ", group %016" PRIx64 "\n",
        identity.node, identity.org, identity.site, identity.member_id, identity.cluster);
    if (check_log(&datadir, &msg) != WEFT_OK) {
        exit_code = failed("raft log", &msg);
    }
    if (check_checkpoints(&datadir, &msg) != WEFT_OK) {
        exit_code = failed("checkpoints", &msg);
    }
    if (check_state(&datadir, &msg) != WEFT_OK) {
        exit_code = failed("state", &msg);
        (void)fprintf(stderr,
            "weftd: a damaged state is rebuilt from checkpoint and log at the next start\n");
    }
    weft_datadir_close(&datadir);
    return exit_code;
}

/* --- restore --------------------------------------------------------------------------- */

/* Copy one file of the backup into the state, its digest computed on the way. */
static enum weft_err copy_file(
    const char *from, const char *to, const struct weft_checkpoint_file *file, struct weft_msg *msg)
{
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wbx");
    uint8_t *piece = malloc(COPY_BYTES);
    struct weft_sha256 hash;
    enum weft_err rv = WEFT_OK;
    size_t got;
    weft_sha256_init(&hash);
    if (in == NULL || out == NULL || piece == NULL) {
        rv = weft_fail(msg, WEFT_EIO, "copy %s to %s: %s", from, to, strerror(errno));
    }
    while (rv == WEFT_OK && (got = fread(piece, 1, COPY_BYTES, in)) > 0) {
        weft_sha256_update(&hash, piece, got);
        if (fwrite(piece, 1, got, out) != got) {
            rv = weft_fail(
                msg, errno == ENOSPC ? WEFT_ENOSPC : WEFT_EIO, "write %s: %s", to, strerror(errno));
        }
    }
    if (rv == WEFT_OK && (fflush(out) != 0 || fsync(fileno(out)) != 0)) {
        rv = weft_fail(msg, WEFT_EIO, "sync %s: %s", to, strerror(errno));
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    if (out != NULL) {
        (void)fclose(out);
    }
    free(piece);
    struct weft_digest digest = weft_sha256_final(&hash);
    if (rv == WEFT_OK && !weft_digest_equal(&digest, &file->digest)) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "%s is damaged: its digest is not the manifest's", from);
    }
    return rv;
}

static enum weft_err copy_state(const char *backup, const struct weft_manifest *manifest,
    const char *state_directory, struct weft_msg *msg)
{
    if (mkdir(state_directory, 0700) != 0 && errno != EEXIST) {
        return weft_fail(msg, WEFT_EIO, "make %s: %s", state_directory, strerror(errno));
    }
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        const struct weft_checkpoint_file *file = &manifest->files[i];
        char from[2 * WEFT_DATADIR_PATH_SIZE], to[2 * WEFT_DATADIR_PATH_SIZE];
        char digest[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&file->digest, digest);
        (void)snprintf(from, sizeof(from), "%s/files/%s", backup, strchr(digest, ':') + 1);
        (void)snprintf(
            to, sizeof(to), "%s/%.*s", state_directory, (int)file->name.size, file->name.data);
        enum weft_err rv = copy_file(from, to, file, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}

static struct weft_replica_member self_of(
    const struct weft_config *config, const struct weft_datadir *datadir)
{
    struct weft_replica_member self = {
        .id = datadir->identity.member_id, .role = WEFT_ROLE_VOTER, .wants_vote = true};
    (void)snprintf(self.name, sizeof(self.name), "%s", config->node.name);
    (void)snprintf(self.peer_address, sizeof(self.peer_address), "%s", config->node.advertise_peer);
    (void)snprintf(
        self.client_address, sizeof(self.client_address), "%s", config->node.advertise_client);
    return self;
}

/* Write the configuration of one voter behind what the log holds. */
static enum weft_err rewrite_group(struct weft_datadir *datadir, uint64_t cluster,
    const struct weft_configuration *known, const struct weft_manifest *manifest,
    struct weft_msg *msg)
{
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_configuration *result = malloc(sizeof(*result));
    if (result == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    enum weft_err rv = open_log(datadir, cluster, &log, &start, msg);
    if (rv == WEFT_OK) {
        if (manifest != NULL) {
            rv = log->engine->reset(log, manifest->index, manifest->term, msg);
            start = (struct weft_log_start){.term = manifest->term,
                .base_index = manifest->index,
                .base_term = manifest->term,
                .last_index = manifest->index};
        }
        if (rv == WEFT_OK) {
            rv = weft_replica_recover(
                log, &start, known, &datadir->identity.member_id, 1, result, msg);
        }
        log->engine->close(log);
    }
    free(result);
    return rv;
}

static enum weft_err restore(const struct weft_config *config, const char *backup,
    struct weft_datadir *datadir, struct weft_msg *msg)
{
    char path[2 * WEFT_DATADIR_PATH_SIZE];
    struct weft_buffer bytes = {.size_max = WEFT_MANIFEST_SIZE_MAX};
    struct weft_arena arena = {.size_max = 16 * 1024 * 1024};
    struct weft_manifest manifest;
    struct weft_configuration *known = calloc(1, sizeof(*known));
    struct weft_state *state;
    uint64_t cluster = weft_start_random_id();
    weft_assert(known != NULL);
    (void)snprintf(path, sizeof(path), "%s/manifest", backup);
    enum weft_err rv = weft_tree_read(path, &bytes, NULL, msg);
    if (rv == WEFT_OK) {
        rv = weft_manifest_decode((struct weft_bytes){bytes.data, bytes.size}, &arena, &manifest);
        if (rv != WEFT_OK) {
            (void)weft_fail(msg, rv, "%s is not a manifest", path);
        }
    }
    if (rv == WEFT_OK && !weft_text_is(manifest.site, config->node.site)) {
        rv = weft_fail(msg, WEFT_EPEER, "the backup is of site %.*s, the configuration of %s",
            (int)manifest.site.size, manifest.site.data, config->node.site);
    }
    if (rv == WEFT_OK) {
        (void)printf(
            "backup at index %" PRIu64 ", %u files\n", manifest.index, manifest.file_count);
        rv = copy_state(backup, &manifest, datadir->state, msg);
    }
    if (rv == WEFT_OK) {
        struct weft_state_options options = state_options(datadir, cluster, false);
        options.take_over = true;
        options.take_over_s = (uint64_t)(weft_wall_ns() / 1000000000);
        rv = weft_state_open(&options, &state, msg);
        if (rv == WEFT_OK) {
            weft_state_close(state);
        }
    }
    if (rv == WEFT_OK) {
        known->index = manifest.conf_index;
        known->count = 1;
        known->members[0] = self_of(config, datadir);
        rv = rewrite_group(datadir, cluster, known, &manifest, msg);
    }
    if (rv == WEFT_OK) {
        char origin[WEFT_ORIGIN_SIZE_MAX + 1];
        (void)snprintf(path, sizeof(path), "%s/audit", config->node.data);
        (void)snprintf(origin, sizeof(origin), "%s/%s/audit", config->node.org, config->node.site);
        rv = weft_audit_sign_bar(path, origin, msg);
    }
    if (rv == WEFT_OK) { /* Last: from here on the directory is a member of the new group. */
        rv = weft_datadir_set_cluster(datadir, cluster, msg);
    }
    free(known);
    weft_buffer_destroy(&bytes);
    weft_arena_destroy(&arena);
    return rv;
}

static enum weft_err load(const char *config_path, bool may_create, struct weft_config *ret_config,
    struct weft_datadir *ret_datadir, struct weft_msg *msg)
{
    enum weft_err rv = weft_config_load(config_path, ret_config, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    return weft_datadir_open(ret_config->node.data, ret_config->node.org, ret_config->node.site,
        ret_config->node.name, may_create, ret_datadir, msg);
}

int weft_offline_restore(const char *config_path, const char *backup)
{
    static struct weft_config config;
    struct weft_datadir datadir;
    struct weft_msg msg = {""};
    if (load(config_path, true, &config, &datadir, &msg) != WEFT_OK) {
        return failed("restore", &msg);
    }
    enum weft_err rv;
    if (!datadir.is_new) {
        rv = weft_fail(&msg, WEFT_ESTATE, "%s is not empty: restore makes a new data directory",
            config.node.data);
    } else {
        rv = restore(&config, backup, &datadir, &msg);
    }
    weft_datadir_close(&datadir);
    if (rv != WEFT_OK) {
        return failed("restore", &msg);
    }
    (void)printf("restored into %s as a new group with %s as its only member\n"
                 "start it with: weftd --config %s\n"
                 "then add the others, with empty data directories: weftd --join\n",
        config.node.data, config.node.name, config_path);
    return 0;
}

/* --- recover --------------------------------------------------------------------------- */

static enum weft_err recover(struct weft_datadir *datadir, struct weft_msg *msg)
{
    uint64_t cluster = datadir->identity.cluster;
    const struct weft_state_options options = state_options(datadir, cluster, true);
    struct weft_configuration *known = calloc(1, sizeof(*known));
    struct weft_state *state;
    struct weft_state_position position;
    weft_assert(known != NULL);
    enum weft_err rv = weft_state_open(&options, &state, msg);
    if (rv == WEFT_OK) {
        weft_state_position(state, &position);
        if (position.configuration.size > 0) {
            rv = weft_configuration_decode(position.configuration, known, msg);
            known->index = position.conf_index;
        }
        weft_state_close(state);
    }
    if (rv == WEFT_OK) {
        rv = rewrite_group(datadir, cluster, known, NULL, msg);
    }
    free(known);
    return rv;
}

int weft_offline_recover(const char *config_path)
{
    static struct weft_config config;
    struct weft_datadir datadir;
    struct weft_msg msg = {""};
    if (load(config_path, false, &config, &datadir, &msg) != WEFT_OK) {
        return failed("recover", &msg);
    }
    (void)fputs("weftd: WARNING: commits that only the lost nodes had are gone, acknowledged ones\n"
                "weftd: too. The lost nodes must never start again with their old directories,\n"
                "weftd: and no other survivor may be recovered as well: wipe it and --join.\n",
        stderr);
    enum weft_err rv = recover(&datadir, &msg);
    weft_datadir_close(&datadir);
    if (rv != WEFT_OK) {
        return failed("recover", &msg);
    }
    (void)printf("%s is now the only voter of its group; start it with: weftd --config %s\n",
        config.node.name, config_path);
    return 0;
}
