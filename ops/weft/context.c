#include "ops/weft/context.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/weft/output.h"
#include "policy/principal.h"
#include "proto/json.h"

enum {
    FILE_SIZE_MAX = 64 * 1024
};

static enum weft_err directory_of(char ret_path[WEFT_FILES_PATH_SIZE], struct weft_msg *msg)
{
    const char *own = getenv("WEFT_CONFIG_DIR");
    const char *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (own != NULL && own[0] != '\0') {
        return weft_files_join(own, "", ret_path, msg);
    }
    if (xdg != NULL && xdg[0] != '\0') {
        return weft_files_join(xdg, "weft", ret_path, msg);
    }
    if (home != NULL && home[0] != '\0') {
        return weft_files_join(home, ".config/weft", ret_path, msg);
    }
    return weft_fail(msg, WEFT_EINVAL, "neither WEFT_CONFIG_DIR nor HOME is set");
}

static enum weft_err file_of(
    const char *name, const char *suffix, char ret_path[WEFT_FILES_PATH_SIZE], struct weft_msg *msg)
{
    char directory[WEFT_FILES_PATH_SIZE];
    char file[WEFT_CONTEXT_NAME_SIZE + 16];
    enum weft_err err = directory_of(directory, msg);
    if (err != WEFT_OK) {
        return err;
    }
    (void)snprintf(file, sizeof(file), "%s%s", name, suffix);
    return weft_files_join(directory, file, ret_path, msg);
}

/* The rule of principals, so that a name is a plain file name. */
static enum weft_err check_name(const char *name, struct weft_msg *msg)
{
    return weft_principal_is_part(weft_text_of(name))
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL,
                     "context \"%.80s\": a name is 1 to %d of A-Z a-z 0-9 . - _", name,
                     WEFT_PRINCIPAL_PART_SIZE_MAX);
}

/* --- endpoints --------------------------------------------------------------------------- */

static enum weft_err add_endpoint(
    struct weft_context *context, const char *text, size_t size, struct weft_msg *msg)
{
    static const char scheme[] = "tls+tcp://";
    size_t skip = sizeof(scheme) - 1;
    const char *address = text;
    if (size > skip && strncmp(text, scheme, skip) == 0) {
        address += skip;
        size -= skip;
    }
    const char *colon = memrchr(address, ':', size);
    size_t host = colon != NULL ? (size_t)(colon - address) : 0;
    size_t digits = colon != NULL ? strspn(colon + 1, "0123456789") : 0;
    bool has_port = digits > 0 && digits <= 5 && digits == size - host - 1 &&
                    strtoul(colon + 1, NULL, 10) <= 65535;
    if (host == 0 || !has_port || size > WEFT_ADDRESS_SIZE_MAX ||
        memchr(address, '/', size) != NULL) {
        return weft_fail(msg, WEFT_EINVAL,
            "endpoint \"%.*s\": tls+tcp://HOST:PORT or HOST:PORT, several with commas",
            (int)(size < 80 ? size : 80), text);
    }
    if (context->endpoint_count == WEFT_CONTEXT_ENDPOINTS_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "more than %d endpoints", WEFT_CONTEXT_ENDPOINTS_MAX);
    }
    char *endpoint = context->endpoints[context->endpoint_count++];
    memcpy(endpoint, address, size);
    endpoint[size] = '\0';
    return WEFT_OK;
}

enum weft_err weft_context_add_endpoints(
    struct weft_context *context, const char *list, struct weft_msg *msg)
{
    for (;;) {
        size_t size = strcspn(list, ",");
        enum weft_err err = add_endpoint(context, list, size, msg);
        if (err != WEFT_OK || list[size] == '\0') {
            return err;
        }
        list += size + 1;
    }
}

/* --- files ------------------------------------------------------------------------------- */

static enum weft_err read_identity(const struct weft_json *value, const char *path,
    struct weft_context *context, struct weft_msg *msg)
{
    if (value->type != WEFT_JSON_STRING || value->text.size >= sizeof(context->identity)) {
        return weft_fail(
            msg, WEFT_EINVAL, "%s: line %u: identity must be a path", path, value->line);
    }
    memcpy(context->identity, value->text.data, value->text.size);
    context->identity[value->text.size] = '\0';
    return WEFT_OK;
}

static enum weft_err read_endpoints(const struct weft_json *value, const char *path,
    struct weft_context *context, struct weft_msg *msg)
{
    if (value->type != WEFT_JSON_ARRAY) {
        return weft_fail(
            msg, WEFT_EINVAL, "%s: line %u: endpoints must be a list", path, value->line);
    }
    for (const struct weft_json *item = value->first; item != NULL; item = item->next) {
        if (item->type != WEFT_JSON_STRING) {
            return weft_fail(
                msg, WEFT_EINVAL, "%s: line %u: an endpoint is a text", path, item->line);
        }
        enum weft_err err = add_endpoint(context, item->text.data, item->text.size, msg);
        if (err != WEFT_OK) {
            return weft_wrap(msg, err, "%s: line %u", path, item->line);
        }
    }
    return WEFT_OK;
}

