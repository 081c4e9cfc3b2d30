#include "ops/weft/args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

enum {
    WORD_SIZE_MAX = 64,
    CANDIDATES_MAX = 128
};

const struct weft_command *weft_command_find(const char *path)
{
    for (const struct weft_command *c = weft_commands; c->path != NULL; c++) {
        if (strcmp(c->path, path) == 0) {
            return c;
        }
    }
    return NULL;
}

/* Is `word` the first of two words of some command? */
static bool is_group(const char *word)
{
    size_t size = strlen(word);
    for (const struct weft_command *c = weft_commands; c->path != NULL; c++) {
        if (strncmp(c->path, word, size) == 0 && c->path[size] == ' ') {
            return true;
        }
    }
    return false;
}

/* Restricted Damerau-Levenshtein distance: a typo is a wrong, missing, extra or swapped key. */
static int distance(const char *a, const char *b)
{
    int rows[3][WORD_SIZE_MAX + 1];
    int a_size = (int)strlen(a), b_size = (int)strlen(b);
    if (a_size > WORD_SIZE_MAX || b_size > WORD_SIZE_MAX) {
        return WORD_SIZE_MAX;
    }
    for (int j = 0; j <= b_size; j++) {
        rows[0][j] = j;
    }
    for (int i = 1; i <= a_size; i++) {
        int *row = rows[i % 3], *before = rows[(i + 2) % 3], *before2 = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= b_size; j++) {
            int best = before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            best = before[j] + 1 < best ? before[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before2[j - 2] + 1 < best) {
                best = before2[j - 2] + 1;
            }
            row[j] = best;
        }
    }
    return rows[a_size % 3][b_size];
}

