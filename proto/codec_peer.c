#include "proto/codec.h"

#include "proto/check.h"

_Static_assert((int)WEFT_ENTRY_COMMAND == WEFT_WIRE_ENTRY_TYPE_COMMAND &&
                   (int)WEFT_ENTRY_BARRIER == WEFT_WIRE_ENTRY_TYPE_BARRIER &&
                   (int)WEFT_ENTRY_CHANGE == WEFT_WIRE_ENTRY_TYPE_CHANGE,
    "entry types are the schema's");

/* --- reading --------------------------------------------------------------------------------- */

static void read_header(
    struct weft_codec_in *in, const void *table, struct weft_peer_header *ret_header)
{
    struct weft_wire_peer_header h;
    if (table == NULL) {
        weft_codec_fail(in, WEFT_EMALFORMED, "header", "absent");
        return;
    }
    weft_wire_peer_header_read(table, &h);
    *ret_header = (struct weft_peer_header){
        .cluster = h.cluster,
        .sender = h.sender,
        .incarnation = h.incarnation,
        .term = h.term,
        .sequence = h.sequence,
        .request_term = h.request_term,
        .request_sequence = h.request_sequence,
        .request_incarnation = h.request_incarnation,
    };
}

static void read_entry(
    struct weft_codec_in *in, const void *table, struct weft_peer_entry *ret_entry)
{
    struct weft_wire_log_entry e;
    weft_wire_log_entry_read(table, &e);
    *ret_entry = (struct weft_peer_entry){
        .term = e.term,
        .type = (enum weft_entry_type)weft_codec_enum(
            in, e.entry_type, WEFT_ENTRY_COMMAND, WEFT_ENTRY_CHANGE, "entry_type"),
        .data = weft_codec_bytes(in, e.content, WEFT_ENTRY_SIZE_MAX, "entry"),
    };
    if (((uintptr_t)ret_entry->data.data & 7) != 0) {
        weft_codec_fail(in, WEFT_EMALFORMED, "entry", "not aligned to 8");
    }
}

static void read_append_entries(
    struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_append_entries a;
    weft_wire_append_entries_read(table, &a);
    read_header(in, a.header, &m->header);
    struct weft_peer_entry *entries =
        weft_codec_array(in, a.entries, WEFT_APPEND_ENTRIES_MAX, sizeof(*entries), "entries");
    size_t size = 0; /* Cannot overflow: counts and sizes are limited. */
    for (uint32_t i = 0; i < a.entries.count && in->err == WEFT_OK; i++) {
        read_entry(in, weft_wire_at(a.entries, i), &entries[i]);
        size += entries[i].data.size;
    }
    if (size > WEFT_APPEND_SIZE_MAX) {
        weft_codec_fail(
            in, WEFT_ETOOBIG, "entries", "%zu bytes, at most %d", size, WEFT_APPEND_SIZE_MAX);
    }
    m->append_entries = (struct weft_append_entries){
        .term = a.term,
        .prev_log_index = a.prev_log_index,
        .prev_log_term = a.prev_log_term,
        .leader_commit = a.leader_commit,
        .entries = entries,
        .entry_count = a.entries.count,
    };
}

static void read_append_entries_result(
    struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_append_entries_result r;
    weft_wire_append_entries_result_read(table, &r);
    read_header(in, r.header, &m->header);
    m->append_entries_result = (struct weft_append_entries_result){
        .term = r.term,
        .rejected = r.rejected,
        .last_log_index = r.last_log_index,
        .features = r.features,
        .capacity = r.capacity,
        .applied_index = r.applied_index,
        .applied_chain = weft_codec_digest(in, r.applied_chain, "applied_chain"),
    };
}

static void read_request_vote(
    struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_request_vote r;
    weft_wire_request_vote_read(table, &r);
    read_header(in, r.header, &m->header);
    m->request_vote = (struct weft_request_vote){
        .term = r.term,
        .candidate_id = r.candidate_id,
        .last_log_index = r.last_log_index,
        .last_log_term = r.last_log_term,
        .disrupt_leader = r.disrupt_leader,
        .pre_vote = r.pre_vote,
    };
}

