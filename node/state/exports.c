#include "node/state/exports.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/check.h"

/* --- leaves ---------------------------------------------------------------------------------- */

/* Row and tree, once the machine has taken the leaf. */
static enum weft_err store_leaf(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_flow_leaf *row, bool is_first, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    const struct weft_stream_leaf *leaf = &row->leaf;
    const struct weft_bytes content = row->content;
    const uint64_t sequence = weft_flow_size(&accord->flows[WEFT_SENT]);
    enum weft_err err = weft_flow_append(&accord->flows[WEFT_SENT], row, place->batch, msg);
    weft_streams_touch_flow(s, accord, WEFT_SENT);
    return err == WEFT_OK && leaf->kind == WEFT_STREAM_STATEMENT
               ? weft_streams_tell_statement(
                     s, accord, WEFT_SENT, sequence, &leaf->digest, content, is_first, msg)
               : err;
}

static enum weft_err append_leaf(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_flow_leaf *row, bool is_first, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    struct weft_msg why = {""};
    enum weft_stream_fault fault = weft_provider_append(&accord->sent.provider, &row->leaf, &why);
    if (fault != WEFT_STREAM_SOUND) { /* NOD-195: whoever appends has looked. */
        return weft_fail(msg, WEFT_ECORRUPT, "a stream does not admit its leaf: %s", why.text);
    }
    return store_leaf(s, accord, row, is_first, place, msg);
}

enum weft_err weft_exports_leaf(struct weft_streams *streams, struct weft_accord *accord,
    const struct weft_stream_leaf *leaf, struct weft_bytes content,
    const struct weft_exports_place *place, struct weft_msg *msg)
{
    const struct weft_flow_leaf row = {
        .leaf = *leaf, .time_ns = place->time_ns, .content = content};
    return append_leaf(streams, accord, &row, false, place, msg);
}

enum weft_err weft_exports_again(struct weft_streams *streams, struct weft_accord *accord,
    const struct weft_digest *statement, struct weft_bytes content,
    const struct weft_exports_place *place, struct weft_msg *msg)
{
    struct weft_flow_leaf row = {.leaf = {.kind = WEFT_STREAM_STATEMENT, .digest = *statement},
        .time_ns = place->time_ns,
        .content = content};
    uint64_t last;
    enum weft_err err = weft_flow_last(&accord->flows[WEFT_SENT], statement, &last, &row.told, msg);
    row.earlier = last + 1;
    return err == WEFT_OK ? append_leaf(streams, accord, &row, false, place, msg) : err;
}

enum weft_err weft_exports_contracts(struct weft_streams *streams, struct weft_accord *accord,
    const struct weft_exports_place *place, struct weft_msg *msg)
{
    const struct weft_provider *p = &accord->sent.provider;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && !weft_provider_is_fenced(p) && p->stream.phase != WEFT_STREAM_CLOSED &&
           p->stream.version < accord->row.version) {
        struct weft_deed *deed = NULL;
        err = weft_streams_version(streams, accord, p->stream.version + 1, &deed, msg);
        if (err == WEFT_OK && deed == NULL) {
            err = weft_fail(msg, WEFT_ECORRUPT, "version %" PRIu64 " of an agreement is missing",
                p->stream.version + 1);
        }
        if (err == WEFT_OK) {
            const struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_CONTRACT,
                .version = deed->contract.link.version,
                .digest = deed->contract.link.digest};
            weft_accord_set(accord, WEFT_ACCORD_SENT, deed);
            streams->is_stale = true;
            err = weft_exports_leaf(streams, accord, &leaf,
                (struct weft_bytes){deed->note.data, deed->note.size}, place, msg);
        }
        err = err == WEFT_OK ? weft_streams_tell_contract(streams, deed, msg) : err;
    }
    return err;
}

/* --- records --------------------------------------------------------------------------------- */

/* May the partner have it, by this site's own policy, as the agreement is in force? A policy that
 * hides some of it from him lets him have nothing: what goes out is what the mask says. */
