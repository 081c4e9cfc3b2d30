#include "node/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "proto/bytes.h"
#include "proto/crc32c.h"

/* The identity file:
 *
 *     weft-data-directory 1
 *     org oem.example
 *     site plant1
 *     node n1
 *     member 9f3c0a5b7d11e224
 *     cluster 0000000000000000
 *     crc32c 1a2b3c4d          of everything before this line
 */
enum {
    IDENTITY_SIZE_MAX = 1024
};

static const char identity_format[] =
    "weft-data-directory %" PRIu32 "\norg %s\nsite %s\nnode %s\nmember %016" PRIx64
    "\ncluster %016" PRIx64 "\n";

static enum weft_err fail_errno(struct weft_msg *msg, const char *what, const char *path)
{
    int code = errno;
    enum weft_err err = code == ENOSPC || code == EDQUOT ? WEFT_ENOSPC : WEFT_EIO;
    return weft_fail(msg, err, "%s %s: %s", what, path, strerror(code));
}

static enum weft_err make_directory(const char *path, bool *ret_is_new, struct weft_msg *msg)
{
    *ret_is_new = mkdir(path, 0750) == 0;
    return *ret_is_new || errno == EEXIST ? WEFT_OK : fail_errno(msg, "make directory", path);
}

static enum weft_err sync_directory(const char *path, struct weft_msg *msg)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(msg, "open directory", path);
    }
    enum weft_err err = fsync(fd) == 0 ? WEFT_OK : fail_errno(msg, "sync directory", path);
    (void)close(fd);
    return err;
}

/* A start of another process looks here for our pid, to name it. */
static void write_pid(int fd)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size) {
        return; /* The lock holds all the same; a message will say "(unknown)". */
    }
}

static enum weft_err take_lock(const char *path, int *ret_fd, struct weft_msg *msg)
{
    char name[WEFT_DATADIR_PATH_SIZE];
    (void)snprintf(name, sizeof(name), "%s/lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return fail_errno(msg, "open", name);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        char pid[24] = "";
        ssize_t size = pread(fd, pid, sizeof(pid) - 1, 0);
        pid[size > 0 ? (size_t)size : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        enum weft_err err =
            errno == EWOULDBLOCK
                ? weft_fail(msg, WEFT_EBUSY,
                      "data directory %s is in use by process %s: stop it first, or give this node "
                      "a directory of its own",
                      path, pid[0] != '\0' ? pid : "(unknown)")
                : fail_errno(msg, "lock", name);
        (void)close(fd);
        return err;
    }
    write_pid(fd);
    *ret_fd = fd;
    return WEFT_OK;
}

static int encode(const struct weft_datadir_identity *identity, char *ret_text, size_t size)
{
    int used = snprintf(ret_text, size, identity_format, identity->format, identity->org,
        identity->site, identity->node, identity->member_id, identity->cluster);
    uint32_t sum = weft_crc32c(0, ret_text, (size_t)used);
    return used + snprintf(ret_text + used, size - (size_t)used, "crc32c %08" PRIx32 "\n", sum);
}

static enum weft_err write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, text, size);
        if (written < 0 && errno != EINTR) {
            return WEFT_EIO;
        }
        text += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return WEFT_OK;
}

/* Replace the identity file: new file, synced, renamed, directory synced. */
static enum weft_err write_identity(
    const char *path, const struct weft_datadir_identity *identity, struct weft_msg *msg)
{
    char text[IDENTITY_SIZE_MAX];
    char name[WEFT_DATADIR_PATH_SIZE], new_name[WEFT_DATADIR_PATH_SIZE];
    int size = encode(identity, text, sizeof(text));
    (void)snprintf(name, sizeof(name), "%s/identity", path);
    (void)snprintf(new_name, sizeof(new_name), "%s/identity.new", path);
    int fd = open(new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) {
        return fail_errno(msg, "write", new_name);
    }
    if (write_all(fd, text, (size_t)size) != WEFT_OK || fsync(fd) != 0) {
        enum weft_err err = fail_errno(msg, "write", new_name);
        (void)close(fd);
        (void)unlink(new_name);
        return err;
    }
    if (close(fd) != 0 || rename(new_name, name) != 0) {
        return fail_errno(msg, "write", name);
    }
    return sync_directory(path, msg);
}

static enum weft_err fail_damaged(struct weft_msg *msg, const char *name, const char *reason)
{
    return weft_fail(msg, WEFT_ECORRUPT,
        "%s: %s; without it nobody can tell whose data this is: put the file back from a copy, "
        "or move the directory away and let the node join anew",
        name, reason);
}

