#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/plant_client.h"

/* The judge at the door: what a client is told is what the agreed log says at the index that the
 * answer speaks for; and a linearizable answer speaks for no index older than what anybody had been
 * told of before it was asked for. */

int64_t plant_record_value(const struct weft_record *record)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, "v")) {
            return strtoll(record->fields[i].value.data, NULL, 10);
        }
    }
    return -1;
}

static void hear(struct plant *p, uint64_t index)
{
    p->told_max = index > p->told_max ? index : p->told_max;
}

/* May the answer speak for `index`? */
static void check_index(struct plant_client *c, uint64_t index)
{
    struct sim *s = c->plant->sim;
    const struct weft_query *q = &c->query;
    if (index > sim_check_applied_max(s)) {
        sim_fail(
            s, "node %" PRIu64 " answers at %" PRIu64 ", which nobody has applied", c->node, index);
    }
    if (q->cursor.size > 0 && index != c->page_index) {
        sim_fail(s, "node %" PRIu64 " goes on at %" PRIu64 " with an answer that began at %" PRIu64,
            c->node, index, c->page_index);
    }
    if (q->as_of != 0) {
        if (index != q->as_of) {
            sim_fail(s, "node %" PRIu64 " answers as of %" PRIu64 ", not %" PRIu64, c->node, index,
                q->as_of);
        }
        return;
    }
    if (q->cursor.size == 0 && q->consistency == WEFT_LINEARIZABLE && index < c->floor) {
        sim_fail(s,
            "stale read: node %" PRIu64 " answers client %u at %" PRIu64 ", %" PRIu64
            " was known before it asked",
            c->node, c->id, index, c->floor);
    }
    if (q->cursor.size == 0 && q->consistency == WEFT_MIN_INDEX && index < q->min_index) {
        sim_fail(s, "node %" PRIu64 " answers at %" PRIu64 ", it was asked for %" PRIu64, c->node,
            index, q->min_index);
    }
    if (q->consistency == WEFT_LINEARIZABLE) {
        hear(c->plant, index);
    }
}

static bool is_record(const struct weft_stored_record *got, const struct model_record *want)
{
    return got->index == want->index && got->ordinal == want->ordinal &&
           weft_text_is(got->record.asset, want->asset) &&
           weft_text_is(got->record.kind, want->kind) &&
           plant_record_value(&got->record) == want->value;
}

static void check_asset(struct plant_client *c, const struct weft_page *page)
{
    const struct model_record *want = model_newest(c->plant->model, c->asset, "value", page->index);
    bool is_it = want == NULL ? page->record_count == 0
                              : page->record_count == 1 && is_record(&page->records[0], want) &&
                                    page->asset_rev == want->index;
    if (!is_it) {
        sim_fail(c->plant->sim,
            "node %" PRIu64 " says of %s at %" PRIu64 ": revision %" PRIu64 " of %" PRIu64
            " value %" PRId64 " of %" PRId64,
            c->node, c->asset, page->index, page->asset_rev, want != NULL ? want->index : 0,
            page->record_count > 0 ? plant_record_value(&page->records[0].record) : -1,
            want != NULL ? want->value : -1);
    }
}

/* Globs are a prefix and '*', or a name. */
static bool fits(const struct plant_client *c, const struct model_record *r)
{
    size_t size = strlen(c->asset);
    bool is_prefix = c->asset[size - 1] == '*';
    bool is_asset =
        is_prefix ? strncmp(r->asset, c->asset, size - 1) == 0 : strcmp(r->asset, c->asset) == 0;
    return is_asset && (c->query.kind.size == 0 || weft_text_is(c->query.kind, r->kind));
}

/* The next record of the model that belongs into the answer, or NULL. */
static const struct model_record *next_of(struct plant_client *c, uint64_t index)
{
    const struct model_record *r;
    uint32_t at = c->page_place;
    while ((r = model_next(c->plant->model, &at)) != NULL && r->index <= index) {
        if (fits(c, r)) {
            c->page_place = at;
            return r;
        }
    }
    return NULL;
}

