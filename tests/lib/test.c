#include "tests/lib/test.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TESTS_MAX = 512
};

static struct CMUnitTest tests[TESTS_MAX];
static void (*bodies[TESTS_MAX])(void);
static size_t test_count;
static uint64_t random_state;
static char directory[512];

void test_register(const char *name, void (*run)(void))
{
    if (test_count == TESTS_MAX) {
        (void)fprintf(stderr, "more than %d tests in one program\n", TESTS_MAX);
        abort();
    }
    bodies[test_count] = run;
    tests[test_count].name = name;
    test_count++;
}

uint64_t test_seed(void)
{
    const char *text = getenv("WEFT_TEST_SEED");
    return text != NULL ? strtoull(text, NULL, 0) : 1;
}

/* splitmix64 (Steele, Lea, Flood, 2014). */
uint64_t test_random(uint64_t bound)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return bound == 0 ? z : z % bound;
}

static void failed(const char *file, int line)
{
    (void)fprintf(stderr, "    seed %" PRIu64 "\n", test_seed());
    _fail(file, line);
}

void test_expect_eq(long long expected, long long actual, const char *expected_text,
    const char *actual_text, const char *file, int line)
{
    if (expected != actual) {
        (void)fprintf(stderr, "%s:%d: %s is %lld, expected %s, %lld\n", file, line, actual_text,
            actual, expected_text, expected);
        failed(file, line);
    }
}

void test_expect_true(bool condition, const char *text, const char *file, int line)
{
    if (!condition) {
        (void)fprintf(stderr, "%s:%d: not true: %s\n", file, line, text);
        failed(file, line);
    }
}

void test_expect_mem(const void *expected, const void *actual, size_t size, const char *text,
    const char *file, int line)
{
    const unsigned char *e = expected, *a = actual;
    for (size_t i = 0; i < size; i++) {
        if (e[i] != a[i]) {
            (void)fprintf(stderr, "%s:%d: %s differs at byte %zu of %zu: %02x, expected %02x\n",
                file, line, text, i, size, a[i], e[i]);
            failed(file, line);
        }
    }
}

void test_expect_text(const char *expected, const char *actual, const char *file, int line)
{
    if (actual == NULL || strcmp(expected, actual) != 0) {
        (void)fprintf(stderr, "%s:%d:\n  expected \"%s\"\n  got      \"%s\"\n", file, line,
            expected, actual != NULL ? actual : "(null)");
        failed(file, line);
    }
}

_Noreturn void test_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("    skipped: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    _skip(__FILE__, __LINE__);
    abort();
}

const char *test_directory(void)
{
    if (directory[0] == '\0') {
        const char *base = getenv("TMPDIR");
        (void)snprintf(
            directory, sizeof(directory), "%s/weft-test-XXXXXX", base != NULL ? base : "/tmp");
        if (mkdtemp(directory) == NULL) {
            (void)fprintf(stderr, "cannot make %s: %s\n", directory, strerror(errno));
            abort();
        }
    }
    return directory;
}

const char *test_data(const char *name)
{
    static char path[1024];
    const char *base = getenv("WEFT_TEST_DATA");
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", base != NULL ? base : WEFT_TEST_DATA, name);
    if (stat(path, &st) != 0) {
        test_skip("no real input at %s (set WEFT_TEST_DATA)", path);
    }
    return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void run_one(void **state)
{
    void (*body)(void) = *(void (**)(void)) * state;
    random_state = test_seed();
    body();
}

static int tear_down(void **state)
{
    (void)state;
    if (directory[0] != '\0') {
        (void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        directory[0] = '\0';
    }
    return 0;
}

int test_run(int argc, char **argv)
{
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    (void)fprintf(stderr, "seed %" PRIu64 "\n", test_seed());
    for (size_t i = 0; i < test_count; i++) {
        tests[i].test_func = run_one;
        tests[i].teardown_func = tear_down;
        tests[i].initial_state = &bodies[i];
    }
    return _cmocka_run_group_tests("weft", tests, test_count, NULL, NULL);
}