static enum weft_err decode(const char *name, const char *text, size_t size,
    struct weft_datadir_identity *ret_identity, struct weft_msg *msg)
{
    struct weft_datadir_identity found = {0};
    uint32_t sum;
    int body = 0;
    if (sscanf(text, "weft-data-directory %" SCNu32 "\n", &found.format) != 1) {
        return fail_damaged(msg, name, "not an identity file");
    }
    /* Before anything else of the file: a newer version may have other lines. */
    if (found.format != WEFT_DATADIR_FORMAT) {
        return weft_fail(msg, WEFT_EVERSION,
            "%s: format %" PRIu32 ", this program knows %d: use the version of weftd that wrote it",
            name, found.format, WEFT_DATADIR_FORMAT);
    }
    if (sscanf(text,
            "weft-data-directory %" SCNu32 "\norg %63s\nsite %63s\nnode %63s\nmember %" SCNx64
            "\ncluster %" SCNx64 "\n%ncrc32c %" SCNx32,
            &found.format, found.org, found.site, found.node, &found.member_id, &found.cluster,
            &body, &sum) != 7) {
        return fail_damaged(msg, name, "not an identity file");
    }
    char again[IDENTITY_SIZE_MAX];
    if (weft_crc32c(0, text, (size_t)body) != sum || found.member_id == 0 ||
        encode(&found, again, sizeof(again)) != (int)size || memcmp(again, text, size) != 0) {
        return fail_damaged(msg, name, "bad checksum");
    }
    *ret_identity = found;
    return WEFT_OK;
}

enum weft_err weft_datadir_read(
    const char *path, struct weft_datadir_identity *ret_identity, struct weft_msg *msg)
{
    char name[WEFT_DATADIR_PATH_SIZE];
    char text[IDENTITY_SIZE_MAX];
    if (strlen(path) >= sizeof(((struct weft_datadir *)0)->path)) {
        return weft_fail(msg, WEFT_EINVAL, "data directory: path too long");
    }
    (void)snprintf(name, sizeof(name), "%s/identity", path);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? weft_fail(msg, WEFT_ENOTFOUND,
                         "%s: no data directory of a node (no file identity)", path)
                   : fail_errno(msg, "read", name);
    }
    ssize_t size = read(fd, text, sizeof(text) - 1);
    if (size < 0) {
        enum weft_err err = fail_errno(msg, "read", name);
        (void)close(fd);
        return err;
    }
    (void)close(fd);
    text[size] = '\0';
    return decode(name, text, (size_t)size, ret_identity, msg);
}

static enum weft_err check_owner(const char *path, const struct weft_datadir_identity *found,
    const char *org, const char *site, const char *node, struct weft_msg *msg)
{
    if (strcmp(found->org, org) != 0 || strcmp(found->site, site) != 0 ||
        strcmp(found->node, node) != 0) {
        return weft_fail(msg, WEFT_EPEER,
            "data directory %s belongs to %s/%s/node/%s, not to %s/%s/node/%s: check node.data "
            "in the configuration",
            path, found->org, found->site, found->node, org, site, node);
    }
    return WEFT_OK;
}

/* Data without an identity is somebody's: never taken over. `audit` may be there: what this node
 * has signed is kept when all else is lost (NOD-161). */
static enum weft_err check_unclaimed(const char *path, struct weft_msg *msg)
{
    static const char *const data[] = {"raft", "state", "checkpoints", "telemetry"};
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
        char name[WEFT_DATADIR_PATH_SIZE];
        (void)snprintf(name, sizeof(name), "%s/%s", path, data[i]);
        DIR *directory = opendir(name);
        if (directory == NULL) {
            continue;
        }
        const struct dirent *entry;
        bool is_empty = true;
        while (is_empty && (entry = readdir(directory)) != NULL) {
            is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        }
        (void)closedir(directory);
        if (!is_empty) {
            char place[WEFT_DATADIR_PATH_SIZE + 16];
            (void)snprintf(place, sizeof(place), "%s/identity", path);
            return fail_damaged(msg, place, "missing, though there is data beside it");
        }
    }
    return WEFT_OK;
}

static enum weft_err create(const char *path, const char *org, const char *site, const char *node,
    struct weft_datadir_identity *ret_identity, struct weft_msg *msg)
{
    struct weft_datadir_identity identity = {.format = WEFT_DATADIR_FORMAT};
    enum weft_err err = check_unclaimed(path, msg);
    if (err != WEFT_OK) {
        return err;
    }
    (void)snprintf(identity.org, sizeof(identity.org), "%s", org);
    (void)snprintf(identity.site, sizeof(identity.site), "%s", site);
    (void)snprintf(identity.node, sizeof(identity.node), "%s", node);
    while (identity.member_id == 0) {
        if (getrandom(&identity.member_id, sizeof(identity.member_id), 0) !=
            (ssize_t)sizeof(identity.member_id)) {
            return weft_fail(msg, WEFT_EIO, "no random number from the kernel");
        }
    }
    err = write_identity(path, &identity, msg);
    if (err == WEFT_OK) {
        *ret_identity = identity;
    }
    return err;
}

