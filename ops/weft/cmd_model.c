#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/commit_once.h"
#include "ops/weft/model_file.h"
#include "ops/weft/query.h"
#include "ops/weft/source.h"
#include "proto/json.h"
#include "proto/limits.h"
#include "proto/time.h"

/* model add, list, show, check. */

enum {
    FILES_MAX = 256, /* Of one add; chosen. */
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
    CHANGES_ARENA_SIZE_MAX = 1024 * 1024,
    FIELDS_PER_RECORD = 3,
    MISFITS_SHOWN_MAX = 100,
};

/* --- add ------------------------------------------------------------------------------------- */

enum change {
    NEW,
    UNCHANGED,
    COMPATIBLE,
    BREAKING
};

static const char *const change_names[] = {"new", "unchanged", "compatible", "breaking"};

struct addition {
    const char *path;
    struct weft_model_text text;
    struct weft_model_present present;
    struct weft_arena arena; /* Of `changes`. */
    struct weft_model_changes changes;
    enum change change;
    char version[16];
};

struct adding {
    struct addition list[FILES_MAX];
    uint32_t count;
    uint64_t index; /* Of the commit; 0: none. */
};

static void destroy_adding(struct adding *a)
{
    for (uint32_t i = 0; i < a->count; i++) {
        weft_model_text_destroy(&a->list[i].text);
        weft_model_text_destroy(&a->list[i].present.text);
        weft_arena_destroy(&a->list[i].arena);
    }
    free(a);
}

static enum weft_err read_files(
    const struct weft_args *args, struct adding *a, struct weft_msg *msg)
{
    if (args->operand_count > FILES_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "at most %d files at once", FILES_MAX);
    }
    for (int i = 0; i < args->operand_count; i++) {
        struct addition *add = &a->list[a->count++];
        add->path = args->operands[i];
        add->arena.size_max = CHANGES_ARENA_SIZE_MAX;
        enum weft_err err = weft_model_file_read(add->path, &add->text, msg);
        if (err != WEFT_OK) {
            return err;
        }
        for (uint32_t k = 0; k + 1 < a->count; k++) {
            if (weft_text_equal(a->list[k].text.model.kind, add->text.model.kind)) {
                return weft_fail(msg, WEFT_EINVAL, "%.200s and %.200s are of the same kind",
                    a->list[k].path, add->path);
            }
        }
    }
    return WEFT_OK;
}

/* What the site has, and what would change. */
static enum weft_err compare(struct weft_client *client, struct addition *add, struct weft_msg *msg)
{
    const struct weft_model *new = &add->text.model, *old = &add->present.text.model;
    enum weft_err err = weft_model_present_read(client, new->kind, &add->present, msg);
    if (err != WEFT_OK || !add->present.has_model) {
        add->change = NEW;
        return err;
    }
    struct weft_text texts[] = {{(char *)add->text.text.data, add->text.text.size},
        {(char *)add->present.text.text.data, add->present.text.text.size}};
    if (weft_text_equal(texts[0], texts[1])) {
        add->change = UNCHANGED;
        return WEFT_OK;
    }
    if (new->version <= old->version) {
        return weft_fail(msg, WEFT_ECONFLICT,
            "%.200s: the site has version %u of kind %.*s: give the model version %u, in its @id",
            add->path, old->version, (int)new->kind.size, new->kind.data, old->version + 1);
    }
    err = weft_model_compare(old, new, &add->arena, &add->changes);
    add->change = add->changes.breaking > 0 ? BREAKING : COMPATIBLE;
    return err == WEFT_OK ? err : weft_fail(msg, err, "no memory to compare models");
}

static void print_additions(const struct adding *a)
{
    struct weft_table t;
    weft_table_init(&t, "KIND|>VERSION|>BEFORE|CHANGE|>INDEX|FILE");
    for (uint32_t i = 0; i < a->count; i++) {
        const struct addition *add = &a->list[i];
        weft_table_cell(&t, add->text.model.kind);
        weft_table_format(&t, "%" PRIu32, add->text.model.version);
        weft_table_format(
            &t, add->present.has_model ? "%" PRIu32 : "-", add->present.text.model.version);
        weft_table_cell(&t, weft_text_of(change_names[add->change]));
        bool is_committed = a->index > 0 && add->change != UNCHANGED;
        weft_table_format(&t, is_committed ? "%" PRIu64 : "-", a->index);
        weft_table_cell(&t, weft_text_of(add->path));
    }
    weft_table_print(&t, stdout);
    for (uint32_t i = 0; i < a->count; i++) {
        const struct addition *add = &a->list[i];
        for (uint32_t k = 0; k < add->changes.count; k++) {
            const struct weft_model_change *c = &add->changes.changes[k];
            (void)printf("%.*s %.*s: %.*s%s\n", (int)add->text.model.kind.size,
                add->text.model.kind.data, (int)c->where.size, c->where.data, (int)c->what.size,
                c->what.data, c->is_breaking ? " (breaking)" : "");
        }
        if (add->changes.found > add->changes.count) {
            (void)printf("%.*s: %" PRIu32 " more\n", (int)add->text.model.kind.size,
                add->text.model.kind.data, add->changes.found - add->changes.count);
        }
    }
}

