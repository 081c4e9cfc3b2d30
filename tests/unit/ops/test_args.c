#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/args.h"
#include "tests/lib/test.h"

static struct weft_args args;
static struct weft_msg message;

/* Up to the first NULL. */
static enum weft_err parse(
    const char *a, const char *b, const char *c, const char *d, const char *e, const char *f)
{
    char *argv[] = {
        (char *)"weft", (char *)a, (char *)b, (char *)c, (char *)d, (char *)e, (char *)f, NULL};
    int argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    message.text[0] = '\0';
    args.words = NULL;
    return weft_args_parse(argc, argv, &args, &message);
}

static void expect_refused(enum weft_err err, const char *part)
{
    EXPECT_EQ(WEFT_EINVAL, err);
    if (strstr(message.text, part) == NULL) {
        (void)fprintf(stderr, "message: %s\nwanted: %s\n", message.text, part);
    }
    EXPECT_TRUE(strstr(message.text, part) != NULL);
}

TEST(args, command_of_one_and_of_two_words_is_found)
{
    EXPECT_EQ(WEFT_OK, parse("status", NULL, NULL, NULL, NULL, NULL));
    EXPECT_TEXT("status", args.command->path);
    weft_args_destroy(&args);
    EXPECT_EQ(WEFT_OK, parse("member", "remove", "n1", NULL, NULL, NULL));
    EXPECT_TEXT("member remove", args.command->path);
    EXPECT_EQ(1, args.operand_count);
    EXPECT_TEXT("n1", args.operands[0]);
    weft_args_destroy(&args);
}

TEST(args, options_stand_anywhere_and_in_every_form)
{
    EXPECT_EQ(WEFT_OK, parse("-o", "json", "put", "--batch=5", "file", "-t3"));
    EXPECT_TEXT("put", args.command->path);
    EXPECT_TEXT("json", weft_args_text(&args, "output", ""));
    EXPECT_TEXT("5", weft_args_text(&args, "batch", ""));
    EXPECT_TEXT("3", weft_args_text(&args, "timeout", ""));
    EXPECT_EQ(1, args.operand_count);
    EXPECT_TEXT("file", args.operands[0]);
    weft_args_destroy(&args);
    EXPECT_EQ(WEFT_OK, parse("--endpoint", "get", "member", "-q", "list", NULL));
    EXPECT_TEXT("member list", args.command->path);
    EXPECT_TEXT("get", weft_args_text(&args, "endpoint", ""));
    EXPECT_TRUE(weft_args_has(&args, "quiet"));
    weft_args_destroy(&args);
}

TEST(args, operands_may_look_like_anything_behind_two_dashes)
{
    EXPECT_EQ(WEFT_OK, parse("get", "--", "--help", NULL, NULL, NULL));
    EXPECT_TEXT("--help", args.operands[0]);
    EXPECT_TRUE(!weft_args_has(&args, "help"));
    weft_args_destroy(&args);
    EXPECT_EQ(WEFT_OK, parse("put", "-", NULL, NULL, NULL, NULL));
    EXPECT_TEXT("-", args.operands[0]);
    weft_args_destroy(&args);
    EXPECT_EQ(WEFT_OK, parse("get", "status", NULL, NULL, NULL, NULL));
    EXPECT_TEXT("get", args.command->path);
    weft_args_destroy(&args);
}

TEST(args, typo_is_answered_with_the_nearest_word)
{
    expect_refused(parse("stauts", NULL, NULL, NULL, NULL, NULL), "did you mean \"status\"?");
    expect_refused(parse("ptu", NULL, NULL, NULL, NULL, NULL), "did you mean \"put\"?");
    expect_refused(
        parse("member", "prmote", "n1", NULL, NULL, NULL), "did you mean \"member promote\"?");
    expect_refused(parse("status", "--digets", NULL, NULL, NULL, NULL), "did you mean --digest?");
    expect_refused(
        parse("--indentity", "x", "status", NULL, NULL, NULL), "did you mean --identity?");
    expect_refused(parse("xylophone", NULL, NULL, NULL, NULL, NULL), "see weft --help");
    expect_refused(parse("member", NULL, NULL, NULL, NULL, NULL), "member what?");
}