static void read_request_vote_result(
    struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_request_vote_result r;
    weft_wire_request_vote_result_read(table, &r);
    read_header(in, r.header, &m->header);
    m->request_vote_result = (struct weft_request_vote_result){
        .term = r.term,
        .vote_granted = r.vote_granted,
        .pre_vote = r.pre_vote,
        .features = r.features,
        .capacity = r.capacity,
    };
}

static void read_install_snapshot(
    struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_install_snapshot s;
    weft_wire_install_snapshot_read(table, &s);
    read_header(in, s.header, &m->header);
    m->install_snapshot = (struct weft_install_snapshot){
        .term = s.term,
        .last_index = s.last_index,
        .last_term = s.last_term,
        .conf_index = s.conf_index,
        .configuration =
            weft_codec_bytes(in, s.configuration, WEFT_CONFIGURATION_SIZE_MAX, "configuration"),
        .manifest = weft_codec_bytes(in, s.manifest, WEFT_MANIFEST_SIZE_MAX, "manifest"),
        .address = weft_codec_text(in, s.address, WEFT_ADDRESS_SIZE_MAX, "address"),
    };
}

static void read_timeout_now(
    struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_timeout_now t;
    weft_wire_timeout_now_read(table, &t);
    read_header(in, t.header, &m->header);
    m->timeout_now = (struct weft_timeout_now){
        .term = t.term,
        .last_log_index = t.last_log_index,
        .last_log_term = t.last_log_term,
    };
}

static void read_ping(struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_ping p;
    weft_wire_ping_read(table, &p);
    read_header(in, p.header, &m->header);
    m->ping.round = p.round;
}

static void read_pong(struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_ping p;
    weft_wire_ping_read(table, &p);
    read_header(in, p.header, &m->header);
    m->pong.round = p.round;
}

static void read_read_index(
    struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_read_index r;
    weft_wire_read_index_read(table, &r);
    read_header(in, r.header, &m->header);
    m->read_index.id = r.read_id;
}

static void read_read_index_result(
    struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_read_index_result r;
    weft_wire_read_index_result_read(table, &r);
    read_header(in, r.header, &m->header);
    m->read_index_result = (struct weft_read_index_result){
        .id = r.read_id,
        .index = r.index,
        .err = weft_codec_outcome(in, r.outcome),
    };
}

static void read_audit_line(
    struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_audit_line a;
    weft_wire_audit_line_read(table, &a);
    read_header(in, a.header, &m->header);
    m->audit_line = (struct weft_audit_line){
        .size = a.size,
        .root = weft_codec_digest(in, a.root, "root"),
        .vkey = weft_codec_text(in, a.vkey, WEFT_AUDIT_LINE_SIZE_MAX, "vkey"),
        .line = weft_codec_text(in, a.line, WEFT_AUDIT_LINE_SIZE_MAX, "line"),
        .origin = weft_codec_text(in, a.origin, WEFT_AUDIT_LINE_SIZE_MAX, "origin"),
    };
}

static void read_fetch(struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_fetch f;
    weft_wire_fetch_read(table, &f);
    read_header(in, f.header, &m->header);
    if (f.body == NULL) {
        weft_codec_fail(in, WEFT_EMALFORMED, "body", "absent");
        return;
    }
    weft_codec_read_fetch(in, f.body, &m->fetch);
}

static void read_chunk(struct weft_codec_in *in, const void *table, struct weft_peer_message *m)
{
    struct weft_wire_chunk c;
    weft_wire_chunk_read(table, &c);
    read_header(in, c.header, &m->header);
    if (c.body == NULL) {
        weft_codec_fail(in, WEFT_EMALFORMED, "body", "absent");
        return;
    }
    weft_codec_read_chunk(in, c.body, &m->chunk);
}

/* The member of the union, its table and its codec, by kind. */
struct family {
    const void *(*open)(struct weft_bytes bytes, const char *identifier);
    void (*read)(struct weft_codec_in *in, const void *table, struct weft_peer_message *m);
};

