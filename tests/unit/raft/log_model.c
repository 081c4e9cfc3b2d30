#include "tests/unit/raft/log_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

static struct model_entry *at(struct model_entry *entries, uint64_t index)
{
    return &entries[index % MODEL_ENTRIES_MAX];
}

static void fill(const struct model_entry *e, uint8_t *ret_data)
{
    uint64_t x = e->seed * 0x9e3779b97f4a7c15u + 1;
    for (uint32_t i = 0; i < e->size; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        ret_data[i] = (uint8_t)x;
    }
}

static bool same(const struct model_entry *a, const struct model_entry *b)
{
    return a->term == b->term && a->type == b->type && a->size == b->size && a->seed == b->seed;
}

void model_init(struct model *m, uint32_t size_max)
{
    memset(m, 0, sizeof(*m));
    m->size_max = size_max;
    m->term = 0;
}

static void note(struct model *m, const struct model_write *write)
{
    EXPECT_TRUE(m->write_count < MODEL_HISTORY_MAX);
    m->writes[m->write_count++] = *write;
}

static uint64_t last_term(const struct model *m)
{
    return m->last_index == m->base_index ? m->base_term
                                          : m->entries[m->last_index % MODEL_ENTRIES_MAX].term;
}

static enum weft_err step_append(struct model *m, struct weft_log *log)
{
    struct weft_peer_entry entries[8];
    struct model_entry drawn[8];
    uint32_t count = 1 + (uint32_t)test_random(8);
    uint64_t term = last_term(m) + (test_random(6) == 0) + (last_term(m) == 0);
    uint8_t *bytes[8];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t kind = test_random(10);
        uint32_t size = kind == 0 ? 0 : (uint32_t)test_random(kind < 8 ? 200 : m->size_max);
        drawn[i] = (struct model_entry){
            term, (enum weft_entry_type)(1 + test_random(3)), size, ++m->next_seed};
        bytes[i] = malloc(size + 1u);
        fill(&drawn[i], bytes[i]);
        entries[i] = (struct weft_peer_entry){term, drawn[i].type, {bytes[i], size}};
    }
    struct weft_msg msg;
    enum weft_err rv = log->engine->append(log, m->last_index + 1, entries, count, &msg);
    for (uint32_t i = 0; i < count; i++) {
        free(bytes[i]);
        /* Refused or not, the entries may have reached the disk. */
        m->last_index++;
        *at(m->entries, m->last_index) = drawn[i];
        note(m, &(struct model_write){m->last_index, false, drawn[i]});
    }
    return rv;
}

