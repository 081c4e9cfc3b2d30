/* A statement goes to the cells that it is of; an act to what it is about. */
#include "node/mutant.h"
#include "node/state/cells_parts.h"
#include "proto/check.h"

/* One statement under way. */
struct filing {
    struct weft_cells_work *w;
    const struct weft_cells_statement *statement;
    struct weft_projection projection;
    struct weft_digest subject;
    struct weft_text *groups; /* Of the cells that it went to; in the arena. */
    uint32_t group_count;
    struct weft_digest *edges; /* Two of each. */
    uint32_t edge_count;
    bool is_act;
    bool is_again; /* It was told before: its rows go first. */
    bool is_new;   /* Its subject is: it has no cells yet. */
};

static enum weft_err no_memory(struct weft_cells_work *w)
{
    return weft_fail(w->msg, WEFT_ENOMEM, "file a statement");
}

/* --- subjects -------------------------------------------------------------------------------- */

enum weft_err weft_cells_note_subject(struct weft_cells_work *w, const struct weft_digest *subject,
    const struct weft_subject_name *name, bool is_known, bool is_unnamed, bool *ret_is_new)
{
    struct weft_cells_subject now = {*name, is_known, is_unnamed, 0, NULL}, before;
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_SUBJECTS, subject, NULL);
    const uint64_t hash = weft_cells_subject_hash(w->agreement, subject);
    /* Most that partners state is about a thing that is new; the store takes long to say so. */
    enum weft_err err = weft_filter_may_hold(&w->cells->subjects, hash)
                            ? weft_cells_subject(&w->desk, subject, &before)
                            : WEFT_ENOTFOUND;
    bool is_new = err == WEFT_ENOTFOUND;
    *ret_is_new = is_new;
    if (err != WEFT_OK && !is_new) {
        return err;
    }
    if (is_new) {
        weft_filter_add(&w->cells->subjects, hash);
    } else {
        now.is_known = now.is_known || before.is_known;
        now.is_unnamed = now.is_unnamed || before.is_unnamed;
        if (now.is_known == before.is_known && now.is_unnamed == before.is_unnamed) {
            return WEFT_OK;
        }
        now.cell_count = before.cell_count;
        now.cells = before.cells;
    }
    err = weft_cells_store(w, &key, weft_cells_subject_encode(&now, &w->cells->buffer, w->msg));
    if (err == WEFT_OK && now.is_unnamed && (is_new || !before.is_unnamed)) {
        err = weft_cells_note_unnamed(w, subject);
    }
    if (err == WEFT_OK && now.is_known && !is_new && !before.is_known) {
        err = weft_cells_refile_set(w, subject); /* They dangle no more; at what is new are none. */
    }
    return err;
}

/* --- cells ----------------------------------------------------------------------------------- */

static struct weft_key word_key(struct weft_cells_work *w, const struct weft_digest *subject,
    const uint8_t kg[WEFT_CELLS_KG_SIZE], const struct weft_digest *statement)
{
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_WORDS, subject, NULL);
    weft_cells_key_add(&key, kg, WEFT_CELLS_KG_SIZE);
    if (statement != NULL) {
        weft_cells_key_digest(&key, statement);
    }
    return key;
}

/* What the kg is of is told once in an agreement. */
static enum weft_err note_group(struct weft_cells_work *w, struct weft_text kind,
    struct weft_text group, const uint8_t kg[WEFT_CELLS_KG_SIZE])
{
    uint8_t *known = w->agreement->known[kg[0] % WEFT_CELLS_KNOWN];
    struct weft_buffer *b = &w->cells->buffer;
    struct weft_key key = weft_cells_desk_key(&w->desk, WEFT_CELLS_GROUPS);
    bool has;
    if (memcmp(known, kg, WEFT_CELLS_KG_SIZE) == 0) {
        return WEFT_OK;
    }
    weft_cells_key_add(&key, kg, WEFT_CELLS_KG_SIZE);
    enum weft_err err = weft_cells_rows_has(&w->cells->rows, &key, &has, w->msg);
    if (err == WEFT_OK && !has) {
        weft_buffer_clear(b);
        if (weft_buffer_text(b, kind) != WEFT_OK ||
            weft_buffer_text(b, WEFT_TEXT("\n")) != WEFT_OK ||
            weft_buffer_text(b, group) != WEFT_OK) {
            return no_memory(w);
        }
        err = weft_cells_store(w, &key, WEFT_OK);
    }
    if (err == WEFT_OK) {
        memcpy(known, kg, WEFT_CELLS_KG_SIZE);
    }
    return err;
}

