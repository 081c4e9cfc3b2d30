#include "tests/mutants/planted.h"

#include <string.h>

/* Policy knows nothing of Raft's struct. */
static const struct weft_mutant_info *command_info(unsigned n)
{
    static struct weft_mutant_info infos[WEFT_COMMAND_MUTANTS];
    infos[n] = (struct weft_mutant_info){.name = weft_command_mutant_names[n],
        .fault = weft_command_mutant_faults[n],
        .is_for_plants = true};
    return &infos[n];
}

const struct weft_mutant_info *weft_planted_at(unsigned n)
{
    if (n < WEFT_MUTANTS) {
        return &weft_mutant_infos[n];
    }
    n -= WEFT_MUTANTS;
    if (n < WEFT_NODE_MUTANTS) {
        return &weft_node_mutant_infos[n];
    }
    n -= WEFT_NODE_MUTANTS;
    return n < WEFT_COMMAND_MUTANTS ? command_info(n) : NULL;
}

/* The number of the name that begins at `name`, or -1. */
static int find(const char *name, size_t size)
{
    const struct weft_mutant_info *info;
    for (unsigned n = 0; (info = weft_planted_at(n)) != NULL; n++) {
        if (strlen(info->name) == size && memcmp(info->name, name, size) == 0) {
            return (int)n;
        }
    }
    return -1;
}

bool weft_planted_select(const char *names, const char **ret_bad)
{
    uint64_t raft = 0, node = 0, command = 0;
    for (const char *at = names; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ",");
        int n = find(at, size);
        if (n < 0) {
            if (ret_bad != NULL) {
                *ret_bad = at;
            }
            return false;
        }
        if (n < WEFT_MUTANTS) {
            raft |= UINT64_C(1) << n;
        } else if (n < WEFT_MUTANTS + WEFT_NODE_MUTANTS) {
            node |= UINT64_C(1) << (n - WEFT_MUTANTS);
        } else {
            command |= UINT64_C(1) << (n - WEFT_MUTANTS - WEFT_NODE_MUTANTS);
        }
        at += size + (at[size] == ',' ? 1 : 0);
    }
    weft_mutants_on = raft;
    weft_node_mutants_on = node;
    weft_command_mutants_on = command;
    return true;
}

void weft_planted_print(FILE *out)
{
    const struct weft_mutant_info *info;
    for (unsigned n = 0; (info = weft_planted_at(n)) != NULL; n++) {
        (void)fprintf(
            out, "%s\t%s\t%s\n", info->name, info->is_for_plants ? "plant" : "sim", info->fault);
    }
}
