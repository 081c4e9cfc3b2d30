/* federation/cell_rule.h: the rules by which the effective value of a cell follows from the
 * statements about it, by the names that contracts give them. What each means is for the cells. */
#ifndef WEFT_FEDERATION_CELL_RULE_H
#define WEFT_FEDERATION_CELL_RULE_H

#include <stdbool.h>

#include "proto/bytes.h"

/* The words stand in contracts and never change. */
enum weft_cell_rule {
    WEFT_CELL_OWNER, /* The authority's highest revision; others are claims. */
    WEFT_CELL_JOIN,  /* The most restrictive that is not resolved. */
    WEFT_CELL_UNION, /* All. */
    WEFT_CELL_MATCH, /* The value if all agree, else disputed. */
    WEFT_CELL_DUAL,  /* Valid only with both signatures. */
    WEFT_CELL_RULES
};

/* "OWNER", "JOIN", ... */
const char *weft_cell_rule_name(enum weft_cell_rule rule);
/* False: no such rule. */
bool weft_cell_rule_parse(struct weft_text name, enum weft_cell_rule *ret_rule);

#endif
