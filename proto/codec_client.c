#include "proto/codec.h"

#include "proto/check.h"
#include "proto/codec_query.h"

/* The client door's messages: which table belongs to a kind, and the small ones. Those of
 * reading and of status are in codec_query.c, traces and documents in codec_trace.c, commits in
 * codec_record.c. */

_Static_assert((int)WEFT_MEMBER_JOIN == WEFT_WIRE_MEMBER_ACTION_JOIN &&
                   (int)WEFT_MEMBER_ADD == WEFT_WIRE_MEMBER_ACTION_ADD &&
                   (int)WEFT_MEMBER_PROMOTE == WEFT_WIRE_MEMBER_ACTION_PROMOTE &&
                   (int)WEFT_MEMBER_DEMOTE == WEFT_WIRE_MEMBER_ACTION_DEMOTE &&
                   (int)WEFT_MEMBER_REMOVE == WEFT_WIRE_MEMBER_ACTION_REMOVE &&
                   (int)WEFT_MEMBER_TRANSFER == WEFT_WIRE_MEMBER_ACTION_TRANSFER,
    "member actions are the schema's");

/* --- reading --------------------------------------------------------------------------------- */

static void read_commit(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    weft_codec_read_commit(in, table, &m->commit);
}

static void read_commit_result(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_commit_result c;
    weft_wire_commit_result_read(table, &c);
    struct weft_receipt *receipts =
        weft_codec_array(in, c.receipts, WEFT_COMMIT_RECORDS_MAX, sizeof(*receipts), "receipts");
    for (uint32_t i = 0; i < c.receipts.count && in->err == WEFT_OK; i++) {
        struct weft_wire_receipt r;
        weft_wire_receipt_read(weft_wire_at(c.receipts, i), &r);
        receipts[i] = (struct weft_receipt){
            .asset = weft_codec_text(in, r.asset, WEFT_ASSET_SIZE_MAX, "asset"),
            .rev = r.rev,
            .digest = weft_codec_digest(in, r.digest, "digest"),
        };
    }
    m->commit_result = (struct weft_commit_result){
        .request_id = weft_codec_request_id(in, c.request_id),
        .index = c.index,
        .time_ns = c.time_ns,
        .repeated = c.repeated_request,
        .receipts = receipts,
        .receipt_count = c.receipts.count,
    };
}

static void read_status(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    (void)in, (void)table, (void)m; /* Without fields. */
}

static void read_member(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_member_request r;
    weft_wire_member_request_read(table, &r);
    m->member = (struct weft_member_request){
        .action = (enum weft_member_action)weft_codec_enum(
            in, r.action, WEFT_MEMBER_JOIN, WEFT_MEMBER_TRANSFER, "action"),
        .id = r.member_id,
        .name = weft_codec_text(in, r.name, WEFT_PRINCIPAL_SIZE_MAX, "name"),
        .peer_address = weft_codec_text(in, r.peer_address, WEFT_ADDRESS_SIZE_MAX, "peer_address"),
        .client_address =
            weft_codec_text(in, r.client_address, WEFT_ADDRESS_SIZE_MAX, "client_address"),
        .wants_vote = r.wants_vote,
        .force = r.force,
    };
}

static void read_member_result(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_member_result r;
    weft_wire_member_result_read(table, &r);
    m->member_result = (struct weft_member_result){
        .cluster = r.cluster,
        .site = weft_codec_text(in, r.site, WEFT_ASSET_SIZE_MAX, "site"),
        .index = r.index,
        .members = weft_codec_read_members(in, r.members),
        .member_count = r.members.count,
    };
}

static void read_digest(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    (void)in;
    struct weft_wire_digest_request r;
    weft_wire_digest_request_read(table, &r);
    m->digest.index = r.index;
}

static void read_digest_result(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_digest_result r;
    weft_wire_digest_result_read(table, &r);
    m->digest_result = (struct weft_digest_result){
        .index = r.index,
        .is_done = r.is_done,
        .keys = r.keys,
        .digest = weft_codec_digest(in, r.digest, "digest"),
    };
}

static void read_checkpoint(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    (void)in;
    struct weft_wire_checkpoint_request r;
    weft_wire_checkpoint_request_read(table, &r);
    m->checkpoint.newest = r.newest;
}

