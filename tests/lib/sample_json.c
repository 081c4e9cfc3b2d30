#include "tests/lib/sample.h"

#include <inttypes.h>

#include "proto/check.h"

/* One member per line of the functions below, named as in the schemas. Numbers of outcomes are
 * written out here once more on purpose: the codec's table is held against them. */

static void put(struct weft_buffer *out, const char *text)
{
    enum weft_err err = weft_buffer_append(out, text, strlen(text));
    weft_assert(err == WEFT_OK);
}

/* The separator, if something stands before it in this object or array, and the name. */
static void key(struct weft_buffer *out, const char *name)
{
    char last = (char)out->data[out->size - 1];
    enum weft_err err = weft_buffer_format(out, "%s\"%s\":", last == '{' ? "" : ",", name);
    weft_assert(err == WEFT_OK);
}

static void put_number(struct weft_buffer *out, const char *name, uint64_t value)
{
    key(out, name);
    enum weft_err err = weft_buffer_format(out, "%" PRIu64, value);
    weft_assert(err == WEFT_OK);
}

static void put_signed(struct weft_buffer *out, const char *name, int64_t value)
{
    key(out, name);
    enum weft_err err = weft_buffer_format(out, "%" PRId64, value);
    weft_assert(err == WEFT_OK);
}

static void put_bool(struct weft_buffer *out, const char *name, bool value)
{
    key(out, name);
    put(out, value ? "true" : "false");
}

static void put_text(struct weft_buffer *out, const char *name, struct weft_text text)
{
    key(out, name);
    put(out, "\"");
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = (uint8_t)text.data[i];
        enum weft_err err = c < 0x20 || c == '"' || c == '\\'
                                ? weft_buffer_format(out, "\\u%04x", c)
                                : weft_buffer_append(out, &c, 1);
        weft_assert(err == WEFT_OK);
    }
    put(out, "\"");
}

static void put_hex(struct weft_buffer *out, const char *name, const uint8_t *data, size_t size)
{
    key(out, name);
    put(out, "{\"hex\":\"");
    for (size_t i = 0; i < size; i++) {
        const char digits[] = {"0123456789abcdef"[data[i] >> 4], "0123456789abcdef"[data[i] & 15]};
        enum weft_err err = weft_buffer_append(out, digits, sizeof(digits));
        weft_assert(err == WEFT_OK);
    }
    put(out, "\"}");
}

static void put_bytes(struct weft_buffer *out, const char *name, struct weft_bytes bytes)
{
    put_hex(out, name, bytes.data, bytes.size);
}

/* A zero digest is not sent. */
static void put_digest(struct weft_buffer *out, const char *name, const struct weft_digest *digest)
{
    static const struct weft_digest zero;
    put_hex(out, name, digest->bytes, weft_digest_equal(digest, &zero) ? 0 : WEFT_DIGEST_SIZE);
}

static void put_outcome(struct weft_buffer *out, enum weft_err err)
{
    static const uint8_t numbers[WEFT_ERRS] = {[WEFT_OK] = 0,
        [WEFT_EBUSY] = 1,
        [WEFT_ENOTLEADER] = 2,
        [WEFT_EUNAVAILABLE] = 3,
        [WEFT_ETIMEDOUT] = 4,
        [WEFT_EREFUSED] = 5,
        [WEFT_ECONFLICT] = 6,
        [WEFT_ENOTFOUND] = 7,
        [WEFT_ESTATE] = 8,
        [WEFT_EMALFORMED] = 9,
        [WEFT_EINVAL] = 10,
        [WEFT_EVERSION] = 11,
        [WEFT_EPEER] = 12,
        [WEFT_EBADSIG] = 13,
        [WEFT_ETOOBIG] = 14,
        [WEFT_ENOMEM] = 15,
        [WEFT_ENOSPC] = 16,
        [WEFT_ECORRUPT] = 17,
        [WEFT_EIO] = 18,
        [WEFT_ECLOSED] = 19};
    put_number(out, "outcome", numbers[err]);
}

/* Between the elements of an array. */
static void next(struct weft_buffer *out, uint32_t i)
{
    put(out, i > 0 ? ",{" : "{");
}

/* --- records --------------------------------------------------------------------------------- */

