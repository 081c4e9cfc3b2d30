#include "ops/weft/recall_across.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "federation/cells/act.h"
#include "ops/weft/across_source.h"
#include "ops/weft/commit_once.h"
#include "ops/weft/output.h"
#include "proto/limits.h"

/* --- how far they are ------------------------------------------------------------------------ */

static const char *const counts[] = {"affected", "located", "blocked", "done", "silent"};

enum {
    COUNTS = sizeof(counts) / sizeof(counts[0])
};

struct showing {
    enum weft_format format;
    struct weft_writer w;
    const char *list; /* That is open: "tiers", ... */
    struct weft_table who;
    struct weft_table holes;
    struct weft_table tiers;
    struct weft_arena arena;
};

static uint64_t number_of(struct weft_text word)
{
    uint64_t number = 0;
    return weft_text_number(word, &number) ? number : 0;
}

static void write_counts(struct weft_writer *w, const struct weft_text *words, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < COUNTS; i++) {
        weft_writer_unsigned(w, counts[i], number_of(words[i]));
    }
}

/* Objects of one kind stand in one array. */
static void open_in(struct showing *s, const char *list)
{
    if (s->list == NULL || strcmp(s->list, list) != 0) {
        if (s->list != NULL) {
            weft_writer_close(&s->w, ']');
        }
        weft_writer_open(&s->w, list, '[');
        s->list = list;
    }
    weft_writer_open(&s->w, NULL, '{');
}

static void write_line(struct showing *s, const struct weft_across_line *line)
{
    struct weft_writer *w = &s->w;
    const struct weft_text *at = line->words;
    if (weft_across_is(line, "recall", 10)) {
        weft_writer_open(w, NULL, '{');
        weft_writer_text(w, "recall", at[1]);
        weft_writer_text(w, "from", at[2]);
        weft_writer_text(w, "action", at[3]);
        weft_writer_text(w, "reason", at[4]);
        write_counts(w, at + 5, 5);
    } else if (weft_across_is(line, "here", 6)) {
        weft_writer_open(w, "here", '{');
        write_counts(w, at + 1, 4);
        weft_writer_unsigned(w, "unknown", number_of(at[5]));
        weft_writer_close(w, '}');
    } else if (weft_across_is(line, "tier", 4)) {
        open_in(s, "tiers");
        weft_writer_unsigned(w, "tier", number_of(at[1]));
        weft_writer_unsigned(w, "affected", number_of(at[2]));
        weft_writer_unsigned(w, "silent", number_of(at[3]));
        weft_writer_close(w, '}');
    } else if (weft_across_is(line, "upstream", 6)) {
        open_in(s, "upstreams");
        weft_writer_text(w, "site", at[1]);
        weft_writer_unsigned(w, "subjects", number_of(at[2]));
        weft_writer_unsigned(w, "unknown", number_of(at[3]));
        weft_writer_bool(w, "first", weft_text_is(at[4], "first"));
        weft_writer_text(w, "state", at[5]);
        weft_writer_close(w, '}');
    } else if (weft_across_is(line, "customer", 10)) {
        open_in(s, "customers");
        weft_writer_text(w, "site", at[1]);
        weft_writer_unsigned(w, "shipped", number_of(at[2]));
        weft_writer_unsigned(w, "told", number_of(at[3]));
        weft_writer_text(w, "state", at[4]);
        write_counts(w, at + 5, 5);
        weft_writer_close(w, '}');
    } else if (weft_across_is(line, "hole", 4)) {
        open_in(s, "holes");
        weft_writer_text(w, "who", at[1]);
        weft_writer_unsigned(w, "units", number_of(at[2]));
        weft_writer_text(w, "why", at[3]);
        weft_writer_close(w, '}');
    }
}

static void cells(struct weft_table *t, const struct weft_text *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        weft_table_cell(t, words[i]);
    }
}

