#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/partner_set_parts.h"
#include "proto/check.h"

/* What a comparison found lacking is wanted of the partner, and filed; what he lacks is given. */

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

static void name(
    struct weft_partner_set *set, const struct weft_agreement *a, uint32_t i, const char *why)
{
    char agreement[WEFT_CONTRACT_NAME_SIZE_MAX + 1], digest[WEFT_DIGEST_TEXT_SIZE];
    if (set->named_count >= WEFT_PARTNER_SET_NAMED_MAX) {
        return;
    }
    struct weft_set_named *named = &set->named[set->named_count++];
    named->statement = set->lacking[i];
    (void)snprintf(named->why, sizeof(named->why), "%s", why);
    weft_digest_format(&named->statement, digest);
    (void)snprintf(
        agreement, sizeof(agreement), "%.*s", (int)a->terms->name.size, a->terms->name.data);
    weft_log(WEFT_LOG_WARN, "partner_set_lacking", weft_kv("agreement", (const char *)agreement),
        weft_kv("statement", (const char *)digest), weft_kv("why", (const char *)named->why),
        weft_kv("next", "it is not filed: weft partner status, weft partner quarantine"));
}

/* --- wanting ---------------------------------------------------------------------------------- */

static void end(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_set *set = x->set;
    const bool is_equal = weft_digest_equal(&set->shared, &set->their_shared);
    if (set->filed > 0 && set->filed == set->found) {
        weft_partner_set_finish(p, x, a, WEFT_SET_MENDED, "");
    } else if (set->found > 0) {
        weft_partner_set_finish(
            p, x, a, WEFT_SET_DIFFERS, "statements are lacking here that could not be filed");
    } else if (is_equal) {
        weft_partner_set_finish(p, x, a, WEFT_SET_EQUAL, "");
    } else {
        weft_partner_set_finish(
            p, x, a, WEFT_SET_DIFFERS, "nothing is lacking here: the partner's side says what is");
    }
}

static void want_next(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_set *set = x->set;
    if (set->given == set->lacking_count) {
        if (set->filing == 0) {
            end(p, x, a);
        }
        return;
    }
    uint32_t count = set->lacking_count - set->given;
    count = count < WEFT_SET_WANT_MAX ? count : WEFT_SET_WANT_MAX;
    set->wanted = set->given + count;
    weft_partner_set_wait(p, set);
    const struct weft_set_message m = {.what = WEFT_SET_WANT,
        .session = set->session,
        .list = {set->lacking[set->given].bytes, count * sizeof(set->lacking[0])}};
    if (weft_partner_set_send(p, a, set->conn, &m) != WEFT_OK) {
        weft_partner_set_finish(p, x, a, WEFT_SET_UNDONE, "the partner is not there any more");
    }
}

/* What is lacking because it is in quarantine is not wanted. */
struct held {
    struct weft_partner_set *set;
    const struct weft_agreement *a;
};

static enum weft_err on_held(void *ctx, const struct weft_received *received, struct weft_msg *msg)
{
    struct held *held = ctx;
    struct weft_partner_set *set = held->set;
    char why[sizeof(set->named[0].why)];
    (void)msg;
    struct weft_digest *at = bsearch(&received->statement, set->lacking, set->lacking_count,
        sizeof(set->lacking[0]), compare_digests);
    if (at != NULL) {
        const size_t place = (size_t)(at - set->lacking);
        (void)snprintf(why, sizeof(why), "in quarantine: %s",
            weft_stream_fault_name((unsigned)received->fault));
        name(set, held->a, (uint32_t)place, why);
        memmove(at, at + 1, (set->lacking_count - place - 1) * sizeof(*at));
        set->lacking_count--;
    }
    return WEFT_OK;
}

