#include "ops/gateway/machine_sim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ops/gateway/sim_model.h"
#include "ops/weft/files.h"
#include "proto/check.h"

enum {
    TOLD_SIZE_MAX = 64 * 1024 * 1024, /* chosen: a million acts */
    INPUTS_SIZE_MAX = 64 * 1024,
    LINE_SIZE_MAX = 4096, /* of `told`: a verb, 16 arguments */
};

/* The machine, or its shadow. */
struct side {
    struct sim *sim;
    struct weft_sim_state state;
    uv_timer_t timer; /* Of the answer. */
    bool is_shadow;
    bool is_acting;
    uint64_t act;
    enum weft_actor_result result;
    const char *why;
    bool wants_values;
};

struct sim {
    struct weft_machine machine;
    struct weft_machine_callbacks callbacks;
    uint32_t channel;
    uint32_t answer_ms;
    int fd; /* told */
    char inputs[WEFT_FILES_PATH_SIZE];
    struct side sides[2];
    uint32_t handles;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- told ------------------------------------------------------------------------------------ */

/* "verb name=value ...": values have blanks, so arguments are parted by ';'. */
static bool parse_args(
    struct weft_text rest, struct weft_command_arg *ret_args, uint32_t *ret_count)
{
    *ret_count = 0;
    while (rest.size > 0) {
        struct weft_text one;
        struct weft_command_arg arg;
        (void)weft_text_cut(&rest, ';', &one);
        if (*ret_count == WEFT_COMMAND_ARGS_MAX || !weft_text_cut(&one, '=', &arg.name) ||
            !weft_scalar_parse(one, &arg.value)) {
            return false;
        }
        ret_args[(*ret_count)++] = arg;
    }
    return true;
}

static enum weft_err replay_line(struct sim *sim, struct weft_text line, struct weft_msg *msg)
{
    struct weft_text time, where, id, verb, rest = line;
    struct weft_command_arg args[WEFT_COMMAND_ARGS_MAX];
    uint64_t ms = 0;
    uint32_t count;
    const char *why;
    bool is_cut = weft_text_cut(&rest, ' ', &time) && weft_text_cut(&rest, ' ', &where) &&
                  weft_text_cut(&rest, ' ', &id);
    if (is_cut && !weft_text_cut(&rest, ' ', &verb)) {
        verb = rest;
        rest = WEFT_TEXT("");
    }
    if (!is_cut || !weft_text_number(time, &ms) || !parse_args(rest, args, &count)) {
        return weft_fail(msg, WEFT_EMALFORMED, "told: %.*s",
            (int)(line.size < 200 ? line.size : 200), line.data);
    }
    struct weft_sim_state *state = &sim->sides[weft_text_is(where, "shadow")].state;
    (void)weft_sim_tell(state, verb, args, count, (int64_t)ms, &why);
    return WEFT_OK;
}

/* A last line without its end is one that a killed gateway was writing: it was not told. */
static enum weft_err replay(struct sim *sim, const char *path, struct weft_msg *msg)
{
    struct weft_buffer file = {.size_max = TOLD_SIZE_MAX};
    enum weft_err err = weft_files_read(path, &file, msg);
    struct weft_text rest = weft_buffer_as_text(&file), line = {NULL, 0};
    while (err == WEFT_OK && weft_text_cut(&rest, '\n', &line)) {
        err = replay_line(sim, line, msg);
    }
    off_t whole = (off_t)(file.size - (err == WEFT_OK ? line.size : 0));
    if (err == WEFT_OK && whole < (off_t)file.size && ftruncate(sim->fd, whole) != 0) {
        err = weft_fail(msg, WEFT_EIO, "cut %s: %s", path, strerror(errno));
    }
    weft_buffer_destroy(&file);
    return err;
}

static bool put_args(struct weft_buffer *out, const struct weft_command_arg *args, uint32_t count)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < count && err == WEFT_OK; i++) {
        err = weft_buffer_format(
            out, "%s%.*s=", i == 0 ? " " : ";", (int)args[i].name.size, args[i].name.data);
        if (err == WEFT_OK) {
            err = weft_scalar_format(&args[i].value, out);
        }
    }
    return err == WEFT_OK;
}

