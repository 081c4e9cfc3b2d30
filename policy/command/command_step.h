/* policy/command/command_step.h: one step of the machine, inside: for command_*.c alone. */
#ifndef WEFT_POLICY_COMMAND_COMMAND_STEP_H
#define WEFT_POLICY_COMMAND_COMMAND_STEP_H

#include "policy/command/command_machine.h"
#include "policy/command/mutant.h"

struct weft_command_step {
    struct weft_command_machine *m; /* The next one, under way. */
    const struct weft_command_event *event;
    struct weft_command_act *act;
    struct weft_msg *msg;
};

typedef enum weft_err weft_command_take(struct weft_command_step *s);

/* "word: why" */
enum weft_err weft_command_refuse(
    struct weft_command_step *s, enum weft_err err, const char *word, const char *why);
/* WEFT_OK: it is so already. */
enum weft_err weft_command_repeat(struct weft_command_step *s);
/* WEFT_OK. The machine's state is written by these two alone. */
enum weft_err weft_command_enter(struct weft_command_step *s, enum weft_command_state state);
enum weft_err weft_command_end(
    struct weft_command_step *s, enum weft_command_state state, const char *code);

/* Whole ms since then; 0 if it is still to come. */
uint64_t weft_command_elapsed_ms(int64_t now_ns, int64_t then_ns);
/* Is the command's own time over? */
bool weft_command_is_over(const struct weft_command_step *s);
/* What does not hold of a judgement; NULL: all does. */
const char *weft_command_find_flaw(const struct weft_command_judgement *judgement);
/* Would it pass in a while? */
bool weft_command_is_too_soon(enum weft_envelope_fault fault);

/* The bits of all outcomes of a command. */
uint32_t weft_command_all_outcomes(const struct weft_command_note *command);

/* Each takes its event in the states of the table. */
weft_command_take weft_command_take_propose;
weft_command_take weft_command_take_propose_again;
weft_command_take weft_command_take_approve;
weft_command_take weft_command_take_reject;
weft_command_take weft_command_take_cancel;
weft_command_take weft_command_take_resolve;
weft_command_take weft_command_take_receipt;
weft_command_take weft_command_take_select;
weft_command_take weft_command_take_dispatch;
weft_command_take weft_command_take_ask;
weft_command_take weft_command_take_verify;
weft_command_take weft_command_take_overdue;
weft_command_take weft_command_take_expire;

#endif
