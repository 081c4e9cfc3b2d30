/* tests/sim/count.h: what happened in a simulation. */
#ifndef WEFT_TESTS_SIM_COUNT_H
#define WEFT_TESTS_SIM_COUNT_H

/* What happened, so that a run can prove that it met what it is there for. */
enum sim_count {
    SIM_LOST,
    SIM_DUPLICATED,
    SIM_OVERTAKEN,
    SIM_PARTITION,
    SIM_ONE_WAY,
    SIM_CRASH,
    SIM_LOST_WRITES,
    SIM_TORN_WRITES,
    SIM_STATE_AHEAD,
    SIM_DISK_ERROR,
    SIM_DISK_FULL,
    SIM_PAUSE,
    SIM_ADDED,
    SIM_PROMOTED,
    SIM_DEMOTED,
    SIM_REMOVED,
    SIM_LEADER_REMOVED,
    SIM_CHECKPOINT,
    SIM_INSTALL,
    SIM_TRANSFER,
    SIM_PROPOSED,
    SIM_ACKNOWLEDGED,
    SIM_READ,
    SIM_READ_FAILED,
    SIM_LEADER,
    SIM_TRUNCATED,
    SIM_MINORITY_HEAL,
    SIM_ALARM,
    SIM_COUNTS,
};
extern const char *const sim_count_names[SIM_COUNTS];

#endif