/* The machine is told by one write of one line. False: it was not told. */
static bool write_told(struct sim *sim, int64_t ms, const char *where, const uint8_t *id,
    struct weft_text verb, const struct weft_command_arg *args, uint32_t count)
{
    struct weft_buffer line = {.size_max = LINE_SIZE_MAX};
    char hex[2 * WEFT_COMMAND_ID_SIZE + 1] = "-";
    for (int i = 0; id != NULL && i < WEFT_COMMAND_ID_SIZE; i++) {
        (void)snprintf(hex + 2 * (size_t)i, 3, "%02x", id[i]);
    }
    bool is_whole = weft_buffer_format(&line, "%" PRId64 " %s %s %.*s", ms, where, hex,
                        (int)verb.size, verb.data) == WEFT_OK &&
                    put_args(&line, args, count) && weft_buffer_format(&line, "\n") == WEFT_OK;
    bool is_told = is_whole && write(sim->fd, line.data, line.size) == (ssize_t)line.size;
    weft_buffer_destroy(&line);
    return is_told;
}

/* --- inputs ---------------------------------------------------------------------------------- */

/* A text for as long as the readings are used. */
struct inputs {
    struct weft_buffer text;
    struct weft_reading readings[WEFT_ACTOR_READINGS_MAX];
    uint32_t count;
};

static void add_input(struct inputs *in, struct weft_text line, int64_t ms)
{
    struct weft_reading reading;
    struct weft_demand demand;
    if (in->count == WEFT_ACTOR_READINGS_MAX) {
        return;
    }
    if (weft_reading_parse(line, &reading)) {
        in->readings[in->count++] = reading;
    } else if (weft_demand_parse(line, &demand) && demand.sign == WEFT_DEMAND_EQUAL) {
        in->readings[in->count++] = (struct weft_reading){demand.path, demand.value, ms * 1000000};
    }
}

static void read_inputs(const struct sim *sim, int64_t ms, struct inputs *in)
{
    struct weft_text line;
    in->text = (struct weft_buffer){.size_max = INPUTS_SIZE_MAX};
    in->count = 0;
    if (weft_files_read(sim->inputs, &in->text, NULL) != WEFT_OK) {
        return; /* None: nothing is known of them. */
    }
    struct weft_text rest = weft_buffer_as_text(&in->text);
    while (rest.size > 0) {
        (void)weft_text_cut(&rest, '\n', &line);
        add_input(in, line, ms);
    }
}

static bool is_off(const struct inputs *in, const char *path)
{
    const struct weft_reading *reading =
        weft_reading_find(in->readings, in->count, weft_text_of(path));
    return reading != NULL && reading->value.type == WEFT_SCALAR_TRUTH && !reading->value.truth;
}

/* The machine's own values in front of its inputs. */
static uint32_t look(const struct side *side, struct inputs *in, struct weft_reading *ret_readings)
{
    int64_t ms = now_ms();
    uint32_t count = 0;
    read_inputs(side->sim, ms, in);
    if (is_off(in, "sim/reachable")) {
        return 0;
    }
    count = weft_sim_read(&side->state, ms, ret_readings);
    for (uint32_t i = 0; i < in->count && count < WEFT_ACTOR_READINGS_MAX; i++) {
        ret_readings[count++] = in->readings[i];
    }
    return count;
}