static void tabulate_line(struct showing *s, const struct weft_across_line *line)
{
    static const struct weft_text none = WEFT_TEXT("-");
    const struct weft_text *at = line->words;
    if (weft_across_is(line, "recall", 10)) {
        struct weft_table head;
        weft_table_init(
            &head, "RECALL|FROM|ACTION|REASON|>AFFECTED|>LOCATED|>BLOCKED|>DONE|>SILENT");
        cells(&head, at + 1, 9);
        weft_table_print(&head, stdout);
        weft_table_init(
            &s->who, "WHO|>UNITS|>TOLD|STATE|>AFFECTED|>LOCATED|>BLOCKED|>DONE|>SILENT");
        weft_table_init(&s->tiers, "TIER|>AFFECTED|>SILENT");
        weft_table_init(&s->holes, "HOLE|>UNITS|WHY");
    } else if (weft_across_is(line, "here", 6)) {
        weft_table_cell(&s->who, WEFT_TEXT("here"));
        cells(&s->who, (const struct weft_text[]){none, none, none}, 3);
        cells(&s->who, at + 1, 4);
        weft_table_cell(&s->who, none);
    } else if (weft_across_is(line, "tier", 4)) {
        cells(&s->tiers, at + 1, 3);
    } else if (weft_across_is(line, "upstream", 6)) {
        weft_table_cell(&s->who, at[1]);
        cells(&s->who, (const struct weft_text[]){at[2], none}, 2);
        weft_table_format(&s->who, "told us, %.*s", (int)at[5].size, at[5].data);
        cells(&s->who, (const struct weft_text[]){none, none, none, none, none}, 5);
    } else if (weft_across_is(line, "customer", 10)) {
        cells(&s->who, at + 1, 9);
    } else if (weft_across_is(line, "hole", 4)) {
        cells(&s->holes, at + 1, 3);
    }
}

static void begin(struct showing *s)
{
    s->list = NULL;
    if (s->format == WEFT_FORMAT_TABLE) {
        weft_table_init(&s->who, "");
        weft_table_init(&s->tiers, "");
        weft_table_init(&s->holes, "");
    }
}

static enum weft_err end(struct showing *s, struct weft_msg *msg)
{
    if (s->format == WEFT_FORMAT_TABLE) {
        (void)printf("\n");
        weft_table_print(&s->who, stdout);
        (void)printf("\n");
        weft_table_print(&s->tiers, stdout);
        if (s->holes.cell_count > 3) {
            (void)printf("\n");
        }
        weft_table_print(&s->holes, stdout);
        (void)printf("\n");
        return WEFT_OK;
    }
    if (s->list != NULL) {
        weft_writer_close(&s->w, ']');
    }
    weft_writer_close(&s->w, '}');
    return s->format == WEFT_FORMAT_JSONL ? weft_writer_print(&s->w, stdout, msg) : WEFT_OK;
}