void weft_partner_set_mend(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_set *set = x->set;
    struct held held = {.set = set, .a = a};
    struct weft_stream_source source;
    struct weft_msg msg = {""};
    set->lacking_count = set->work->lacking_count;
    set->found = set->lacking_count;
    set->lacked_total += set->found;
    memcpy(set->lacking, set->work->lacking, set->lacking_count * sizeof(set->lacking[0]));
    qsort(set->lacking, set->lacking_count, sizeof(set->lacking[0]), compare_digests);
    set->spent_ms = set->work->spent_ns / 1000000;
    weft_set_work_free(set->work);
    set->work = NULL;
    set->phase = WEFT_SET_MENDS;
    set->served_session = set->session;
    set->served_conn = set->conn;
    set->served = 0;
    if (set->lacking_count > 0 && a->consumer->quarantined > 0 &&
        weft_stream_source(p->state, a->terms->number, WEFT_RECEIVED, &source) == WEFT_OK) {
        (void)!weft_stream_source_quarantine(&source, 0, on_held, &held, &msg);
    }
    want_next(p, x, a);
}

/* --- filing ----------------------------------------------------------------------------------- */

/* The entry has it as a batch of one, from the stream of whoever states it. */
static enum weft_err propose(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_set_given *given)
{
    struct weft_buffer message = {.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX};
    const enum weft_direction direction =
        given->party == a->terms->party ? WEFT_SENT : WEFT_RECEIVED;
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH,
        .stream = weft_partners_stream(a, direction),
        .batch = {.first = given->sequence, .count = 1, .items = given->item}};
    enum weft_err err = weft_partner_encode(&m, &message);
    if (err == WEFT_OK) {
        const struct weft_stream_entry entry = {.act = WEFT_STREAM_ACT_FILE,
            .number = given->sequence,
            .root = given->digest,
            .message = {message.data, message.size}};
        err = weft_partners_propose(p, x, a, WEFT_PARTNER_FILES, &entry);
    }
    weft_buffer_destroy(&message);
    return err;
}

/* NOD-312: what goes into the log is a statement whose leaf stands in the own tree. */
static bool is_it(const struct weft_partners *p, const struct weft_agreement *a,
    const struct weft_set_given *given)
{
    struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};
    const enum weft_direction direction =
        given->party == a->terms->party ? WEFT_SENT : WEFT_RECEIVED;
    const struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_STATEMENT, .digest = given->digest};
    const struct weft_digest hash = weft_stream_leaf_hash(&leaf);
    struct weft_stream_source source;
    struct weft_stream_item item;
    struct weft_projection projection;
    struct weft_bytes rest = given->item;
    struct weft_digest there, digest = {{0}};
    struct weft_msg msg = {""};
    bool is_good = weft_stream_source(p->state, a->terms->number, direction, &source) == WEFT_OK &&
                   given->sequence < source.size &&
                   weft_stream_source_node(&source, 0, given->sequence, &there, &msg) == WEFT_OK &&
                   weft_digest_equal(&there, &hash) &&
                   weft_stream_item_next(&rest, &item) == WEFT_OK && rest.size == 0 &&
                   item.kind == WEFT_STREAM_STATEMENT &&
                   weft_projection_decode(item.content, &arena, &projection, &msg) == WEFT_OK &&
                   weft_projection_verify(&projection, &digest, &msg) == WEFT_OK &&
                   weft_digest_equal(&digest, &given->digest);
    weft_arena_destroy(&arena);
    return is_good;
}

/* Nothing but what was wanted, in its order, each once. */
void weft_partner_set_take(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_set_message *m)
{
    struct weft_partner_set *set = x->set;
    struct weft_bytes list = m->list;
    struct weft_set_given given;
    if (set->phase != WEFT_SET_MENDS || m->session != set->session || set->given == set->wanted) {
        return;
    }
    while (weft_set_given_next(&list, &given)) {
        if (set->given == set->wanted ||
            !weft_digest_equal(&given.digest, &set->lacking[set->given])) {
            set->faults_total++;
            set->given = set->lacking_count;
            break;
        }
        const uint32_t i = set->given++;
        if (!given.is_there) {
            name(set, a, i, "the partner has it in no stream");
        } else if (!is_it(p, a, &given)) {
            set->faults_total++;
            name(set, a, i, "what the partner gives is not that statement");
        } else if (propose(p, x, a, &given) != WEFT_OK) {
            name(set, a, i, "the log takes no more now");
        } else {
            set->filing_of[set->filing++] = i;
        }
    }
    set->wanted = set->given;
    if (set->filing == 0) {
        want_next(p, x, a);
    }
}