static void put_fields(
    struct weft_buffer *out, const char *name, const struct weft_field *fields, uint32_t count)
{
    key(out, name);
    put(out, "[");
    for (uint32_t i = 0; i < count; i++) {
        next(out, i);
        put_text(out, "path", fields[i].path);
        put_text(out, "value", fields[i].value);
        put_number(out, "value_type", fields[i].type);
        put(out, "}");
    }
    put(out, "]");
}

void sample_record_json(const struct weft_record *r, struct weft_buffer *out)
{
    put(out, "{");
    put_text(out, "kind", r->kind);
    put_text(out, "asset", r->asset);
    put_text(out, "source", r->source);
    put_text(out, "author", r->author);
    put_signed(out, "at_ns", r->at_ns);
    put_number(out, "expect_rev", r->expect_rev);
    put_bool(out, "has_at", r->has_at);
    put_bool(out, "has_expect", r->has_expect);
    put_fields(out, "fields", r->fields, r->field_count);
    key(out, "links");
    put(out, "[");
    for (uint32_t i = 0; i < r->link_count; i++) {
        next(out, i);
        put_text(out, "rel", r->links[i].rel);
        put_text(out, "target", r->links[i].to);
        put_fields(out, "fields", r->links[i].fields, r->links[i].field_count);
        put(out, "}");
    }
    put(out, "]}");
}

void sample_commit_json(const struct weft_commit *c, struct weft_buffer *out)
{
    put(out, "{");
    put_hex(out, "request_id", c->request_id.bytes, sizeof(c->request_id.bytes));
    key(out, "records");
    put(out, "[");
    for (uint32_t i = 0; i < c->record_count; i++) {
        put(out, i > 0 ? "," : "");
        sample_record_json(&c->records[i], out);
    }
    put(out, "]}");
}

/* --- checkpoints ----------------------------------------------------------------------------- */

void sample_manifest_json(const struct weft_manifest *m, struct weft_buffer *out)
{
    put(out, "{");
    put_text(out, "name", m->name);
    put_text(out, "site", m->site);
    put_number(out, "cluster", m->cluster);
    put_number(out, "index", m->index);
    put_number(out, "term", m->term);
    put_signed(out, "time_ns", m->time_ns);
    put_number(out, "conf_index", m->conf_index);
    put_bytes(out, "configuration", m->configuration);
    put_digest(out, "chain", &m->chain);
    put_number(out, "format", m->format);
    key(out, "files");
    put(out, "[");
    for (uint32_t i = 0; i < m->file_count; i++) {
        next(out, i);
        put_text(out, "name", m->files[i].name);
        put_number(out, "size_bytes", m->files[i].size_bytes);
        put_digest(out, "digest", &m->files[i].digest);
        put(out, "}");
    }
    put(out, "]}");
}

static void put_fetch(struct weft_buffer *out, const struct weft_fetch *f)
{
    put_text(out, "checkpoint", f->checkpoint);
    put_text(out, "file_name", f->file);
    put_number(out, "offset_bytes", f->offset);
    put_number(out, "size_bytes", f->size_bytes);
}

static void put_chunk(struct weft_buffer *out, const struct weft_chunk *c)
{
    put_text(out, "checkpoint", c->checkpoint);
    put_text(out, "file_name", c->file);
    put_number(out, "offset_bytes", c->offset);
    put_outcome(out, c->err);
    put_number(out, "crc32c", c->crc32c);
    put_bytes(out, "content", c->data);
}

/* --- the peer door --------------------------------------------------------------------------- */

static void put_header(struct weft_buffer *out, const struct weft_peer_header *h)
{
    key(out, "header");
    put(out, "{");
    put_number(out, "cluster", h->cluster);
    put_number(out, "sender", h->sender);
    put_number(out, "incarnation", h->incarnation);
    put_number(out, "term", h->term);
    put_number(out, "sequence", h->sequence);
    put_number(out, "request_term", h->request_term);
    put_number(out, "request_sequence", h->request_sequence);
    put_number(out, "request_incarnation", h->request_incarnation);
    put(out, "}");
}