TEST(args, options_of_other_commands_are_refused)
{
    expect_refused(parse("get", "x", "--batch", "5", NULL, NULL), "no option --batch");
    expect_refused(parse("pki", "init", "--endpoint", "x", NULL, NULL), "no option --endpoint");
    expect_refused(parse("status", "-Z", NULL, NULL, NULL, NULL), "no option -Z");
}

TEST(args, the_version_of_a_command_is_not_that_of_the_program)
{
    EXPECT_EQ(WEFT_OK, parse("model", "show", "box", "--version", "2", NULL));
    EXPECT_TEXT("2", weft_args_text(&args, "version", NULL));
    EXPECT_EQ(1, args.operand_count);
    EXPECT_TRUE(!weft_args_wants_version(&args));
    weft_args_destroy(&args);
    EXPECT_EQ(WEFT_OK, parse("get", "--version", NULL, NULL, NULL, NULL));
    EXPECT_TRUE(weft_args_wants_version(&args));
    weft_args_destroy(&args);
    EXPECT_EQ(WEFT_OK, parse("--version", NULL, NULL, NULL, NULL, NULL));
    EXPECT_TRUE(weft_args_wants_version(&args));
    weft_args_destroy(&args);
}

TEST(args, values_missing_or_given_in_vain_are_refused)
{
    expect_refused(parse("put", "--batch", NULL, NULL, NULL, NULL), "value is missing");
    expect_refused(parse("put", "--batch", "--atomic", NULL, NULL, NULL), "value is missing");
    expect_refused(parse("put", "--atomic=yes", NULL, NULL, NULL, NULL), "takes no value");
}

TEST(args, operands_too_few_or_too_many_are_refused)
{
    expect_refused(parse("get", NULL, NULL, NULL, NULL, NULL), "weft get ASSET");
    expect_refused(parse("get", "a", "b", NULL, NULL, NULL), "\"b\" is one too many");
    expect_refused(parse("status", "a", NULL, NULL, NULL, NULL), "one too many");
    EXPECT_EQ(WEFT_OK, parse("get", "--help", NULL, NULL, NULL, NULL));
    weft_args_destroy(&args);
}

TEST(args, numbers_keep_to_their_range)
{
    uint64_t number = 0;
    static const char *const bad[] = {
        "0", "1025", "-1", "+1", "1.5", "1x", "", " 1", "99999999999999999999999"};
    EXPECT_EQ(WEFT_OK, parse("put", "--batch", "1024", NULL, NULL, NULL));
    EXPECT_EQ(WEFT_OK, weft_args_number(&args, "batch", 1, 1024, 7, &number, &message));
    EXPECT_EQ(1024, number);
    EXPECT_EQ(WEFT_OK, weft_args_number(&args, "outstanding", 1, 9, 7, &number, &message));
    EXPECT_EQ(7, number);
    weft_args_destroy(&args);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char option[64];
        (void)snprintf(option, sizeof(option), "--batch=%s", bad[i]);
        EXPECT_EQ(WEFT_OK, parse("put", option, NULL, NULL, NULL, NULL));
        expect_refused(weft_args_number(&args, "batch", 1, 1024, 7, &number, &message), "--batch");
        weft_args_destroy(&args);
    }
}

