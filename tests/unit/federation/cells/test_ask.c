#include "federation/cells/ask.h"

#include <string.h>

#include "tests/lib/test.h"

static struct weft_msg msg;

static struct weft_ask_question question(void)
{
    struct weft_ask_question q = {.id = 7,
        .wait_ms = 1000,
        .name = {WEFT_TEXT("supplier.example/west"), WEFT_TEXT("serial"), WEFT_TEXT("serial:x/1")},
        .tiers = {.template = WEFT_TEXT("inside"), .query = {{3}}, .depth = 4}};
    q.tiers.subject = weft_subject_of(&q.name);
    return q;
}

TEST(ask, a_question_comes_back_as_it_was_and_is_cut_nowhere)
{
    struct weft_buffer b = {.size_max = 4096};
    const struct weft_ask_question q = question();
    struct weft_ask_question again;
    EXPECT_EQ(WEFT_OK, weft_ask_question_encode(&q, &b));
    EXPECT_EQ(WEFT_OK, weft_ask_question_decode((struct weft_bytes){b.data, b.size}, &again, &msg));
    EXPECT_EQ(7, again.id);
    EXPECT_EQ(1000, again.wait_ms);
    EXPECT_EQ(4, again.tiers.depth);
    EXPECT_TRUE(weft_text_is(again.name.key, "serial:x/1"));
    for (size_t size = 0; size < b.size; size++) {
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_ask_question_decode((struct weft_bytes){b.data, size}, &again, &msg));
    }
    weft_buffer_destroy(&b);
}

TEST(ask, a_question_is_about_the_thing_that_it_names)
{
    struct weft_buffer b = {.size_max = 4096};
    struct weft_ask_question q = question(), again;
    q.tiers.subject.bytes[0] ^= 1;
    EXPECT_EQ(WEFT_OK, weft_ask_question_encode(&q, &b));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_ask_question_decode((struct weft_bytes){b.data, b.size}, &again, &msg));
    q = question();
    q.wait_ms = WEFT_ASK_WAIT_MS_MAX + 1;
    EXPECT_EQ(WEFT_EINVAL, weft_ask_question_encode(&q, &b));
    weft_buffer_destroy(&b);
}

TEST(ask, an_answer_comes_back_and_what_is_signed_names_all_of_it)
{
    struct weft_buffer b = {.size_max = 4096}, one = {.size_max = 4096}, two = {.size_max = 4096};
    static const uint8_t parts[] = {0};
    struct weft_ask_answer a = {
        9, WEFT_ASK_ANSWERED, 17, 1700000000000, {parts, 1}, WEFT_TEXT("a line")};
    struct weft_ask_answer again;
    const struct weft_ask_deed deed = {WEFT_TEXT("box"), WEFT_TEXT("supplier.example/west"),
        WEFT_TEXT("oem.example/plant1"), {{1}}, {{2}}};
    EXPECT_EQ(WEFT_OK, weft_ask_answer_encode(&a, &b));
    EXPECT_EQ(WEFT_OK, weft_ask_answer_decode((struct weft_bytes){b.data, b.size}, &again, &msg));
    EXPECT_EQ(17, again.index);
    EXPECT_TRUE(weft_text_is(again.line, "a line"));
    for (size_t size = 0; size < b.size; size++) {
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_ask_answer_decode((struct weft_bytes){b.data, size}, &again, &msg));
    }
    EXPECT_EQ(WEFT_OK, weft_ask_text(&deed, &a, &one));
    a.index++;
    EXPECT_EQ(WEFT_OK, weft_ask_text(&deed, &a, &two));
    EXPECT_TRUE(one.size != two.size || memcmp(one.data, two.data, one.size) != 0);
    weft_buffer_destroy(&b);
    weft_buffer_destroy(&one);
    weft_buffer_destroy(&two);
}

TEST(ask, a_content_is_lines_and_the_first_its_time)
{
    static const char *const good[] = {"at\t1\n", "at\t1\nmade\n",
        "at\t1\nin\tconsumes\t-\tepc\turn:epc:id:sgtin:1.2.3\nhole\t-\tunknown\n"};
    static const char *const bad[] = {"", "made\n", "at\tx\n", "at\t1", "at\t1\nat\t2\n",
        "at\t1\nhole\t-\tbecause\n", "at\t1\nin\tconsumes\t-\tepc\n", "at\t1\nmade\tmore\n",
        "at\t1\nin\tconsumes\t-\tepc\ta\tb\n", "at\t1\nin\tconsumes\t\tepc\ta\n",
        "at\t1\nin\tconsumes\t-\tepc\ta\x1b[2J\n"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT_TRUE(weft_ask_is_content(weft_text_of(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_ask_is_content(weft_text_of(bad[i])));
    }
}

TEST(ask, a_thing_that_is_told_has_a_name_that_may_be_asked_of)
{
    static const struct {
        size_t sizes[4];
        bool is_good;
    } cases[] = {{{63, 127, 255, 255}, true}, {{64, 1, 1, 1}, false}, {{1, 128, 1, 1}, false},
        {{1, 1, 256, 1}, false}, {{1, 1, 1, 256}, false}};
    char word[300];
    memset(word, 'w', sizeof(word));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t *n = cases[i].sizes;
        struct weft_buffer text = {.size_max = 4096};
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&text, "at\t1\nin\t%.*s\t%.*s\t%.*s\t%.*s\n",
                               (int)n[0], word, (int)n[1], word, (int)n[2], word, (int)n[3], word));
        EXPECT_EQ(cases[i].is_good, weft_ask_is_content(weft_buffer_as_text(&text)));
        weft_buffer_destroy(&text);
    }
}