static void read_checkpoint_result(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_checkpoint_result r;
    weft_wire_checkpoint_result_read(table, &r);
    m->checkpoint_result.manifest =
        weft_codec_bytes(in, r.manifest, WEFT_MANIFEST_SIZE_MAX, "manifest");
}

static void read_file(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    weft_codec_read_fetch(in, table, &m->file);
}

static void read_file_result(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    weft_codec_read_chunk(in, table, &m->file_result);
}

static void read_error(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_error_answer e;
    weft_wire_error_answer_read(table, &e);
    m->error = (struct weft_error_answer){
        .err = weft_codec_outcome(in, e.outcome),
        .detail = weft_codec_text(in, e.detail, WEFT_DETAIL_SIZE_MAX, "detail"),
        .pointer = weft_codec_text(in, e.pointer, WEFT_DETAIL_SIZE_MAX, "pointer"),
        .leader = weft_codec_text(in, e.leader, WEFT_ADDRESS_SIZE_MAX, "leader"),
        .present_rev = e.present_rev,
        .index = e.index,
    };
    if (m->error.err == WEFT_OK) {
        weft_codec_fail(in, in->bad_value, "outcome", "an error without one");
    }
}

static void read_block(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_block b;
    weft_wire_block_read(table, &b);
    m->block.digest = weft_codec_digest(in, b.digest, "digest");
    m->block.content = weft_codec_bytes(in, b.content, WEFT_BLOCK_SIZE_MAX, "content");
    if (m->block.content.size == 0) {
        weft_codec_fail(in, in->bad_value, "content", "a block without it");
    }
}

static void read_carry(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_carry_request c;
    weft_wire_carry_request_read(table, &c);
    m->carry.message = weft_codec_bytes(in, c.message, WEFT_CLIENT_MESSAGE_SIZE_MAX, "message");
    m->carry.is_vouched = c.is_vouched;
}

static void read_block_put_result(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_block_put_result r;
    weft_wire_block_put_result_read(table, &r);
    m->block_put_result =
        (struct weft_block_put_result){weft_codec_digest(in, r.digest, "digest"), r.was_there};
}

static void read_block_get(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_block_get g;
    weft_wire_block_get_read(table, &g);
    m->block_get = (struct weft_block_get){weft_codec_digest(in, g.digest, "digest"), g.is_local};
}

static void read_audit(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_audit_result a;
    weft_wire_audit_result_read(table, &a);
    m->audit = (struct weft_audit_result){
        .index = a.index,
        .first_index = a.first_index,
        .size = a.size,
        .root = weft_codec_digest(in, a.root, "root"),
        .content = weft_codec_bytes(in, a.content, WEFT_ANSWER_SIZE_MAX, "content"),
    };
}

static void read_forward(struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_forward_request f;
    weft_wire_forward_request_read(table, &f);
    m->forward = (struct weft_forward){
        .principal = weft_codec_text(in, f.principal, WEFT_PRINCIPAL_SIZE_MAX, "principal"),
        .commit = weft_codec_bytes(in, f.commit, WEFT_COMMIT_SIZE_MAX, "commit"),
        .has_warrant = f.has_warrant,
        .is_reads = f.is_reads,
    };
    if (f.has_warrant) {
        m->forward.warrant = (struct weft_warrant){f.key_id, f.actions, f.until_ns};
    }
}

static void read_authorized(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_authorized_request a;
    weft_wire_authorized_request_read(table, &a);
    m->authorized = (struct weft_authorized){
        .note = weft_codec_text(in, a.note, WEFT_AUTHORIZATION_SIZE_MAX, "note"),
        .request_kind = (enum weft_message_kind)a.request_kind,
        .request = weft_codec_aligned(
            in, weft_codec_bytes(in, a.request, WEFT_CLIENT_MESSAGE_SIZE_MAX, "request")),
    };
    if (!weft_client_may_authorize(a.request_kind)) {
        weft_codec_fail(
            in, WEFT_EVERSION, "request_kind", "%u is no request of somebody's", a.request_kind);
    }
}

/* The member of the union, its table and its codec, by kind. */
struct family {
    const void *(*open)(struct weft_bytes bytes, const char *identifier);
    void (*read)(struct weft_codec_in *in, const void *table, struct weft_client_message *m);
    size_t size_max; /* Whole message. */
};

