#include "jepsen/cluster/nemesis.h"

#include <string.h>

#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"

/* --- controls: nothing is done, and what is done fails ----------------------------------- */

JEP_PLAN(plan_none)
{
    (void)rng, (void)shape, (void)arena;
    return jep_edn_nil();
}

JEP_ACT(do_nothing)
{
    struct jep_evidence evidence = {.arena = arena};
    (void)plan, (void)message;
    *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_NONE, &evidence);
    return true;
}

JEP_ACT(fail)
{
    (void)plant, (void)plan, (void)arena, (void)ret_value;
    return jep_failed(message, "it fails, so that it is seen what comes of that");
}

const struct jep_nemesis jep_nemeses_none[] = {
    {"none", "none", 0, JEP_NEMESIS_CONTROL, plan_none, do_nothing, do_nothing},
    {"broken-start", "broken", 0, JEP_NEMESIS_CONTROL, plan_none, fail, do_nothing},
    {"broken-stop", "broken", 0, JEP_NEMESIS_CONTROL, plan_none, do_nothing, fail},
    {.name = NULL},
};

/* --- all of them ------------------------------------------------------------------------- */

static const struct jep_nemesis *const tables[] = {jep_nemeses_none, jep_nemeses_partition,
    jep_nemeses_link, jep_nemeses_process, jep_nemeses_power, jep_nemeses_disk, jep_nemeses_damage,
    jep_nemeses_clock, jep_nemeses_member, jep_nemeses_upgrade, jep_nemeses_resource,
    jep_nemeses_failpoint, jep_nemeses_keys, jep_nemeses_gateway, jep_nemeses_arrow,
    jep_nemeses_partner, jep_nemeses_restore};

const struct jep_nemesis *const *jep_nemesis_all(size_t *ret_count)
{
    /* The same pointers whoever comes first: two threads may fill it at once. */
    static const struct jep_nemesis *all[JEP_NEMESES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct jep_nemesis *n = tables[i]; n->name != NULL; n++) {
            if (count < JEP_NEMESES_MAX) {
                all[count++] = n;
            }
        }
    }
    *ret_count = count;
    return all;
}

const struct jep_nemesis *jep_nemesis_find(const char *name)
{
    size_t count;
    const struct jep_nemesis *const *all = jep_nemesis_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            return all[i];
        }
    }
    return NULL;
}

static bool has_name(const struct jep_nemesis *nemesis, const char *word, size_t size)
{
    return (strlen(nemesis->name) == size && strncmp(nemesis->name, word, size) == 0) ||
           (strlen(nemesis->family) == size && strncmp(nemesis->family, word, size) == 0);
}

static bool is_named(const struct jep_nemesis *nemesis, const char *word, size_t size)
{
    return has_name(nemesis, word, size) ||
           (size == 3 && strncmp("all", word, size) == 0 &&
               (nemesis->flags &
                   (JEP_NEMESIS_CONTROL | JEP_NEMESIS_GATEWAYS | JEP_NEMESIS_SITES)) == 0);
}

/* Those that the word names, each once; false: none. */
static bool add_named(
    const char *word, size_t size, const struct jep_nemesis **ret_nemeses, size_t *count)
{
    size_t all_count, found = 0;
    const struct jep_nemesis *const *all = jep_nemesis_all(&all_count);
    for (size_t i = 0; i < all_count; i++) {
        size_t k = 0;
        if (!is_named(all[i], word, size)) {
            continue;
        }
        found++;
        while (k < *count && ret_nemeses[k] != all[i]) {
            k++;
        }
        if (k == *count) {
            ret_nemeses[(*count)++] = all[i];
        }
    }
    return found > 0;
}

bool jep_nemesis_select(const char *list, const struct jep_nemesis **ret_nemeses, size_t *ret_count,
    struct jep_message *message)
{
    size_t count = 0;
    for (const char *word = list; *word != 0;) {
        size_t size = strcspn(word, ",");
        if (!add_named(word, size, ret_nemeses, &count)) {
            return jep_failed(message, "no nemesis is called '%.*s'", (int)size, word);
        }
        word += size;
        word += *word == ',';
    }
    *ret_count = count;
    return true;
}

bool jep_nemesis_wants_test_build(const char *list)
{
    size_t count;
    const struct jep_nemesis *const *all = jep_nemesis_all(&count);
    for (const char *word = list; *word != 0;) {
        size_t size = strcspn(word, ",");
        for (size_t i = 0; i < count; i++) {
            if ((all[i]->flags & JEP_NEMESIS_TEST_BUILD) != 0 && has_name(all[i], word, size)) {
                return true;
            }
        }
        word += size;
        word += *word == ',';
    }
    return false;
}