/* A value that is too long for a cell stands there by its digest: both sides do so. */
static void shorten(struct weft_cell_statement *s, char ret_text[1 + WEFT_DIGEST_TEXT_SIZE])
{
    if (s->value.size > WEFT_CELLS_VALUE_SIZE_MAX) {
        struct weft_digest digest = weft_sha256(s->value.data, s->value.size);
        ret_text[0] = '@';
        weft_digest_format(&digest, ret_text + 1);
        s->value = weft_text_of(ret_text);
    }
}

static enum weft_err encode_word(struct weft_cells_work *w, const struct weft_cells_word *word)
{
    char text[1 + WEFT_DIGEST_TEXT_SIZE];
    struct weft_cells_word copy = *word;
    shorten(&copy.statement, text);
    return weft_cells_word_encode(&copy, &w->cells->buffer, w->msg);
}

/* The fault that a cell has what came last (tests/mutants). */
static enum weft_err overwrite(struct weft_cells_work *w, const struct weft_key *prefix)
{
    struct weft_cells_cursor cursor;
    if (!weft_node_mutant(WEFT_NODE_MUTANT_CELL_OVERWRITTEN)) {
        return WEFT_OK;
    }
    enum weft_err err = weft_cells_cursor_open(&w->cells->rows, prefix, NULL, &cursor, w->msg);
    while (err == WEFT_OK && weft_cells_cursor_next(&cursor)) {
        struct weft_key key = {.size = cursor.key.size};
        memcpy(key.bytes, cursor.key.data, key.size);
        err = weft_cells_rows_erase(&w->cells->rows, &key, w->msg);
    }
    return err == WEFT_OK ? weft_cells_cursor_close(&cursor, err) : err;
}

static enum weft_err file_part(struct filing *f, const struct weft_intake_part *part)
{
    uint8_t kg[WEFT_CELLS_KG_SIZE];
    struct weft_cells_work *w = f->w;
    const struct weft_text kind = f->projection.header.kind;
    const struct weft_cells_word word = {.statement = part->statement, .kind = kind};
    weft_cells_kg(kind, part->group, kg);
    struct weft_key cell = word_key(w, &f->subject, kg, NULL);
    struct weft_key key = word_key(w, &f->subject, kg, &part->statement.digest);
    enum weft_err err = overwrite(w, &cell);
    if (err == WEFT_OK) {
        err = weft_cells_store(w, &key, encode_word(w, &word));
    }
    if (err == WEFT_OK) {
        err = note_group(w, kind, part->group, kg);
    }
    f->groups[f->group_count++] = part->group;
    if (err != WEFT_OK) {
        return err;
    }
    return weft_cells_spoil_known(w, &f->subject, kg, kind, part->group, f->is_new);
}

/* --- acts about statements ------------------------------------------------------------------- */

/* An act goes to the cells of a statement that it names: a resolution to those of its kind and
 * group. */
