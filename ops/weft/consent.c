#include "ops/weft/consent.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ops/weft/keys.h"

enum {
    ANSWER_SIZE = 16
};

void weft_consent_show(const struct weft_args *args, const char *what, struct weft_text text)
{
    if (weft_args_has(args, "quiet") && weft_args_has(args, "yes")) {
        return;
    }
    (void)fprintf(stderr, "--- %s ---\n%.*s--- end ---\n", what, (int)text.size, text.data);
}

/* OPS-8 */
enum weft_err weft_consent_ask(
    const struct weft_args *args, const char *what, struct weft_text text, struct weft_msg *msg)
{
    char answer[ANSWER_SIZE] = "";
    weft_consent_show(args, what, text);
    if (weft_args_has(args, "yes")) {
        return WEFT_OK;
    }
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal == NULL) {
        return weft_fail(
            msg, WEFT_EINVAL, "no terminal to ask: --yes says that somebody has read it");
    }
    setvbuf(terminal, NULL, _IONBF, 0);
    (void)fprintf(terminal, "sign this? Type yes: ");
    bool is_read = fgets(answer, sizeof(answer), terminal) != NULL;
    (void)fclose(terminal);
    return is_read && strcmp(answer, "yes\n") == 0
               ? WEFT_OK
               : weft_fail(msg, WEFT_EREFUSED, "nothing was signed");
}

enum weft_err weft_consent_key(const struct weft_args *args, struct weft_signer *ret_signer,
    struct weft_principal *ret_who, struct weft_msg *msg)
{
    const char *path = weft_args_nth(args, "key", 0);
    if (path == NULL || weft_args_nth(args, "key", 1) != NULL) {
        return weft_fail(msg, WEFT_EINVAL, "one --key FILE says who signs");
    }
    enum weft_err err = weft_keys_open(args, path, ret_signer, msg);
    if (err == WEFT_OK) {
        err = weft_principal_parse(weft_text_of(ret_signer->verifier.name), ret_who, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
    }
    return err;
}

struct weft_text weft_consent_printed(
    const struct weft_args *args, const struct weft_principal *who)
{
    return weft_text_of(weft_args_text(args, "printed-name", who->name));
}

enum weft_err weft_consent_reason(
    const struct weft_args *args, struct weft_text *ret_reason, struct weft_msg *msg)
{
    const char *reason = weft_args_text(args, "reason", NULL);
    if (reason == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--reason TEXT is missing: it is signed, and kept");
    }
    *ret_reason = weft_text_of(reason);
    return WEFT_OK;
}
