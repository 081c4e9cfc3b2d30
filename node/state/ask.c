#include "node/state/ask.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/state/across.h"
#include "node/state/machine.h"
#include "policy/document.h"
#include "proto/stored.h"

enum {
    NS_PER_MS = 1000000,
};

/* One look. */
struct looking {
    const struct weft_ask_look *look;
    struct weft_recalls *site;
    struct weft_across *x;
    struct weft_arena *arena;
    struct weft_ask_found *found;
    struct weft_msg *msg;
    uint32_t agreement; /* With who asks; UINT32_MAX: nobody does. */
    uint32_t depth;     /* Tiers that it may go on. */
    bool *is_told;      /* By node: what it is in says so. */
    bool *is_added;     /* By node: there is a part of it. */
};

static const struct weft_contract *contract_of(const struct looking *l, uint32_t agreement)
{
    return &l->site->agreements[agreement].contract;
}

static struct weft_text keep(struct looking *l, struct weft_text text)
{
    return weft_arena_text(l->arena, text);
}

/* --- what a partner may be told --------------------------------------------------------------- */

/* As exports have it: a policy that hides some of it lets him have nothing. */
static bool is_shared(const struct looking *l, struct weft_text kind, struct weft_text asset)
{
    const struct weft_view *view = l->site->run->view;
    const struct weft_policy *policy =
        view->authority != NULL ? weft_authority_policy(view->authority) : NULL;
    const struct weft_contract *contract = contract_of(l, l->agreement);
    struct weft_text site =
        contract->parties[1 - weft_contract_party(contract, l->site->site)].site;
    struct weft_text org, labels[WEFT_LABELS_MAX];
    struct weft_principal partner = {.class = WEFT_PRINCIPAL_NODE};
    struct weft_policy_decision decision;
    const struct weft_policy_agreement agreement = {contract->name, contract->link.version};
    if (policy == NULL || !weft_text_cut(&site, '/', &org)) {
        return false;
    }
    (void)snprintf(partner.org, sizeof(partner.org), "%.*s", (int)org.size, org.data);
    (void)snprintf(partner.site, sizeof(partner.site), "%.*s", (int)site.size, site.data);
    const struct weft_policy_subject subject = {.principal = &partner};
    struct weft_policy_request request =
        weft_policy_request_at(l->site->site, WEFT_ACTION_SHARE, view->time_ns);
    request.subject = &subject;
    request.kind = (struct weft_policy_fact){WEFT_FACT_GIVEN, kind};
    weft_authority_ask_of(view->authority, asset, labels, &request);
    request.is_agreed = true;
    request.agreements = &agreement;
    request.agreement_count = 1;
    weft_policy_decide(policy, &request, &decision);
    return weft_policy_shows_all(&decision);
}

static bool is_disclosed(const struct looking *l, struct weft_text kind, struct weft_text rel)
{
    const struct weft_contract *contract = contract_of(l, l->agreement);
    const struct weft_contract_side *side =
        &contract->sides[weft_contract_party(contract, l->site->site)];
    char path[sizeof("@link/") + WEFT_REL_SIZE_MAX];
    int size = snprintf(path, sizeof(path), "@link/%.*s", (int)rel.size, rel.data);
    return size > 0 && (size_t)size < sizeof(path) && weft_contract_has_kind(side, kind) &&
           weft_contract_disclosure(side, kind, (struct weft_text){path, (size_t)size}) ==
               WEFT_DISCLOSED;
}

/* NOD-276: the record behind the edge that led to it. */
static enum weft_err may_tell(struct looking *l, const struct weft_ref *place, struct weft_text rel,
    struct weft_text key, bool *ret_may)
{
    struct weft_run *run = l->site->run;
    struct weft_bytes bytes;
    struct weft_digest digest;
    struct weft_record record;
    int64_t time_ns;
    enum weft_err err = weft_loader_get(&run->loader, place, &bytes, &time_ns, l->msg);
    if (err == WEFT_OK && weft_stored_decode(bytes, l->arena, &digest, &record) != WEFT_OK) {
        err = weft_run_damaged(run, "a record");
    }
    *ret_may = err == WEFT_OK && is_disclosed(l, record.kind, rel) &&
               is_shared(l, record.kind, record.asset) && weft_ask_is_word(key);
    return err;
}

