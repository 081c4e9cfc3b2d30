/* TWIN: the state of one asset, derived from the thread; of a line or plant also what is below. */
#include <stdlib.h>

#include "node/state/portrait_sheet.h"
#include "node/state/query_twin.h"
#include "proto/arith.h"

enum {
    BELOW_ASSETS_MAX = 5000, /* looked at for one answer; about 1 s */
    BELOW_LISTED_MAX = 100,  /* of those that are not well */
    BELOW_ARENA_SIZE_MAX = 64 * 1024 * 1024,
    BELOW_STEPS_MAX = 1000 * 1000,
};

/* --- what a question sees -------------------------------------------------------------------- */

struct weft_dossier weft_run_dossier(struct weft_run *run, struct weft_arena *arena)
{
    return (struct weft_dossier){.store = run->view->store,
        .snapshot = run->view->snapshot,
        .walk = run->walk,
        .loader = &run->loader,
        .reveal = run->reveal,
        .tally = &run->view->tally,
        .arena = arena,
        .msg = run->msg,
        .as_of = run->as_of,
        .at_ns = run->query->has_at ? run->query->at_ns : INT64_MAX,
        .steps_left = WEFT_PORTRAIT_STEPS_MAX};
}

/* The commit time of the last index up to as_of; *ret_ns 0: there is none. */
static enum weft_err time_of(struct weft_run *run, int64_t *ret_ns)
{
    const uint8_t prefix[1] = {WEFT_KEY_RECORDS};
    struct weft_key key = weft_key_records(run->as_of, WEFT_STATE_ORDINAL_MAX);
    struct weft_pack pack;
    *ret_ns = 0;
    weft_store_walk_back_to(run->walk, &key);
    if (!weft_store_walk_is_below(run->walk, (struct weft_bytes){prefix, 1})) {
        return weft_store_walk_err(run->walk, run->msg);
    }
    if (weft_pack_open(weft_store_walk_value(run->walk), &pack) != WEFT_OK) {
        return weft_run_damaged(run, "a pack of records");
    }
    *ret_ns = pack.time_ns;
    return WEFT_OK;
}

enum weft_err weft_run_now(struct weft_run *run, int64_t *ret_ns)
{
    if (run->query->has_at) {
        *ret_ns = run->query->at_ns;
        return WEFT_OK;
    }
    enum weft_err rv = time_of(run, ret_ns);
    if (rv == WEFT_OK && run->query->as_of == 0 && run->query->now_ns > *ret_ns) {
        *ret_ns = run->query->now_ns;
    }
    return rv;
}

enum weft_err weft_run_document(
    struct weft_run *run, const struct weft_sheet *sheet, uint64_t asset_rev)
{
    enum weft_err rv = weft_sheet_end(sheet);
    if (rv != WEFT_OK) {
        return weft_fail(run->msg, rv, "the answer is too large: ask for fewer sections");
    }
    *run->document = (struct weft_document){.index = run->as_of,
        .asset_rev = asset_rev,
        .fields = sheet->fields,
        .field_count = sheet->count};
    return WEFT_OK;
}

/* --- what is below --------------------------------------------------------------------------- */

struct below {
    struct weft_run *run;
    struct weft_arena arena; /* Of one portrait at a time. */
    int64_t now_ns;
    uint32_t asset_count;
    uint32_t retired_count;
    uint32_t health[4];
    uint32_t issues[WEFT_ISSUE_KINDS];
    enum weft_health worst;
    struct {
        struct weft_text asset;
        enum weft_health health;
        uint32_t issue_count;
    } listed[BELOW_LISTED_MAX];
    uint32_t listed_count;
    uint64_t steps_left;
    bool is_cut;  /* Of one below not all is told. */
    bool is_over; /* There are more below. */
};

