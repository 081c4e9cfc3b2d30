/* What cells cost: one by one, in processor time.
 *
 * usage: bench_cells [ROUNDS]
 *
 * A cell of two verdicts from its statements to its state; of 4,096 statements, and of as many
 * resolutions as there may be; a workflow of as many steps; a change in a trie of 100,000 cells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "federation/cells/shared.h"
#include "federation/cells/workflow.h"

enum {
    ROUNDS_DEFAULT = 200000,
    CELLS = 100000,
    NODES_MAX = 1 << 17, /* of the store: a table of twice what 100,000 cells need */
};

/* Processor time, since a machine may be busy with others; asking costs about 0.3 us. */
static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void must(enum weft_err err)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "bench_cells: %s\n", weft_err_name(err));
        exit(1);
    }
}

static void print(const char *what, uint64_t since_ns, uint32_t rounds)
{
    (void)printf("%-52s %10.3f us\n", what, (double)(now_ns() - since_ns) / 1e3 / rounds);
}

static struct weft_digest digest_of(uint32_t n)
{
    return weft_sha256(&n, sizeof(n));
}

/* --- cells ----------------------------------------------------------------------------------- */

static struct weft_cell_statement memory[WEFT_CELL_STATEMENTS_MAX];
static struct weft_digest names[WEFT_CELL_NAMES_TOTAL_MAX];
static struct weft_arena arena = {.size_max = 8 << 20};