/* Has this site stated to who asks that it is in something? */
static enum weft_err is_edge_stated(struct looking *l, const struct weft_cells_desk *desk,
    const struct weft_digest *parent, const struct weft_digest *child, bool *ret_is)
{
    struct weft_cells_judged judged = {.set = {.count = 0}};
    enum weft_err err = weft_cells_judge_edge(desk, parent, child, &judged);
    for (uint32_t i = 0; err == WEFT_OK && i < judged.set.count; i++) {
        *ret_is = *ret_is || weft_cell_is_of(judged.set.statements[i].author, l->site->site);
    }
    return err;
}

/* By one row of a table below the subject. */
static enum weft_err look_at_row(struct looking *l, const struct weft_cells_desk *desk,
    enum weft_cells_table table, const struct weft_digest *subject, struct weft_bytes rest,
    bool *ret_is)
{
    struct weft_digest digest;
    const size_t skip = table == WEFT_CELLS_WORDS ? WEFT_CELLS_KG_SIZE : 0;
    struct weft_cells_place place;
    if (rest.size < skip + WEFT_DIGEST_SIZE) {
        return weft_run_damaged(l->site->run, "a cell");
    }
    memcpy(digest.bytes, rest.data + skip, WEFT_DIGEST_SIZE);
    if (table == WEFT_CELLS_EDGES_UP) {
        return is_edge_stated(l, desk, &digest, subject, ret_is);
    }
    if (table == WEFT_CELLS_EDGES) {
        return is_edge_stated(l, desk, subject, &digest, ret_is);
    }
    enum weft_err err = weft_cells_place(desk, &digest, &place);
    *ret_is = *ret_is ||
              (err == WEFT_OK &&
                  place.party == weft_contract_party(contract_of(l, l->agreement), l->site->site));
    return err;
}

static enum weft_err is_stated(struct looking *l, const struct weft_digest *subject, bool *ret_is)
{
    static const enum weft_cells_table tables[] = {
        WEFT_CELLS_WORDS, WEFT_CELLS_EDGES_UP, WEFT_CELLS_EDGES};
    struct weft_recalls *r = l->site;
    const struct weft_cells_desk desk = {.rows = &r->rows,
        .agreement = &r->agreements[l->agreement],
        .arena = &r->arena,
        .msg = l->msg};
    enum weft_err err = WEFT_OK;
    for (size_t t = 0; err == WEFT_OK && !*ret_is && t < sizeof(tables) / sizeof(tables[0]); t++) {
        struct weft_cells_cursor cursor;
        struct weft_key prefix = weft_cells_key_of(&desk, tables[t], subject, NULL);
        err = weft_cells_cursor_open(desk.rows, &prefix, NULL, &cursor, l->msg);
        if (err != WEFT_OK) {
            return err;
        }
        while (err == WEFT_OK && !*ret_is && weft_cells_cursor_next(&cursor)) {
            err = weft_run_yield(r->run, 1);
            err = err == WEFT_OK ? look_at_row(l, &desk, tables[t], subject,
                                       weft_cells_cursor_rest(&cursor), ret_is)
                                 : err;
        }
        err = weft_cells_cursor_close(&cursor, err);
    }
    return err;
}

/* --- parts ------------------------------------------------------------------------------------ */

enum weft_err weft_ask_put_hole(
    struct weft_buffer *out, struct weft_text who, enum weft_ask_fault fault)
{
    who = who.size > 0 && weft_ask_is_word(who) ? who : WEFT_TEXT("-");
    return weft_buffer_format(
        out, "hole\t%.*s\t%s\n", (int)who.size, who.data, weft_ask_fault_word(fault));
}

static struct weft_text or_none(struct weft_text word)
{
    return word.size > 0 ? word : WEFT_TEXT("-");
}

static enum weft_err put_child(
    struct weft_buffer *out, const struct weft_across_node *child, struct weft_text rel)
{
    const struct weft_text authority = or_none(child->name.authority),
                           kind = or_none(child->name.kind), key = child->name.key;
    rel = or_none(rel);
    return weft_buffer_format(out, "in\t%.*s\t%.*s\t%.*s\t%.*s\n", (int)rel.size, rel.data,
        (int)authority.size, authority.data, (int)kind.size, kind.data, (int)key.size, key.data);
}

