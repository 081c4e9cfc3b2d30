#include "node/state/cells_code.h"

#include "proto/octets.h"

/* One function goes through the parts of each type, for both directions. */
struct coder {
    struct weft_buffer *out; /* NULL: it reads. */
    struct weft_octets in;
    struct weft_arena *arena;
    enum weft_err err;
};

static void put(struct coder *c, const void *bytes, size_t size)
{
    if (c->err == WEFT_OK) {
        c->err = weft_buffer_append(c->out, bytes, size);
    }
}

static void code_number(struct coder *c, uint64_t *number)
{
    uint8_t bytes[WEFT_VARINT_SIZE_MAX];
    if (c->out != NULL) {
        put(c, bytes, (size_t)(weft_put_varint(bytes, *number) - bytes));
    } else {
        *number = weft_octets_varint(&c->in);
    }
}

static void code_word32(struct coder *c, uint32_t *number)
{
    uint64_t wide = *number;
    code_number(c, &wide);
    c->in.is_bad = c->in.is_bad || wide > UINT32_MAX;
    *number = (uint32_t)wide;
}

static void code_time(struct coder *c, int64_t *time_ns)
{
    uint8_t bytes[8];
    if (c->out != NULL) {
        weft_put_le64(bytes, (uint64_t)*time_ns);
        put(c, bytes, sizeof(bytes));
    } else {
        *time_ns = (int64_t)weft_octets_le64(&c->in);
    }
}

static void code_byte(struct coder *c, uint8_t *byte)
{
    const uint8_t *from = c->out == NULL ? weft_octets_bytes(&c->in, 1) : NULL;
    if (c->out != NULL) {
        put(c, byte, 1);
    } else {
        *byte = from != NULL ? *from : 0;
    }
}

static void code_flag(struct coder *c, bool *flag)
{
    uint8_t byte = *flag;
    code_byte(c, &byte);
    c->in.is_bad = c->in.is_bad || byte > 1;
    *flag = byte == 1;
}

static void code_text(struct coder *c, struct weft_text *text)
{
    if (c->out != NULL) {
        uint64_t size = text->size;
        code_number(c, &size);
        put(c, text->data, text->size);
    } else {
        *text = weft_octets_text(&c->in);
    }
}

/* So many, one behind the other: digests are bytes. */
static void code_digests(struct coder *c, const struct weft_digest **digests, uint32_t count)
{
    size_t size = (size_t)count * WEFT_DIGEST_SIZE;
    if (c->out != NULL) {
        put(c, *digests, size);
    } else {
        *digests = (const struct weft_digest *)weft_octets_bytes(&c->in, size);
    }
}

static void code_digest(struct coder *c, struct weft_digest *digest)
{
    const struct weft_digest *at = digest;
    code_digests(c, &at, 1);
    if (c->out == NULL && at != NULL) {
        *digest = *at;
    }
}

static void code_name(struct coder *c, struct weft_subject_name *name)
{
    code_text(c, &name->authority);
    code_text(c, &name->kind);
    code_text(c, &name->key);
}

static void code_revision(struct coder *c, struct weft_cell_revision *revision)
{
    code_number(c, &revision->epoch);
    code_number(c, &revision->index);
    code_word32(c, &revision->ordinal);
}

/* --- the types ------------------------------------------------------------------------------- */

static void code_word(struct coder *c, struct weft_cells_word *word)
{
    struct weft_cell_statement *s = &word->statement;
    uint8_t act = (uint8_t)s->act;
    code_byte(c, &act);
    c->in.is_bad = c->in.is_bad || act > WEFT_CELL_RETRACT;
    s->act = (enum weft_cell_act)act;
    code_text(c, &s->author);
    code_revision(c, &s->revision);
    code_time(c, &s->time_ns);
    code_flag(c, &s->is_withheld);
    code_text(c, &s->value);
    code_word32(c, &s->name_count);
    code_digests(c, &s->names, s->name_count);
    code_text(c, &word->kind);
    code_text(c, &word->group);
    code_byte(c, &word->rule);
    c->in.is_bad = c->in.is_bad || word->rule >= WEFT_CELL_RULES;
}

static void code_groups(struct coder *c, struct weft_cells_place *place)
{
    if (c->out != NULL) {
        for (uint32_t i = 0; i < place->group_count; i++) {
            struct weft_text group = place->groups[i];
            code_text(c, &group);
        }
        return;
    }
    c->in.is_bad = c->in.is_bad || place->group_count > (size_t)(c->in.end - c->in.p);
    uint32_t count = c->in.is_bad ? 0 : place->group_count;
    struct weft_text *groups = weft_arena_array(c->arena, count, sizeof(*groups));
    if (groups == NULL) {
        c->err = WEFT_ENOMEM;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        code_text(c, &groups[i]);
    }
    place->groups = groups;
}

static void code_place(struct coder *c, struct weft_cells_place *place)
{
    code_byte(c, &place->party);
    code_flag(c, &place->is_act);
    code_number(c, &place->sequence);
    code_text(c, &place->kind);
    code_text(c, &place->asset);
    code_digest(c, &place->subject);
    code_word32(c, &place->group_count);
    code_groups(c, place);
    code_word32(c, &place->edge_count);
    c->in.is_bad = c->in.is_bad || place->edge_count > UINT32_MAX / 2;
    if (!c->in.is_bad) {
        code_digests(c, &place->edges, 2 * place->edge_count);
    }
}

