#include <string.h>

#include "jepsen/work/ledger.h"
#include "tests/lib/test.h"

static struct jep_answer answer(struct jep_arena *arena, enum jep_answer_kind kind,
    const char *code, const char *detail, int64_t index)
{
    struct jep_edn items[] = {jep_edn_string("code"), jep_edn_string_copy(arena, code),
        jep_edn_string("detail"), jep_edn_string_copy(arena, detail), jep_edn_string("index"),
        jep_edn_int(index)};
    return (struct jep_answer){.kind = kind, .body = jep_edn_map(arena, items, 3)};
}

TEST(ledger, commits_are_noted_by_what_was_told_of_them)
{
    static const char two[] = "{\"op\":\"commit\",\"request_id\":\"01\",\"records\":["
                              "{\"kind\":\"a\",\"asset\":\"x\"},{\"kind\":\"b\",\"asset\":\"y\"}]}";
    struct jep_arena *arena = jep_arena_create();
    struct jep_ledger ledger;
    jep_ledger_init(&ledger);
    struct jep_answer all[] = {answer(arena, JEP_ANSWER_OK, "", "", 17),
        answer(arena, JEP_ANSWER_UNKNOWN, "session", "it ended", 0),
        answer(arena, JEP_ANSWER_REFUSED, "refused", "not permitted (correlation 01)", 0),
        answer(arena, JEP_ANSWER_REFUSED, "refused", "the asset is retired", 0),
        answer(arena, JEP_ANSWER_REFUSED, "not-leader", "not permitted", 0)};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        jep_ledger_note(&ledger, two, &all[i]);
    }
    EXPECT_EQ(1, ledger.count);
    EXPECT_EQ(17, ledger.acked[0].index);
    EXPECT_EQ(2, ledger.acked[0].records);
    EXPECT_EQ(1, ledger.doubt);
    EXPECT_EQ(1, ledger.refused);
    jep_ledger_destroy(&ledger);
    jep_arena_destroy(arena);
}

TEST(ledger, other_lines_and_no_ledger_are_no_commits)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_ledger ledger;
    jep_ledger_init(&ledger);
    struct jep_answer ok = answer(arena, JEP_ANSWER_OK, "", "", 17);
    jep_ledger_note(&ledger, "{\"op\":\"digest\"}", &ok);
    jep_ledger_note(NULL, "{\"op\":\"commit\",\"records\":[]}", &ok);
    EXPECT_EQ(0, ledger.count + (size_t)ledger.doubt + (size_t)ledger.refused);
    for (int i = 0; i < 3000; i++) { /* It grows. */
        jep_ledger_note(&ledger, "{\"op\":\"commit\",\"records\":[{\"kind\":\"a\"}]}", &ok);
    }
    EXPECT_EQ(3000, ledger.count);
    jep_ledger_destroy(&ledger);
    jep_arena_destroy(arena);
}
