#include "jepsen/work/pulse.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "jepsen/cluster/process.h"

enum {
    EVERY_MS = 10,
    NS_PER_MS = 1000000
};

struct jep_pulse {
    struct jep_history_writer *history;
    pthread_t thread;
    atomic_bool is_over;
};

static void tell(struct jep_pulse *pulse, int64_t late_ns)
{
    struct jep_edn items[] = {jep_edn_keyword("late-ms"), jep_edn_int(late_ns / NS_PER_MS)};
    struct jep_op op = {.type = JEP_INFO, .time_ns = -1, .process = JEP_NEMESIS, .f = "starved"};
    op.value = (struct jep_edn){.type = JEP_EDN_MAP, .count = 1, .items = items};
    jep_history_write(pulse->history, &op, NULL);
}

static void *beat(void *ctx)
{
    struct jep_pulse *pulse = ctx;
    while (!atomic_load(&pulse->is_over)) {
        int64_t asked_ns = jep_now_ns();
        jep_sleep_ms(EVERY_MS);
        int64_t late_ns = jep_now_ns() - asked_ns - (int64_t)EVERY_MS * NS_PER_MS;
        if (late_ns >= (int64_t)JEP_PULSE_LATE_MS * NS_PER_MS) {
            tell(pulse, late_ns);
        }
    }
    return NULL;
}

struct jep_pulse *jep_pulse_start(struct jep_history_writer *history)
{
    struct jep_pulse *pulse = jep_alloc(1, sizeof(*pulse));
    *pulse = (struct jep_pulse){.history = history};
    if (pthread_create(&pulse->thread, NULL, beat, pulse) != 0) {
        free(pulse);
        return NULL;
    }
    return pulse;
}

void jep_pulse_stop(struct jep_pulse *pulse)
{
    if (pulse != NULL) {
        atomic_store(&pulse->is_over, true);
        (void)pthread_join(pulse->thread, NULL);
        free(pulse);
    }
}
