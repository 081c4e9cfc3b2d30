/* Keys of notes as files, what opens them, and notes on their way between those who sign. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ops/weft/authority_note.h"
#include "ops/weft/files.h"
#include "ops/weft/keys.h"
#include "tests/lib/test.h"

#define NAME "oem.example/plant1/op/ann"

static struct weft_msg message;
static struct weft_signer signer;

static const char *path_of(const char *name)
{
    static char paths[4][1024];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", test_directory(), name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    EXPECT_EQ(WEFT_OK,
        weft_files_write(path_of(name), (struct weft_bytes){(const uint8_t *)text, strlen(text)},
            0644, true, &message));
}

/* ann.key behind a passphrase, bo.key in the clear. */
static void make_keys(void)
{
    struct weft_passphrase phrase = {"correct horse"}, none = {""};
    EXPECT_EQ(WEFT_OK, weft_keys_make(test_directory(), "ann", NAME, &phrase, &signer, &message));
    EXPECT_EQ(WEFT_OK, weft_keys_make(test_directory(), "bo", "oem.example/plant1/op/bo", &none,
                           &signer, &message));
    write_text("right", "correct horse\nsecond line\n");
    write_text("wrong", "correct house\n");
}

/* As by the options of `weft policy sign`. */
static enum weft_err open_key(const char *key, const char *first, const char *second)
{
    char one[1100], two[1100];
    char *argv[] = {
        (char *)"weft", (char *)"policy", (char *)"sign", (char *)"file", one, two, NULL};
    int argc = 4;
    struct weft_args args;
    (void)snprintf(one, sizeof(one), "--passphrase-file=%s", first != NULL ? path_of(first) : "");
    (void)snprintf(two, sizeof(two), "--passphrase-file=%s", second != NULL ? path_of(second) : "");
    argc += first != NULL;
    argc += second != NULL;
    argv[argc] = NULL;
    EXPECT_EQ(WEFT_OK, weft_args_parse(argc, argv, &args, &message));
    message.text[0] = '\0';
    enum weft_err err = weft_keys_open(&args, path_of(key), &signer, &message);
    weft_args_destroy(&args);
    return err;
}

TEST(keys, file_is_opened_by_any_of_the_passphrases_and_by_no_other)
{
    make_keys();
    EXPECT_EQ(WEFT_OK, open_key("ann.key", "right", NULL));
    EXPECT_TEXT(NAME, signer.verifier.name);
    EXPECT_EQ(WEFT_OK, open_key("ann.key", "wrong", "right"));
    EXPECT_EQ(WEFT_EINVAL, open_key("ann.key", "wrong", "wrong"));
    EXPECT_TRUE(strstr(message.text, "ann.key: this passphrase does not open") != NULL);
    EXPECT_EQ(WEFT_ENOTFOUND, open_key("ann.key", "nothing", "right"));
    EXPECT_EQ(WEFT_OK, open_key("bo.key", "wrong", NULL)); /* It needs none. */
    EXPECT_EQ(WEFT_OK, open_key("bo.key", NULL, NULL));
    weft_signer_wipe(&signer);
}

TEST(keys, private_key_has_mode_0600_and_is_not_made_over)
{
    struct weft_passphrase none = {""};
    struct stat st;
    make_keys();
    EXPECT_EQ(0, stat(path_of("ann.key"), &st));
    EXPECT_EQ(0600, st.st_mode & 0777); /* OPS-6 */
    EXPECT_EQ(WEFT_ESTATE, weft_keys_make(test_directory(), "ann", NAME, &none, &signer, &message));
    EXPECT_EQ(WEFT_OK, open_key("ann.key", "right", NULL));
    weft_signer_wipe(&signer);
}