static const struct family *family_of(unsigned kind)
{
    enum {
        REQUEST = WEFT_CLIENT_MESSAGE_SIZE_MAX,
        ANSWER = WEFT_ANSWER_SIZE_MAX
    };
    static const struct family families[] = {
        [WEFT_KIND_COMMIT] = {weft_wire_commit_request_open, read_commit, REQUEST},
        [WEFT_KIND_COMMIT_RESULT] = {weft_wire_commit_result_open, read_commit_result, ANSWER},
        [WEFT_KIND_QUERY] = {weft_wire_query_open, weft_codec_read_query, REQUEST},
        [WEFT_KIND_PAGE] = {weft_wire_page_open, weft_codec_read_page, ANSWER},
        [WEFT_KIND_STATUS] = {weft_wire_status_request_open, read_status, REQUEST},
        [WEFT_KIND_STATUS_RESULT] = {weft_wire_status_open, weft_codec_read_status, ANSWER},
        [WEFT_KIND_MEMBER] = {weft_wire_member_request_open, read_member, REQUEST},
        [WEFT_KIND_MEMBER_RESULT] = {weft_wire_member_result_open, read_member_result, ANSWER},
        [WEFT_KIND_DIGEST] = {weft_wire_digest_request_open, read_digest, REQUEST},
        [WEFT_KIND_DIGEST_RESULT] = {weft_wire_digest_result_open, read_digest_result, ANSWER},
        [WEFT_KIND_CHECKPOINT] = {weft_wire_checkpoint_request_open, read_checkpoint, REQUEST},
        [WEFT_KIND_CHECKPOINT_RESULT] = {weft_wire_checkpoint_result_open, read_checkpoint_result,
            ANSWER},
        [WEFT_KIND_FILE] = {weft_wire_file_request_open, read_file, REQUEST},
        [WEFT_KIND_FILE_RESULT] = {weft_wire_file_result_open, read_file_result, ANSWER},
        [WEFT_KIND_ERROR] = {weft_wire_error_answer_open, read_error, ANSWER},
        [WEFT_KIND_TRACE_RESULT] = {weft_wire_trace_result_open, weft_codec_read_trace, ANSWER},
        [WEFT_KIND_DOCUMENT] = {weft_wire_document_open, weft_codec_read_document, ANSWER},
        [WEFT_KIND_BLOCK_PUT] = {weft_wire_block_open, read_block, REQUEST},
        [WEFT_KIND_BLOCK_PUT_RESULT] = {weft_wire_block_put_result_open, read_block_put_result,
            ANSWER},
        [WEFT_KIND_BLOCK_GET] = {weft_wire_block_get_open, read_block_get, REQUEST},
        [WEFT_KIND_BLOCK_RESULT] = {weft_wire_block_open, read_block, ANSWER},
        [WEFT_KIND_AUDIT_RESULT] = {weft_wire_audit_result_open, read_audit, ANSWER},
        [WEFT_KIND_FORWARD] = {weft_wire_forward_request_open, read_forward, REQUEST},
        [WEFT_KIND_AUTHORIZED] = {weft_wire_authorized_request_open, read_authorized, REQUEST},
        [WEFT_KIND_CARRY] = {weft_wire_carry_request_open, read_carry, REQUEST},
    };
    bool is_known = kind < sizeof(families) / sizeof(families[0]) && families[kind].open != NULL;
    return is_known ? &families[kind] : NULL;
}

/* What a message may unfold to. A COMMIT's body goes into an entry as it is, and is held to
 * the same budget there. */
static size_t budget_of(uint16_t kind, const struct family *family)
{
    return kind == WEFT_KIND_COMMIT ? WEFT_COMMIT_SIZE_MAX : family->size_max;
}

bool weft_client_may_authorize(unsigned kind)
{
    const struct family *family = family_of(kind);
    return family != NULL && family->size_max == WEFT_CLIENT_MESSAGE_SIZE_MAX &&
           kind != WEFT_KIND_FORWARD && kind != WEFT_KIND_AUTHORIZED;
}

