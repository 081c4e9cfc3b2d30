#include "proto/answer_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/packed.h"
#include "proto/query_text.h"
#include "proto/record_json.h"
#include "proto/request_id.h"
#include "proto/time.h"

enum {
    NAME_SIZE = 64 /* Of a gauge; longer ones are cut. */
};

void weft_answer_write_commit(struct weft_writer *w, const struct weft_commit_result *result)
{
    char text[WEFT_DIGEST_TEXT_SIZE + WEFT_TIME_TEXT_SIZE + WEFT_REQUEST_ID_TEXT_SIZE];
    weft_writer_open(w, NULL, '{');
    weft_writer_unsigned(w, "index", result->index);
    weft_time_format(result->time_ns, text);
    weft_writer_text(w, "time", weft_text_of(text));
    weft_writer_open(w, "records", '[');
    for (uint32_t i = 0; i < result->receipt_count; i++) {
        weft_writer_open(w, NULL, '{');
        weft_writer_text(w, "asset", result->receipts[i].asset);
        weft_writer_unsigned(w, "rev", result->receipts[i].rev);
        weft_digest_format(&result->receipts[i].digest, text);
        weft_writer_text(w, "digest", weft_text_of(text));
        weft_writer_close(w, '}');
    }
    weft_writer_close(w, ']');
    weft_request_id_format(&result->request_id, text);
    weft_writer_text(w, "request_id", weft_text_of(text));
    if (result->repeated) {
        weft_writer_bool(w, "repeated", true);
    }
    weft_writer_close(w, '}');
}

/* --- records ----------------------------------------------------------------------------- */

enum weft_err weft_answer_write_record(struct weft_writer *w, const char *key,
    const struct weft_stored_record *stored, struct weft_arena *arena)
{
    weft_writer_raw(w, key, WEFT_TEXT("")); /* What goes before it. */
    enum weft_err err = weft_record_to_json(&stored->record, stored, arena, &w->out);
    w->is_broken = w->is_broken || err != WEFT_OK;
    return err;
}

static void write_cursor(struct weft_writer *w, struct weft_bytes cursor)
{
    struct weft_buffer digits = {0};
    if (weft_query_format_cursor(cursor, &digits) == WEFT_OK) {
        weft_writer_text(w, "cursor", (struct weft_text){(char *)digits.data, digits.size});
    } else {
        w->is_broken = true;
    }
    weft_buffer_destroy(&digits);
}

enum weft_err weft_answer_write_page(struct weft_writer *w, struct weft_text asset,
    const struct weft_page *page, struct weft_arena *arena)
{
    weft_writer_open(w, NULL, '{');
    if (asset.size > 0) {
        weft_writer_text(w, "asset", asset);
    }
    if (page->asset_rev > 0) {
        weft_writer_unsigned(w, "rev", page->asset_rev);
    }
    weft_writer_open(w, "records", '[');
    for (uint32_t i = 0; i < page->record_count; i++) {
        enum weft_err err = weft_answer_write_record(w, NULL, &page->records[i], arena);
        if (err != WEFT_OK) {
            return err;
        }
    }
    weft_writer_close(w, ']');
    weft_writer_unsigned(w, "index", page->index);
    if (page->cursor.size > 0) {
        write_cursor(w, page->cursor);
    }
    if (page->next_index > 0) {
        weft_writer_unsigned(w, "next_index", page->next_index);
    }
    weft_writer_close(w, '}');
    return w->is_broken ? WEFT_ENOMEM : WEFT_OK;
}

/* --- documents --------------------------------------------------------------------------- */

enum weft_err weft_answer_write_document(
    struct weft_writer *w, const struct weft_document *document, struct weft_arena *arena)
{
    weft_writer_raw(w, NULL, WEFT_TEXT("")); /* What goes before it. */
    enum weft_err err =
        weft_fields_to_json(document->fields, document->field_count, arena, &w->out);
    w->is_broken = w->is_broken || err != WEFT_OK;
    return err;
}

/* --- traces ------------------------------------------------------------------------------ */

static void write_time(struct weft_writer *w, const char *key, int64_t ns)
{
    char text[WEFT_TIME_TEXT_SIZE];
    weft_time_format(ns, text);
    weft_writer_text(w, key, weft_text_of(text));
}

static void write_flag(struct weft_writer *w, const char *key, uint32_t flags, uint32_t flag)
{
    if ((flags & flag) != 0) {
        weft_writer_bool(w, key, true);
    }
}

static void write_location(struct weft_writer *w, const struct weft_trace_step *s)
{
    weft_writer_open(w, "location", '{');
    weft_writer_text(w, "asset", s->location);
    weft_writer_text(w, "rel", s->location_rel);
    write_time(w, "at", s->location_at_ns);
    weft_writer_unsigned(w, "index", s->location_index);
    weft_writer_unsigned(w, "ordinal", s->location_ordinal);
    weft_writer_close(w, '}');
}

