#include "proto/partner.h"

#include "proto/check.h"
#include "proto/codec.h"
#include "proto/octets.h"

/* --- reading --------------------------------------------------------------------------------- */

static void read_name(
    struct weft_codec_in *in, const void *table, struct weft_stream_name *ret_name)
{
    struct weft_wire_stream_name n;
    if (table == NULL) {
        weft_codec_fail(in, WEFT_EMALFORMED, "stream", "absent");
        return;
    }
    weft_wire_stream_name_read(table, &n);
    *ret_name = (struct weft_stream_name){
        .agreement = weft_codec_text(in, n.agreement, WEFT_STREAM_NAME_SIZE_MAX, "agreement"),
        .provider = weft_codec_text(in, n.provider, WEFT_STREAM_NAME_SIZE_MAX, "provider"),
    };
    if (in->err == WEFT_OK && (ret_name->agreement.size == 0 || ret_name->provider.size == 0)) {
        weft_codec_fail(in, WEFT_EMALFORMED, "stream", "without a name");
    }
}

static struct weft_bytes read_proof(struct weft_codec_in *in, struct weft_bytes bytes)
{
    struct weft_bytes proof = weft_codec_bytes(in, bytes, WEFT_STREAM_PROOF_SIZE_MAX, "proof");
    if (proof.size % WEFT_DIGEST_SIZE != 0) {
        weft_codec_fail(in, WEFT_EMALFORMED, "proof", "%zu bytes are no hashes", proof.size);
    }
    return proof;
}

static void read_hello(struct weft_codec_in *in, const void *table, struct weft_partner_message *m)
{
    struct weft_wire_stream_hello h;
    weft_wire_stream_hello_read(table, &h);
    read_name(in, h.stream, &m->stream);
    m->hello = (struct weft_stream_hello){
        .version = h.version,
        .agreement_digest = weft_codec_digest(in, h.agreement_digest, "agreement_digest"),
        .next = h.next,
        .root = weft_codec_digest(in, h.root, "root"),
        .head_size = h.head_size,
        .statements_until = h.statements_until,
        .bytes_until = h.bytes_until,
        .is_explicit = h.is_explicit,
        .session = h.session,
        .head_root = weft_codec_digest(in, h.head_root, "head_root"),
        .knows_questions = h.knows_questions,
        .window_bytes = h.window_bytes,
        .shared = weft_codec_digest(in, h.shared, "shared"),
        .shared_sent = h.shared_sent,
        .knows_sets = h.knows_sets,
        .frame_bytes = h.frame_bytes,
        .acknowledged = h.acknowledged,
    };
}

static void read_head(struct weft_codec_in *in, const void *table, struct weft_partner_message *m)
{
    struct weft_wire_stream_head h;
    weft_wire_stream_head_read(table, &h);
    read_name(in, h.stream, &m->stream);
    m->head = (struct weft_stream_head){
        .note = weft_codec_text(in, h.note, WEFT_STREAM_NOTE_SIZE_MAX, "note"),
        .old_size = h.old_size,
        .proof = read_proof(in, h.proof),
        .session = h.session,
        .right = read_proof(in, h.right),
    };
}

static void read_batch(struct weft_codec_in *in, const void *table, struct weft_partner_message *m)
{
    struct weft_wire_stream_batch b;
    weft_wire_stream_batch_read(table, &b);
    read_name(in, b.stream, &m->stream);
    if (b.count == 0 || b.count > WEFT_STREAM_ITEMS_MAX) {
        weft_codec_fail(in, b.count == 0 ? WEFT_EMALFORMED : WEFT_ETOOBIG, "count",
            "%u, must be 1 to %d", b.count, WEFT_STREAM_ITEMS_MAX);
    }
    m->batch = (struct weft_stream_batch){
        .first = b.first,
        .count = b.count,
        .items = weft_codec_bytes(in, b.items, WEFT_STREAM_ITEMS_SIZE_MAX, "items"),
        .head_size = b.head_size,
        .proof = read_proof(in, b.proof),
        .session = b.session,
    };
}

static void read_receipt(
    struct weft_codec_in *in, const void *table, struct weft_partner_message *m)
{
    struct weft_wire_stream_receipt r;
    weft_wire_stream_receipt_read(table, &r);
    read_name(in, r.stream, &m->stream);
    m->receipt = (struct weft_stream_receipt){
        .note = weft_codec_text(in, r.note, WEFT_STREAM_NOTE_SIZE_MAX, "note"),
        .statements_until = r.statements_until,
        .bytes_until = r.bytes_until,
        .session = r.session,
    };
}