static enum weft_err add_onward(struct looking *l, const struct weft_across_node *node,
    uint32_t agreement, struct weft_buffer *out)
{
    const struct weft_contract *c = contract_of(l, agreement);
    const struct weft_text partner = c->parties[1 - weft_contract_party(c, l->site->site)].site;
    const uint32_t tiers = weft_contract_template_depth(c, WEFT_TEXT(WEFT_ACROSS_TEMPLATE));
    const bool is_asked = l->agreement != UINT32_MAX;
    if (tiers == 0 || (is_asked && l->depth == 0)) {
        return is_asked
                   ? weft_ask_put_hole(out, partner, tiers == 0 ? WEFT_ASK_CLOSED : WEFT_ASK_DEEP)
                   : WEFT_OK;
    }
    if (l->found->onward_count == WEFT_ASK_ONWARD_MAX) {
        return is_asked ? weft_ask_put_hole(out, partner, WEFT_ASK_MANY) : WEFT_OK;
    }
    const uint32_t most = tiers - 1 < WEFT_TIERS_DEPTH_MAX ? tiers - 1 : WEFT_TIERS_DEPTH_MAX;
    const uint32_t left = is_asked ? l->depth - 1 : WEFT_TIERS_DEPTH_MAX;
    struct weft_ask_onward *on = &l->found->onward[l->found->onward_count++];
    *on = (struct weft_ask_onward){.agreement = keep(l, c->name),
        .partner = keep(l, partner),
        .name = {keep(l, node->name.authority), keep(l, node->name.kind), keep(l, node->name.key)},
        .subject = weft_subject_of(&node->name),
        .depth = left < most ? left : most};
    return on->name.key.data != NULL && on->partner.data != NULL && on->agreement.data != NULL
               ? WEFT_OK
               : weft_fail(l->msg, WEFT_ENOMEM, "whom to ask");
}

/* Who may know more of it than this site's own records say; UINT32_MAX: no partner. */
static uint32_t knower_of(const struct looking *l, uint32_t at)
{
    const struct weft_across *x = l->x;
    uint32_t knower = x->nodes[at].knower;
    knower = knower == l->agreement ? UINT32_MAX : knower; /* Who asks knows what he said. */
    for (uint32_t i = 1; knower == UINT32_MAX && i < x->count; i++) {
        if (x->nodes[i].parent == at && x->agreements[i] != l->agreement) {
            knower = x->agreements[i];
        }
    }
    for (uint32_t i = 0; knower == UINT32_MAX && i < x->way_count; i++) {
        if (x->ways[i].parent == at && x->ways[i].agreement != l->agreement) {
            knower = x->ways[i].agreement;
        }
    }
    return knower;
}

/* An edge of one of this site's records. */
static enum weft_err put_edge(struct looking *l, uint32_t child, const struct weft_ref *place,
    struct weft_text rel, struct weft_buffer *out, bool *ret_may)
{
    const struct weft_across_node *node = &l->x->nodes[child];
    enum weft_err err = may_tell(l, place, rel, node->name.key, ret_may);
    l->is_told[child] = l->is_told[child] || *ret_may;
    return err == WEFT_OK && *ret_may ? put_child(out, node, rel) : err;
}

/* What this site's records say is in it. *ret_closed: there is more, which is not told. */
static enum weft_err put_own(
    struct looking *l, uint32_t at, struct weft_buffer *out, bool *ret_told, bool *ret_closed)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = at + 1; err == WEFT_OK && i < l->x->count; i++) {
        const struct weft_across_node *child = &l->x->nodes[i];
        bool may = false;
        if (child->parent != at || l->x->agreements[i] != UINT32_MAX) {
            continue;
        }
        err = put_edge(l, i, &child->place, child->rel, out, &may);
        *ret_told = *ret_told || may;
        *ret_closed = *ret_closed || !may;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < l->x->way_count; i++) {
        const struct weft_across_way *way = &l->x->ways[i];
        bool may = false;
        if (way->parent != at || way->agreement != UINT32_MAX) {
            continue;
        }
        err = put_edge(l, way->node, &way->place, way->rel, out, &may);
        *ret_told = *ret_told || may;
        *ret_closed = *ret_closed || !may;
    }
    if (err == WEFT_OK && l->x->nodes[at].is_made_here) {
        if (is_disclosed(l, WEFT_TEXT("as_built"), WEFT_TEXT("consumes")) &&
            is_shared(l, WEFT_TEXT("as_built"), l->x->nodes[at].made_as)) {
            *ret_told = true;
            err = weft_buffer_text(out, WEFT_TEXT("made\n"));
        } else {
            *ret_closed = true;
        }
    }
    return err;
}

