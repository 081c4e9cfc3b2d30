#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/federation.h"
#include "jepsen/check/tree.h"

/* Heads of streams as they were seen while clients and faults were at work: a tree of one size has
 * one root, whoever says so and whenever; whatever their sizes, all are of one tree that grew, that
 * of the leaves which were stated in the end; none is smaller than it was; what is acknowledged is
 * taken; and after each heal the other side soon has all that was stated before. */

/* Chosen: twice what a connection takes to be found dead and made again (node/link), an election,
 * and a page of what waits. */
#define CONVERGE_NS ((int64_t)20 * 1000000000)

enum {
    NS_PER_MS = 1000000
};

/* What a site said of an agreement. */
struct seen {
    int64_t site, agreement, at_ns, asked_ns;
    int64_t sent, acknowledged, received;
};

struct head {
    int64_t provider, agreement, size;
    const char *root;
    int64_t site, at_ns;    /* who said so, when */
    bool is_own, is_signed; /* is_own: nobody but the provider need know of it */
};

struct tides {
    struct jep_federation *f;
    struct seen *seen;
    size_t count;
    struct head *heads;
    size_t head_count;
    int64_t judged, slowest_ns, grown, idle_ns;
    struct jep_edn_list times;
};

/* --- gathering --------------------------------------------------------------------------- */

/* [size "root"]; -1: it is not there. */
static int64_t size_in(const struct jep_edn *map, const char *key, const char **ret_root)
{
    const struct jep_edn *found = jep_edn_get(map, key);
    *ret_root = "";
    if (found == NULL || !jep_edn_is_vector(found, 2) || !jep_edn_is_int(&found->items[0]) ||
        found->items[1].type != JEP_EDN_STRING) {
        return -1;
    }
    *ret_root = found->items[1].text;
    return found->items[0].integer;
}

static void take(struct tides *t, const struct jep_op *op)
{
    static const char *const keys[] = {"sent", "signed", "acknowledged", "received", "head"};
    const int64_t site = jep_federation_int(&op->value, "site");
    const int64_t agreement = jep_federation_int(&op->value, "agreement");
    int64_t sizes[5];
    for (size_t i = 0; i < 5; i++) {
        const char *root;
        sizes[i] = size_in(&op->value, keys[i], &root);
        if (sizes[i] > 0) {
            t->heads[t->head_count++] = (struct head){
                /* Of an agreement the first site is one side, and its number the other. */
                .provider = i < 3       ? site
                            : site == 0 ? agreement
                                        : 0,
                .agreement = agreement,
                .size = sizes[i],
                .root = root,
                .site = site,
                .at_ns = op->time_ns,
                .is_own = i<2, .is_signed = i> 0};
        }
    }
    t->seen[t->count++] = (struct seen){.site = site,
        .agreement = agreement,
        .at_ns = op->time_ns,
        .asked_ns = jep_federation_int(&op->value, "asked"),
        .sent = sizes[0],
        .acknowledged = sizes[2],
        .received = sizes[3]};
}

static void take_all(struct tides *t)
{
    const struct jep_history *history = t->f->history;
    size_t count = 0;
    for (size_t i = 0; i < history->count; i++) {
        count += strcmp(history->ops[i].f, "stream") == 0 ? 1 : 0;
    }
    t->seen = jep_alloc(count + 1, sizeof(*t->seen));
    t->heads = jep_alloc(5 * count + 1, sizeof(*t->heads));
    for (size_t i = 0; i < history->count; i++) {
        if (history->ops[i].process == JEP_NEMESIS && strcmp(history->ops[i].f, "stream") == 0) {
            take(t, &history->ops[i]);
        }
    }
}

/* --- backups ----------------------------------------------------------------------------- */

/* When the backup was begun from which the fault brought the site back: nothing that was before is
 * missing. -1: it did not. */
static int64_t backed_up_ns(const struct jep_fault *fault, int64_t site)
{
    if (strncmp(fault->name, "restore", 7) != 0 || fault->stopped == NULL) {
        return -1;
    }
    const struct jep_edn *sites = jep_edn_get(fault->stopped, "clusters");
    const struct jep_edn *times = jep_edn_get(fault->stopped, "backed-up-ms");
    if (jep_federation_int(fault->stopped, "cluster") == site) {
        return fault->begin_ns;
    }
    for (uint32_t i = 0; sites != NULL && jep_edn_is_sequence(sites) && i < sites->count; i++) {
        if (jep_edn_is_int(&sites->items[i]) && sites->items[i].integer == site) {
            bool is_told = times != NULL && jep_edn_is_sequence(times) && i < times->count &&
                           jep_edn_is_int(&times->items[i]);
            return fault->begin_ns + (is_told ? times->items[i].integer * NS_PER_MS : 0);
        }
    }
    return -1;
}

