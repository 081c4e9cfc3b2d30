#include "node/state/lineage/trace.h"

#include <stdlib.h>

#include "proto/arith.h"
#include "proto/check.h"
#include "proto/packed.h"

enum {
    NAMES_SIZE_MAX = WEFT_ANSWER_SIZE_MAX - 64 * 1024, /* The rest of the answer is small. */
    CHUNK_STEPS = 2048, /* Whose records are read in the order of the log. */
    RECORD_STEPS = 16,  /* to read a record takes about as long as to follow so many links */
    PAGE_SIZE_MAX = WEFT_ANSWER_SIZE_MAX - 64 * 1024, /* The rest of the answer is small. */
    PAGE_SIZE = 640 * 1024,                           /* From where on a page is one. */
    PREFETCH_AHEAD = 16,
    SCRATCH_SIZE_MAX = 16 * 1024 * 1024,
};

/* --- which steps ----------------------------------------------------------------------------- */

static enum weft_err no_memory(const struct weft_run *run)
{
    return weft_fail(run->msg, WEFT_ENOMEM, "the steps of a trace");
}

/* Mark everything on the paths to answers: paths lead to smaller places. */
static void mark_paths(const struct weft_search *search, uint32_t *steps)
{
    for (uint32_t i = search->count; i > 0; i--) {
        const struct weft_reached *r = &search->reached[i - 1];
        if (r->is_answer || r->depth == 0) {
            steps[i - 1] = 0;
        }
        if (steps[i - 1] == 0) {
            steps[r->from] = 0;
        }
    }
}

struct weft_trace *weft_trace_create(struct weft_run *run, bool is_forward)
{
    struct weft_trace *trace = calloc(1, sizeof(*trace));
    if (trace != NULL) {
        trace->run = run;
        weft_search_init(&trace->search, &trace->around, is_forward);
    }
    return trace;
}

void weft_trace_destroy(struct weft_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    weft_search_close(&trace->search);
    weft_around_close(&trace->around);
    free(trace->places);
    free(trace->steps);
    free(trace);
}

void weft_trace_resume(struct weft_trace *trace, struct weft_run *run)
{
    trace->run = trace->around.run = run;
}

size_t weft_trace_settle(struct weft_trace *trace)
{
    weft_search_settle(&trace->search);
    return sizeof(*trace) + trace->search.capacity * sizeof(struct weft_reached) +
           (size_t)trace->search.count * 2 * sizeof(uint32_t) + weft_around_size(&trace->around);
}

enum weft_err weft_trace_choose(struct weft_trace *trace)
{
    const struct weft_search *search = &trace->search;
    bool has_steps = !trace->run->query->ids_only;
    size_t count = search->count;
    trace->places = malloc((count + 1) * sizeof(uint32_t));
    trace->steps = has_steps ? malloc((count + 1) * sizeof(uint32_t)) : NULL;
    if (trace->places == NULL || (trace->steps == NULL && has_steps)) {
        return no_memory(trace->run);
    }
    if (has_steps) {
        memset(trace->steps, 0xff, count * sizeof(uint32_t));
        mark_paths(search, trace->steps);
    }
    for (uint32_t i = 0; i < search->count; i++) {
        bool is_answer = search->reached[i].is_answer;
        bool is_step = has_steps ? trace->steps[i] == 0 : is_answer;
        trace->answer_count += is_answer;
        if (is_step) {
            uint32_t depth = search->reached[i].depth;
            trace->depth_reached = depth > trace->depth_reached ? depth : trace->depth_reached;
            if (has_steps) {
                trace->steps[i] = trace->count;
            }
            trace->places[trace->count++] = i;
        }
    }
    return WEFT_OK;
}

/* --- names alone ----------------------------------------------------------------------------- */

static const struct weft_reached *reached_at(const struct weft_trace *t, uint32_t step)
{
    return &t->search.reached[t->places[step]];
}