static enum weft_err read_context(const struct weft_json *root, const char *path,
    struct weft_context *context, struct weft_msg *msg)
{
    if (root->type != WEFT_JSON_OBJECT) {
        return weft_fail(msg, WEFT_EINVAL, "%s: not a context", path);
    }
    for (const struct weft_json *m = root->first; m != NULL; m = m->next) {
        enum weft_err err =
            weft_text_is(m->key, "identity") ? read_identity(m, path, context, msg)
            : weft_text_is(m->key, "endpoints")
                ? read_endpoints(m, path, context, msg)
                : weft_fail(msg, WEFT_EINVAL, "%s: line %u: unknown member \"%.*s\"", path, m->line,
                      (int)m->key.size, m->key.data);
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

enum weft_err weft_context_load(
    const char *name, struct weft_context *ret_context, struct weft_msg *msg)
{
    struct weft_context context = {0};
    struct weft_buffer text = {.size_max = FILE_SIZE_MAX};
    struct weft_arena arena = {.size_max = 1024 * 1024};
    struct weft_json *root = NULL;
    char path[WEFT_FILES_PATH_SIZE];
    enum weft_err err = check_name(name, msg);
    if (err == WEFT_OK) {
        err = file_of(name, ".json", path, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_read(path, &text, msg);
        if (err == WEFT_ENOTFOUND) {
            err = weft_fail(
                msg, err, "there is no context \"%s\" (%s); weft context list", name, path);
        }
    }
    if (err == WEFT_OK) {
        err = weft_json_parse(
            (struct weft_text){(char *)text.data, text.size}, 1, &arena, &root, msg);
        if (err != WEFT_OK) {
            err = weft_wrap(msg, WEFT_EINVAL, "%s", path);
        }
    }
    if (err == WEFT_OK) {
        (void)snprintf(context.name, sizeof(context.name), "%s", name);
        err = read_context(root, path, &context, msg);
    }
    if (err == WEFT_OK) {
        *ret_context = context;
    }
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&text);
    return err;
}

enum weft_err weft_context_save(
    const struct weft_context *context, bool may_replace, struct weft_msg *msg)
{
    struct weft_writer w = {0};
    char path[WEFT_FILES_PATH_SIZE];
    char directory[WEFT_FILES_PATH_SIZE];
    enum weft_err err = check_name(context->name, msg);
    if (err == WEFT_OK) {
        err = directory_of(directory, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_make_directory(directory, 0700, msg);
    }
    if (err == WEFT_OK) {
        err = file_of(context->name, ".json", path, msg);
    }
    if (err == WEFT_OK) {
        weft_writer_open(&w, NULL, '{');
        weft_writer_open(&w, "endpoints", '[');
        for (uint32_t i = 0; i < context->endpoint_count; i++) {
            weft_writer_text(&w, NULL, weft_text_of(context->endpoints[i]));
        }
        weft_writer_close(&w, ']');
        weft_writer_text(&w, "identity", weft_text_of(context->identity));
        weft_writer_close(&w, '}');
        err = w.is_broken ? weft_fail(msg, WEFT_EINVAL, "the identity's path is not UTF-8")
                          : weft_files_write(path, (struct weft_bytes){w.out.data, w.out.size},
                                0600, may_replace, msg);
    }
    weft_writer_destroy(&w);
    return err;
}

enum weft_err weft_context_current(char ret_name[WEFT_CONTEXT_NAME_SIZE], struct weft_msg *msg)
{
    const char *variable = getenv("WEFT_CONTEXT");
    struct weft_buffer text = {.size_max = FILE_SIZE_MAX};
    char path[WEFT_FILES_PATH_SIZE];
    ret_name[0] = '\0';
    if (variable != NULL && variable[0] != '\0') {
        enum weft_err err = check_name(variable, msg);
        if (err != WEFT_OK) {
            return weft_wrap(msg, err, "WEFT_CONTEXT");
        }
        (void)snprintf(ret_name, WEFT_CONTEXT_NAME_SIZE, "%s", variable);
        return WEFT_OK;
    }
    enum weft_err err = file_of("current", "", path, msg);
    if (err == WEFT_OK) {
        err = weft_files_read(path, &text, msg);
    }
    if (err == WEFT_OK) {
        struct weft_text name = {(char *)text.data, text.size};
        name.size -= name.size > 0 && name.data[name.size - 1] == '\n' ? 1 : 0;
        if (weft_principal_is_part(name)) {
            memcpy(ret_name, name.data, name.size);
            ret_name[name.size] = '\0';
        } else {
            err = weft_fail(msg, WEFT_EINVAL, "%s holds no name; weft context use NAME", path);
        }
    }
    weft_buffer_destroy(&text);
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

enum weft_err weft_context_use(const char *name, struct weft_msg *msg)
{
    struct weft_context context;
    char path[WEFT_FILES_PATH_SIZE];
    char line[WEFT_CONTEXT_NAME_SIZE + 2];
    enum weft_err err = weft_context_load(name, &context, msg);
    if (err == WEFT_OK) {
        err = file_of("current", "", path, msg);
    }
    if (err == WEFT_OK) {
        int size = snprintf(line, sizeof(line), "%s\n", name);
        err = weft_files_write(
            path, (struct weft_bytes){(uint8_t *)line, (size_t)size}, 0600, true, msg);
    }
    return err;
}

enum weft_err weft_context_remove(const char *name, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE];
    enum weft_err err = check_name(name, msg);
    if (err == WEFT_OK) {
        err = file_of(name, ".json", path, msg);
    }
    if (err == WEFT_OK && unlink(path) != 0) {
        err = errno == ENOENT ? weft_fail(msg, WEFT_ENOTFOUND, "there is no context \"%s\"", name)
                              : weft_fail(msg, WEFT_EIO, "%s: %s", path, strerror(errno));
    }
    return err;
}

static int is_context_file(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0 &&
           weft_principal_is_part((struct weft_text){entry->d_name, size - 5});
}

enum weft_err weft_context_list(
    void (*on_name)(void *ctx, const char *name), void *ctx, struct weft_msg *msg)
{
    char directory[WEFT_FILES_PATH_SIZE];
    struct dirent **entries = NULL;
    enum weft_err err = directory_of(directory, msg);
    if (err != WEFT_OK) {
        return err;
    }
    int count = scandir(directory, &entries, is_context_file, alphasort);
    if (count < 0) {
        return errno == ENOENT ? WEFT_OK
                               : weft_fail(msg, WEFT_EIO, "%s: %s", directory, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        on_name(ctx, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return WEFT_OK;
}

/* --- what is in force -------------------------------------------------------------------- */

static enum weft_err take_endpoints(
    const struct weft_args *args, struct weft_context *context, struct weft_msg *msg)
{
    if (!weft_args_has(args, "endpoint")) {
        return WEFT_OK;
    }
    context->endpoint_count = 0;
    for (int n = 0; weft_args_nth(args, "endpoint", n) != NULL; n++) {
        enum weft_err err =
            weft_context_add_endpoints(context, weft_args_nth(args, "endpoint", n), msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

static enum weft_err check_identity(const struct weft_context *context, struct weft_msg *msg)
{
    static const char *const files[] = {WEFT_IDENTITY_CA, WEFT_IDENTITY_CERT, WEFT_IDENTITY_KEY};
    for (int i = 0; i < 3; i++) {
        char path[WEFT_FILES_PATH_SIZE];
        enum weft_err err = weft_files_join(context->identity, files[i], path, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (access(path, R_OK) != 0) {
            return weft_fail(msg, WEFT_EINVAL,
                "identity %s: %s: %s (an identity holds ca.crt, tls.crt, tls.key; weft pki "
                "person makes one)",
                context->identity, files[i], strerror(errno));
        }
    }
    return WEFT_OK;
}

enum weft_err weft_context_resolve(
    const struct weft_args *args, struct weft_context *ret_context, struct weft_msg *msg)
{
    struct weft_context context = {0};
    char name[WEFT_CONTEXT_NAME_SIZE] = "";
    const char *named = weft_args_text(args, "context", NULL);
    const char *identity = weft_args_text(args, "identity", NULL);
    bool is_complete = weft_args_has(args, "endpoint") && identity != NULL;
    enum weft_err err = WEFT_OK;
    if (named == NULL && !is_complete) {
        err = weft_context_current(name, msg);
        named = name;
    }
    if (err == WEFT_OK && named != NULL && named[0] != '\0') {
        err = weft_context_load(named, &context, msg);
    }
    if (err == WEFT_OK) {
        err = take_endpoints(args, &context, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (identity != NULL) {
        if (strlen(identity) >= sizeof(context.identity)) {
            return weft_fail(msg, WEFT_EINVAL, "--identity: path too long");
        }
        (void)snprintf(context.identity, sizeof(context.identity), "%s", identity);
    }
    if (context.endpoint_count == 0 || context.identity[0] == '\0') {
        return weft_fail(msg, WEFT_EINVAL,
            "%s is not known: give --endpoint HOST:PORT and --identity DIR, or make a context: "
            "weft context add NAME --endpoint HOST:PORT --identity DIR",
            context.endpoint_count == 0 ? "the site's address" : "the identity to use");
    }
    err = check_identity(&context, msg);
    if (err == WEFT_OK) {
        *ret_context = context;
    }
    return err;
}
