/* One recall as it stands at this site, and what is due of it. */
#include <stdlib.h>

#include "node/state/recalls.h"

/* A subject that a partner was told of. */
struct told {
    uint32_t partner;
    struct weft_digest subject;
};

struct judging {
    struct weft_recalls *r;
    const struct weft_recalls_act *acts; /* Of the recall. */
    uint32_t act_count;
    struct told *told; /* In their order. */
    uint32_t told_count;
    uint64_t *starts;
    uint32_t start_count;
    struct weft_recalls_account *account;
};

static enum weft_err no_memory(const struct judging *j)
{
    return weft_fail(j->r->run->msg, WEFT_ENOMEM, "a recall");
}

static void find_acts(struct judging *j, const struct weft_digest *recall)
{
    const struct weft_recalls *r = j->r;
    uint32_t low = 0, high = r->act_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(r->acts[middle].recall.bytes, recall->bytes, WEFT_DIGEST_SIZE) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    j->acts = r->acts + low;
    while (low + j->act_count < r->act_count &&
           weft_digest_equal(&j->acts[j->act_count].recall, recall)) {
        j->act_count++;
    }
}

static bool begins(const struct weft_recalls_act *act)
{
    return !act->is_own && (act->kind == WEFT_ACT_RECALL || act->kind == WEFT_ACT_IMPACT);
}

/* --- what was told --------------------------------------------------------------------------- */

static int compare_told(const void *a, const void *b)
{
    const struct told *x = a, *y = b;
    int order = x->partner < y->partner ? -1 : x->partner > y->partner;
    return order != 0 ? order : memcmp(x->subject.bytes, y->subject.bytes, WEFT_DIGEST_SIZE);
}

static enum weft_err gather_told(struct judging *j)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < j->act_count; i++) {
        bool is_told = j->acts[i].is_own && j->acts[i].kind == WEFT_ACT_IMPACT;
        count += is_told ? j->acts[i].subjects.count : 0;
    }
    j->told = weft_arena_array(&j->r->arena, count, sizeof(*j->told));
    if (j->told == NULL) {
        return no_memory(j);
    }
    for (uint32_t i = 0; i < j->act_count; i++) {
        const struct weft_recalls_act *act = &j->acts[i];
        for (uint32_t k = 0; act->is_own && act->kind == WEFT_ACT_IMPACT && k < act->subjects.count;
             k++) {
            j->told[at++] = (struct told){act->partner, act->subjects.items[k]};
        }
    }
    if (count > 1) {
        qsort(j->told, count, sizeof(*j->told), compare_told);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || compare_told(&j->told[i - 1], &j->told[i]) != 0) {
            j->told[j->told_count++] = j->told[i];
        }
    }
    return WEFT_OK;
}

static uint32_t partner_of(const struct weft_recalls *r, struct weft_text site)
{
    uint32_t i = 0;
    while (i < r->partner_count && !weft_text_equal(r->partners[i].site, site)) {
        i++;
    }
    return i < r->partner_count ? i : UINT32_MAX;
}

static bool was_told(void *ctx, const struct weft_digest *recall, struct weft_text customer,
    const struct weft_digest *subject)
{
    const struct judging *j = ctx;
    const struct told key = {partner_of(j->r, customer), *subject};
    (void)recall; /* All of it is of this one. */
    return j->told_count > 0 &&
           bsearch(&key, j->told, j->told_count, sizeof(*j->told), compare_told) != NULL;
}

/* --- who told, and of what ------------------------------------------------------------------- */

static enum weft_err add_starts(struct judging *j, const uint64_t *ids, uint32_t count)
{
    uint64_t *all = weft_arena_array(&j->r->arena, (size_t)j->start_count + count, sizeof(*all));
    if (all == NULL) {
        return no_memory(j);
    }
    if (j->start_count > 0) {
        memcpy(all, j->starts, j->start_count * sizeof(*all));
    }
    if (count > 0) {
        memcpy(all + j->start_count, ids, count * sizeof(*all));
    }
    j->starts = all;
    j->start_count += count;
    return WEFT_OK;
}

