#include "ops/weft/keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ops/weft/files.h"
#include "policy/crypto/random.h"

enum {
    VKEY_FILE_SIZE_MAX = WEFT_VKEY_TEXT_SIZE + 1
};

static const char key_suffix[] = ".key";

void weft_passphrase_wipe(struct weft_passphrase *passphrase)
{
    weft_random_wipe(passphrase, sizeof(*passphrase));
}

/* --- where a passphrase comes from ----------------------------------------------------------- */

static void cut_line(char *text)
{
    text[strcspn(text, "\r\n")] = '\0';
}

static enum weft_err read_passphrase_file(
    const char *path, struct weft_passphrase *p, struct weft_msg *msg)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return weft_fail(msg, WEFT_ENOTFOUND, "%s: cannot be read", path);
    }
    setvbuf(file, NULL, _IONBF, 0); /* No copy left behind. */
    bool is_read = fgets(p->text, sizeof(p->text), file) != NULL;
    (void)fclose(file);
    cut_line(p->text);
    return is_read ? WEFT_OK : weft_fail(msg, WEFT_EINVAL, "%s: no passphrase in it", path);
}

static enum weft_err ask(const char *what, struct weft_passphrase *p, struct weft_msg *msg)
{
    struct termios before, silent;
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal == NULL || tcgetattr(fileno(terminal), &before) != 0) {
        if (terminal != NULL) {
            (void)fclose(terminal);
        }
        return weft_fail(
            msg, WEFT_EINVAL, "no terminal to ask for a passphrase: give --passphrase-file FILE");
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    setvbuf(terminal, NULL, _IONBF, 0);
    (void)fprintf(terminal, "%s: ", what);
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, &silent);
    bool is_read = fgets(p->text, sizeof(p->text), terminal) != NULL;
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    (void)fputc('\n', terminal);
    (void)fclose(terminal);
    cut_line(p->text);
    return is_read ? WEFT_OK : weft_fail(msg, WEFT_EINVAL, "no passphrase was given");
}

bool weft_passphrase_is_at_hand(const struct weft_args *args, const char *option)
{
    if (weft_args_has(args, "clear") || weft_args_has(args, option)) {
        return true;
    }
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal >= 0) {
        (void)close(terminal);
    }
    return terminal >= 0;
}

enum weft_err weft_passphrase_choose(const struct weft_args *args, const char *option,
    struct weft_passphrase *ret_passphrase, struct weft_msg *msg)
{
    const char *file = weft_args_text(args, option, NULL);
    struct weft_passphrase again = {""};
    ret_passphrase->text[0] = '\0';
    if (weft_args_has(args, "clear")) {
        return file == NULL ? WEFT_OK
                            : weft_fail(msg, WEFT_EINVAL, "--clear or --%s, not both", option);
    }
    enum weft_err err = file != NULL ? read_passphrase_file(file, ret_passphrase, msg)
                                     : ask("passphrase of the new keys", ret_passphrase, msg);
    if (err == WEFT_OK && strlen(ret_passphrase->text) < WEFT_KEYFILE_PASSPHRASE_SIZE_MIN) {
        err = weft_fail(msg, WEFT_EINVAL, "a passphrase has %d bytes at least",
            WEFT_KEYFILE_PASSPHRASE_SIZE_MIN);
    }
    if (err == WEFT_OK && file == NULL) {
        err = ask("once more", &again, msg);
        if (err == WEFT_OK && strcmp(again.text, ret_passphrase->text) != 0) {
            err = weft_fail(msg, WEFT_EINVAL, "that was another one");
        }
    }
    weft_passphrase_wipe(&again);
    if (err != WEFT_OK) {
        weft_passphrase_wipe(ret_passphrase);
    }
    return err;
}

/* --- files ----------------------------------------------------------------------------------- */

static struct weft_bytes bytes_of(const struct weft_passphrase *p)
{
    return (struct weft_bytes){(const uint8_t *)p->text, strlen(p->text)};
}

static enum weft_err write_file(const char *directory, const char *label, const char *suffix,
    struct weft_bytes bytes, unsigned mode, struct weft_msg *msg)
{
    char name[WEFT_SIGNER_NAME_SIZE_MAX + 8], path[WEFT_FILES_PATH_SIZE];
    (void)snprintf(name, sizeof(name), "%s%s", label, suffix);
    enum weft_err err = weft_files_join(directory, name, path, msg);
    return err == WEFT_OK ? weft_files_write(path, bytes, mode, false, msg) : err;
}

