#include "raft/guard.h"

#include "proto/check.h"
#include "raft/mutant.h"

/* Shorthand of this file: say why and what follows. */
static enum weft_guard_verdict say(
    enum weft_guard_verdict verdict, const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return verdict;
}

const struct weft_guard_peer *weft_guard_find(const struct weft_guard *g, uint64_t id)
{
    for (uint32_t i = 0; i < WEFT_GUARD_PEERS_MAX; i++) {
        if (g->peers[i].id == id) {
            return &g->peers[i];
        }
    }
    return NULL;
}

struct weft_guard_peer *weft_guard_peer(struct weft_guard *g, uint64_t id)
{
    struct weft_guard_peer *oldest = &g->peers[0];
    weft_assert(id != 0);
    for (uint32_t i = 0; i < WEFT_GUARD_PEERS_MAX; i++) {
        struct weft_guard_peer *p = &g->peers[i];
        if (p->id == id) {
            return p;
        }
        if (oldest->id != 0 && (p->id == 0 || p->heard_ms < oldest->heard_ms)) {
            oldest = p;
        }
    }
    if (oldest->sent_sequence > g->sequence_floor) {
        g->sequence_floor = oldest->sent_sequence; /* It may come back, and remembers ours. */
    }
    *oldest = (struct weft_guard_peer){.id = id, .sent_sequence = g->sequence_floor};
    return oldest;
}

/* The life's slot; a new one takes that of the life unheard of for longest. */
static struct weft_guard_life *life_of(struct weft_guard_peer *p, uint64_t incarnation)
{
    struct weft_guard_life *oldest = &p->lives[0];
    for (uint32_t i = 0; i < WEFT_GUARD_LIVES_MAX; i++) {
        struct weft_guard_life *life = &p->lives[i];
        if (life->incarnation == incarnation) {
            return life;
        }
        oldest = life->heard_ms < oldest->heard_ms ? life : oldest;
    }
    *oldest = (struct weft_guard_life){.incarnation = incarnation};
    return oldest;
}

static bool is_result(enum weft_message_kind kind)
{
    return kind == WEFT_KIND_REQUEST_VOTE_RESULT || kind == WEFT_KIND_APPEND_ENTRIES_RESULT ||
           kind == WEFT_KIND_PONG || kind == WEFT_KIND_READ_INDEX_RESULT;
}

static bool is_number(uint64_t value)
{
    return value <= WEFT_GUARD_NUMBER_MAX;
}

/* RFT-22: what the library would only assert, or not look at. */
static const char *find_fault_in_entries(const struct weft_append_entries *a)
{
    uint64_t term = a->prev_log_term;
    if (a->entry_count > WEFT_APPEND_ENTRIES_MAX) {
        return "too many entries";
    }
    for (uint32_t i = 0; i < a->entry_count; i++) {
        const struct weft_peer_entry *e = &a->entries[i];
        struct weft_configuration configuration;
        if (e->term == 0 || e->term < term || e->term > a->term) {
            return "an entry's term falls, or is above the leader's";
        }
        term = e->term;
        if (e->data.size > WEFT_ENTRY_SIZE_MAX) {
            return "an entry is too large";
        }
        switch (e->type) {
        case WEFT_ENTRY_COMMAND:
        case WEFT_ENTRY_BARRIER:
            continue;
        case WEFT_ENTRY_CHANGE:
            if (weft_configuration_decode(e->data, &configuration, NULL) != WEFT_OK) {
                return "a configuration entry cannot be read";
            }
            continue;
        }
        return "an entry's type is unknown";
    }
    return NULL;
}

static const char *find_fault_in_append(
    const struct weft_append_entries *a, const struct weft_peer_header *h)
{
    if (a->term != h->term) {
        return "term differs from the envelope's";
    }
    if (!is_number(a->prev_log_index) || !is_number(a->leader_commit) ||
        (a->prev_log_index == 0) != (a->prev_log_term == 0) || a->prev_log_term > a->term) {
        return "bad previous index or term";
    }
    return find_fault_in_entries(a);
}

static const char *find_fault_in_vote(
    const struct weft_request_vote *v, const struct weft_peer_header *h)
{
    if (v->candidate_id != h->sender) {
        return "candidate is not the sender";
    }
    if (v->term != h->term + (v->pre_vote ? 1 : 0)) {
        return "term differs from the envelope's";
    }
    if (!is_number(v->last_log_index) || v->last_log_term > h->term) {
        return "bad last index or term";
    }
    return NULL;
}