static void read_notice(struct weft_codec_in *in, const void *table, struct weft_partner_message *m)
{
    struct weft_wire_stream_notice n;
    weft_wire_stream_notice_read(table, &n);
    read_name(in, n.stream, &m->stream);
    m->notice = (struct weft_stream_notice){
        .fault = n.fault,
        .sequence = n.sequence,
        .reason = weft_codec_text(in, n.reason, WEFT_DETAIL_SIZE_MAX, "reason"),
        .offer = weft_codec_digest(in, n.offer, "offer"),
    };
}

static void read_text(struct weft_codec_in *in, const void *table, struct weft_partner_message *m)
{
    struct weft_wire_stream_text t;
    weft_wire_stream_text_read(table, &t);
    read_name(in, t.stream, &m->stream);
    m->text = weft_codec_text(in, t.note, WEFT_STREAM_TEXT_SIZE_MAX, "note");
}

static void read_body(struct weft_codec_in *in, const void *table, struct weft_partner_message *m)
{
    struct weft_wire_stream_body b;
    weft_wire_stream_body_read(table, &b);
    read_name(in, b.stream, &m->stream);
    m->body = weft_codec_bytes(in, b.content, WEFT_STREAM_BODY_SIZE_MAX, "content");
}

static void read_more(struct weft_codec_in *in, const void *table, struct weft_partner_message *m)
{
    struct weft_wire_stream_more more;
    weft_wire_stream_more_read(table, &more);
    m->more = (struct weft_stream_more){
        .first = more.first,
        .items = weft_codec_bytes(in, more.items, WEFT_STREAM_MORE_SIZE_MAX, "items"),
    };
}

static void read_window_proof(
    struct weft_codec_in *in, const void *table, struct weft_partner_message *m)
{
    struct weft_wire_stream_proof p;
    weft_wire_stream_proof_read(table, &p);
    m->proof = (struct weft_stream_proof){
        .size = p.size, .head_size = p.head_size, .hashes = read_proof(in, p.hashes)};
}

/* What is said so often that a table would be most of it: numbers, then bytes up to the end. */
static void read_leaves(
    struct weft_codec_in *in, struct weft_bytes body, struct weft_partner_message *m)
{
    struct weft_octets o = weft_octets_of(body);
    struct weft_stream_leaves l = {.first = weft_octets_varint(&o)};
    const uint64_t hashes = weft_octets_varint(&o); /* One more than there are; 0: no proof. */
    l.is_proven = hashes > 0;
    if (l.is_proven) {
        l.head_size = weft_octets_varint(&o);
        if (hashes - 1 > WEFT_STREAM_PROOF_SIZE_MAX / WEFT_DIGEST_SIZE) {
            weft_codec_fail(in, WEFT_ETOOBIG, "proof", "too many hashes");
            return;
        }
        l.hashes.size = (size_t)(hashes - 1) * WEFT_DIGEST_SIZE;
        l.hashes.data = weft_octets_bytes(&o, l.hashes.size);
    }
    if (o.is_bad) {
        weft_codec_fail(in, WEFT_EMALFORMED, "leaves", "cut short");
        return;
    }
    l.items = weft_codec_bytes(
        in, (struct weft_bytes){o.p, (size_t)(o.end - o.p)}, WEFT_STREAM_LEAVES_SIZE_MAX, "items");
    m->leaves = l;
}

/* The member of the union, its table and its codec, by kind. */
struct family {
    const void *(*open)(struct weft_bytes bytes, const char *identifier);
    void (*read)(struct weft_codec_in *in, const void *table, struct weft_partner_message *m);
};