static void code_subject(struct coder *c, struct weft_cells_subject *subject)
{
    code_name(c, &subject->name);
    code_flag(c, &subject->is_known);
    code_flag(c, &subject->is_unnamed);
    code_word32(c, &subject->cell_count);
    const size_t size = (size_t)subject->cell_count * sizeof(subject->cells[0]);
    if (c->out != NULL) {
        put(c, subject->cells, size);
    } else {
        subject->cells = (const struct weft_cells_standing *)weft_octets_bytes(&c->in, size);
    }
}

static void code_pair(struct coder *c, struct weft_cells_pair *pair)
{
    code_byte(c, &pair->status);
    code_name(c, &pair->names[0]);
    code_name(c, &pair->names[1]);
    c->in.is_bad = c->in.is_bad || pair->status > WEFT_ALIAS_DENIED;
}

static void code_edge(struct coder *c, struct weft_cells_edge *edge)
{
    code_digest(c, &edge->parent);
    code_digest(c, &edge->child);
    code_flag(c, &edge->is_dangling);
}

static void code_dispute(struct coder *c, struct weft_cells_dispute *dispute)
{
    code_digest(c, &dispute->id);
    code_flag(c, &dispute->is_edge);
    code_digest(c, &dispute->subject);
    code_digest(c, &dispute->child);
    code_text(c, &dispute->kind);
    code_text(c, &dispute->group);
}

static void code_task(struct coder *c, struct weft_cells_task *task)
{
    code_byte(c, &task->kind);
    code_digest(c, &task->target);
    code_byte(c, &task->stage);
    code_text(c, &task->from);
    c->in.is_bad = c->in.is_bad || task->kind > WEFT_CELLS_TASK_EDGES;
}

static void code_counts(struct coder *c, struct weft_cells_counts *counts)
{
    code_number(c, &counts->statements);
    code_number(c, &counts->disputes);
    code_number(c, &counts->proposed);
    code_number(c, &counts->joined);
    code_number(c, &counts->unnamed);
    code_number(c, &counts->left_over);
    code_number(c, &counts->dangling);
    code_number(c, &counts->tasks);
    code_number(c, &counts->next_task);
}

static void code_handoff(struct coder *c, struct weft_handoff_statement *statement)
{
    struct weft_handoff *h = &statement->handoff;
    code_text(c, &statement->author);
    code_revision(c, &statement->revision);
    code_text(c, &h->kind);
    code_text(c, &h->group);
    code_text(c, &h->from);
    code_text(c, &h->to);
    code_number(c, &h->epoch);
    code_revision(c, &h->until);
}

static void code_alias_word(struct coder *c, struct weft_alias_word *word)
{
    code_text(c, &word->author);
    code_revision(c, &word->revision);
    code_flag(c, &word->is_denied);
}

/* --- both directions ------------------------------------------------------------------------- */

static enum weft_err end_encode(const struct coder *c, struct weft_msg *msg)
{
    return c->err == WEFT_OK ? WEFT_OK : weft_fail(msg, c->err, "a row of cells");
}

static enum weft_err end_decode(const struct coder *c, const char *what, struct weft_msg *msg)
{
    if (c->err != WEFT_OK) {
        return weft_fail(msg, c->err, "%s of cells", what);
    }
    return c->in.is_bad || c->in.p != c->in.end
               ? weft_fail(msg, WEFT_ECORRUPT, "%s of cells is damaged", what)
               : WEFT_OK;
}

#define CODE(what, noun, text)                                                                     \
    enum weft_err weft_cells_##what##_encode(                                                      \
        const struct weft_##noun *value, struct weft_buffer *out, struct weft_msg *msg)            \
    {                                                                                              \
        struct coder c = {.out = out};                                                             \
        struct weft_##noun copy = *value;                                                          \
        weft_buffer_clear(out);                                                                    \
        code_##what(&c, &copy);                                                                    \
        return end_encode(&c, msg);                                                                \
    }                                                                                              \
    enum weft_err weft_cells_##what##_decode(struct weft_bytes bytes, struct weft_arena *arena,    \
        struct weft_##noun *ret_value, struct weft_msg *msg)                                       \
    {                                                                                              \
        struct coder c = {.in = weft_octets_of(bytes), .arena = arena};                            \
        *ret_value = (struct weft_##noun){0};                                                      \
        code_##what(&c, ret_value);                                                                \
        return end_decode(&c, text, msg);                                                          \
    }

CODE(word, cells_word, "a word")
CODE(place, cells_place, "a statement's place")
CODE(subject, cells_subject, "a subject")
CODE(pair, cells_pair, "a pair")
CODE(edge, cells_edge, "an edge")
CODE(dispute, cells_dispute, "a dispute")
CODE(task, cells_task, "a task")
CODE(counts, cells_counts, "counts")
CODE(handoff, handoff_statement, "a handoff")
CODE(alias_word, alias_word, "a word on an alias")
