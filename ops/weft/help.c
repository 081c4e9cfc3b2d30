#include <string.h>

#include "ops/weft/args.h"

/* Man-page style help, made from the tables of commands and options. */

static void print_indented(const char *text, FILE *out)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        (void)fprintf(out, "%s%.*s\n", size > 0 ? "    " : "", (int)size, text);
        text += size + (text[size] == '\n' ? 1 : 0);
    }
}

static void print_options(const char *title, const struct weft_option *options, FILE *out)
{
    if (options == NULL || options->name == NULL) {
        return;
    }
    (void)fprintf(out, "\n%s\n", title);
    for (const struct weft_option *o = options; o->name != NULL; o++) {
        char left[64];
        char letter[8] = "    ";
        if (o->letter != 0) {
            (void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
        }
        (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name,
            o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
        const char *help = o->help;
        size_t size = strcspn(help, "\n");
        if (strlen(left) > 27) {
            (void)fprintf(out, "    %s\n    %-28s%.*s\n", left, "", (int)size, help);
        } else {
            (void)fprintf(out, "    %-28s%.*s\n", left, (int)size, help);
        }
        while (help[size] == '\n') {
            help += size + 1;
            size = strcspn(help, "\n");
            (void)fprintf(out, "    %-28s%.*s\n", "", (int)size, help);
        }
    }
}

static void print_command(const struct weft_command *c, FILE *out)
{
    bool has_options = c->options != NULL && c->options->name != NULL;
    (void)fprintf(out, "NAME\n    weft %s - %s\n\nUSAGE\n    weft %s%s%s%s\n", c->path, c->summary,
        c->path, has_options ? " [OPTIONS]" : "", c->operands[0] != '\0' ? " " : "", c->operands);
    (void)fprintf(out, "\nDESCRIPTION\n");
    print_indented(c->description, out);
    print_options("OPTIONS", c->options, out);
    if (c->is_online) {
        print_options("CONNECTION", weft_online_options, out);
    }
    print_options("EVERYWHERE", weft_global_options, out);
    if (c->examples != NULL && c->examples[0] != '\0') {
        (void)fprintf(out, "\nEXAMPLES\n");
        print_indented(c->examples, out);
    }
    (void)fprintf(out, "\nEXIT STATUS\n"
                       "    0  done\n"
                       "    1  the answer is no: not found, verification failed, digests differ\n"
                       "    2  wrong usage or malformed input\n"
                       "    3  nobody answers, or not in time\n"
                       "    4  refused by policy\n"
                       "    5  conflict with the present state\n");
}

bool weft_args_help(const char *path, FILE *out)
{
    const struct weft_command *command = weft_command_find(path);
    size_t size = strlen(path);
    bool is_found = command != NULL;
    if (command != NULL) {
        print_command(command, out);
    }
    for (const struct weft_command *c = weft_commands; command == NULL && c->path != NULL; c++) {
        if (strncmp(c->path, path, size) == 0 && c->path[size] == ' ') {
            if (!is_found) {
                (void)fprintf(out, "COMMANDS\n");
                is_found = true;
            }
            (void)fprintf(out, "    weft %-20s %s\n", c->path, c->summary);
        }
    }
    return is_found;
}

void weft_args_help_all(FILE *out)
{
    (void)fprintf(out,
        "weft - operate a Weft site: the agreed record of what was designed, made, inspected\n"
        "and serviced\n"
        "\n"
        "USAGE\n"
        "    weft COMMAND [OPTIONS] [OPERANDS]\n"
        "\n"
        "COMMANDS\n");
    for (const struct weft_command *c = weft_commands; c->path != NULL; c++) {
        (void)fprintf(out, "    %-18s %s\n", c->path, c->summary);
    }
    print_options("CONNECTION", weft_online_options, out);
    print_options("EVERYWHERE", weft_global_options, out);
    (void)fprintf(
        out, "\nweft COMMAND --help tells more. Shell completion: weft completion bash\n");
}
