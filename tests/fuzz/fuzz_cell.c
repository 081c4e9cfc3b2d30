/* The rules of cells: the first byte is a rule, each further six a statement. A set that is filled
 * forwards and one that is filled backwards, some of it twice, have one state. */
#include "federation/cells/cell.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    STATEMENTS_MAX = 16,
    STATEMENT_SIZE = 6, /* act, author, revision and epoch, value, whom it names */
};

static struct weft_arena arena = {.size_max = 1 << 20};
static struct weft_digest digests[STATEMENTS_MAX]; /* Ascending. */
static struct weft_digest names[STATEMENTS_MAX][STATEMENTS_MAX];

static void make_digests(void)
{
    for (uint32_t i = 0; i < STATEMENTS_MAX; i++) {
        digests[i] = weft_sha256(&i, sizeof(i));
        digests[i].bytes[0] = (uint8_t)i;
    }
}

static struct weft_cell_statement statement_of(const uint8_t *p, uint32_t number)
{
    static const char *const authors[] = {
        "a.example/p1", "a.example/p2", "b.example/q1", "c.example/r1"};
    static const char *const values[] = {"PASS", "CONDITIONAL", "FAIL", "BLOCK", "x", ""};
    struct weft_cell_statement s = {.digest = digests[number],
        .act = (enum weft_cell_act)(p[0] % 3),
        .author = weft_text_of(authors[p[1] % 4]),
        .revision = {p[2] >> 6, p[2] & 15u, p[2] >> 4 & 3u},
        .is_withheld = p[3] >= 250,
        .value = weft_text_of(values[p[3] % 6])};
    uint32_t named = (uint32_t)p[4] << 8 | p[5];
    for (uint32_t i = 0; s.act != WEFT_CELL_SAY && i < STATEMENTS_MAX; i++) {
        if ((named >> i & 1u) != 0) {
            names[number][s.name_count++] = digests[i];
        }
    }
    s.names = names[number];
    return s;
}

static struct weft_digest judge(
    enum weft_cell_rule rule, const uint8_t *data, uint32_t count, bool is_backwards)
{
    struct weft_cell_statement memory[STATEMENTS_MAX];
    struct weft_cell_set set = {memory, 0, STATEMENTS_MAX, 0};
    struct weft_cell_authority authority;
    struct weft_cell_answer answer;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = is_backwards ? count - 1 - i : i;
        struct weft_cell_statement s = statement_of(data + (size_t)number * STATEMENT_SIZE, number);
        for (uint32_t times = number % 2; times < 2; times++) {
            enum weft_err err = weft_cell_add(&set, &s);
            weft_assert(err == WEFT_OK || (err == WEFT_EINVAL && s.name_count == 0)); /* FED-104 */
        }
    }
    enum weft_err err = weft_cell_authority_fold(
        WEFT_TEXT("k"), WEFT_TEXT(""), WEFT_TEXT("a.example/p1"), 1, NULL, 0, &authority);
    weft_assert(err == WEFT_OK); /* FED-110 */
    const struct weft_cell_terms terms = {
        rule, {WEFT_TEXT("a.example"), WEFT_TEXT("b.example")}, &authority};
    weft_arena_reset(&arena);
    err = weft_cell_judge(&terms, &set, &arena, &answer);
    weft_assert(err == WEFT_OK); /* FED-100 */
    return weft_cell_state(&digests[0], &set, &answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    make_digests();
    size_t count = (size - 1) / STATEMENT_SIZE;
    uint32_t taken = count < STATEMENTS_MAX ? (uint32_t)count : STATEMENTS_MAX;
    enum weft_cell_rule rule = (enum weft_cell_rule)(data[0] % WEFT_CELL_RULES);
    struct weft_digest forwards = judge(rule, data + 1, taken, false);
    struct weft_digest backwards = judge(rule, data + 1, taken, true);
    weft_assert(weft_digest_equal(&forwards, &backwards)); /* FED-100 */
    return 0;
}
