#include <inttypes.h>

#include "ops/weft/claims.h"
#include "ops/weft/output.h"
#include "ops/weft/query.h"

/* claims: every edge between a whole and a part that only one side states, or that they state
 * differently. */

struct claims {
    struct weft_claims claims;
    struct weft_progress progress;
    uint64_t records;
    uint64_t index; /* What was read speaks for it, at the latest. */
};

static enum weft_err on_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    struct claims *c = ctx;
    for (uint32_t i = 0; i < page->record_count; i++) {
        enum weft_err err = weft_claims_add(&c->claims, &page->records[i].record);
        if (err != WEFT_OK) {
            return weft_fail(msg, err, "no memory for the claims");
        }
    }
    c->records += page->record_count;
    c->index = page->index;
    weft_progress_show(&c->progress, c->records);
    return WEFT_OK;
}

static const char *verdict_name(enum weft_claim_verdict verdict)
{
    switch (verdict) {
    case WEFT_CLAIM_CONFIRMED:
        return "confirmed";
    case WEFT_CLAIM_UNCONFIRMED:
        return "unconfirmed";
    case WEFT_CLAIM_CONTRADICTED:
        return "contradicted";
    case WEFT_CLAIM_QUANTITY:
        return "quantity";
    }
    return "";
}

static void write_side(struct weft_writer *w, const char *key, const struct weft_claim_side *side)
{
    if (side->is_made) {
        weft_writer_text(w, key, side->quantity.size > 0 ? side->quantity : WEFT_TEXT("yes"));
    }
}

static void add_row(struct weft_table *t, const struct weft_claims *c,
    const struct weft_claim *claim, enum weft_claim_verdict verdict)
{
    const struct weft_claim_side *sides[] = {&claim->by_whole, &claim->by_part};
    weft_table_cell(t, weft_text_of(verdict_name(verdict)));
    weft_table_cell(t, c->assets[claim->whole].name);
    weft_table_cell(t, c->assets[claim->part].name);
    for (int i = 0; i < 2; i++) {
        weft_table_cell(t, !sides[i]->is_made            ? WEFT_TEXT("-")
                           : sides[i]->quantity.size > 0 ? sides[i]->quantity
                                                         : WEFT_TEXT("yes"));
    }
}

static void write_claim(struct weft_writer *w, const struct weft_claims *c,
    const struct weft_claim *claim, enum weft_claim_verdict verdict)
{
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "verdict", weft_text_of(verdict_name(verdict)));
    weft_writer_text(w, "whole", c->assets[claim->whole].name);
    weft_writer_text(w, "part", c->assets[claim->part].name);
    write_side(w, "by_whole", &claim->by_whole);
    write_side(w, "by_part", &claim->by_part);
    weft_writer_close(w, '}');
}

/* Print what is not confirmed; *ret_contradicted: how many edges the two sides do not agree on. */
static enum weft_err print(const struct weft_args *args, const struct claims *c,
    enum weft_format format, uint64_t *ret_contradicted, struct weft_msg *msg)
{
    struct weft_table table = {.columns = 0};
    struct weft_writer writer = {.wants_comma = false};
    uint64_t counts[4] = {0};
    weft_table_init(&table, "VERDICT|WHOLE|PART|BY WHOLE|BY PART");
    if (format == WEFT_FORMAT_JSON) {
        weft_writer_open(&writer, NULL, '{');
        weft_writer_open(&writer, "claims", '[');
    }
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < c->claims.count && err == WEFT_OK; i++) {
        const struct weft_claim *claim = &c->claims.list[i];
        enum weft_claim_verdict verdict = weft_claims_judge(&c->claims, claim);
        counts[verdict]++;
        bool is_hidden = verdict == WEFT_CLAIM_UNCONFIRMED && weft_args_has(args, "contradicted");
        if (verdict == WEFT_CLAIM_CONFIRMED || is_hidden) {
            continue;
        }
        if (format == WEFT_FORMAT_TABLE) {
            add_row(&table, &c->claims, claim, verdict);
            continue;
        }
        write_claim(&writer, &c->claims, claim, verdict);
        err = format == WEFT_FORMAT_JSONL ? weft_writer_print(&writer, stdout, msg)
                                          : weft_writer_flush(&writer, stdout, msg);
    }
    *ret_contradicted = counts[WEFT_CLAIM_CONTRADICTED] + counts[WEFT_CLAIM_QUANTITY];
    if (err == WEFT_OK && format == WEFT_FORMAT_TABLE) {
        weft_table_print(&table, stdout);
        (void)printf("%" PRIu32 " edges: %" PRIu64 " confirmed, %" PRIu64 " unconfirmed, %" PRIu64
                     " contradicted, %" PRIu64 " with two quantities\n",
            c->claims.count, counts[WEFT_CLAIM_CONFIRMED], counts[WEFT_CLAIM_UNCONFIRMED],
            counts[WEFT_CLAIM_CONTRADICTED], counts[WEFT_CLAIM_QUANTITY]);
    } else if (err == WEFT_OK && format == WEFT_FORMAT_JSON) {
        weft_writer_close(&writer, ']');
        weft_writer_unsigned(&writer, "edges", c->claims.count);
        for (int i = 0; i < 4; i++) {
            weft_writer_unsigned(&writer, verdict_name((enum weft_claim_verdict)i), counts[i]);
        }
        weft_writer_unsigned(&writer, "index", c->index);
        weft_writer_close(&writer, '}');
        err = weft_writer_print(&writer, stdout, msg);
    }
    weft_buffer_destroy(&table.cells);
    weft_writer_destroy(&writer);
    return err;
}

/* Both kinds that say how a thing was built, or those that are named. */
static enum weft_err gather(const struct weft_args *args, struct weft_client *client,
    struct claims *c, struct weft_msg *msg)
{
    static const char *const built[] = {"as_built", "genealogy"};
    struct weft_query query = {.type = WEFT_QUERY_FIND};
    enum weft_err err = weft_query_read_options(args, &query, msg);
    bool is_chosen = weft_args_has(args, "kind");
    for (int i = 0; err == WEFT_OK; i++) {
        const char *kind = is_chosen ? weft_args_nth(args, "kind", i) : i < 2 ? built[i] : NULL;
        if (kind == NULL) {
            break;
        }
        query.kind = weft_text_of(kind);
        err = weft_query_pages(client, &query, 0, on_page, c, msg);
        if (err == WEFT_OK && query.as_of == 0) {
            query.as_of = c->index; /* All kinds as of one index. */
        }
    }
    return err;
}

enum weft_exit weft_cmd_claims(const struct weft_args *args)
{
    struct weft_net *net = NULL;
    struct weft_client *client = NULL;
    struct claims c = {.records = 0};
    struct weft_msg msg = {""};
    enum weft_format format;
    uint64_t contradicted = 0;
    weft_claims_init(&c.claims);
    enum weft_err err = weft_output_format(args, &format, &msg);
    if (err == WEFT_OK) {
        err = weft_client_from_args(args, &net, &client, &msg);
    }
    if (err == WEFT_OK) {
        weft_progress_start(&c.progress, args, "claims", "records", 0);
        err = gather(args, client, &c, &msg);
        weft_progress_end(&c.progress);
    }
    if (err == WEFT_OK) {
        err = print(args, &c, format, &contradicted, &msg);
    }
    weft_client_destroy(client);
    weft_net_close(net);
    weft_claims_destroy(&c.claims);
    if (err == WEFT_OK) {
        return contradicted > 0 ? WEFT_EXIT_NO : WEFT_EXIT_DONE;
    }
    return weft_complain(err, &msg);
}
