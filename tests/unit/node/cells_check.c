/* Counts and the shared digest of a side, against all of its rows. */
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/node/cells_rig.h"

static uint64_t count_rows(struct weft_cells_work *w, enum weft_cells_table table)
{
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_desk_key(&w->desk, table);
    uint64_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_open(&w->cells->rows, &prefix, NULL, &cursor, w->msg));
    while (weft_cells_cursor_next(&cursor)) {
        count++;
    }
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_close(&cursor, WEFT_OK));
    return count;
}

static uint64_t count_dangling(struct weft_cells_work *w)
{
    struct weft_cells_cursor cursor;
    struct weft_cells_edge edge;
    struct weft_key prefix = weft_cells_desk_key(&w->desk, WEFT_CELLS_EDGES);
    uint64_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_open(&w->cells->rows, &prefix, NULL, &cursor, w->msg));
    while (weft_cells_cursor_next(&cursor)) {
        EXPECT_EQ(WEFT_OK, weft_cells_edge_decode(cursor.value, &w->cells->arena, &edge, w->msg));
        count += edge.is_dangling;
    }
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_close(&cursor, WEFT_OK));
    return count;
}

static uint64_t count_leaves(struct weft_cells_work *w)
{
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_desk_key(&w->desk, WEFT_CELLS_SHARED);
    uint64_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_open(&w->cells->rows, &prefix, NULL, &cursor, w->msg));
    while (weft_cells_cursor_next(&cursor)) {
        struct weft_shared_node node;
        struct weft_shared_path path = {.depth = weft_cells_cursor_rest(&cursor).data[0]};
        memcpy(path.prefix.bytes, weft_cells_cursor_rest(&cursor).data + 1, WEFT_DIGEST_SIZE);
        EXPECT_EQ(WEFT_OK, weft_shared_decode(cursor.value, &path, &node, w->msg));
        for (unsigned i = 0; i < WEFT_SHARED_WIDTH; i++) {
            count += node.slots[i].type == WEFT_SHARED_LEAF;
        }
    }
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_close(&cursor, WEFT_OK));
    return count;
}

static enum weft_err read_node(void *ctx, const struct weft_shared_path *path,
    struct weft_shared_node *ret_node, struct weft_digest *ret_digest)
{
    const struct weft_cells_work *w = ctx;
    enum weft_err err = weft_cells_shared_node(&w->desk, path, ret_node);
    if (err == WEFT_OK) {
        *ret_digest = weft_shared_digest(ret_node);
    }
    return err;
}

/* The subject stands in the trie with those cells. */
static void expect_leaf(struct cells_side *s, const struct weft_digest *subject,
    const struct weft_cells_standing *cells, uint32_t count)
{
    static struct weft_digest states[64];
    struct weft_cells_work w = {
        .desk = {.rows = &s->cells->rows, .agreement = s->cells->agreements, .msg = &s->msg}};
    const struct weft_shared_store store = {.ctx = &w, .read = read_node};
    struct weft_digest state;
    EXPECT_TRUE(count <= 64);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        while (at > 0 && memcmp(&states[at - 1], &cells[i].state, WEFT_DIGEST_SIZE) > 0) {
            states[at] = states[at - 1];
            at--;
        }
        states[at] = cells[i].state;
    }
    const struct weft_digest leaf = weft_shared_leaf(subject, states, count);
    EXPECT_EQ(WEFT_OK, weft_shared_get(&store, subject, &state));
    EXPECT_MEM(&leaf, &state, sizeof(state));
}

/* The cell stands with the lowest of its set as it is judged now. */
static void expect_state(struct cells_side *s, const struct weft_digest *lowest, const uint8_t *kg,
    const struct weft_cells_judged *judged)
{
    struct weft_cells_work w = cells_work(s);
    struct weft_cells_subject row;
    uint32_t found = 0;
    EXPECT_EQ(WEFT_OK, weft_cells_subject(&w.desk, lowest, &row));
    for (uint32_t i = 0; i < row.cell_count; i++) {
        if (memcmp(row.cells[i].kg, kg, WEFT_CELLS_KG_SIZE) == 0) {
            EXPECT_MEM(&judged->state, &row.cells[i].state, sizeof(judged->state));
            found++;
        }
    }
    EXPECT_EQ(1, found);
}

/* Subjects that have cells, and how many cells all of them have. */
static uint64_t count_subjects(struct cells_side *s, uint64_t *ret_cells)
{
    struct weft_cells_cursor cursor;
    struct weft_cells_work w = cells_work(s);
    struct weft_key prefix = weft_cells_desk_key(&w.desk, WEFT_CELLS_SUBJECTS);
    uint64_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_open(&s->cells->rows, &prefix, NULL, &cursor, &s->msg));
    while (weft_cells_cursor_next(&cursor)) {
        struct weft_cells_subject row;
        struct weft_digest subject;
        memcpy(subject.bytes, weft_cells_cursor_rest(&cursor).data, WEFT_DIGEST_SIZE);
        EXPECT_EQ(WEFT_OK, weft_cells_subject_decode(cursor.value, &s->cells->arena, &row, w.msg));
        if (row.cell_count > 0) {
            expect_leaf(s, &subject, row.cells, row.cell_count);
            count++;
        }
        *ret_cells += row.cell_count;
    }
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_close(&cursor, WEFT_OK));
    return count;
}