static const struct family *family_of(uint16_t kind)
{
    static const struct family families[] = {
        [WEFT_KIND_REQUEST_VOTE] = {weft_wire_request_vote_open, read_request_vote},
        [WEFT_KIND_REQUEST_VOTE_RESULT] = {weft_wire_request_vote_result_open,
            read_request_vote_result},
        [WEFT_KIND_APPEND_ENTRIES] = {weft_wire_append_entries_open, read_append_entries},
        [WEFT_KIND_APPEND_ENTRIES_RESULT] = {weft_wire_append_entries_result_open,
            read_append_entries_result},
        [WEFT_KIND_INSTALL_SNAPSHOT] = {weft_wire_install_snapshot_open, read_install_snapshot},
        [WEFT_KIND_TIMEOUT_NOW] = {weft_wire_timeout_now_open, read_timeout_now},
        [WEFT_KIND_PING] = {weft_wire_ping_open, read_ping},
        [WEFT_KIND_PONG] = {weft_wire_ping_open, read_pong},
        [WEFT_KIND_READ_INDEX] = {weft_wire_read_index_open, read_read_index},
        [WEFT_KIND_READ_INDEX_RESULT] = {weft_wire_read_index_result_open, read_read_index_result},
        [WEFT_KIND_AUDIT_LINE] = {weft_wire_audit_line_open, read_audit_line},
        [WEFT_KIND_FETCH] = {weft_wire_fetch_open, read_fetch},
        [WEFT_KIND_CHUNK] = {weft_wire_chunk_open, read_chunk},
    };
    bool is_known = kind < sizeof(families) / sizeof(families[0]) && families[kind].open != NULL;
    return is_known ? &families[kind] : NULL;
}

enum weft_err weft_peer_decode(
    struct weft_bytes message, struct weft_arena *arena, struct weft_peer_message *ret_message)
{
    struct weft_codec_in in = {
        .arena = arena, .budget_bytes = WEFT_MESSAGE_SIZE_MAX, .bad_value = WEFT_EMALFORMED};
    struct weft_envelope envelope;
    enum weft_err err = weft_codec_envelope(&in, message, WEFT_MESSAGE_SIZE_MAX, &envelope);
    if (err != WEFT_OK) {
        return err;
    }
    const struct family *family = family_of(envelope.kind);
    if (family == NULL) {
        return WEFT_EVERSION;
    }
    message = weft_codec_aligned(&in, message);
    if (in.err != WEFT_OK) {
        return in.err;
    }
    const struct weft_bytes body = {
        message.data + WEFT_ENVELOPE_SIZE, message.size - WEFT_ENVELOPE_SIZE};
    const void *table = family->open(body, NULL);
    if (table == NULL) {
        return WEFT_EMALFORMED;
    }
    struct weft_peer_message decoded = {.kind = (enum weft_message_kind)envelope.kind};
    family->read(&in, table, &decoded);
    if (in.err == WEFT_OK) {
        *ret_message = decoded;
    }
    return in.err;
}

/* --- writing --------------------------------------------------------------------------------- */

static struct weft_wire_ref put_header(
    struct weft_wire_builder *b, const struct weft_peer_header *h)
{
    const struct weft_wire_peer_header_refs refs = {
        .cluster = h->cluster,
        .sender = h->sender,
        .incarnation = h->incarnation,
        .term = h->term,
        .sequence = h->sequence,
        .request_term = h->request_term,
        .request_sequence = h->request_sequence,
        .request_incarnation = h->request_incarnation,
    };
    return weft_wire_peer_header_write(b, &refs);
}

static struct weft_wire_ref put_entries(
    struct weft_wire_builder *b, const struct weft_append_entries *a)
{
    uint32_t count = weft_codec_put_count(b, a->entry_count, WEFT_APPEND_ENTRIES_MAX);
    size_t mark = weft_wire_mark(b), size = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_wire_log_entry_refs e = {
            .term = a->entries[i].term,
            .entry_type = (uint8_t)a->entries[i].type,
            .content = weft_codec_put_bytes(b, a->entries[i].data, WEFT_ENTRY_SIZE_MAX),
        };
        size += a->entries[i].data.size;
        weft_wire_push(b, weft_wire_log_entry_write(b, &e));
    }
    if (size > WEFT_APPEND_SIZE_MAX) {
        weft_wire_fail(b, WEFT_ETOOBIG);
    }
    return weft_wire_take(b, mark);
}