/* It came back from a backup, and that was under way at some time between the two. */
static bool was_restored(
    const struct jep_federation *f, int64_t site, int64_t from_ns, int64_t to_ns)
{
    for (size_t i = 0; i < f->faults.count; i++) {
        int64_t since_ns = backed_up_ns(&f->faults.faults[i], site);
        if (since_ns >= 0 && from_ns <= f->faults.faults[i].end_ns && to_ns >= since_ns) {
            return true;
        }
    }
    return false;
}

bool jep_federation_may_lose(const struct jep_federation *f, int64_t site, int64_t at_ns)
{
    return was_restored(f, site, at_ns, at_ns);
}

static bool is_seen_free(const struct jep_federation *f, int64_t site, int64_t agreement,
    int64_t since_ns, int64_t until_ns)
{
    for (size_t i = 0; i < f->history->count && f->history->ops[i].time_ns <= until_ns; i++) {
        const struct jep_op *op = &f->history->ops[i];
        if (op->process != JEP_NEMESIS || strcmp(op->f, "stream") != 0 ||
            jep_federation_int(&op->value, "asked") < since_ns ||
            jep_federation_int(&op->value, "site") != site ||
            jep_federation_int(&op->value, "agreement") != agreement) {
            continue;
        }
        const struct jep_edn *fenced = jep_edn_get(&op->value, "fenced");
        if (fenced != NULL && fenced->type == JEP_EDN_STRING && strcmp(fenced->text, "no") == 0) {
            return true;
        }
    }
    return false;
}

bool jep_federation_may_owe(
    const struct jep_federation *f, int64_t site, int64_t agreement, int64_t at_ns, int64_t from_ns)
{
    for (size_t i = 0; i < f->faults.count; i++) {
        const struct jep_fault *fault = &f->faults.faults[i];
        int64_t since_ns = backed_up_ns(fault, site);
        if (since_ns >= 0 && at_ns >= since_ns && fault->heal_ns <= from_ns &&
            !is_seen_free(f, site, agreement, fault->end_ns, from_ns)) {
            return true;
        }
    }
    return false;
}

/* Both came back within one fault, from backups that are both older than that: neither has it for
 * the other. */
static bool may_both_lose(const struct jep_federation *f, int64_t a, int64_t b, int64_t at_ns)
{
    for (size_t i = 0; i < f->faults.count; i++) {
        int64_t a_ns = backed_up_ns(&f->faults.faults[i], a);
        int64_t b_ns = backed_up_ns(&f->faults.faults[i], b);
        if (a_ns >= 0 && b_ns >= 0 && at_ns >= a_ns && at_ns >= b_ns &&
            at_ns <= f->faults.faults[i].end_ns) {
            return true;
        }
    }
    return false;
}

/* --- heads ------------------------------------------------------------------------------- */

static int by_stream_and_size(const void *x, const void *y)
{
    const struct head *a = x, *b = y;
    const int64_t keys[][2] = {
        {a->provider, b->provider}, {a->agreement, b->agreement}, {a->size, b->size}};
    for (size_t i = 0; i < 3; i++) {
        if (keys[i][0] != keys[i][1]) {
            return keys[i][0] < keys[i][1] ? -1 : 1;
        }
    }
    return 0;
}

/* Operators of both sides gave it up. */
static bool was_given_up(const struct tides *t, const struct head *head)
{
    for (size_t i = 0; i < t->f->faults.count; i++) {
        const struct jep_edn *stopped = t->f->faults.faults[i].stopped;
        const struct jep_edn *lost = stopped != NULL ? jep_edn_get(stopped, "lost") : NULL;
        for (uint32_t k = 0; lost != NULL && jep_edn_is_sequence(lost) && k < lost->count; k++) {
            if (lost->items[k].type == JEP_EDN_STRING && head->root[0] != '\0' &&
                strstr(lost->items[k].text, head->root) != NULL) {
                return true;
            }
        }
    }
    return false;
}