void weft_partner_set_done(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_err err)
{
    struct weft_partner_set *set = x->set;
    char why[sizeof(set->named[0].why)];
    if (set == NULL || set->phase != WEFT_SET_MENDS || set->filing == 0) {
        return;
    }
    const uint32_t i = set->filing_of[0];
    set->filing--;
    memmove(set->filing_of, set->filing_of + 1, set->filing * sizeof(set->filing_of[0]));
    if (err == WEFT_OK) {
        set->filed++;
        set->filed_total++;
    } else {
        (void)snprintf(why, sizeof(why), "it is refused: %s", weft_err_name(err));
        name(set, a, i, why);
    }
    if (set->filing == 0) {
        want_next(p, x, a);
    }
}

/* --- giving ----------------------------------------------------------------------------------- */

/* NOD-314: of what this site states nothing that was not sent and taken, or while nothing is sent.
 */
static bool may_give(
    const struct weft_agreement *a, enum weft_direction direction, uint64_t sequence)
{
    return direction == WEFT_RECEIVED ||
           (sequence < a->provider->receipt.size && !weft_provider_is_fenced(a->provider));
}

/* Where it stands, and what. False: it stands in no stream here. */
static bool find(const struct weft_partners *p, const struct weft_agreement *a,
    const struct weft_digest *digest, struct weft_buffer *item, struct weft_set_given *ret_given)
{
    *ret_given = (struct weft_set_given){.digest = *digest};
    weft_buffer_clear(item);
    for (int d = 0; d < WEFT_DIRECTIONS && !ret_given->is_there; d++) {
        const enum weft_direction direction = (enum weft_direction)d;
        struct weft_stream_source source;
        struct weft_msg msg = {""};
        uint32_t count = 0;
        if (weft_stream_source(p->state, a->terms->number, direction, &source) != WEFT_OK ||
            weft_stream_source_find(&source, digest, &ret_given->sequence, &msg) != WEFT_OK ||
            !may_give(a, direction, ret_given->sequence) ||
            weft_stream_source_items(&source, ret_given->sequence, 1, WEFT_STREAM_ITEMS_SIZE_MAX,
                true, item, &count, &msg) != WEFT_OK) {
            continue;
        }
        ret_given->is_there = true;
        ret_given->party = direction == WEFT_SENT ? a->terms->party : 1 - a->terms->party;
        ret_given->item = (struct weft_bytes){item->data, item->size};
    }
    return ret_given->is_there;
}

void weft_partner_set_serve(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_set_message *m)
{
    struct weft_partner_set *set = x->set;
    struct weft_buffer list = {.size_max = WEFT_STREAM_BODY_SIZE_MAX - 1024},
                       item = {.size_max = WEFT_STREAM_BODY_SIZE_MAX};
    const uint32_t count = (uint32_t)(m->list.size / WEFT_DIGEST_SIZE);
    enum weft_err err = WEFT_OK;
    if (a->state != WEFT_AGREEMENT_IN_FORCE || m->session != set->served_session ||
        conn != set->served_conn || set->served + count > WEFT_PARTNER_SET_LACKING_MAX ||
        !weft_partners_may_answer(p, conn)) {
        set->faults_total++;
        return;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < count && list.size < WEFT_SET_GIVE_BYTES_MAX; i++) {
        struct weft_set_given given;
        struct weft_digest digest;
        memcpy(digest.bytes, m->list.data + i * (size_t)WEFT_DIGEST_SIZE, WEFT_DIGEST_SIZE);
        set->given_away += find(p, a, &digest, &item, &given) ? 1 : 0;
        err = weft_set_give(&given, &list);
        set->served += err == WEFT_OK ? 1 : 0;
    }
    if (list.size > 0) {
        const struct weft_set_message give = {
            .what = WEFT_SET_GIVE, .session = m->session, .list = {list.data, list.size}};
        (void)!weft_partner_set_send(p, a, conn, &give); /* Else he waits, and gives it up. */
        weft_partners_charge(p, conn, list.size);
    }
    weft_buffer_destroy(&list);
    weft_buffer_destroy(&item);
}