/* Soon the steps from here on will be asked for: first where their names stand. */
static void prefetch(const struct weft_trace *t, uint32_t step)
{
    const struct weft_around *around = &t->around;
    uint32_t later = step + 2 * PREFETCH_AHEAD;
    step += PREFETCH_AHEAD;
    if (around->lineage == NULL) {
        return;
    }
    if (later < t->count && reached_at(t, later)->number <= around->base) {
        weft_lineage_prefetch(around->lineage, reached_at(t, later)->number);
    }
    if (step < t->count && reached_at(t, step)->number <= around->base) {
        weft_lineage_prefetch_name(around->lineage, reached_at(t, step)->number);
        if (!t->run->query->ids_only && reached_at(t, step)->depth > 0) {
            weft_lineage_prefetch_evidence(around->lineage, reached_at(t, step)->evidence);
        }
    }
}

/* A line, where there is room for one. Most names have 16 to 32 bytes, and two copies of 16 that
 * overlap take a fraction of a call. */
static void put_line(struct weft_buffer *names, struct weft_text name)
{
    uint8_t *to = names->data + names->size;
    if (name.size >= 16 && name.size <= 32) {
        memcpy(to, name.data, 16);
        memcpy(to + name.size - 16, name.data + name.size - 16, 16);
    } else {
        memcpy(to, name.data, name.size);
    }
    to[name.size] = '\n';
    names->size += name.size + 1;
}

/* A name is told by the record that led to it: NOD-182. Where labels are, each is looked at. */
static enum weft_err note_name(
    struct weft_trace *t, const struct weft_reached *r, struct weft_text name)
{
    struct weft_run *run = t->run;
    struct weft_stored_head head = {.asset = {NULL, 0}};
    struct weft_bytes bytes;
    int64_t time_ns;
    if (run->view->tally.labels == NULL || r->depth == 0) { /* That is what was asked about. */
        return WEFT_OK;
    }
    const struct weft_ref ref = weft_around_place(&t->around, r->evidence);
    enum weft_err rv = weft_loader_get(&run->loader, &ref, &bytes, &time_ns, run->msg);
    if (rv == WEFT_OK && weft_stored_peek(bytes, &head) != WEFT_OK) {
        rv = weft_run_damaged(run, "a record");
    }
    if (rv == WEFT_OK) {
        weft_labels_note(&run->view->tally, name, head.asset);
    }
    return rv;
}

/* As many names as fit, each ended by a line's end. */
static enum weft_err names_page(struct weft_trace *t, uint32_t first, uint32_t limit)
{
    struct weft_run *run = t->run;
    struct weft_buffer names = {.size_max = NAMES_SIZE_MAX};
    uint32_t step = first;
    enum weft_err rv = WEFT_OK;
    while (step < t->count && step - first < limit && rv == WEFT_OK) {
        struct weft_text name;
        prefetch(t, step);
        rv = weft_around_name(&t->around, reached_at(t, step)->number, &name);
        if (rv != WEFT_OK || names.size + name.size + 1 > NAMES_SIZE_MAX) {
            break;
        }
        if (names.capacity - names.size <= name.size) {
            rv = weft_buffer_reserve(&names, name.size + 1) == WEFT_OK ? WEFT_OK : no_memory(run);
        }
        if (rv == WEFT_OK) {
            put_line(&names, name);
            rv = note_name(t, reached_at(t, step++), name);
            rv = rv == WEFT_OK ? weft_run_yield(run, 1) : rv;
        }
    }
    char *copy = rv == WEFT_OK ? weft_arena_alloc(run->arena, names.size) : NULL;
    if (copy != NULL) {
        memcpy(copy, names.data != NULL ? (const char *)names.data : "", names.size);
        run->trace->assets = (struct weft_text){copy, names.size};
    } else if (rv == WEFT_OK) {
        rv = no_memory(run);
    }
    weft_buffer_destroy(&names);
    return rv == WEFT_OK && step < t->count ? weft_run_stop(run, &(struct weft_ref){.index = step})
                                            : rv;
}

