/* What it takes to find one difference, in the messages that partners send each other.
 *
 * usage: bench_repair [LEAVES]
 *
 * "fork": two trees of so many leaves of which one differs, at the dearest of three places; "set":
 * two sets of which one has one member that the other lacks. Each line: what, bytes of all messages
 * (envelopes and names of the stream included), "bytes", messages of both sides, ms of processor
 * time of both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "federation/fork.h"
#include "federation/reconcile.h"
#include "proto/arith.h"
#include "proto/partner.h"

enum {
    LEVELS = 24,
    LEAVES_MAX = 1 << 23,
};

struct cost {
    size_t bytes;
    unsigned messages;
    double ms;
};

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(bool is_done, const char *what)
{
    if (!is_done) {
        (void)fprintf(stderr, "bench_repair: %s\n", what);
        exit(1);
    }
}

static void say(struct cost *cost, enum weft_partner_kind kind, const struct weft_buffer *body)
{
    struct weft_buffer out = {0};
    const struct weft_partner_message m = {.kind = kind,
        .stream = {WEFT_TEXT("box-2026"), WEFT_TEXT("supplier.example/west")},
        .body = {body->data, body->size}};
    must(weft_partner_encode(&m, &out) == WEFT_OK, "encode");
    cost->bytes += out.size;
    cost->messages++;
    weft_buffer_destroy(&out);
}

static void print(const char *what, const struct cost *cost)
{
    (void)printf("%s %zu bytes %u messages %.2f ms\n", what, cost->bytes, cost->messages, cost->ms);
}

static struct weft_digest member_of(uint64_t number)
{
    uint8_t bytes[8];
    weft_put_be64(bytes, number);
    return weft_merkle_leaf(bytes, sizeof(bytes));
}

/* --- trees ------------------------------------------------------------------------------------ */

struct tree {
    uint64_t size;
    struct weft_digest *levels[LEVELS];
};

static struct tree make(uint64_t size)
{
    struct tree tree = {.size = size};
    for (unsigned height = 0; height < LEVELS && size >> height > 0; height++) {
        uint64_t count = size >> height;
        tree.levels[height] = malloc(count * sizeof(struct weft_digest));
        must(tree.levels[height] != NULL, "memory");
        for (uint64_t i = 0; i < count; i++) {
            struct weft_digest *below = height > 0 ? &tree.levels[height - 1][2 * i] : NULL;
            tree.levels[height][i] =
                below == NULL ? member_of(i) : weft_merkle_node(below, below + 1);
        }
    }
    return tree;
}

/* One leaf is another, and what is above it. */
static void change(struct tree *tree, uint64_t leaf)
{
    tree->levels[0][leaf] = member_of(UINT64_MAX - leaf);
    for (unsigned h = 1; h < LEVELS && leaf >> h < tree->size >> h; h++) {
        struct weft_digest *below = &tree->levels[h - 1][leaf >> h << 1];
        tree->levels[h][leaf >> h] = weft_merkle_node(below, below + 1);
    }
}

static void destroy(struct tree *tree)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        free(tree->levels[i]);
    }
}

static enum weft_err node(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg)
{
    const struct tree *tree = ctx;
    if (height >= LEVELS || index >= tree->size >> height) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no such node");
    }
    *ret_hash = tree->levels[height][index];
    return WEFT_OK;
}

static struct weft_merkle_head head_of(const struct tree *tree)
{
    struct weft_merkle_range range = {.size = 0};
    for (uint64_t i = 0; i < tree->size; i++) {
        must(weft_merkle_append(&range, &tree->levels[0][i]) == WEFT_OK, "head");
    }
    return (struct weft_merkle_head){tree->size, weft_merkle_root(&range)};
}