static enum weft_err file_act(struct weft_cells_work *w, const struct weft_digest *act,
    const struct weft_cells_word *word, const struct weft_cells_place *place)
{
    enum weft_err err = WEFT_OK;
    bool is_resolution = word->statement.act == WEFT_CELL_RESOLVE;
    bool is_of_kind = !is_resolution || weft_text_equal(word->kind, place->kind);
    bool is_of_edges = !is_resolution || weft_text_is(word->kind, WEFT_CELLS_EDGE_KIND);
    for (uint32_t i = 0; err == WEFT_OK && is_of_kind && i < place->group_count; i++) {
        uint8_t kg[WEFT_CELLS_KG_SIZE];
        if (is_resolution && !weft_text_equal(word->group, place->groups[i])) {
            continue;
        }
        weft_cells_kg(place->kind, place->groups[i], kg);
        struct weft_key key = word_key(w, &place->subject, kg, act);
        err = weft_cells_mark(w, &key);
        err = err == WEFT_OK ? weft_cells_spoil(w, &place->subject, kg) : err;
    }
    for (uint32_t i = 0; err == WEFT_OK && is_of_edges && i < place->edge_count; i++) {
        const struct weft_digest *ends = &place->edges[2 * (size_t)i];
        struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_EDGE_WORDS, ends, ends + 1);
        weft_cells_key_digest(&key, act);
        err = weft_cells_mark(w, &key);
        err = err == WEFT_OK ? weft_cells_refile_edge(w, ends, ends + 1) : err;
    }
    return err;
}

static enum weft_err read_act(struct weft_cells_work *w, const struct weft_digest *act,
    struct weft_arena *arena, struct weft_cells_word *ret_word)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_ACTS, act, NULL);
    enum weft_err err = weft_cells_rows_get(&w->cells->rows, &key, &value, w->msg);
    if (err != WEFT_OK) {
        return err == WEFT_ENOTFOUND
                   ? weft_fail(w->msg, WEFT_ECORRUPT, "an act in the state is missing")
                   : err;
    }
    uint8_t *copy = weft_arena_alloc(arena, value.bytes.size);
    if (copy == NULL) {
        err = no_memory(w);
    } else {
        memcpy(copy, value.bytes.data, value.bytes.size);
        err = weft_cells_word_decode(
            (struct weft_bytes){copy, value.bytes.size}, arena, ret_word, w->msg);
    }
    weft_store_release(&value);
    return err;
}

/* Acts that came before what they name. */
static enum weft_err file_waiting(struct filing *f, const struct weft_cells_place *place)
{
    struct weft_cells_work *w = f->w;
    const struct weft_digest *named = &f->statement->digest;
    struct weft_arena scratch = {.size_max = WEFT_CELLS_MEMORY_MAX};
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_key_of(&w->desk, WEFT_CELLS_NAMED_BY, named, NULL);
    if (w->agreement->lacks_named) {
        return WEFT_OK;
    }
    enum weft_err err = weft_cells_cursor_open(&w->cells->rows, &prefix, NULL, &cursor, w->msg);
    if (err != WEFT_OK) {
        return err;
    }
    while (err == WEFT_OK && weft_cells_cursor_next(&cursor)) {
        struct weft_bytes rest = weft_cells_cursor_rest(&cursor);
        struct weft_cells_word word;
        struct weft_digest act;
        if (rest.size != WEFT_DIGEST_SIZE) {
            err = weft_fail(w->msg, WEFT_ECORRUPT, "an act in the state is damaged");
            break;
        }
        memcpy(act.bytes, rest.data, WEFT_DIGEST_SIZE);
        weft_arena_reset(&scratch);
        err = read_act(w, &act, &scratch, &word);
        err = err == WEFT_OK ? file_act(w, &act, &word, place) : err;
    }
    weft_arena_destroy(&scratch);
    return weft_cells_cursor_close(&cursor, err);
}

static enum weft_err take_about(struct filing *f, const struct weft_intake_act *act)
{
    struct weft_cells_work *w = f->w;
    const struct weft_digest *digest = &f->statement->digest;
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_ACTS, digest, NULL);
    struct weft_cells_word word = {.statement = act->statement, .kind = f->projection.header.kind};
    if (act->act.kind == WEFT_ACT_RESOLUTION) {
        word.kind = act->act.resolution.kind;
        word.group = act->act.resolution.group;
    }
    enum weft_err err = weft_cells_store(w, &key, encode_word(w, &word));
    for (uint32_t i = 0; err == WEFT_OK && i < word.statement.name_count; i++) {
        const struct weft_digest *named = &word.statement.names[i];
        struct weft_cells_place place;
        key = weft_cells_key_of(&w->desk, WEFT_CELLS_NAMED_BY, named, digest);
        w->agreement->lacks_named = false;
        err = weft_cells_mark(w, &key);
        if (err == WEFT_OK) {
            err = weft_cells_place(&w->desk, named, &place);
            err = err == WEFT_OK ? file_act(w, digest, &word, &place) : err;
            err = err == WEFT_ENOTFOUND ? WEFT_OK : err; /* It waits for it. */
        }
    }
    return err;
}

