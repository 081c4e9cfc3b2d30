/* tests/unit/policy/command/naive_command.h: the machine once more, written plainly from the table
 * of policy/command/README.md: it shares no code and no words with policy/command/command_*.c. */
#ifndef WEFT_TESTS_UNIT_NAIVE_COMMAND_H
#define WEFT_TESTS_UNIT_NAIVE_COMMAND_H

#include "policy/command/command_machine.h"

enum naive_answer {
    NAIVE_NO,    /* Refused. */
    NAIVE_SAME,  /* It is so already. */
    NAIVE_TAKEN, /* Something has changed. */
};

struct naive_command {
    char state[16]; /* "": none. */
    struct weft_digest digest;
    char names[16][256];  /* Of who approved. */
    char persons[16][64]; /* For whom they stand, if for another. */
    struct weft_digest approvals[16];
    int approved;
    int sent;          /* Intents. */
    uint64_t token[2]; /* Of the last stage or intent, and of the last question. */
    uint64_t question[2];
    int64_t token_ns;
    int64_t question_ns;
    bool is_never_seen;
    bool is_shadow_through;
    bool is_seen[16]; /* Outcomes. */
    int64_t since_ns; /* Of the state. */
    int64_t done_ns;  /* By the gateway. */
    uint64_t finish_ms;
    bool is_found_out;
};

enum naive_answer naive_command_step(
    struct naive_command *n, const struct weft_command_event *event);

#endif