static enum weft_err decode_body(struct weft_codec_in *in, const struct weft_envelope *envelope,
    struct weft_bytes body, struct weft_client_message *ret_message)
{
    const struct family *family = family_of(envelope->kind);
    in->budget_bytes = budget_of(envelope->kind, family);
    if (body.size > in->budget_bytes) {
        return weft_fail(in->msg, WEFT_ETOOBIG, "message of kind %u is %zu bytes, at most %zu",
            envelope->kind, body.size, in->budget_bytes);
    }
    const void *table = family->open(body, NULL);
    if (table == NULL) {
        return weft_fail(
            in->msg, WEFT_EMALFORMED, "message of kind %u is not its table", envelope->kind);
    }
    struct weft_client_message decoded = {
        .kind = (enum weft_message_kind)envelope->kind,
        .request_id = envelope->request_id,
    };
    family->read(in, table, &decoded);
    if (in->err == WEFT_OK) {
        *ret_message = decoded;
    }
    return in->err;
}

enum weft_err weft_client_decode(struct weft_bytes message, struct weft_arena *arena,
    struct weft_client_message *ret_message, struct weft_bytes *ret_body, struct weft_msg *msg)
{
    struct weft_codec_in in = {.arena = arena, .msg = msg, .bad_value = WEFT_EINVAL};
    struct weft_envelope envelope;
    enum weft_err err = weft_codec_envelope(&in, message, WEFT_ANSWER_SIZE_MAX, &envelope);
    if (err != WEFT_OK) {
        return err;
    }
    const struct family *family = family_of(envelope.kind);
    if (family == NULL) {
        return weft_fail(msg, WEFT_EVERSION, "kind %u is not of the client door", envelope.kind);
    }
    if (message.size > family->size_max) {
        return weft_fail(msg, WEFT_ETOOBIG, "message of kind %u is %zu bytes, at most %zu",
            envelope.kind, message.size, family->size_max);
    }
    message = weft_codec_aligned(&in, message);
    if (in.err != WEFT_OK) {
        return in.err;
    }
    const struct weft_bytes body = {
        message.data + WEFT_ENVELOPE_SIZE, message.size - WEFT_ENVELOPE_SIZE};
    err = decode_body(&in, &envelope, body, ret_message);
    if (err == WEFT_OK && ret_body != NULL) {
        *ret_body = body;
    }
    return err;
}

enum weft_err weft_client_decode_table(enum weft_message_kind kind, uint64_t request_id,
    struct weft_bytes table, struct weft_arena *arena, struct weft_client_message *ret_message,
    struct weft_msg *msg)
{
    struct weft_codec_in in = {.arena = arena, .msg = msg, .bad_value = WEFT_EINVAL};
    const struct weft_envelope envelope = {.kind = (uint16_t)kind, .request_id = request_id};
    if (!weft_client_may_authorize(kind)) {
        return weft_fail(msg, WEFT_EVERSION, "kind %u is no request of somebody's", (unsigned)kind);
    }
    weft_assert(((uintptr_t)table.data & 7) == 0); /* PRO-7 */
    return decode_body(&in, &envelope, table, ret_message);
}

/* --- writing --------------------------------------------------------------------------------- */

static struct weft_wire_ref put_commit_result(
    struct weft_wire_builder *b, const struct weft_commit_result *c)
{
    uint32_t count = weft_codec_put_count(b, c->receipt_count, WEFT_COMMIT_RECORDS_MAX);
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_wire_receipt_refs r = {
            .asset = weft_codec_put_text(b, c->receipts[i].asset, WEFT_ASSET_SIZE_MAX),
            .rev = c->receipts[i].rev,
            .digest = weft_codec_put_digest(b, &c->receipts[i].digest),
        };
        weft_wire_push(b, weft_wire_receipt_write(b, &r));
    }
    const struct weft_bytes request_id = {c->request_id.bytes, sizeof(c->request_id.bytes)};
    const struct weft_wire_commit_result_refs refs = {
        .receipts = weft_wire_take(b, mark),
        .request_id = weft_wire_bytes(b, request_id),
        .index = c->index,
        .time_ns = c->time_ns,
        .repeated_request = c->repeated,
    };
    return weft_wire_commit_result_write(b, &refs);
}