static void write_addition(struct weft_writer *w, const struct addition *add)
{
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "kind", add->text.model.kind);
    weft_writer_text(w, "model", add->text.model.id);
    weft_writer_unsigned(w, "version", add->text.model.version);
    if (add->present.has_model) {
        weft_writer_unsigned(w, "before", add->present.text.model.version);
    }
    weft_writer_text(w, "change", weft_text_of(change_names[add->change]));
    weft_writer_text(w, "file", weft_text_of(add->path));
    weft_writer_open(w, "reasons", '[');
    for (uint32_t k = 0; k < add->changes.count; k++) {
        const struct weft_model_change *c = &add->changes.changes[k];
        weft_writer_open(w, NULL, '{');
        weft_writer_text(w, "where", c->where);
        weft_writer_text(w, "what", c->what);
        weft_writer_bool(w, "breaking", c->is_breaking);
        weft_writer_close(w, '}');
    }
    weft_writer_close(w, ']');
    weft_writer_close(w, '}');
}

static enum weft_err report(const struct adding *a, enum weft_format format, struct weft_msg *msg)
{
    if (format == WEFT_FORMAT_TABLE) {
        print_additions(a);
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    if (a->index > 0) {
        weft_writer_unsigned(&w, "index", a->index);
    }
    weft_writer_open(&w, "models", '[');
    for (uint32_t i = 0; i < a->count; i++) {
        write_addition(&w, &a->list[i]);
    }
    weft_writer_close(&w, ']');
    weft_writer_close(&w, '}');
    enum weft_err err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

/* One record: on the revision that was compared with, so that nobody's model is passed over. */
static struct weft_record record_of(
    struct addition *add, struct weft_arena *arena, struct weft_field fields[FIELDS_PER_RECORD])
{
    char asset[WEFT_KIND_SIZE_MAX + sizeof("kind:")];
    const struct weft_model *m = &add->text.model;
    (void)snprintf(add->version, sizeof(add->version), "%" PRIu32, m->version);
    (void)snprintf(asset, sizeof(asset), "kind:%.*s", (int)m->kind.size, m->kind.data);
    fields[0] = (struct weft_field){
        WEFT_TEXT("dtdl"), {(char *)add->text.text.data, add->text.text.size}, WEFT_VALUE_TEXT};
    fields[1] =
        (struct weft_field){WEFT_TEXT("version"), weft_text_of(add->version), WEFT_VALUE_INT};
    fields[2] = (struct weft_field){WEFT_TEXT("breaking"), WEFT_TEXT("true"), WEFT_VALUE_BOOL};
    return (struct weft_record){.kind = WEFT_TEXT("model"),
        .asset = weft_arena_text(arena, weft_text_of(asset)),
        .has_expect = true,
        .expect_rev = add->present.rev,
        .fields = fields,
        .field_count = add->change == BREAKING ? 3 : 2};
}

static enum weft_err commit(struct adding *a, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_record *records = weft_arena_array(&arena, a->count, sizeof(*records));
    struct weft_field *fields =
        weft_arena_array(&arena, (size_t)a->count * FIELDS_PER_RECORD, sizeof(*fields));
    struct weft_client_message answer, request = {.kind = WEFT_KIND_COMMIT};
    enum weft_err err = records != NULL && fields != NULL ? WEFT_OK : WEFT_ENOMEM;
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->count && err == WEFT_OK; i++) {
        if (a->list[i].change != UNCHANGED) {
            records[count] =
                record_of(&a->list[i], &arena, &fields[(size_t)count * FIELDS_PER_RECORD]);
            count++;
        }
    }
    request.commit = (struct weft_commit){.records = records, .record_count = count};
    if (err != WEFT_OK) {
        err = weft_fail(msg, err, "make a commit of %u models", a->count);
    } else if (count > 0) {
        err = weft_commit_once(client, &request, &arena, &answer, msg);
        a->index = err == WEFT_OK ? answer.commit_result.index : 0;
    }
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err check_breaking(
    const struct weft_args *args, const struct adding *a, struct weft_msg *msg)
{
    uint32_t breaking = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        breaking += a->list[i].change == BREAKING;
    }
    if (breaking > 0 && !weft_args_has(args, "breaking")) {
        return weft_fail(msg, WEFT_ECONFLICT,
            "%u of %u models break what is registered; nothing was changed; --breaking if that is "
            "meant",
            breaking, a->count);
    }
    return WEFT_OK;
}

static enum weft_err add(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    enum weft_format format;
    struct adding *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = read_files(args, a, msg);
    }
    for (uint32_t i = 0; i < a->count && err == WEFT_OK; i++) {
        err = compare(client, &a->list[i], msg);
    }
    if (err == WEFT_OK) {
        err = check_breaking(args, a, msg);
        bool is_reported = err != WEFT_OK; /* The reasons are wanted all the more. */
        if (err == WEFT_OK && !weft_args_has(args, "dry-run")) {
            err = commit(a, client, msg);
        }
        if (err == WEFT_OK || is_reported) {
            struct weft_msg printing;
            enum weft_err printed = report(a, format, err == WEFT_OK ? msg : &printing);
            err = err == WEFT_OK ? printed : err;
        }
    }
    destroy_adding(a);
    return err;
}

