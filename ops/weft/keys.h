/* ops/weft/keys.h: keys of notes as files: NAME.key (PKCS #8) and NAME.vkey, its public half.
 *
 * A passphrase comes from a file, or from the terminal; a key in the clear is said so. Secrets are
 * wiped by who made them. */
#ifndef WEFT_OPS_KEYS_H
#define WEFT_OPS_KEYS_H

#include "ops/weft/args.h"
#include "policy/crypto/keyfile.h"
#include "policy/signer.h"
#include "proto/bytes.h"
#include "proto/err.h"

/* Wiped by weft_passphrase_wipe. */
struct weft_passphrase {
    char text[WEFT_KEYFILE_PASSPHRASE_SIZE_MAX + 1]; /* Empty: none. */
};

/* Of a new key: as the options --OPTION FILE and --clear say (WEFT_KEYS_NEW_OPTIONS), else asked
 * for at the terminal, twice. `option` is "passphrase-file", or where that opens another key
 * "new-passphrase-file". WEFT_EINVAL: too short, no terminal. WEFT_ENOTFOUND, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_passphrase_choose(const struct weft_args *args, const char *option,
    struct weft_passphrase *ret_passphrase, struct weft_msg *msg);
/* Would it be known, or could it be asked for? */
bool weft_passphrase_is_at_hand(const struct weft_args *args, const char *option);
void weft_passphrase_wipe(struct weft_passphrase *passphrase);

/* A new key, written as DIRECTORY/LABEL.key (mode 0600) and DIRECTORY/LABEL.vkey; never over one
 * that is there. `name` is that of its signatures. WEFT_ESTATE, WEFT_EIO, WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_keys_make(const char *directory, const char *label,
    const char *name, const struct weft_passphrase *passphrase, struct weft_signer *ret_signer,
    struct weft_msg *msg);
/* Of FILE.key, with FILE.vkey beside it. If it must be opened, each --passphrase-file is tried, or
 * the terminal asked. WEFT_EINVAL: the passphrase; they do not belong together; a key that is not
 * sound. As files_read; WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_keys_open(const struct weft_args *args, const char *path,
    struct weft_signer *ret_signer, struct weft_msg *msg);

/* The public half: of FILE.vkey, FILE may be its NAME.key too. As files_read; WEFT_EMALFORMED,
 * WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_keys_read_public(
    const char *path, struct weft_verifier *ret_verifier, struct weft_msg *msg);

#define WEFT_KEYS_OPTIONS                                                                          \
    {                                                                                              \
        "passphrase-file", 0, "FILE",                                                              \
            "its first line opens keys; may be repeated, each is tried;\n"                         \
            "default: the terminal"                                                                \
    }
#define WEFT_KEYS_NEW_OPTIONS                                                                      \
    {"passphrase-file", 0, "FILE", "its first line will open the keys; default: the terminal"},    \
    {                                                                                              \
        "clear", 0, NULL, "keys without a passphrase: for trials and programs"                     \
    }

#endif
