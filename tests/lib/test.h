/* tests/lib/test.h: a thin layer over cmocka: tests that register themselves, expectations that
 * print both sides, one seed.
 *
 *     TEST(approval, needs_different_approvers) { EXPECT_EQ(WEFT_OK, ...); }
 *
 * The seed is WEFT_TEST_SEED or 1, printed at the start and with each failure. */
#ifndef WEFT_TESTS_LIB_TEST_H
#define WEFT_TESTS_LIB_TEST_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <cmocka.h>

void test_register(const char *name, void (*run)(void));
/* All that are registered, or those that match argv[1]. Returns how many failed. */
int test_run(int argc, char **argv);
void test_expect_eq(long long expected, long long actual, const char *expected_text,
    const char *actual_text, const char *file, int line);
void test_expect_mem(const void *expected, const void *actual, size_t size, const char *text,
    const char *file, int line);
void test_expect_text(const char *expected, const char *actual, const char *file, int line);
void test_expect_true(bool condition, const char *text, const char *file, int line);

/* Skip the running test with a reason (input absent, no right to do it here). */
_Noreturn void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint64_t test_seed(void);
/* Uniform in [0, bound); bound 0 gives any 64-bit number. From the seed; reset for each test. */
uint64_t test_random(uint64_t bound);

/* A fresh directory below the build tree's tmp, removed at the end of the test. */
const char *test_directory(void);
/* Path of shared real input, e.g. "epcis/examples"; skips the test if it is absent. */
const char *test_data(const char *name);

#define TEST(group, name)                                                                          \
    static void test_##group##_##name(void);                                                       \
    __attribute__((constructor)) static void register_##group##_##name(void)                       \
    {                                                                                              \
        test_register(#group "." #name, test_##group##_##name);                                    \
    }                                                                                              \
    static void test_##group##_##name(void)

#define EXPECT_EQ(expected, actual)                                                                \
    test_expect_eq(                                                                                \
        (long long)(expected), (long long)(actual), #expected, #actual, __FILE__, __LINE__)
#define EXPECT_TRUE(condition) test_expect_true((condition), #condition, __FILE__, __LINE__)
#define EXPECT_MEM(expected, actual, size)                                                         \
    test_expect_mem((expected), (actual), (size), #actual, __FILE__, __LINE__)
#define EXPECT_TEXT(expected, actual) test_expect_text((expected), (actual), __FILE__, __LINE__)

#endif