/* What a site that came back from a backup had stated behind it is gone by right where no partner
 * knows of it, and so is what it states, and does not sign, until it has met its partners. What a
 * partner knew of is gone where both came back. */
static bool may_be_left(const struct tides *t, const struct head *head)
{
    int64_t other = head->provider == 0 ? head->agreement : 0;
    if (was_given_up(t, head)) {
        return true;
    }
    if (!head->is_own) {
        return may_both_lose(t->f, head->provider, other, head->at_ns);
    }
    return head->is_signed ? jep_federation_may_lose(t->f, head->site, head->at_ns)
                           : was_restored(t->f, head->site, 0, head->at_ns);
}

static void judge_heads(struct tides *t)
{
    const struct head *a = NULL;
    qsort(t->heads, t->head_count, sizeof(*t->heads), by_stream_and_size);
    for (size_t i = 0; i < t->head_count; i++) {
        const struct head *b = &t->heads[i];
        if (may_be_left(t, b)) {
            continue;
        }
        if (a != NULL && by_stream_and_size(a, b) == 0 && strcmp(a->root, b->root) != 0) {
            jep_found(&t->f->findings, JEP_INVALID, "two-heads",
                "of %" PRId64 " leaves of site %" PRId64 ": %s at site %" PRId64
                " (%.1f s), %s at site %" PRId64 " (%.1f s)",
                a->size, a->provider, a->root, a->site, (double)a->at_ns / 1e9, b->root, b->site,
                (double)b->at_ns / 1e9);
        }
        a = b;
    }
}

static void judge_head(struct tides *t, const struct head *head, const char *root)
{
    if (may_be_left(t, head) || strncmp(head->root, "sha256:", 7) != 0) {
        return; /* Histories made by hand have names for roots. */
    }
    t->grown++;
    if (strcmp(head->root, root) != 0) {
        jep_found(&t->f->findings, JEP_INVALID, "other-tree",
            "the first %" PRId64 " leaves of site %" PRId64 " are %s in the end, and were %s at "
            "site %" PRId64 " (%.1f s)",
            head->size, head->provider, root, head->root, head->site, (double)head->at_ns / 1e9);
    }
}

static void add_row(struct jep_tree *tree, const struct jep_edn *row, struct jep_arena *arena)
{
    bool is_text =
        row->type == JEP_EDN_VECTOR && row->count > 0 && row->items[0].type == JEP_EDN_STRING;
    const char *word = is_text ? row->items[0].text : "";
    const char *line = row->type == JEP_EDN_VECTOR && row->count > 1
                           ? jep_arena_format(arena, "statement sha256:%s\n", word)
                           : jep_arena_format(arena, "%s\n", word);
    jep_tree_add(tree, line, strlen(line));
}

/* RFC 6962: two heads are consistent where both are of one list of leaves, cut to their sizes. So
 * each is held against the tree over the leaves themselves. The heads are sorted. */
static void judge_growth(struct tides *t, const struct jep_edn *account)
{
    const struct jep_edn *sent = jep_edn_get(account, "sent");
    const struct head wanted = {.provider = jep_federation_int(account, "site"),
        .agreement = jep_federation_int(account, "agreement")};
    struct jep_tree tree = {.size = 0};
    size_t at = 0;
    while (at < t->head_count && by_stream_and_size(&t->heads[at], &wanted) < 0) {
        at++;
    }
    for (; at < t->head_count && t->heads[at].provider == wanted.provider &&
           t->heads[at].agreement == wanted.agreement;
         at++) {
        char root[JEP_TREE_ROOT_BYTES] = "not there";
        while (sent != NULL && sent->type == JEP_EDN_VECTOR && tree.size < sent->count &&
               (int64_t)tree.size < t->heads[at].size) {
            add_row(&tree, &sent->items[tree.size], t->f->findings.arena);
        }
        if ((int64_t)tree.size == t->heads[at].size) {
            jep_tree_root(&tree, root);
        }
        judge_head(t, &t->heads[at], root);
    }
}

