#include "federation/cells/act.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "proto/check.h"

/* --- what each kind has ---------------------------------------------------------------------- */

enum member_type {
    TEXT,    /* struct weft_text; not empty. */
    OPTION,  /* The same; empty: the field is not there. */
    NUMBER,  /* uint64_t, up to INT64_MAX: an INT of a record. */
    ORDINAL, /* uint32_t. */
    FLAG,    /* bool */
    DIGEST,  /* struct weft_digest: a TEXT "sha256:..." */
    DIGESTS, /* struct weft_act_digests: an array of them, one at least. */
    LIST,    /* The same; none: the field is not there. */
    COUNTS,  /* struct weft_act_counts: an array of NUMBERs; none: the field is not there. */
};

struct member {
    const char *path;
    enum member_type type;
    size_t offset; /* In struct weft_act. */
};

#define MEMBER(path, type, name)                                                                   \
    {                                                                                              \
        path, type, offsetof(struct weft_act, name)                                                \
    }

enum {
    MEMBERS_MAX = 8
};

static const struct kind {
    const char *name;
    uint32_t count;
    struct member members[MEMBERS_MAX];
} kinds[WEFT_ACT_KINDS] = {
    [WEFT_ACT_RESOLUTION] = {"resolution", 4,
        {MEMBER("kind", TEXT, resolution.kind), MEMBER("group", OPTION, resolution.group),
            MEMBER("value", TEXT, resolution.value), MEMBER("names", DIGESTS, resolution.names)}},
    [WEFT_ACT_RETRACT] = {"retract", 3,
        {MEMBER("reason", TEXT, retract.reason), MEMBER("names", DIGESTS, retract.names),
            MEMBER("corrections", LIST, retract.corrections)}},
    [WEFT_ACT_HANDOFF] = {"handoff", 8,
        {MEMBER("kind", TEXT, handoff.kind), MEMBER("group", OPTION, handoff.group),
            MEMBER("from", TEXT, handoff.from), MEMBER("to", TEXT, handoff.to),
            MEMBER("epoch", NUMBER, handoff.epoch),
            MEMBER("until/epoch", NUMBER, handoff.until.epoch),
            MEMBER("until/index", NUMBER, handoff.until.index),
            MEMBER("until/ordinal", ORDINAL, handoff.until.ordinal)}},
    [WEFT_ACT_ALIAS] = {"alias", 7,
        {MEMBER("a/authority", OPTION, alias.a.authority), MEMBER("a/kind", TEXT, alias.a.kind),
            MEMBER("a/key", TEXT, alias.a.key), MEMBER("b/authority", OPTION, alias.b.authority),
            MEMBER("b/kind", TEXT, alias.b.kind), MEMBER("b/key", TEXT, alias.b.key),
            MEMBER("same", FLAG, alias.is_same)}},
    [WEFT_ACT_RECALL] = {"recall", 3,
        {MEMBER("action", TEXT, recall.action), MEMBER("reason", TEXT, recall.reason),
            MEMBER("subjects", DIGESTS, recall.subjects)}},
    [WEFT_ACT_IMPACT] = {"impact", 2,
        {MEMBER("recall", DIGEST, impact.recall), MEMBER("subjects", DIGESTS, impact.subjects)}},
    [WEFT_ACT_ACKNOWLEDGEMENT] = {"acknowledgement", 8,
        {MEMBER("recall", DIGEST, acknowledgement.recall),
            MEMBER("affected", NUMBER, acknowledgement.affected),
            MEMBER("located", NUMBER, acknowledgement.located),
            MEMBER("blocked", NUMBER, acknowledgement.blocked),
            MEMBER("done", NUMBER, acknowledgement.done),
            MEMBER("awaited", NUMBER, acknowledgement.awaited),
            MEMBER("tiers", COUNTS, acknowledgement.tiers),
            MEMBER("silent", COUNTS, acknowledgement.silent)}},
    [WEFT_ACT_STEP] = {"step", 4,
        {MEMBER("workflow", TEXT, step.workflow), MEMBER("subject", DIGEST, step.subject),
            MEMBER("step", TEXT, step.step), MEMBER("after", LIST, step.after)}},
};

const char *weft_act_kind_name(enum weft_act_kind kind)
{
    weft_assert((unsigned)kind < WEFT_ACT_KINDS); /* FED-121 */
    return kinds[kind].name;
}

enum weft_act_kind weft_act_kind_of(struct weft_text name)
{
    int kind = 0;
    while (kind < WEFT_ACT_KINDS && !weft_text_is(name, kinds[kind].name)) {
        kind++;
    }
    return (enum weft_act_kind)kind;
}

