/* node/state/twin/fact.h: what records say, by path and by rel: how the parts of a twin read them.
 *
 * Two orders matter: that of truth (`at`, then place) for what happened to things, and that of
 * agreement (place alone: index, ordinal) for documents, which each statement replaces whole. */
#ifndef WEFT_NODE_STATE_TWIN_FACT_H
#define WEFT_NODE_STATE_TWIN_FACT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/client.h"
#include "proto/record.h"

struct weft_moment {
    int64_t at_ns;
    uint64_t index;
    uint32_t ordinal;
};

static inline struct weft_moment weft_moment_of(const struct weft_stored_record *r)
{
    return (struct weft_moment){r->record.at_ns, r->index, r->ordinal};
}

/* Below 0: a was agreed before b. */
int weft_moment_compare_place(const struct weft_moment *a, const struct weft_moment *b);
/* Below 0: a was true before b, or at the same time and agreed before. */
int weft_moment_compare(const struct weft_moment *a, const struct weft_moment *b);

/* NULL: there is none. */
const struct weft_field *weft_fact_field(
    const struct weft_field *fields, uint32_t count, const char *path);
/* The value of a scalar, as its text; empty if there is none. */
struct weft_text weft_fact_text(const struct weft_record *record, const char *path);
struct weft_text weft_fact_link_text(const struct weft_link *link, const char *path);
bool weft_fact_is_true(const struct weft_record *record, const char *path);
/* False: there is none, or it is no time with a zone. */
bool weft_fact_time(const struct weft_record *record, const char *path, int64_t *ret_ns);
/* False: not the text of a number. */
bool weft_fact_number(struct weft_text text, double *ret_number);
/* The n-th link by this rel, from 0; NULL past the last. */
const struct weft_link *weft_fact_link(
    const struct weft_record *record, const char *rel, uint32_t n);
bool weft_fact_links_to(const struct weft_record *record, const char *rel, struct weft_text to);

#endif