/* --- steps ----------------------------------------------------------------------------------- */

/* A step whose record is to be read. */
struct reading {
    struct weft_ref ref;
    uint32_t step; /* In the page. */
};

/* A page under way: what is settled of it is packed already; the steps of the chunk under way are
 * described by their records, which are read in the order of the log. */
struct page {
    struct weft_trace *trace;
    uint32_t first; /* Number of the first step. */
    uint32_t count; /* Of steps that are packed. */
    uint32_t record_count;
    struct weft_buffer steps;
    struct weft_buffer records; /* Packed as well. */
    struct weft_trace_step chunk[CHUNK_STEPS];
    uint32_t chunk_count;
    struct reading readings[CHUNK_STEPS];
    struct weft_ref refs[CHUNK_STEPS]; /* Of the readings, for the loader. */
    uint32_t reading_count;
    struct weft_text rels[WEFT_AROUND_RELS]; /* Their names, for as long as the answer lives. */
    struct weft_arena scratch;               /* Texts of the chunk. */
};

static int compare_readings(const void *a, const void *b)
{
    const struct reading *x = a, *y = b;
    if (x->ref.index != y->ref.index) {
        return x->ref.index < y->ref.index ? -1 : 1;
    }
    if (x->ref.ordinal != y->ref.ordinal) {
        return x->ref.ordinal < y->ref.ordinal ? -1 : 1;
    }
    return x->step < y->step ? -1 : x->step > y->step;
}

static struct weft_text field_of(const struct weft_link *link, const char *path, bool is_number)
{
    for (uint32_t i = 0; i < link->field_count; i++) {
        const struct weft_field *f = &link->fields[i];
        bool fits = is_number ? f->type == WEFT_VALUE_INT || f->type == WEFT_VALUE_REAL
                              : f->type == WEFT_VALUE_TEXT;
        if (fits && weft_text_is(f->path, path) && f->value.size <= WEFT_PATH_SIZE_MAX) {
            return f->value;
        }
    }
    return (struct weft_text){NULL, 0};
}

/* What the link says of quantity: a number or one with its unit, or EPCIS's quantity and uom. */
static void read_quantity(const struct weft_link *link, struct weft_trace_step *step)
{
    static const char *const units[] = {"quantity/unit", "unit", "uom"};
    step->quantity = field_of(link, "quantity", true);
    if (step->quantity.size == 0) {
        step->quantity = field_of(link, "quantity/value", true);
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && step->unit.size == 0; i++) {
        step->unit = field_of(link, units[i], false);
    }
}

static uint32_t number_of(const struct page *p, const struct weft_trace_step *step)
{
    return p->first + p->count + (uint32_t)(step - p->chunk);
}

/* The link that is the evidence: of its rel, to the end that is not the record's own. */
static enum weft_err find_link(struct page *p, struct weft_bytes record,
    const struct weft_trace_step *step, struct weft_link *ret_link)
{
    const struct weft_search *search = &p->trace->search;
    const struct weft_reached *r = reached_at(p->trace, number_of(p, step));
    bool is_to_step = search->around->rels[r->rel].is_asset_inside == search->is_forward;
    struct weft_text to = step->asset;
    if (!is_to_step &&
        weft_around_name(search->around, search->reached[r->from].number, &to) != WEFT_OK) {
        return WEFT_ENOTFOUND;
    }
    return weft_stored_link(record, step->rel, to, &p->scratch, ret_link);
}

/* For as long as the chunk is under way. */
static enum weft_err keep_text(struct page *p, struct weft_arena *arena, struct weft_text *text)
{
    if (text->size == 0) {
        return WEFT_OK;
    }
    *text = weft_arena_text(arena, *text);
    return text->data != NULL ? WEFT_OK : no_memory(p->trace->run);
}

/* A record that steps are described by. `kind` outlives the chunk. */
struct evidence {
    struct weft_bytes bytes;
    struct weft_text kind;
    struct weft_text asset;
    int64_t time_ns; /* Of its commit. */
};