static void check_list(struct plant_client *c, const struct weft_page *page)
{
    struct sim *s = c->plant->sim;
    for (uint32_t i = 0; i < page->record_count; i++) {
        const struct weft_stored_record *got = &page->records[i];
        const struct model_record *want = next_of(c, page->index);
        if (want == NULL || !is_record(got, want)) {
            sim_fail(s,
                "node %" PRIu64 " lists %s at %" PRIu64 ": record %" PRIu64
                "/%u of %.*s where %" PRIu64 "/%u comes",
                c->node, c->asset, page->index, got->index, got->ordinal,
                (int)got->record.asset.size, got->record.asset.data, want != NULL ? want->index : 0,
                want != NULL ? want->ordinal : 0);
            return;
        }
    }
    const struct model_record *left = page->cursor.size == 0 ? next_of(c, page->index) : NULL;
    if (left != NULL) {
        sim_fail(s, "node %" PRIu64 " lists %s at %" PRIu64 " without record %" PRIu64 "/%u",
            c->node, c->asset, page->index, left->index, left->ordinal);
    }
}

static void check_feed(struct plant_client *c, const struct weft_page *page)
{
    struct sim *s = c->plant->sim;
    if (page->cursor.size == 0 && page->next_index != page->index + 1) {
        sim_fail(s, "node %" PRIu64 ": the feed up to %" PRIu64 " goes on at %" PRIu64, c->node,
            page->index, page->next_index);
    }
    for (uint32_t i = 0; i < page->record_count; i++) {
        const struct weft_stored_record *r = &page->records[i];
        if (r->index < c->op.revs[0] ||
            (r->index == c->op.revs[0] && r->ordinal <= c->op.revs[1])) {
            sim_fail(s, "node %" PRIu64 ": the feed tells %" PRIu64 "/%u twice", c->node, r->index,
                r->ordinal);
        }
    }
}

void plant_answer_page(struct plant_client *c, const struct weft_page *page)
{
    if (c->query.cursor.size == 0) {
        c->page_index = page->index;
    }
    check_index(c, page->index);
    if (c->plant->sim->has_failed) {
        return;
    }
    if (c->query.type == WEFT_QUERY_ASSET) {
        check_asset(c, page);
        return;
    }
    check_list(c, page);
    if (c->query.type == WEFT_QUERY_COMMITS) {
        check_feed(c, page);
    }
}

void plant_answer_none(struct plant_client *c, uint64_t index)
{
    struct sim *s = c->plant->sim;
    uint64_t at = c->query.as_of != 0 ? c->query.as_of : index;
    check_index(c, at);
    if (s->has_failed) {
        return;
    }
    c->page_index = at;
    const char *kind = c->query.type == WEFT_QUERY_ASSET ? "value" : "assembly";
    bool is_there = model_newest(c->plant->model, c->asset, kind, at) != NULL;
    if (is_there && c->query.type != WEFT_QUERY_TRACE_FORWARD) {
        sim_fail(s, "node %" PRIu64 " knows no %s at %" PRIu64, c->node, c->asset, at);
    }
}

/* Is `name` in the list, each ended by a newline? */
static bool is_listed(struct weft_text list, const char *name)
{
    size_t size = strlen(name);
    for (size_t at = 0; at < list.size;) {
        const char *end = memchr(list.data + at, '\n', list.size - at);
        size_t length = end != NULL ? (size_t)(end - list.data) - at : list.size - at;
        if (length == size && memcmp(list.data + at, name, size) == 0) {
            return true;
        }
        at += length + 1;
    }
    return false;
}

static uint32_t count_lines(struct weft_text list)
{
    uint32_t count = 0;
    for (size_t i = 0; i < list.size; i++) {
        count += list.data[i] == '\n';
    }
    return count;
}

