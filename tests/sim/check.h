/* tests/sim/check.h: the judge of logs, leaders and what is applied: from outside. */
#ifndef WEFT_TESTS_SIM_CHECK_H
#define WEFT_TESTS_SIM_CHECK_H

#include "tests/sim/sim.h"

struct sim_check *sim_check_create(void);
void sim_check_destroy(struct sim_check *c);
void sim_check_append(
    struct sim_node *n, uint64_t index, uint64_t prev_term, const struct weft_peer_entry *entry);
void sim_check_leader(struct sim_node *n, uint64_t term);
struct sim_state sim_check_apply(struct sim_node *n, const struct weft_log_entry *entry);
void sim_check_install(struct sim_node *n, uint64_t index, uint64_t term, uint64_t chain);
void sim_check_acknowledge(struct sim *s, uint64_t index, uint64_t term, uint64_t value);
uint64_t sim_check_read_floor(const struct sim *s);
void sim_check_read(struct sim_node *n, uint64_t floor, uint64_t index, uint64_t applied);
/* The newest one applied (NULL: none), and that at an index. */
const struct weft_configuration *sim_check_configuration(const struct sim *s);
const struct weft_configuration *sim_check_configuration_at(const struct sim *s, uint64_t index);
uint64_t sim_check_applied_max(const struct sim *s);
/* The state after an index that was applied: what a node is at that starts from it. */
struct sim_state sim_check_state_at(const struct sim *s, uint64_t index);
void sim_check_end(struct sim *s); /* Nothing acknowledged is lost or doubled. */

#endif