static struct weft_digest subject_of(const char *key)
{
    const struct weft_subject_name name = {{"", 0}, WEFT_TEXT("epc"), weft_text_of(key)};
    return weft_subject_of(&name);
}

static const char *fault_of(struct weft_tiers_part *parts, uint32_t count, const char *asker)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_tiers_answer answer = {parts, count, count};
    const struct weft_digest subject = subject_of("a");
    const char *fault = weft_ask_parts_fault(&answer, weft_text_of(asker), &subject, &arena);
    weft_arena_destroy(&arena);
    return fault;
}

static struct weft_tiers_part part(const char *of, const char *content)
{
    return (struct weft_tiers_part){.organization = WEFT_TEXT("supplier.example/west"),
        .subject = subject_of(of),
        .head = 1,
        .content = weft_text_of(content)};
}

TEST(ask, an_answer_is_made_of_contents)
{
    struct weft_tiers_part one = part("a", "at\t1\nmade\n");
    EXPECT_TRUE(fault_of(&one, 1, "oem.example/plant1") == NULL);
    one.content = WEFT_TEXT("made\n");
    EXPECT_TRUE(strcmp(fault_of(&one, 1, "oem.example/plant1"), "a part is no answer") == 0);
}

/* A ring of deliveries: what comes back of one's own is not heard, nor what only that leads to. */
TEST(ask, nobody_answers_in_the_name_of_who_asks)
{
    const struct weft_text asker = WEFT_TEXT("oem.example/plant1");
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_tiers_part parts[5] = {part("a", "at\t1\nin\t-\t-\tepc\tb\n"),
        part("b", "at\t1\nin\t-\t-\tepc\tc\n"), part("c", "at\t1\nmade\n"),
        part("b", "at\t1\nin\t-\t-\tepc\td\n"), part("d", "at\t1\nmade\n")};
    struct weft_tiers_answer answer = {parts, 5, 5};
    const struct weft_digest subject = subject_of("a"), left = subject_of("c");
    parts[1].organization = asker;
    EXPECT_TRUE(weft_ask_parts_fault(&answer, asker, &subject, &arena) == NULL);
    EXPECT_EQ(3, answer.count);
    for (uint32_t i = 0; i < answer.count; i++) {
        EXPECT_TRUE(!weft_text_equal(answer.parts[i].organization, asker));
        EXPECT_TRUE(!weft_digest_equal(&answer.parts[i].subject, &left));
    }
    parts[0] = part("a", "at\t1\n");
    parts[0].organization = asker;
    answer = (struct weft_tiers_answer){parts, 1, 1};
    const char *fault = weft_ask_parts_fault(&answer, asker, &subject, &arena);
    EXPECT_TRUE(fault != NULL && strcmp(fault, "it says nothing of what was asked") == 0);
    weft_arena_destroy(&arena);
}

/* What nothing leads to from the thing that was asked of is another's. */
TEST(ask, nobody_answers_of_what_he_was_not_asked)
{
    static const char not_asked[] = "it speaks of what was not asked";
    struct weft_tiers_part parts[4] = {part("a", "at\t1\nin\t-\t-\tepc\tb\n"),
        part("b", "at\t1\nin\tconsumes\t-\tepc\tc\n"), part("c", "at\t1\nmade\n"),
        part("c", "at\t1\nmade\n")};
    parts[3].organization = WEFT_TEXT("other.example/east");
    EXPECT_TRUE(fault_of(parts, 4, "oem.example/plant1") == NULL);
    parts[1].content = WEFT_TEXT("at\t1\nmade\n");
    EXPECT_TRUE(strcmp(fault_of(parts, 4, "oem.example/plant1"), not_asked) == 0);
    EXPECT_TRUE(fault_of(parts, 2, "oem.example/plant1") == NULL);
    EXPECT_TRUE(strcmp(fault_of(&parts[2], 1, "oem.example/plant1"), not_asked) == 0);
    /* A ring beside it leads nowhere either; one through it ends. */
    parts[1] = part("b", "at\t1\nin\t-\t-\tepc\tc\n");
    parts[2] = part("c", "at\t1\nin\t-\t-\tepc\tb\n");
    EXPECT_TRUE(fault_of(parts, 3, "oem.example/plant1") == NULL);
    parts[0] = part("a", "at\t1\nmade\n");
    EXPECT_TRUE(strcmp(fault_of(parts, 3, "oem.example/plant1"), not_asked) == 0);
}

TEST(ask, words_of_faults_read_back)
{
    for (int i = 1; i < WEFT_ASK_FAULTS; i++) {
        const char *word = weft_ask_fault_word((enum weft_ask_fault)i);
        EXPECT_EQ(i, weft_ask_fault_of(weft_text_of(word)));
    }
    EXPECT_EQ(WEFT_ASK_FAULTS, weft_ask_fault_of(WEFT_TEXT("answered")));
}