static enum weft_err resolve_origin(struct judging *j)
{
    struct weft_recalls_account *a = j->account;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < j->act_count; i++) {
        const struct weft_recalls_act *act = &j->acts[i];
        uint64_t *ids;
        uint32_t count;
        if (act->kind != WEFT_ACT_RECALL) {
            continue;
        }
        a->origin = a->origin == NULL || act->is_own ? act : a->origin;
        a->is_own = a->is_own || act->is_own;
        if (act->is_own) {
            err = weft_recalls_resolve(j->r, act, &ids, &count, &a->unknown);
            err = err == WEFT_OK ? add_starts(j, ids, count) : err;
        }
    }
    return err;
}

/* NOD-274: an Impact goes by each agreement with its partner that discloses the kind, and is one.
 */
static enum weft_err gather_told_by(struct judging *j, uint32_t partner,
    struct weft_recalls_named_by **ret_told, uint32_t *ret_count)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < j->act_count; i++) {
        bool is_his = begins(&j->acts[i]) && j->acts[i].partner == partner;
        count += is_his ? j->acts[i].subjects.count : 0;
    }
    struct weft_recalls_named_by *told = weft_arena_array(&j->r->arena, count, sizeof(*told));
    if (told == NULL) {
        return no_memory(j);
    }
    for (uint32_t i = 0; i < j->act_count; i++) {
        const struct weft_recalls_act *act = &j->acts[i];
        bool is_his = begins(act) && act->partner == partner;
        for (uint32_t k = 0; is_his && k < act->subjects.count; k++) {
            told[at++] = (struct weft_recalls_named_by){
                act->subjects.items[k], act->agreement, act->kind == WEFT_ACT_IMPACT};
        }
    }
    *ret_told = told;
    *ret_count = count;
    return WEFT_OK;
}

/* The whole of what one partner told. Of what he recalls by himself this site need not have had
 * anything; of what he says that he delivered, it has. */
static enum weft_err judge_upstream(struct judging *j, struct weft_recalls_upstream *u)
{
    struct weft_recalls_reach reach;
    struct weft_recalls_named_by *told = NULL;
    uint64_t *ids = NULL;
    uint32_t count = 0;
    enum weft_err err = gather_told_by(j, u->partner, &told, &count);
    err = err == WEFT_OK ? weft_recalls_resolve_told(
                               j->r, told, count, &ids, &count, &u->subjects, &u->unknown)
                         : err;
    err = err == WEFT_OK ? add_starts(j, ids, count) : err;
    err = err == WEFT_OK ? weft_recalls_search(j->r, &j->account->recall, ids, count, &reach) : err;
    if (err == WEFT_OK) {
        u->own = reach.counts;
        u->own.affected += u->unknown;
        j->account->unknown += u->unknown;
    }
    return err;
}

/* Our acknowledgements to him; who got the first of all of them is told what is below. */
static void find_acknowledged(struct judging *j)
{
    struct weft_recalls_account *a = j->account;
    const struct weft_recalls_act *first = NULL;
    for (uint32_t i = 0; i < j->act_count; i++) {
        const struct weft_recalls_act *act = &j->acts[i];
        if (!act->is_own || act->kind != WEFT_ACT_ACKNOWLEDGEMENT) {
            continue;
        }
        first = first == NULL ? act : first; /* They are in the order of the log. */
        for (uint32_t k = 0; k < a->upstream_count; k++) {
            if (a->upstreams[k].partner == act->partner) {
                a->upstreams[k].newest = act;
            }
        }
    }
    for (uint32_t k = 0; k < a->upstream_count; k++) {
        a->upstreams[k].is_first =
            !a->is_own && (first != NULL ? a->upstreams[k].partner == first->partner : k == 0);
    }
}

static enum weft_err judge_upstreams(struct judging *j)
{
    struct weft_recalls_account *a = j->account;
    enum weft_err err = WEFT_OK;
    a->upstreams = weft_arena_array(&j->r->arena, j->r->partner_count, sizeof(*a->upstreams));
    if (a->upstreams == NULL) {
        return no_memory(j);
    }
    for (uint32_t p = 0; err == WEFT_OK && p < j->r->partner_count; p++) {
        bool has_told = false;
        for (uint32_t i = 0; i < j->act_count; i++) {
            has_told = has_told || (begins(&j->acts[i]) && j->acts[i].partner == p);
        }
        if (has_told) {
            struct weft_recalls_upstream *u = &a->upstreams[a->upstream_count++];
            *u = (struct weft_recalls_upstream){.partner = p};
            err = judge_upstream(j, u);
        }
    }
    find_acknowledged(j);
    return err;
}