static enum weft_err claim(const char *path, const char *org, const char *site, const char *node,
    bool may_create, struct weft_datadir *datadir, struct weft_msg *msg)
{
    enum weft_err err = weft_datadir_read(path, &datadir->identity, msg);
    if (err == WEFT_OK) {
        return check_owner(path, &datadir->identity, org, site, node, msg);
    }
    if (err != WEFT_ENOTFOUND || !may_create) {
        return err;
    }
    datadir->is_new = true;
    return create(path, org, site, node, &datadir->identity, msg);
}

static enum weft_err make_subdirectories(struct weft_datadir *datadir, struct weft_msg *msg)
{
    const struct {
        char *path;
        const char *name;
    } subdirectories[] = {
        {datadir->raft, "raft"},
        {datadir->state, "state"},
        {datadir->checkpoints, "checkpoints"},
        {datadir->audit, "audit"},
        {datadir->telemetry, "telemetry"},
    };
    bool is_any_new = false;
    for (size_t i = 0; i < sizeof(subdirectories) / sizeof(subdirectories[0]); i++) {
        bool is_new;
        (void)snprintf(subdirectories[i].path, WEFT_DATADIR_PATH_SIZE, "%s/%s", datadir->path,
            subdirectories[i].name);
        enum weft_err err = make_directory(subdirectories[i].path, &is_new, msg);
        if (err != WEFT_OK) {
            return err;
        }
        is_any_new = is_any_new || is_new;
    }
    return is_any_new ? sync_directory(datadir->path, msg) : WEFT_OK;
}

/* The parents too, as `mkdir -p`. */
static enum weft_err make_root(const char *path, struct weft_msg *msg)
{
    char part[sizeof(((struct weft_datadir *)0)->path)];
    bool is_new;
    (void)snprintf(part, sizeof(part), "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        enum weft_err err = make_directory(part, &is_new, msg);
        if (err != WEFT_OK) {
            return err;
        }
        *slash = '/';
    }
    return make_directory(path, &is_new, msg);
}

enum weft_err weft_datadir_open(const char *path, const char *org, const char *site,
    const char *node, bool may_create, struct weft_datadir *ret_datadir, struct weft_msg *msg)
{
    struct weft_datadir datadir = {.lock_fd = -1};
    if (strlen(path) >= sizeof(datadir.path) || path[0] == '\0') {
        return weft_fail(msg, WEFT_EINVAL, "data directory: path missing or too long");
    }
    (void)snprintf(datadir.path, sizeof(datadir.path), "%s", path);
    struct stat st;
    if (!may_create && stat(path, &st) != 0 && errno == ENOENT) {
        return weft_fail(msg, WEFT_ENOTFOUND, "data directory %s does not exist", path);
    }
    enum weft_err err = make_root(path, msg);
    if (err == WEFT_OK) {
        err = take_lock(path, &datadir.lock_fd, msg);
    }
    if (err == WEFT_OK) {
        err = claim(path, org, site, node, may_create, &datadir, msg);
    }
    if (err == WEFT_OK) {
        err = make_subdirectories(&datadir, msg);
    }
    if (err != WEFT_OK) {
        weft_datadir_close(&datadir);
        return err;
    }
    *ret_datadir = datadir;
    return WEFT_OK;
}

enum weft_err weft_datadir_set_cluster(
    struct weft_datadir *datadir, uint64_t cluster, struct weft_msg *msg)
{
    if (datadir->identity.cluster == cluster) {
        return WEFT_OK;
    }
    if (datadir->identity.cluster != 0) {
        return weft_fail(msg, WEFT_ESTATE,
            "data directory %s is a member of group %016" PRIx64 ", not of %016" PRIx64,
            datadir->path, datadir->identity.cluster, cluster);
    }
    struct weft_datadir_identity identity = datadir->identity;
    identity.cluster = cluster;
    enum weft_err err = write_identity(datadir->path, &identity, msg);
    if (err == WEFT_OK) {
        datadir->identity = identity;
    }
    return err;
}

static __thread uint64_t walked_bytes;

static int add_size(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path, (void)ftw;
    walked_bytes += type == FTW_F ? (uint64_t)st->st_blocks * 512 : 0;
    return 0;
}

enum weft_err weft_datadir_space(
    const char *path, uint64_t *ret_free_bytes, uint64_t *ret_used_bytes)
{
    struct statvfs space;
    if (statvfs(path, &space) != 0) {
        return WEFT_EIO;
    }
    /* Files come and go while we walk (RocksDB): what is gone is not counted. */
    walked_bytes = 0;
    (void)nftw(path, add_size, 16, FTW_PHYS);
    *ret_free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    *ret_used_bytes = walked_bytes;
    return WEFT_OK;
}

void weft_datadir_close(struct weft_datadir *datadir)
{
    if (datadir->lock_fd >= 0) {
        (void)close(datadir->lock_fd); /* Ends the lock. */
        datadir->lock_fd = -1;
    }
}