/* --- the driver ------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    struct side *side = timer->data;
    struct sim *sim = side->sim;
    struct inputs in;
    struct weft_reading readings[WEFT_ACTOR_READINGS_MAX];
    uint32_t count = look(side, &in, readings);
    if (side->wants_values) {
        const struct weft_actor_values values = {sim->channel, side->is_shadow, readings, count};
        side->wants_values = false;
        sim->callbacks.on_values(sim->callbacks.ctx, &values);
    }
    if (side->is_acting && !is_off(&in, "sim/answers")) {
        const struct weft_actor_acted acted = {.channel = sim->channel,
            .act = side->act,
            .result = side->result,
            .detail = weft_text_of(side->why != NULL ? side->why : ""),
            .readings = readings,
            .count = count};
        side->is_acting = false;
        sim->callbacks.on_acted(sim->callbacks.ctx, &acted);
    }
    weft_buffer_destroy(&in.text);
}

static void sim_read(struct weft_machine *machine, bool is_shadow)
{
    struct side *side = &((struct sim *)machine)->sides[is_shadow];
    side->wants_values = true;
    if (!uv_is_active((uv_handle_t *)&side->timer)) {
        (void)uv_timer_start(&side->timer, on_timer, 0, 0);
    }
}

static void sim_act(struct weft_machine *machine, uint64_t number,
    const struct weft_command_note *command, bool is_shadow)
{
    struct sim *sim = (struct sim *)machine;
    struct side *side = &sim->sides[is_shadow];
    struct inputs in;
    int64_t ms = now_ms();
    side->is_acting = true;
    side->act = number;
    side->why = NULL;
    read_inputs(sim, ms, &in);
    if (is_off(&in, "sim/reachable")) {
        side->result = WEFT_ACTOR_RESULT_UNSENT;
        side->why = "the machine cannot be reached";
    } else if (!write_told(sim, ms, is_shadow ? "shadow" : "live", command->id, command->verb,
                   command->args, command->arg_count)) {
        side->result = WEFT_ACTOR_RESULT_UNKNOWN;
        side->why = "what it was told could not be written whole";
    } else {
        side->result = weft_sim_tell(&side->state, command->verb, command->args, command->arg_count,
                           ms, &side->why)
                           ? WEFT_ACTOR_RESULT_DONE
                           : WEFT_ACTOR_RESULT_FAILED;
    }
    weft_buffer_destroy(&in.text);
    (void)uv_timer_start(&side->timer, on_timer, sim->answer_ms, 0);
}

static void sim_safe(struct weft_machine *machine, struct weft_text safe)
{
    struct sim *sim = (struct sim *)machine;
    struct weft_command_arg args[WEFT_MACHINE_SAFE_ARGS_MAX];
    struct weft_text verb;
    uint32_t count;
    const char *why;
    int64_t ms = now_ms();
    if (!weft_machine_parse_safe(safe, &verb, args, &count)) {
        sim->callbacks.on_notice(sim->callbacks.ctx, sim->channel, "safe", "it holds what it has");
        return;
    }
    if (!write_told(sim, ms, "safe", NULL, verb, args, count) ||
        !weft_sim_tell(&sim->sides[0].state, verb, args, count, ms, &why)) {
        sim->callbacks.on_notice(
            sim->callbacks.ctx, sim->channel, "unsafe", "the safe state was not reached");
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct sim *sim = ((struct side *)handle->data)->sim;
    if (--sim->handles == 0) {
        (void)close(sim->fd);
        free(sim);
    }
}

static void sim_close(struct weft_machine *machine)
{
    struct sim *sim = (struct sim *)machine;
    for (int i = 0; i < 2; i++) {
        uv_close((uv_handle_t *)&sim->sides[i].timer, on_closed);
    }
}

static const struct weft_machine_type sim_type = {
    .name = "sim", .read = sim_read, .act = sim_act, .safe = sim_safe, .close = sim_close};

static enum weft_err open_files(struct sim *sim, const char *directory, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE];
    enum weft_err err = weft_files_make_directory(directory, 0750, msg);
    if (err == WEFT_OK) {
        err = weft_files_join(directory, "inputs", sim->inputs, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_join(directory, "told", path, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    sim->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (sim->fd < 0) {
        return weft_fail(msg, WEFT_EIO, "open %s: %s", path, strerror(errno));
    }
    return replay(sim, path, msg);
}

enum weft_err weft_machine_sim_open(const struct weft_machine_sim_options *options,
    struct weft_machine **ret_machine, struct weft_msg *msg)
{
    const struct weft_sim_kind *kind = weft_sim_kind_find(options->kind);
    struct sim *sim = calloc(1, sizeof(*sim));
    if (kind == NULL || sim == NULL) {
        free(sim);
        return kind == NULL
                   ? weft_fail(msg, WEFT_EINVAL, "a simulated machine is a press or a pump")
                   : weft_fail(msg, WEFT_ENOMEM, "no memory for a machine");
    }
    sim->machine.type = &sim_type;
    sim->callbacks = options->callbacks;
    sim->channel = options->channel;
    sim->answer_ms = options->answer_ms;
    sim->fd = -1;
    for (int i = 0; i < 2; i++) {
        sim->sides[i].sim = sim;
        sim->sides[i].is_shadow = i == 1;
        weft_sim_init(&sim->sides[i].state, kind);
    }
    enum weft_err err = open_files(sim, options->directory, msg);
    if (err != WEFT_OK) {
        if (sim->fd >= 0) {
            (void)close(sim->fd);
        }
        free(sim);
        return err;
    }
    for (int i = 0; i < 2; i++) {
        (void)uv_timer_init(options->loop, &sim->sides[i].timer);
        sim->sides[i].timer.data = &sim->sides[i];
        sim->handles++;
    }
    *ret_machine = &sim->machine;
    return WEFT_OK;
}