static enum weft_err show_one(
    struct showing *s, struct weft_client *client, struct weft_text recall, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_ANSWER_SIZE_MAX};
    struct weft_across_line line;
    char path[16 + WEFT_DIGEST_TEXT_SIZE];
    struct weft_digest digest;
    if (weft_digest_parse(recall, &digest) != WEFT_OK) {
        return weft_fail(msg, WEFT_EINVAL, "--recall: sha256:... as weft recall --across has it");
    }
    (void)snprintf(path, sizeof(path), "recalls/%.*s", (int)recall.size, recall.data);
    enum weft_err err = weft_across_ask(client, path, &bytes, msg);
    struct weft_text rest = weft_buffer_as_text(&bytes);
    if (err == WEFT_OK) {
        begin(s);
        while (weft_across_next(&rest, &s->arena, &line)) {
            if (s->format == WEFT_FORMAT_TABLE) {
                tabulate_line(s, &line);
            } else {
                write_line(s, &line);
            }
        }
        err = end(s, msg);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

static enum weft_err show_all(struct showing *s, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_ANSWER_SIZE_MAX};
    struct weft_across_line line;
    enum weft_err err = weft_across_ask(client, "recalls", &bytes, msg);
    struct weft_text rest = weft_buffer_as_text(&bytes);
    while (err == WEFT_OK && weft_across_next(&rest, &s->arena, &line)) {
        err =
            weft_across_is(&line, "recall", 2) ? show_one(s, client, line.words[1], msg) : WEFT_OK;
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_err weft_recall_across(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct showing s = {.arena = {.size_max = 4 * WEFT_ANSWER_SIZE_MAX}};
    enum weft_err err = weft_output_format(args, &s.format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (s.format == WEFT_FORMAT_JSON) {
        weft_writer_open(&s.w, NULL, '[');
    }
    err = weft_args_has(args, "recall")
              ? show_one(&s, client, weft_text_of(weft_args_text(args, "recall", "")), msg)
              : show_all(&s, client, msg);
    if (s.format == WEFT_FORMAT_JSON) {
        weft_writer_close(&s.w, ']');
        err = err == WEFT_OK ? weft_writer_print(&s.w, stdout, msg) : err;
    }
    weft_writer_destroy(&s.w);
    weft_arena_destroy(&s.arena);
    return err;
}

/* --- to begin one ---------------------------------------------------------------------------- */

/* "<org>/<site>", in the arena. */
static enum weft_err find_site(struct weft_client *client, struct weft_arena *arena,
    struct weft_text *ret_site, struct weft_msg *msg)
{
    struct weft_client_message answer, request = {.kind = WEFT_KIND_STATUS};
    char site[WEFT_PRINCIPAL_SIZE_MAX + 1];
    enum weft_err err = weft_client_call(client, &request, arena, &answer, msg);
    if (err == WEFT_OK) {
        struct weft_text org = answer.status_result.org, name = answer.status_result.site;
        int size = snprintf(
            site, sizeof(site), "%.*s/%.*s", (int)org.size, org.data, (int)name.size, name.data);
        *ret_site = weft_arena_text(arena, (struct weft_text){site, (size_t)size});
        err = ret_site->data != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "a site's name");
    }
    return err;
}

/* As the site's statements name the asset: federation/cells/intake.c. */
static enum weft_err find_subject(struct weft_text site, struct weft_text asset,
    struct weft_digest *ret_subject, struct weft_msg *msg)
{
    static const struct weft_digest none;
    char key[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name name;
    struct weft_text rest = asset, kind;
    if (!weft_text_cut(&rest, ':', &kind) || !weft_name_is_valid(kind)) {
        kind = WEFT_TEXT("asset");
    }
    if (weft_subject_admit(site, kind, asset, true, &none, key, &name) != WEFT_SUBJECT_TO_CELL) {
        return weft_fail(msg, WEFT_EINVAL, "--lot: %.*s is no name that a lot or unit may have",
            (int)asset.size, asset.data);
    }
    *ret_subject = weft_subject_of(&name);
    return WEFT_OK;
}

static enum weft_err commit(struct weft_client *client, struct weft_arena *arena,
    const struct weft_record *record, struct weft_msg *msg)
{
    struct weft_client_message answer;
    struct weft_client_message request = {
        .kind = WEFT_KIND_COMMIT, .commit = {.records = record, .record_count = 1}};
    enum weft_err err = weft_commit_once(client, &request, arena, &answer, msg);
    if (err == WEFT_OK && answer.commit_result.receipt_count == 1) {
        char digest[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&answer.commit_result.receipts[0].digest, digest);
        (void)printf("%s\n", digest);
        (void)fprintf(stderr,
            "recalled at index %" PRIu64 "; weft recall --across tells how far it is\n",
            answer.commit_result.index);
    }
    return err;
}

enum weft_err weft_recall_tell(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = 2 * WEFT_ANSWER_SIZE_MAX};
    const struct weft_text lot = weft_text_of(weft_args_text(args, "lot", ""));
    struct weft_act act = {.kind = WEFT_ACT_RECALL,
        .recall = {.action = weft_text_of(weft_args_text(args, "tell", "")),
            .reason = weft_text_of(weft_args_text(args, "reason", ""))}};
    struct weft_digest subject;
    struct weft_text site;
    struct weft_field *fields;
    uint32_t count;
    if (lot.size == 0 || act.recall.reason.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "--tell wants --lot and --reason");
    }
    enum weft_err err = find_site(client, &arena, &site, msg);
    err = err == WEFT_OK ? find_subject(site, lot, &subject, msg) : err;
    act.recall.subjects = (struct weft_act_digests){&subject, 1};
    err = err == WEFT_OK ? weft_act_encode(&act, &arena, &fields, &count, msg) : err;
    if (err == WEFT_OK) {
        const struct weft_link about = {.rel = WEFT_TEXT("about"), .to = lot};
        const struct weft_record record = {.kind = WEFT_TEXT("recall"),
            .asset = lot,
            .fields = fields,
            .field_count = count,
            .links = &about,
            .link_count = 1};
        err = commit(client, &arena, &record, msg);
    }
    weft_arena_destroy(&arena);
    return err;
}