static enum weft_err step_truncate(struct model *m, struct weft_log *log)
{
    if (m->last_index == m->base_index) {
        return WEFT_OK;
    }
    uint64_t span = m->last_index - m->base_index;
    uint64_t cut = 1 + test_random(span < 10 ? span : 10);
    uint64_t index = m->last_index - cut + 1;
    struct weft_msg msg;
    enum weft_err rv = log->engine->truncate(log, index, &msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    m->last_index = index - 1;
    m->durable_index = m->durable_index < index ? m->durable_index : index - 1;
    note(m, &(struct model_write){index, true, {0}});
    m->truncation_count++;
    return rv;
}

static enum weft_err step_trim(struct model *m, struct weft_log *log)
{
    if (m->durable_index == m->base_index) {
        return WEFT_OK;
    }
    uint64_t index = m->base_index + 1 + test_random(m->durable_index - m->base_index);
    struct weft_msg msg;
    enum weft_err rv = log->engine->trim(log, index, &msg);
    if (rv == WEFT_OK) {
        m->base_term = at(m->entries, index)->term;
        m->base_index = index;
        m->trim_count++;
    } else {
        m->unsure_base = MODEL_TRIMMED;
        m->unsure_base_index = index;
        m->unsure_base_term = at(m->entries, index)->term;
    }
    return rv;
}

static enum weft_err step_reset(struct model *m, struct weft_log *log)
{
    uint64_t index = m->last_index + test_random(20), term = last_term(m) + 1 + test_random(3);
    struct weft_msg msg;
    enum weft_err rv = log->engine->reset(log, index, term, &msg);
    if (rv == WEFT_OK) {
        m->base_index = m->last_index = m->durable_index = m->sure_last_index = index;
        m->base_term = term;
        m->write_count = 0;
        m->reset_count++;
    } else {
        m->unsure_base = MODEL_RESET;
        m->unsure_base_index = index;
        m->unsure_base_term = term;
    }
    return rv;
}

static enum weft_err step_term(struct model *m, struct weft_log *log)
{
    struct weft_msg msg;
    uint64_t term = m->term + test_random(2), voted_for = test_random(4);
    enum weft_err rv = log->engine->set_term(log, term, voted_for, &msg);
    if (rv == WEFT_OK) {
        m->term = term;
        m->voted_for = voted_for;
    } else {
        m->has_unsure_term = true;
        m->unsure_term = term;
        m->unsure_voted_for = voted_for;
    }
    return rv;
}

bool model_step(struct model *m, struct weft_log *log, enum weft_err *ret_err)
{
    uint64_t kind = test_random(100);
    enum weft_err rv;
    if (kind < 70) {
        rv = step_append(m, log);
    } else if (kind < 84) {
        rv = step_truncate(m, log);
    } else if (kind < 93 || m->last_index - m->base_index > MODEL_ENTRIES_MAX - 64) {
        rv = step_trim(m, log);
    } else if (kind < 99) {
        rv = step_term(m, log);
    } else {
        rv = test_random(4) == 0 ? step_reset(m, log) : WEFT_OK;
    }
    *ret_err = rv;
    return rv == WEFT_OK;
}

/* Carry the oldest `count` noted writes out on `sure`. */
static void settle(struct model *m, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct model_write *w = &m->writes[i];
        if (w->is_truncation) {
            m->sure_last_index = w->index - 1;
        } else {
            m->sure_last_index = w->index;
            *at(m->sure, w->index) = w->entry;
        }
    }
    m->write_count -= count;
    memmove(m->writes, m->writes + count, m->write_count * sizeof(m->writes[0]));
}

/* Writes are durable in order: if the entry at durable_index is, as it stands now, everything
 * up to the last write of it is. */
static uint32_t settled_by(const struct model *m)
{
    const struct model_entry *durable = &m->entries[m->durable_index % MODEL_ENTRIES_MAX];
    if (m->durable_index == m->base_index) {
        return 0;
    }
    for (uint32_t i = m->write_count; i-- > 0;) {
        const struct model_write *w = &m->writes[i];
        if (!w->is_truncation && w->index == m->durable_index && same(&w->entry, durable)) {
            return i + 1;
        }
    }
    return 0;
}

void model_sync(struct model *m, struct weft_log *log)
{
    enum weft_err err;
    struct weft_msg msg;
    uint64_t durable_index = log->engine->durable_index(log, &err, &msg);
    EXPECT_TRUE(durable_index <= m->last_index);
    EXPECT_TRUE(durable_index >= m->durable_index || err != WEFT_OK);
    if (durable_index > m->durable_index) {
        m->durable_index = durable_index;
    }
    settle(m, settled_by(m));
}

void model_compare(const struct model *m, struct weft_log *log)
{
    static uint8_t expected[1 << 20];
    const struct weft_log_engine *e = log->engine;
    struct weft_log_entry got[16];
    struct weft_msg msg;
    uint32_t count;
    EXPECT_EQ(m->last_index, e->last_index(log));
    EXPECT_EQ(m->base_index, e->base_index(log));
    EXPECT_EQ(m->base_term, e->term_of(log, m->base_index));
    EXPECT_EQ(0, e->term_of(log, m->last_index + 1));
    EXPECT_EQ(WEFT_ENOTFOUND, e->read(log, m->base_index, 1, 1, got, &count, &msg));
    EXPECT_EQ(WEFT_ENOTFOUND, e->read(log, m->last_index + 1, 1, 1, got, &count, &msg));
    for (uint64_t index = m->base_index + 1; index <= m->last_index; index += count) {
        size_t size_max = (size_t)test_random(2000), size = 0;
        uint32_t count_max = 1 + (uint32_t)test_random(16);
        enum weft_err rv = e->read(log, index, size_max, count_max, got, &count, &msg);
        if (rv != WEFT_OK) {
            (void)fprintf(stderr, "read %llu: %s\n", (unsigned long long)index, msg.text);
        }
        EXPECT_EQ(WEFT_OK, rv);
        EXPECT_TRUE(count >= 1 && count <= count_max);
        for (uint32_t i = 0; i < count; i++) {
            const struct model_entry *want = &m->entries[(index + i) % MODEL_ENTRIES_MAX];
            fill(want, expected);
            size += got[i].data.size;
            EXPECT_EQ(index + i, got[i].index);
            EXPECT_EQ(want->term, got[i].term);
            EXPECT_EQ(want->term, e->term_of(log, index + i));
            EXPECT_EQ(want->type, got[i].type);
            EXPECT_EQ(want->size, got[i].data.size);
            EXPECT_EQ(0, (uintptr_t)got[i].data.data % 8);
            EXPECT_MEM(expected, got[i].data.data, want->size);
        }
        EXPECT_TRUE(count == 1 || size <= size_max);
    }
}

