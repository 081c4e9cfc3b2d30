#include "federation/cells/alias.h"

#include <string.h>

#include "proto/statement.h"
#include "tests/lib/test.h"

static const struct weft_alias_terms terms = {
    {WEFT_TEXT("a.example"), WEFT_TEXT("b.example")}, false};
static const struct weft_subject_name of_a = {
    WEFT_TEXT("a.example/p1"), WEFT_TEXT("serial"), WEFT_TEXT("box/7")};
static const struct weft_subject_name of_b = {
    WEFT_TEXT("b.example/q1"), WEFT_TEXT("serial"), WEFT_TEXT("BOXRESULTS_A07_X")};
static const struct weft_subject_name of_all = {
    WEFT_TEXT(""), WEFT_TEXT("uuid"), WEFT_TEXT("urn:uuid:0733946c-59c6-41ae-9570-cb43a6e4c79e")};

static struct weft_alias_word word(const char *author, uint64_t index, bool is_denied)
{
    struct weft_alias_word w = {
        .author = weft_text_of(author), .revision = {1, index, 0}, .is_denied = is_denied};
    w.digest = weft_sha256(&w.revision, sizeof(w.revision));
    return w;
}

static enum weft_alias_status judge(const struct weft_subject_name *a,
    const struct weft_subject_name *b, const struct weft_alias_word *words, uint32_t count)
{
    enum weft_alias_status status = WEFT_ALIAS_NONE, backwards = WEFT_ALIAS_NONE;
    struct weft_alias_word turned[8];
    for (uint32_t i = 0; i < count; i++) {
        turned[i] = words[count - 1 - i];
    }
    EXPECT_EQ(WEFT_OK, weft_alias_judge(&terms, a, b, words, count, &status));
    EXPECT_EQ(WEFT_OK, weft_alias_judge(&terms, b, a, turned, count, &backwards));
    EXPECT_EQ(status, backwards);
    return status;
}

TEST(alias, of_a_name_of_each_party_takes_both_words)
{
    struct weft_alias_word words[] = {
        word("b.example/q1", 1, false), word("a.example/p9", 1, false)};
    EXPECT_EQ(WEFT_ALIAS_NONE, judge(&of_a, &of_b, words, 0));
    EXPECT_EQ(WEFT_ALIAS_PROPOSED, judge(&of_a, &of_b, words, 1));
    EXPECT_EQ(WEFT_ALIAS_JOINED, judge(&of_a, &of_b, words, 2));
    struct weft_alias_terms open = terms;
    enum weft_alias_status status;
    open.is_one_word_enough = true;
    EXPECT_EQ(WEFT_OK, weft_alias_judge(&open, &of_a, &of_b, words, 1, &status));
    EXPECT_EQ(WEFT_ALIAS_JOINED, status);
}

TEST(alias, of_ones_own_names_and_of_nobodys_takes_ones_own_word)
{
    struct weft_alias_word a = word("a.example/p1", 1, false), b = word("b.example/q1", 1, false);
    struct weft_alias_word stranger = word("c.example/r", 1, false);
    EXPECT_EQ(WEFT_ALIAS_JOINED, judge(&of_a, &of_all, &a, 1));
    EXPECT_EQ(WEFT_ALIAS_PROPOSED, judge(&of_a, &of_all, &b, 1));
    EXPECT_EQ(WEFT_ALIAS_JOINED, judge(&of_all, &of_all, &b, 1));
    EXPECT_EQ(WEFT_ALIAS_NONE, judge(&of_all, &of_all, &stranger, 1));
}

TEST(alias, is_denied_by_either_party_and_by_nobody_else)
{
    struct weft_alias_word words[] = {word("a.example/p1", 1, false),
        word("b.example/q1", 1, false), word("c.example/r", 1, true),
        word("b.example/q1", 2, true)};
    EXPECT_EQ(WEFT_ALIAS_JOINED, judge(&of_a, &of_b, words, 3));
    EXPECT_EQ(WEFT_ALIAS_DENIED, judge(&of_a, &of_b, words, 4));
    words[3].revision.index = 0; /* It changed its mind: the newest word counts. */
    EXPECT_EQ(WEFT_ALIAS_JOINED, judge(&of_a, &of_b, words, 4));
    words[3].revision.index = 1; /* Two words of one revision: the denial counts. */
    EXPECT_EQ(WEFT_ALIAS_DENIED, judge(&of_a, &of_b, words, 4));
    words[1].revision.epoch = 2; /* The newest again, at that index of a log that was restored. */
    EXPECT_EQ(WEFT_ALIAS_JOINED, judge(&of_a, &of_b, words, 4));
}

TEST(alias, has_so_many_words)
{
    static struct weft_alias_word words[WEFT_ALIAS_WORDS_MAX + 1];
    enum weft_alias_status status;
    EXPECT_EQ(
        WEFT_OK, weft_alias_judge(&terms, &of_a, &of_b, words, WEFT_ALIAS_WORDS_MAX, &status));
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_alias_judge(&terms, &of_a, &of_b, words, WEFT_ALIAS_WORDS_MAX + 1, &status));
}