static void put_append_entries(struct weft_buffer *out, const struct weft_append_entries *a)
{
    put_number(out, "term", a->term);
    put_number(out, "prev_log_index", a->prev_log_index);
    put_number(out, "prev_log_term", a->prev_log_term);
    put_number(out, "leader_commit", a->leader_commit);
    key(out, "entries");
    put(out, "[");
    for (uint32_t i = 0; i < a->entry_count; i++) {
        next(out, i);
        put_number(out, "term", a->entries[i].term);
        put_number(out, "entry_type", a->entries[i].type);
        put_bytes(out, "content", a->entries[i].data);
        put(out, "}");
    }
    put(out, "]");
}

static void put_vote(struct weft_buffer *out, const struct weft_request_vote *r)
{
    put_number(out, "term", r->term);
    put_number(out, "candidate_id", r->candidate_id);
    put_number(out, "last_log_index", r->last_log_index);
    put_number(out, "last_log_term", r->last_log_term);
    put_bool(out, "disrupt_leader", r->disrupt_leader);
    put_bool(out, "pre_vote", r->pre_vote);
}

static void put_append_result(struct weft_buffer *out, const struct weft_append_entries_result *r)
{
    put_number(out, "term", r->term);
    put_number(out, "rejected", r->rejected);
    put_number(out, "last_log_index", r->last_log_index);
    put_number(out, "features", r->features);
    put_number(out, "capacity", r->capacity);
    put_number(out, "applied_index", r->applied_index);
    put_digest(out, "applied_chain", &r->applied_chain);
}

static void put_snapshot(struct weft_buffer *out, const struct weft_install_snapshot *i)
{
    put_number(out, "term", i->term);
    put_number(out, "last_index", i->last_index);
    put_number(out, "last_term", i->last_term);
    put_number(out, "conf_index", i->conf_index);
    put_bytes(out, "configuration", i->configuration);
    put_bytes(out, "manifest", i->manifest);
    put_text(out, "address", i->address);
}

static void put_peer_body(struct weft_buffer *out, const struct weft_peer_message *m)
{
    unsigned kind = m->kind;
    switch (kind) {
    case WEFT_KIND_REQUEST_VOTE:
        put_vote(out, &m->request_vote);
        break;
    case WEFT_KIND_REQUEST_VOTE_RESULT:
        put_number(out, "term", m->request_vote_result.term);
        put_bool(out, "vote_granted", m->request_vote_result.vote_granted);
        put_bool(out, "pre_vote", m->request_vote_result.pre_vote);
        put_number(out, "features", m->request_vote_result.features);
        put_number(out, "capacity", m->request_vote_result.capacity);
        break;
    case WEFT_KIND_APPEND_ENTRIES:
        put_append_entries(out, &m->append_entries);
        break;
    case WEFT_KIND_APPEND_ENTRIES_RESULT:
        put_append_result(out, &m->append_entries_result);
        break;
    case WEFT_KIND_INSTALL_SNAPSHOT:
        put_snapshot(out, &m->install_snapshot);
        break;
    case WEFT_KIND_TIMEOUT_NOW:
        put_number(out, "term", m->timeout_now.term);
        put_number(out, "last_log_index", m->timeout_now.last_log_index);
        put_number(out, "last_log_term", m->timeout_now.last_log_term);
        break;
    case WEFT_KIND_PING:
        put_number(out, "round", m->ping.round);
        break;
    case WEFT_KIND_PONG:
        put_number(out, "round", m->pong.round);
        break;
    case WEFT_KIND_READ_INDEX:
        put_number(out, "read_id", m->read_index.id);
        break;
    case WEFT_KIND_AUDIT_LINE:
        put_number(out, "size", m->audit_line.size);
        put_digest(out, "root", &m->audit_line.root);
        put_text(out, "vkey", m->audit_line.vkey);
        put_text(out, "line", m->audit_line.line);
        put_text(out, "origin", m->audit_line.origin);
        break;
    case WEFT_KIND_READ_INDEX_RESULT:
        put_number(out, "read_id", m->read_index_result.id);
        put_number(out, "index", m->read_index_result.index);
        put_outcome(out, m->read_index_result.err);
        break;
    case WEFT_KIND_FETCH:
        key(out, "body");
        put(out, "{");
        put_fetch(out, &m->fetch);
        put(out, "}");
        break;
    case WEFT_KIND_CHUNK:
        key(out, "body");
        put(out, "{");
        put_chunk(out, &m->chunk);
        put(out, "}");
        break;
    }
}

