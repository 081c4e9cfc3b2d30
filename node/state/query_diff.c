/* DIFF: what differs between two states of an asset, or between two of its configurations. */
#include "node/state/portrait_sheet.h"
#include "node/state/query_twin.h"

struct side {
    struct weft_dossier dossier;
    struct weft_portrait portrait;
    uint64_t as_of;
    bool is_now;   /* No index was asked for. */
    int64_t at_ns; /* INT64_MAX: none was asked for. */
    enum weft_twin_configuration configuration;
};

struct diff {
    struct weft_sheet *sheet;
    const struct side *left;
    const struct side *right;
    uint32_t count;
};

/* --- differences ----------------------------------------------------------------------------- */

static void open_difference(struct diff *d, const char *what, struct weft_text name)
{
    d->count++;
    weft_sheet_open(d->sheet, NULL, '{');
    weft_sheet_text(d->sheet, "what", weft_text_of(what));
    weft_sheet_text(d->sheet, "name", name);
}

/* What one side has and the other has otherwise; an absent text is left out. */
static void put_texts(struct diff *d, const char *what, struct weft_text name,
    struct weft_text left, struct weft_text right)
{
    if (weft_text_equal(left, right)) {
        return;
    }
    open_difference(d, what, name);
    weft_sheet_maybe(d->sheet, "left", left);
    weft_sheet_maybe(d->sheet, "right", right);
    weft_sheet_close(d->sheet);
}

/* The field that a state shows for a path: of the newest record that states its root. */
static const struct weft_field *value_of(const struct weft_portrait *p, struct weft_text path)
{
    for (uint32_t i = 0; i < p->newest_count; i++) {
        const struct weft_record *record = &p->newest[i]->record;
        bool has_root = false;
        size_t root = 0;
        while (root < path.size && path.data[root] != '/') {
            root++;
        }
        for (uint32_t f = 0; f < record->field_count; f++) {
            struct weft_text other = record->fields[f].path;
            if (weft_text_equal(other, path)) {
                return &record->fields[f];
            }
            has_root =
                has_root || (other.size >= root && memcmp(other.data, path.data, root) == 0 &&
                                (other.size == root || other.data[root] == '/'));
        }
        if (has_root) {
            return NULL; /* A newer record states the value without this part of it. */
        }
    }
    return NULL;
}

static void put_value(struct diff *d, struct weft_text path, const struct weft_field *left,
    const struct weft_field *right)
{
    bool is_same = left != NULL && right != NULL && left->type == right->type &&
                   weft_text_equal(left->value, right->value);
    if (is_same || left == right) {
        return;
    }
    open_difference(d, "value", path);
    if (left != NULL) {
        weft_sheet_field(d->sheet, "left", left->type, left->value);
    }
    if (right != NULL) {
        weft_sheet_field(d->sheet, "right", right->type, right->value);
    }
    weft_sheet_close(d->sheet);
}

static void diff_values(struct diff *d)
{
    const struct weft_portrait *sides[2] = {&d->left->portrait, &d->right->portrait};
    for (int s = 0; s < 2; s++) {
        for (uint32_t i = 0; i < sides[s]->newest_count; i++) {
            const struct weft_record *record = &sides[s]->newest[i]->record;
            for (uint32_t f = 0; f < record->field_count; f++) {
                const struct weft_field *field = &record->fields[f];
                const struct weft_field *left = value_of(sides[0], field->path);
                const struct weft_field *right = value_of(sides[1], field->path);
                /* Each path once: where its own side shows it, and the left side first. */
                bool is_shown = (s == 0 ? left : right) == field && (s == 0 || left == NULL);
                if (is_shown) {
                    put_value(d, field->path, left, right);
                }
            }
        }
    }
}

static bool has_link(const struct weft_portrait *p, const struct weft_link *link)
{
    for (uint32_t i = 0; i < p->newest_count; i++) {
        const struct weft_record *record = &p->newest[i]->record;
        for (uint32_t l = 0; l < record->link_count; l++) {
            if (weft_text_equal(record->links[l].rel, link->rel) &&
                weft_text_equal(record->links[l].to, link->to)) {
                return true;
            }
        }
    }
    return false;
}