bool weft_exports_ask(const struct weft_streams *s, const struct weft_accord *accord,
    enum weft_accord_version which, struct weft_text kind, struct weft_text asset,
    const struct weft_exports_place *place, struct weft_exports_asked *ret_asked)
{
    const struct weft_contract *contract = &accord->deeds[which]->contract;
    struct weft_text site = contract->parties[1 - accord->row.party].site, org;
    struct weft_exports_asked *a = ret_asked;
    a->policy = weft_authority_policy(place->authority);
    if (a->policy == NULL || !weft_text_cut(&site, '/', &org)) {
        return false;
    }
    a->partner = (struct weft_principal){.class = WEFT_PRINCIPAL_NODE};
    (void)snprintf(a->partner.org, sizeof(a->partner.org), "%.*s", (int)org.size, org.data);
    (void)snprintf(a->partner.site, sizeof(a->partner.site), "%.*s", (int)site.size, site.data);
    a->subject = (struct weft_policy_subject){.principal = &a->partner};
    a->agreement = (struct weft_policy_agreement){contract->name, contract->link.version};
    a->request = weft_policy_request_at(s->site, WEFT_ACTION_SHARE, place->time_ns);
    a->request.subject = &a->subject;
    a->request.kind = (struct weft_policy_fact){WEFT_FACT_GIVEN, kind};
    weft_authority_ask_of(place->authority, asset, a->labels, &a->request);
    a->request.is_agreed = true;
    a->request.agreements = &a->agreement;
    a->request.agreement_count = 1;
    return true;
}

bool weft_exports_is_shared(const struct weft_streams *s, const struct weft_accord *accord,
    struct weft_text kind, struct weft_text asset, const struct weft_exports_place *place)
{
    struct weft_exports_asked asked;
    struct weft_policy_decision decision;
    if (!weft_exports_ask(s, accord, WEFT_ACCORD_SENT, kind, asset, place, &asked)) {
        return false;
    }
    weft_policy_decide(asked.policy, &asked.request, &decision);
    return weft_policy_shows_all(&decision);
}

static bool asks(const struct weft_contract_side *side)
{
    return side->part_count > 0 || side->depth != WEFT_CONTRACT_DEPTH_ANY;
}

enum weft_err weft_exports_facts(struct weft_streams *s, const struct weft_accord *accord,
    uint64_t asset, struct weft_text name, struct weft_contract_facts *ret_facts, bool *ret_known,
    struct weft_msg *msg)
{
    const struct weft_contract *contract = &accord->deeds[WEFT_ACCORD_SENT]->contract;
    const struct weft_contract_side *side = &contract->sides[accord->row.party];
    struct weft_text site = contract->parties[1 - accord->row.party].site;
    const struct weft_pinned *partner = weft_streams_pinned(s, site);
    uint64_t ids[WEFT_EXPORTS_NAMES_MAX];
    uint32_t count = 0;
    enum weft_err err = WEFT_OK;
    *ret_facts = (struct weft_contract_facts){.depth = WEFT_CONTRACT_DEPTH_ANY};
    *ret_known = true;
    if (weft_text_starts(name, WEFT_PARTNER_ASSET)) { /* NOD-270 */
        const struct weft_text whose = {name.data + sizeof(WEFT_PARTNER_ASSET) - 1,
            name.size - (sizeof(WEFT_PARTNER_ASSET) - 1)};
        ret_facts->is_addressed = *ret_known = weft_text_equal(whose, site);
        return WEFT_OK;
    }
    if (!asks(side)) {
        return WEFT_OK;
    }
    char own[WEFT_ASSET_SIZE_MAX + 1];
    int size = snprintf(own, sizeof(own), "%s%.*s", WEFT_PARTNER_ASSET, (int)site.size, site.data);
    struct weft_text line = {own, (size_t)size};
    struct weft_text rest = partner != NULL ? partner->texts.names : (struct weft_text){NULL, 0};
    do {
        struct weft_head head;
        err = line.size < sizeof(own) ? weft_names_peek(s->names, line, &head, msg) : WEFT_OK;
        if (err == WEFT_OK && line.size < sizeof(own) && head.id != 0) {
            ids[count++] = head.id;
        }
    } while (err == WEFT_OK && count < WEFT_EXPORTS_NAMES_MAX && weft_pinned_line(&rest, &line));
    const struct weft_scope_question question = {name, asset, side, ids, count};
    return err == WEFT_OK
               ? weft_scope_facts(&s->scope, &question, &s->arena, ret_facts, ret_known, msg)
               : err;
}