static enum weft_err put_ends(
    struct looking *l, uint32_t at, struct weft_buffer *out, bool is_told, bool is_closed)
{
    const struct weft_across_node *node = &l->x->nodes[at];
    const uint32_t knower = knower_of(l, at);
    enum weft_err err = WEFT_OK;
    if (is_closed) {
        err = weft_ask_put_hole(out, l->site->site, WEFT_ASK_CLOSED);
    }
    if (err == WEFT_OK && node->hole == WEFT_ACROSS_CUT) {
        err = weft_ask_put_hole(out, l->site->site, WEFT_ASK_MANY);
    }
    if (err != WEFT_OK || is_told || is_closed) {
        return err;
    }
    if (knower != UINT32_MAX) {
        return add_onward(l, node, knower, out);
    }
    return weft_ask_put_hole(out, (struct weft_text){"", 0},
        node->hole == WEFT_ACROSS_STRANGER ? WEFT_ASK_STRANGER : WEFT_ASK_UNKNOWN);
}

static enum weft_err add_part(struct looking *l, uint32_t at)
{
    struct weft_buffer out = {.size_max = WEFT_TIERS_CONTENT_SIZE_MAX};
    bool is_told = false, is_closed = false;
    enum weft_err err = weft_buffer_format(&out, "at\t%" PRIu64 "\n", l->look->now_ms);
    err = err == WEFT_OK ? put_own(l, at, &out, &is_told, &is_closed) : err;
    err = err == WEFT_OK ? put_ends(l, at, &out, is_told, is_closed) : err;
    if (err == WEFT_ETOOBIG) {
        weft_buffer_clear(&out);
        err = weft_buffer_format(&out, "at\t%" PRIu64 "\n", l->look->now_ms);
        err = err == WEFT_OK ? weft_ask_put_hole(&out, l->site->site, WEFT_ASK_MANY) : err;
    }
    const struct weft_tiers_part part = {.organization = keep(l, l->site->site),
        .subject = weft_subject_of(&l->x->nodes[at].name),
        .head = l->found->index,
        .content = keep(l, weft_buffer_as_text(&out))};
    weft_buffer_destroy(&out);
    err = err == WEFT_OK && part.content.data == NULL ? WEFT_ENOMEM : err;
    return err == WEFT_OK ? weft_tiers_add(&l->found->parts, &part) : err;
}

/* NOD-276: has this site stated anything of it to who asks, by whatever name? */
static enum weft_err may_know(
    struct looking *l, const struct weft_subject_name *name, bool *ret_may)
{
    struct weft_across_node thing = {.subjects = {weft_subject_of(name)}, .subject_count = 1};
    enum weft_err err = weft_across_gather(l->x, &thing);
    for (uint32_t s = 0; err == WEFT_OK && !*ret_may && s < thing.subject_count; s++) {
        err = is_stated(l, &thing.subjects[s], ret_may);
    }
    return err;
}

/* The same, whether there is such a thing or not. */
static enum weft_err answer_closed(struct looking *l, const struct weft_digest *subject)
{
    struct weft_tiers_part *part = weft_arena_array(l->arena, 1, sizeof(*part));
    struct weft_buffer out = {.size_max = WEFT_TIERS_CONTENT_SIZE_MAX};
    enum weft_err err = weft_buffer_format(&out, "at\t%" PRIu64 "\n", l->look->now_ms);
    err = err == WEFT_OK ? weft_ask_put_hole(&out, l->site->site, WEFT_ASK_CLOSED) : err;
    const struct weft_tiers_part closed = {.organization = keep(l, l->site->site),
        .subject = *subject,
        .head = l->found->index,
        .content = keep(l, weft_buffer_as_text(&out))};
    weft_buffer_destroy(&out);
    if (part == NULL || (err == WEFT_OK && closed.content.data == NULL)) {
        return weft_fail(l->msg, WEFT_ENOMEM, "an answer");
    }
    l->found->parts = (struct weft_tiers_answer){part, 0, 1};
    return err == WEFT_OK ? weft_tiers_add(&l->found->parts, &closed) : err;
}