static bool has_rows(struct cells_side *s, const struct weft_key *prefix)
{
    struct weft_cells_cursor cursor;
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_open(&s->cells->rows, prefix, NULL, &cursor, &s->msg));
    bool has = weft_cells_cursor_next(&cursor);
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_close(&cursor, WEFT_OK));
    return has;
}

/* Every cell and edge that rows give, once: under the lowest of its set. */
static uint64_t judge_cells(struct cells_side *s, uint64_t *ret_disputes)
{
    struct weft_cells_cursor cursor;
    struct weft_cells_work w = cells_work(s);
    struct weft_key prefix = weft_cells_desk_key(&w.desk, WEFT_CELLS_WORDS);
    uint8_t last[WEFT_DIGEST_SIZE + WEFT_CELLS_KG_SIZE] = {0};
    uint64_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_open(&s->cells->rows, &prefix, NULL, &cursor, &s->msg));
    while (weft_cells_cursor_next(&cursor)) {
        struct weft_bytes rest = weft_cells_cursor_rest(&cursor);
        struct weft_digest subject;
        struct weft_alias_set set;
        struct weft_cells_judged judged;
        if (memcmp(last, rest.data, sizeof(last)) == 0) {
            continue; /* Another word of the cell. */
        }
        memcpy(last, rest.data, sizeof(last));
        memcpy(subject.bytes, rest.data, WEFT_DIGEST_SIZE);
        w = cells_work(s);
        EXPECT_EQ(
            WEFT_OK, weft_cells_judge(&w.desk, &subject, last + WEFT_DIGEST_SIZE, &set, &judged));
        if (judged.set.count == 0) {
            continue;
        }
        expect_state(s, &set.subjects[0], last + WEFT_DIGEST_SIZE, &judged);
        /* Of a set the first one that has such rows counts it. */
        bool is_first = true;
        for (uint32_t i = 0; i < set.count; i++) {
            struct weft_key key =
                weft_cells_key_of(&w.desk, WEFT_CELLS_WORDS, &set.subjects[i], NULL);
            weft_cells_key_add(&key, last + WEFT_DIGEST_SIZE, WEFT_CELLS_KG_SIZE);
            if (has_rows(s, &key)) {
                is_first = weft_digest_equal(&set.subjects[i], &subject);
                break;
            }
        }
        count += is_first;
        *ret_disputes += is_first && judged.answer.is_disputed;
    }
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_close(&cursor, WEFT_OK));
    return count;
}

static uint64_t judge_edges(struct cells_side *s, uint64_t *ret_disputes)
{
    struct weft_cells_cursor cursor;
    struct weft_cells_work w = cells_work(s);
    struct weft_key prefix = weft_cells_desk_key(&w.desk, WEFT_CELLS_FILED_EDGES);
    struct weft_digest last[2] = {{{0}}, {{0}}};
    uint64_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_open(&s->cells->rows, &prefix, NULL, &cursor, &s->msg));
    while (weft_cells_cursor_next(&cursor)) {
        struct weft_digest ends[2];
        struct weft_cells_judged judged;
        memcpy(ends, weft_cells_cursor_rest(&cursor).data, sizeof(ends));
        if (memcmp(ends, last, sizeof(ends)) == 0) {
            continue;
        }
        memcpy(last, ends, sizeof(last));
        w = cells_work(s);
        EXPECT_EQ(WEFT_OK, weft_cells_judge_edge(&w.desk, &ends[0], &ends[1], &judged));
        if (judged.set.count > 0) {
            const struct weft_digest subject = weft_intake_edge_subject(&ends[0], &ends[1]);
            const struct weft_cells_standing cell = {.state = judged.state};
            expect_leaf(s, &subject, &cell, 1);
            count++;
            *ret_disputes += judged.answer.is_disputed;
        }
    }
    EXPECT_EQ(WEFT_OK, weft_cells_cursor_close(&cursor, WEFT_OK));
    return count;
}

void cells_check(struct cells_side *s)
{
    struct weft_cells_work w = cells_work(s);
    const struct weft_cells_counts *counts = &s->cells->agreements->counts;
    uint64_t disputes = 0;
    EXPECT_EQ(count_rows(&w, WEFT_CELLS_STATEMENTS), counts->statements);
    EXPECT_EQ(count_rows(&w, WEFT_CELLS_DISPUTES), counts->disputes);
    EXPECT_EQ(count_rows(&w, WEFT_CELLS_PROPOSED), counts->proposed);
    EXPECT_EQ(count_rows(&w, WEFT_CELLS_JOINED), 2 * counts->joined);
    EXPECT_EQ(count_rows(&w, WEFT_CELLS_UNNAMED), counts->unnamed);
    EXPECT_EQ(count_rows(&w, WEFT_CELLS_LEFT_OVER), counts->left_over);
    EXPECT_EQ(count_rows(&w, WEFT_CELLS_TASKS), counts->tasks);
    EXPECT_EQ(count_dangling(&w), counts->dangling);
    if (counts->tasks == 0) {
        uint64_t standing = 0;
        const uint64_t subjects = count_subjects(s, &standing);
        EXPECT_EQ(judge_cells(s, &disputes), standing);
        const uint64_t leaves = subjects + judge_edges(s, &disputes);
        w = cells_work(s);
        EXPECT_EQ(leaves, count_leaves(&w));
        EXPECT_EQ(disputes, counts->disputes);
    }
}
