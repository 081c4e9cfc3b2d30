#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ops/weft/files.h"
#include "ops/weft/output.h"
#include "policy/principal.h"
#include "proto/digest.h"

/* pki token: a secret for the HTTP door. The file keeps its digest, the terminal shows it once. */

enum {
    SECRET_BYTES = 32,          /* chosen: as much as a key; nobody can guess it */
    FILE_SIZE_MAX = 256 * 1024, /* as the node reads it */
};

/* RFC 4648, 5: without padding, so that it can stand in a header and in a URL. */
static void format_secret(const uint8_t secret[SECRET_BYTES], char ret_text[64])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t used = 0;
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        bits = bits << 8 | secret[i];
        for (count += 8; count >= 6; count -= 6) {
            ret_text[used++] = digits[bits >> (count - 6) & 63];
        }
    }
    ret_text[used++] = digits[bits << (6 - count) & 63];
    ret_text[used] = '\0';
}

/* The file with the line behind what it holds; other lines of the principal stay, so that an old
 * token goes on until its line is taken out. */
static enum weft_err append_line(
    const char *path, const char *uri, const char *digest, struct weft_msg *msg)
{
    struct weft_buffer text = {.size_max = FILE_SIZE_MAX};
    enum weft_err err = weft_files_exists(path) ? weft_files_read(path, &text, msg) : WEFT_OK;
    if (err == WEFT_OK && text.size > 0 && text.data[text.size - 1] != '\n') {
        err = weft_buffer_text(&text, WEFT_TEXT("\n"));
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(&text, "%s %s\n", uri, digest);
        err = err == WEFT_OK ? err : weft_fail(msg, err, "%s: full", path);
    }
    if (err == WEFT_OK) {
        err = weft_files_write(path, (struct weft_bytes){text.data, text.size}, 0600, true, msg);
    }
    weft_buffer_destroy(&text);
    return err;
}

static enum weft_err show(
    const struct weft_args *args, const char *uri, const char *token, struct weft_msg *msg)
{
    enum weft_format format;
    struct weft_writer w = {0};
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("%s\n", token);
        (void)fprintf(stderr, "for %s; it is shown this once\n", uri);
        return WEFT_OK;
    }
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "principal", weft_text_of(uri));
    weft_writer_text(&w, "token", weft_text_of(token));
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err draw(const struct weft_args *args, struct weft_msg *msg)
{
    const char *path = weft_args_text(args, "tokens", NULL);
    const char *org = weft_args_text(args, "org", NULL), *site = weft_args_text(args, "site", NULL);
    enum weft_principal_class class =
        weft_args_has(args, "person") ? WEFT_PRINCIPAL_OP : WEFT_PRINCIPAL_SVC;
    struct weft_principal principal;
    uint8_t secret[SECRET_BYTES];
    char token[64], uri[WEFT_PRINCIPAL_URI_SIZE], text[WEFT_DIGEST_TEXT_SIZE];
    if (path == NULL || org == NULL || site == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--tokens FILE, --org ORG and --site SITE are needed");
    }
    enum weft_err err = weft_principal_make(class, org, site, args->operands[0], &principal, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
        return weft_fail(msg, WEFT_EIO, "no random bytes");
    }
    format_secret(secret, token);
    struct weft_digest digest = weft_sha256(token, strlen(token));
    weft_digest_format(&digest, text);
    weft_principal_format_uri(&principal, uri);
    err = append_line(path, uri, text, msg);
    if (err == WEFT_OK) {
        err = show(args, uri, token, msg);
    }
    explicit_bzero(secret, sizeof(secret));
    explicit_bzero(token, sizeof(token));
    return err;
}

enum weft_exit weft_cmd_pki_token(const struct weft_args *args)
{
    struct weft_msg msg = {""};
    return weft_complain(draw(args, &msg), &msg);
}