static void judge_back(struct tides *t, const struct seen *before, const struct seen *now)
{
    const char *what = now->sent < before->sent                   ? "stated"
                       : now->acknowledged < before->acknowledged ? "knows to be acknowledged"
                       : now->received < before->received         ? "was told"
                                                                  : NULL;
    if (what != NULL && !was_restored(t->f, now->site, before->at_ns, now->at_ns)) {
        jep_found(&t->f->findings, JEP_INVALID, "went-back",
            "site %" PRId64 " has less that it %s at %.2f s than at %.2f s", now->site, what,
            (double)now->at_ns / 1e9, (double)before->at_ns / 1e9);
    }
}

/* A receipt that the provider had before the consumer was asked. */
static void judge_receipt(struct tides *t, const struct seen *provider, const struct seen *consumer)
{
    if (provider->at_ns < consumer->asked_ns && provider->acknowledged > consumer->received &&
        !was_restored(t->f, consumer->site, 0, consumer->at_ns)) {
        jep_found(&t->f->findings, JEP_INVALID, "acknowledged-not-taken",
            "site %" PRId64 " had acknowledged %" PRId64 " leaves by %.2f s, and has %" PRId64
            " at %.2f s",
            consumer->site, provider->acknowledged, (double)provider->at_ns / 1e9,
            consumer->received, (double)consumer->at_ns / 1e9);
    }
}

/* Whatever was acknowledged is there at the end, also of a site that came back from a backup; but
 * for what was behind the backups of both. */
static void judge_end(struct tides *t, const struct jep_edn *account)
{
    const struct jep_edn *sent = jep_edn_get(account, "sent");
    int64_t site = jep_federation_int(account, "site");
    int64_t agreement = jep_federation_int(account, "agreement"), most = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct seen *s = &t->seen[i];
        if (s->agreement == agreement && !may_both_lose(t->f, 0, agreement, s->at_ns)) {
            int64_t known = s->site == site ? s->acknowledged : s->received;
            most = known > most ? known : most;
        }
    }
    if (sent != NULL && sent->type == JEP_EDN_VECTOR && most > (int64_t)sent->count) {
        jep_found(&t->f->findings, JEP_INVALID, "acknowledged-lost",
            "%" PRId64 " leaves of site %" PRId64 " were acknowledged, %u are left", most, site,
            sent->count);
    }
}

/* Each against the newest earlier word of its own and of the other side. */
static void judge_course(struct tides *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct seen *now = &t->seen[i];
        bool has_own = false;
        for (size_t k = i; k-- > 0;) {
            const struct seen *before = &t->seen[k];
            if (before->agreement != now->agreement) {
                continue;
            }
            if (before->site == now->site && !has_own) {
                judge_back(t, before, now);
                has_own = true;
            } else if (before->site != now->site && before->at_ns < now->asked_ns) {
                judge_receipt(t, before, now);
                break;
            }
        }
    }
}

/* --- how soon ---------------------------------------------------------------------------- */

/* When all that the site had stated by at_ns was acknowledged; -1: never. Of a site that came back
 * from a backup since: all that it says next to have stated; what does not change it says once. */
static int64_t even_at(const struct tides *t, int64_t site, int64_t agreement, int64_t at_ns)
{
    int64_t wanted = -1;
    bool was_even = false, was_even_last = false;
    for (size_t i = 0; i < t->count; i++) {
        const struct seen *s = &t->seen[i];
        if (s->site != site || s->agreement != agreement) {
            continue;
        }
        bool is_before = s->at_ns <= at_ns;
        if (is_before && was_restored(t->f, site, s->at_ns, at_ns)) {
            was_even_last = s->acknowledged >= s->sent;
            continue;
        }
        wanted = is_before || wanted < 0 ? s->sent : wanted;
        if (is_before) {
            was_even = s->acknowledged >= wanted;
        } else if (was_even || s->acknowledged >= wanted) {
            return was_even ? at_ns : s->at_ns;
        }
    }
    return was_even || (wanted < 0 && was_even_last) ? at_ns : -1;
}

static bool is_first_of_heal(const struct jep_faults *faults, size_t number)
{
    return number + 1 == faults->count ||
           faults->faults[number + 1].begin_ns > faults->faults[number].end_ns;
}

