#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "jepsen/cluster/probe.h"
#include "jepsen/cluster/process.h"
#include "jepsen/cluster/wish.h"

/* The preloaded libraries, in programs that everybody has: date(1) and dd(1). */

enum {
    RUN_MS = 5000,
    AHEAD_S = 3600
};

static bool open_wish(
    const struct jep_probe_place *place, struct jep_wish *wish, struct jep_message *told)
{
    char disk[300];
    (void)snprintf(disk, sizeof(disk), "%s/disk", place->scratch);
    if (mkdir(disk, 0755) != 0 && errno != EEXIST) {
        return jep_failed(told, "%s: %s", disk, strerror(errno));
    }
    (void)snprintf(disk, sizeof(disk), "%s/disk/raft", place->scratch);
    if (mkdir(disk, 0755) != 0 && errno != EEXIST) {
        return jep_failed(told, "%s: %s", disk, strerror(errno));
    }
    return jep_wish_create(wish, place->scratch, place->shims, told);
}

static int run(const struct jep_wish *wish, const char *const *argv, struct jep_text *ret_out,
    struct jep_message *told)
{
    const char *const env[] = {
        wish->preload_env, wish->clock_env, wish->disk_env, wish->memory_env, NULL};
    struct jep_capture capture;
    if (!jep_capture_start(&capture, argv, env, NULL, told)) {
        return -1;
    }
    int code = jep_capture_finish(&capture, jep_now_ns() + RUN_MS * (int64_t)1000000);
    if (ret_out != NULL && capture.stdout_text.size > 0) {
        jep_text_add(ret_out, capture.stdout_text.bytes, capture.stdout_text.size);
    }
    jep_capture_free(&capture);
    return code;
}

bool jep_probe_clock(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    static const char *const argv[] = {"/bin/date", "+%s", NULL};
    struct jep_wish wish;
    struct jep_text out = {0};
    if (!open_wish(place, &wish, told)) {
        return false;
    }
    jep_wish_set(wish.clock->offset_ns, is_faulty ? (int64_t)AHEAD_S * 1000000000 : 0);
    int code = run(&wish, argv, &out, told);
    long long ahead = out.size > 0 ? atoll(out.bytes) - (long long)time(NULL) : 0;
    uint64_t reads = jep_wish_get(wish.clock->reads);
    jep_text_free(&out);
    jep_wish_destroy(&wish);
    (void)jep_failed(told, "%lld s ahead, %llu readings", ahead, (unsigned long long)reads);
    return code == 0 && reads > 0 && llabs(ahead - (is_faulty ? AHEAD_S : 0)) <= 2;
}

static int run_dd(
    const struct jep_probe_place *place, const struct jep_wish *wish, struct jep_message *told)
{
    char of[320];
    (void)snprintf(of, sizeof(of), "of=%s/disk/raft/file", place->scratch);
    const char *const argv[] = {
        "/bin/dd", "if=/dev/zero", of, "bs=4096", "count=1", "conv=fsync", "status=none", NULL};
    return run(wish, argv, NULL, told);
}

bool jep_probe_disk(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    struct jep_wish wish;
    if (!open_wish(place, &wish, told)) {
        return false;
    }
    jep_wish_set(wish.disk->areas, 1u << JEP_AREA_LOG);
    jep_wish_set(wish.disk->error, EIO);
    jep_wish_set(wish.disk->per_million, 1000000);
    jep_wish_set(wish.disk->calls, is_faulty ? JEP_CALL_SYNC : 0);
    int code = run_dd(place, &wish, told);
    uint64_t failed = jep_wish_get(wish.disk->failed), bytes = jep_wish_get(wish.disk->write_bytes);
    jep_wish_destroy(&wish);
    (void)jep_failed(told, "exit %d, %llu bytes seen, %llu calls failed", code,
        (unsigned long long)bytes, (unsigned long long)failed);
    return bytes == 4096 && (code != 0) == is_faulty && (failed > 0) == is_faulty;
}

bool jep_probe_torn(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    struct jep_wish wish;
    struct stat st = {.st_size = -1};
    char file[320];
    if (!open_wish(place, &wish, told)) {
        return false;
    }
    jep_wish_set(wish.disk->torn_part, 500000);
    jep_wish_set(wish.disk->torn, is_faulty);
    int code = run_dd(place, &wish, told);
    jep_wish_destroy(&wish);
    (void)snprintf(file, sizeof(file), "%s/disk/raft/file", place->scratch);
    (void)stat(file, &st);
    (void)jep_failed(told, "exit %d, %lld bytes of 4096", code, (long long)st.st_size);
    return is_faulty ? code == 128 + 9 && st.st_size == 2048 : code == 0 && st.st_size == 4096;
}

/* Its buffer is the one allocation of that size. */
bool jep_probe_memory(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    static const char *const argv[] = {
        "/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=1M", "count=1", "status=none", NULL};
    struct jep_wish wish;
    if (!open_wish(place, &wish, told)) {
        return false;
    }
    jep_wish_set(wish.memory->at_least, 1024 * 1024);
    jep_wish_set(wish.memory->left, is_faulty);
    int code = run(&wish, argv, NULL, told);
    uint64_t refused = jep_wish_get(wish.memory->refused);
    jep_wish_destroy(&wish);
    (void)jep_failed(told, "exit %d, %llu allocations refused", code, (unsigned long long)refused);
    return (code != 0) == is_faulty && refused == is_faulty;
}