/* --- where it went --------------------------------------------------------------------------- */

static uint32_t partner_with(const struct weft_recalls *r, uint64_t id)
{
    for (uint32_t p = 0; p < r->partner_count; p++) {
        for (uint32_t i = 0; i < r->partners[p].id_count; i++) {
            if (r->partners[p].ids[i] == id) {
                return p;
            }
        }
    }
    return UINT32_MAX;
}

static int compare_to(const void *a, const void *b)
{
    const struct weft_recalls_shipped *x = a, *y = b;
    if (x->to != y->to) {
        return x->to < y->to ? -1 : 1;
    }
    return x->place < y->place ? -1 : x->place > y->place;
}

static int compare_named(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE); /* It begins with the subject. */
}

static struct weft_recalls_customer *customer_of(
    struct weft_recalls_account *a, uint32_t partner, struct weft_text asset)
{
    uint32_t i = 0;
    while (i < a->customer_count &&
           (a->customers[i].partner != partner ||
               (partner == UINT32_MAX && !weft_text_equal(a->customers[i].asset, asset)))) {
        i++;
    }
    if (i == a->customer_count) {
        a->customers[a->customer_count++] =
            (struct weft_recalls_customer){.partner = partner, .asset = asset};
    }
    return &a->customers[i];
}

/* The subject by which this site's statements call an asset. */
static bool subject_of(
    const struct weft_recalls *r, struct weft_text asset, struct weft_digest *ret_subject)
{
    static const struct weft_digest none;
    char key[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name name;
    if (weft_cells_name_thing(r->site, asset, true, &none, key, &name) != WEFT_SUBJECT_TO_CELL) {
        return false;
    }
    *ret_subject = weft_subject_of(&name);
    return true;
}

static enum weft_err find_customers(struct judging *j, const struct weft_recalls_reach *reach,
    struct weft_recall_delivery **ret_deliveries, uint32_t *ret_count)
{
    struct weft_recalls *r = j->r;
    struct weft_recalls_account *a = j->account;
    struct weft_recalls_shipped *shipped;
    uint32_t count, delivered = 0;
    enum weft_err err = weft_recalls_find_shipped(r, reach, &shipped, &count);
    if (err != WEFT_OK) {
        return err;
    }
    if (count > 1) {
        qsort(shipped, count, sizeof(*shipped), compare_to);
    }
    const size_t room = (size_t)count + r->partner_count; /* Those that were told before, too. */
    struct weft_recall_delivery *deliveries =
        weft_arena_array(&r->arena, count, sizeof(*deliveries));
    a->named = weft_arena_array(&r->arena, count, sizeof(*a->named));
    a->customers = weft_arena_array(&r->arena, room, sizeof(*a->customers));
    if (deliveries == NULL || a->customers == NULL || a->named == NULL) {
        return no_memory(j);
    }
    struct weft_recalls_customer *customer = NULL;
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        struct weft_text name;
        struct weft_digest subject;
        if (i == 0 || shipped[i - 1].to != shipped[i].to) {
            err = weft_recalls_name(r, shipped[i].to, &name);
            customer = customer_of(a, partner_with(r, shipped[i].to), name);
        }
        customer->shipped++;
        if (err == WEFT_OK && customer->partner != UINT32_MAX &&
            subject_of(r, reach->names[shipped[i].place], &subject)) {
            a->named[delivered] =
                (struct weft_recalls_named){subject, reach->names[shipped[i].place]};
            deliveries[delivered++] =
                (struct weft_recall_delivery){r->partners[customer->partner].site, subject};
        }
    }
    if (delivered > 1) {
        qsort(a->named, delivered, sizeof(*a->named), compare_named);
    }
    a->named_count = delivered;
    *ret_deliveries = deliveries;
    *ret_count = delivered;
    return err;
}