static const struct family *family_of(uint16_t kind)
{
    static const struct family families[] = {
        [WEFT_KIND_STREAM_HELLO] = {weft_wire_stream_hello_open, read_hello},
        [WEFT_KIND_STREAM_HEAD] = {weft_wire_stream_head_open, read_head},
        [WEFT_KIND_STREAM_BATCH] = {weft_wire_stream_batch_open, read_batch},
        [WEFT_KIND_STREAM_RECEIPT] = {weft_wire_stream_receipt_open, read_receipt},
        [WEFT_KIND_STREAM_NOTICE] = {weft_wire_stream_notice_open, read_notice},
        [WEFT_KIND_STREAM_REFUSAL] = {weft_wire_stream_text_open, read_text},
        [WEFT_KIND_STREAM_OFFER] = {weft_wire_stream_text_open, read_text},
        [WEFT_KIND_STREAM_EVIDENCE] = {weft_wire_stream_text_open, read_text},
        [WEFT_KIND_STREAM_FORK] = {weft_wire_stream_body_open, read_body},
        [WEFT_KIND_STREAM_SET] = {weft_wire_stream_body_open, read_body},
        [WEFT_KIND_STREAM_QUESTION] = {weft_wire_stream_body_open, read_body},
        [WEFT_KIND_STREAM_ANSWER] = {weft_wire_stream_body_open, read_body},
        [WEFT_KIND_STREAM_MORE] = {weft_wire_stream_more_open, read_more},
        [WEFT_KIND_STREAM_PROOF] = {weft_wire_stream_proof_open, read_window_proof},
    };
    bool is_known = kind < sizeof(families) / sizeof(families[0]) && families[kind].open != NULL;
    return is_known ? &families[kind] : NULL;
}

static struct weft_bytes body_of(struct weft_bytes message)
{
    return (struct weft_bytes){
        message.data + WEFT_ENVELOPE_SIZE, message.size - WEFT_ENVELOPE_SIZE};
}

enum weft_err weft_partner_decode(struct weft_bytes message, struct weft_arena *arena,
    struct weft_partner_message *ret_message, struct weft_msg *msg)
{
    struct weft_codec_in in = {.arena = arena,
        .msg = msg,
        .budget_bytes = WEFT_STREAM_MESSAGE_SIZE_MAX,
        .bad_value = WEFT_EMALFORMED};
    struct weft_envelope envelope;
    enum weft_err err = weft_codec_envelope(&in, message, WEFT_STREAM_MESSAGE_SIZE_MAX, &envelope);
    if (err != WEFT_OK) {
        return err;
    }
    if (envelope.kind == WEFT_KIND_STREAM_LEAVES) {
        struct weft_partner_message leaves = {.kind = WEFT_KIND_STREAM_LEAVES};
        read_leaves(&in, body_of(message), &leaves);
        leaves.leaves.session = envelope.request_id;
        *ret_message = in.err == WEFT_OK ? leaves : *ret_message;
        return in.err;
    }
    const struct family *family = family_of(envelope.kind);
    if (family == NULL) {
        return weft_fail(msg, WEFT_EVERSION, "kind %u is none of partners'", envelope.kind);
    }
    message = weft_codec_aligned(&in, message);
    if (in.err != WEFT_OK) {
        return in.err;
    }
    const void *table = family->open(body_of(message), NULL);
    if (table == NULL) {
        return weft_fail(msg, WEFT_EMALFORMED, "not the table of kind %u", envelope.kind);
    }
    struct weft_partner_message decoded = {.kind = (enum weft_partner_kind)envelope.kind};
    family->read(&in, table, &decoded);
    if (envelope.kind == WEFT_KIND_STREAM_MORE) {
        decoded.more.session = envelope.request_id;
    } else if (envelope.kind == WEFT_KIND_STREAM_PROOF) {
        decoded.proof.session = envelope.request_id;
    }
    if (in.err == WEFT_OK) {
        *ret_message = decoded;
    }
    return in.err;
}

/* --- writing --------------------------------------------------------------------------------- */

static struct weft_wire_ref put_name(
    struct weft_wire_builder *b, const struct weft_stream_name *name)
{
    const struct weft_wire_stream_name_refs refs = {
        .agreement = weft_codec_put_text(b, name->agreement, WEFT_STREAM_NAME_SIZE_MAX),
        .provider = weft_codec_put_text(b, name->provider, WEFT_STREAM_NAME_SIZE_MAX),
    };
    return weft_wire_stream_name_write(b, &refs);
}

static struct weft_wire_ref put_proof(struct weft_wire_builder *b, struct weft_bytes proof)
{
    weft_assert(proof.size % WEFT_DIGEST_SIZE == 0); /* PRO-9 */
    return weft_codec_put_bytes(b, proof, WEFT_STREAM_PROOF_SIZE_MAX);
}

