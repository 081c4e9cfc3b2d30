/* jepsen/cluster/nemesis_table.h: the tables that the files of nemeses bring to the whole list. */
#ifndef WEFT_JEPSEN_CLUSTER_NEMESIS_TABLE_H
#define WEFT_JEPSEN_CLUSTER_NEMESIS_TABLE_H

#include "jepsen/cluster/nemesis.h"

/* Each ends with a nemesis without name. */
extern const struct jep_nemesis jep_nemeses_none[];
extern const struct jep_nemesis jep_nemeses_partition[];
extern const struct jep_nemesis jep_nemeses_link[];
extern const struct jep_nemesis jep_nemeses_process[];
extern const struct jep_nemesis jep_nemeses_power[];
extern const struct jep_nemesis jep_nemeses_disk[];
extern const struct jep_nemesis jep_nemeses_damage[];
extern const struct jep_nemesis jep_nemeses_clock[];
extern const struct jep_nemesis jep_nemeses_member[];
extern const struct jep_nemesis jep_nemeses_upgrade[];
extern const struct jep_nemesis jep_nemeses_resource[];
extern const struct jep_nemesis jep_nemeses_failpoint[];
extern const struct jep_nemesis jep_nemeses_keys[];
extern const struct jep_nemesis jep_nemeses_gateway[];
extern const struct jep_nemesis jep_nemeses_arrow[];
extern const struct jep_nemesis jep_nemeses_partner[];
extern const struct jep_nemesis jep_nemeses_restore[];

/* The arguments of start and stop, and of plan, as every nemesis has them. */
#define JEP_PLAN(name)                                                                             \
    static struct jep_edn name(                                                                    \
        struct jep_rng *rng, const struct jep_shape *shape, struct jep_arena *arena)
#define JEP_ACT(name)                                                                              \
    static bool name(struct jep_plant *plant, const struct jep_edn *plan, struct jep_arena *arena, \
        struct jep_edn *ret_value, struct jep_message *message)

#endif