enum weft_exit weft_cmd_model_add(const struct weft_args *args)
{
    return weft_with_client(args, add);
}

/* --- list ------------------------------------------------------------------------------------ */

struct row {
    struct weft_text kind, id, title, author;
    uint32_t version;
    uint64_t index;
    int64_t time_ns;
};

struct list {
    struct row *rows;
    uint32_t count;
    struct weft_arena arena;
};

static enum weft_err note_model(
    struct list *l, const struct weft_stored_record *stored, struct weft_msg *msg)
{
    struct weft_model_text text = {.text = {.size = 0}};
    const struct weft_field *dtdl = weft_model_record_field(&stored->record, "dtdl");
    if (dtdl == NULL) {
        return WEFT_OK; /* A site that knows no models takes any record of that kind. */
    }
    enum weft_err err = weft_model_text_compile(dtdl->value, &text, msg);
    if (err == WEFT_OK) {
        uint32_t n = 0;
        while (n < l->count && !weft_text_equal(l->rows[n].kind, text.model.kind)) {
            n++;
        }
        if (n < WEFT_MODELS_MAX) {
            l->count = n == l->count ? n + 1 : l->count;
            l->rows[n] = (struct row){weft_arena_text(&l->arena, text.model.kind),
                weft_arena_text(&l->arena, text.model.id),
                weft_arena_text(&l->arena, text.model.title),
                weft_arena_text(&l->arena, stored->record.author), text.model.version,
                stored->index, stored->time_ns};
        }
    }
    weft_model_text_destroy(&text);
    return err;
}

static enum weft_err on_list_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < page->record_count && err == WEFT_OK; i++) {
        err = note_model(ctx, &page->records[i], msg);
    }
    return err;
}

static int by_kind(const void *a, const void *b)
{
    return weft_text_compare(((const struct row *)a)->kind, ((const struct row *)b)->kind);
}

