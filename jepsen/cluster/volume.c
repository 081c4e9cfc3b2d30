#include "jepsen/cluster/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "jepsen/cluster/process.h"

enum {
    EXT4_SHUTDOWN_NO_LOG_FLUSH = 2, /* EXT4_GOING_FLAGS_NOLOGFLUSH, fs/ext4/ext4.h */
    LOOP_TRIES = 64,                /* another harness may take the free device first */
    MKFS_MS = 60000,
    BUSY_MS = 5000
};

/* EXT4_IOC_SHUTDOWN of fs/ext4/ext4.h, which no installed header has. */
#define EXT4_SHUTDOWN _IOR('X', 125, uint32_t)

static const char balloon_name[] = "balloon";
static const char ext4_options[] = "errors=remount-ro";

/* A file of memory alone, which no mount has to keep: on a file system that is mounted above the
 * volume's own, file, loop device, volume and mount would keep each other for ever, should somebody
 * remove the directory below them from outside. Its name says whose it is. */
static int open_image(const char *directory, uint64_t size_bytes, struct jep_message *message)
{
    char name[240];
    size_t size = strlen(directory);
    (void)snprintf(
        name, sizeof(name), "jepsen:%s", size > 220 ? directory + size - 220 : directory);
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)size_bytes) != 0) {
        (void)jep_failed(message, "image of %s: %s", directory, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

static bool make_file_system(const struct jep_volume *v, struct jep_message *message)
{
    /* 4 MiB of journal, few inodes, nothing left for a thread of the kernel to do later. */
    const char *const argv[] = {"/sbin/mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-N",
        "4096", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", v->device,
        NULL};
    return jep_run(argv, NULL, MKFS_MS, message);
}

static bool attach(struct jep_volume *v, const char *directory, struct jep_message *message)
{
    int file = open_image(directory, v->size_bytes, message);
    if (file < 0) {
        return false;
    }
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int failure = errno;
    for (int i = 0; control >= 0 && v->loop < 0 && i < LOOP_TRIES; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        (void)snprintf(v->device, sizeof(v->device), "/dev/loop%d", number);
        int loop = number >= 0 ? open(v->device, O_RDWR | O_CLOEXEC) : -1;
        struct loop_config config = {
            .fd = (uint32_t)file, .block_size = 4096, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
        if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
            v->loop = loop;
        } else {
            failure = errno;
            if (loop >= 0) {
                (void)close(loop);
            }
            jep_sleep_ms(failure == EBUSY ? 1 : 20);
        }
    }
    if (control >= 0) {
        (void)close(control);
    }
    (void)close(file);
    return v->loop >= 0 || jep_failed(message, "no loop device: %s", strerror(failure));
}

static bool mount_volume(struct jep_volume *v, struct jep_message *message)
{
    char options[64];
    (void)snprintf(
        options, sizeof(options), "size=%llu,mode=0755", (unsigned long long)v->size_bytes);
    bool is_ext4 = v->loop >= 0;
    if (mount(is_ext4 ? v->device : "jepsen", v->mount_point, is_ext4 ? "ext4" : "tmpfs",
            MS_NOATIME | MS_NOSUID | MS_NODEV, is_ext4 ? ext4_options : options) != 0) {
        return jep_failed(message, "mount %s: %s", v->mount_point, strerror(errno));
    }
    v->is_mounted = true;
    return true;
}

static bool unmount_volume(struct jep_volume *v, struct jep_message *message)
{
    if (!v->is_mounted) {
        return true;
    }
    /* A child that another thread forks holds copies of our descriptors until it is another
     * program: nobody's fault, and over in a moment. */
    int64_t deadline = jep_now_ns() + BUSY_MS * (int64_t)1000000;
    while (umount2(v->mount_point, 0) != 0) {
        if (errno != EBUSY || jep_now_ns() > deadline) {
            return jep_failed(message, "unmount %s: %s", v->mount_point, strerror(errno));
        }
        jep_sleep_ms(1);
    }
    v->is_mounted = false;
    return true;
}

bool jep_volume_create(struct jep_volume *volume, const char *directory, bool is_ext4,
    uint64_t size_bytes, struct jep_message *message)
{
    *volume = (struct jep_volume){.loop = -1, .size_bytes = size_bytes};
    int size = snprintf(volume->mount_point, sizeof(volume->mount_point), "%s/disk", directory);
    if (size < 0 || (size_t)size >= sizeof(volume->mount_point)) {
        return jep_failed(message, "%s: too long", directory);
    }
    if (mkdir(volume->mount_point, 0755) != 0 && errno != EEXIST) {
        return jep_failed(message, "%s: %s", volume->mount_point, strerror(errno));
    }
    bool is_made =
        !is_ext4 || (attach(volume, directory, message) && make_file_system(volume, message));
    if (!is_made || !mount_volume(volume, message)) {
        jep_volume_destroy(volume);
        return false;
    }
    return true;
}

void jep_volume_destroy(struct jep_volume *volume)
{
    if (volume->mount_point[0] == 0) {
        return;
    }
    if (volume->is_mounted) {
        (void)umount2(volume->mount_point, MNT_DETACH);
    }
    if (volume->loop >= 0) {
        (void)close(volume->loop);
    }
    *volume = (struct jep_volume){.loop = -1};
}

bool jep_volume_cut(struct jep_volume *volume, struct jep_message *message)
{
    uint32_t how = EXT4_SHUTDOWN_NO_LOG_FLUSH;
    if (volume->loop < 0) {
        return jep_failed(message, "no power cut on a tmpfs");
    }
    int fd = open(volume->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, EXT4_SHUTDOWN, &how) != 0) {
        (void)jep_failed(message, "cut %s: %s", volume->mount_point, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return false;
    }
    (void)close(fd);
    return unmount_volume(volume, message) && mount_volume(volume, message);
}

bool jep_volume_break(struct jep_volume *volume, struct jep_message *message)
{
    char path[96];
    if (volume->loop < 0) {
        return jep_failed(message, "a tmpfs does not turn read-only");
    }
    (void)snprintf(
        path, sizeof(path), "/sys/fs/ext4/%s/trigger_fs_error", volume->device + sizeof("/dev"));
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_broken = fd >= 0 && write(fd, "jepsen", 6) == 6;
    int failure = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_broken || jep_failed(message, "%s: %s", path, strerror(failure));
}

bool jep_volume_repair(struct jep_volume *volume, struct jep_message *message)
{
    if (!unmount_volume(volume, message)) {
        return false;
    }
    if (volume->loop >= 0) {
        /* Exit code 1: errors were corrected, which is what it is run for (e2fsck(8)). */
        const char *const argv[] = {"/sbin/e2fsck", "-p", "-f", volume->device, NULL};
        struct jep_capture capture;
        if (!jep_capture_start(&capture, argv, NULL, NULL, message)) {
            return false;
        }
        int code = jep_capture_finish(&capture, jep_now_ns() + MKFS_MS * (int64_t)1000000);
        jep_capture_free(&capture);
        if (code != 0 && code != 1) {
            return jep_failed(message, "e2fsck %s: exit %d", volume->device, code);
        }
    }
    return mount_volume(volume, message);
}

static int open_balloon(const struct jep_volume *volume, int flags)
{
    char path[JEP_VOLUME_PATH_BYTES + sizeof(balloon_name)];
    (void)snprintf(path, sizeof(path), "%s/%s", volume->mount_point, balloon_name);
    return open(path, flags | O_CLOEXEC, 0600);
}

uint64_t jep_volume_fill(struct jep_volume *volume)
{
    static const char block[4096];
    uint64_t taken = 0;
    int fd = open_balloon(volume, O_WRONLY | O_CREAT | O_APPEND);
    if (fd < 0) {
        return 0;
    }
    /* Large pieces first: writing every block of an empty disk would take seconds. */
    off_t end = lseek(fd, 0, SEEK_END);
    for (uint64_t piece = jep_volume_free(volume); piece >= sizeof(block); piece /= 2) {
        while (end >= 0 && fallocate(fd, 0, end, (off_t)piece) == 0) {
            end += (off_t)piece;
            taken += piece;
        }
    }
    ssize_t put;
    while ((put = write(fd, block, sizeof(block))) > 0) {
        taken += (uint64_t)put;
    }
    (void)close(fd);
    return taken;
}

void jep_volume_drain(struct jep_volume *volume)
{
    char path[JEP_VOLUME_PATH_BYTES + sizeof(balloon_name)];
    (void)snprintf(path, sizeof(path), "%s/%s", volume->mount_point, balloon_name);
    (void)unlink(path);
}

uint64_t jep_volume_free(const struct jep_volume *volume)
{
    struct statvfs told;
    return statvfs(volume->mount_point, &told) == 0 ? told.f_bavail * told.f_frsize : 0;
}
