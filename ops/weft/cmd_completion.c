#include <stdio.h>
#include <string.h>

#include "ops/weft/args.h"

/* bash: the words that may follow what is typed, from the tables. */

static void print_names(const struct weft_option *options)
{
    for (const struct weft_option *o = options; o != NULL && o->name != NULL; o++) {
        (void)printf(" --%s", o->name);
    }
}

/* First words, each once: rows of one group stand together. */
static void print_first_words(void)
{
    const char *last = "";
    size_t last_size = 0;
    for (const struct weft_command *c = weft_commands; c->path != NULL; c++) {
        size_t size = strcspn(c->path, " ");
        if (size != last_size || strncmp(c->path, last, size) != 0) {
            (void)printf("%s%.*s", last_size > 0 ? " " : "", (int)size, c->path);
        }
        last = c->path;
        last_size = size;
    }
}

static void print_groups(void)
{
    const char *last = "";
    size_t last_size = 0;
    for (const struct weft_command *c = weft_commands; c->path != NULL; c++) {
        const char *space = strchr(c->path, ' ');
        size_t size = space != NULL ? (size_t)(space - c->path) : 0;
        if (space == NULL) {
            continue;
        }
        if (size != last_size || strncmp(c->path, last, size) != 0) {
            (void)printf(
                "%s    %.*s) words=\"", last_size > 0 ? "\" ;;\n" : "", (int)size, c->path);
        } else {
            (void)printf(" ");
        }
        (void)printf("%s", space + 1);
        last = c->path;
        last_size = size;
    }
    (void)printf("\" ;;\n");
}

enum weft_exit weft_cmd_completion(const struct weft_args *args)
{
    if (strcmp(args->operands[0], "bash") != 0) {
        (void)fprintf(
            stderr, "weft: completion is there for bash, not for %.40s\n", args->operands[0]);
        return WEFT_EXIT_USAGE;
    }
    (void)printf(
        "# bash completion of weft; source <(weft completion bash)\n"
        "_weft() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "  local words='' path='' i\n"
        "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "    case ${COMP_WORDS[i]} in -*) ;; *) path+=\"${COMP_WORDS[i]} \" ;; esac\n"
        "  done\n"
        "  case $prev in\n"
        "    -o|--output) COMPREPLY=($(compgen -W 'table json jsonl' -- \"$cur\")); return ;;\n"
        "    --identity|-i|--pki|--out) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
        "    --config) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
        "    --context|-c) COMPREPLY=($(compgen -W \"$(weft context list -o jsonl "
        "2>/dev/null | sed -n 's/.*\"name\":\"\\([^\"]*\\)\".*/\\1/p')\" -- \"$cur\")); return ;;\n"
        "  esac\n"
        "  case \"$path\" in\n"
        "    '') words=\"");
    print_first_words();
    (void)printf("\" ;;\n");
    for (const struct weft_command *c = weft_commands; c->path != NULL; c++) {
        (void)printf("    '%s '*) words=\"", c->path);
        print_names(c->options);
        if (c->is_online) {
            print_names(weft_online_options);
        }
        print_names(weft_global_options);
        (void)printf("\" ;;\n");
    }
    (void)printf("  esac\n"
                 "  case \"${path%% }\" in\n");
    print_groups();
    (void)printf(
        "  esac\n"
        "  case $cur in\n"
        "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
        "    *) COMPREPLY=($(compgen -W \"${words//--*([a-z-])/}\" -- \"$cur\"))\n"
        "       [ \"${#COMPREPLY[@]}\" -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
        "  esac\n"
        "}\n"
        "shopt -s extglob\n"
        "complete -o filenames -F _weft weft\n");
    return WEFT_EXIT_DONE;
}