static void judge_heal(struct tides *t, size_t number, int64_t agreement)
{
    const struct jep_faults *faults = &t->f->faults;
    const int64_t healed_ns = faults->faults[number].end_ns;
    const bool is_last = number + 1 == faults->count;
    const int64_t until_ns = is_last ? faults->end_ns : faults->faults[number + 1].begin_ns;
    const int64_t sites[] = {0, agreement};
    for (size_t side = 0; side < 2; side++) {
        int64_t at_ns = even_at(t, sites[side], agreement, healed_ns);
        bool is_late = at_ns < 0 || at_ns > until_ns;
        int64_t took_ns = (is_late ? until_ns : at_ns) - healed_ns;
        if (is_late && took_ns < CONVERGE_NS && !is_last) {
            continue; /* The next fault came first. */
        }
        t->judged++;
        t->slowest_ns = took_ns > t->slowest_ns ? took_ns : t->slowest_ns;
        jep_edn_push(&t->times, jep_edn_int(took_ns / 1000000));
        if (is_late || took_ns > CONVERGE_NS) {
            jep_found(&t->f->findings, JEP_INVALID, "late",
                "what site %" PRId64 " had stated when %s ended at %.1f s was not acknowledged by "
                "%.1f s",
                sites[side], faults->faults[number].name, (double)healed_ns / 1e9,
                (double)(healed_ns + took_ns) / 1e9);
        }
    }
}

/* Faults may come so soon one after the other that none leaves the time of CONVERGE_NS: then the
 * peace between them counts, as long as it goes by without one leaf more that is acknowledged. A
 * site that came back from a backup has fewer, and goes on from there. */
static void judge_stall(struct tides *t, int64_t site, int64_t agreement)
{
    const struct seen *last = NULL;
    int64_t idle_ns = 0;
    bool is_told = false;
    for (size_t i = 0; i < t->count; i++) {
        const struct seen *s = &t->seen[i];
        if (s->site != site || s->agreement != agreement) {
            continue;
        }
        if (last != NULL && s->acknowledged <= last->acknowledged && s->acknowledged < s->sent) {
            idle_ns += jep_faults_peace_ns(&t->f->faults, last->at_ns, s->at_ns);
        } else {
            idle_ns = 0;
        }
        t->idle_ns = idle_ns > t->idle_ns ? idle_ns : t->idle_ns;
        if (idle_ns > CONVERGE_NS && !is_told) {
            is_told = true;
            jep_found(&t->f->findings, JEP_INVALID, "stalled",
                "%" PRId64 " leaves of site %" PRId64 " were acknowledged at %.1f s, of %" PRId64
                ", and none more in %.1f s of peace",
                s->acknowledged, site, (double)s->at_ns / 1e9, s->sent, (double)idle_ns / 1e9);
        }
        last = s;
    }
}

void jep_federation_judge_tides(
    struct jep_federation *f, const struct jep_check_options *options, struct jep_result *result)
{
    struct tides t = {.f = f};
    take_all(&t);
    judge_heads(&t);
    judge_course(&t);
    for (size_t i = 0; i < f->account_count; i++) {
        judge_end(&t, f->accounts[i]);
        judge_growth(&t, f->accounts[i]);
    }
    for (size_t i = 0; i < f->faults.count && t.count > 0; i++) {
        for (int64_t a = 1; a < JEP_FEDERATION_SITES_MAX; a++) {
            bool is_there = false;
            for (size_t k = 0; k < t.count && !is_there; k++) {
                is_there = t.seen[k].agreement == a;
            }
            if (is_there && is_first_of_heal(&f->faults, i)) {
                judge_heal(&t, i, a);
            }
        }
    }
    for (int64_t a = 1; a < JEP_FEDERATION_SITES_MAX; a++) {
        judge_stall(&t, 0, a);
        judge_stall(&t, a, a);
    }
    if (t.head_count > 0 && t.grown == 0 && !options->is_coverage_off) {
        jep_found(&f->findings, JEP_UNKNOWN, "heads-of-nothing",
            "none of %zu heads was held against the leaves", t.head_count);
    }
    jep_result_put(result, "heads", jep_edn_int((int64_t)t.head_count));
    jep_result_put(result, "heads-of-leaves", jep_edn_int(t.grown));
    jep_result_put(result, "heals-judged", jep_edn_int(t.judged));
    jep_result_put(result, "even-after-ms", jep_edn_take_vector(&t.times, f->findings.arena));
    jep_result_put(result, "slowest-even-s", jep_edn_float((double)t.slowest_ns / 1e9));
    jep_result_put(result, "longest-stall-s", jep_edn_float((double)t.idle_ns / 1e9));
    free(t.seen);
    free(t.heads);
}