TEST(keys, halves_that_do_not_belong_together_are_refused)
{
    struct weft_verifier verifier;
    char line[WEFT_VKEY_TEXT_SIZE + 2];
    make_keys();
    EXPECT_EQ(WEFT_OK, weft_keys_read_public(path_of("bo.key"), &verifier, &message));
    EXPECT_EQ(WEFT_OK, weft_keys_read_public(path_of("bo.vkey"), &verifier, &message));
    weft_verifier_format(&verifier, line);
    write_text("ann.vkey", line);
    EXPECT_EQ(WEFT_EINVAL, open_key("ann.key", "right", NULL));
    EXPECT_TRUE(strstr(message.text, "its .vkey is another key's") != NULL);
    write_text("ann.vkey", "nonsense\n");
    EXPECT_EQ(WEFT_EMALFORMED, open_key("ann.key", "right", NULL));
    EXPECT_EQ(WEFT_EINVAL, open_key("right", "right", NULL));
    EXPECT_TRUE(strstr(message.text, "a key's file is called NAME.key") != NULL);
    EXPECT_EQ(WEFT_ENOTFOUND, open_key("zoe.key", "right", NULL));
    /* The neutral element: a key of low order (POL-21). */
    write_text("ann.vkey", NAME "+739999b5+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    EXPECT_EQ(WEFT_EINVAL, open_key("ann.key", "right", NULL));
    EXPECT_TRUE(strstr(message.text, "key-of-low-order") != NULL);
}

static struct weft_signer make_signer(const char *name, uint8_t seed)
{
    struct weft_ed25519_pair pair;
    struct weft_signer made;
    const uint8_t bytes[WEFT_ED25519_SEED_SIZE] = {seed};
    EXPECT_EQ(WEFT_OK, weft_ed25519_from_seed(bytes, &pair, &message));
    EXPECT_EQ(
        WEFT_OK, weft_signer_make(weft_text_of(name), WEFT_SIGNER_ED25519, &pair, &made, &message));
    return made;
}

TEST(authority_note, lines_are_gathered_by_way_of_files)
{
    struct weft_authority_note first = {.lines = {0}}, second = {.lines = {0}};
    struct weft_signer a = make_signer("oem.example/root/a", 1),
                       b = make_signer("oem.example/root/b", 2);
    struct weft_verifier both[2] = {a.verifier, b.verifier};
    struct weft_note_mark marks[2];
    struct weft_note note;
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&first.text, WEFT_TEXT("a text\n")));
    EXPECT_EQ(WEFT_EINVAL, weft_authority_note_join(&first, &note, &message));
    EXPECT_EQ(WEFT_OK, weft_authority_note_sign(&first, &a, &message));
    EXPECT_EQ(WEFT_OK, weft_authority_note_write(path_of("begun"), &first, &message));
    EXPECT_EQ(WEFT_ESTATE, weft_authority_note_write(path_of("begun"), &first, &message));

    EXPECT_EQ(WEFT_OK, weft_authority_note_read(path_of("begun"), &second, &message));
    EXPECT_EQ(WEFT_OK, weft_authority_note_sign(&second, &b, &message));
    EXPECT_EQ(WEFT_OK, weft_authority_note_sign(&second, &a, &message)); /* It has: once only. */
    EXPECT_EQ(WEFT_OK, weft_authority_note_join(&second, &note, &message));
    EXPECT_EQ(2, note.signature_count);
    EXPECT_EQ(WEFT_OK, weft_note_verify(&note, both, 2, marks, &message));
    EXPECT_TRUE(marks[0].is_signed && marks[1].is_signed);
    EXPECT_TRUE(weft_text_is(weft_buffer_as_text(&second.text), "a text\n"));
    weft_authority_note_destroy(&first);
    weft_authority_note_destroy(&second);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_authority_note_read(path_of("none"), &first, &message));
    write_text("torn", "a text\n\n");
    EXPECT_EQ(WEFT_EMALFORMED, weft_authority_note_read(path_of("torn"), &first, &message));
    weft_authority_note_destroy(&first);
}
