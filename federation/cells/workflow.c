#include "federation/cells/workflow.h"

#include "federation/cells/dispute.h"
#include "federation/cells/mutant.h"
#include "proto/check.h"
#include "proto/order.h"

/* --- tables ---------------------------------------------------------------------------------- */

enum role {
    ANY,
    OPENER,  /* Who took the first step. */
    OTHER,   /* Who did not. */
    COUNTER, /* Who did not take the step that led here. */
};

/* From a state, by a step of a role, to a state. Of steps that do not know each other those that
 * stand higher come first: what stops is last, so that nothing follows it unseen. */
struct transition {
    const char *from;
    const char *step;
    enum role role;
    const char *to;
};

static const struct transition change_order[] = {
    {"NONE", "propose", ANY, "PROPOSED"},
    {"PROPOSED", "accept", OTHER, "ACCEPTED"},
    {"PROPOSED", "reject", OTHER, "REJECTED"},
    {"PROPOSED", "revise", OPENER, "PROPOSED"},
    {"REJECTED", "revise", OPENER, "PROPOSED"},
    {"ACCEPTED", "release", OPENER, "RELEASED"},
    {"PROPOSED", "cancel", OPENER, "CANCELLED"},
    {"ACCEPTED", "cancel", OPENER, "CANCELLED"},
    {"REJECTED", "cancel", OPENER, "CANCELLED"},
    {NULL, NULL, ANY, NULL},
};

static const struct transition nonconformance[] = {
    {"NONE", "report", ANY, "OPEN"},
    {"OPEN", "contain", ANY, "CONTAINED"},
    {"OPEN", "dispose", ANY, "PROPOSED"},
    {"CONTAINED", "dispose", ANY, "PROPOSED"},
    {"PROPOSED", "agree", COUNTER, "DISPOSED"},
    {"PROPOSED", "refuse", COUNTER, "OPEN"},
    {"DISPOSED", "close", OPENER, "CLOSED"},
    {"CLOSED", "reopen", ANY, "OPEN"},
    {NULL, NULL, ANY, NULL},
};

static const struct transition quality_notification[] = {
    {"NONE", "send", ANY, "SENT"},
    {"SENT", "receive", OTHER, "RECEIVED"},
    {"SENT", "acknowledge", OTHER, "ACKNOWLEDGED"},
    {"RECEIVED", "acknowledge", OTHER, "ACKNOWLEDGED"},
    {"ACKNOWLEDGED", "accept", OTHER, "ACCEPTED"},
    {"ACKNOWLEDGED", "decline", OTHER, "DECLINED"},
    {"ACCEPTED", "close", OPENER, "CLOSED"},
    {"DECLINED", "close", OPENER, "CLOSED"},
    {"SENT", "cancel", OPENER, "CANCELLED"},
    {"RECEIVED", "cancel", OPENER, "CANCELLED"},
    {"ACKNOWLEDGED", "cancel", OPENER, "CANCELLED"},
    {NULL, NULL, ANY, NULL},
};

static const struct {
    const char *name;
    const struct transition *transitions;
} workflows[WEFT_WORKFLOWS] = {
    [WEFT_WORKFLOW_CHANGE_ORDER] = {"change_order", change_order},
    [WEFT_WORKFLOW_NONCONFORMANCE] = {"nonconformance", nonconformance},
    [WEFT_WORKFLOW_QUALITY_NOTIFICATION] = {"quality_notification", quality_notification},
};

const char *weft_workflow_name(enum weft_workflow workflow)
{
    weft_assert((unsigned)workflow < WEFT_WORKFLOWS); /* FED-122 */
    return workflows[workflow].name;
}

enum weft_workflow weft_workflow_of(struct weft_text name)
{
    int workflow = 0;
    while (workflow < WEFT_WORKFLOWS && !weft_text_is(name, workflows[workflow].name)) {
        workflow++;
    }
    return (enum weft_workflow)workflow;
}