static enum weft_err add_below(struct below *b, struct weft_text name)
{
    struct weft_portrait p = {.rev = 0};
    weft_arena_reset(&b->arena);
    struct weft_dossier d = weft_run_dossier(b->run, &b->arena);
    uint64_t steps_max =
        b->steps_left < WEFT_PORTRAIT_STEPS_MAX ? b->steps_left : WEFT_PORTRAIT_STEPS_MAX;
    struct weft_text kept = weft_arena_text(&b->arena, name);
    enum weft_err rv = kept.data != NULL ? weft_portrait_take(&p, &d, kept, b->now_ns, steps_max)
                                         : weft_fail(b->run->msg, WEFT_ENOMEM, "a twin");
    b->steps_left -= p.steps < b->steps_left ? p.steps : b->steps_left;
    b->is_cut = b->is_cut || p.is_cut;
    if (rv != WEFT_OK || p.rev == 0) {
        return rv;
    }
    b->asset_count++;
    b->retired_count += p.retirement != NULL;
    b->health[p.health]++;
    b->worst = p.health > b->worst ? p.health : b->worst;
    for (uint32_t i = 0; i < p.issue_count; i++) {
        b->issues[p.issues[i].kind]++;
    }
    if (p.health == WEFT_HEALTH_OK || b->listed_count == BELOW_LISTED_MAX) {
        return WEFT_OK;
    }
    struct weft_text listed = weft_arena_text(b->run->arena, name);
    if (listed.data == NULL) {
        return weft_fail(b->run->msg, WEFT_ENOMEM, "a twin");
    }
    b->listed[b->listed_count].asset = listed;
    b->listed[b->listed_count].health = p.health;
    b->listed[b->listed_count++].issue_count = p.issue_count;
    return WEFT_OK;
}

/* Names "line2/...": a walk of its own, since portraits move the run's. */
static enum weft_err walk_below(struct below *b, struct weft_text asset)
{
    char prefix[WEFT_ASSET_SIZE_MAX + 1];
    if (asset.size == 0 || asset.size >= WEFT_ASSET_SIZE_MAX) {
        return WEFT_OK;
    }
    memcpy(prefix, asset.data, asset.size);
    prefix[asset.size] = '/';
    struct weft_key key = weft_key_name((struct weft_text){prefix, asset.size + 1});
    struct weft_store_walk *walk =
        weft_store_walk_create(b->run->view->store, b->run->view->snapshot, false);
    if (walk == NULL) {
        return weft_fail(b->run->msg, WEFT_ENOMEM, "what is below an asset");
    }
    weft_store_walk_yield_with(walk, b->run->view->yield);
    enum weft_err rv = WEFT_OK;
    uint32_t looked = 0;
    for (weft_store_walk_to(walk, &key);
         rv == WEFT_OK && !b->is_over && weft_store_walk_is_below(walk, weft_key_bytes(&key));
         weft_store_walk_next(walk)) {
        struct weft_bytes at = weft_store_walk_key(walk);
        struct weft_head head;
        if (weft_head_decode(weft_store_walk_value(walk), &head) != WEFT_OK) {
            rv = weft_run_damaged(b->run, "an asset's head");
        } else if (head.rev != 0 && head.since <= b->run->as_of) {
            b->is_over = ++looked > BELOW_ASSETS_MAX || b->steps_left == 0;
            rv = b->is_over
                     ? WEFT_OK
                     : add_below(b, (struct weft_text){(const char *)at.data + 1, at.size - 1});
        }
    }
    rv = rv == WEFT_OK ? weft_store_walk_err(walk, b->run->msg) : rv;
    weft_store_walk_destroy(walk);
    return rv;
}