static enum weft_err print_list(const struct list *l, enum weft_format format, struct weft_msg *msg)
{
    struct weft_table t;
    struct weft_writer w = {0};
    enum weft_err err = WEFT_OK;
    weft_table_init(&t, "KIND|>VERSION|>INDEX|SINCE|AUTHOR|TITLE");
    if (format == WEFT_FORMAT_JSON) {
        weft_writer_open(&w, NULL, '{');
        weft_writer_open(&w, "models", '[');
    }
    for (uint32_t i = 0; i < l->count && err == WEFT_OK; i++) {
        const struct row *r = &l->rows[i];
        char time[WEFT_TIME_TEXT_SIZE];
        weft_time_format(r->time_ns, time);
        weft_table_cell(&t, r->kind);
        weft_table_format(&t, "%" PRIu32, r->version);
        weft_table_format(&t, "%" PRIu64, r->index);
        weft_table_cell(&t, weft_text_of(time));
        weft_table_cell(&t, r->author);
        weft_table_cell(&t, r->title);
        weft_writer_open(&w, NULL, '{');
        weft_writer_text(&w, "kind", r->kind);
        weft_writer_unsigned(&w, "version", r->version);
        weft_writer_text(&w, "model", r->id);
        weft_writer_text(&w, "title", r->title);
        weft_writer_unsigned(&w, "index", r->index);
        weft_writer_text(&w, "since", weft_text_of(time));
        weft_writer_text(&w, "author", r->author);
        weft_writer_close(&w, '}');
        if (format == WEFT_FORMAT_JSONL) {
            err = weft_writer_print(&w, stdout, msg);
        }
    }
    if (format == WEFT_FORMAT_TABLE) {
        weft_table_print(&t, stdout);
    } else if (format == WEFT_FORMAT_JSON) {
        weft_writer_close(&w, ']');
        weft_writer_close(&w, '}');
        err = weft_writer_print(&w, stdout, msg);
    }
    weft_buffer_destroy(&t.cells);
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err list(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    enum weft_format format;
    struct list l = {.arena = {.size_max = ARENA_SIZE_MAX}};
    struct weft_query query = {.type = WEFT_QUERY_FIND, .kind = WEFT_TEXT("model")};
    l.rows = calloc(WEFT_MODELS_MAX, sizeof(*l.rows));
    enum weft_err err = l.rows != NULL ? weft_output_format(args, &format, msg) : WEFT_ENOMEM;
    if (err == WEFT_OK) {
        err = weft_query_read_options(args, &query, msg);
    }
    if (err == WEFT_OK) {
        err = weft_query_pages(client, &query, 0, on_list_page, &l, msg);
    }
    if (err == WEFT_OK) {
        qsort(l.rows, l.count, sizeof(*l.rows), by_kind);
        err = print_list(&l, format, msg);
    }
    weft_arena_destroy(&l.arena);
    free(l.rows);
    return err;
}

enum weft_exit weft_cmd_model_list(const struct weft_args *args)
{
    return weft_with_client(args, list);
}

/* --- show ------------------------------------------------------------------------------------ */

struct showing {
    uint64_t version; /* 0: the newest. */
    struct weft_buffer text;
    uint64_t index;
    bool is_found;
};

static enum weft_err on_show_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    struct showing *s = ctx;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < page->record_count && err == WEFT_OK; i++) {
        const struct weft_record *record = &page->records[i].record;
        const struct weft_field *dtdl = weft_model_record_field(record, "dtdl");
        const struct weft_field *version = weft_model_record_field(record, "version");
        char wanted[24];
        (void)snprintf(wanted, sizeof(wanted), "%" PRIu64, s->version);
        if (dtdl != NULL && version != NULL &&
            (s->version == 0 || weft_text_is(version->value, wanted))) {
            weft_buffer_clear(&s->text);
            err = weft_buffer_text(&s->text, dtdl->value);
            s->index = page->records[i].index;
            s->is_found = true;
        }
    }
    return err == WEFT_OK ? err : weft_fail(msg, err, "no memory");
}