/* --- sets ------------------------------------------------------------------------------------ */

enum {
    SUBJECTS = 100
};

static bool is_joined[SUBJECTS][SUBJECTS];
static bool is_stated[SUBJECTS];
static enum weft_err failure;

static struct weft_digest subjects[SUBJECTS];

static struct weft_digest subject(uint32_t n)
{
    static bool is_filled;
    for (uint32_t i = 0; !is_filled && i < SUBJECTS; i++) {
        subjects[i] = weft_sha256(&i, sizeof(i));
    }
    is_filled = true;
    return subjects[n];
}

static uint32_t number_of(const struct weft_digest *digest)
{
    for (uint32_t n = 0; n < SUBJECTS; n++) {
        struct weft_digest other = subject(n);
        if (weft_digest_equal(&other, digest)) {
            return n;
        }
    }
    return SUBJECTS;
}

static enum weft_err neighbours(void *ctx, const struct weft_digest *of, uint32_t max,
    struct weft_digest *ret_subjects, uint32_t *ret_count)
{
    (void)ctx;
    uint32_t n = number_of(of), count = 0;
    for (uint32_t k = 0; k < SUBJECTS; k++) {
        if (!is_joined[n][k] && !is_joined[k][n]) {
            continue;
        }
        if (count == max) {
            *ret_count = count;
            return WEFT_ETOOBIG;
        }
        ret_subjects[count++] = subject(k);
    }
    *ret_count = count;
    return failure;
}

static bool is_known(void *ctx, const struct weft_digest *of)
{
    (void)ctx;
    return is_stated[number_of(of)];
}

/* Union-find: which one stands for which. */
static uint32_t root_of(const uint32_t *parent, uint32_t n)
{
    while (parent[n] != n) {
        n = parent[n];
    }
    return n;
}

static uint32_t expect_sets(const uint32_t *parent)
{
    uint32_t largest = 0;
    for (uint32_t n = 0; n < SUBJECTS; n++) {
        struct weft_digest of = subject(n);
        struct weft_alias_set set;
        uint32_t size = 0;
        for (uint32_t k = 0; k < SUBJECTS; k++) {
            size += root_of(parent, k) == root_of(parent, n);
        }
        EXPECT_EQ(WEFT_OK, weft_alias_find(&of, neighbours, NULL, &set));
        EXPECT_EQ(size > WEFT_ALIAS_SET_MAX, set.is_too_large);
        EXPECT_EQ(set.is_too_large ? 1 : size, set.count);
        for (uint32_t i = 0; i < set.count; i++) {
            EXPECT_EQ(root_of(parent, n), root_of(parent, number_of(&set.subjects[i])));
            EXPECT_TRUE(
                i == 0 || memcmp(&set.subjects[i - 1], &set.subjects[i], WEFT_DIGEST_SIZE) < 0);
        }
        largest = set.count > largest ? set.count : largest;
    }
    return largest;
}

TEST(alias, sets_are_those_of_a_union_find_over_the_joined_pairs)
{
    uint32_t seen_large = 0, seen_sets = 0;
    failure = WEFT_OK;
    for (uint32_t round = 0; round < 20; round++) {
        uint32_t parent[SUBJECTS];
        memset(is_joined, 0, sizeof(is_joined));
        for (uint32_t n = 0; n < SUBJECTS; n++) {
            parent[n] = n;
        }
        for (uint32_t pairs = 10 + 6 * round; pairs > 0; pairs--) {
            uint32_t a = (uint32_t)test_random(SUBJECTS), b = (uint32_t)test_random(SUBJECTS);
            is_joined[a][b] = true;
            parent[root_of(parent, a)] = root_of(parent, b);
        }
        uint32_t largest = expect_sets(parent);
        seen_sets += largest > 3;
        for (uint32_t n = 0; n < SUBJECTS && round > 15; n++) {
            struct weft_digest of = subject(n);
            struct weft_alias_set set;
            EXPECT_EQ(WEFT_OK, weft_alias_find(&of, neighbours, NULL, &set));
            seen_large += set.is_too_large;
        }
    }
    EXPECT_TRUE(seen_sets > 3 && seen_large > 3);
}

TEST(alias, an_edge_dangles_until_its_target_or_an_alias_of_it_comes)
{
    struct weft_digest target = subject(1), found;
    bool is_resolved = true;
    memset(is_joined, 0, sizeof(is_joined));
    memset(is_stated, 0, sizeof(is_stated));
    failure = WEFT_OK;
    is_joined[1][2] = is_joined[2][3] = true;
    EXPECT_EQ(
        WEFT_OK, weft_alias_resolve(&target, neighbours, is_known, NULL, &is_resolved, &found));
    EXPECT_TRUE(!is_resolved);
    is_stated[3] = is_stated[4] = true;
    EXPECT_EQ(
        WEFT_OK, weft_alias_resolve(&target, neighbours, is_known, NULL, &is_resolved, &found));
    EXPECT_TRUE(is_resolved);
    EXPECT_EQ(3, number_of(&found));
    failure = WEFT_EIO;
    EXPECT_EQ(
        WEFT_EIO, weft_alias_resolve(&target, neighbours, is_known, NULL, &is_resolved, &found));
    failure = WEFT_OK;
}