static struct weft_wire_ref put_member(
    struct weft_wire_builder *b, const struct weft_member_request *m)
{
    const struct weft_wire_member_request_refs refs = {
        .action = (uint8_t)m->action,
        .member_id = m->id,
        .name = weft_codec_put_text(b, m->name, WEFT_PRINCIPAL_SIZE_MAX),
        .peer_address = weft_codec_put_text(b, m->peer_address, WEFT_ADDRESS_SIZE_MAX),
        .client_address = weft_codec_put_text(b, m->client_address, WEFT_ADDRESS_SIZE_MAX),
        .wants_vote = m->wants_vote,
        .force = m->force,
    };
    return weft_wire_member_request_write(b, &refs);
}

static struct weft_wire_ref put_member_result(
    struct weft_wire_builder *b, const struct weft_member_result *m)
{
    const struct weft_wire_member_result_refs refs = {
        .cluster = m->cluster,
        .site = weft_codec_put_text(b, m->site, WEFT_ASSET_SIZE_MAX),
        .index = m->index,
        .members = weft_codec_put_members(b, m->members, m->member_count),
    };
    return weft_wire_member_result_write(b, &refs);
}

static struct weft_wire_ref put_digest_result(
    struct weft_wire_builder *b, const struct weft_digest_result *d)
{
    const struct weft_wire_digest_result_refs refs = {
        .index = d->index,
        .is_done = d->is_done,
        .keys = d->keys,
        .digest = weft_codec_put_digest(b, &d->digest),
    };
    return weft_wire_digest_result_write(b, &refs);
}

static struct weft_wire_ref put_error(
    struct weft_wire_builder *b, const struct weft_error_answer *e)
{
    weft_assert(e->err != WEFT_OK); /* PRO-9 */
    const struct weft_wire_error_answer_refs refs = {
        .outcome = weft_codec_put_outcome(e->err),
        .detail = weft_codec_put_text(b, e->detail, WEFT_DETAIL_SIZE_MAX),
        .pointer = weft_codec_put_text(b, e->pointer, WEFT_DETAIL_SIZE_MAX),
        .leader = weft_codec_put_text(b, e->leader, WEFT_ADDRESS_SIZE_MAX),
        .present_rev = e->present_rev,
        .index = e->index,
    };
    return weft_wire_error_answer_write(b, &refs);
}

static struct weft_wire_ref put_block(struct weft_wire_builder *b, const struct weft_block *block)
{
    const struct weft_wire_block_refs refs = {
        .digest = weft_codec_put_digest(b, &block->digest),
        .content = weft_codec_put_bytes(b, block->content, WEFT_BLOCK_SIZE_MAX),
    };
    return weft_wire_block_write(b, &refs);
}

static struct weft_wire_ref put_audit(
    struct weft_wire_builder *b, const struct weft_audit_result *a)
{
    const struct weft_wire_audit_result_refs refs = {
        .index = a->index,
        .first_index = a->first_index,
        .size = a->size,
        .root = weft_codec_put_digest(b, &a->root),
        .content = weft_codec_put_bytes(b, a->content, WEFT_ANSWER_SIZE_MAX),
    };
    return weft_wire_audit_result_write(b, &refs);
}

/* The warrant's parts are zeros without one. */
static struct weft_wire_ref put_forward(struct weft_wire_builder *b, const struct weft_forward *f)
{
    return weft_wire_forward_request_write(
        b, &(struct weft_wire_forward_request_refs){
               .principal = weft_codec_put_text(b, f->principal, WEFT_PRINCIPAL_SIZE_MAX),
               .commit = weft_codec_put_bytes(b, f->commit, WEFT_COMMIT_SIZE_MAX),
               .has_warrant = f->has_warrant,
               .key_id = f->has_warrant ? f->warrant.key_id : 0,
               .actions = f->has_warrant ? f->warrant.actions : 0,
               .until_ns = f->has_warrant ? f->warrant.until_ns : 0,
               .is_reads = f->is_reads});
}