/* As it was registered, so that it can be edited and added again; one line with jsonl. */
static enum weft_err print_text(
    const struct showing *s, enum weft_format format, struct weft_msg *msg)
{
    struct weft_text text = {(char *)s->text.data, s->text.size};
    struct weft_arena arena = {.size_max = WEFT_MODEL_SCRATCH_MAX};
    struct weft_buffer line = {0};
    struct weft_json *tree;
    enum weft_err err = WEFT_OK;
    if (format == WEFT_FORMAT_JSONL) {
        err = weft_json_parse(text, 1, &arena, &tree, msg);
        if (err == WEFT_OK) {
            err = weft_json_write(&line, tree);
        }
        text = (struct weft_text){(char *)line.data, line.size};
    }
    if (err == WEFT_OK) {
        bool has_end = text.size > 0 && text.data[text.size - 1] == '\n';
        (void)printf("%.*s%s", (int)text.size, text.data, has_end ? "" : "\n");
    }
    weft_buffer_destroy(&line);
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err print_shown(
    const struct showing *s, enum weft_format format, struct weft_msg *msg)
{
    struct weft_model_text text = {.text = {.size = 0}};
    if (format != WEFT_FORMAT_TABLE) {
        return print_text(s, format, msg);
    }
    enum weft_err err =
        weft_model_text_compile((struct weft_text){(char *)s->text.data, s->text.size}, &text, msg);
    if (err == WEFT_OK) {
        const struct weft_model *m = &text.model;
        (void)printf("%.*s  version %" PRIu32 "  %.*s  of index %" PRIu64 "\n%.*s%s\n",
            (int)m->kind.size, m->kind.data, m->version, (int)m->id.size, m->id.data, s->index,
            (int)m->description.size, m->description.size > 0 ? m->description.data : "",
            m->description.size > 0 ? "\n" : "");
        weft_model_print(m);
    }
    weft_model_text_destroy(&text);
    return err;
}

static enum weft_err show(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    char asset[WEFT_KIND_SIZE_MAX + sizeof("kind:")];
    enum weft_format format;
    struct showing s = {.version = 0};
    struct weft_query query = {.type = WEFT_QUERY_FIND, .kind = WEFT_TEXT("model")};
    struct weft_text kind = weft_text_of(args->operands[0]);
    enum weft_err err = weft_args_number(args, "version", 1, 999999999, 0, &s.version, msg);
    if (err == WEFT_OK && !weft_name_is_valid(kind)) {
        err = weft_fail(msg, WEFT_EINVAL, "\"%.80s\" is not a kind", args->operands[0]);
    }
    if (err == WEFT_OK) {
        err = weft_output_format(args, &format, msg);
    }
    if (err == WEFT_OK) {
        err = weft_query_read_options(args, &query, msg);
    }
    if (err == WEFT_OK) {
        (void)snprintf(asset, sizeof(asset), "kind:%s", args->operands[0]);
        query.asset_glob = weft_text_of(asset);
        err = weft_query_pages(client, &query, 0, on_show_page, &s, msg);
    }
    if (err == WEFT_OK && !s.is_found) {
        err = weft_fail(msg, WEFT_ENOTFOUND, "kind %s is not registered%s", args->operands[0],
            s.version > 0 ? " in that version" : "");
    }
    if (err == WEFT_OK) {
        err = print_shown(&s, format, msg);
    }
    weft_buffer_destroy(&s.text);
    return err;
}

enum weft_exit weft_cmd_model_show(const struct weft_args *args)
{
    return weft_with_client(args, show);
}

/* --- check ----------------------------------------------------------------------------------- */

struct checking {
    uint64_t checked;
    uint64_t others; /* Of other kinds. */
    uint64_t misfits;
};

static enum weft_err check_records(const struct weft_model *model, struct weft_source *source,
    struct checking *c, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_record record;
    enum weft_err err;
    for (;;) {
        char pointer[256];
        struct weft_msg why;
        weft_arena_reset(&arena);
        err = weft_source_next(source, &arena, &record, msg);
        if (err != WEFT_OK) {
            break;
        }
        if (!weft_text_equal(record.kind, model->kind)) {
            c->others++;
            continue;
        }
        c->checked++;
        if (weft_model_check_record(model, &record, pointer, &why) == WEFT_OK) {
            continue;
        }
        c->misfits++;
        if (c->misfits <= MISFITS_SHOWN_MAX) {
            (void)fprintf(
                stderr, "%s: line %u (%s): %s\n", source->name, source->line, pointer, why.text);
        }
    }
    weft_arena_destroy(&arena);
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

static enum weft_err check_source(
    const struct weft_model *model, const char *path, struct checking *c, struct weft_msg *msg)
{
    struct weft_source source;
    enum weft_err err = weft_source_open(path, &source, msg);
    if (err == WEFT_OK) {
        err = check_records(model, &source, c, msg);
        weft_source_close(&source);
    }
    return err;
}

/* No connection: the file speaks for itself. */
enum weft_exit weft_cmd_model_check(const struct weft_args *args)
{
    struct weft_model_text text = {.text = {.size = 0}};
    struct weft_msg msg = {""};
    struct checking c = {0};
    bool has_records = args->operand_count > 1;
    enum weft_err err = weft_model_file_read(args->operands[0], &text, &msg);
    if (err == WEFT_OK && has_records) {
        err = check_source(&text.model, args->operands[1], &c, &msg);
    }
    if (err == WEFT_OK) {
        (void)fprintf(stderr,
            "%s: kind %.*s, version %" PRIu32 ", %" PRIu32 " attributes, %" PRIu32 " links\n",
            args->operands[0], (int)text.model.kind.size, text.model.kind.data, text.model.version,
            text.model.attributes.count, text.model.link_count);
    }
    if (err == WEFT_OK && has_records) {
        (void)fprintf(stderr,
            "%s: %" PRIu64 " records of that kind, of which %" PRIu64 " do not fit; %" PRIu64
            " of other kinds\n",
            args->operands[1], c.checked, c.misfits, c.others);
    }
    weft_model_text_destroy(&text);
    return err == WEFT_OK && c.misfits > 0 ? WEFT_EXIT_NO : weft_complain(err, &msg);
}