static void diff_links(struct diff *d)
{
    const struct weft_portrait *sides[2] = {&d->left->portrait, &d->right->portrait};
    for (int s = 0; s < 2; s++) {
        for (uint32_t i = 0; i < sides[s]->newest_count; i++) {
            const struct weft_record *record = &sides[s]->newest[i]->record;
            for (uint32_t l = 0; l < record->link_count; l++) {
                const struct weft_link *link = &record->links[l];
                if (!has_link(sides[1 - s], link)) {
                    open_difference(d, "link", link->rel);
                    weft_sheet_text(d->sheet, s == 0 ? "left" : "right", link->to);
                    weft_sheet_close(d->sheet);
                }
            }
        }
    }
}

/* --- configurations -------------------------------------------------------------------------- */

static const struct weft_contents *contents_of(const struct side *side)
{
    return side->configuration == WEFT_TWIN_BUILT ? &side->portrait.built
                                                  : &side->portrait.maintained;
}

static struct weft_text revision_of(const struct side *side)
{
    switch (side->configuration) {
    case WEFT_TWIN_DESIGNED:
        return side->portrait.designed.revision;
    case WEFT_TWIN_BUILT:
        return side->portrait.part.revision;
    case WEFT_TWIN_MAINTAINED:
    case WEFT_TWIN_UNSPECIFIED:
        break;
    }
    return side->portrait.revision;
}

static bool is_same_component(const struct weft_component *a, const struct weft_component *b)
{
    return weft_text_equal(a->asset, b->asset) && weft_text_equal(a->find, b->find);
}

/* Where it is, or their count. Both sides are in the order of time: as a rule it is at `next`,
 * behind the last one that was found. */
static uint32_t find_component(
    const struct weft_contents *contents, const struct weft_component *wanted, uint32_t next)
{
    for (uint32_t n = 0; n < contents->component_count; n++) {
        uint32_t at = (next + n) % contents->component_count;
        if (is_same_component(&contents->components[at], wanted)) {
            return at;
        }
    }
    return contents->component_count;
}

static void put_component(struct diff *d, const char *side, const struct weft_component *c)
{
    weft_sheet_open(d->sheet, side, '{');
    weft_sheet_maybe(d->sheet, "part", c->part.type);
    weft_sheet_maybe(d->sheet, "revision", c->part.revision);
    weft_sheet_maybe(d->sheet, "find", c->find);
    weft_sheet_maybe(d->sheet, "quantity", c->quantity);
    weft_sheet_maybe(d->sheet, "unit", c->unit);
    weft_sheet_text(d->sheet, "evidence", c->evidence);
    weft_sheet_moment(d->sheet, &c->since);
    weft_sheet_close(d->sheet);
}

static bool is_same_amount(const struct weft_component *a, const struct weft_component *b)
{
    return weft_text_equal(a->quantity, b->quantity) && weft_text_equal(a->unit, b->unit);
}

static void diff_contents(struct diff *d)
{
    const struct weft_contents *sides[2] = {contents_of(d->left), contents_of(d->right)};
    for (int s = 0; s < 2; s++) {
        const struct weft_contents *others = sides[1 - s];
        uint32_t next = 0;
        for (uint32_t i = 0; i < sides[s]->component_count; i++) {
            const struct weft_component *c = &sides[s]->components[i];
            uint32_t at = find_component(others, c, next);
            bool is_paired = at < others->component_count;
            next = is_paired ? at + 1 : next;
            if (is_paired && (s == 1 || is_same_amount(c, &others->components[at]))) {
                continue; /* The second side has only what the first has not. */
            }
            open_difference(d, "component", c->asset);
            put_component(d, s == 0 ? "left" : "right", c);
            if (is_paired) {
                put_component(d, "right", &others->components[at]);
            }
            weft_sheet_close(d->sheet);
        }
    }
}

static bool is_same_line(const struct weft_bom_line *a, const struct weft_bom_line *b)
{
    return weft_text_equal(a->to, b->to) && weft_text_equal(a->find, b->find) &&
           weft_text_equal(a->quantity, b->quantity) && weft_text_equal(a->unit, b->unit);
}