/* What the record says of the step, as far as whoever asks may see it: NOD-170. */
static enum weft_err describe(
    struct page *p, const struct evidence *record, struct weft_trace_step *step)
{
    struct weft_run *run = p->trace->run;
    struct weft_link link;
    weft_labels_note(&run->view->tally, record->asset, step->asset);
    step->kind = record->kind;
    if (!weft_reveal_shows(run->reveal, record->kind, record->asset, WEFT_TEXT("@at"))) {
        step->at_ns = record->time_ns;
    }
    enum weft_err rv = find_link(p, record->bytes, step, &link);
    if (rv == WEFT_ENOTFOUND) {
        return WEFT_OK;
    }
    rv = rv == WEFT_OK
             ? weft_reveal_link(run->reveal, record->kind, record->asset, &p->scratch, &link)
             : rv;
    if (rv != WEFT_OK) {
        return rv == WEFT_ECORRUPT ? weft_run_damaged(run, "a record") : no_memory(run);
    }
    read_quantity(&link, step);
    rv = keep_text(p, &p->scratch, &step->quantity);
    return rv == WEFT_OK ? keep_text(p, &p->scratch, &step->unit) : rv;
}

/* Read the record of readings[i] and describe the steps that it is the evidence of. *ret_next:
 * the first of another record. */
static enum weft_err read_record(struct page *p, uint32_t i, uint32_t *ret_next)
{
    struct weft_run *run = p->trace->run;
    const struct weft_ref *ref = &p->readings[i].ref;
    struct evidence record = {.time_ns = 0};
    struct weft_stored_head head = {.kind = {NULL, 0}};
    enum weft_err rv = weft_run_yield(run, RECORD_STEPS);
    if (rv == WEFT_OK) {
        rv = weft_loader_get(&run->loader, ref, &record.bytes, &record.time_ns, run->msg);
    }
    if (rv == WEFT_OK && weft_stored_peek(record.bytes, &head) != WEFT_OK) {
        rv = weft_run_damaged(run, "a record");
    }
    if (rv == WEFT_OK && run->query->with_records) {
        rv = weft_run_give(run, ref, record.bytes, record.time_ns, &p->scratch, &p->records);
        p->record_count++;
    }
    record.kind = head.kind;
    record.asset = head.asset;
    rv = rv == WEFT_OK ? keep_text(p, &p->scratch, &record.kind) : rv;
    uint32_t next = i;
    while (rv == WEFT_OK && next < p->reading_count && p->readings[next].ref.index == ref->index &&
           p->readings[next].ref.ordinal == ref->ordinal) {
        rv = describe(p, &record, &p->chunk[p->readings[next++].step]);
    }
    *ret_next = next;
    return rv;
}

static uint32_t flags_of(const struct weft_reached *r)
{
    return (r->is_cycle ? WEFT_STEP_CYCLE : 0U) | (r->has_ended ? WEFT_STEP_ENDED : 0U) |
           (r->is_leaf ? WEFT_STEP_LEAF : 0U) | (r->is_answer ? WEFT_STEP_ANSWER : 0U);
}