static enum weft_err find_due(
    struct judging *j, const struct weft_recall_delivery *deliveries, uint32_t count)
{
    struct weft_recalls_account *a = j->account;
    enum weft_err err = weft_recall_reach(
        &a->recall, deliveries, count, was_told, j, &j->r->arena, &a->due, &a->due_count);
    if (err != WEFT_OK) {
        return weft_fail(j->r->run->msg, err, "whom a recall reaches");
    }
    for (uint32_t i = 0; i < j->told_count; i++) {
        customer_of(a, j->told[i].partner, j->r->partners[j->told[i].partner].asset)->told++;
    }
    for (uint32_t i = 0; i < a->due_count; i++) {
        uint32_t partner = partner_of(j->r, a->due[i].customer);
        customer_of(a, partner, j->r->partners[partner].asset)->due +=
            a->due[i].impact.subjects.count;
    }
    return WEFT_OK;
}

/* --- what came back -------------------------------------------------------------------------- */

static enum weft_err roll_up(struct judging *j)
{
    struct weft_recalls *r = j->r;
    struct weft_recalls_account *a = j->account;
    uint32_t told = 0, count = 0;
    struct weft_text *sites = weft_arena_array(&r->arena, a->customer_count, sizeof(*sites));
    struct weft_recall_reply *replies = weft_arena_array(&r->arena, j->act_count, sizeof(*replies));
    if (sites == NULL || replies == NULL) {
        return no_memory(j);
    }
    /* Who is to be told and was not, or cannot be, is awaited like who is silent: NOD-273. */
    for (uint32_t i = 0; i < a->customer_count; i++) {
        if (a->customers[i].partner != UINT32_MAX) {
            sites[told++] = r->partners[a->customers[i].partner].site;
        }
    }
    for (uint32_t i = 0; i < j->act_count; i++) {
        const struct weft_recalls_act *act = &j->acts[i];
        if (!act->is_own && act->kind == WEFT_ACT_ACKNOWLEDGEMENT) {
            replies[count++] = (struct weft_recall_reply){
                r->partners[act->partner].site, act->revision, act->counts};
        }
        for (uint32_t k = 0;
             !act->is_own && act->kind == WEFT_ACT_ACKNOWLEDGEMENT && k < a->customer_count; k++) {
            if (a->customers[k].partner == act->partner) { /* The newest comes last. */
                a->customers[k].is_answered = true;
                a->customers[k].reply = act->counts;
            }
        }
    }
    weft_recall_roll_up(&a->own, sites, told, replies, count, &a->sum);
    for (uint32_t i = 0; i < a->upstream_count; i++) {
        struct weft_recalls_upstream *u = &a->upstreams[i];
        const struct weft_acknowledgement own = u->own;
        weft_recall_roll_up(
            &own, sites, u->is_first ? told : 0, replies, u->is_first ? count : 0, &u->own);
    }
    return WEFT_OK;
}

enum weft_err weft_recalls_judge(struct weft_recalls *r, const struct weft_digest *recall,
    struct weft_recalls_account *ret_account)
{
    struct judging j = {.r = r, .account = ret_account};
    struct weft_recalls_reach reach;
    struct weft_recall_delivery *deliveries = NULL;
    uint32_t delivered = 0;
    weft_arena_reset(&r->arena);
    *ret_account = (struct weft_recalls_account){.recall = *recall};
    find_acts(&j, recall);
    enum weft_err err = gather_told(&j);
    err = err == WEFT_OK ? resolve_origin(&j) : err;
    err = err == WEFT_OK ? judge_upstreams(&j) : err;
    err = err == WEFT_OK ? weft_recalls_search(r, recall, j.starts, j.start_count, &reach) : err;
    err = err == WEFT_OK ? find_customers(&j, &reach, &deliveries, &delivered) : err;
    err = err == WEFT_OK ? find_due(&j, deliveries, delivered) : err;
    if (err == WEFT_OK) {
        ret_account->own = reach.counts;
        ret_account->own.affected += ret_account->unknown;
        err = roll_up(&j);
    }
    return err;
}

