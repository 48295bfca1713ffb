/* Command lines, one word a line. Reading twice says the same, a refusal names a reason, and no secret is shown. */
#include "core/nsf_common.h"

#include "cli/options.h"
#include "core/arena.h"
#include "core/mem.h"
#include "source/address.h"
#include "source/secret.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool is_so)
{
    if (!is_so)
        abort();
}

/* Behind a key of a secret stand only stars. */
static void check_masked(const char *text, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i++)
        if (nsf_slice_has_prefix_nocase(nsf_slice(text + i, len - i), NSF_SLICE_LIT("sig=")))
            demand(i + 4 == len || strchr("* ;\"'\n\t", text[i + 4]) != NULL || text[i + 4] == '\0');
}

static void check_address(const char *word)
{
    const struct nsf_address_defaults defaults = {.account = "acct"};
    struct nsf_arena arena;
    struct nsf_address address;
    struct nsf_err err = NSF_ERR_INIT;
    const struct nsf_slice location = nsf_slice_str(word);
    if (!nsf_address_is_url(location))
        return;
    const struct nsf_slice shown = nsf_secret_cut(word);
    demand(nsf_slice_find(shown, '?') == shown.len);
    nsf_arena_init(&arena);
    if (nsf_failed(nsf_address_parse(location, &defaults, &arena, &address, &err)))
        demand(err.code == NSF_E_USAGE && err.text[0] != '\0');
    else
        demand(address.origin[0] != '\0' && address.host[0] != '\0');
    nsf_arena_release(&arena);
}

static void check_refusal(struct nsf_err *err)
{
    demand(err->code == NSF_E_USAGE && err->text[0] != '\0');
    check_masked(err->text, nsf_secret_mask(err->text, strlen(err->text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = nsf_strdup_n((const char *)data, size);
    char *argv[WORDS_MAX + 1] = {text + size}; /* the name of the program: empty */
    int argc = 1;
    for (char *word = text; argc < WORDS_MAX && word < text + size; word += strlen(word) + 1) {
        word[strcspn(word, "\n")] = '\0';
        argv[argc++] = word;
    }
    char **words = nsf_secret_take_args(argc, argv);
    for (int i = 0; i < argc; i++)
        check_masked(argv[i], strlen(argv[i]));
    struct nsf_options once, again;
    enum nsf_options_answer answers[2];
    bool has_command[2];
    struct nsf_err err = NSF_ERR_INIT, err_again = NSF_ERR_INIT;
    const bool is_refused = nsf_failed(nsf_options_parse(&once, argc, words, &answers[0], &has_command[0], &err));
    demand(is_refused == nsf_failed(nsf_options_parse(&again, argc, words, &answers[1], &has_command[1], &err_again)));
    demand(once.operands.n == again.operands.n && strcmp(err.text, err_again.text) == 0);
    if (is_refused)
        check_refusal(&err);
    else
        demand(answers[0] == answers[1] && once.command == again.command);
    for (size_t i = 0; i < once.operands.n; i++)
        check_address(once.operands.items[i]);
    nsf_options_release(&once);
    nsf_options_release(&again);
    nsf_free(words);
    nsf_free(text);
    return 0;
}