static enum weft_err add_step(struct page *p)
{
    struct weft_trace *t = p->trace;
    struct weft_around *around = &t->around;
    const struct weft_reached *r = reached_at(t, p->first + p->count + p->chunk_count);
    const uint32_t *steps = t->steps;
    weft_assert(steps != NULL); /* Chosen for steps, not for names. */
    struct weft_trace_step step = {
        .from_step = steps[r->from], .depth = r->depth, .flags = flags_of(r)};
    /* The search has seen that record: that is asked for without the store. */
    bool is_known = r->depth > 0 && t->run->reveal != NULL &&
                    weft_around_is_own_record(around, r->rel, t->search.is_forward);
    enum weft_err rv = weft_around_name(around, r->number, &step.asset);
    if (rv == WEFT_OK && !is_known) {
        rv = weft_around_is_known(around, r->number, r->depth > 0, &is_known);
    }
    if (rv == WEFT_OK && t->wants_locations && r->is_answer) {
        rv = weft_trace_locate(t, weft_around_asset(around, r->number), &step);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    step.flags |= is_known ? 0U : WEFT_STEP_DANGLING;
    if (r->depth > 0) {
        const struct weft_ref ref = weft_around_place(around, r->evidence);
        step.rel = p->rels[r->rel];
        step.index = ref.index;
        step.ordinal = ref.ordinal;
        step.at_ns = ref.at_ns;
        p->readings[p->reading_count++] = (struct reading){ref, p->chunk_count};
    }
    p->chunk[p->chunk_count++] = step;
    return WEFT_OK;
}

/* The chunk's steps behind those that are packed. */
static enum weft_err pack_chunk(struct page *p)
{
    struct weft_packed_steps steps = {.number = p->first + p->count};
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; i < p->chunk_count && rv == WEFT_OK; i++) {
        rv = weft_packed_add_step(&p->steps, &steps, &p->chunk[i]);
        rv = rv == WEFT_OK ? WEFT_OK : weft_fail(p->trace->run->msg, rv, "the steps of a trace");
    }
    return rv;
}

/* The next `count` steps, whose records are read in the order of the log. *ret_fits false: they
 * would make the answer too large, and the page is as it was. */
static enum weft_err add_chunk(struct page *p, uint32_t count, bool *ret_fits)
{
    const size_t steps_size = p->steps.size, records_size = p->records.size;
    const uint32_t record_count = p->record_count;
    const struct weft_labels_tally tally = p->trace->run->view->tally;
    enum weft_err rv = WEFT_OK;
    p->reading_count = p->chunk_count = 0;
    weft_arena_reset(&p->scratch);
    for (uint32_t i = 0; i < count && rv == WEFT_OK; i++) {
        prefetch(p->trace, p->first + p->count + i);
        rv = add_step(p);
    }
    qsort(p->readings, p->reading_count, sizeof(*p->readings), compare_readings);
    for (uint32_t i = 0; i < p->reading_count; i++) {
        p->refs[i] = p->readings[i].ref;
    }
    weft_loader_expect(&p->trace->run->loader, p->refs, p->reading_count);
    *ret_fits = true;
    for (uint32_t i = 0; i < p->reading_count && rv == WEFT_OK && *ret_fits;) {
        rv = read_record(p, i, &i);
        *ret_fits = p->steps.size + p->records.size <= PAGE_SIZE_MAX;
    }
    rv = rv == WEFT_OK && *ret_fits ? pack_chunk(p) : rv;
    *ret_fits = *ret_fits && p->steps.size + p->records.size <= PAGE_SIZE_MAX;
    if (*ret_fits) {
        p->count += count;
    } else {
        weft_assert(count > 1); /* A single record fits into an answer: proto/limits.h. */
        p->steps.size = steps_size;
        p->records.size = records_size;
        p->record_count = record_count;
        p->trace->run->view->tally = tally;
    }
    return rv;
}

/* Chunk by chunk until it is a page, or what was asked for; a chunk that does not fit any more is
 * tried by halves. */
static enum weft_err fill(struct page *p, uint32_t limit)
{
    const struct weft_query *query = p->trace->run->query;
    size_t size = query->limit != 0 ? PAGE_SIZE_MAX : PAGE_SIZE;
    uint32_t chunk = query->with_records ? CHUNK_STEPS / 2 : CHUNK_STEPS;
    enum weft_err rv = WEFT_OK;
    while (
        rv == WEFT_OK && p->count < limit && chunk > 0 && p->steps.size + p->records.size < size) {
        bool fits;
        chunk = chunk < limit - p->count ? chunk : limit - p->count;
        rv = add_chunk(p, chunk, &fits);
        chunk = fits ? chunk : chunk / 2;
    }
    return rv;
}