static struct weft_wire_ref put_append_entries(
    struct weft_wire_builder *b, const struct weft_append_entries *a, struct weft_wire_ref header)
{
    const struct weft_wire_append_entries_refs refs = {
        .header = header,
        .term = a->term,
        .prev_log_index = a->prev_log_index,
        .prev_log_term = a->prev_log_term,
        .leader_commit = a->leader_commit,
        .entries = put_entries(b, a),
    };
    return weft_wire_append_entries_write(b, &refs);
}

static struct weft_wire_ref put_append_entries_result(struct weft_wire_builder *b,
    const struct weft_append_entries_result *r, struct weft_wire_ref header)
{
    const struct weft_wire_append_entries_result_refs refs = {
        .header = header,
        .term = r->term,
        .rejected = r->rejected,
        .last_log_index = r->last_log_index,
        .features = r->features,
        .capacity = r->capacity,
        .applied_index = r->applied_index,
        .applied_chain = weft_codec_put_digest(b, &r->applied_chain),
    };
    return weft_wire_append_entries_result_write(b, &refs);
}

static struct weft_wire_ref put_request_vote(
    struct weft_wire_builder *b, const struct weft_request_vote *r, struct weft_wire_ref header)
{
    const struct weft_wire_request_vote_refs refs = {
        .header = header,
        .term = r->term,
        .candidate_id = r->candidate_id,
        .last_log_index = r->last_log_index,
        .last_log_term = r->last_log_term,
        .disrupt_leader = r->disrupt_leader,
        .pre_vote = r->pre_vote,
    };
    return weft_wire_request_vote_write(b, &refs);
}

static struct weft_wire_ref put_request_vote_result(struct weft_wire_builder *b,
    const struct weft_request_vote_result *r, struct weft_wire_ref header)
{
    const struct weft_wire_request_vote_result_refs refs = {
        .header = header,
        .term = r->term,
        .vote_granted = r->vote_granted,
        .pre_vote = r->pre_vote,
        .features = r->features,
        .capacity = r->capacity,
    };
    return weft_wire_request_vote_result_write(b, &refs);
}

static struct weft_wire_ref put_install_snapshot(
    struct weft_wire_builder *b, const struct weft_install_snapshot *s, struct weft_wire_ref header)
{
    const struct weft_wire_install_snapshot_refs refs = {
        .header = header,
        .term = s->term,
        .last_index = s->last_index,
        .last_term = s->last_term,
        .conf_index = s->conf_index,
        .configuration = weft_codec_put_bytes(b, s->configuration, WEFT_CONFIGURATION_SIZE_MAX),
        .manifest = weft_codec_put_bytes(b, s->manifest, WEFT_MANIFEST_SIZE_MAX),
        .address = weft_codec_put_text(b, s->address, WEFT_ADDRESS_SIZE_MAX),
    };
    return weft_wire_install_snapshot_write(b, &refs);
}

static struct weft_wire_ref put_timeout_now(
    struct weft_wire_builder *b, const struct weft_timeout_now *t, struct weft_wire_ref header)
{
    const struct weft_wire_timeout_now_refs refs = {
        .header = header,
        .term = t->term,
        .last_log_index = t->last_log_index,
        .last_log_term = t->last_log_term,
    };
    return weft_wire_timeout_now_write(b, &refs);
}

static struct weft_wire_ref put_ping(
    struct weft_wire_builder *b, const struct weft_ping *p, struct weft_wire_ref header)
{
    const struct weft_wire_ping_refs refs = {.header = header, .round = p->round};
    return weft_wire_ping_write(b, &refs);
}

