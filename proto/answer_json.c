#include "proto/answer_json.h"

#include <inttypes.h>
#include <stdio.h>

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

enum weft_err weft_answer_write_record(
    struct weft_writer *w, const struct weft_stored_record *stored, struct weft_arena *arena)
{
    weft_writer_raw(w, NULL, WEFT_TEXT("")); /* The comma. */
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
        enum weft_err err = weft_answer_write_record(w, &page->records[i], arena);
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
    char chain[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&status->chain, chain);
    weft_writer_text(w, "state", status->state);
    weft_writer_unsigned(w, "term", status->term);
    weft_writer_unsigned(w, "commit_index", status->commit_index);
    weft_writer_unsigned(w, "applied_index", status->applied_index);
    weft_writer_unsigned(w, "first_log_index", status->first_log_index);
    weft_writer_unsigned(w, "last_log_index", status->last_log_index);
    weft_writer_unsigned(w, "checkpoint_index", status->checkpoint_index);
    weft_writer_text(w, "chain", weft_text_of(chain));
    weft_writer_text(w, "version", status->version);
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
