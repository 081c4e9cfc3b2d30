#include "node/partner_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/logger.h"
#include "node/partner_set_parts.h"

/* Comparisons: who begins one, whose turn it is, how it ends. */

static struct weft_partner_set *set_of(struct weft_partner_exchange *x)
{
    if (x->set == NULL) {
        x->set = calloc(1, sizeof(*x->set));
    }
    return x->set;
}

/* The digest of all that is filed, where both streams stand. False: it is no function of them now.
 */
static bool get_shared(
    const struct weft_partners *p, const struct weft_agreement *a, struct weft_digest *ret_shared)
{
    struct weft_cells_sum sum;
    struct weft_msg msg = {""};
    if (a->state != WEFT_AGREEMENT_IN_FORCE ||
        weft_state_cells_sum(p->state, a->terms->name, &sum, &msg) != WEFT_OK || !sum.is_settled) {
        return false;
    }
    *ret_shared = sum.shared;
    return true;
}

enum weft_err weft_partner_set_send(struct weft_partners *p, const struct weft_agreement *a,
    void *conn, const struct weft_set_message *m)
{
    struct weft_buffer body = {.size_max = WEFT_STREAM_BODY_SIZE_MAX};
    enum weft_err err = weft_set_encode(m, &body);
    if (err == WEFT_OK) {
        const struct weft_partner_message message = {.kind = WEFT_KIND_STREAM_SET,
            .stream = weft_partners_stream(a, WEFT_SENT),
            .body = {body.data, body.size}};
        err = weft_partners_send(p, conn, &message);
    }
    weft_buffer_destroy(&body);
    return err;
}

static void send_end(struct weft_partners *p, const struct weft_agreement *a, void *conn,
    uint64_t session, enum weft_set_end end)
{
    const struct weft_set_message m = {.what = WEFT_SET_END, .session = session, .end = end};
    (void)!weft_partner_set_send(p, a, conn, &m); /* Else he waits until it is over for him. */
}

/* --- ends ------------------------------------------------------------------------------------- */

static void let_work_go(struct weft_partner_set *set)
{
    struct weft_set_work *work = set->work;
    set->work = NULL;
    if (work != NULL && set->is_working) {
        work->is_forgotten = true;
    } else if (work != NULL) {
        set->spent_ms += work->spent_ns / 1000000;
        weft_set_work_free(work);
    }
    set->is_working = false;
}

static void log_end(const struct weft_partner_set *set, const struct weft_agreement *a)
{
    static const char *const events[WEFT_SET_RESULTS] = {[WEFT_SET_EQUAL] = "partner_set_equal",
        [WEFT_SET_DIFFERS] = "partner_set_differs",
        [WEFT_SET_MENDED] = "partner_set_mended",
        [WEFT_SET_UNDONE] = "partner_set_undone"};
    char name[WEFT_CONTRACT_NAME_SIZE_MAX + 1];
    (void)snprintf(name, sizeof(name), "%.*s", (int)a->terms->name.size, a->terms->name.data);
    const bool is_well = set->result == WEFT_SET_EQUAL || set->result == WEFT_SET_MENDED;
    weft_log(is_well ? WEFT_LOG_INFO : WEFT_LOG_WARN, events[set->result],
        weft_kv("agreement", (const char *)name), weft_kv("statements", set->statements),
        weft_kv("lacking", set->found), weft_kv("filed", set->filed),
        weft_kv("given", set->given_away), weft_kv("why", (const char *)set->why),
        weft_kv("next", is_well ? "nothing" : "weft partner status says what is left"));
}

/* The place is others' for as long as this one had it. */
static uint64_t rest_of(const struct weft_partners *p, const struct weft_partner_set *set)
{
    const uint64_t least[] = {WEFT_PARTNER_SET_REST * set->spent_ms, p->now_ms - set->begun_ms};
    uint64_t rest_ms = WEFT_PARTNER_SET_AGAIN_MS;
    for (size_t i = 0; i < sizeof(least) / sizeof(least[0]); i++) {
        rest_ms = least[i] > rest_ms ? least[i] : rest_ms;
    }
    return rest_ms;
}

