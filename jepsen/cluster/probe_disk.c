#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jepsen/cluster/probe.h"
#include "jepsen/cluster/volume.h"

enum {
    MIB = 1024 * 1024
};

static bool put(const struct jep_volume *v, const char *name, const char *text, bool syncs)
{
    char path[JEP_VOLUME_PATH_BYTES + 16];
    (void)snprintf(path, sizeof(path), "%s/%s", v->mount_point, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool is_put = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
                  (!syncs || fsync(fd) == 0);
    int failure = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = failure;
    return is_put;
}

static off_t size_of(const struct jep_volume *v, const char *name)
{
    char path[JEP_VOLUME_PATH_BYTES + 16];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", v->mount_point, name);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static bool fill_one(
    const struct jep_probe_place *place, bool is_ext4, bool is_faulty, struct jep_message *told)
{
    struct jep_volume v;
    if (!jep_volume_create(&v, place->scratch, is_ext4, 16 * MIB, told)) {
        return false;
    }
    if (is_faulty) {
        (void)jep_volume_fill(&v);
    }
    char block[8192];
    memset(block, 'x', sizeof(block) - 1);
    block[sizeof(block) - 1] = 0;
    bool is_put = put(&v, "file", block, true);
    int failure = errno;
    jep_volume_drain(&v);
    bool is_put_again = put(&v, "file", block, true);
    jep_volume_destroy(&v);
    (void)jep_failed(told, "%s, %s once there is room", is_put ? "written" : strerror(failure),
        is_put_again ? "written" : "refused");
    return is_put_again && (is_faulty ? !is_put && failure == ENOSPC : is_put);
}

bool jep_probe_full(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    return fill_one(place, false, is_faulty, told);
}

bool jep_probe_ext4(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    return fill_one(place, true, is_faulty, told);
}

bool jep_probe_power(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    struct jep_volume v;
    if (!jep_volume_create(&v, place->scratch, true, 16 * MIB, told)) {
        return false;
    }
    bool is_good = put(&v, "file", "synced", true) && put(&v, "file", "unsynced", false) &&
                   put(&v, "new", "unsynced", false);
    /* Without the fault: the same unmount and mount, in order. */
    is_good = is_good && (is_faulty ? jep_volume_cut(&v, told) : jep_volume_repair(&v, told));
    off_t file = size_of(&v, "file"), new = size_of(&v, "new");
    jep_volume_destroy(&v);
    if (!is_good) {
        return false;
    }
    (void)jep_failed(told, "%lld of 14 bytes, %s", (long long)file,
        new >= 0 ? "and the new file" : "no new file");
    return is_faulty ? file == 6 && new <= 0 : file == 14 && new == 8;
}

bool jep_probe_readonly(
    const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    struct jep_volume v;
    if (!jep_volume_create(&v, place->scratch, true, 16 * MIB, told)) {
        return false;
    }
    bool is_good = put(&v, "file", "before", true) && (!is_faulty || jep_volume_break(&v, told));
    bool is_put = is_good && put(&v, "file", "after", true);
    int failure = errno;
    bool is_back = is_good && jep_volume_repair(&v, told) && put(&v, "file", "repaired", true);
    jep_volume_destroy(&v);
    if (!is_good) {
        return false;
    }
    (void)jep_failed(told, "%s, %s after repair", is_put ? "written" : strerror(failure),
        is_back ? "written" : "refused");
    return is_back && is_put == !is_faulty;
}
