#include "ops/gateway/machine.h"

bool weft_machine_parse_safe(struct weft_text safe, struct weft_text *ret_verb,
    struct weft_command_arg ret_args[WEFT_MACHINE_SAFE_ARGS_MAX], uint32_t *ret_count)
{
    struct weft_text line;
    bool is_more = weft_text_cut(&safe, '\n', ret_verb);
    *ret_count = 0;
    while (is_more) {
        struct weft_command_arg arg;
        is_more = weft_text_cut(&safe, '\n', &line);
        if (*ret_count == WEFT_MACHINE_SAFE_ARGS_MAX || !weft_text_cut(&line, ' ', &arg.name) ||
            !weft_scalar_parse(line, &arg.value)) {
            return false;
        }
        ret_args[(*ret_count)++] = arg;
    }
    return ret_verb->size > 0;
}
