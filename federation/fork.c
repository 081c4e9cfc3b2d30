#include "federation/fork.h"

#include <inttypes.h>

#include "proto/check.h"
#include "proto/octets.h"

/* First byte of each message. The numbers are on the wire. */
enum {
    ASK_PEAKS = 1,    /* size */
    ASK_NODES = 2,    /* height, index; then nothing, or a mark of each own hash a step below */
    ANSWER_PEAKS = 3, /* size, then its peaks, the leftmost first */
    /* height, index, then which is the first whose mark differs, its hash, and of the ways up from
     * it the hashes that come from the right, the lowest first; or WHOLE, and all hashes a step
     * below, the leftmost first. */
    ANSWER_NODES = 4,
    WHOLE = 255,
};

_Static_assert(WEFT_FORK_MESSAGE_SIZE_MAX >
                   (WEFT_MERKLE_HEIGHT_MAX + 1) * WEFT_DIGEST_SIZE + 3 * WEFT_VARINT_SIZE_MAX,
    "an answer fits");

struct message {
    unsigned kind;
    uint64_t size;
    uint64_t height;
    uint64_t index;
    unsigned child; /* ANSWER_NODES. */
    const uint8_t *marks;
    size_t marks_size;
    const uint8_t *hashes;
    size_t hash_count;
};

/* --- bytes ----------------------------------------------------------------------------------- */

static enum weft_err put(const struct message *m, struct weft_buffer *out)
{
    uint8_t bytes[2 + 2 * WEFT_VARINT_SIZE_MAX];
    uint8_t *p = bytes;
    *p++ = (uint8_t)m->kind;
    if (m->kind == ASK_PEAKS || m->kind == ANSWER_PEAKS) {
        p = weft_put_varint(p, m->size);
    } else {
        p = weft_put_varint(p, m->height);
        p = weft_put_varint(p, m->index);
    }
    if (m->kind == ANSWER_NODES) {
        *p++ = (uint8_t)m->child;
    }
    const size_t before = out->size;
    enum weft_err err = weft_buffer_append(out, bytes, (size_t)(p - bytes));
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, m->marks, m->marks_size);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, m->hashes, m->hash_count * WEFT_DIGEST_SIZE);
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}

static unsigned step_of(unsigned height)
{
    return height < WEFT_FORK_STEP ? height : WEFT_FORK_STEP;
}

static bool is_about_nodes(const struct message *m)
{
    return m->kind == ASK_NODES || m->kind == ANSWER_NODES;
}

/* What stands behind the numbers. */
static bool take_rest(struct message *m, struct weft_octets *r)
{
    if (m->kind == ANSWER_NODES) {
        const uint8_t *child = weft_octets_bytes(r, 1);
        m->child = child != NULL ? *child : 0;
    }
    const size_t left = r->is_bad ? 1 : (size_t)(r->end - r->p);
    const bool is_ask = m->kind == ASK_PEAKS || m->kind == ASK_NODES;
    if (m->height > WEFT_MERKLE_HEIGHT_MAX || (!is_ask && left % WEFT_DIGEST_SIZE != 0)) {
        return false;
    }
    if (is_ask) {
        m->marks = r->p;
        m->marks_size = left;
        const size_t all = WEFT_FORK_MARK_SIZE * ((size_t)1 << step_of((unsigned)m->height));
        return left == 0 || (m->kind == ASK_NODES && left == all);
    }
    m->hashes = r->p;
    m->hash_count = left / WEFT_DIGEST_SIZE;
    return true;
}

static enum weft_err take(struct weft_bytes bytes, struct message *ret_m, struct weft_msg *msg)
{
    struct weft_octets r = weft_octets_of(bytes);
    struct message m = {.kind = 0};
    const uint8_t *kind = weft_octets_bytes(&r, 1);
    if (bytes.size > WEFT_FORK_MESSAGE_SIZE_MAX || kind == NULL || *kind < ASK_PEAKS ||
        *kind > ANSWER_NODES) {
        return weft_fail(msg, WEFT_EMALFORMED, "no message about a fork");
    }
    m.kind = *kind;
    if (is_about_nodes(&m)) {
        m.height = weft_octets_varint(&r);
        m.index = weft_octets_varint(&r);
    } else {
        m.size = weft_octets_varint(&r);
    }
    if (!take_rest(&m, &r)) {
        return weft_fail(msg, WEFT_EMALFORMED, "a message about a fork that is cut short");
    }
    *ret_m = m;
    return WEFT_OK;
}

static struct weft_digest hash_at(const struct message *m, size_t number)
{
    struct weft_digest hash;
    weft_assert(number < m->hash_count); /* FED-21 */
    memcpy(hash.bytes, m->hashes + number * WEFT_DIGEST_SIZE, WEFT_DIGEST_SIZE);
    return hash;
}