/* Into the arena, for as long as the answer lives. */
static enum weft_err keep_packed(
    struct weft_run *run, const struct weft_buffer *buffer, struct weft_packed *ret_packed)
{
    uint8_t *copy = weft_arena_alloc(run->arena, buffer->size);
    if (copy == NULL) {
        return no_memory(run);
    }
    if (buffer->size > 0) {
        memcpy(copy, buffer->data, buffer->size);
    }
    ret_packed->bytes = (struct weft_bytes){copy, buffer->size};
    return WEFT_OK;
}

/* The names of the query's own rels go with the trace, those of the vocabulary stay. */
static enum weft_err keep_rels(struct page *p)
{
    const struct weft_around *around = &p->trace->around;
    enum weft_err rv = WEFT_OK;
    for (uint32_t rel = 0; rel < around->rel_count && rv == WEFT_OK; rel++) {
        p->rels[rel] = around->rels[rel].name;
        rv = rel >= WEFT_AROUND_OTHER_FIRST ? keep_text(p, p->trace->run->arena, &p->rels[rel])
                                            : WEFT_OK;
    }
    return rv;
}

/* Its chunks are large, and written before they are read. Records go where the view keeps those of
 * its answer, without a copy. */
static void page_init(struct page *p, struct weft_trace *t, uint32_t first)
{
    struct weft_view *view = t->run->view;
    p->trace = t;
    p->first = first;
    p->count = p->record_count = p->chunk_count = p->reading_count = 0;
    p->steps = (struct weft_buffer){.size = 0};
    p->scratch = (struct weft_arena){.size_max = SCRATCH_SIZE_MAX};
    p->records = view->packed;
    p->records.size_max = 0; /* What fits is asked for after each record. */
    view->packed = (struct weft_buffer){.size = 0};
}

static enum weft_err steps_page(struct weft_trace *t, uint32_t first, uint32_t limit)
{
    struct weft_run *run = t->run;
    limit = limit < WEFT_TRACE_STEPS_MAX ? limit : WEFT_TRACE_STEPS_MAX;
    limit = limit < t->count - first ? limit : t->count - first;
    struct page *p = malloc(sizeof(*p));
    if (p == NULL) {
        return no_memory(run);
    }
    page_init(p, t, first);
    enum weft_err rv = keep_rels(p);
    rv = rv == WEFT_OK ? fill(p, limit) : rv;
    if (rv == WEFT_OK && first + p->count < t->count) {
        rv = weft_run_stop(run, &(struct weft_ref){.index = first + p->count});
    }
    rv = rv == WEFT_OK ? keep_packed(run, &p->steps, &run->trace->steps) : rv;
    run->trace->steps.count = p->count;
    run->trace->records = (struct weft_packed){{p->records.data, p->records.size}, p->record_count};
    run->view->packed = p->records;
    weft_buffer_destroy(&p->steps);
    weft_arena_destroy(&p->scratch);
    free(p);
    return rv;
}

/* --- the page -------------------------------------------------------------------------------- */

enum weft_err weft_trace_page(struct weft_trace *trace)
{
    struct weft_run *run = trace->run;
    const struct weft_search *search = &trace->search;
    uint32_t wanted = run->query->first_step;
    uint64_t first = !run->has_after ? 0 : wanted != 0 ? wanted : run->after.index;
    uint32_t limit = run->query->limit != 0 ? run->query->limit : WEFT_TRACE_IDS_MAX;
    if (first > trace->count) {
        return weft_fail(run->msg, WEFT_EINVAL, "the answer has no step %u", (uint32_t)first);
    }
    run->trace->first_step = (uint32_t)first;
    run->trace->steps_total = trace->count;
    run->trace->answers_total = trace->answer_count;
    run->trace->depth_reached = trace->depth_reached;
    run->trace->has_cycles = search->has_cycles;
    return run->query->ids_only ? names_page(trace, (uint32_t)first, limit)
                                : steps_page(trace, (uint32_t)first, limit);
}