static struct weft_wire_ref put_read_index(
    struct weft_wire_builder *b, const struct weft_read_index *r, struct weft_wire_ref header)
{
    const struct weft_wire_read_index_refs refs = {.header = header, .read_id = r->id};
    return weft_wire_read_index_write(b, &refs);
}

static struct weft_wire_ref put_read_index_result(struct weft_wire_builder *b,
    const struct weft_read_index_result *r, struct weft_wire_ref header)
{
    const struct weft_wire_read_index_result_refs refs = {
        .header = header,
        .read_id = r->id,
        .index = r->index,
        .outcome = weft_codec_put_outcome(r->err),
    };
    return weft_wire_read_index_result_write(b, &refs);
}

static struct weft_wire_ref put_audit_line(
    struct weft_wire_builder *b, const struct weft_audit_line *a, struct weft_wire_ref header)
{
    const struct weft_wire_audit_line_refs refs = {
        .header = header,
        .size = a->size,
        .root = weft_codec_put_digest(b, &a->root),
        .vkey = weft_codec_put_text(b, a->vkey, WEFT_AUDIT_LINE_SIZE_MAX),
        .line = weft_codec_put_text(b, a->line, WEFT_AUDIT_LINE_SIZE_MAX),
        .origin = weft_codec_put_text(b, a->origin, WEFT_AUDIT_LINE_SIZE_MAX),
    };
    return weft_wire_audit_line_write(b, &refs);
}

static struct weft_wire_ref put_fetch(
    struct weft_wire_builder *b, const struct weft_fetch *f, struct weft_wire_ref header)
{
    const struct weft_wire_fetch_refs refs = {.header = header, .body = weft_codec_put_fetch(b, f)};
    return weft_wire_fetch_write(b, &refs);
}

static struct weft_wire_ref put_chunk(
    struct weft_wire_builder *b, const struct weft_chunk *c, struct weft_wire_ref header)
{
    const struct weft_wire_chunk_refs refs = {.header = header, .body = weft_codec_put_chunk(b, c)};
    return weft_wire_chunk_write(b, &refs);
}

static struct weft_wire_ref put_message(
    struct weft_wire_builder *b, const struct weft_peer_message *m)
{
    struct weft_wire_ref header = put_header(b, &m->header);
    unsigned kind = m->kind;
    switch (kind) {
    case WEFT_KIND_REQUEST_VOTE:
        return put_request_vote(b, &m->request_vote, header);
    case WEFT_KIND_REQUEST_VOTE_RESULT:
        return put_request_vote_result(b, &m->request_vote_result, header);
    case WEFT_KIND_APPEND_ENTRIES:
        return put_append_entries(b, &m->append_entries, header);
    case WEFT_KIND_APPEND_ENTRIES_RESULT:
        return put_append_entries_result(b, &m->append_entries_result, header);
    case WEFT_KIND_INSTALL_SNAPSHOT:
        return put_install_snapshot(b, &m->install_snapshot, header);
    case WEFT_KIND_TIMEOUT_NOW:
        return put_timeout_now(b, &m->timeout_now, header);
    case WEFT_KIND_PING:
        return put_ping(b, &m->ping, header);
    case WEFT_KIND_PONG:
        return put_ping(b, &m->pong, header);
    case WEFT_KIND_READ_INDEX:
        return put_read_index(b, &m->read_index, header);
    case WEFT_KIND_READ_INDEX_RESULT:
        return put_read_index_result(b, &m->read_index_result, header);
    case WEFT_KIND_AUDIT_LINE:
        return put_audit_line(b, &m->audit_line, header);
    case WEFT_KIND_FETCH:
        return put_fetch(b, &m->fetch, header);
    case WEFT_KIND_CHUNK:
        return put_chunk(b, &m->chunk, header);
    }
    weft_unreachable("PRO-9: kind is one of the peer door's");
}

enum weft_err weft_peer_encode(const struct weft_peer_message *message, struct weft_buffer *out)
{
    struct weft_wire_builder *b = weft_wire_begin(WEFT_WIRE_OUTER, WEFT_MESSAGE_SIZE_MAX);
    return weft_codec_finish(b, put_message(b, message), message->kind, 0, out);
}
