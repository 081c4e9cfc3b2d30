#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/limits.h"
#include "proto/peer.h"
#include "tests/lib/sample.h"
#include "tests/lib/test.h"

static uint8_t payload[WEFT_ENTRY_SIZE_MAX];

/* No more memory than the process has, but for a little. */
static bool take_memory_away(struct rlimit *ret_before)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu", &pages) != 1 || getrlimit(RLIMIT_AS, ret_before) != 0) {
        return false;
    }
    (void)fclose(file);
    struct rlimit limit = *ret_before;
    limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + 256 * 1024;
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

/* In a child, whose builder is fresh and whose limit ends with it. 0: as it must be. */
static int encode_without_memory(void)
{
    struct weft_peer_entry entries[4];
    for (int i = 0; i < 4; i++) {
        entries[i] = (struct weft_peer_entry){1, WEFT_ENTRY_COMMAND, {payload, sizeof(payload)}};
    }
    struct weft_peer_message m = {
        .kind = WEFT_KIND_APPEND_ENTRIES, .append_entries = {.entries = entries, .entry_count = 4}};
    struct weft_buffer out = {0};
    struct rlimit before;
    if (weft_buffer_reserve(&out, WEFT_MESSAGE_SIZE_MAX) != WEFT_OK || !take_memory_away(&before)) {
        return 1;
    }
    enum weft_err without = weft_peer_encode(&m, &out), again = weft_peer_encode(&m, &out);
    if (without != WEFT_ENOMEM || again != WEFT_ENOMEM || out.size != 0) {
        return 2;
    }
    if (setrlimit(RLIMIT_AS, &before) != 0) {
        return 1;
    }
    return weft_peer_encode(&m, &out) == WEFT_OK && out.size > 4 * sizeof(payload) ? 0 : 3;
}

TEST(codec_memory, fails_to_encode_without_memory_and_recovers)
{
#ifdef WEFT_SANITIZED
    test_skip("a sanitizer needs the address space that this test takes away");
#endif
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        _exit(encode_without_memory());
    }
    int status = 0;
    EXPECT_EQ(child, waitpid(child, &status, 0));
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(0, WEXITSTATUS(status));
}

/* --- threads --------------------------------------------------------------------------------- */

static void *encode_and_decode(void *seed)
{
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer out = {0}, before = {0}, after = {0};
    struct sample s = {*(const uint64_t *)seed, &arena};
    uint64_t *failures = seed;
    *failures = 0;
    for (int i = 0; i < 500; i++) {
        struct weft_client_message m, back;
        weft_buffer_clear(&out);
        weft_buffer_clear(&before);
        weft_buffer_clear(&after);
        sample_client(&s, sample_client_kinds[i % 21], &m);
        sample_client_json(&m, &before);
        if (weft_client_encode(&m, &out) != WEFT_OK ||
            weft_client_decode(
                (struct weft_bytes){out.data, out.size}, &arena, &back, NULL, NULL) != WEFT_OK) {
            (*failures)++;
        } else {
            sample_client_json(&back, &after);
            *failures +=
                before.size != after.size || memcmp(before.data, after.data, after.size) != 0;
        }
        weft_arena_reset(&arena);
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&before);
    weft_buffer_destroy(&after);
    weft_arena_destroy(&arena);
    return NULL;
}

TEST(codec_memory, threads_have_builders_of_their_own)
{
    pthread_t threads[4];
    uint64_t seeds[4];
    for (int i = 0; i < 4; i++) {
        seeds[i] = test_random(0);
        EXPECT_EQ(0, pthread_create(&threads[i], NULL, encode_and_decode, &seeds[i]));
    }
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(0, pthread_join(threads[i], NULL));
        EXPECT_EQ(0, seeds[i]); /* Now the number of failures. */
    }
}