static struct weft_wire_ref put_hello(
    struct weft_wire_builder *b, const struct weft_stream_hello *h, struct weft_wire_ref name)
{
    const struct weft_wire_stream_hello_refs refs = {
        .stream = name,
        .version = h->version,
        .agreement_digest = weft_codec_put_digest(b, &h->agreement_digest),
        .next = h->next,
        .root = weft_codec_put_digest(b, &h->root),
        .head_size = h->head_size,
        .statements_until = h->statements_until,
        .bytes_until = h->bytes_until,
        .is_explicit = h->is_explicit,
        .session = h->session,
        .head_root = weft_codec_put_digest(b, &h->head_root),
        .knows_questions = h->knows_questions,
        .window_bytes = h->window_bytes,
        .shared = weft_codec_put_digest(b, &h->shared),
        .shared_sent = h->shared_sent,
        .knows_sets = h->knows_sets,
        .frame_bytes = h->frame_bytes,
        .acknowledged = h->acknowledged,
    };
    return weft_wire_stream_hello_write(b, &refs);
}

static struct weft_wire_ref put_head(
    struct weft_wire_builder *b, const struct weft_stream_head *h, struct weft_wire_ref name)
{
    const struct weft_wire_stream_head_refs refs = {
        .stream = name,
        .note = weft_codec_put_text(b, h->note, WEFT_STREAM_NOTE_SIZE_MAX),
        .old_size = h->old_size,
        .proof = put_proof(b, h->proof),
        .session = h->session,
        .right = put_proof(b, h->right),
    };
    return weft_wire_stream_head_write(b, &refs);
}

static struct weft_wire_ref put_batch(
    struct weft_wire_builder *b, const struct weft_stream_batch *batch, struct weft_wire_ref name)
{
    const struct weft_wire_stream_batch_refs refs = {
        .stream = name,
        .first = batch->first,
        .count = weft_codec_put_count(b, batch->count, WEFT_STREAM_ITEMS_MAX),
        .items = weft_codec_put_bytes(b, batch->items, WEFT_STREAM_ITEMS_SIZE_MAX),
        .head_size = batch->head_size,
        .proof = put_proof(b, batch->proof),
        .session = batch->session,
    };
    weft_assert(batch->count > 0); /* PRO-9 */
    return weft_wire_stream_batch_write(b, &refs);
}

static struct weft_wire_ref put_more(
    struct weft_wire_builder *b, const struct weft_stream_more *more)
{
    const struct weft_wire_stream_more_refs refs = {
        .first = more->first,
        .items = weft_codec_put_bytes(b, more->items, WEFT_STREAM_MORE_SIZE_MAX),
    };
    return weft_wire_stream_more_write(b, &refs);
}

static struct weft_wire_ref put_window_proof(
    struct weft_wire_builder *b, const struct weft_stream_proof *p)
{
    const struct weft_wire_stream_proof_refs refs = {
        .size = p->size, .head_size = p->head_size, .hashes = put_proof(b, p->hashes)};
    return weft_wire_stream_proof_write(b, &refs);
}

static struct weft_wire_ref put_receipt(
    struct weft_wire_builder *b, const struct weft_stream_receipt *r, struct weft_wire_ref name)
{
    const struct weft_wire_stream_receipt_refs refs = {
        .stream = name,
        .note = weft_codec_put_text(b, r->note, WEFT_STREAM_NOTE_SIZE_MAX),
        .statements_until = r->statements_until,
        .bytes_until = r->bytes_until,
        .session = r->session,
    };
    return weft_wire_stream_receipt_write(b, &refs);
}

static struct weft_wire_ref put_notice(
    struct weft_wire_builder *b, const struct weft_stream_notice *n, struct weft_wire_ref name)
{
    const struct weft_wire_stream_notice_refs refs = {
        .stream = name,
        .fault = n->fault,
        .sequence = n->sequence,
        .reason = weft_codec_put_text(b, n->reason, WEFT_DETAIL_SIZE_MAX),
        .offer = weft_codec_put_digest(b, &n->offer),
    };
    return weft_wire_stream_notice_write(b, &refs);
}

static struct weft_wire_ref put_text(
    struct weft_wire_builder *b, struct weft_text text, struct weft_wire_ref name)
{
    const struct weft_wire_stream_text_refs refs = {
        .stream = name, .note = weft_codec_put_text(b, text, WEFT_STREAM_TEXT_SIZE_MAX)};
    return weft_wire_stream_text_write(b, &refs);
}