static const char *find_fault_in_offer(
    const struct weft_install_snapshot *s, const struct weft_peer_header *h)
{
    struct weft_configuration configuration;
    if (s->term != h->term) {
        return "term differs from the envelope's";
    }
    if (s->last_index == 0 || !is_number(s->last_index) || s->last_term == 0 ||
        s->last_term > s->term || s->conf_index == 0 || s->conf_index > s->last_index) {
        return "bad index or term";
    }
    if (s->manifest.size > WEFT_MANIFEST_SIZE_MAX) {
        return "manifest is too large";
    }
    if (weft_configuration_decode(s->configuration, &configuration, NULL) != WEFT_OK) {
        return "configuration cannot be read";
    }
    return NULL;
}

/* NULL: it is what an honest peer may send. */
static const char *find_fault(const struct weft_peer_message *m)
{
    const struct weft_peer_header *h = &m->header;
    if (h->sequence == 0 || h->incarnation == 0 || !is_number(h->term) || !is_number(h->sequence)) {
        return "bad envelope";
    }
    switch (m->kind) {
    case WEFT_KIND_REQUEST_VOTE:
        return find_fault_in_vote(&m->request_vote, h);
    case WEFT_KIND_REQUEST_VOTE_RESULT:
        return is_number(m->request_vote_result.term) ? NULL : "bad term";
    case WEFT_KIND_APPEND_ENTRIES:
        return find_fault_in_append(&m->append_entries, h);
    case WEFT_KIND_APPEND_ENTRIES_RESULT:
        return m->append_entries_result.term == h->term &&
                       is_number(m->append_entries_result.last_log_index) &&
                       is_number(m->append_entries_result.rejected)
                   ? NULL
                   : "bad term or index";
    case WEFT_KIND_INSTALL_SNAPSHOT:
        return find_fault_in_offer(&m->install_snapshot, h);
    case WEFT_KIND_TIMEOUT_NOW:
        return m->timeout_now.term == h->term ? NULL : "term differs from the envelope's";
    case WEFT_KIND_READ_INDEX_RESULT:
        return is_number(m->read_index_result.index) ? NULL : "bad index";
    case WEFT_KIND_PING:
    case WEFT_KIND_PONG:
    case WEFT_KIND_READ_INDEX:
        return NULL;
    case WEFT_KIND_HEARTBEAT:
    case WEFT_KIND_FETCH:
    case WEFT_KIND_CHUNK:
    case WEFT_KIND_COMMIT:
    case WEFT_KIND_COMMIT_RESULT:
    case WEFT_KIND_QUERY:
    case WEFT_KIND_PAGE:
    case WEFT_KIND_STATUS:
    case WEFT_KIND_STATUS_RESULT:
    case WEFT_KIND_MEMBER:
    case WEFT_KIND_MEMBER_RESULT:
    case WEFT_KIND_DIGEST:
    case WEFT_KIND_DIGEST_RESULT:
    case WEFT_KIND_CHECKPOINT:
    case WEFT_KIND_CHECKPOINT_RESULT:
    case WEFT_KIND_FILE:
    case WEFT_KIND_FILE_RESULT:
    case WEFT_KIND_ERROR:
    case WEFT_KIND_TRACE_RESULT:
    case WEFT_KIND_DOCUMENT:
    case WEFT_KIND_BLOCK_PUT:
    case WEFT_KIND_BLOCK_PUT_RESULT:
    case WEFT_KIND_BLOCK_GET:
    case WEFT_KIND_BLOCK_RESULT:
    case WEFT_KIND_FORWARD:
    case WEFT_KIND_AUDIT_RESULT:
    case WEFT_KIND_AUTHORIZED:
    case WEFT_KIND_CARRY:
    case WEFT_KIND_AUDIT_LINE:
        break;
    }
    return "not a message of this link";
}

/* RFT-24: a result counts only for the request that it answers: of this life of ours, of this
 * term, and sent. */
static enum weft_guard_verdict judge_result(const struct weft_guard_peer *p,
    const struct weft_guard_view *v, const struct weft_peer_message *m, const char **ret_reason)
{
    const struct weft_peer_header *h = &m->header;
    if (weft_mutant(WEFT_MUTANT_NO_RESULT_GUARD)) {
        return WEFT_GUARD_PASS;
    }
    if (h->request_incarnation != v->incarnation) {
        return say(WEFT_GUARD_DROP, "answers an earlier life of ours", ret_reason);
    }
    if (h->request_term != v->term) {
        return say(WEFT_GUARD_DROP, "answers another term", ret_reason);
    }
    if (h->request_sequence == 0 || h->request_sequence > p->sent_sequence) {
        return say(WEFT_GUARD_ALARM, "answers a request that was never sent", ret_reason);
    }
    return WEFT_GUARD_PASS;
}