void weft_partner_set_finish(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_set_result result, const char *why)
{
    struct weft_partner_set *set = x->set;
    (void)snprintf(set->why, sizeof(set->why), "%s", why); /* It may be of the work. */
    let_work_go(set);
    p->set_own -= set->is_first ? 1 : 0;
    p->set_their -= set->is_first ? 0 : 1;
    uint64_t *next_ms = set->is_first ? &set->own_next_ms : &set->their_next_ms;
    *next_ms = p->now_ms + rest_of(p, set);
    set->phase = WEFT_SET_IDLE;
    set->result = result;
    set->at_ns = p->now_ns;
    if (result != WEFT_SET_UNDONE) {
        set->compared_total++;
        set->asked_until_ms = 0;
        set->done_own = set->shared;
        set->done_their = set->their_shared;
        set->differs = result == WEFT_SET_DIFFERS;
    } else if (set->asked_until_ms != 0) { /* Once more, as long as somebody waits for it. */
        set->wants = p->now_ms < set->asked_until_ms;
        set->asked_until_ms = set->wants ? set->asked_until_ms : 0;
        set->own_next_ms = set->wants ? p->now_ms + WEFT_PARTNER_SET_MOVED_MS : set->own_next_ms;
    }
    if (set->filed > 0) {
        weft_partner_in_greet_again(p, &x->in); /* The partner hears of the digest. */
    }
    log_end(set, a);
    weft_partners_due(p, p->now_ms);
}

/* --- one begins ------------------------------------------------------------------------------- */

static bool begin(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, bool is_first, uint64_t session, void *conn)
{
    struct weft_partner_set *set = x->set;
    struct weft_msg msg = {""};
    if (!get_shared(p, a, &set->shared) ||
        weft_set_work_make(p, x->number, a, &set->work, &msg) != WEFT_OK) {
        return false;
    }
    set->work->generation = p->generation;
    set->phase = WEFT_SET_COMPARES;
    set->is_first = is_first;
    set->session = session;
    set->conn = conn;
    set->sent = a->provider->stream.tree.size;
    set->received = a->consumer->stream.tree.size;
    set->their_shared = (struct weft_digest){{0}};
    set->turns = set->lacking_count = set->wanted = set->given = set->filing = 0;
    set->statements = set->found = set->filed = set->given_away = set->named_count = 0;
    set->bytes = set->spent_ms = 0;
    set->begun_ms = p->now_ms;
    weft_partner_set_wait(p, set);
    set->is_working = true;
    p->set_own += is_first ? 1 : 0;
    p->set_their += is_first ? 0 : 1;
    return true;
}

/* NOD-314: nothing is on the way in either stream, as far as this side knows, and it may send. */
static bool rest(const struct weft_agreement *a)
{
    return a->provider->receipt.size == a->provider->stream.tree.size &&
           a->consumer->head.size <= a->consumer->stream.tree.size &&
           !weft_provider_is_fenced(a->provider);
}

/* NOD-310: one that this side begins and one of a partner are under way on a node, no more. */
static void begin_own(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_set *set = x->set;
    if (!set->wants || set->phase != WEFT_SET_IDLE) {
        return;
    }
    if (p->now_ms < set->own_next_ms) {
        weft_partners_due(p, set->own_next_ms);
        return;
    }
    if (set->asked_until_ms != 0 && p->now_ms >= set->asked_until_ms) {
        set->wants = false;
        set->asked_until_ms = 0;
        set->result = WEFT_SET_UNDONE;
        (void)snprintf(set->why, sizeof(set->why), "the streams did not rest, or others compare");
        return;
    }
    set->own_next_ms = p->now_ms + WEFT_PARTNER_SET_MOVED_MS;
    weft_partners_due(p, set->own_next_ms);
    if (x->out.conn != NULL && set->knows && p->set_own == 0 && p->set_jobs == 0 && rest(a) &&
        begin(p, x, a, true, (uint64_t)p->now_ns, x->out.conn)) {
        set->wants = false;
        weft_set_work_begin(set->work);
    }
}

static enum weft_set_end admit(struct weft_partners *p, struct weft_partner_set *set,
    const struct weft_agreement *a, const struct weft_set_message *m)
{
    struct weft_digest shared;
    if (p->now_ms < set->their_next_ms || p->set_their > 0 || p->set_jobs > 0) {
        return WEFT_SET_BUSY;
    }
    if (m->sent != a->consumer->stream.tree.size || m->received != a->provider->stream.tree.size ||
        !rest(a) || !get_shared(p, a, &shared)) {
        return WEFT_SET_MOVED;
    }
    return WEFT_SET_DONE;
}