static struct weft_wire_ref put_body(
    struct weft_wire_builder *b, struct weft_bytes body, struct weft_wire_ref name)
{
    const struct weft_wire_stream_body_refs refs = {
        .stream = name, .content = weft_codec_put_bytes(b, body, WEFT_STREAM_BODY_SIZE_MAX)};
    return weft_wire_stream_body_write(b, &refs);
}

static struct weft_wire_ref put_message(
    struct weft_wire_builder *b, const struct weft_partner_message *m)
{
    unsigned kind = m->kind;
    if (kind == WEFT_KIND_STREAM_MORE) {
        return put_more(b, &m->more);
    }
    if (kind == WEFT_KIND_STREAM_PROOF) {
        return put_window_proof(b, &m->proof);
    }
    struct weft_wire_ref name = put_name(b, &m->stream);
    switch (kind) {
    case WEFT_KIND_STREAM_HELLO:
        return put_hello(b, &m->hello, name);
    case WEFT_KIND_STREAM_HEAD:
        return put_head(b, &m->head, name);
    case WEFT_KIND_STREAM_BATCH:
        return put_batch(b, &m->batch, name);
    case WEFT_KIND_STREAM_RECEIPT:
        return put_receipt(b, &m->receipt, name);
    case WEFT_KIND_STREAM_NOTICE:
        return put_notice(b, &m->notice, name);
    case WEFT_KIND_STREAM_REFUSAL:
    case WEFT_KIND_STREAM_OFFER:
    case WEFT_KIND_STREAM_EVIDENCE:
        return put_text(b, m->text, name);
    case WEFT_KIND_STREAM_FORK:
    case WEFT_KIND_STREAM_SET:
    case WEFT_KIND_STREAM_QUESTION:
    case WEFT_KIND_STREAM_ANSWER:
        return put_body(b, m->body, name);
    }
    weft_unreachable("PRO-9: kind is one of the partner door's");
}

static enum weft_err put_leaves(const struct weft_stream_leaves *l, struct weft_buffer *out)
{
    uint8_t head[WEFT_ENVELOPE_SIZE + 3 * WEFT_VARINT_SIZE_MAX], *p = head + WEFT_ENVELOPE_SIZE;
    const size_t start = out->size;
    weft_assert(l->hashes.size % WEFT_DIGEST_SIZE == 0);                     /* PRO-9 */
    weft_assert(l->is_proven || (l->hashes.size == 0 && l->head_size == 0)); /* PRO-9 */
    if (l->hashes.size > WEFT_STREAM_PROOF_SIZE_MAX ||
        l->items.size > WEFT_STREAM_LEAVES_SIZE_MAX) {
        return WEFT_ETOOBIG;
    }
    p = weft_put_varint(p, l->first);
    p = weft_put_varint(p, l->is_proven ? l->hashes.size / WEFT_DIGEST_SIZE + 1 : 0);
    p = l->is_proven ? weft_put_varint(p, l->head_size) : p;
    const struct weft_envelope envelope = {
        .size_bytes = (uint32_t)((size_t)(p - head) + l->hashes.size + l->items.size),
        .kind = WEFT_KIND_STREAM_LEAVES,
        .version = WEFT_ENVELOPE_VERSION,
        .request_id = l->session};
    weft_envelope_encode(&envelope, head);
    enum weft_err err = weft_buffer_append(out, head, (size_t)(p - head));
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, l->hashes.data, l->hashes.size);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, l->items.data, l->items.size);
    }
    out->size = err == WEFT_OK ? out->size : start;
    return err;
}

enum weft_err weft_partner_encode(
    const struct weft_partner_message *message, struct weft_buffer *out)
{
    if (message->kind == WEFT_KIND_STREAM_LEAVES) {
        return put_leaves(&message->leaves, out);
    }
    struct weft_wire_builder *b = weft_wire_begin(WEFT_WIRE_OUTER, WEFT_STREAM_MESSAGE_SIZE_MAX);
    uint64_t session = message->kind == WEFT_KIND_STREAM_MORE    ? message->more.session
                       : message->kind == WEFT_KIND_STREAM_PROOF ? message->proof.session
                                                                 : 0;
    return weft_codec_finish(
        b, put_message(b, message), (enum weft_message_kind)message->kind, session, out);
}