static bool is_same_term(
    const struct weft_cell_authority_term *a, const struct weft_cell_authority_term *b)
{
    return weft_text_equal(a->holder, b->holder) && a->number == b->number &&
           weft_cell_revision_compare(a->since, b->since) == 0 && a->has_end == b->has_end &&
           (!a->has_end || weft_cell_revision_compare(a->until, b->until) == 0);
}

static bool is_same_authority(
    const struct weft_cell_authority *a, const struct weft_cell_authority *b)
{
    bool is_same = a->count == b->count && a->is_forked == b->is_forked;
    for (uint32_t i = 0; is_same && i < a->count; i++) {
        is_same = is_same_term(&a->terms[i], &b->terms[i]);
    }
    return is_same;
}

/* One that moves nothing (yet: the other holder has not said so) costs nothing. Edges go by the
 * authority for all fields. */
static enum weft_err take_handoff(struct filing *f, const struct weft_handoff_statement *statement)
{
    struct weft_cells_work *w = f->w;
    const struct weft_handoff *h = &statement->handoff;
    struct weft_cells_task task = {.kind = WEFT_CELLS_TASK_GROUP};
    struct weft_key key = weft_cells_desk_key(&w->desk, WEFT_CELLS_HANDOFFS);
    struct weft_cell_authority *both = weft_arena_array(&w->cells->arena, 2, sizeof(*both));
    if (both == NULL) {
        return no_memory(w);
    }
    weft_cells_kg(h->kind, h->group, task.target.bytes);
    task.target.bytes[WEFT_CELLS_KG_SIZE] = h->group.size == 0;
    weft_cells_key_add(&key, task.target.bytes, WEFT_CELLS_KG_SIZE);
    weft_cells_key_digest(&key, &statement->digest);
    enum weft_err err = weft_cells_authority(&w->desk, h->kind, h->group, &both[0]);
    w->agreement->lacks_handoffs = false;
    if (err == WEFT_OK) {
        err = weft_cells_store(
            w, &key, weft_cells_handoff_encode(statement, &w->cells->buffer, w->msg));
    }
    if (err == WEFT_OK) {
        err = weft_cells_authority(&w->desk, h->kind, h->group, &both[1]);
    }
    return err == WEFT_OK && !is_same_authority(&both[0], &both[1]) ? weft_cells_add_task(w, &task)
                                                                    : err;
}

/* A step is kept as it is shown: it is folded when somebody asks (query_cells.c). */
static enum weft_err take_step(struct filing *f, const struct weft_intake_act *act)
{
    struct weft_cells_work *w = f->w;
    const struct weft_step *step = &act->act.step;
    const struct weft_cells_word word = {
        .statement = {.act = WEFT_CELL_SAY,
            .author = act->step.author,
            .revision = {f->projection.header.epoch, f->projection.header.index,
                f->projection.header.ordinal},
            .time_ns = f->projection.header.time_ns,
            .value = step->step,
            .names = step->after.items,
            .name_count = step->after.count},
        .kind = step->workflow};
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_STEPS, &step->subject, NULL);
    uint8_t kg[WEFT_CELLS_KG_SIZE];
    weft_cells_kg(step->workflow, (struct weft_text){NULL, 0}, kg);
    weft_cells_key_add(&key, kg, sizeof(kg));
    weft_cells_key_digest(&key, &f->statement->digest);
    return weft_cells_store(w, &key, weft_cells_word_encode(&word, &w->cells->buffer, w->msg));
}

/* --- statements ------------------------------------------------------------------------------ */