/* Does the log now hold `sure`? Only headers are compared here; model_compare does the rest. */
static bool matches(struct model *m, struct weft_log *log, const struct weft_log_start *start)
{
    uint64_t last = m->sure_last_index > start->base_index ? m->sure_last_index : start->base_index;
    if (last != start->last_index) {
        return false;
    }
    for (uint64_t i = start->base_index + 1; i <= last; i++) {
        struct weft_log_entry got;
        struct weft_msg msg;
        uint32_t count;
        static uint8_t expected[1 << 20];
        const struct model_entry *want = at(m->sure, i);
        EXPECT_EQ(WEFT_OK, log->engine->read(log, i, 1, 1, &got, &count, &msg));
        fill(want, expected);
        if (got.term != want->term || got.type != want->type || got.data.size != want->size ||
            (want->size > 0 && memcmp(got.data.data, expected, want->size) != 0)) {
            return false;
        }
    }
    return true;
}

/* A call that failed had reached the disk after all. */
static void resolve(struct model *m, const struct weft_log_start *start)
{
    if (m->has_unsure_term && start->term == m->unsure_term &&
        start->voted_for == m->unsure_voted_for) {
        m->term = start->term;
        m->voted_for = start->voted_for;
    }
    if (m->unsure_base != MODEL_SURE && start->base_index == m->unsure_base_index &&
        start->base_term == m->unsure_base_term) {
        m->base_index = start->base_index;
        m->base_term = start->base_term;
        if (m->unsure_base == MODEL_RESET) {
            m->sure_last_index = m->base_index;
            m->write_count = 0;
        }
    }
    m->has_unsure_term = false;
    m->unsure_base = MODEL_SURE;
}

bool model_explains(struct model *m, struct weft_log *log, const struct weft_log_start *start)
{
    resolve(m, start);
    if (m->base_index != start->base_index || m->base_term != start->base_term ||
        m->term != start->term || m->voted_for != start->voted_for ||
        start->last_index < start->base_index) {
        return false;
    }
    while (!matches(m, log, start)) {
        if (m->write_count == 0) {
            return false;
        }
        settle(m, 1);
        m->survived_undurable_count++;
    }
    m->lost_count += m->write_count;
    m->write_count = 0;
    m->last_index = m->sure_last_index = start->last_index;
    m->durable_index = start->last_index;
    memcpy(m->entries, m->sure, sizeof(m->entries));
    return true;
}

void model_reopen(struct model *m, struct weft_log *log, const struct weft_log_start *start)
{
    enum weft_err err;
    struct weft_msg msg;
    if (!model_explains(m, log, start)) {
        (void)fprintf(stderr,
            "no prefix of the writes explains term %llu, vote %llu, base %llu, last %llu\n",
            (unsigned long long)start->term, (unsigned long long)start->voted_for,
            (unsigned long long)start->base_index, (unsigned long long)start->last_index);
        EXPECT_TRUE(false);
    }
    EXPECT_EQ(m->last_index, log->engine->durable_index(log, &err, &msg));
    EXPECT_EQ(WEFT_OK, err);
    model_compare(m, log);
}