static void begin_theirs(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_set_message *m)
{
    struct weft_partner_set *set = x->set;
    enum weft_set_end end = admit(p, set, a, m);
    if (end == WEFT_SET_DONE) {
        set->their_next_ms = p->now_ms + WEFT_PARTNER_SET_AGAIN_MS;
        end = begin(p, x, a, false, m->session, conn) ? end : WEFT_SET_CLOSED;
    }
    if (end != WEFT_SET_DONE) {
        send_end(p, a, conn, m->session, end);
        return;
    }
    set->their_shared = m->shared;
    set->turns = 1;
    set->bytes = m->turn.size;
    if (weft_buffer_append(&set->work->in, m->turn.data, m->turn.size) != WEFT_OK) {
        set->is_working = false;
        send_end(p, a, conn, m->session, WEFT_SET_LARGE);
        weft_partner_set_finish(p, x, a, WEFT_SET_UNDONE, "a turn that is too large");
        return;
    }
    weft_set_work_begin(set->work);
}

void weft_partner_set_wait(struct weft_partners *p, struct weft_partner_set *set)
{
    const uint64_t over_ms = set->begun_ms + WEFT_PARTNER_SET_LONG_MS;
    set->deadline_ms = p->now_ms + WEFT_PARTNER_SET_WAIT_MS;
    set->deadline_ms = over_ms < set->deadline_ms ? over_ms : set->deadline_ms;
    weft_partners_due(p, set->deadline_ms);
}

/* --- turns ------------------------------------------------------------------------------------ */

static void give_up(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_set_end end, const char *why)
{
    send_end(p, a, x->set->conn, x->set->session, end);
    weft_partner_set_finish(p, x, a, WEFT_SET_UNDONE, why);
}

void weft_partner_set_worked(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_set *set = x->set;
    struct weft_set_work *work = set->work;
    if (work->err != WEFT_OK) {
        set->faults_total += work->err == WEFT_EMALFORMED ? 1 : 0;
        give_up(p, x, a,
            work->err == WEFT_EMALFORMED ? WEFT_SET_FAULT
            : work->err == WEFT_ETOOBIG  ? WEFT_SET_LARGE
                                         : WEFT_SET_CLOSED,
            work->msg.text);
        return;
    }
    set->statements = work->list.count;
    weft_partner_set_wait(p, set);
    const struct weft_set_message m = {.what = work->out.size > 0 ? WEFT_SET_COMPARE : WEFT_SET_END,
        .session = set->session,
        .sent = set->sent,
        .received = set->received,
        .shared = set->shared,
        .turn = {work->out.data, work->out.size},
        .end = WEFT_SET_DONE};
    if (weft_partner_set_send(p, a, set->conn, &m) != WEFT_OK) {
        weft_partner_set_finish(p, x, a, WEFT_SET_UNDONE, "the partner is not there any more");
    } else if (work->out.size == 0) {
        weft_partner_set_mend(p, x, a);
    }
}

/* NOD-311: what a partner says in one comparison is bounded in turns, bytes, work and time. */
static void hear_turn(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_set_message *m)
{
    struct weft_partner_set *set = x->set;
    set->turns++;
    set->bytes += m->turn.size;
    set->their_shared = m->shared;
    if (set->turns > WEFT_PARTNER_SET_TURNS_MAX || set->bytes > WEFT_PARTNER_SET_BYTES_MAX) {
        set->faults_total++;
        give_up(p, x, a, WEFT_SET_LARGE, "more turns than a comparison takes");
        return;
    }
    if (m->sent != set->received || m->received != set->sent) {
        give_up(p, x, a, WEFT_SET_MOVED, "the partner compares another place of the streams");
        return;
    }
    weft_buffer_clear(&set->work->in);
    if (weft_buffer_append(&set->work->in, m->turn.data, m->turn.size) != WEFT_OK) {
        give_up(p, x, a, WEFT_SET_LARGE, "a turn that is too large");
        return;
    }
    set->is_working = true;
    weft_set_work_begin(set->work);
}

/* Both may begin at once: the first party's goes on. */
static void hear_compare(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_set_message *m)
{
    struct weft_partner_set *set = x->set;
    const bool is_own = set->phase == WEFT_SET_COMPARES && m->session == set->session;
    if (is_own && !set->is_working && set->conn == conn) {
        hear_turn(p, x, a, m);
        return;
    }
    if (!is_own && set->phase == WEFT_SET_COMPARES && set->is_first && set->turns == 0 &&
        !set->is_working && a->terms->party != 0) {
        weft_partner_set_finish(p, x, a, WEFT_SET_UNDONE, "the partner begins one");
    }
    if (set->phase == WEFT_SET_IDLE) {
        begin_theirs(p, x, a, conn, m);
    } else {
        set->faults_total += is_own ? 1 : 0; /* It is not his turn. */
        send_end(p, a, conn, m->session, is_own ? WEFT_SET_FAULT : WEFT_SET_BUSY);
    }
}