void sample_peer_json(const struct weft_peer_message *m, struct weft_buffer *out)
{
    put(out, "{");
    put_header(out, &m->header);
    put_peer_body(out, m);
    put(out, "}");
}

/* --- the client door ------------------------------------------------------------------------- */

static void put_members(struct weft_buffer *out, const struct weft_member *members, uint32_t count)
{
    key(out, "members");
    put(out, "[");
    for (uint32_t i = 0; i < count; i++) {
        next(out, i);
        put_number(out, "member_id", members[i].id);
        put_text(out, "name", members[i].name);
        put_text(out, "peer_address", members[i].peer_address);
        put_text(out, "client_address", members[i].client_address);
        put_number(out, "role", members[i].role);
        put_bool(out, "wants_vote", members[i].wants_vote);
        put_bool(out, "is_leader", members[i].is_leader);
        put_bool(out, "is_connected", members[i].is_connected);
        put_number(out, "match_index", members[i].match_index);
        put(out, "}");
    }
    put(out, "]");
}

static void put_commit_result(struct weft_buffer *out, const struct weft_commit_result *c)
{
    put_hex(out, "request_id", c->request_id.bytes, sizeof(c->request_id.bytes));
    put_number(out, "index", c->index);
    put_signed(out, "time_ns", c->time_ns);
    put_bool(out, "repeated_request", c->repeated);
    key(out, "receipts");
    put(out, "[");
    for (uint32_t i = 0; i < c->receipt_count; i++) {
        next(out, i);
        put_text(out, "asset", c->receipts[i].asset);
        put_number(out, "rev", c->receipts[i].rev);
        put_digest(out, "digest", &c->receipts[i].digest);
        put(out, "}");
    }
    put(out, "]");
}

static void put_query(struct weft_buffer *out, const struct weft_query *q)
{
    put_number(out, "query_type", q->type);
    put_number(out, "consistency", q->consistency);
    put_number(out, "min_index", q->min_index);
    put_text(out, "asset", q->asset);
    put_text(out, "asset_glob", q->asset_glob);
    put_text(out, "kind", q->kind);
    put_text(out, "where_path", q->where_path);
    put_number(out, "where_operator", q->where_op);
    put_text(out, "where_value", q->where_value);
    put_number(out, "from_index", q->from_index);
    put_number(out, "as_of", q->as_of);
    put_signed(out, "at_ns", q->at_ns);
    put_bool(out, "has_at", q->has_at);
    put_bool(out, "no_inside", q->no_inside);
    put_number(out, "limit_records", q->limit);
    put_number(out, "wait_ms", q->wait_ms);
    put_bytes(out, "cursor", q->cursor);
    put_number(out, "depth_max", q->depth_max);
    put_text(out, "rels", q->rels);
    put_text(out, "to_kind", q->to_kind);
    put_text(out, "machine", q->machine);
    put_signed(out, "window_from_ns", q->window_from_ns);
    put_signed(out, "window_to_ns", q->window_to_ns);
    put_bool(out, "has_window", q->has_window);
    put_text(out, "part", q->part);
    put_number(out, "first_step", q->first_step);
    put_bool(out, "ids_only", q->ids_only);
    put_bool(out, "with_records", q->with_records);
    put_number(out, "left", q->left);
    put_number(out, "right", q->right);
    put_number(out, "other_as_of", q->other_as_of);
    put_signed(out, "other_at_ns", q->other_at_ns);
    put_bool(out, "other_has_at", q->other_has_at);
    put_signed(out, "as_of_ns", q->as_of_ns);
    put_bool(out, "has_as_of_ns", q->has_as_of_ns);
    put_number(out, "sections", q->sections);
    put_text(out, "differs_path", q->differs_path);
    put_text(out, "differs_by", q->differs_by);
    put_bool(out, "packed", q->packed);
}