/* --- the fold -------------------------------------------------------------------------------- */

enum {
    WORDS = WEFT_WORKFLOW_STEPS_MAX / 64,
    NO_PARTY = 2,
    NOT_YET = 255, /* How a step stands before its turn. */
};

struct known {
    uint64_t words[WORDS]; /* A bit for each step, by its number in the order of digests. */
};

/* Where a workflow is. */
struct place {
    const char *state;
    bool is_opened;
    uint32_t opener; /* Parties. */
    uint32_t last;   /* That took the last step. */
};

struct fold {
    const struct transition *transitions;
    const struct weft_text *parties;
    const struct weft_workflow_step *steps;
    uint32_t count;
    uint16_t *by_digest; /* number -> step */
    struct known *known; /* Of each number: what it and those it names name. */
    uint8_t *standing;   /* Of each step. */
    uint16_t *turns;     /* Numbers, in the order of their turns. */
    uint32_t turn_count;
    struct place place;
};

static bool has_bit(const struct known *k, uint32_t n)
{
    return (k->words[n / 64] >> n % 64 & 1u) != 0;
}

static void set_bit(struct known *k, uint32_t n)
{
    k->words[n / 64] |= UINT64_C(1) << n % 64;
}

static uint32_t party_of(const struct fold *f, const struct weft_workflow_step *s)
{
    uint32_t p = 0;
    while (p < WEFT_CELL_PARTIES && !weft_cell_is_of(s->author, f->parties[p])) {
        p++;
    }
    return p;
}

static int compare_digests(const void *context, uint16_t a, uint16_t b)
{
    const struct weft_workflow_step *s = context;
    return memcmp(s[a].digest.bytes, s[b].digest.bytes, WEFT_DIGEST_SIZE);
}

/* The number of the step with that digest; count: there is none. */
static uint32_t number_of(const struct fold *f, const struct weft_digest *digest)
{
    uint32_t low = 0, high = f->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(f->steps[f->by_digest[middle]].digest.bytes, digest->bytes, WEFT_DIGEST_SIZE) <
            0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_there =
        low < f->count && weft_digest_equal(&f->steps[f->by_digest[low]].digest, digest);
    return is_there ? low : f->count;
}

/* Have all that it names had their turn? Then what it knows is theirs. */
static bool is_ready(struct fold *f, uint32_t number)
{
    const struct weft_workflow_step *s = &f->steps[f->by_digest[number]];
    struct known known = {{0}};
    for (uint32_t i = 0; i < s->after.count; i++) {
        uint32_t before = number_of(f, &s->after.items[i]);
        if (before == f->count || f->standing[f->by_digest[before]] == NOT_YET) {
            return false;
        }
        set_bit(&known, before);
        for (uint32_t w = 0; w < WORDS; w++) {
            known.words[w] |= f->known[before].words[w];
        }
    }
    f->known[number] = known;
    return true;
}

/* How high its step stands in the table: lower comes first. */
static uint32_t rank_of(const struct fold *f, const struct weft_workflow_step *s)
{
    uint32_t rank = 0;
    while (f->transitions[rank].step != NULL && !weft_text_is(s->step, f->transitions[rank].step)) {
        rank++;
    }
    return rank;
}

static const struct transition *find(const struct transition *transitions,
    const struct place *place, uint32_t party, struct weft_text step)
{
    for (const struct transition *t = transitions; t->step != NULL; t++) {
        if (strcmp(t->from, place->state) != 0 || !weft_text_is(step, t->step)) {
            continue;
        }
        bool is_opener = place->is_opened && party == place->opener;
        bool is_role = t->role == ANY || (t->role == OPENER && is_opener) ||
                       (t->role == OTHER && place->is_opened && !is_opener) ||
                       (t->role == COUNTER && place->is_opened && party != place->last);
        return is_role ? t : NULL;
    }
    return NULL;
}

