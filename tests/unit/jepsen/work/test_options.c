#include <string.h>

#include "jepsen/work/options.h"
#include "tests/lib/test.h"

/* The command line of `run`. */

static int exit_code;

static bool parse(struct jep_run_options *options, int count, const char **words)
{
    char *argv[16] = {(char *)"run"};
    for (int i = 0; i < count; i++) {
        argv[i + 1] = (char *)words[i];
    }
    jep_run_options_init(options);
    return jep_run_options_parse(count + 1, argv, options, &exit_code);
}

TEST(options, workload_brings_its_rate_and_its_faults)
{
    struct jep_run_options options;
    EXPECT_TRUE(parse(&options, 0, NULL));
    EXPECT_TEXT("register", options.workload->name);
    EXPECT_EQ(options.workload->rate, options.rate);
    EXPECT_TEXT("partition,kill,pause", options.nemeses);
    EXPECT_TRUE(parse(&options, 2, (const char *[]){"--workload", "membership"}));
    EXPECT_TEXT("member", options.nemeses);
    EXPECT_TRUE(parse(&options, 4, (const char *[]){"--endpoints", "a:1", "--identity", "x"}));
    EXPECT_TEXT("", options.nemeses); /* Whose plant it is decides what is broken there. */
}

TEST(options, what_is_given_counts)
{
    struct jep_run_options options;
    EXPECT_TRUE(parse(&options, 10,
        (const char *[]){"--workload", "append", "--nemesis", "clock", "--rate", "7", "--seed",
            "18446744073709551615", "--time-limit", "9"}));
    EXPECT_TEXT("append", options.workload->name);
    EXPECT_TEXT("clock", options.nemeses);
    EXPECT_EQ(7, options.rate);
    EXPECT_TRUE(options.seed == UINT64_MAX);
    EXPECT_EQ(9, options.time_limit_s);
}

TEST(options, nonsense_is_a_harness_error)
{
    struct jep_run_options options;
    static const char *bad[][2] = {{"--workload", "sing"}, {"--rate", "0"}, {"--rate", "x"},
        {"--concurrency", "61"}, {"--nodes", "-1"}, {"--seed", "18446744073709551616"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!parse(&options, 2, bad[i]));
        EXPECT_EQ(3, exit_code);
    }
    EXPECT_TRUE(!parse(&options, 1, (const char *[]){"--help"}));
    EXPECT_EQ(0, exit_code);
}

TEST(options, command_of_a_replay_has_everything)
{
    struct jep_run_options options, again;
    struct jep_arena *arena = jep_arena_create();
    struct jep_message message;
    EXPECT_TRUE(parse(&options, 6,
        (const char *[]){"--workload", "bank", "--seed", "9223372036854775809", "--mutant", "m"}));
    const char *command = jep_run_options_command(&options, arena);
    EXPECT_TRUE(strstr(command, "--workload bank") != NULL);
    EXPECT_TRUE(strstr(command, "--seed 9223372036854775809") != NULL);
    EXPECT_TRUE(strstr(command, "--mutant 'm'") != NULL);
    struct jep_edn value = jep_run_options_edn(&options, arena);
    jep_run_options_init(&again);
    EXPECT_TRUE(jep_run_options_read(&value, &again, &message));
    EXPECT_TEXT(command, jep_run_options_command(&again, arena));
    jep_arena_destroy(arena);
}