static int compare_statements(const void *a, const void *b)
{
    const struct weft_cell_statement *x = a, *y = b;
    return memcmp(x->digest.bytes, y->digest.bytes, WEFT_DIGEST_SIZE);
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

/* Of both parties in turn; every fourth a resolution of `named` others, if there are any. */
static struct weft_cell_set fill(uint32_t count, uint32_t named)
{
    struct weft_cell_set set = {memory, count, count, 0};
    for (uint32_t i = 0; i < count; i++) {
        struct weft_text author =
            i % 2 == 0 ? WEFT_TEXT("a.example/p1") : WEFT_TEXT("b.example/q1");
        memory[i] = (struct weft_cell_statement){.digest = digest_of(i),
            .author = author,
            .revision = {1, i, 0},
            .value = i % 3 == 0 ? WEFT_TEXT("FAIL") : WEFT_TEXT("PASS")};
        if (named > 0 && i % 4 < 2 && i > named) {
            struct weft_digest *of = names + (size_t)(i / 4) * named;
            for (uint32_t k = 0; k < named; k++) {
                of[k] = digest_of(i / 4 + k);
            }
            qsort(of, named, sizeof(*of), compare_digests);
            memory[i].act = WEFT_CELL_RESOLVE;
            memory[i].names = of;
            memory[i].name_count = named;
            set.name_count += named;
        }
    }
    qsort(memory, count, sizeof(*memory), compare_statements);
    return set;
}

static void judge(
    const char *what, enum weft_cell_rule rule, uint32_t count, uint32_t named, uint32_t rounds)
{
    const struct weft_cell_set set = fill(count, named);
    const struct weft_digest cell = digest_of(0);
    struct weft_cell_authority authority;
    must(weft_cell_authority_fold(
        WEFT_TEXT("inspection"), WEFT_TEXT(""), WEFT_TEXT("a.example/p1"), 1, NULL, 0, &authority));
    const struct weft_cell_terms terms = {
        rule, {WEFT_TEXT("a.example"), WEFT_TEXT("b.example")}, &authority};
    struct weft_cell_answer answer;
    uint64_t since_ns = now_ns();
    for (uint32_t i = 0; i < rounds; i++) {
        weft_arena_reset(&arena);
        must(weft_cell_judge(&terms, &set, &arena, &answer));
        (void)weft_cell_state(&cell, &set, &answer);
    }
    print(what, since_ns, rounds);
}

/* --- workflows ------------------------------------------------------------------------------- */

static void fold(uint32_t rounds)
{
    static struct weft_workflow_step steps[WEFT_WORKFLOW_STEPS_MAX];
    const struct weft_text parties[2] = {WEFT_TEXT("a.example"), WEFT_TEXT("b.example")};
    struct weft_workflow_status status;
    for (uint32_t i = 0; i < WEFT_WORKFLOW_STEPS_MAX; i++) {
        names[i] = digest_of(i);
        steps[i] = (struct weft_workflow_step){
            names[i], WEFT_TEXT("a.example/p1"), WEFT_TEXT("revise"), {NULL, 0}};
        if (i > 0) {
            steps[i].after = (struct weft_act_digests){&names[i - 1], 1};
        }
    }
    steps[0].step = WEFT_TEXT("propose");
    uint64_t since_ns = now_ns();
    for (uint32_t i = 0; i < rounds; i++) {
        weft_arena_reset(&arena);
        must(weft_workflow_fold(
            WEFT_WORKFLOW_CHANGE_ORDER, parties, steps, WEFT_WORKFLOW_STEPS_MAX, &arena, &status));
    }
    print("workflow of 256 steps, each behind the last", since_ns, rounds);
}

/* --- the shared digest ----------------------------------------------------------------------- */

static struct slot {
    bool is_there;
    struct weft_shared_path path;
    struct weft_shared_node node;
    struct weft_digest digest;
} * slots;

static struct slot *find(const struct weft_shared_path *path)
{
    uint64_t hash = path->depth * UINT64_C(0x9e3779b97f4a7c15);
    for (uint32_t i = 0; i < 8; i++) {
        hash = (hash ^ path->prefix.bytes[i]) * UINT64_C(0x100000001b3);
    }
    uint32_t at = (uint32_t)(hash >> 32) % NODES_MAX;
    while (slots[at].is_there && (slots[at].path.depth != path->depth ||
                                     !weft_digest_equal(&slots[at].path.prefix, &path->prefix))) {
        at = (at + 1) % NODES_MAX;
    }
    return &slots[at];
}

static enum weft_err read_node(void *ctx, const struct weft_shared_path *path,
    struct weft_shared_node *ret_node, struct weft_digest *ret_digest)
{
    (void)ctx;
    const struct slot *slot = find(path);
    if (!slot->is_there) {
        return WEFT_ENOTFOUND;
    }
    *ret_node = slot->node;
    *ret_digest = slot->digest;
    return WEFT_OK;
}

static enum weft_err write_node(void *ctx, const struct weft_shared_path *path,
    const struct weft_shared_node *node, const struct weft_digest *digest)
{
    (void)ctx;
    struct slot *slot = find(path);
    *slot = (struct slot){true, *path, *node, *digest};
    return WEFT_OK;
}

/* No cell goes here. */
static enum weft_err erase_node(void *ctx, const struct weft_shared_path *path)
{
    (void)ctx;
    (void)path;
    return WEFT_OK;
}

static void change(uint32_t rounds)
{
    const struct weft_shared_store store = {NULL, read_node, write_node, erase_node};
    struct weft_digest root;
    slots = calloc(NODES_MAX, sizeof(*slots));
    must(slots != NULL ? WEFT_OK : WEFT_ENOMEM);
    uint64_t since_ns = now_ns();
    for (uint32_t i = 0; i < CELLS; i++) {
        struct weft_digest cell = digest_of(i), state = digest_of(CELLS + i);
        must(weft_shared_put(&store, &cell, &state, &root));
    }
    print("trie: a cell more, up to 100,000", since_ns, CELLS);
    since_ns = now_ns();
    for (uint32_t i = 0; i < rounds; i++) {
        struct weft_digest cell = digest_of(i % CELLS), state = digest_of(i);
        must(weft_shared_put(&store, &cell, &state, &root));
    }
    print("trie of 100,000 cells: a change", since_ns, rounds);
    free(slots);
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : ROUNDS_DEFAULT;
    rounds = rounds < 1000 ? 1000 : rounds;
    judge("JOIN of 2 verdicts, and its state", WEFT_CELL_JOIN, 2, 0, rounds);
    judge("OWNER of 2, and its state", WEFT_CELL_OWNER, 2, 0, rounds);
    judge("MATCH of 2, and its state", WEFT_CELL_MATCH, 2, 0, rounds);
    judge("UNION of 16, and its state", WEFT_CELL_UNION, 16, 0, rounds);
    judge("UNION of 4,096, and its state", WEFT_CELL_UNION, 4096, 0, rounds / 1000);
    judge("DUAL of 4,096, half of them resolutions of 7", WEFT_CELL_DUAL, 4096, 7, rounds / 1000);
    fold(rounds / 1000);
    change(rounds);
    weft_arena_destroy(&arena);
    return 0;
}