TEST(args, durations_have_units)
{
    static const struct {
        const char *option;
        uint64_t ms;
    } good[] = {{"--timeout=2", 2000}, {"--timeout=0.5", 500}, {"--timeout=500ms", 500},
        {"--timeout=2m", 120000}, {"--timeout=1h", 3600000}, {"--timeout=3s", 3000}};
    static const char *const bad[] = {"--timeout=", "--timeout=x", "--timeout=-1", "--timeout=1d",
        "--timeout=1e30", "--timeout=nan"};
    uint64_t ms = 0;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT_EQ(WEFT_OK, parse("status", good[i].option, NULL, NULL, NULL, NULL));
        EXPECT_EQ(WEFT_OK, weft_args_duration_ms(&args, "timeout", 1, &ms, &message));
        EXPECT_EQ(good[i].ms, ms);
        weft_args_destroy(&args);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_OK, parse("status", bad[i], NULL, NULL, NULL, NULL));
        expect_refused(weft_args_duration_ms(&args, "timeout", 1, &ms, &message), "--timeout");
        weft_args_destroy(&args);
    }
}

TEST(args, repeated_option_keeps_all_values_and_text_gives_the_last)
{
    EXPECT_EQ(WEFT_OK, parse("status", "-e", "a:1", "-eb:2", NULL, NULL));
    EXPECT_TEXT("a:1", weft_args_nth(&args, "endpoint", 0));
    EXPECT_TEXT("b:2", weft_args_nth(&args, "endpoint", 1));
    EXPECT_TRUE(weft_args_nth(&args, "endpoint", 2) == NULL);
    EXPECT_TEXT("b:2", weft_args_text(&args, "endpoint", ""));
    weft_args_destroy(&args);
}

TEST(args, every_command_has_help_that_names_its_options)
{
    for (const struct weft_command *c = weft_commands; c->path != NULL; c++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        EXPECT_TRUE(weft_args_help(c->path, out));
        (void)fclose(out);
        EXPECT_TRUE(strstr(text, c->summary) != NULL);
        EXPECT_TRUE(c->run != NULL && c->description[0] != '\0');
        for (const struct weft_option *o = c->options; o != NULL && o->name != NULL; o++) {
            EXPECT_TRUE(strstr(text, o->name) != NULL);
        }
        free(text);
    }
    EXPECT_TRUE(!weft_args_help("nothing", stdout));
}

TEST(args, no_two_options_of_a_command_share_a_name_or_letter)
{
    for (const struct weft_command *c = weft_commands; c->path != NULL; c++) {
        const struct weft_option *all[64];
        int count = 0;
        const struct weft_option *lists[] = {
            weft_global_options, c->is_online ? weft_online_options : NULL, c->options};
        for (int l = 0; l < 3; l++) {
            for (const struct weft_option *o = lists[l]; o != NULL && o->name != NULL; o++) {
                all[count++] = o;
            }
        }
        for (int i = 0; i < count; i++) {
            for (int k = i + 1; k < count; k++) {
                /* But for a --version N of the command's own, beside the program's flag. */
                bool is_version = strcmp(all[i]->name, "version") == 0 &&
                                  all[i]->argument == NULL && all[k]->argument != NULL;
                EXPECT_TRUE(is_version || strcmp(all[i]->name, all[k]->name) != 0);
                EXPECT_TRUE(all[i]->letter == 0 || all[i]->letter != all[k]->letter);
            }
        }
    }
}

TEST(args, exit_code_follows_the_class_of_the_error)
{
    EXPECT_EQ(0, weft_exit_of(WEFT_OK));
    EXPECT_EQ(1, weft_exit_of(WEFT_ENOTFOUND));
    EXPECT_EQ(1, weft_exit_of(WEFT_EBADSIG));
    EXPECT_EQ(2, weft_exit_of(WEFT_EINVAL));
    EXPECT_EQ(2, weft_exit_of(WEFT_ETOOBIG));
    EXPECT_EQ(3, weft_exit_of(WEFT_EUNAVAILABLE));
    EXPECT_EQ(3, weft_exit_of(WEFT_ETIMEDOUT));
    EXPECT_EQ(4, weft_exit_of(WEFT_EREFUSED));
    EXPECT_EQ(5, weft_exit_of(WEFT_ECONFLICT));
    for (int err = 0; err < WEFT_ERRS; err++) {
        EXPECT_TRUE((weft_exit_of((enum weft_err)err) == WEFT_EXIT_DONE) == (err == WEFT_OK));
    }
}