/* RFT-25: the library counts a vote result in whatever state it is in. */
static enum weft_guard_verdict judge_vote_result(const struct weft_guard_peer *p,
    const struct weft_guard_view *v, const struct weft_peer_message *m, const char **ret_reason)
{
    if (weft_mutant(WEFT_MUTANT_NO_VOTE_GUARD)) {
        return WEFT_GUARD_PASS;
    }
    if (!v->is_candidate || m->request_vote_result.pre_vote != v->is_pre_voting ||
        m->header.request_sequence < p->vote_sequence) {
        return say(WEFT_GUARD_DROP, "vote of an election that is over", ret_reason);
    }
    return WEFT_GUARD_PASS;
}

/* RFT-26: a leader cannot see that a follower acknowledges too much, and would commit by it. */
static enum weft_guard_verdict judge_append_result(struct weft_guard_peer *p,
    const struct weft_guard_view *v, const struct weft_peer_message *m, const char **ret_reason)
{
    const struct weft_append_entries_result *a = &m->append_entries_result;
    uint64_t known = a->last_log_index;
    if (!v->is_leader) {
        return say(WEFT_GUARD_DROP, "answers a leader that we no longer are", ret_reason);
    }
    if (a->term != v->term || weft_mutant(WEFT_MUTANT_NO_OVERACK_GUARD)) {
        return WEFT_GUARD_PASS; /* A higher one: only its term is looked at. */
    }
    if (a->rejected == 0) {
        if (known > v->last_index) {
            return say(WEFT_GUARD_ALARM, "acknowledges more than we have", ret_reason);
        }
        if (p->sent_term != v->term || known > p->sent_index) {
            return say(WEFT_GUARD_ALARM, "acknowledges more than it was sent", ret_reason);
        }
        return WEFT_GUARD_PASS;
    }
    known = known < a->rejected ? known : a->rejected - 1;
    if (known >= v->match_index) {
        p->losses = 0;
        return WEFT_GUARD_PASS;
    }
    /* RFT-27: from an earlier life of the peer, or its disk is not what it was. */
    p->losses = p->losses < WEFT_GUARD_LOSSES_MAX ? p->losses + 1 : 0;
    return p->losses == WEFT_GUARD_LOSSES_MAX
               ? say(WEFT_GUARD_ALARM, "has lost entries that it acknowledged", ret_reason)
               : say(WEFT_GUARD_DROP, "refuses what it has acknowledged", ret_reason);
}

/* Requests of a leader: AppendEntries, InstallSnapshot, TimeoutNow. */
static enum weft_guard_verdict judge_leader_request(
    const struct weft_guard_view *v, const struct weft_peer_message *m, const char **ret_reason)
{
    const struct weft_peer_header *h = &m->header;
    if (h->term < v->term) {
        /* RFT-23: the library answers some of these as accepted. */
        if (m->kind == WEFT_KIND_TIMEOUT_NOW) {
            return say(WEFT_GUARD_DROP, "of an older term", ret_reason);
        }
        return weft_mutant(WEFT_MUTANT_NO_STALE_ANSWER)
                   ? WEFT_GUARD_PASS
                   : say(WEFT_GUARD_STALE, "of an older term", ret_reason);
    }
    /* RFT-28: "at most one leader can be elected in a given term" (dissertation, figure 3.2).
     * The library relies on it with writes into the wrong arm of a union. */
    if (h->term == v->term && !weft_mutant(WEFT_MUTANT_NO_LEADER_GUARD) &&
        (v->is_leader || (v->leader_id != 0 && v->leader_id != h->sender))) {
        return say(WEFT_GUARD_ALARM, "leads a term that has another leader", ret_reason);
    }
    if (m->kind == WEFT_KIND_TIMEOUT_NOW && v->is_sole_voter) {
        /* RFT-11: the library would lead in the term of the sender. */
        return say(WEFT_GUARD_DROP, "a sole voter needs no permission", ret_reason);
    }
    return WEFT_GUARD_PASS;
}

