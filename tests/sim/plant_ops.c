#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/plant_client.h"

enum {
    DIGEST_TRIES_MAX = 40,
};

static uint64_t chance(const struct plant_client *c, uint64_t bound)
{
    return sim_random(c->plant->sim, bound);
}

/* --- commits --------------------------------------------------------------------------------- */

struct draft {
    struct weft_record records[OP_KEYS_MAX];
    struct weft_field fields[OP_KEYS_MAX];
    struct weft_link links[OP_KEYS_MAX];
    char texts[3 * OP_KEYS_MAX][OP_TEXT_SIZE];
    uint32_t count;
    uint32_t link_count;
    uint32_t text_count;
};

static struct weft_text text_in(struct draft *d, const char *format, int64_t number)
{
    char *text = d->texts[d->text_count++];
    /* The formats are ours: a name and one number. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text, OP_TEXT_SIZE, format, (long long)number);
#pragma GCC diagnostic pop
    return weft_text_of(text);
}

static struct weft_record *add_record(
    struct draft *d, const char *format, uint64_t key, const char *kind, int64_t value)
{
    struct weft_field *field = &d->fields[d->count];
    struct weft_record *r = &d->records[d->count++];
    *field = (struct weft_field){WEFT_TEXT("v"), text_in(d, "%lld", value), WEFT_VALUE_INT};
    *r = (struct weft_record){.asset = text_in(d, format, (int64_t)key),
        .kind = weft_text_of(kind),
        .fields = field,
        .field_count = 1};
    return r;
}

static void expect(struct weft_record *r, uint64_t rev)
{
    r->has_expect = true;
    r->expect_rev = rev;
}

static void commit_one(
    struct plant_client *c, const char *format, uint64_t key, const char *kind, const uint64_t *rev)
{
    struct draft d = {.count = 0};
    struct weft_record *r = add_record(&d, format, key, kind, c->op.values[0]);
    if (rev != NULL) {
        expect(r, *rev);
    }
    plant_commit(c, d.records, d.count);
}

static void commit_appends(struct plant_client *c)
{
    const struct plant_op *op = &c->op;
    struct draft d = {.count = 0};
    for (uint32_t i = 0; i < op->append_count; i++) {
        struct weft_record *r = add_record(&d, "list/%lld", op->keys[i], "elem", op->values[i]);
        if (i < op->read_count) {
            expect(r, op->revs[i]);
        }
    }
    plant_commit(c, d.records, d.count);
}

static void commit_accounts(struct plant_client *c)
{
    struct draft d = {.count = 0};
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        expect(add_record(&d, "acct/%lld", i, "value", ACCOUNT_START), 0);
    }
    plant_commit(c, d.records, d.count);
}

static void commit_transfer(struct plant_client *c)
{
    const struct plant_op *op = &c->op;
    struct draft d = {.count = 0};
    expect(add_record(&d, "acct/%lld", op->keys[0], "value", op->values[0] - op->old), op->revs[0]);
    expect(add_record(&d, "acct/%lld", op->keys[1], "value", op->values[1] + op->old), op->revs[1]);
    plant_commit(c, d.records, d.count);
}

/* Two records about the unit, the first with the first half of its parts: none may be seen without
 * the other. */
static void commit_assembly(struct plant_client *c)
{
    const struct plant_op *op = &c->op;
    struct draft d = {.count = 0};
    uint32_t half = (op->key_count + 1) / 2;
    for (uint32_t i = 0; i < op->key_count; i++) {
        d.links[i] = (struct weft_link){
            .rel = WEFT_TEXT("consumes"), .to = text_in(&d, "part/%lld", op->values[i])};
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct weft_record *r = add_record(&d, "unit/%lld", op->keys[0], "assembly", i);
        r->links = &d.links[i == 0 ? 0 : half];
        r->link_count = i == 0 ? half : op->key_count - half;
    }
    plant_commit(c, d.records, d.count);
}

/* --- queries --------------------------------------------------------------------------------- */

static void ask(struct plant_client *c, enum weft_query_type type, const char *format, uint64_t key,
    const char *kind)
{
    char asset[OP_TEXT_SIZE];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(asset, sizeof(asset), format, (long long)key);
#pragma GCC diagnostic pop
    c->query = (struct weft_query){.type = type, .kind = weft_text_of(kind)};
    if (c->op.index != 0) { /* One moment for all reads of the operation. */
        c->query.as_of = c->query.min_index = c->op.index;
        c->query.consistency = WEFT_MIN_INDEX;
    }
    if (type == WEFT_QUERY_FIND || type == WEFT_QUERY_COMMITS) {
        c->query.limit = chance(c, 2) == 0 ? 0 : 1 + (uint32_t)chance(c, 9);
    }
    plant_ask(c, asset);
}

static void ask_list(struct plant_client *c)
{
    struct plant_op *op = &c->op;
    plant_put(&op->found, "%s[:r %" PRIu64 " [", op->step > 0 ? " " : "", op->keys[op->step]);
    op->has_found = false;
    op->revs[op->step] = 0;
    ask(c, WEFT_QUERY_FIND, "list/%lld", op->keys[op->step], "elem");
}

static void ask_trace(struct plant_client *c, enum weft_query_type type, const char *format)
{
    char asset[OP_TEXT_SIZE];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(asset, sizeof(asset), format, (long long)c->op.keys[0]);
#pragma GCC diagnostic pop
    c->query = (struct weft_query){.type = type, .depth_max = 1, .ids_only = true};
    plant_ask(c, asset);
}

/* revs: where the last record stood that it was told of. */
static void ask_feed(struct plant_client *c)
{
    c->op.revs[0] = c->watch_index;
    c->op.revs[1] = c->watch_ordinal;
    c->query = (struct weft_query){.type = WEFT_QUERY_COMMITS,
        .from_index = c->op.keys[0],
        .limit = chance(c, 2) == 0 ? 0 : 1 + (uint32_t)chance(c, 5),
        .wait_ms = chance(c, 2) == 0 ? 0 : 100 + (uint32_t)chance(c, 250)};
    if (c->query.wait_ms != 0) {
        plant_count(c->plant, PLANT_PARKED);
    }
    plant_ask(c, "log/*");
}

static void ask_stale(struct plant_client *c)
{
    char asset[OP_TEXT_SIZE];
    plant_count(c->plant, PLANT_STALE);
    (void)snprintf(asset, sizeof(asset), "reg/%" PRIu64, c->op.keys[0]);
    c->query = (struct weft_query){.type = WEFT_QUERY_ASSET, .consistency = WEFT_STALE};
    if (c->op.keys[1] != 0) {
        c->query.consistency = WEFT_MIN_INDEX;
        c->query.min_index = c->plant->told_max;
    }
    plant_ask(c, asset);
}

void plant_op_start(struct plant_client *c)
{
    struct plant_op *op = &c->op;
    switch (op->type) {
    case OP_READ:
    case OP_CAS:
        ask(c, WEFT_QUERY_ASSET, "reg/%lld", op->keys[0], "");
        return;
    case OP_WRITE:
        commit_one(c, "reg/%lld", op->keys[0], "value", NULL);
        return;
    case OP_TXN:
        if (op->read_count > 0) {
            ask_list(c);
        } else {
            commit_appends(c);
        }
        return;
    case OP_ADD:
        commit_one(c, "set/%lld", (uint64_t)op->values[0], "elem", NULL);
        return;
    case OP_SET_READ:
        ask(c, WEFT_QUERY_FIND, "set/*", 0, "elem");
        return;
    case OP_SETUP:
        commit_accounts(c);
        return;
    case OP_TRANSFER:
        ask(c, WEFT_QUERY_ASSET, "acct/%lld", op->keys[0], "");
        return;
    case OP_BANK_READ:
        ask(c, WEFT_QUERY_ASSET, "acct/%lld", 0, "");
        return;
    case OP_ASSEMBLE:
        commit_assembly(c);
        return;
    case OP_TRACE:
        ask_trace(c, WEFT_QUERY_TRACE_BACK, "unit/%lld");
        return;
    case OP_TRACE_FORWARD:
        ask_trace(c, WEFT_QUERY_TRACE_FORWARD, "part/%lld");
        return;
    case OP_EVENT:
        commit_one(c, "log/%lld", op->keys[0], "event", NULL);
        return;
    case OP_WATCH:
        ask_feed(c);
        return;
    case OP_AS_OF:
        op->index = op->keys[1];
        ask(c, WEFT_QUERY_ASSET, "reg/%lld", op->keys[0], "");
        return;
    case OP_DIGEST:
        plant_ask_digest(c, c->leader != 0 ? c->leader : 1 + chance(c, 3), 0);
        return;
    case OP_STALE:
        ask_stale(c);
        return;
    case OP_PROBE:
        commit_one(c, "probe/%lld", 0, "value", NULL);
        return;
    }
}

/* --- answers --------------------------------------------------------------------------------- */

static int64_t value_of(const struct weft_client_message *m, uint64_t *ret_rev)
{
    bool is_there = m->kind == WEFT_KIND_PAGE && m->page.record_count > 0;
    *ret_rev = is_there ? m->page.asset_rev : 0;
    return is_there ? plant_record_value(&m->page.records[0].record) : 0;
}

static void put_value(struct weft_buffer *out, int64_t value)
{
    if (value == 0) {
        plant_put(out, ":absent");
    } else {
        plant_put(out, "%" PRId64, value);
    }
}

static void read_register(struct plant_client *c, const struct weft_client_message *m)
{
    struct plant_op *op = &c->op;
    int64_t value = value_of(m, &op->revs[0]);
    if (op->type == OP_READ && op->keys[0] < REGISTER_KEYS) {
        c->seen[op->keys[0]] = value;
    }
    if (op->type != OP_CAS) {
        put_value(&op->found, value);
        plant_finish(c, "ok", NULL);
    } else if (value != op->old) {
        c->seen[op->keys[0]] = value;
        plant_finish(c, "fail", "another value");
    } else {
        op->step++;
        commit_one(c, "reg/%lld", op->keys[0], "value", &op->revs[0]);
    }
}

/* A page of elements. True: there is more of them, and it is asked for. */
static bool read_elements(struct plant_client *c, const struct weft_client_message *m)
{
    struct plant_op *op = &c->op;
    const struct weft_page *page = &m->page;
    for (uint32_t i = 0; m->kind == WEFT_KIND_PAGE && i < page->record_count; i++) {
        plant_put(&op->found, "%s%" PRId64, op->has_found ? " " : "",
            plant_record_value(&page->records[i].record));
        op->has_found = true;
        op->revs[op->step] = page->records[i].index;
    }
    if (m->kind == WEFT_KIND_PAGE && page->cursor.size > 0) {
        plant_ask_again(c, page->cursor);
        return true;
    }
    return false;
}

static void read_lists(struct plant_client *c, const struct weft_client_message *m)
{
    struct plant_op *op = &c->op;
    if (read_elements(c, m)) {
        return;
    }
    plant_put(&op->found, "]]");
    op->index = c->page_index;
    op->step++;
    if (op->step < op->read_count) {
        ask_list(c);
    } else if (op->append_count > 0) {
        commit_appends(c);
    } else {
        plant_finish(c, "ok", NULL);
    }
}

static void read_accounts(struct plant_client *c, const struct weft_client_message *m)
{
    struct plant_op *op = &c->op;
    bool is_transfer = op->type == OP_TRANSFER;
    uint32_t at = op->step++;
    int64_t value = value_of(m, &op->revs[at]);
    op->values[at] = value;
    op->index = c->page_index;
    if (!is_transfer) {
        plant_put(&op->found, "%s%u %" PRId64, at > 0 ? ", " : "", at, value);
    }
    if (op->step < (is_transfer ? 2 : ACCOUNTS)) {
        ask(c, WEFT_QUERY_ASSET, "acct/%lld", is_transfer ? op->keys[op->step] : op->step, "");
    } else if (!is_transfer) {
        plant_finish(c, "ok", NULL);
    } else if (op->values[0] < op->old || op->revs[1] == 0) {
        plant_finish(c, "fail", "not enough");
    } else {
        commit_transfer(c);
    }
}

static void read_feed(struct plant_client *c, const struct weft_client_message *m)
{
    struct plant_op *op = &c->op;
    const struct weft_page *page = &m->page;
    for (uint32_t i = 0; i < page->record_count; i++) {
        const struct weft_stored_record *r = &page->records[i];
        bool is_same = op->has_found && r->index == op->revs[0];
        if (is_same) {
            plant_put(&op->found, " ");
        } else {
            plant_put(&op->found, "%s[%" PRIu64 " [", op->has_found ? "]] " : "", r->index);
        }
        plant_put(&op->found, "%" PRId64, plant_record_value(&r->record));
        op->has_found = true;
        op->revs[0] = r->index;
        op->revs[1] = r->ordinal;
    }
    if (page->cursor.size > 0) {
        c->query.wait_ms = 0;
        plant_ask_again(c, page->cursor);
        return;
    }
    c->watch_next = page->next_index;
    c->watch_index = op->revs[0];
    c->watch_ordinal = op->revs[1];
    plant_finish(c, "ok", NULL);
}

static int by_number(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

static void read_trace(struct plant_client *c, const struct weft_client_message *m)
{
    long long parts[PARTS];
    uint32_t count = 0;
    struct weft_text list = {NULL, 0};
    if (m->kind == WEFT_KIND_TRACE_RESULT) {
        list = m->trace.assets;
    }
    for (size_t at = 0; c->op.type == OP_TRACE && at < list.size && count < PARTS;) {
        const char *slash = memchr(list.data + at, '/', list.size - at);
        const char *end = memchr(list.data + at, '\n', list.size - at);
        if (slash == NULL || end == NULL) {
            break;
        }
        parts[count++] = strtoll(slash + 1, NULL, 10);
        at = (size_t)(end - list.data) + 1;
    }
    qsort(parts, count, sizeof(parts[0]), by_number);
    for (uint32_t i = 0; i < count; i++) {
        plant_put(&c->op.found, "%s%lld", i > 0 ? " " : "", parts[i]);
    }
    plant_finish(c, "ok", NULL);
}

/* The marker's index, then the digest there of one node after the other. */
static void ask_next_digest(struct plant_client *c)
{
    struct sim *s = c->plant->sim;
    while (c->op.step <= s->node_count && s->nodes[c->op.step].replica == NULL) {
        c->op.step++;
    }
    if (c->op.step <= s->node_count) {
        plant_ask_digest(c, c->op.step, c->op.index);
    } else if (c->op.has_found) {
        plant_finish(c, "ok", NULL);
    } else {
        plant_finish(c, "fail", "no node has it");
    }
}

static void read_digest(struct plant_client *c, const struct weft_client_message *m)
{
    struct plant_op *op = &c->op;
    if (op->step == 0) {
        op->index = m->kind == WEFT_KIND_DIGEST_RESULT ? m->digest_result.index : 0;
        if (op->index == 0) {
            plant_finish(c, "fail", "no marker");
            return;
        }
        op->step = 1;
    } else if (m->kind == WEFT_KIND_DIGEST_RESULT && m->digest_result.is_done) {
        char text[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&m->digest_result.digest, text);
        plant_put(&op->found, "%s\"n%u\" [%" PRIu64 " \"%s\"]", op->has_found ? ", " : "", op->step,
            op->index, text);
        op->has_found = true;
        plant_answer_digest(c->plant, op->step, &m->digest_result);
        op->step++;
        op->tries = 0;
    } else if (m->kind == WEFT_KIND_DIGEST_RESULT && op->tries++ < DIGEST_TRIES_MAX) {
        plant_wait(c, 10 + chance(c, 20));
        return;
    } else { /* It has restarted, or installed a checkpoint behind it. */
        op->step++;
        op->tries = 0;
    }
    ask_next_digest(c);
}

void plant_op_waited(struct plant_client *c)
{
    ask_next_digest(c);
}

void plant_op_answered(struct plant_client *c, const struct weft_client_message *m)
{
    struct plant_op *op = &c->op;
    if (m->kind == WEFT_KIND_COMMIT_RESULT) {
        c->plant->has_accounts = c->plant->has_accounts || op->type == OP_SETUP;
        plant_finish(c, "ok", NULL);
        return;
    }
    switch (op->type) {
    case OP_READ:
    case OP_CAS:
    case OP_AS_OF:
    case OP_STALE:
        read_register(c, m);
        return;
    case OP_TXN:
        read_lists(c, m);
        return;
    case OP_SET_READ:
        if (!read_elements(c, m)) {
            plant_finish(c, "ok", NULL);
        }
        return;
    case OP_TRANSFER:
    case OP_BANK_READ:
        read_accounts(c, m);
        return;
    case OP_TRACE:
    case OP_TRACE_FORWARD:
        read_trace(c, m);
        return;
    case OP_WATCH:
        read_feed(c, m);
        return;
    case OP_DIGEST:
        read_digest(c, m);
        return;
    case OP_WRITE:
    case OP_ADD:
    case OP_SETUP:
    case OP_ASSEMBLE:
    case OP_EVENT:
    case OP_PROBE:
        abort(); /* Commits. */
    }
}