/* --- the tree -------------------------------------------------------------------------------- */

/* The number-th peak of a tree of `size` leaves: the leftmost first. */
static void peak_at(uint64_t size, size_t number, unsigned *ret_height, uint64_t *ret_index)
{
    uint64_t left = 0, rest = size;
    for (;; number--) {
        unsigned height = 63 - (unsigned)__builtin_clzll(rest);
        if (number == 0) {
            *ret_height = height;
            *ret_index = left >> height;
            return;
        }
        left += UINT64_C(1) << height;
        rest -= UINT64_C(1) << height;
        weft_assert(rest > 0); /* FED-21 */
    }
}

/* The hashes a step below a node. */
static enum weft_err read_below(weft_fork_node *node, void *ctx, unsigned height, uint64_t index,
    struct weft_digest ret_hashes[WEFT_FORK_WIDTH], struct weft_msg *msg)
{
    const unsigned step = step_of(height);
    enum weft_err err = WEFT_OK;
    for (size_t i = 0; i < (size_t)1 << step && err == WEFT_OK; i++) {
        err = node(ctx, height - step, (index << step) + i, &ret_hashes[i], msg);
    }
    return err;
}

/* On the way up from a child: does a hash come from the right at that level? */
static bool is_left(unsigned child, unsigned level)
{
    return (child >> level & 1u) == 0;
}

/* --- asking ---------------------------------------------------------------------------------- */

enum weft_err weft_fork_begin(struct weft_fork *fork, uint64_t size,
    const struct weft_merkle_head *head, struct weft_buffer *out, struct weft_msg *msg)
{
    const struct message m = {.kind = ASK_PEAKS, .size = size};
    if (size == 0 || size > WEFT_MERKLE_SIZE_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "no leaves to compare");
    }
    *fork = (struct weft_fork){.state = WEFT_FORK_PEAKS, .size = size, .head = *head, .rounds = 1};
    enum weft_err err = put(&m, out);
    return err == WEFT_OK ? err : weft_fail(msg, err, "no room for a question");
}

/* What is below the node that differs; `own`: the own hashes there, NULL: all of theirs. */
static enum weft_err ask(struct weft_fork *fork, const struct weft_digest *own,
    struct weft_buffer *out, struct weft_msg *msg)
{
    uint8_t marks[WEFT_FORK_WIDTH][WEFT_FORK_MARK_SIZE];
    struct message m = {.kind = ASK_NODES, .height = fork->height, .index = fork->index};
    const size_t width = (size_t)1 << step_of(fork->height);
    fork->is_whole = own == NULL;
    if (own != NULL) {
        for (size_t i = 0; i < width; i++) {
            memcpy(marks[i], own[i].bytes, WEFT_FORK_MARK_SIZE);
        }
        m.marks = marks[0];
        m.marks_size = width * WEFT_FORK_MARK_SIZE;
    }
    weft_assert(fork->rounds < WEFT_FORK_ROUNDS_MAX); /* FED-21 */
    fork->rounds++;
    enum weft_err err = put(&m, out);
    return err == WEFT_OK ? err : weft_fail(msg, err, "no room for a question");
}

/* Go down into the node that differs. */
static enum weft_err descend(struct weft_fork *fork, unsigned height, uint64_t index,
    const struct weft_digest *theirs, weft_fork_node *node, void *ctx, struct weft_buffer *out,
    struct weft_msg *msg)
{
    struct weft_digest own[WEFT_FORK_WIDTH];
    fork->height = height;
    fork->index = index;
    fork->theirs = *theirs;
    if (height == 0) {
        fork->state = WEFT_FORK_FOUND;
        fork->leaf = index;
        return WEFT_OK;
    }
    fork->state = WEFT_FORK_NODES;
    enum weft_err err = read_below(node, ctx, height, index, own, msg);
    return err == WEFT_OK ? ask(fork, own, out, msg) : err;
}

/* FED-22: the root that the peaks lead to is the head's, if it is of as many leaves. */
static enum weft_err check_peaks(
    const struct weft_fork *fork, const struct message *m, struct weft_msg *msg)
{
    struct weft_merkle_range range = {.size = 0};
    if (fork->head.size != fork->size) {
        return WEFT_OK;
    }
    for (size_t i = 0; i < m->hash_count; i++) {
        unsigned height;
        uint64_t index;
        struct weft_digest hash = hash_at(m, i);
        peak_at(fork->size, i, &height, &index);
        enum weft_err err = weft_merkle_append_subtree(&range, height, &hash);
        weft_assert(err == WEFT_OK); /* FED-21: the heights are those of the size */
    }
    struct weft_digest root = weft_merkle_root(&range);
    return weft_digest_equal(&root, &fork->head.root)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EBADSIG, "peaks of another tree than its head's");
}