static enum weft_err leave_over(struct filing *f, const char *why)
{
    struct weft_cells_work *w = f->w;
    struct weft_key key =
        weft_cells_key_of(&w->desk, WEFT_CELLS_LEFT_OVER, &f->statement->digest, NULL);
    bool has;
    enum weft_err err = weft_cells_rows_has(&w->cells->rows, &key, &has, w->msg);
    if (err == WEFT_OK && !has) {
        weft_cells_count(w, &w->agreement->counts.left_over, true);
        err = weft_cells_rows_put(&w->cells->rows, &key, why, strlen(why), w->msg);
    }
    return err;
}

static enum weft_err take_act(struct filing *f)
{
    struct weft_intake_act act;
    struct weft_msg why = {""};
    f->is_act = true;
    if (f->is_again) {
        return WEFT_OK; /* What an act says is not about things; it stays as it was. */
    }
    enum weft_err err =
        weft_intake_act(&f->projection, &f->statement->digest, &f->w->cells->arena, &act, &why);
    if (err == WEFT_ENOMEM) {
        return no_memory(f->w);
    }
    if (err != WEFT_OK) {
        return leave_over(f, why.text);
    }
    switch (act.act.kind) {
    case WEFT_ACT_RESOLUTION:
    case WEFT_ACT_RETRACT:
        return take_about(f, &act);
    case WEFT_ACT_HANDOFF:
        return take_handoff(f, &act.handoff);
    case WEFT_ACT_ALIAS:
        return weft_cells_take_alias(f->w, &act);
    case WEFT_ACT_STEP:
        return take_step(f, &act);
    case WEFT_ACT_RECALL:
    case WEFT_ACT_IMPACT:
    case WEFT_ACT_ACKNOWLEDGEMENT:
        return weft_cells_take_recall(f->w, f->statement, &f->projection, &act);
    case WEFT_ACT_KINDS:
        break;
    }
    weft_unreachable("FED-121");
}

/* A component that its document has no serial number of (ops/import/qif.c says so of it). */
static bool has_serial(const struct weft_projection *projection)
{
    const struct weft_projection_item *item =
        weft_projection_find(projection, WEFT_TEXT("identity/serial_missing"));
    return item == NULL || item->shape != WEFT_PROJECTION_SHOWN ||
           weft_text_is(item->value, "false");
}

static enum weft_err take_parts(struct filing *f)
{
    struct weft_arena *arena = &f->w->cells->arena;
    struct weft_intake_part *parts;
    uint32_t count;
    struct weft_msg why = {""};
    enum weft_err err = weft_intake_parts(
        f->statement->contract, &f->projection, &f->statement->digest, arena, &parts, &count, &why);
    if (err != WEFT_OK) {
        return err == WEFT_ENOMEM ? no_memory(f->w) : leave_over(f, why.text);
    }
    f->groups = weft_arena_array(arena, count, sizeof(*f->groups));
    if (f->groups == NULL) {
        return no_memory(f->w);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        err = file_part(f, &parts[i]);
    }
    return err;
}

static enum weft_err take_edges(struct filing *f)
{
    struct weft_arena *arena = &f->w->cells->arena;
    struct weft_intake_edge *edges;
    uint32_t count;
    struct weft_msg why = {""};
    enum weft_err err = weft_intake_edges(
        f->statement->contract, &f->projection, &f->statement->digest, arena, &edges, &count, &why);
    if (err != WEFT_OK) {
        return err == WEFT_ENOMEM ? no_memory(f->w) : leave_over(f, why.text);
    }
    f->edges = weft_arena_array(arena, 2 * (size_t)count, sizeof(*f->edges));
    if (f->edges == NULL) {
        return no_memory(f->w);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        err = weft_cells_take_edge(
            f->w, &edges[i], f->projection.header.kind, &f->edges[2 * (size_t)f->edge_count]);
        f->edge_count++;
    }
    return err;
}

