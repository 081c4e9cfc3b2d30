/* jepsen/work/tides.h: how far the streams between sites have come: each site is asked again and
 * again while clients and faults are at work, and what changes stands in the history as `:f
 * :stream`. */
#ifndef WEFT_JEPSEN_WORK_TIDES_H
#define WEFT_JEPSEN_WORK_TIDES_H

#include "jepsen/work/client.h"

struct jep_history_writer;
struct jep_tides;

/* Threads of its own, one for each site; borrows all until jep_tides_stop. */
struct jep_tides *jep_tides_start(
    const struct jep_site *sites, unsigned count, struct jep_history_writer *history, int log);
/* Takes NULL too. */
void jep_tides_stop(struct jep_tides *tides);

/* How an agreement stands at a site, as `partner/NAME` says it: the map of `:stream`, or nil: no
 * node says. Asks the nodes in turn from client->home on. */
struct jep_edn jep_tide_read(
    struct jep_client *client, unsigned site, unsigned agreement, struct jep_arena *arena);
/* The cell in which the verdicts on a unit meet, as the site has it now: "" there is none yet;
 * NULL: the node at home does not say. */
const char *jep_tide_cell(
    struct jep_client *client, unsigned agreement, int64_t unit, struct jep_arena *arena);
/* The word behind the first `key` of a text, or ""; takes NULL too. */
const char *jep_tide_word(const char *text, const char *key, struct jep_arena *arena);
/* The content of a file of the site (`weft session`, op file); NULL: no node says. */
const char *jep_tide_file(struct jep_client *client, const char *path, struct jep_arena *arena);

#endif