static void *place_of(struct weft_act *act, const struct member *m)
{
    return (char *)act + m->offset;
}

static bool is_optional(const struct member *m)
{
    return m->type == OPTION || m->type == LIST;
}

static bool is_list(const struct member *m)
{
    return m->type == DIGESTS || m->type == LIST;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reader {
    const struct weft_record *record;
    struct weft_arena *arena;
    struct weft_msg *msg;
    uint32_t taken; /* Fields. */
};

static enum weft_err refuse(
    const struct reader *r, enum weft_err err, const struct member *m, const char *what)
{
    return weft_fail(r->msg, err, "%s: %s", m->path, what);
}

/* NULL: there is no such field. */
static const struct weft_field *find(const struct reader *r, const char *path)
{
    for (uint32_t i = 0; i < r->record->field_count; i++) {
        if (weft_text_is(r->record->fields[i].path, path)) {
            return &r->record->fields[i];
        }
    }
    return NULL;
}

static bool get_number(const struct weft_field *field, uint64_t max, uint64_t *ret_number)
{
    return field->type == WEFT_VALUE_INT && weft_text_exact_number(field->value, ret_number) &&
           *ret_number <= max;
}

static bool get_digest(const struct weft_field *field, struct weft_digest *ret_digest)
{
    return field->type == WEFT_VALUE_TEXT && weft_digest_parse(field->value, ret_digest) == WEFT_OK;
}

static bool get_scalar(const struct member *m, const struct weft_field *field, void *ret_value)
{
    uint64_t number;
    switch (m->type) {
    case TEXT:
    case OPTION:
        *(struct weft_text *)ret_value = field->value;
        return field->type == WEFT_VALUE_TEXT && field->value.size > 0;
    case NUMBER:
        return get_number(field, INT64_MAX, ret_value);
    case ORDINAL:
        if (!get_number(field, UINT32_MAX, &number)) {
            return false;
        }
        *(uint32_t *)ret_value = (uint32_t)number;
        return true;
    case FLAG:
        *(bool *)ret_value = weft_text_is(field->value, "true");
        return field->type == WEFT_VALUE_BOOL &&
               (*(bool *)ret_value || weft_text_is(field->value, "false"));
    case DIGEST:
        return get_digest(field, ret_value);
    case DIGESTS:
    case LIST:
    case COUNTS:
        break;
    }
    weft_unreachable("FED-121");
}

/* "[N]" of the fields that begin with the member's path. Each in one spelling. */
static bool get_place(struct weft_text path, const struct member *m, uint64_t *ret_number)
{
    size_t skip = strlen(m->path) + 2;
    if (path.size < skip + 2 || memcmp(path.data, m->path, skip - 2) != 0 ||
        memcmp(path.data + skip - 2, "/[", 2) != 0 || path.data[path.size - 1] != ']') {
        return false;
    }
    return weft_text_exact_number(
        (struct weft_text){path.data + skip, path.size - skip - 1}, ret_number);
}

static enum weft_err get_list(
    struct reader *r, const struct member *m, struct weft_act_digests *ret_list)
{
    uint32_t count = 0;
    uint64_t at;
    for (uint32_t i = 0; i < r->record->field_count; i++) {
        count += get_place(r->record->fields[i].path, m, &at);
    }
    if (count > WEFT_CELL_NAMES_MAX) {
        return refuse(r, WEFT_ETOOBIG, m, "more digests than one may name");
    }
    if (count == 0 && !is_optional(m)) {
        return refuse(r, WEFT_EMALFORMED, m, "is missing");
    }
    struct weft_digest *digests = weft_arena_array(r->arena, count, sizeof(*digests));
    bool *is_there = weft_arena_array(r->arena, count, sizeof(*is_there));
    if (digests == NULL || is_there == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < r->record->field_count; i++) {
        const struct weft_field *field = &r->record->fields[i];
        if (!get_place(field->path, m, &at)) {
            continue;
        }
        if (at >= count || is_there[at] || !get_digest(field, &digests[at])) {
            return refuse(r, WEFT_EMALFORMED, m, "is an array of digests");
        }
        is_there[at] = true;
    }
    for (uint32_t i = 1; i < count; i++) {
        if (memcmp(digests[i - 1].bytes, digests[i].bytes, WEFT_DIGEST_SIZE) >= 0) {
            return refuse(r, WEFT_EMALFORMED, m, "its digests are ascending, each once");
        }
    }
    r->taken += count;
    *ret_list = (struct weft_act_digests){digests, count};
    return WEFT_OK;
}

static enum weft_err get_counts(
    struct reader *r, const struct member *m, struct weft_act_counts *ret_counts)
{
    bool is_there[WEFT_ACT_TIERS_MAX] = {false};
    uint64_t at;
    *ret_counts = (struct weft_act_counts){.count = 0};
    for (uint32_t i = 0; i < r->record->field_count; i++) {
        const struct weft_field *field = &r->record->fields[i];
        if (!get_place(field->path, m, &at)) {
            continue;
        }
        if (at >= WEFT_ACT_TIERS_MAX) {
            return refuse(r, WEFT_ETOOBIG, m, "more tiers than there may be");
        }
        if (is_there[at] || !get_number(field, INT64_MAX, &ret_counts->items[at])) {
            return refuse(r, WEFT_EMALFORMED, m, "is an array of numbers");
        }
        is_there[at] = true;
        ret_counts->count++;
    }
    for (uint32_t i = 0; i < ret_counts->count; i++) {
        if (!is_there[i]) {
            return refuse(r, WEFT_EMALFORMED, m, "is an array of numbers");
        }
    }
    r->taken += (uint32_t)ret_counts->count;
    return WEFT_OK;
}

static enum weft_err get_member(struct reader *r, const struct member *m, struct weft_act *act)
{
    if (m->type == COUNTS) {
        return get_counts(r, m, place_of(act, m));
    }
    if (is_list(m)) {
        return get_list(r, m, place_of(act, m));
    }
    const struct weft_field *field = find(r, m->path);
    if (field == NULL) {
        return is_optional(m) ? WEFT_OK : refuse(r, WEFT_EMALFORMED, m, "is missing");
    }
    if (field->value.size > WEFT_ACT_TEXT_SIZE_MAX) {
        return refuse(r, WEFT_ETOOBIG, m, "is too long");
    }
    if (!get_scalar(m, field, place_of(act, m))) {
        return refuse(r, WEFT_EMALFORMED, m, "is not of its type, or not in its one form");
    }
    r->taken++;
    return WEFT_OK;
}

/* What a kind's members have to be together. NULL: they are. */
static const char *find_fault(const struct weft_act *act)
{
    switch (act->kind) {
    case WEFT_ACT_HANDOFF:
        return weft_text_equal(act->handoff.from, act->handoff.to) ? "to: is whom it is from"
               : act->handoff.epoch < 2       ? "epoch: a handoff's is 2 at least"
               : act->handoff.until.epoch < 1 ? "until/epoch: a log's is 1 at least"
                                              : NULL;
    case WEFT_ACT_ALIAS: {
        struct weft_digest a = weft_subject_of(&act->alias.a), b = weft_subject_of(&act->alias.b);
        return weft_digest_equal(&a, &b) ? "b: is what a is" : NULL;
    }
    case WEFT_ACT_RESOLUTION:
    case WEFT_ACT_RETRACT:
    case WEFT_ACT_RECALL:
    case WEFT_ACT_IMPACT:
    case WEFT_ACT_ACKNOWLEDGEMENT:
    case WEFT_ACT_STEP:
        return NULL;
    case WEFT_ACT_KINDS:
        break;
    }
    weft_unreachable("FED-121");
}

enum weft_err weft_act_decode(const struct weft_record *record, struct weft_arena *arena,
    struct weft_act *ret_act, struct weft_msg *msg)
{
    struct reader r = {.record = record, .arena = arena, .msg = msg};
    struct weft_act act;
    memset(&act, 0, sizeof(act));
    act.kind = weft_act_kind_of(record->kind);
    if (act.kind == WEFT_ACT_KINDS) {
        return weft_fail(
            msg, WEFT_EINVAL, "no act is of kind %.*s", (int)record->kind.size, record->kind.data);
    }
    const struct kind *kind = &kinds[act.kind];
    for (uint32_t i = 0; i < kind->count; i++) {
        enum weft_err err = get_member(&r, &kind->members[i], &act);
        if (err != WEFT_OK) {
            return err;
        }
    }
    if (r.taken != record->field_count) {
        return weft_fail(msg, WEFT_EMALFORMED, "a field that a %s does not have", kind->name);
    }
    const char *fault = find_fault(&act);
    if (fault != NULL) {
        return weft_fail(msg, WEFT_EMALFORMED, "%s", fault);
    }
    *ret_act = act;
    return WEFT_OK;
}

/* --- writing --------------------------------------------------------------------------------- */

struct writer {
    struct weft_arena *arena;
    struct weft_field *fields;
    uint32_t count;
};

static enum weft_err put(
    struct writer *w, struct weft_text path, enum weft_value_type type, const char *value)
{
    struct weft_text kept = weft_arena_text(w->arena, weft_text_of(value));
    if (path.data == NULL || kept.data == NULL) {
        return WEFT_ENOMEM;
    }
    w->fields[w->count++] = (struct weft_field){path, kept, type};
    return WEFT_OK;
}

static enum weft_err put_number(struct writer *w, const struct member *m, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    return put(w, weft_text_of(m->path), WEFT_VALUE_INT, text);
}

static enum weft_err put_digest(
    struct writer *w, struct weft_text path, const struct weft_digest *digest)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    return put(w, path, WEFT_VALUE_TEXT, text);
}

