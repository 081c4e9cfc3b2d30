/* ops/weft/args.h: the command line, parsed against the tables of command.h.
 *
 * GNU habits: options anywhere, --name VALUE or --name=VALUE, -o VALUE or -oVALUE, "--" ends
 * them, "-" is an operand. A typo is answered with the nearest word there is. */
#ifndef WEFT_OPS_ARGS_H
#define WEFT_OPS_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ops/weft/command.h"
#include "proto/err.h"

enum {
    WEFT_ARGS_OPTIONS_MAX = 256
};

struct weft_given {
    const struct weft_option *option;
    const char *value; /* NULL for a flag. */
};

struct weft_args {
    const struct weft_command *command; /* NULL: none was named. */
    struct weft_given given[WEFT_ARGS_OPTIONS_MAX];
    int given_count;
    const char *const *operands; /* Into `words`. */
    int operand_count;
    const char **words; /* Owned: the operands in order. */
};

/* argv[0] is the program. Finds the command, then its options and operands. With --help or
 * --version given, what is missing is not complained about.
 * WEFT_EINVAL: `msg` says what and what was perhaps meant. */
WEFT_MUST_USE enum weft_err weft_args_parse(
    int argc, char **argv, struct weft_args *ret_args, struct weft_msg *msg);
void weft_args_destroy(struct weft_args *args);

bool weft_args_has(const struct weft_args *args, const char *name);
/* --version of the program, a flag, and not one of the command that takes a value. */
bool weft_args_wants_version(const struct weft_args *args);
/* The last one given; `fallback` if none. */
const char *weft_args_text(const struct weft_args *args, const char *name, const char *fallback);
/* The n-th one given, NULL past the last. */
const char *weft_args_nth(const struct weft_args *args, const char *name, int n);
/* Whole number within [min, max]; `fallback` if not given. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_args_number(const struct weft_args *args, const char *name,
    uint64_t min, uint64_t max, uint64_t fallback, uint64_t *ret_number, struct weft_msg *msg);
/* Seconds, "2.5" or "500ms" or "1m", as ms. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_args_duration_ms(const struct weft_args *args, const char *name,
    uint64_t fallback_ms, uint64_t *ret_ms, struct weft_msg *msg);

/* The candidate nearest to `word`, if near enough to be what was meant; else NULL. */
const char *weft_args_nearest(const char *word, const char *const *candidates, int count);

/* Man-page style. `path` is a command or the first word of several. False: there is none. */
bool weft_args_help(const char *path, FILE *out);
void weft_args_help_all(FILE *out);

#endif