static enum weft_guard_verdict judge(struct weft_guard_peer *p, const struct weft_guard_view *v,
    const struct weft_peer_message *m, const char **ret_reason)
{
    enum weft_guard_verdict verdict = WEFT_GUARD_PASS;
    if (is_result(m->kind)) {
        verdict = judge_result(p, v, m, ret_reason);
    }
    if (verdict != WEFT_GUARD_PASS) {
        return verdict;
    }
    if (m->kind == WEFT_KIND_REQUEST_VOTE_RESULT) {
        return judge_vote_result(p, v, m, ret_reason);
    }
    if (m->kind == WEFT_KIND_APPEND_ENTRIES_RESULT) {
        return judge_append_result(p, v, m, ret_reason);
    }
    if (m->kind == WEFT_KIND_APPEND_ENTRIES || m->kind == WEFT_KIND_INSTALL_SNAPSHOT ||
        m->kind == WEFT_KIND_TIMEOUT_NOW) {
        return judge_leader_request(v, m, ret_reason);
    }
    return WEFT_GUARD_PASS;
}

enum weft_guard_verdict weft_guard_admit(struct weft_guard *g, const struct weft_guard_view *view,
    uint64_t from, const struct weft_peer_message *message, uint64_t now_ms,
    const char **ret_reason)
{
    const struct weft_peer_header *h = &message->header;
    *ret_reason = "";
    if (h->cluster != view->cluster) { /* RFT-20 */
        return say(WEFT_GUARD_FOREIGN, "of another cluster", ret_reason);
    }
    if (from == 0 || from == view->id || h->sender != from) { /* RFT-20 */
        return say(WEFT_GUARD_FOREIGN, "not from the member it names", ret_reason);
    }
    const char *fault = find_fault(message);
    if (fault != NULL) {
        return say(WEFT_GUARD_MALFORMED, fault, ret_reason);
    }
    struct weft_guard_peer *p = weft_guard_peer(g, from);
    struct weft_guard_life *life = life_of(p, h->incarnation);
    /* RFT-21: an overtaken refusal would move the library's next index below its match index,
     * from where it never sends again. */
    if (h->sequence <= life->sequence && !weft_mutant(WEFT_MUTANT_NO_SEQUENCE_GUARD)) {
        return say(WEFT_GUARD_DROP, "repeated or overtaken", ret_reason);
    }
    life->sequence = h->sequence > life->sequence ? h->sequence : life->sequence;
    life->heard_ms = now_ms;
    p->incarnation = h->incarnation;
    p->heard_ms = now_ms;
    enum weft_guard_verdict verdict = judge(p, view, message, ret_reason);
    if (verdict == WEFT_GUARD_PASS && message->kind == WEFT_KIND_APPEND_ENTRIES_RESULT) {
        p->result_ms = now_ms;
    }
    return verdict;
}

static void name_index(struct weft_guard_peer *p, uint64_t term, uint64_t index)
{
    if (p->sent_term != term) {
        p->sent_term = term;
        p->sent_index = 0;
        p->sent_commit = 0;
    }
    if (index > p->sent_index) {
        p->sent_index = index;
    }
}

void weft_guard_sent(struct weft_guard_peer *peer, struct weft_peer_message *message)
{
    struct weft_peer_header *h = &message->header;
    h->sequence = ++peer->sent_sequence;
    if (message->kind == WEFT_KIND_REQUEST_VOTE) {
        peer->vote_sequence = h->sequence;
    } else if (message->kind == WEFT_KIND_APPEND_ENTRIES) {
        const struct weft_append_entries *a = &message->append_entries;
        uint64_t last = a->prev_log_index + a->entry_count;
        uint64_t commit = a->leader_commit < last ? a->leader_commit : last;
        name_index(peer, h->term, last);
        peer->sent_commit = commit > peer->sent_commit ? commit : peer->sent_commit;
    } else if (message->kind == WEFT_KIND_INSTALL_SNAPSHOT) {
        name_index(peer, h->term, message->install_snapshot.last_index);
    }
}

uint32_t weft_guard_split(const struct weft_append_entries *append, uint32_t begin)
{
    uint32_t end = begin + 1;
    weft_assert(begin < append->entry_count);
    while (end < append->entry_count && append->entries[end].type != WEFT_ENTRY_CHANGE) {
        end++;
    }
    return weft_mutant(WEFT_MUTANT_NO_CHANGE_SPLIT) ? append->entry_count : end;
}