void plant_answer_trace(struct plant_client *c, const struct weft_trace_result *trace)
{
    struct sim *s = c->plant->sim;
    const struct model_record *r;
    bool is_forward = c->query.type == WEFT_QUERY_TRACE_FORWARD;
    const char *found[256];
    uint32_t at = 0, count = 0;
    c->page_index = trace->index;
    check_index(c, trace->index);
    while (!s->has_failed && (r = model_next(c->plant->model, &at)) != NULL &&
           r->index <= trace->index) {
        for (uint32_t i = 0; i < r->link_count; i++) {
            if (strcmp(is_forward ? r->links[i] : r->asset, c->asset) != 0) {
                continue;
            }
            const char *name = is_forward ? r->asset : r->links[i];
            bool is_new = true;
            for (uint32_t j = 0; j < count; j++) {
                is_new = is_new && strcmp(found[j], name) != 0;
            }
            if (is_new && count < 256) {
                found[count++] = name;
            }
            if (!is_listed(trace->assets, name)) {
                sim_fail(s, "node %" PRIu64 ": the trace of %s at %" PRIu64 " lacks %s", c->node,
                    c->asset, trace->index, name);
            }
        }
    }
    if (!s->has_failed && count_lines(trace->assets) != count) {
        sim_fail(s, "node %" PRIu64 ": the trace of %s at %" PRIu64 " has %u answers, not %u",
            c->node, c->asset, trace->index, count_lines(trace->assets), count);
    }
}

void plant_answer_commit(struct plant_client *c, const struct weft_commit_result *result)
{
    struct plant *p = c->plant;
    uint64_t index = model_request(p->model, &c->request_id);
    p->sim->counts[SIM_ACKNOWLEDGED]++;
    if (result->repeated) {
        plant_count(p, PLANT_REPEATED);
    }
    if (memcmp(result->request_id.bytes, c->request_id.bytes, sizeof(c->request_id.bytes)) != 0) {
        sim_fail(p->sim, "client %u was given the answer to another commit", c->id);
    } else if (index == 0) {
        sim_fail(p->sim, "client %u was told of a commit at %" PRIu64 " that nobody has applied",
            c->id, result->index);
    } else if (index != result->index) {
        sim_fail(p->sim, "client %u was told of a commit at %" PRIu64 ", it is at %" PRIu64, c->id,
            result->index, index);
    }
    hear(p, index);
}

/* --- what is known at the end ------------------------------------------------------------------
 */

struct plant_told {
    struct weft_request_id *refused;
    uint32_t refused_count, refused_capacity;
    struct weft_digest_result digests[64];
    uint32_t digest_count;
};

void plant_answer_refused(struct plant *p, const struct weft_request_id *id)
{
    struct plant_told *told = p->told;
    if (told->refused_count == told->refused_capacity) {
        told->refused_capacity = 2 * told->refused_capacity + 64;
        told->refused = realloc(told->refused, told->refused_capacity * sizeof(*told->refused));
        if (told->refused == NULL) {
            abort();
        }
    }
    told->refused[told->refused_count++] = *id;
}

void plant_answer_digest(struct plant *p, uint64_t node, const struct weft_digest_result *result)
{
    struct plant_told *told = p->told;
    plant_count(p, PLANT_DIGESTS);
    for (uint32_t i = 0; i < told->digest_count && i < 64; i++) {
        const struct weft_digest_result *other = &told->digests[i];
        if (other->index == result->index) {
            if (!weft_digest_equal(&other->digest, &result->digest)) {
                sim_fail(
                    p->sim, "node %" PRIu64 " has another digest at %" PRIu64, node, result->index);
            }
            return;
        }
    }
    told->digests[told->digest_count++ % 64] = *result;
}

void plant_answer_open(struct plant *p)
{
    p->told = calloc(1, sizeof(*p->told));
    if (p->told == NULL) {
        abort();
    }
}

void plant_answer_close(struct plant *p)
{
    free(p->told->refused);
    free(p->told);
}

void plant_answer_end(struct plant *p)
{
    const struct plant_told *told = p->told;
    for (uint32_t i = 0; i < told->refused_count; i++) {
        uint64_t index = model_request(p->model, &told->refused[i]);
        if (index != 0) {
            sim_fail(p->sim, "a commit that was refused for certain is at %" PRIu64, index);
        }
    }
}
