/* Random links for histories of the thread. */
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/node/state_model.h"

int model_random_rel(const char *names)
{
    for (;;) {
        int rel = (int)test_random(MODEL_RELS);
        if (names == NULL || strstr(names, model_rels[rel]) != NULL) {
            return rel;
        }
    }
}

/* Mostly a parent has a lower number than its children, so that not everything is inside
 * everything; pairs come again, so that something ends and begins anew. */
static int random_target(const struct model_spec *spec, int rel)
{
    bool is_inside =
        strstr("output part_of installed_in removed_from parent empties", model_rels[rel]);
    int low = is_inside ? spec->asset - 6 : spec->asset + 1;
    int to = low + (int)test_random(6);
    if (strcmp(model_rels[rel], "made_on") == 0 || strcmp(model_rels[rel], "instance_of") == 0) {
        return (int)test_random(4); /* few machines and types */
    }
    to = to < 0 && spec->asset > 0 ? (int)test_random((uint64_t)spec->asset) : to;
    return test_random(40) == 0 || to < 0 || to > MODEL_ASSETS - 2
               ? (int)test_random(MODEL_ASSETS - 1)
               : to;
}

/* Now and then a container with children. */
void model_random_links(struct model_spec *spec, bool may_be_event)
{
    bool has_parent = may_be_event && test_random(4) == 0;
    spec->link_count = 1 + (int)test_random(MODEL_LINKS_MAX);
    for (int i = 0; i < spec->link_count; i++) {
        do {
            spec->links[i][0] = model_random_rel(NULL);
        } while (!may_be_event && strcmp(model_rels[spec->links[i][0]], "parent") == 0);
        if (has_parent) {
            spec->links[i][0] = model_random_rel(i == 0 ? "parent" : "contains releases empties");
        }
        spec->links[i][1] = random_target(spec, spec->links[i][0]);
        if (i > 0 && test_random(6) == 0) {
            spec->links[i][1] = spec->links[i - 1][1];
        }
    }
}