static void put_stored(
    struct weft_buffer *out, const struct weft_stored_record *records, uint32_t count)
{
    key(out, "records");
    put(out, "[");
    for (uint32_t i = 0; i < count; i++) {
        next(out, i);
        put_number(out, "index", records[i].index);
        put_number(out, "ordinal", records[i].ordinal);
        put_signed(out, "time_ns", records[i].time_ns);
        put_digest(out, "digest", &records[i].digest);
        key(out, "encoded");
        put(out, "{\"nested\":");
        sample_record_json(&records[i].record, out);
        put(out, "}}");
    }
    put(out, "]");
}

static void put_page(struct weft_buffer *out, const struct weft_page *p)
{
    put_number(out, "index", p->index);
    put_number(out, "next_index", p->next_index);
    put_number(out, "asset_rev", p->asset_rev);
    put_bytes(out, "cursor", p->cursor);
    put_stored(out, p->records, p->record_count);
    put_number(out, "packed_count", p->packed.count);
    put_bytes(out, "packed", p->packed.bytes);
}

static void put_trace(struct weft_buffer *out, const struct weft_trace_result *t)
{
    put_number(out, "index", t->index);
    put_bytes(out, "cursor", t->cursor);
    put_number(out, "first_step", t->first_step);
    put_number(out, "steps_total", t->steps_total);
    put_number(out, "answers_total", t->answers_total);
    put_number(out, "depth_reached", t->depth_reached);
    put_bool(out, "has_cycles", t->has_cycles);
    put_number(out, "step_count", t->steps.count);
    put_bytes(out, "steps", t->steps.bytes);
    put_number(out, "record_count", t->records.count);
    put_bytes(out, "records", t->records.bytes);
    put_text(out, "assets", t->assets);
}

static void put_audit(struct weft_buffer *out, const struct weft_audit_result *a)
{
    put_number(out, "index", a->index);
    put_number(out, "first_index", a->first_index);
    put_number(out, "size", a->size);
    put_digest(out, "root", &a->root);
    put_bytes(out, "content", a->content);
}

static void put_document(struct weft_buffer *out, const struct weft_document *d)
{
    put_number(out, "index", d->index);
    put_number(out, "asset_rev", d->asset_rev);
    put_fields(out, "content", d->fields, d->field_count);
}

static void put_status(struct weft_buffer *out, const struct weft_status *s)
{
    put_text(out, "site", s->site);
    put_text(out, "org", s->org);
    put_text(out, "node", s->node);
    put_text(out, "software", s->version);
    put_text(out, "state", s->state);
    put_number(out, "node_id", s->node_id);
    put_number(out, "cluster", s->cluster);
    put_number(out, "leader_id", s->leader_id);
    put_number(out, "term", s->term);
    put_number(out, "commit_index", s->commit_index);
    put_number(out, "applied_index", s->applied_index);
    put_number(out, "first_log_index", s->first_log_index);
    put_number(out, "last_log_index", s->last_log_index);
    put_number(out, "checkpoint_index", s->checkpoint_index);
    put_digest(out, "chain", &s->chain);
    put_members(out, s->members, s->member_count);
    put_text(out, "policy", s->policy);
    key(out, "gauges");
    put(out, "[");
    for (uint32_t i = 0; i < s->gauge_count; i++) {
        next(out, i);
        put_text(out, "name", s->gauges[i].name);
        put_number(out, "value", s->gauges[i].value);
        put(out, "}");
    }
    put(out, "]");
    put_number(out, "audit_size", s->audit_size);
    put_digest(out, "audit_root", &s->audit_root);
}

static void put_member_request(struct weft_buffer *out, const struct weft_member_request *m)
{
    put_number(out, "action", m->action);
    put_number(out, "member_id", m->id);
    put_text(out, "name", m->name);
    put_text(out, "peer_address", m->peer_address);
    put_text(out, "client_address", m->client_address);
    put_bool(out, "wants_vote", m->wants_vote);
    put_bool(out, "force", m->force);
}

static void put_error(struct weft_buffer *out, const struct weft_error_answer *e)
{
    put_outcome(out, e->err);
    put_text(out, "detail", e->detail);
    put_text(out, "pointer", e->pointer);
    put_text(out, "leader", e->leader);
    put_number(out, "present_rev", e->present_rev);
    put_number(out, "index", e->index);
}