static struct weft_wire_ref put_message(
    struct weft_wire_builder *b, const struct weft_client_message *m)
{
    unsigned kind = m->kind;
    switch (kind) {
    case WEFT_KIND_COMMIT:
        return weft_codec_put_commit(b, &m->commit);
    case WEFT_KIND_COMMIT_RESULT:
        return put_commit_result(b, &m->commit_result);
    case WEFT_KIND_QUERY:
        return weft_codec_put_query(b, &m->query);
    case WEFT_KIND_PAGE:
        return weft_codec_put_page(b, &m->page);
    case WEFT_KIND_STATUS:
        return weft_wire_status_request_write(b, &(struct weft_wire_status_request_refs){0});
    case WEFT_KIND_STATUS_RESULT:
        return weft_codec_put_status(b, &m->status_result);
    case WEFT_KIND_MEMBER:
        return put_member(b, &m->member);
    case WEFT_KIND_MEMBER_RESULT:
        return put_member_result(b, &m->member_result);
    case WEFT_KIND_DIGEST:
        return weft_wire_digest_request_write(
            b, &(struct weft_wire_digest_request_refs){.index = m->digest.index});
    case WEFT_KIND_DIGEST_RESULT:
        return put_digest_result(b, &m->digest_result);
    case WEFT_KIND_CHECKPOINT:
        return weft_wire_checkpoint_request_write(
            b, &(struct weft_wire_checkpoint_request_refs){.newest = m->checkpoint.newest});
    case WEFT_KIND_CHECKPOINT_RESULT:
        return weft_wire_checkpoint_result_write(
            b, &(struct weft_wire_checkpoint_result_refs){
                   .manifest = weft_codec_put_bytes(
                       b, m->checkpoint_result.manifest, WEFT_MANIFEST_SIZE_MAX)});
    case WEFT_KIND_FILE:
        return weft_codec_put_fetch(b, &m->file);
    case WEFT_KIND_FILE_RESULT:
        return weft_codec_put_chunk(b, &m->file_result);
    case WEFT_KIND_ERROR:
        return put_error(b, &m->error);
    case WEFT_KIND_TRACE_RESULT:
        return weft_codec_put_trace(b, &m->trace);
    case WEFT_KIND_DOCUMENT:
        return weft_codec_put_document(b, &m->document);
    case WEFT_KIND_BLOCK_PUT:
    case WEFT_KIND_BLOCK_RESULT:
        return put_block(b, &m->block);
    case WEFT_KIND_BLOCK_PUT_RESULT:
        return weft_wire_block_put_result_write(
            b, &(struct weft_wire_block_put_result_refs){
                   .digest = weft_codec_put_digest(b, &m->block_put_result.digest),
                   .was_there = m->block_put_result.was_there});
    case WEFT_KIND_BLOCK_GET:
        return weft_wire_block_get_write(
            b, &(struct weft_wire_block_get_refs){
                   .digest = weft_codec_put_digest(b, &m->block_get.digest),
                   .is_local = m->block_get.is_local});
    case WEFT_KIND_AUDIT_RESULT:
        return put_audit(b, &m->audit);
    case WEFT_KIND_FORWARD:
        return put_forward(b, &m->forward);
    case WEFT_KIND_CARRY:
        return weft_wire_carry_request_write(b,
            &(struct weft_wire_carry_request_refs){
                .message = weft_codec_put_bytes(b, m->carry.message, WEFT_CLIENT_MESSAGE_SIZE_MAX),
                .is_vouched = m->carry.is_vouched});
    case WEFT_KIND_AUTHORIZED:
        weft_assert(weft_client_may_authorize(m->authorized.request_kind)); /* PRO-9 */
        return weft_wire_authorized_request_write(b,
            &(struct weft_wire_authorized_request_refs){
                .note = weft_codec_put_text(b, m->authorized.note, WEFT_AUTHORIZATION_SIZE_MAX),
                .request_kind = (uint16_t)m->authorized.request_kind,
                .request =
                    weft_codec_put_bytes(b, m->authorized.request, WEFT_CLIENT_MESSAGE_SIZE_MAX)});
    }
    weft_unreachable("PRO-9: kind is one of the client door's");
}

enum weft_err weft_client_encode(const struct weft_client_message *message, struct weft_buffer *out)
{
    const struct family *family = family_of(message->kind);
    weft_assert(family != NULL); /* PRO-9 */
    size_t size_max = message->kind == WEFT_KIND_COMMIT
                          ? (size_t)WEFT_COMMIT_SIZE_MAX + WEFT_ENVELOPE_SIZE
                          : family->size_max;
    struct weft_wire_builder *b = weft_wire_begin(WEFT_WIRE_OUTER, size_max);
    return weft_codec_finish(b, put_message(b, message), message->kind, message->request_id, out);
}