const char *weft_args_nearest(const char *word, const char *const *candidates, int count)
{
    const char *best = NULL;
    int best_distance = 1 + (int)strlen(word) / 3; /* chosen: one slip in three letters */
    for (int i = 0; i < count; i++) {
        int d = distance(word, candidates[i]);
        if (d < best_distance || (d == best_distance && best == NULL && d <= 2)) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}

/* --- finding the command ----------------------------------------------------------------- */

static enum weft_err fail_command(const char *first, const char *second, struct weft_msg *msg)
{
    const char *candidates[CANDIDATES_MAX];
    char words[CANDIDATES_MAX][WORD_SIZE_MAX];
    int count = 0;
    size_t first_size = strlen(first);
    for (const struct weft_command *c = weft_commands; c->path != NULL && count < CANDIDATES_MAX;
         c++) {
        const char *space = strchr(c->path, ' ');
        if (second == NULL) {
            size_t size = space != NULL ? (size_t)(space - c->path) : strlen(c->path);
            (void)snprintf(words[count], WORD_SIZE_MAX, "%.*s", (int)size, c->path);
        } else if (strncmp(c->path, first, first_size) == 0 && c->path[first_size] == ' ') {
            (void)snprintf(words[count], WORD_SIZE_MAX, "%s", space + 1);
        } else {
            continue;
        }
        candidates[count] = words[count];
        count++;
    }
    const char *word = second != NULL ? second : first;
    const char *nearest = weft_args_nearest(word, candidates, count);
    if (nearest != NULL) {
        return weft_fail(msg, WEFT_EINVAL,
            "there is no command \"%s%s%.40s\"; did you mean \"%s%s%s\"?",
            second != NULL ? first : "", second != NULL ? " " : "", word,
            second != NULL ? first : "", second != NULL ? " " : "", nearest);
    }
    return weft_fail(msg, WEFT_EINVAL, "there is no command \"%s%s%.40s\"; see weft %s%s--help",
        second != NULL ? first : "", second != NULL ? " " : "", word, second != NULL ? first : "",
        second != NULL ? " " : "");
}

/* The command that `words` begins with; *ret_used is how many of them name it. */
static enum weft_err find_command(const char *const *words, int count,
    const struct weft_command **ret_command, int *ret_used, struct weft_msg *msg)
{
    char path[2 * WORD_SIZE_MAX];
    if (count >= 2) {
        (void)snprintf(path, sizeof(path), "%.60s %.60s", words[0], words[1]);
        *ret_command = weft_command_find(path);
        *ret_used = 2;
        if (*ret_command != NULL) {
            return WEFT_OK;
        }
    }
    *ret_command = weft_command_find(words[0]);
    *ret_used = 1;
    if (*ret_command != NULL) {
        return WEFT_OK;
    }
    if (is_group(words[0])) {
        return count >= 2
                   ? fail_command(words[0], words[1], msg)
                   : weft_fail(msg, WEFT_EINVAL, "%s what? See weft %s --help", words[0], words[0]);
    }
    return fail_command(words[0], NULL, msg);
}

/* --- options ----------------------------------------------------------------------------- */

/* The lists of options in force, global ones first. */
static int option_lists(const struct weft_command *command, const struct weft_option *ret_lists[3])
{
    int count = 0;
    if (command != NULL && command->options != NULL) {
        ret_lists[count++] = command->options; /* First: its --version is not the program's. */
    }
    ret_lists[count++] = weft_global_options;
    if (command == NULL || command->is_online) {
        ret_lists[count++] = weft_online_options;
    }
    return count;
}

static const struct weft_option *find_option(
    const struct weft_command *command, const char *name, size_t size, char letter)
{
    const struct weft_option *lists[3];
    int count = option_lists(command, lists);
    for (int i = 0; i < count; i++) {
        for (const struct weft_option *o = lists[i]; o->name != NULL; o++) {
            bool is_it = letter != 0 ? o->letter == letter
                                     : strncmp(o->name, name, size) == 0 && o->name[size] == '\0';
            if (is_it) {
                return o;
            }
        }
    }
    return NULL;
}

static enum weft_err fail_option(
    const struct weft_command *command, const char *word, struct weft_msg *msg)
{
    const struct weft_option *lists[3];
    const char *candidates[CANDIDATES_MAX];
    char name[WORD_SIZE_MAX];
    int count = 0;
    int list_count = option_lists(command, lists);
    for (int i = 0; i < list_count; i++) {
        for (const struct weft_option *o = lists[i]; o->name != NULL && count < CANDIDATES_MAX;
             o++) {
            candidates[count++] = o->name;
        }
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *nearest = word[1] == '-' ? weft_args_nearest(name, candidates, count) : NULL;
    const char *path = command != NULL ? command->path : "";
    if (nearest != NULL) {
        return weft_fail(msg, WEFT_EINVAL, "%s%sthere is no option %.60s; did you mean --%s?", path,
            path[0] != '\0' ? ": " : "", word, nearest);
    }
    return weft_fail(msg, WEFT_EINVAL, "%s%sthere is no option %.60s; see weft %s%s--help", path,
        path[0] != '\0' ? ": " : "", word, path, path[0] != '\0' ? " " : "");
}

/* Takes the option at argv[*at], and its value if that is the next word. */
static enum weft_err take_option(struct weft_args *args, const struct weft_command *command,
    int argc, char **argv, int *at, struct weft_msg *msg)
{
    const char *word = argv[*at];
    const char *value = NULL;
    const struct weft_option *option;
    if (word[1] == '-') {
        size_t size = strcspn(word + 2, "=");
        option = find_option(command, word + 2, size, 0);
        value = word[2 + size] == '=' ? word + 3 + size : NULL;
    } else {
        option = find_option(command, NULL, 0, word[1]);
        value = word[2] != '\0' ? word + 2 : NULL;
    }
    if (option == NULL) {
        return fail_option(command, word, msg);
    }
    if (option->argument == NULL && value != NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--%s takes no value", option->name);
    }
    if (option->argument != NULL && value == NULL) {
        if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0) {
            return weft_fail(
                msg, WEFT_EINVAL, "--%s %s: the value is missing", option->name, option->argument);
        }
        value = argv[++*at];
    }
    if (args->given_count == WEFT_ARGS_OPTIONS_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "more than %d options", WEFT_ARGS_OPTIONS_MAX);
    }
    args->given[args->given_count++] = (struct weft_given){option, value};
    return WEFT_OK;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* The first words that are no options, and no options' values, name the command. Without the
 * command its own options are unknown: those are skipped with their word alone. */
static enum weft_err look_for_command(int argc, char **argv, int ret_places[2], int *ret_count,
    const struct weft_command **ret_command, struct weft_msg *msg)
{
    const char *words[2];
    int count = 0;
    for (int i = 1; i < argc && count < 2; i++) {
        if (strcmp(argv[i], "--") == 0) {
            break;
        }
        if (!is_option(argv[i])) {
            ret_places[count] = i;
            words[count++] = argv[i];
            continue;
        }
        bool is_long = argv[i][1] == '-';
        size_t size = is_long ? strcspn(argv[i] + 2, "=") : 0;
        const struct weft_option *option =
            find_option(NULL, argv[i] + 2, size, is_long ? 0 : argv[i][1]);
        bool has_inline = is_long ? argv[i][2 + size] == '=' : argv[i][2] != '\0';
        if (option != NULL && option->argument != NULL && !has_inline) {
            i++;
        } else if (option == NULL && count == 0) {
            return fail_option(NULL, argv[i], msg);
        } else if (option == NULL) {
            break; /* An option of the command: its second word, if any, came before. */
        }
    }
    *ret_command = NULL;
    *ret_count = 0;
    return count > 0 ? find_command(words, count, ret_command, ret_count, msg) : WEFT_OK;
}

static enum weft_err check_operands(const struct weft_args *args, struct weft_msg *msg)
{
    const struct weft_command *c = args->command;
    if (weft_args_has(args, "help") || weft_args_wants_version(args) || c == NULL) {
        return WEFT_OK;
    }
    if (args->operand_count < c->operands_min) {
        return weft_fail(
            msg, WEFT_EINVAL, "something is missing: weft %s %s", c->path, c->operands);
    }
    if (c->operands_max >= 0 && args->operand_count > c->operands_max) {
        return weft_fail(msg, WEFT_EINVAL, "\"%.60s\" is one too many: weft %s %s",
            args->operands[c->operands_max], c->path, c->operands);
    }
    return WEFT_OK;
}

enum weft_err weft_args_parse(
    int argc, char **argv, struct weft_args *ret_args, struct weft_msg *msg)
{
    struct weft_args args = {0};
    int places[2] = {0, 0};
    int used = 0;
    enum weft_err err = look_for_command(argc, argv, places, &used, &args.command, msg);
    if (err != WEFT_OK) {
        /* `weft pki --help` names several commands: the caller shows them. */
        bool wants_help = false;
        for (int i = 1; i < argc; i++) {
            wants_help = wants_help || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
        }
        if (!wants_help || places[0] == 0 || !is_group(argv[places[0]])) {
            return err;
        }
        err = WEFT_OK;
        used = 0;
    }
    args.words = calloc((size_t)argc + 1, sizeof(*args.words));
    if (args.words == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    args.operands = args.words;
    bool has_ended = false;
    for (int i = 1; err == WEFT_OK && i < argc; i++) {
        bool is_name = (used > 0 && i == places[0]) || (used > 1 && i == places[1]);
        if (is_name) {
            continue;
        }
        if (!has_ended && strcmp(argv[i], "--") == 0) {
            has_ended = true;
        } else if (!has_ended && is_option(argv[i])) {
            err = take_option(&args, args.command, argc, argv, &i, msg);
        } else {
            args.words[args.operand_count++] = argv[i];
        }
    }
    if (err == WEFT_OK) {
        err = check_operands(&args, msg);
    }
    if (err != WEFT_OK) {
        weft_args_destroy(&args);
        return err;
    }
    *ret_args = args;
    return WEFT_OK;
}

void weft_args_destroy(struct weft_args *args)
{
    free(args->words);
    args->words = NULL;
}

/* --- values ------------------------------------------------------------------------------ */

const char *weft_args_nth(const struct weft_args *args, const char *name, int n)
{
    for (int i = 0; i < args->given_count; i++) {
        if (strcmp(args->given[i].option->name, name) == 0 && n-- == 0) {
            return args->given[i].value != NULL ? args->given[i].value : "";
        }
    }
    return NULL;
}

bool weft_args_has(const struct weft_args *args, const char *name)
{
    return weft_args_nth(args, name, 0) != NULL;
}

bool weft_args_wants_version(const struct weft_args *args)
{
    for (int i = 0; i < args->given_count; i++) {
        const struct weft_option *option = args->given[i].option;
        if (option->argument == NULL && strcmp(option->name, "version") == 0) {
            return true;
        }
    }
    return false;
}

const char *weft_args_text(const struct weft_args *args, const char *name, const char *fallback)
{
    const char *found = fallback;
    for (int n = 0; weft_args_nth(args, name, n) != NULL; n++) {
        found = weft_args_nth(args, name, n);
    }
    return found;
}

enum weft_err weft_args_number(const struct weft_args *args, const char *name, uint64_t min,
    uint64_t max, uint64_t fallback, uint64_t *ret_number, struct weft_msg *msg)
{
    const char *text = weft_args_text(args, name, NULL);
    char *end;
    if (text == NULL) {
        *ret_number = fallback;
        return WEFT_OK;
    }
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    if (!is_number || number < min || number > max) {
        return weft_fail(msg, WEFT_EINVAL,
            "--%s %.40s: a whole number from %" PRIu64 " to %" PRIu64, name, text, min, max);
    }
    *ret_number = number;
    return WEFT_OK;
}

enum weft_err weft_args_duration_ms(const struct weft_args *args, const char *name,
    uint64_t fallback_ms, uint64_t *ret_ms, struct weft_msg *msg)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1e3}, {"s", 1e3}, {"ms", 1}, {"m", 6e4}, {"h", 36e5}};
    const char *text = weft_args_text(args, name, NULL);
    if (text == NULL) {
        *ret_ms = fallback_ms;
        return WEFT_OK;
    }
    char *end = (char *)text;
    double number = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : -1;
    for (size_t i = 0; number >= 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0 && number * units[i].factor <= 1e12) {
            *ret_ms = (uint64_t)(number * units[i].factor);
            return WEFT_OK;
        }
    }
    return weft_fail(msg, WEFT_EINVAL, "--%s %.40s: seconds, or with ms, s, m or h", name, text);
}