static enum weft_err put_list(
    struct writer *w, const struct member *m, const struct weft_act_digests *list)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < list->count; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "%s/[%" PRIu32 "]", m->path, i);
        err = put_digest(w, weft_arena_text(w->arena, weft_text_of(path)), &list->items[i]);
    }
    return err;
}

static enum weft_err put_counts(
    struct writer *w, const struct member *m, const struct weft_act_counts *counts)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < counts->count; i++) {
        char path[64], text[24];
        (void)snprintf(path, sizeof(path), "%s/[%" PRIu32 "]", m->path, i);
        (void)snprintf(text, sizeof(text), "%" PRIu64, counts->items[i]);
        err = put(w, weft_arena_text(w->arena, weft_text_of(path)), WEFT_VALUE_INT, text);
    }
    return err;
}

static enum weft_err put_member(struct writer *w, const struct member *m, struct weft_act *act)
{
    const void *value = place_of(act, m);
    const struct weft_text path = weft_text_of(m->path);
    const struct weft_text *text = value;
    switch (m->type) {
    case TEXT:
    case OPTION:
        if (m->type == TEXT || text->size > 0) {
            w->fields[w->count++] = (struct weft_field){path, *text, WEFT_VALUE_TEXT};
        }
        return WEFT_OK;
    case NUMBER:
        return put_number(w, m, *(const uint64_t *)value);
    case ORDINAL:
        return put_number(w, m, *(const uint32_t *)value);
    case FLAG:
        return put(w, path, WEFT_VALUE_BOOL, *(const bool *)value ? "true" : "false");
    case DIGEST:
        return put_digest(w, path, value);
    case DIGESTS:
    case LIST:
        return put_list(w, m, value);
    case COUNTS:
        return put_counts(w, m, value);
    }
    weft_unreachable("FED-121");
}