static struct cost fork_at(struct tree *ours, struct tree *theirs, uint64_t leaf)
{
    struct cost cost = {.bytes = 0};
    struct weft_buffer ask = {0}, answer = {0};
    struct weft_msg msg = {""};
    struct weft_fork fork;
    change(theirs, leaf);
    const struct weft_merkle_head head = head_of(theirs);
    double before = now_ms();
    must(weft_fork_begin(&fork, ours->size, &head, &ask, &msg) == WEFT_OK, msg.text);
    while (ask.size > 0) {
        say(&cost, WEFT_KIND_STREAM_FORK, &ask);
        weft_buffer_clear(&answer);
        must(weft_fork_answer((struct weft_bytes){ask.data, ask.size}, theirs->size, node, theirs,
                 &answer, &msg) == WEFT_OK,
            msg.text);
        say(&cost, WEFT_KIND_STREAM_FORK, &answer);
        weft_buffer_clear(&ask);
        must(weft_fork_step(&fork, (struct weft_bytes){answer.data, answer.size}, node, ours, &ask,
                 &msg) == WEFT_OK,
            msg.text);
    }
    cost.ms = now_ms() - before;
    must(fork.state == WEFT_FORK_FOUND && fork.leaf == leaf, "the leaf is found");
    theirs->levels[0][leaf] = ours->levels[0][leaf];
    for (unsigned h = 1; h < LEVELS && leaf >> h < theirs->size >> h; h++) {
        theirs->levels[h][leaf >> h] = ours->levels[h][leaf >> h];
    }
    weft_buffer_destroy(&ask);
    weft_buffer_destroy(&answer);
    return cost;
}

static void measure_fork(uint64_t leaves)
{
    const uint64_t places[] = {0, leaves / 2 + 77, leaves - 1};
    struct tree ours = make(leaves), theirs = make(leaves);
    struct cost most = {.bytes = 0};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct cost cost = fork_at(&ours, &theirs, places[i]);
        most = cost.bytes > most.bytes ? cost : most;
    }
    print("fork", &most);
    destroy(&ours);
    destroy(&theirs);
}

/* --- sets ------------------------------------------------------------------------------------- */

static enum weft_err count_missing(
    void *ctx, const struct weft_digest *member, struct weft_msg *msg)
{
    (void)member;
    (void)msg;
    ++*(unsigned *)ctx;
    return WEFT_OK;
}

static void measure_set(uint64_t members)
{
    struct weft_trie tries[2] = {{.member_count = 0}, {.member_count = 0}};
    struct weft_reconcile sides[2];
    struct weft_buffer said[2] = {{0}, {0}};
    struct cost cost = {.bytes = 0};
    struct weft_msg msg = {""};
    unsigned missing[2] = {0, 0}, turn = 0;
    bool is_new;
    for (uint64_t i = 0; i < members; i++) {
        const struct weft_digest member = member_of(i);
        must(weft_trie_add(&tries[0], &member, &is_new) == WEFT_OK, "memory");
        must(i == members / 3 || weft_trie_add(&tries[1], &member, &is_new) == WEFT_OK, "memory");
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)weft_trie_root(&tries[i]);
        const struct weft_trie_view view = weft_trie_view_of(&tries[i]);
        weft_reconcile_init(&sides[i], &view, count_missing, &missing[i]);
    }
    double before = now_ms();
    must(weft_reconcile_begin(&sides[0], &said[0], &msg) == WEFT_OK, msg.text);
    while (said[turn].size > 0) {
        say(&cost, WEFT_KIND_STREAM_SET, &said[turn]);
        const struct weft_bytes heard = {said[turn].data, said[turn].size};
        turn = 1 - turn;
        weft_buffer_clear(&said[turn]);
        must(weft_reconcile_step(&sides[turn], heard, &said[turn], &msg) == WEFT_OK, msg.text);
    }
    cost.ms = now_ms() - before;
    must(missing[0] == 0 && missing[1] == 1, "the member is found");
    print("set", &cost);
    for (unsigned i = 0; i < 2; i++) {
        weft_reconcile_destroy(&sides[i]);
        weft_trie_destroy(&tries[i]);
        weft_buffer_destroy(&said[i]);
    }
}

int main(int argc, char **argv)
{
    uint64_t leaves = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    must(leaves >= 1000 && leaves <= LEAVES_MAX, "1,000 to 8,388,608 leaves");
    measure_fork(leaves);
    measure_set(leaves);
    return 0;
}
