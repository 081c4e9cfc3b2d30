#include "jepsen/work/workload.h"

#include <string.h>

#include "jepsen/cluster/json.h"

static const struct jep_workload *const workloads[] = {&jep_workload_register, &jep_workload_append,
    &jep_workload_set, &jep_workload_bank, &jep_workload_counter, &jep_workload_watch,
    &jep_workload_as_of, &jep_workload_lineage, &jep_workload_membership, &jep_workload_checkpoint,
    &jep_workload_audit, &jep_workload_actuation, &jep_workload_federation};

const struct jep_workload *jep_workload_at(size_t i)
{
    return i < sizeof(workloads) / sizeof(workloads[0]) ? workloads[i] : NULL;
}

const struct jep_workload *jep_workload_find(const char *name)
{
    const struct jep_workload *workload;
    for (size_t i = 0; (workload = jep_workload_at(i)) != NULL; i++) {
        if (strcmp(workload->name, name) == 0) {
            return workload;
        }
    }
    return NULL;
}

/* --- planning ---------------------------------------------------------------------------- */

void jep_gen_init(struct jep_gen *gen, struct jep_arena *arena, uint64_t seed, unsigned workers)
{
    *gen = (struct jep_gen){.arena = arena,
        .rng = jep_rng_stream(seed, "operations"),
        .workers = workers,
        .sites = 1,
        .next_value = 1};
}

int64_t jep_gen_key(struct jep_gen *gen, unsigned worker)
{
    unsigned group = worker / JEP_KEY_WORKERS % JEP_GROUPS_MAX;
    if (gen->groups[group].ops == 0) {
        gen->groups[group].key = gen->next_key++;
        gen->groups[group].ops = JEP_KEY_OPS;
        gen->groups[group].recent_count = 0;
    }
    gen->groups[group].ops--;
    return gen->groups[group].key;
}

int64_t jep_gen_value(struct jep_gen *gen, unsigned worker)
{
    unsigned group = worker / JEP_KEY_WORKERS % JEP_GROUPS_MAX;
    int64_t *recent = gen->groups[group].recent;
    memmove(recent + 1, recent, (JEP_RECENT_VALUES - 1) * sizeof(*recent));
    recent[0] = gen->next_value++;
    if (gen->groups[group].recent_count < JEP_RECENT_VALUES) {
        gen->groups[group].recent_count++;
    }
    return recent[0];
}

/* --- outcomes ---------------------------------------------------------------------------- */

void jep_call_read_outcome(struct jep_call *call, const struct jep_answer *answer)
{
    call->type = jep_outcome_of_read(answer);
    call->error = call->type == JEP_OK ? jep_edn_nil() : jep_outcome_error(answer, call->arena);
}

void jep_call_commit_outcome(struct jep_call *call, const struct jep_answer *answer)
{
    call->type = jep_outcome_of_commit(answer);
    call->error = call->type == JEP_OK ? jep_edn_nil() : jep_outcome_error(answer, call->arena);
}

void jep_call_fail(struct jep_call *call, const char *code)
{
    call->type = JEP_FAIL;
    call->error = jep_edn_keyword(code);
}