static void hear_end(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_set_message *m)
{
    struct weft_partner_set *set = x->set;
    if (set->phase != WEFT_SET_COMPARES || m->session != set->session || set->is_working) {
        return;
    }
    if (m->end != WEFT_SET_DONE) {
        char why[sizeof(set->why)];
        (void)snprintf(why, sizeof(why), "the partner says %s", weft_set_end_name(m->end));
        weft_partner_set_finish(p, x, a, WEFT_SET_UNDONE, why);
        return;
    }
    if (set->turns == 0) { /* Whose first word was the last: the same set. */
        set->their_shared = set->is_told ? set->told : set->shared;
    }
    weft_partner_set_mend(p, x, a);
}

bool weft_partner_set_hear(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_partner_message *m)
{
    struct weft_set_message heard;
    if (m->kind != WEFT_KIND_STREAM_SET) {
        return false;
    }
    struct weft_partner_set *set = set_of(x);
    weft_partners_charge(p, conn, m->body.size);
    if (set == NULL) {
        return true;
    }
    if (weft_set_decode(m->body, &heard) != WEFT_OK ||
        !weft_text_equal(m->stream.provider, a->terms->partner)) {
        struct weft_msg msg = {"no message about a set"};
        set->faults_total++;
        weft_partners_log_fault(a, "partner_set_refused", WEFT_STREAM_MALFORMED, &msg,
            "it is dropped; a comparison that waits for it ends");
        return true;
    }
    switch (heard.what) {
    case WEFT_SET_COMPARE:
        hear_compare(p, x, a, conn, &heard);
        break;
    case WEFT_SET_WANT:
        weft_partner_set_serve(p, x, a, conn, &heard);
        break;
    case WEFT_SET_GIVE:
        weft_partner_set_take(p, x, a, &heard);
        break;
    case WEFT_SET_END:
        hear_end(p, x, a, &heard);
        break;
    }
    return true;
}

/* --- hellos ----------------------------------------------------------------------------------- */

void weft_partner_set_say(
    const struct weft_partners *p, const struct weft_agreement *a, struct weft_stream_hello *hello)
{
    hello->knows_sets = true;
    if (get_shared(p, a, &hello->shared)) {
        hello->shared_sent = a->provider->stream.tree.size;
    }
}

static void log_suspected(const struct weft_agreement *a)
{
    char name[WEFT_CONTRACT_NAME_SIZE_MAX + 1];
    (void)snprintf(name, sizeof(name), "%.*s", (int)a->terms->name.size, a->terms->name.data);
    weft_log(WEFT_LOG_WARN, "partner_set_suspected", weft_kv("agreement", (const char *)name),
        weft_kv("why", "another digest of what both have filed, at the same place"),
        weft_kv("next", "what is filed is compared"));
}

/* Both stand at one place: then both digests are of the same statements, or something is wrong. */
void weft_partner_set_greeted(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_stream_hello *hello)
{
    static const struct weft_digest none = {{0}};
    struct weft_partner_set *set = set_of(x);
    struct weft_digest shared;
    if (set == NULL) {
        return;
    }
    set->knows = hello->knows_sets;
    set->is_told = !weft_digest_equal(&hello->shared, &none) &&
                   hello->next == a->provider->stream.tree.size &&
                   hello->shared_sent == a->consumer->stream.tree.size;
    set->told = hello->shared;
    if (!set->is_told || !get_shared(p, a, &shared)) {
        return;
    }
    const bool is_done = weft_digest_equal(&set->done_own, &shared) &&
                         weft_digest_equal(&set->done_their, &set->told);
    if (weft_digest_equal(&shared, &set->told)) {
        if (set->phase == WEFT_SET_IDLE) {
            set->result = WEFT_SET_EQUAL;
            set->sent = a->provider->stream.tree.size;
            set->received = a->consumer->stream.tree.size;
            set->shared = set->their_shared = shared;
            set->at_ns = p->now_ns;
            set->why[0] = '\0';
            set->named_count = 0;
        }
        if (set->differs) { /* He may think still that they do. */
            weft_partner_in_greet_again(p, &x->in);
        }
        set->differs = set->has_differed = false;
        return;
    }
    if (!set->differs) {
        log_suspected(a);
    }
    set->differs = true;
    /* The first party's business; the other's where that does not do it. */
    set->wants = set->wants || (!is_done && (a->terms->party == 0 || set->has_differed));
    set->has_differed = true;
}