enum weft_err weft_keys_make(const char *directory, const char *label, const char *name,
    const struct weft_passphrase *passphrase, struct weft_signer *ret_signer, struct weft_msg *msg)
{
    struct weft_ed25519_pair pair;
    struct weft_buffer pem = {.size_max = WEFT_KEYFILE_SIZE_MAX};
    char vkey[WEFT_VKEY_TEXT_SIZE], line[WEFT_VKEY_TEXT_SIZE + 1];
    enum weft_err err = weft_files_make_directory(directory, 0700, msg);
    if (err == WEFT_OK) {
        err = weft_ed25519_generate(&pair, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_signer_make(weft_text_of(name), WEFT_SIGNER_ED25519, &pair, ret_signer, msg);
    if (err == WEFT_OK) {
        err = weft_keyfile_encode(&pair, bytes_of(passphrase), &pem, msg);
    }
    if (err == WEFT_OK) {
        err = write_file(
            directory, label, key_suffix, (struct weft_bytes){pem.data, pem.size}, 0600, msg);
    }
    if (err == WEFT_OK) {
        weft_verifier_format(&ret_signer->verifier, vkey);
        (void)snprintf(line, sizeof(line), "%s\n", vkey);
        err = write_file(directory, label, ".vkey",
            (struct weft_bytes){(const uint8_t *)line, strlen(line)}, 0644, msg);
    }
    weft_keyfile_destroy(&pem);
    weft_random_wipe(&pair, sizeof(pair));
    return err;
}

enum weft_err weft_keys_read_public(
    const char *path, struct weft_verifier *ret_verifier, struct weft_msg *msg)
{
    struct weft_buffer text = {.size_max = VKEY_FILE_SIZE_MAX};
    char name[WEFT_FILES_PATH_SIZE];
    size_t size = strlen(path), suffix = sizeof(key_suffix) - 1;
    bool is_private = size > suffix && strcmp(path + size - suffix, key_suffix) == 0;
    if (size + 2 > sizeof(name)) {
        return weft_fail(msg, WEFT_EINVAL, "%.80s...: path too long", path);
    }
    (void)snprintf(name, sizeof(name), "%.*s%s", (int)(is_private ? size - suffix : size), path,
        is_private ? ".vkey" : "");
    enum weft_err err = weft_files_read(name, &text, msg);
    if (err == WEFT_OK) {
        struct weft_text vkey = weft_buffer_as_text(&text);
        vkey.size -= vkey.size > 0 && vkey.data[vkey.size - 1] == '\n';
        err = weft_verifier_parse(vkey, ret_verifier, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", name);
    }
    weft_buffer_destroy(&text);
    return err;
}

/* By each passphrase that is given, until one opens it. */
static enum weft_err open_by_files(const struct weft_args *args, struct weft_bytes pem,
    struct weft_ed25519_pair *ret_pair, struct weft_msg *msg)
{
    enum weft_err err = WEFT_EREFUSED;
    const char *file;
    for (int i = 0;
         err == WEFT_EREFUSED && (file = weft_args_nth(args, "passphrase-file", i)) != NULL; i++) {
        struct weft_passphrase passphrase = {""};
        err = read_passphrase_file(file, &passphrase, msg);
        if (err == WEFT_OK) {
            err = weft_keyfile_decode(pem, bytes_of(&passphrase), ret_pair, msg);
        }
        weft_passphrase_wipe(&passphrase);
    }
    return err;
}

static enum weft_err open_pair(const struct weft_args *args, const char *path,
    struct weft_bytes pem, struct weft_ed25519_pair *ret_pair, struct weft_msg *msg)
{
    struct weft_keyfile_facts facts;
    struct weft_passphrase passphrase = {""};
    char what[WEFT_FILES_PATH_SIZE + 32];
    enum weft_err err = weft_keyfile_inspect(pem, &facts, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (facts.is_encrypted && weft_args_has(args, "passphrase-file")) {
        return open_by_files(args, pem, ret_pair, msg);
    }
    (void)snprintf(what, sizeof(what), "passphrase of %s", path);
    if (facts.is_encrypted) {
        err = ask(what, &passphrase, msg);
    }
    if (err == WEFT_OK) {
        err = weft_keyfile_decode(pem, bytes_of(&passphrase), ret_pair, msg);
    }
    weft_passphrase_wipe(&passphrase);
    return err;
}

enum weft_err weft_keys_open(const struct weft_args *args, const char *path,
    struct weft_signer *ret_signer, struct weft_msg *msg)
{
    struct weft_verifier verifier = {.type = WEFT_SIGNER_ED25519};
    struct weft_ed25519_pair pair;
    struct weft_buffer pem = {.size_max = WEFT_KEYFILE_SIZE_MAX};
    size_t size = strlen(path), suffix = sizeof(key_suffix) - 1;
    if (size <= suffix || strcmp(path + size - suffix, key_suffix) != 0) {
        return weft_fail(msg, WEFT_EINVAL, "%s: a key's file is called NAME.key", path);
    }
    enum weft_err err = weft_keys_read_public(path, &verifier, msg);
    if (err == WEFT_OK) {
        err = weft_files_read(path, &pem, msg);
    }
    if (err == WEFT_OK) {
        err = open_pair(args, path, (struct weft_bytes){pem.data, pem.size}, &pair, msg);
        /* No policy has refused a wrong passphrase: scripts tell the two apart. */
        err = err == WEFT_EREFUSED ? WEFT_EINVAL : err;
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
    }
    if (err == WEFT_OK) {
        err = weft_signer_make(weft_text_of(verifier.name), verifier.type, &pair, ret_signer, msg);
        weft_random_wipe(&pair, sizeof(pair));
    }
    if (err == WEFT_OK && !weft_verifier_equal(&ret_signer->verifier, &verifier)) {
        weft_signer_wipe(ret_signer);
        err = weft_fail(msg, WEFT_EINVAL, "%s: its .vkey is another key's", path);
    }
    weft_keyfile_destroy(&pem);
    return err;
}