/* --- records --------------------------------------------------------------------------------- */

bool weft_recalls_is_same(
    const struct weft_acknowledgement *a, const struct weft_acknowledgement *b)
{
    bool is_same = a->affected == b->affected && a->located == b->located &&
                   a->blocked == b->blocked && a->done == b->done && a->awaited == b->awaited &&
                   a->tiers.count == b->tiers.count && a->silent.count == b->silent.count;
    for (uint32_t i = 0; is_same && i < a->tiers.count; i++) {
        is_same = a->tiers.items[i] == b->tiers.items[i];
    }
    for (uint32_t i = 0; is_same && i < a->silent.count; i++) {
        is_same = a->silent.items[i] == b->silent.items[i];
    }
    return is_same;
}

static enum weft_err make_record(struct weft_recalls *r, const struct weft_act *act,
    struct weft_text asset, struct weft_record *ret_record)
{
    struct weft_field *fields;
    uint32_t count;
    enum weft_err err = weft_act_encode(act, &r->arena, &fields, &count, r->run->msg);
    if (err == WEFT_OK) {
        *ret_record = (struct weft_record){.kind = weft_text_of(weft_act_kind_name(act->kind)),
            .asset = asset,
            .fields = fields,
            .field_count = count};
    }
    return err;
}

/* The units by their names, beside what they are known by. */
static enum weft_err name_subjects(struct weft_recalls *r, const struct weft_recalls_account *a,
    const struct weft_act_digests *subjects, struct weft_record *record)
{
    struct weft_link *links = weft_arena_array(&r->arena, subjects->count, sizeof(*links));
    if (links == NULL) {
        return weft_fail(r->run->msg, WEFT_ENOMEM, "the units of an impact");
    }
    record->links = links;
    for (uint32_t i = 0; i < subjects->count; i++) {
        const struct weft_recalls_named *named = bsearch(
            &subjects->items[i], a->named, a->named_count, sizeof(*a->named), compare_named);
        if (named != NULL) {
            links[record->link_count++] =
                (struct weft_link){WEFT_TEXT("about"), named->name, NULL, 0};
        }
    }
    return WEFT_OK;
}

enum weft_err weft_recalls_due(struct weft_recalls *r, const struct weft_recalls_account *a,
    struct weft_record **ret_records, uint32_t *ret_count)
{
    struct weft_record *records =
        weft_arena_array(&r->arena, WEFT_RECALLS_DUE_RECORDS, sizeof(*records));
    uint32_t count = 0, subjects = 0;
    enum weft_err err = records != NULL ? WEFT_OK : WEFT_ENOMEM;
    /* NOD-271: acknowledgements first, so that who first told of it is settled before anybody
     * below is told. */
    for (uint32_t i = 0; err == WEFT_OK && i < a->upstream_count; i++) {
        const struct weft_recalls_upstream *u = &a->upstreams[i];
        const struct weft_act act = {.kind = WEFT_ACT_ACKNOWLEDGEMENT, .acknowledgement = u->own};
        if (r->partners[u->partner].acknowledges && count < WEFT_RECALLS_DUE_RECORDS &&
            (u->newest == NULL || !weft_recalls_is_same(&u->newest->counts, &u->own))) {
            err = make_record(r, &act, r->partners[u->partner].asset, &records[count++]);
        }
    }
    for (uint32_t i = 0; err == WEFT_OK && i < a->due_count; i++) {
        const struct weft_act act = {.kind = WEFT_ACT_IMPACT, .impact = a->due[i].impact};
        const struct weft_recalls_partner *p = &r->partners[partner_of(r, a->due[i].customer)];
        subjects += p->tells ? a->due[i].impact.subjects.count : 0;
        if (p->tells && count < WEFT_RECALLS_DUE_RECORDS && subjects <= WEFT_RECALLS_DUE_SUBJECTS) {
            err = make_record(r, &act, p->asset, &records[count]);
            err = err == WEFT_OK
                      ? name_subjects(r, a, &a->due[i].impact.subjects, &records[count++])
                      : err;
        }
    }
    *ret_records = records;
    *ret_count = count;
    return err;
}