static void diff_lines(struct diff *d)
{
    const struct weft_portrait *sides[2] = {&d->left->portrait, &d->right->portrait};
    for (int s = 0; s < 2; s++) {
        const struct weft_bom *bom = &sides[s]->bom, *other = &sides[1 - s]->bom;
        for (uint32_t i = 0; i < bom->line_count; i++) {
            bool is_same = false;
            for (uint32_t j = 0; j < other->line_count && !is_same; j++) {
                is_same = is_same_line(&bom->lines[i], &other->lines[j]);
            }
            if (!is_same) {
                open_difference(d, "line", bom->lines[i].to);
                weft_sheet_open(d->sheet, s == 0 ? "left" : "right", '[');
                weft_sheet_line(d->sheet, bom, i);
                weft_sheet_close(d->sheet);
                weft_sheet_close(d->sheet);
            }
        }
    }
}

/* What is there against what is called for. */
static enum weft_err diff_design(
    struct diff *d, const struct side *designed, const struct side *other, struct weft_arena *arena)
{
    const struct weft_contents *contents = contents_of(other);
    struct weft_difference *differences = NULL;
    uint32_t count = 0;
    if (designed->portrait.has_bom &&
        weft_bom_compare(&designed->portrait.bom, contents->components, contents->component_count,
            arena, &differences, &count) != WEFT_OK) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_difference *x = &differences[i];
        struct weft_text wanted = x->wanted.revision.size > 0 ? x->wanted.revision : x->wanted.type;
        open_difference(
            d, weft_difference_kind_name(x->kind), x->component.size > 0 ? x->component : wanted);
        weft_sheet_maybe(d->sheet, "find", x->find);
        weft_sheet_maybe(d->sheet, "wanted", wanted);
        weft_sheet_maybe(
            d->sheet, "found", x->found.revision.size > 0 ? x->found.revision : x->found.type);
        if (x->kind == WEFT_DIFFERENCE_QUANTITY || x->kind == WEFT_DIFFERENCE_MISSING) {
            weft_sheet_text(d->sheet, "quantity", x->quantity);
            weft_sheet_maybe(d->sheet, "unit", x->unit);
            weft_sheet_real(d->sheet, "quantity_found", x->quantity_found);
        }
        weft_sheet_close(d->sheet);
    }
    return WEFT_OK;
}

/* --- the two sides --------------------------------------------------------------------------- */

static void diff_states(struct diff *d)
{
    const struct weft_portrait *left = &d->left->portrait, *right = &d->right->portrait;
    put_texts(d, "health", WEFT_TEXT("health"), weft_text_of(weft_health_name(left->health)),
        weft_text_of(weft_health_name(right->health)));
    put_texts(
        d, "designed", WEFT_TEXT("revision"), left->designed.revision, right->designed.revision);
    diff_values(d);
    diff_links(d);
    diff_contents(d);
    for (uint32_t i = 0; i < left->issue_count + right->issue_count; i++) {
        bool is_left = i < left->issue_count;
        const struct weft_portrait *other = is_left ? right : left;
        const struct weft_issue *issue =
            is_left ? &left->issues[i] : &right->issues[i - left->issue_count];
        bool is_known = false;
        for (uint32_t j = 0; j < other->issue_count; j++) {
            is_known = is_known || (other->issues[j].kind == issue->kind &&
                                       weft_text_equal(other->issues[j].asset, issue->asset) &&
                                       weft_text_equal(other->issues[j].detail, issue->detail));
        }
        if (!is_known) {
            open_difference(d, "issue", weft_text_of(weft_issue_kind_name(issue->kind)));
            weft_sheet_text(d->sheet, is_left ? "left" : "right",
                issue->detail.size > 0 ? issue->detail : issue->asset);
            weft_sheet_close(d->sheet);
        }
    }
}

static enum weft_err differ(struct diff *d, struct weft_arena *arena)
{
    bool left_designed = d->left->configuration == WEFT_TWIN_DESIGNED;
    bool right_designed = d->right->configuration == WEFT_TWIN_DESIGNED;
    if (d->left->configuration == WEFT_TWIN_UNSPECIFIED) {
        diff_states(d);
        return WEFT_OK;
    }
    put_texts(d, "revision", WEFT_TEXT("revision"), revision_of(d->left), revision_of(d->right));
    if (left_designed != right_designed) {
        return left_designed ? diff_design(d, d->left, d->right, arena)
                             : diff_design(d, d->right, d->left, arena);
    }
    if (left_designed) {
        diff_lines(d);
    } else {
        diff_contents(d);
    }
    return WEFT_OK;
}