/* Its statement under the agreement, if it has one there; is the projection's buffer. */
static enum weft_err select_record(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_exports_record *r, const struct weft_contract_facts *facts,
    const struct weft_exports_place *place, struct weft_stream_leaf *ret_leaf, bool *ret_selected,
    struct weft_msg *msg)
{
    const struct weft_contract *contract = &accord->deeds[WEFT_ACCORD_SENT]->contract;
    *ret_selected = false;
    if (!weft_contract_is_in_scope(&contract->sides[accord->row.party], r->record->kind, facts) ||
        !weft_exports_is_shared(s, accord, r->record->kind, r->record->asset, place)) {
        return WEFT_OK;
    }
    weft_buffer_clear(&s->projection);
    enum weft_err err = r->statement != NULL
                            ? weft_provider_select_made(contract, accord->row.party, r->record,
                                  r->statement, facts, &s->arena, &s->projection, ret_leaf)
                            : weft_provider_select(contract, accord->row.party, r->record,
                                  &r->place, facts, &s->arena, &s->projection, ret_leaf);
    *ret_selected = err == WEFT_OK && weft_digest_equal(&ret_leaf->digest, &r->digest);
    if (err == WEFT_ENOMEM) {
        return weft_fail(msg, err, "a record's projection");
    }
    if (err != WEFT_ENOTFOUND && !*ret_selected) {
        accord->sent.omitted_count++; /* It is told that there is one. */
        weft_streams_touch_flow(s, accord, WEFT_SENT);
    }
    return WEFT_OK;
}

enum weft_err weft_exports_consider(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_exports_record *r, const struct weft_contract_facts *facts,
    const struct weft_exports_place *place, struct weft_msg *msg)
{
    struct weft_stream_leaf leaf;
    bool is_selected;
    enum weft_err err = select_record(s, accord, r, facts, place, &leaf, &is_selected, msg);
    if (err != WEFT_OK || !is_selected) {
        return err;
    }
    const struct weft_flow_leaf row = {.leaf = leaf,
        .time_ns = place->time_ns,
        .content = {s->projection.data, s->projection.size}};
    /* A record of this very entry nobody can have told of. */
    return append_leaf(s, accord, &row, r->place.index == place->index, place, msg);
}

void weft_exports_owe(struct weft_streams *s, struct weft_accord *accord, uint64_t asset,
    const struct weft_exports_place *place)
{
    const struct weft_key key = weft_key_of_asset(WEFT_KEY_OWED, accord->number, asset);
    weft_store_batch_put(place->batch, &key, "", 0);
    if (!accord->sent.owes_assets) {
        accord->sent.owes_assets = true;
        weft_streams_touch_flow(s, accord, WEFT_SENT);
    }
}

/* What a record says of where things are may bring others into scope. `is_first`: of its asset; so
 * there is nothing else of it that was not looked at. */
enum weft_err weft_exports_moved(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_exports_record *r, bool is_first, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    const struct weft_contract_side *side =
        &accord->deeds[WEFT_ACCORD_SENT]->contract.sides[accord->row.party];
    enum weft_err err = WEFT_OK;
    bool has_moved = false;
    for (uint32_t i = 0; err == WEFT_OK && asks(side) && i < r->record->link_count; i++) {
        struct weft_head head;
        if (weft_scope_is_moving(r->record->links[i].rel)) {
            has_moved =
                has_moved || !is_first || weft_text_is(r->record->links[i].rel, "shipped_to");
            err = weft_names_peek(s->names, r->record->links[i].to, &head, msg);
            if (err == WEFT_OK && head.rev != 0) {
                weft_exports_owe(s, accord, head.id, place);
            }
        }
    }
    if (err == WEFT_OK && has_moved) {
        weft_exports_owe(s, accord, r->asset, place);
    }
    return err;
}

enum weft_err weft_exports_record(struct weft_streams *streams,
    const struct weft_exports_record *record, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    static const struct weft_digest none;
    const bool is_first = weft_digest_equal(&record->place.previous, &none);
    enum weft_err err = streams->is_asking
                            ? weft_scope_add(&streams->scope, record->asset, record->record, msg)
                            : WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && streams->open_count > 0 && i < streams->count; i++) {
        struct weft_accord *accord = streams->accords[i];
        struct weft_contract_facts facts;
        bool is_known = false;
        if (!weft_accord_is_stated_to(accord)) {
            continue;
        }
        const struct weft_contract *contract = &accord->deeds[WEFT_ACCORD_SENT]->contract;
        weft_arena_reset(&streams->arena);
        err = weft_exports_moved(streams, accord, record, is_first, place, msg);
        if (err == WEFT_OK &&
            weft_contract_has_kind(&contract->sides[accord->row.party], record->record->kind)) {
            err = weft_exports_facts(
                streams, accord, record->asset, record->record->asset, &facts, &is_known, msg);
        }
        if (err == WEFT_OK && is_known) {
            err = weft_exports_consider(streams, accord, record, &facts, place, msg);
        }
    }
    return err;
}