enum weft_err weft_partners_audit(struct weft_partners *p, uint32_t number)
{
    struct weft_partner_exchange *x = weft_partners_exchange(p, number);
    struct weft_partner_set *set = x != NULL ? set_of(x) : NULL;
    if (!p->is_leading) {
        return WEFT_ENOTLEADER;
    }
    if (set == NULL) {
        return WEFT_ENOMEM;
    }
    if (x->out.conn == NULL) {
        return WEFT_EUNAVAILABLE;
    }
    if (!set->knows) {
        return WEFT_EVERSION;
    }
    set->wants = true;
    set->asked_until_ms = p->now_ms + WEFT_PARTNER_SET_ASKED_MS;
    set->own_next_ms = p->now_ms;
    weft_partners_due(p, 0);
    p->options.io.wake(p->options.io.ctx);
    return WEFT_OK;
}

/* --- the loop --------------------------------------------------------------------------------- */

void weft_partner_set_turn(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_set *set = x->set;
    if (set == NULL) {
        return;
    }
    if (set->phase != WEFT_SET_IDLE && !set->is_working && set->filing == 0) {
        if (p->now_ms >= set->deadline_ms) {
            weft_partner_set_finish(p, x, a, WEFT_SET_UNDONE,
                set->conn == NULL ? "the partner is not there any more"
                : p->now_ms >= set->begun_ms + WEFT_PARTNER_SET_LONG_MS
                    ? "the partner takes too long"
                    : "the partner is silent");
        } else {
            weft_partners_due(p, set->deadline_ms);
        }
    }
    begin_own(p, x, a);
}

/* NOD-315: the next one may have its address, and be another partner's. */
void weft_partner_set_down(
    struct weft_partners *p, struct weft_partner_exchange *x, const void *conn)
{
    if (x->set != NULL && x->set->conn == conn) {
        x->set->conn = NULL;
        x->set->deadline_ms = p->now_ms;
    }
    if (x->set != NULL && x->set->served_conn == conn) {
        x->set->served_conn = NULL;
    }
}

void weft_partner_set_reset(struct weft_partners *p, struct weft_partner_exchange *x)
{
    if (x->set != NULL) {
        if (x->set->phase != WEFT_SET_IDLE) {
            p->set_own -= x->set->is_first ? 1 : 0;
            p->set_their -= x->set->is_first ? 0 : 1;
        }
        let_work_go(x->set);
        free(x->set);
        x->set = NULL;
    }
}

/* --- what is told ----------------------------------------------------------------------------- */

static const char *state_of(const struct weft_partner_set *set)
{
    static const char *const names[WEFT_SET_RESULTS] = {[WEFT_SET_NEVER] = "not-compared",
        [WEFT_SET_EQUAL] = "equal",
        [WEFT_SET_DIFFERS] = "differs",
        [WEFT_SET_MENDED] = "mended",
        [WEFT_SET_UNDONE] = "undone"};
    return set->phase == WEFT_SET_COMPARES ? "compares"
           : set->phase == WEFT_SET_MENDS  ? "mends"
           : set->wants                    ? "waits"
                                           : names[set->result];
}

enum weft_err weft_partners_set_lines(
    const struct weft_partners *p, uint32_t number, struct weft_buffer *out)
{
    const struct weft_partner_exchange *x = weft_partners_exchange(p, number);
    const struct weft_partner_set *set = x != NULL ? x->set : NULL;
    char digest[WEFT_DIGEST_TEXT_SIZE];
    if (set == NULL) {
        return WEFT_OK;
    }
    weft_digest_format(&set->shared, digest);
    enum weft_err err = weft_buffer_format(out,
        "set.state %s\nset.statements %" PRIu32 "\nset.lacking %" PRIu32 "\nset.filed %" PRIu32
        "\nset.given %" PRIu32 "\nset.place %" PRIu64 " %" PRIu64 " %s\n",
        state_of(set), set->statements, set->found, set->filed, set->given_away, set->sent,
        set->received, digest);
    if (err == WEFT_OK && set->why[0] != '\0') {
        err = weft_buffer_format(out, "set.why %s\n", set->why);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < set->named_count; i++) {
        weft_digest_format(&set->named[i].statement, digest);
        err =
            weft_buffer_format(out, "set.named.%" PRIu32 " %s %s\n", i, digest, set->named[i].why);
    }
    return err;
}

struct weft_partner_set_figures weft_partners_set_figures(
    const struct weft_partners *p, uint32_t number)
{
    const struct weft_partner_exchange *x = weft_partners_exchange(p, number);
    const struct weft_partner_set *set = x != NULL ? x->set : NULL;
    return set == NULL ? (struct weft_partner_set_figures){.compared = 0}
                       : (struct weft_partner_set_figures){set->differs, set->compared_total,
                             set->lacked_total, set->filed_total, set->faults_total};
}

bool weft_partners_is_idle(const struct weft_partners *p)
{
    return p->set_jobs == 0;
}
