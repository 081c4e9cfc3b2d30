#include "federation/cell_rule.h"

#include "proto/check.h"

static const char *const names[WEFT_CELL_RULES] = {
    [WEFT_CELL_OWNER] = "OWNER",
    [WEFT_CELL_JOIN] = "JOIN",
    [WEFT_CELL_UNION] = "UNION",
    [WEFT_CELL_MATCH] = "MATCH",
    [WEFT_CELL_DUAL] = "DUAL",
};

const char *weft_cell_rule_name(enum weft_cell_rule rule)
{
    weft_assert((unsigned)rule < WEFT_CELL_RULES); /* FED-1 */
    return names[rule];
}

bool weft_cell_rule_parse(struct weft_text name, enum weft_cell_rule *ret_rule)
{
    for (unsigned i = 0; i < WEFT_CELL_RULES; i++) {
        if (weft_text_is(name, names[i])) {
            *ret_rule = (enum weft_cell_rule)i;
            return true;
        }
    }
    return false;
}
