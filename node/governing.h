/* node/governing.h: how a site comes to be governed: by its first commit, and nothing before it.
 *
 * `weftd --bootstrap` reads org document, enrolments and policy from the files that its
 * configuration names, holds them to the rules that apply will hold them to, and, once it leads,
 * proposes them before it takes any other commit (NOD-16). What governs afterwards is the state's
 * (node/state/README.md, Authority). */
#ifndef WEFT_NODE_GOVERNING_H
#define WEFT_NODE_GOVERNING_H

#include <stdbool.h>
#include <stdint.h>

#include "node/config.h"
#include "node/state/state.h"
#include "proto/bytes.h"
#include "proto/err.h"

struct weft_node;

/* The first commit as a CommitRequest table, appended to `ret_commit`. now_ns is the wall clock.
 * WEFT_EINVAL: the configuration names no files. WEFT_ENOTFOUND, WEFT_EIO: a file. What apply
 * would refuse: its code, with the file's name. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_governing_read(const struct weft_config *config, int64_t now_ns,
    struct weft_buffer *ret_commit, struct weft_msg *msg);

/* Before the first start of a site's first node changes anything: is it said what governs the
 * site, or that nothing does? As read; WEFT_EINVAL: command line and configuration disagree. */
WEFT_MUST_USE enum weft_err weft_governing_check_start(
    const struct weft_node *node, struct weft_msg *msg);
/* A line in the log for a site that nothing governs. */
void weft_governing_warn(struct weft_node *node);

/* May commits be proposed: the site is governed, or it is said that it is not to be, or it has
 * records from before there was such a thing. */
bool weft_governing_is_done(const struct weft_node *node);
/* The leader of an empty site proposes its first commit, once in each of its terms. */
void weft_governing_turn(struct weft_node *node, int64_t now_ns);
/* An item was applied: one that was to govern the site and was refused is told in the log. */
void weft_governing_note(const struct weft_node *node, const struct weft_applied_item *item);

/* "plant1-core 42", "ungoverned", "none" (governed, nothing is permitted); in the arena. */
struct weft_text weft_governing_name(const struct weft_node *node, struct weft_arena *arena);

#endif