void weft_answer_write_step(
    struct weft_writer *w, uint32_t number, const struct weft_trace_step *step)
{
    weft_writer_open(w, NULL, '{');
    weft_writer_unsigned(w, "step", number);
    weft_writer_text(w, "asset", step->asset);
    weft_writer_unsigned(w, "depth", step->depth);
    if (step->depth > 0) {
        weft_writer_unsigned(w, "from", step->from_step);
        weft_writer_text(w, "rel", step->rel);
        if (step->quantity.size > 0) {
            weft_writer_raw(w, "quantity", step->quantity);
        }
        if (step->unit.size > 0) {
            weft_writer_text(w, "unit", step->unit);
        }
        write_time(w, "at", step->at_ns);
        weft_writer_text(w, "kind", step->kind);
        weft_writer_unsigned(w, "index", step->index);
        weft_writer_unsigned(w, "ordinal", step->ordinal);
    }
    write_flag(w, "answer", step->flags, WEFT_STEP_ANSWER);
    write_flag(w, "leaf", step->flags, WEFT_STEP_LEAF);
    write_flag(w, "dangling", step->flags, WEFT_STEP_DANGLING);
    write_flag(w, "ended", step->flags, WEFT_STEP_ENDED);
    write_flag(w, "cycle", step->flags, WEFT_STEP_CYCLE);
    if (step->location.size > 0) {
        write_location(w, step);
    }
    weft_writer_close(w, '}');
}

bool weft_answer_next_name(struct weft_text *rest, struct weft_text *ret_name)
{
    return weft_text_cut(rest, '\n', ret_name);
}

static enum weft_err item_done(const struct weft_answer_items *items, struct weft_writer *w)
{
    return items != NULL ? items->on_item(items->ctx, w) : WEFT_OK;
}

static enum weft_err write_names(
    struct weft_writer *w, struct weft_text names, const struct weft_answer_items *items)
{
    struct weft_text name;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && weft_answer_next_name(&names, &name)) {
        weft_writer_text(w, NULL, name);
        err = item_done(items, w);
    }
    return err;
}

static enum weft_err write_steps(struct weft_writer *w, const struct weft_trace_result *trace,
    const struct weft_answer_items *items)
{
    struct weft_packed_steps packed = weft_packed_read_steps(trace);
    struct weft_trace_step step;
    enum weft_err err = WEFT_OK;
    for (uint32_t number = packed.number; err == WEFT_OK && weft_packed_next_step(&packed, &step);
         number++) {
        weft_answer_write_step(w, number, &step);
        err = item_done(items, w);
    }
    return err;
}

static enum weft_err write_records(struct weft_writer *w, const struct weft_trace_result *trace,
    struct weft_arena *arena, const struct weft_answer_items *items)
{
    struct weft_bytes rest = trace->records.bytes;
    struct weft_packed_record packed;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && weft_packed_next_record(&rest, &packed)) {
        struct weft_stored_record record;
        err = weft_packed_open_record(&packed, arena, &record);
        err = err == WEFT_OK ? weft_answer_write_record(w, NULL, &record, arena) : err;
        err = err == WEFT_OK ? item_done(items, w) : err;
    }
    w->is_broken = w->is_broken || err != WEFT_OK;
    return err;
}

enum weft_err weft_answer_write_trace(struct weft_writer *w, const char *key,
    const struct weft_trace_result *trace, bool ids_only, struct weft_arena *arena,
    const struct weft_answer_items *items)
{
    weft_writer_open(w, key, '{');
    weft_writer_unsigned(w, "index", trace->index);
    weft_writer_unsigned(w, "steps_total", trace->steps_total);
    weft_writer_unsigned(w, "answers_total", trace->answers_total);
    weft_writer_unsigned(w, "depth_reached", trace->depth_reached);
    if (!ids_only) {
        weft_writer_bool(w, "has_cycles", trace->has_cycles);
    }
    weft_writer_open(w, ids_only ? "assets" : "steps", '[');
    enum weft_err err =
        ids_only ? write_names(w, trace->assets, items) : write_steps(w, trace, items);
    weft_writer_close(w, ']');
    if (err == WEFT_OK && trace->records.count > 0) {
        weft_writer_open(w, "records", '[');
        err = write_records(w, trace, arena, items);
        weft_writer_close(w, ']');
    }
    if (trace->cursor.size > 0) {
        write_cursor(w, trace->cursor);
    }
    weft_writer_close(w, '}');
    return err == WEFT_OK && w->is_broken ? WEFT_ENOMEM : err;
}

/* --- status ------------------------------------------------------------------------------ */

