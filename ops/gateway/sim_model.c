#include "ops/gateway/sim_model.h"

#include <math.h>
#include <stddef.h>

static const struct weft_sim_kind kinds[] = {
    {"press", "set-speed", "speed", "rpm", 80, 800},
    {"pump", "set-flow", "flow", "L/min", 200, 1500},
};

const struct weft_sim_kind *weft_sim_kind_find(struct weft_text name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (weft_text_is(name, kinds[i].name)) {
            return &kinds[i];
        }
    }
    return NULL;
}

void weft_sim_init(struct weft_sim_state *state, const struct weft_sim_kind *kind)
{
    *state = (struct weft_sim_state){.kind = kind};
}

static double value_at(const struct weft_sim_state *state, int64_t now_ms)
{
    double gone_ms = now_ms > state->since_ms ? (double)(now_ms - state->since_ms) : 0;
    return state->target + (state->from - state->target) * exp(-gone_ms / state->kind->tau_ms);
}

static bool set(struct weft_sim_state *state, double target, int64_t now_ms, const char **ret_why)
{
    if (target < 0 || target > state->kind->max) {
        *ret_why = "beyond what the machine stands";
        return false;
    }
    state->from = value_at(state, now_ms);
    state->target = target;
    state->since_ms = now_ms;
    return true;
}

static const struct weft_command_arg *find(
    const struct weft_command_arg *args, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (weft_text_is(args[i].name, name)) {
            return &args[i];
        }
    }
    return NULL;
}

bool weft_sim_tell(struct weft_sim_state *state, struct weft_text verb,
    const struct weft_command_arg *args, uint32_t arg_count, int64_t now_ms, const char **ret_why)
{
    const struct weft_command_arg *arg = find(args, arg_count, state->kind->field);
    const struct weft_command_arg *mode = find(args, arg_count, "mode");
    if (weft_text_is(verb, "stop")) {
        return set(state, 0, now_ms, ret_why);
    }
    if (weft_text_is(verb, "jog")) {
        state->strokes++;
        return true;
    }
    if (weft_text_is(verb, "set-mode") && mode != NULL && mode->value.type == WEFT_SCALAR_WORD) {
        state->is_manual = weft_text_is(mode->value.word, "manual");
        return true;
    }
    if (weft_text_is(verb, state->kind->verb) && arg != NULL &&
        arg->value.type == WEFT_SCALAR_NUMBER && weft_text_is(arg->value.unit, state->kind->unit)) {
        return set(state, (double)arg->value.number / (double)WEFT_SCALAR_ONE, now_ms, ret_why);
    }
    *ret_why = "a verb that the machine does not know, or without its argument";
    return false;
}

uint32_t weft_sim_read(const struct weft_sim_state *state, int64_t now_ms,
    struct weft_reading ret_readings[WEFT_SIM_READINGS])
{
    int64_t at_ns = now_ms * 1000000;
    double value = value_at(state, now_ms);
    int64_t hundredths = llround(value * 100); /* What its display shows. */
    ret_readings[0] = (struct weft_reading){weft_text_of(state->kind->field),
        {.type = WEFT_SCALAR_NUMBER,
            .number = hundredths * (WEFT_SCALAR_ONE / 100),
            .unit = weft_text_of(state->kind->unit)},
        at_ns};
    ret_readings[1] = (struct weft_reading){WEFT_TEXT("strokes"),
        {.type = WEFT_SCALAR_NUMBER,
            .number = (int64_t)(state->strokes % 1000000000) * WEFT_SCALAR_ONE,
            .unit = WEFT_TEXT("1")},
        at_ns};
    ret_readings[2] = (struct weft_reading){WEFT_TEXT("state/mode"),
        {.type = WEFT_SCALAR_WORD,
            .word = state->is_manual ? WEFT_TEXT("manual") : WEFT_TEXT("auto")},
        at_ns};
    ret_readings[3] = (struct weft_reading){WEFT_TEXT("state/moving"),
        {.type = WEFT_SCALAR_TRUTH, .truth = fabs(value) >= 0.005}, at_ns};
    return WEFT_SIM_READINGS;
}