static void put_below(struct weft_sheet *s, const struct below *b)
{
    weft_sheet_open(s, "below", '{');
    weft_sheet_unsigned(s, "assets", b->asset_count);
    weft_sheet_unsigned(s, "retired", b->retired_count);
    weft_sheet_bool(s, "is_complete", !b->is_cut && !b->is_over);
    weft_sheet_text(s, "worst", weft_text_of(weft_health_name(b->worst)));
    weft_sheet_open(s, "health", '{');
    for (int i = 0; i < 4; i++) {
        weft_sheet_unsigned(s, weft_health_name((enum weft_health)i), b->health[i]);
    }
    weft_sheet_close(s);
    weft_sheet_open(s, "issues", '{');
    for (int i = 1; i < WEFT_ISSUE_KINDS; i++) {
        if (b->issues[i] > 0) {
            weft_sheet_unsigned(s, weft_issue_kind_name((enum weft_issue_kind)i), b->issues[i]);
        }
    }
    weft_sheet_close(s);
    weft_sheet_open(s, "not_ok", '[');
    for (uint32_t i = 0; i < b->listed_count; i++) {
        weft_sheet_open(s, NULL, '{');
        weft_sheet_text(s, "asset", b->listed[i].asset);
        weft_sheet_text(s, "health", weft_text_of(weft_health_name(b->listed[i].health)));
        weft_sheet_unsigned(s, "issues", b->listed[i].issue_count);
        weft_sheet_close(s);
    }
    weft_sheet_close(s);
    weft_sheet_close(s);
}

/* --- the query ------------------------------------------------------------------------------- */

static void put_portrait(const struct weft_portrait *p, struct weft_sheet *s, uint32_t sections)
{
    weft_portrait_sheet_head(p, s);
    if (sections & WEFT_TWIN_VALUES) {
        weft_portrait_sheet_values(p, s);
    }
    if (sections & WEFT_TWIN_PROPERTIES) {
        weft_portrait_sheet_properties(p, s);
    }
    if (sections & WEFT_TWIN_CONFIGURATION) {
        weft_portrait_sheet_configuration(p, s);
    }
    if (sections & WEFT_TWIN_ISSUES) {
        weft_portrait_sheet_issues(p, s);
    }
}

static enum weft_err look_below(
    struct weft_run *run, bool is_asked, int64_t now_ns, struct below **ret_below)
{
    *ret_below = weft_arena_alloc(run->arena, sizeof(**ret_below));
    if (*ret_below == NULL) {
        return weft_fail(run->msg, WEFT_ENOMEM, "what is below an asset");
    }
    **ret_below = (struct below){.run = run,
        .arena = {.size_max = BELOW_ARENA_SIZE_MAX},
        .now_ns = now_ns,
        .steps_left = BELOW_STEPS_MAX};
    enum weft_err rv = is_asked ? walk_below(*ret_below, run->query->asset) : WEFT_OK;
    weft_arena_destroy(&(*ret_below)->arena);
    return rv;
}

enum weft_err weft_query_twin(struct weft_run *run)
{
    struct weft_portrait p;
    struct weft_sheet sheet;
    struct below *below;
    int64_t now_ns;
    uint32_t sections = run->query->sections != 0 ? run->query->sections : UINT32_MAX;
    struct weft_dossier dossier = weft_run_dossier(run, run->arena);
    enum weft_err rv = weft_run_now(run, &now_ns);
    if (rv == WEFT_OK) {
        rv = weft_portrait_take(&p, &dossier, run->query->asset, now_ns, WEFT_PORTRAIT_STEPS_MAX);
    }
    if (rv == WEFT_OK) {
        /* Where nothing is said of a line itself, what is below it is all there is to say. */
        bool is_asked = (sections & WEFT_TWIN_BELOW) != 0 || p.rev == 0;
        rv = look_below(run, is_asked, now_ns, &below);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    if (p.rev == 0 && below->asset_count == 0) {
        return weft_fail(run->msg, WEFT_ENOTFOUND, "nothing is said of asset '%.*s'",
            (int)run->query->asset.size, run->query->asset.data);
    }
    weft_sheet_init(&sheet, run->arena);
    weft_sheet_text(&sheet, "asset", run->query->asset);
    weft_sheet_unsigned(&sheet, "rev", p.rev);
    weft_sheet_unsigned(&sheet, "index", run->as_of);
    weft_sheet_time(&sheet, "time", now_ns);
    weft_sheet_bool(&sheet, "is_complete", !p.is_cut);
    put_portrait(&p, &sheet, sections);
    if (below->asset_count > 0) {
        put_below(&sheet, below);
    }
    return weft_run_document(run, &sheet, p.rev);
}