/* False: the step cannot be taken there, and nothing changes. */
static bool advance(const struct fold *f, struct place *place, const struct weft_workflow_step *s)
{
    uint32_t party = party_of(f, s);
    const struct transition *t = find(f->transitions, place, party, s->step);
    if (t == NULL) {
        return false;
    }
    place->state = t->to;
    place->opener = place->is_opened ? place->opener : party;
    place->is_opened = true;
    place->last = party;
    return true;
}

/* FED-123: might it have been taken, as far as whoever took it knew? What it knows had its turns in
 * the order that they would have had alone: nothing in it comes behind anything else. */
static bool was_possible(const struct fold *f, uint32_t number)
{
    struct place place = {.state = "NONE"};
    for (uint32_t i = 0; i < f->turn_count; i++) {
        const struct weft_workflow_step *s = &f->steps[f->by_digest[f->turns[i]]];
        if (has_bit(&f->known[number], f->turns[i]) && party_of(f, s) != NO_PARTY) {
            (void)advance(f, &place, s);
        }
    }
    return advance(f, &place, &f->steps[f->by_digest[number]]) &&
           !weft_cell_mutant(WEFT_CELL_MUTANT_CROSSED_UNTOLD);
}

static void take_turn(struct fold *f, uint32_t number)
{
    uint16_t at = f->by_digest[number];
    f->standing[at] = advance(f, &f->place, &f->steps[at]) ? WEFT_WORKFLOW_TAKEN
                      : was_possible(f, number)            ? WEFT_WORKFLOW_CROSSED
                                                           : WEFT_WORKFLOW_REFUSED;
    f->turns[f->turn_count++] = (uint16_t)number;
}

/* Of those that are ready the one that stands highest in the table, then by digest. */
static bool next_turn(struct fold *f, uint32_t *ret_number)
{
    uint32_t best_rank = UINT32_MAX;
    for (uint32_t n = 0; n < f->count; n++) {
        uint16_t at = f->by_digest[n];
        if (f->standing[at] != NOT_YET || !is_ready(f, n)) {
            continue;
        }
        uint32_t rank =
            weft_cell_mutant(WEFT_CELL_MUTANT_STEPS_AS_COME) ? at : rank_of(f, &f->steps[at]);
        if (rank < best_rank) {
            best_rank = rank;
            *ret_number = n;
        }
    }
    return best_rank != UINT32_MAX;
}

/* The steps that crossed, and those taken that they did not know. */
static enum weft_err name_dispute(
    const struct fold *f, struct weft_arena *arena, struct weft_workflow_status *status)
{
    struct weft_digest *digests = weft_arena_array(arena, f->count, sizeof(*digests));
    uint32_t count = 0;
    if (digests == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t n = 0; n < f->count; n++) {
        uint8_t standing = f->standing[f->by_digest[n]];
        bool is_in = standing == WEFT_WORKFLOW_CROSSED;
        for (uint32_t k = 0; standing == WEFT_WORKFLOW_TAKEN && k < f->count && !is_in; k++) {
            is_in = f->standing[f->by_digest[k]] == WEFT_WORKFLOW_CROSSED &&
                    !has_bit(&f->known[k], n) && !has_bit(&f->known[n], k);
        }
        if (is_in) {
            digests[count++] = f->steps[f->by_digest[n]].digest;
        }
        status->is_disputed = status->is_disputed || standing == WEFT_WORKFLOW_CROSSED;
    }
    if (status->is_disputed) {
        status->dispute = weft_dispute_id(digests, count);
    }
    return WEFT_OK;
}