/* --- subjects -------------------------------------------------------------------------------- */

static enum weft_subject_place admit(const char *key, bool has_serial,
    char ret_key[WEFT_SUBJECT_KEY_SIZE], struct weft_subject_name *ret_name)
{
    struct weft_digest statement = subject(77);
    return weft_subject_admit(WEFT_TEXT("a.example/p1"), WEFT_TEXT("serial"), weft_text_of(key),
        has_serial, &statement, ret_key, ret_name);
}

static void expect_name(const char *key, const char *authority, const char *kind, const char *name)
{
    char memory[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name got;
    EXPECT_EQ(WEFT_SUBJECT_TO_CELL, admit(key, true, memory, &got));
    EXPECT_TRUE(weft_text_is(got.authority, authority) && weft_text_is(got.kind, kind));
    EXPECT_TEXT(name, memory);
    EXPECT_TRUE(weft_text_is(got.key, name));
}

TEST(subject, of_a_name_has_one_spelling)
{
    static const char uuid[] = "urn:uuid:0733946c-59c6-41ae-9570-cb43a6e4c79e";
    expect_name("serial:box/7", "a.example/p1", "serial", "serial:box/7");
    expect_name("0733946C-59C6-41ae-9570-cb43a6e4c79e", "", "uuid", uuid);
    expect_name("URN:UUID:0733946C-59c6-41ae-9570-cb43a6e4c79e", "", "uuid", uuid);
    expect_name(
        "URN:EPC:id:sgtin:4012345.011111.9a", "", "epc", "urn:epc:id:sgtin:4012345.011111.9a");
    expect_name("urn:uuid:7", "a.example/p1", "serial", "urn:uuid:7"); /* It is none. */
    struct weft_subject_name name = of_a;
    struct weft_digest expected = weft_statement_subject(of_a.authority, of_a.kind, of_a.key);
    struct weft_digest actual = weft_subject_of(&name);
    EXPECT_MEM(&expected, &actual, sizeof(expected));
}

TEST(subject, of_a_unit_without_a_usable_serial_is_its_own_and_is_to_be_confirmed)
{
    static const char *const bad[] = {"", "n/a", "serial:box/N/A", "serial:box/unknown",
        "serial:box/000", "---", "serial:box/", "TBD", "serial:box/?"};
    char memory[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name name;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        EXPECT_EQ(WEFT_SUBJECT_TO_CONFIRM, admit(bad[i], true, memory, &name));
        EXPECT_TRUE(weft_text_starts(name.key, "no-serial/") && name.key.size == 10 + 64);
    }
    EXPECT_EQ(WEFT_SUBJECT_TO_CONFIRM,
        admit("serial:box/no-serial/q1/component-3", false, memory, &name));
    EXPECT_TEXT("serial:box/no-serial/q1/component-3", memory);
    EXPECT_EQ(WEFT_SUBJECT_PLACEHOLDER, weft_subject_key_fault(WEFT_TEXT("serial:box/0")));
    EXPECT_EQ(WEFT_SUBJECT_SOUND, weft_subject_key_fault(WEFT_TEXT("serial:box/10")));
    EXPECT_EQ(WEFT_SUBJECT_SOUND, weft_subject_key_fault(WEFT_TEXT("serial:box/1")));
}

TEST(subject, of_what_has_no_name_is_none)
{
    char memory[WEFT_SUBJECT_KEY_SIZE], long_key[300];
    struct weft_subject_name name;
    struct weft_digest statement = subject(77);
    memset(long_key, 'k', sizeof(long_key));
    EXPECT_EQ(WEFT_SUBJECT_TO_QUARANTINE, admit("a\nb", true, memory, &name));
    EXPECT_EQ(WEFT_SUBJECT_TO_QUARANTINE,
        weft_subject_admit(WEFT_TEXT("a.example/p1"), WEFT_TEXT("serial"),
            (struct weft_text){long_key, sizeof(long_key)}, true, &statement, memory, &name));
    EXPECT_EQ(WEFT_SUBJECT_TO_QUARANTINE, weft_subject_admit(WEFT_TEXT(""), WEFT_TEXT("serial"),
                                              WEFT_TEXT("7"), true, &statement, memory, &name));
    EXPECT_EQ(WEFT_SUBJECT_TO_QUARANTINE,
        weft_subject_admit(WEFT_TEXT("a.example/p1"), WEFT_TEXT("No Kind"), WEFT_TEXT("7"), true,
            &statement, memory, &name));
    EXPECT_EQ(WEFT_SUBJECT_TO_CELL,
        weft_subject_admit(WEFT_TEXT("a.example/p1"), WEFT_TEXT("serial"),
            (struct weft_text){long_key, 255}, true, &statement, memory, &name));
}
