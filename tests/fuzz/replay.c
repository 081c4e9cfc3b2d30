/* tests/fuzz/replay.c: runs a fuzz target without libFuzzer.
 *
 *     fuzz_x CORPUS RUNS SEED FAILED
 *
 * First every file of the directory CORPUS, then RUNS mutations of them, drawn from SEED. The
 * same arguments give the same inputs. Each input is in a block of exactly its size. When the
 * target fails, its input is in the file FAILED; `fuzz_x FAILED` runs it alone. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILES_MAX = 4096,
    INPUT_SIZE_MAX = 1 << 20
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Of the sanitizers, if one is linked. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct input {
    uint8_t *data;
    size_t size;
};

static struct input corpus[FILES_MAX];
static size_t corpus_count;
static const char *failed_path;
static struct input running;
static uint64_t random_state;

static uint64_t draw(uint64_t bound) /* splitmix64 */
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % bound;
}

_Noreturn static void give_up(const char *what, const char *path)
{
    (void)fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    exit(2);
}

/* --- when the target fails ------------------------------------------------------------------- */

static void save_running(void)
{
    static const char note[] = "fuzz: the input that failed was written beside the corpus\n";
    int fd = failed_path != NULL ? open(failed_path, O_CREAT | O_TRUNC | O_WRONLY, 0644) : -1;
    if (fd >= 0) {
        ssize_t done = write(fd, running.data, running.size);
        done += write(STDERR_FILENO, note, sizeof(note) - 1);
        (void)done;
        (void)close(fd);
    }
}

static void on_signal(int number)
{
    save_running();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void watch(void)
{
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(save_running);
        (void)signal(SIGABRT, on_signal);
        return;
    }
    static const int signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        (void)signal(signals[i], on_signal);
    }
}

/* --- inputs ---------------------------------------------------------------------------------- */

static struct input copy_of(const uint8_t *data, size_t size)
{
    struct input input = {malloc(size > 0 ? size : 1), size};
    if (input.data == NULL) {
        give_up("no memory for", "an input");
    }
    memcpy(input.data, data, size);
    return input;
}

static struct input read_file(const char *path)
{
    static uint8_t block[INPUT_SIZE_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        give_up("cannot open", path);
    }
    size_t size = fread(block, 1, sizeof(block), file);
    (void)fclose(file);
    return copy_of(block, size);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_corpus(const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, by_name);
    if (count < 0) {
        give_up("cannot read", path);
    }
    for (int i = 0; i < count; i++) {
        char name[4096];
        struct stat st;
        (void)snprintf(name, sizeof(name), "%s/%s", path, names[i]->d_name);
        if (stat(name, &st) == 0 && S_ISREG(st.st_mode) && corpus_count < FILES_MAX) {
            corpus[corpus_count++] = read_file(name);
        }
        free(names[i]);
    }
    free(names);
}

/* --- mutations ------------------------------------------------------------------------------- */

static void put_word(struct input *input)
{
    static const uint32_t words[] = {
        0, 1, 4, 8, 16, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
    if (input->size >= 4) {
        uint32_t word = draw(2) ? words[draw(sizeof(words) / sizeof(words[0]))]
                                : (uint32_t)draw(input->size + 64);
        memcpy(input->data + (draw(input->size - 3) & ~(size_t)3), &word, sizeof(word));
    }
}

static void resize(struct input *input, size_t size)
{
    size_t old = input->size;
    uint8_t *data = realloc(input->data, size > 0 ? size : 1);
    if (data == NULL) {
        give_up("no memory for", "an input");
    }
    if (size > old) {
        memset(data + old, 0, size - old);
    }
    *input = (struct input){data, size};
}

/* The start of one input and the end of another. */
static void join_two(struct input *input)
{
    const struct input *other = &corpus[draw(corpus_count)];
    size_t keep = draw(input->size + 1), from = draw(other->size + 1);
    resize(input, keep + other->size - from);
    memcpy(input->data + keep, other->data + from, other->size - from);
}

static void move_block(struct input *input)
{
    size_t size = 1 + draw(16);
    if (input->size > size) {
        size_t from = draw(input->size - size), to = draw(input->size - size);
        memmove(input->data + to, input->data + from, size);
    }
}

static void mutate(struct input *input)
{
    for (uint64_t i = 1 + draw(6); i > 0; i--) {
        if (input->size == 0) {
            resize(input, 1 + draw(64));
        }
        switch (draw(8)) {
        case 0:
            input->data[draw(input->size)] = (uint8_t)draw(256);
            break;
        case 1:
            put_word(input);
            break;
        case 2:
            resize(input, draw(input->size + 1));
            break;
        case 3:
            resize(input, input->size + 1 + draw(16));
            break;
        case 4:
            join_two(input);
            break;
        case 5:
            move_block(input);
            break;
        default:
            input->data[draw(input->size)] ^= (uint8_t)(1u << draw(8));
            break;
        }
    }
}

static void run(struct input input)
{
    running = input;
    (void)LLVMFuzzerTestOneInput(input.data, input.size);
    running = (struct input){NULL, 0};
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        struct input input = read_file(argv[1]);
        run(input);
        free(input.data);
        return 0;
    }
    if (argc != 5) {
        (void)fprintf(stderr, "usage: %s CORPUS RUNS SEED FAILED | %s INPUT\n", argv[0], argv[0]);
        return 2;
    }
    read_corpus(argv[1]);
    uint64_t runs = strtoull(argv[2], NULL, 10);
    random_state = strtoull(argv[3], NULL, 10);
    failed_path = argv[4];
    if (corpus_count == 0) {
        (void)fprintf(stderr, "no corpus in %s\n", argv[1]);
        return 2;
    }
    watch();
    for (size_t i = 0; i < corpus_count; i++) {
        run(corpus[i]);
    }
    for (uint64_t i = 0; i < runs; i++) {
        const struct input *seed = &corpus[draw(corpus_count)];
        struct input input = copy_of(seed->data, seed->size);
        mutate(&input);
        run(input);
        free(input.data);
    }
    (void)fprintf(
        stderr, "%zu files of the corpus and %" PRIu64 " mutations\n", corpus_count, runs);
    for (size_t i = 0; i < corpus_count; i++) {
        free(corpus[i].data);
    }
    return 0;
}