static enum weft_err step_peaks(struct weft_fork *fork, const struct message *m,
    weft_fork_node *node, void *ctx, struct weft_buffer *out, struct weft_msg *msg)
{
    if (m->kind != ANSWER_PEAKS || m->size != fork->size ||
        m->hash_count != (size_t)__builtin_popcountll(fork->size)) {
        return weft_fail(msg, WEFT_EMALFORMED, "not the peaks of %" PRIu64 " leaves", fork->size);
    }
    enum weft_err err = check_peaks(fork, m, msg);
    for (size_t i = 0; i < m->hash_count && err == WEFT_OK; i++) {
        unsigned height;
        uint64_t index;
        struct weft_digest own, theirs = hash_at(m, i);
        peak_at(fork->size, i, &height, &index);
        err = node(ctx, height, index, &own, msg);
        if (err == WEFT_OK && !weft_digest_equal(&own, &theirs)) {
            return descend(fork, height, index, &theirs, node, ctx, out, msg);
        }
    }
    if (err == WEFT_OK) {
        fork->state = WEFT_FORK_SAME;
    }
    return err;
}

/* All of theirs. */
static enum weft_err step_whole(struct weft_fork *fork, const struct message *m,
    const struct weft_digest *own, weft_fork_node *node, void *ctx, struct weft_buffer *out,
    struct weft_msg *msg)
{
    const unsigned step = step_of(fork->height);
    struct weft_digest hashes[WEFT_FORK_WIDTH];
    for (size_t i = 0; i < m->hash_count; i++) {
        hashes[i] = hash_at(m, i);
    }
    struct weft_digest above = weft_merkle_fold(hashes, m->hash_count);
    if (!weft_digest_equal(&above, &fork->theirs)) {
        return weft_fail(msg, WEFT_EBADSIG, "hashes that do not lead to the node above them");
    }
    for (size_t i = 0; i < m->hash_count; i++) {
        const struct weft_digest theirs = hash_at(m, i);
        if (!weft_digest_equal(&own[i], &theirs)) {
            return descend(
                fork, fork->height - step, (fork->index << step) + i, &theirs, node, ctx, out, msg);
        }
    }
    /* The node differed and nothing below it does: the own tree contradicts itself. */
    return weft_fail(msg, WEFT_ECORRUPT, "a node of the own tree is not that of its leaves");
}

/* FED-22: the first that differs: what is left of it is as it is here if that leads to the node
 * above. It may not, since a mark is not a hash: then all of theirs are asked for. */
static enum weft_err step_child(struct weft_fork *fork, const struct message *m,
    struct weft_digest *own, weft_fork_node *node, void *ctx, struct weft_buffer *out,
    struct weft_msg *msg)
{
    const unsigned step = step_of(fork->height);
    const struct weft_digest child = hash_at(m, 0);
    struct weft_digest above = child;
    size_t taken = 1;
    for (unsigned level = 0; level < step; level++) {
        const unsigned number = m->child >> level;
        const struct weft_digest other =
            is_left(m->child, level)
                ? hash_at(m, taken++)
                : weft_merkle_fold(&own[(size_t)(number - 1) << level], (size_t)1 << level);
        above = is_left(m->child, level) ? weft_merkle_node(&above, &other)
                                         : weft_merkle_node(&other, &above);
    }
    if (!weft_digest_equal(&above, &fork->theirs) || weft_digest_equal(&child, &own[m->child])) {
        return ask(fork, NULL, out, msg);
    }
    return descend(
        fork, fork->height - step, (fork->index << step) + m->child, &child, node, ctx, out, msg);
}

static size_t hashes_of(const struct message *m, unsigned step)
{
    size_t count = 1;
    for (unsigned level = 0; level < step; level++) {
        count += is_left(m->child, level);
    }
    return m->child == WHOLE ? (size_t)1 << step : count;
}

static enum weft_err step_nodes(struct weft_fork *fork, const struct message *m,
    weft_fork_node *node, void *ctx, struct weft_buffer *out, struct weft_msg *msg)
{
    const unsigned step = step_of(fork->height);
    const bool is_whole = m->child == WHOLE;
    struct weft_digest own[WEFT_FORK_WIDTH];
    if (m->kind != ANSWER_NODES || m->height != fork->height || m->index != fork->index ||
        (!is_whole && (fork->is_whole || m->child >> step != 0)) ||
        m->hash_count != hashes_of(m, step)) {
        return weft_fail(msg, WEFT_EMALFORMED, "not the hashes that were asked for");
    }
    enum weft_err err = read_below(node, ctx, fork->height, fork->index, own, msg);
    if (err != WEFT_OK) {
        return err;
    }
    return is_whole ? step_whole(fork, m, own, node, ctx, out, msg)
                    : step_child(fork, m, own, node, ctx, out, msg);
}