static enum weft_err take_record(struct filing *f)
{
    char key[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name name;
    enum weft_subject_place place = weft_cells_name_thing(f->projection.header.authority,
        f->projection.asset, has_serial(&f->projection), &f->statement->digest, key, &name);
    if (place == WEFT_SUBJECT_TO_QUARANTINE) {
        return leave_over(f, "what it is about has no name that a thing may have");
    }
    f->subject = weft_subject_of(&name);
    enum weft_err err = weft_cells_note_subject(
        f->w, &f->subject, &name, true, place == WEFT_SUBJECT_TO_CONFIRM, &f->is_new);
    if (err == WEFT_OK) {
        err = take_parts(f);
    }
    return err == WEFT_OK ? take_edges(f) : err;
}

/* --- filing ---------------------------------------------------------------------------------- */

/* It was told before: what it said goes, and its cells are judged without it. */
static enum weft_err unfile(struct filing *f, const struct weft_cells_place *place)
{
    struct weft_cells_work *w = f->w;
    const struct weft_digest *digest = &f->statement->digest;
    enum weft_err err = WEFT_OK;
    f->is_again = true;
    for (uint32_t i = 0; err == WEFT_OK && i < place->group_count; i++) {
        uint8_t kg[WEFT_CELLS_KG_SIZE];
        weft_cells_kg(place->kind, place->groups[i], kg);
        struct weft_key key = word_key(w, &place->subject, kg, digest);
        err = weft_cells_rows_erase(&w->cells->rows, &key, w->msg);
        err = err == WEFT_OK ? weft_cells_spoil(w, &place->subject, kg) : err;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < place->edge_count; i++) {
        const struct weft_digest *ends = &place->edges[2 * (size_t)i];
        struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_EDGE_WORDS, ends, ends + 1);
        weft_cells_key_digest(&key, digest);
        err = weft_cells_rows_erase(&w->cells->rows, &key, w->msg);
        err = err == WEFT_OK ? weft_cells_refile_edge(w, ends, ends + 1) : err;
    }
    return err;
}

static enum weft_err end(struct filing *f)
{
    struct weft_cells_work *w = f->w;
    const struct weft_cells_place place = {.party = (uint8_t)f->statement->party,
        .is_act = f->is_act,
        .sequence = f->statement->sequence,
        .kind = f->projection.header.kind,
        .asset = f->projection.asset,
        .subject = f->subject,
        .group_count = f->group_count,
        .groups = f->groups,
        .edge_count = f->edge_count,
        .edges = f->edges};
    struct weft_key key =
        weft_cells_key_of(&w->desk, WEFT_CELLS_STATEMENTS, &f->statement->digest, NULL);
    enum weft_err err =
        weft_cells_store(w, &key, weft_cells_place_encode(&place, &w->cells->buffer, w->msg));
    if (err == WEFT_OK && !f->is_again) {
        weft_cells_count(w, &w->agreement->counts.statements, true);
    }
    return err == WEFT_OK && !f->is_act ? file_waiting(f, &place) : err;
}

enum weft_err weft_cells_file(
    struct weft_cells_work *w, const struct weft_cells_statement *statement)
{
    struct filing f = {.w = w, .statement = statement};
    struct weft_cells_place before;
    struct weft_msg why = {""};
    enum weft_err err = statement->is_first
                            ? WEFT_ENOTFOUND
                            : weft_cells_place(&w->desk, &statement->digest, &before);
    if (err == WEFT_OK) {
        err = unfile(&f, &before);
    }
    if (err != WEFT_OK && err != WEFT_ENOTFOUND) {
        return err;
    }
    err = weft_projection_decode(statement->projection, &w->cells->arena, &f.projection, &why);
    if (err == WEFT_ENOMEM) {
        return no_memory(w);
    }
    if (err != WEFT_OK) { /* Who told it has verified it: NOD-221 all the same. */
        f.is_act = true;
        err = leave_over(&f, why.text);
    } else if (weft_act_kind_of(f.projection.header.kind) != WEFT_ACT_KINDS) {
        err = take_act(&f);
    } else {
        err = take_record(&f);
    }
    return err == WEFT_OK ? end(&f) : err;
}