static enum weft_err find_heads(
    const struct fold *f, struct weft_arena *arena, struct weft_act_digests *ret_heads)
{
    struct weft_digest *heads = weft_arena_array(arena, f->count, sizeof(*heads));
    uint32_t count = 0;
    if (heads == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t n = 0; n < f->count; n++) {
        bool is_head = f->standing[f->by_digest[n]] == WEFT_WORKFLOW_TAKEN;
        for (uint32_t k = 0; is_head && k < f->count; k++) {
            is_head =
                f->standing[f->by_digest[k]] != WEFT_WORKFLOW_TAKEN || !has_bit(&f->known[k], n);
        }
        if (is_head) {
            heads[count++] = f->steps[f->by_digest[n]].digest;
        }
    }
    *ret_heads = (struct weft_act_digests){heads, count};
    return WEFT_OK;
}

static bool leads_out(const struct transition *transitions, const char *state)
{
    for (const struct transition *t = transitions; t->step != NULL; t++) {
        if (strcmp(t->from, state) == 0) {
            return true;
        }
    }
    return false;
}

static enum weft_err begin(struct fold *f, struct weft_arena *arena)
{
    f->by_digest = weft_arena_array(arena, 2 * (size_t)f->count, sizeof(*f->by_digest));
    f->turns = weft_arena_array(arena, f->count, sizeof(*f->turns));
    f->known = weft_arena_array(arena, f->count, sizeof(*f->known));
    f->standing = weft_arena_array(arena, f->count, sizeof(*f->standing));
    if (f->by_digest == NULL || f->turns == NULL || f->known == NULL || f->standing == NULL) {
        return WEFT_ENOMEM;
    }
    weft_order_sort(f->by_digest, f->by_digest + f->count, f->count, compare_digests, f->steps);
    for (uint32_t i = 0; i < f->count; i++) {
        bool is_foreign = party_of(f, &f->steps[i]) == NO_PARTY;
        f->standing[i] = is_foreign ? WEFT_WORKFLOW_FOREIGN : NOT_YET;
    }
    return WEFT_OK;
}

enum weft_err weft_workflow_fold(enum weft_workflow workflow,
    const struct weft_text parties[WEFT_CELL_PARTIES], const struct weft_workflow_step *steps,
    uint32_t count, struct weft_arena *arena, struct weft_workflow_status *ret_status)
{
    struct weft_workflow_status status = {.is_over = false};
    struct fold f = {
        .parties = parties, .steps = steps, .count = count, .place = {.state = "NONE"}};
    uint32_t number, names = 0;
    for (uint32_t i = 0; i < count && names <= WEFT_WORKFLOW_NAMES_MAX; i++) {
        names += steps[i].after.count;
    }
    if (count > WEFT_WORKFLOW_STEPS_MAX || names > WEFT_WORKFLOW_NAMES_MAX) {
        return WEFT_ETOOBIG;
    }
    weft_assert((unsigned)workflow < WEFT_WORKFLOWS); /* FED-122 */
    f.transitions = workflows[workflow].transitions;
    enum weft_err err = begin(&f, arena);
    if (err != WEFT_OK) {
        return err;
    }
    while (next_turn(&f, &number)) {
        take_turn(&f, number);
    }
    err = name_dispute(&f, arena, &status);
    if (err == WEFT_OK) {
        err = find_heads(&f, arena, &status.heads);
    }
    if (err != WEFT_OK) {
        return err;
    }
    for (uint32_t i = 0; i < count; i++) {
        f.standing[i] = f.standing[i] == NOT_YET ? WEFT_WORKFLOW_WAITING : f.standing[i];
    }
    status.state = f.place.state;
    status.is_over = !leads_out(f.transitions, f.place.state);
    status.is_opened = f.place.is_opened;
    status.opener = f.place.opener;
    status.last = f.place.last;
    status.standing = f.standing;
    *ret_status = status;
    return WEFT_OK;
}

bool weft_workflow_may(enum weft_workflow workflow, const struct weft_workflow_status *status,
    uint32_t party, struct weft_text step)
{
    weft_assert((unsigned)workflow < WEFT_WORKFLOWS); /* FED-122 */
    const struct place place = {status->state, status->is_opened, status->opener, status->last};
    return find(workflows[workflow].transitions, &place, party, step) != NULL;
}