enum weft_err weft_fork_step(struct weft_fork *fork, struct weft_bytes answer, weft_fork_node *node,
    void *ctx, struct weft_buffer *out, struct weft_msg *msg)
{
    struct message m = {.kind = 0};
    weft_assert((unsigned)fork->state < WEFT_FORK_STATES); /* FED-21 */
    if (fork->state != WEFT_FORK_PEAKS && fork->state != WEFT_FORK_NODES) {
        return weft_fail(msg, WEFT_ESTATE, "nothing was asked");
    }
    enum weft_err err = take(answer, &m, msg);
    if (err != WEFT_OK) {
        return err;
    }
    return fork->state == WEFT_FORK_PEAKS ? step_peaks(fork, &m, node, ctx, out, msg)
                                          : step_nodes(fork, &m, node, ctx, out, msg);
}

/* --- answering ------------------------------------------------------------------------------- */

static enum weft_err answer_peaks(const struct message *question, uint64_t size,
    weft_fork_node *node, void *ctx, struct weft_digest *hashes, struct message *ret_answer,
    struct weft_msg *msg)
{
    if (question->size == 0 || question->size > size) {
        return weft_fail(msg, WEFT_EINVAL, "peaks of %" PRIu64 " leaves, and there are %" PRIu64,
            question->size, size);
    }
    size_t count = (size_t)__builtin_popcountll(question->size);
    for (size_t i = 0; i < count; i++) {
        unsigned height;
        uint64_t index;
        peak_at(question->size, i, &height, &index);
        enum weft_err err = node(ctx, height, index, &hashes[i], msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    *ret_answer =
        (struct message){.kind = ANSWER_PEAKS, .size = question->size, .hash_count = count};
    return WEFT_OK;
}

/* The first whose mark is another, and what leads up from it, over the hashes; or all of them. */
static void choose(const struct message *question, struct weft_digest *hashes, unsigned step,
    struct message *answer)
{
    struct weft_digest below[WEFT_FORK_WIDTH];
    const size_t width = (size_t)1 << step;
    unsigned child = 0;
    while (child < width && question->marks_size > 0 &&
           memcmp(question->marks + (size_t)child * WEFT_FORK_MARK_SIZE, hashes[child].bytes,
               WEFT_FORK_MARK_SIZE) == 0) {
        child++;
    }
    answer->child = WHOLE;
    answer->hash_count = width;
    if (child == width || question->marks_size == 0) {
        return;
    }
    memcpy(below, hashes, width * sizeof(below[0]));
    answer->child = child;
    answer->hash_count = 0;
    hashes[answer->hash_count++] = below[child];
    for (unsigned level = 0; level < step; level++) {
        if (is_left(child, level)) {
            const size_t right = (size_t)((child >> level) + 1) << level;
            hashes[answer->hash_count++] = weft_merkle_fold(&below[right], (size_t)1 << level);
        }
    }
}

static enum weft_err answer_nodes(const struct message *question, uint64_t size,
    weft_fork_node *node, void *ctx, struct weft_digest *hashes, struct message *ret_answer,
    struct weft_msg *msg)
{
    const unsigned height = (unsigned)question->height;
    if (height == 0 || question->index >= size >> height) {
        return weft_fail(msg, WEFT_EINVAL, "no full subtree of that height and number");
    }
    enum weft_err err = read_below(node, ctx, height, question->index, hashes, msg);
    if (err == WEFT_OK) {
        *ret_answer =
            (struct message){.kind = ANSWER_NODES, .height = height, .index = question->index};
        choose(question, hashes, step_of(height), ret_answer);
    }
    return err;
}

enum weft_err weft_fork_answer(struct weft_bytes question, uint64_t size, weft_fork_node *node,
    void *ctx, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_digest hashes[WEFT_MERKLE_HEIGHT_MAX + 1];
    struct message asked = {.kind = 0}, answer = {.kind = 0};
    enum weft_err err = take(question, &asked, msg);
    if (err == WEFT_OK && asked.kind != ASK_PEAKS && asked.kind != ASK_NODES) {
        err = weft_fail(msg, WEFT_EMALFORMED, "not a question about a fork");
    }
    if (err == WEFT_OK) {
        err = asked.kind == ASK_PEAKS ? answer_peaks(&asked, size, node, ctx, hashes, &answer, msg)
                                      : answer_nodes(&asked, size, node, ctx, hashes, &answer, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    answer.hashes = hashes[0].bytes;
    err = put(&answer, out);
    return err == WEFT_OK ? err : weft_fail(msg, err, "no room for an answer");
}