static void put_handed_on(struct weft_buffer *out, const struct weft_client_message *m)
{
    if (m->kind == WEFT_KIND_CARRY) {
        put_bytes(out, "message", m->carry.message);
        put_bool(out, "is_vouched", m->carry.is_vouched);
        return;
    }
    if (m->kind == WEFT_KIND_AUTHORIZED) {
        put_text(out, "note", m->authorized.note);
        put_number(out, "request_kind", (uint64_t)m->authorized.request_kind);
        put_bytes(out, "request", m->authorized.request);
        return;
    }
    put_text(out, "principal", m->forward.principal);
    put_bytes(out, "commit", m->forward.commit);
    put_bool(out, "has_warrant", m->forward.has_warrant);
    put_number(out, "key_id", m->forward.warrant.key_id);
    put_number(out, "actions", m->forward.warrant.actions);
    put_signed(out, "until_ns", m->forward.warrant.until_ns);
    put_bool(out, "is_reads", m->forward.is_reads);
}

static void put_client_body(struct weft_buffer *out, const struct weft_client_message *m)
{
    unsigned kind = m->kind;
    switch (kind) {
    case WEFT_KIND_COMMIT_RESULT:
        put_commit_result(out, &m->commit_result);
        break;
    case WEFT_KIND_QUERY:
        put_query(out, &m->query);
        break;
    case WEFT_KIND_PAGE:
        put_page(out, &m->page);
        break;
    case WEFT_KIND_STATUS_RESULT:
        put_status(out, &m->status_result);
        break;
    case WEFT_KIND_MEMBER:
        put_member_request(out, &m->member);
        break;
    case WEFT_KIND_MEMBER_RESULT:
        put_number(out, "cluster", m->member_result.cluster);
        put_text(out, "site", m->member_result.site);
        put_number(out, "index", m->member_result.index);
        put_members(out, m->member_result.members, m->member_result.member_count);
        break;
    case WEFT_KIND_DIGEST:
        put_number(out, "index", m->digest.index);
        break;
    case WEFT_KIND_DIGEST_RESULT:
        put_number(out, "index", m->digest_result.index);
        put_bool(out, "is_done", m->digest_result.is_done);
        put_number(out, "keys", m->digest_result.keys);
        put_digest(out, "digest", &m->digest_result.digest);
        break;
    case WEFT_KIND_CHECKPOINT:
        put_bool(out, "newest", m->checkpoint.newest);
        break;
    case WEFT_KIND_CHECKPOINT_RESULT:
        put_bytes(out, "manifest", m->checkpoint_result.manifest);
        break;
    case WEFT_KIND_FILE:
        put_fetch(out, &m->file);
        break;
    case WEFT_KIND_FILE_RESULT:
        put_chunk(out, &m->file_result);
        break;
    case WEFT_KIND_ERROR:
        put_error(out, &m->error);
        break;
    case WEFT_KIND_TRACE_RESULT:
        put_trace(out, &m->trace);
        break;
    case WEFT_KIND_DOCUMENT:
        put_document(out, &m->document);
        break;
    case WEFT_KIND_BLOCK_PUT:
    case WEFT_KIND_BLOCK_RESULT:
        put_digest(out, "digest", &m->block.digest);
        put_bytes(out, "content", m->block.content);
        break;
    case WEFT_KIND_BLOCK_PUT_RESULT:
        put_digest(out, "digest", &m->block_put_result.digest);
        put_bool(out, "was_there", m->block_put_result.was_there);
        break;
    case WEFT_KIND_AUDIT_RESULT:
        put_audit(out, &m->audit);
        break;
    case WEFT_KIND_BLOCK_GET:
        put_digest(out, "digest", &m->block_get.digest);
        put_bool(out, "is_local", m->block_get.is_local);
        break;
    case WEFT_KIND_FORWARD:
    case WEFT_KIND_AUTHORIZED:
    case WEFT_KIND_CARRY:
        put_handed_on(out, m);
        break;
    }
}

void sample_client_json(const struct weft_client_message *m, struct weft_buffer *out)
{
    if (m->kind == WEFT_KIND_COMMIT) {
        sample_commit_json(&m->commit, out);
        return;
    }
    put(out, "{");
    put_client_body(out, m);
    put(out, "}");
}