static enum weft_err answer(struct looking *l)
{
    const uint32_t count = l->x->count;
    struct weft_tiers_part *parts = weft_arena_array(l->arena, count, sizeof(*parts));
    enum weft_err err = WEFT_OK;
    l->is_told = weft_arena_array(l->arena, count, sizeof(*l->is_told));
    l->is_added = weft_arena_array(l->arena, count, sizeof(*l->is_added));
    if (parts == NULL || l->is_told == NULL || l->is_added == NULL) {
        return weft_fail(l->msg, WEFT_ENOMEM, "an answer");
    }
    memset(l->is_told, 0, count * sizeof(*l->is_told));
    memset(l->is_added, 0, count * sizeof(*l->is_added));
    l->found->parts = (struct weft_tiers_answer){parts, 0, count};
    err = add_part(l, 0);
    for (bool is_new = true; err == WEFT_OK && is_new;) { /* Ways lead to things of before. */
        is_new = false;
        for (uint32_t i = 1; err == WEFT_OK && i < count; i++) {
            if (l->is_told[i] && !l->is_added[i]) {
                is_new = l->is_added[i] = true;
                err = add_part(l, i);
            }
        }
    }
    return err;
}

/* One's own question: whoever is named at a hole. */
static enum weft_err find_asked(struct looking *l)
{
    struct weft_buffer none = {.size_max = 0};
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < l->x->count; i++) {
        const struct weft_across_node *node = &l->x->nodes[i];
        if (node->hole == WEFT_ACROSS_NOT_ASKED && weft_ask_is_word(node->name.key)) {
            err = add_onward(l, node, node->knower, &none);
        }
    }
    return err;
}

static enum weft_err look(struct looking *l, struct weft_cells_asking *a)
{
    const struct weft_ask_look *of = l->look;
    uint32_t i = 0;
    if (of->agreement.size == 0) {
        enum weft_err err = weft_across_open(l->x, l->site, a, of->asset, NULL);
        return err == WEFT_OK ? find_asked(l) : err;
    }
    while (i < l->site->agreement_count &&
           !weft_text_equal(l->site->agreements[i].contract.name, of->agreement)) {
        i++;
    }
    if (i == l->site->agreement_count) {
        return weft_fail(l->msg, WEFT_ENOTFOUND, "no such agreement");
    }
    const uint32_t tiers =
        weft_contract_template_depth(contract_of(l, i), WEFT_TEXT(WEFT_ACROSS_TEMPLATE));
    struct weft_tiers_question next;
    l->agreement = i;
    if (tiers == 0) {
        return weft_fail(l->msg, WEFT_EREFUSED, "the agreement has no such template");
    }
    if (weft_tiers_take(&of->question->tiers, false, tiers - 1, &next) == WEFT_TIERS_PASS_ON) {
        l->depth = next.depth + 1;
    }
    const struct weft_digest subject = weft_subject_of(&of->question->name);
    bool may_ask = false;
    *l->x = (struct weft_across){.site = l->site};
    /* Before the tree: who may know nothing costs little. */
    enum weft_err err = may_know(l, &of->question->name, &may_ask);
    if (err != WEFT_OK || !may_ask) {
        return err == WEFT_OK ? answer_closed(l, &subject) : err;
    }
    err = weft_across_open_named(l->x, l->site, a, &of->question->name);
    return err == WEFT_OK ? answer(l) : err;
}

enum weft_err weft_view_ask(struct weft_view *view, const struct weft_ask_look *of,
    struct weft_arena *arena, struct weft_ask_found *ret_found, struct weft_msg *msg)
{
    const struct weft_query own = {.type = WEFT_QUERY_AUDIT, .principal = of->principal};
    struct weft_query query = of->query != NULL ? *of->query : own;
    query.now_ns = (int64_t)of->now_ms * NS_PER_MS; /* A warrant is over by then, or not. */
    struct weft_run run = {.view = view, .snapshot = view->snapshot, .query = &query, .msg = msg};
    struct weft_recalls site;
    struct weft_across across = {.site = NULL};
    struct weft_cells_asking a = {.run = &run, .msg = msg};
    struct looking l = {of, &site, &across, arena, ret_found, msg, UINT32_MAX, 0, NULL, NULL};
    *ret_found = (struct weft_ask_found){.index = weft_view_index(view)};
    enum weft_err err = weft_recalls_begin(&run);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_recalls_open_site(&site, &run);
    err = err == WEFT_OK ? look(&l, &a) : err;
    weft_across_close(&across);
    weft_recalls_close(&site);
    weft_loader_close(&run.loader);
    return err;
}