const char *weft_answer_role_name(enum weft_role role)
{
    switch (role) {
    case WEFT_ROLE_STANDBY:
        return "standby";
    case WEFT_ROLE_VOTER:
        return "voter";
    case WEFT_ROLE_SPARE:
        return "spare";
    }
    return "unknown";
}

void weft_answer_write_node(struct weft_writer *w, const struct weft_status *status)
{
    char chain[WEFT_DIGEST_TEXT_SIZE], root[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&status->chain, chain);
    weft_digest_format(&status->audit_root, root);
    weft_writer_text(w, "state", status->state);
    weft_writer_unsigned(w, "term", status->term);
    weft_writer_unsigned(w, "commit_index", status->commit_index);
    weft_writer_unsigned(w, "applied_index", status->applied_index);
    weft_writer_unsigned(w, "first_log_index", status->first_log_index);
    weft_writer_unsigned(w, "last_log_index", status->last_log_index);
    weft_writer_unsigned(w, "checkpoint_index", status->checkpoint_index);
    weft_writer_text(w, "chain", weft_text_of(chain));
    weft_writer_unsigned(w, "audit_size", status->audit_size);
    weft_writer_text(w, "audit_root", weft_text_of(root));
    weft_writer_text(w, "version", status->version);
    weft_writer_text(w, "policy", status->policy);
    weft_writer_open(w, "gauges", '{');
    for (uint32_t i = 0; i < status->gauge_count; i++) {
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof(name), "%.*s", (int)status->gauges[i].name.size,
            status->gauges[i].name.data);
        weft_writer_unsigned(w, name, status->gauges[i].value);
    }
    weft_writer_close(w, '}');
}

static void write_member(struct weft_writer *w, const struct weft_member *member)
{
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "name", member->name);
    weft_writer_unsigned(w, "id", member->id);
    weft_writer_text(w, "role", weft_text_of(weft_answer_role_name(member->role)));
    weft_writer_text(w, "peer", member->peer_address);
    weft_writer_text(w, "client", member->client_address);
    weft_writer_bool(w, "is_leader", member->is_leader);
    weft_writer_bool(w, "is_connected", member->is_connected);
    weft_writer_close(w, '}');
}

void weft_answer_write_status(struct weft_writer *w, const struct weft_status *status)
{
    char cluster[32];
    (void)snprintf(cluster, sizeof(cluster), "%016" PRIx64, status->cluster);
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "site", status->site);
    weft_writer_text(w, "org", status->org);
    weft_writer_text(w, "cluster", weft_text_of(cluster));
    weft_writer_text(w, "node", status->node);
    weft_writer_unsigned(w, "node_id", status->node_id);
    weft_writer_unsigned(w, "leader_id", status->leader_id);
    weft_answer_write_node(w, status);
    weft_writer_open(w, "members", '[');
    for (uint32_t i = 0; i < status->member_count; i++) {
        write_member(w, &status->members[i]);
    }
    weft_writer_close(w, ']');
    weft_writer_close(w, '}');
}

/* --- problems ---------------------------------------------------------------------------- */

/* What a class of codes means, for who has never seen one. */
static const char *title_of(enum weft_err err)
{
    switch (weft_err_class(err)) {
    case WEFT_CLASS_OK:
        return "No problem";
    case WEFT_CLASS_RETRY:
        return "Try again";
    case WEFT_CLASS_REFUSED:
        return "Refused in the present state";
    case WEFT_CLASS_INPUT:
        return "The request is at fault";
    case WEFT_CLASS_LIMIT:
        return "Over a limit";
    case WEFT_CLASS_DAMAGED:
        return "The node is damaged";
    case WEFT_CLASS_CLOSING:
        return "The node is stopping";
    }
    return "Unknown";
}

void weft_answer_write_problem(
    struct weft_writer *w, const struct weft_error_answer *error, unsigned status)
{
    char type[64];
    (void)snprintf(type, sizeof(type), "urn:weft:problem:%s", weft_err_name(error->err));
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "type", weft_text_of(type));
    weft_writer_text(w, "title", weft_text_of(title_of(error->err)));
    weft_writer_unsigned(w, "status", status);
    /* A detail may quote what was sent: up to the first byte that is not UTF-8. */
    weft_writer_text(
        w, "detail", (struct weft_text){error->detail.data, weft_text_utf8_prefix(error->detail)});
    if (error->pointer.size > 0) {
        weft_writer_text(w, "pointer", error->pointer);
    }
    if (error->err == WEFT_ECONFLICT) {
        weft_writer_unsigned(w, "present_rev", error->present_rev);
    }
    if (error->leader.size > 0) {
        weft_writer_text(w, "leader", error->leader);
    }
    if (error->index > 0) {
        weft_writer_unsigned(w, "index", error->index);
    }
    weft_writer_close(w, '}');
}