static void put_side(struct weft_sheet *s, const char *name, const struct side *side)
{
    static const char *const names[] = {"", "designed", "built", "maintained"};
    weft_sheet_open(s, name, '{');
    weft_sheet_unsigned(s, "index", side->as_of);
    if (side->at_ns != INT64_MAX) {
        weft_sheet_time(s, "at", side->at_ns);
    }
    weft_sheet_maybe(s, "configuration", weft_text_of(names[side->configuration]));
    weft_sheet_unsigned(s, "rev", side->portrait.rev);
    weft_sheet_close(s);
}

static enum weft_err take_side(struct weft_run *run, struct side *side)
{
    struct weft_run seen = *run;
    struct weft_query query = *run->query;
    int64_t now_ns;
    seen.query = &query;
    seen.as_of = side->as_of;
    query.as_of = side->is_now ? 0 : side->as_of;
    query.has_at = side->at_ns != INT64_MAX;
    query.at_ns = side->at_ns;
    enum weft_err rv = weft_run_now(&seen, &now_ns);
    side->dossier = weft_run_dossier(&seen, run->arena);
    side->dossier.loader = &run->loader;
    return rv == WEFT_OK ? weft_portrait_take(&side->portrait, &side->dossier, run->query->asset,
                               now_ns, WEFT_PORTRAIT_STEPS_MAX)
                         : rv;
}

static enum weft_err take_sides(struct weft_run *run, struct side *left, struct side *right)
{
    const struct weft_query *q = run->query;
    *left = (struct side){
        .as_of = run->as_of, .at_ns = q->has_at ? q->at_ns : INT64_MAX, .configuration = q->left};
    *right = (struct side){.as_of = q->other_as_of != 0 ? q->other_as_of : run->view->index,
        .is_now = q->other_as_of == 0,
        .at_ns = q->other_has_at ? q->other_at_ns : INT64_MAX,
        .configuration = q->right};
    if ((q->left == WEFT_TWIN_UNSPECIFIED) != (q->right == WEFT_TWIN_UNSPECIFIED)) {
        return weft_fail(run->msg, WEFT_EINVAL, "two configurations are compared, or none");
    }
    if (right->as_of > run->view->index) {
        return weft_fail(run->msg, WEFT_EUNAVAILABLE,
            "this node has applied up to index %llu, not %llu",
            (unsigned long long)run->view->index, (unsigned long long)right->as_of);
    }
    enum weft_err rv = take_side(run, left);
    rv = rv == WEFT_OK ? take_side(run, right) : rv;
    if (rv == WEFT_OK && left->portrait.rev == 0 && right->portrait.rev == 0) {
        rv = weft_fail(run->msg, WEFT_ENOTFOUND, "nothing is said of asset '%.*s'",
            (int)q->asset.size, q->asset.data);
    }
    return rv;
}

enum weft_err weft_query_diff(struct weft_run *run)
{
    struct side left, right;
    struct weft_sheet sheet;
    enum weft_err rv = take_sides(run, &left, &right);
    if (rv != WEFT_OK) {
        return rv;
    }
    struct diff d = {.sheet = &sheet, .left = &left, .right = &right};
    run->as_of = left.as_of > right.as_of ? left.as_of : right.as_of;
    weft_sheet_init(&sheet, run->arena);
    weft_sheet_text(&sheet, "asset", run->query->asset);
    weft_sheet_unsigned(&sheet, "index", run->as_of);
    put_side(&sheet, "left", &left);
    put_side(&sheet, "right", &right);
    weft_sheet_open(&sheet, "differences", '[');
    rv = differ(&d, run->arena);
    weft_sheet_close(&sheet);
    if (rv != WEFT_OK) {
        return weft_fail(run->msg, rv, "compare two states");
    }
    weft_sheet_unsigned(&sheet, "count", d.count);
    uint64_t rev = left.portrait.rev > right.portrait.rev ? left.portrait.rev : right.portrait.rev;
    return weft_run_document(run, &sheet, rev);
}