static uint32_t fields_of(struct weft_act *act)
{
    const struct kind *kind = &kinds[act->kind];
    uint32_t count = 0;
    for (uint32_t i = 0; i < kind->count; i++) {
        const struct member *m = &kind->members[i];
        count += is_list(m)          ? ((struct weft_act_digests *)place_of(act, m))->count
                 : m->type == COUNTS ? (uint32_t)((struct weft_act_counts *)place_of(act, m))->count
                                     : 1;
    }
    return count;
}

enum weft_err weft_act_encode(const struct weft_act *act, struct weft_arena *arena,
    struct weft_field **ret_fields, uint32_t *ret_count, struct weft_msg *msg)
{
    struct weft_act copy = *act, again;
    weft_assert((unsigned)act->kind < WEFT_ACT_KINDS); /* FED-121 */
    const struct kind *kind = &kinds[act->kind];
    struct writer w = {.arena = arena};
    if (act->kind == WEFT_ACT_ACKNOWLEDGEMENT &&
        (act->acknowledgement.tiers.count > WEFT_ACT_TIERS_MAX ||
            act->acknowledgement.silent.count > WEFT_ACT_TIERS_MAX)) {
        return weft_fail(msg, WEFT_EINVAL, "tiers: more than there may be");
    }
    w.fields = weft_arena_array(arena, fields_of(&copy), sizeof(*w.fields));
    enum weft_err err = w.fields != NULL ? WEFT_OK : WEFT_ENOMEM;
    for (uint32_t i = 0; err == WEFT_OK && i < kind->count; i++) {
        err = put_member(&w, &kind->members[i], &copy);
    }
    if (err == WEFT_OK) {
        const struct weft_record record = {
            .kind = weft_text_of(kind->name), .fields = w.fields, .field_count = w.count};
        err = weft_act_decode(&record, arena, &again, msg);
        err = err == WEFT_EMALFORMED ? WEFT_EINVAL : err;
    }
    if (err == WEFT_OK) {
        *ret_fields = w.fields;
        *ret_count = w.count;
    }
    return err;
}
