#include "core/nsf_common.h"

#include "rules/rules.h"

#include "core/limits.h"
#include "core/mem.h"
#include "rules/document.h"
#include "rules/inside.h"
#include "rules/loader.h"
#include "rules/merge.h"
#include "rules/peers.h"
#include "rules/shape.h"
#include "rules/shapes.h"
#include "rules/walk.h"

/* NSGs held in memory before larger inputs are read twice: some thousands of usual ones. */
#define HELD_DEFAULT_BYTES ((size_t)48 << 20)

/* Lists that az, ARM, Resource Graph and PowerShell write; and that of flow logs, to be refused at its first record. */
static const char *const streamed_names[] = {"value", "data", "records", NULL};

struct run {
    const struct nsf_rules_options *options;
    const struct nsf_rules_sinks *sinks;
    struct nsf_problems *problems;
    struct nsf_rules_summary *summary;
    struct nsf_merge merge;
    struct nsf_peer_findings peers;
    struct nsf_file_list files;
    struct nsf_err first; /* the problem of the first file that has one */
    uint64_t n_problems;
    size_t n_left_out; /* groups that the conditions of templates switch off */
};

/* One document on its way through the loaders. */
struct reading {
    struct nsf_loader loader; /* first, so that the operations find the rest */
    struct run *run;
    struct nsf_file *file;
    struct nsf_json_stream *stream;
    bool is_again;
    size_t n_countable; /* whole NSGs with a real id, in the order of the document */
    size_t n_items;
    size_t n_known;
    size_t n_given;
    size_t n_problems;
    size_t n_refused;
    enum nsf_kind refused; /* the first that was */
    uint64_t refused_offset;
    bool is_findings;
    bool is_root; /* the value at hand is the whole document */
};

/* --- What loaders give ----------------------------------------------------------------------------------------- */

static struct reading *reading_of(struct nsf_loader *loader)
{
    return (struct reading *)loader;
}

static void give_nsg(void *ctx, const struct nsf_nsg *nsg)
{
    struct run *run = ctx;
    run->summary->n_nsgs++;
    run->summary->n_rules += nsg->n_rules;
    if (run->sinks->nsg != NULL)
        run->sinks->nsg(run->sinks->ctx, nsg);
}

static void on_nsg(struct nsf_loader *loader, const struct nsf_nsg *nsg)
{
    struct reading *reading = reading_of(loader);
    bool is_countable = !nsg->is_partial && !nsg->is_effective && !nsg->is_id_guessed;
    reading->n_given++;
    reading->n_countable += is_countable;
    if (!reading->is_again) {
        if (nsf_merge_add(&reading->run->merge, nsg) == NSF_MERGE_COUNTED)
            reading->file->is_needed_again = true;
        else
            reading->file->n_held += is_countable;
        return;
    }
    if (!is_countable || reading->n_countable <= reading->file->n_held)
        return;
    if (nsf_merge_add_again(&reading->run->merge, nsg) == NSF_MERGE_UNIQUE)
        give_nsg(reading->run, nsg);
}

static void on_attachment(struct nsf_loader *loader, const struct nsf_attachment *attachment)
{
    struct reading *reading = reading_of(loader);
    reading->n_given++;
    if (reading->is_again)
        return;
    reading->run->summary->n_attachments++;
    if (reading->run->sinks->attachment != NULL)
        reading->run->sinks->attachment(reading->run->sinks->ctx, attachment);
}

static void on_finding(struct nsf_loader *loader, const struct nsf_peer_finding *finding)
{
    struct reading *reading = reading_of(loader);
    reading->n_given++;
    if (reading->is_again)
        return;
    reading->run->summary->n_findings++;
    nsf_peer_findings_add(&reading->run->peers, finding);
    if (reading->run->sinks->finding != NULL)
        reading->run->sinks->finding(reading->run->sinks->ctx, finding);
}

static void add_problem(struct run *run, struct nsf_slice path, const struct nsf_err *err)
{
    nsf_problems_add_err(run->problems, path, err);
    if (run->n_problems++ > 0)
        return;
    run->first = *err;
    snprintf(run->first.subject, sizeof(run->first.subject), "%.*s", NSF_SLICE_ARG(path));
}

static void on_problem(struct nsf_loader *loader, enum nsf_code code, uint64_t offset, const char *text)
{
    struct reading *reading = reading_of(loader);
    reading->n_problems++;
    if (reading->is_again)
        return;
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result r = NSF_FAIL(&err, code, offset, "%s", text);
    (void)r;
    add_problem(reading->run, loader->file, &err);
}

static const struct nsf_loader_ops ops = {
    .nsg = on_nsg,
    .attachment = on_attachment,
    .finding = on_finding,
    .problem = on_problem,
};

/* --- One value ------------------------------------------------------------------------------------------------- */

typedef void load_fn(struct nsf_loader *loader, const struct nsf_json *value);

/* A Resource Graph answer in table form: every row becomes the resource it is. */
static void load_graph_table(struct nsf_loader *loader, const struct nsf_json *value);

static load_fn *const load_fns[NSF_KIND_N] = {
    [NSF_KIND_NSG] = nsf_load_nsg,
    [NSF_KIND_NEW_NSG] = nsf_load_new_nsg,
    [NSF_KIND_RULE] = nsf_load_rule,
    [NSF_KIND_TEMPLATE] = nsf_load_template,
    [NSF_KIND_TEMPLATE_WRAPPER] = nsf_load_template_wrapper,
    [NSF_KIND_WHAT_IF] = nsf_load_what_if,
    [NSF_KIND_GRAPH_TABLE] = load_graph_table,
    [NSF_KIND_TF_PLAN] = nsf_load_terraform_plan,
    [NSF_KIND_TF_STATE] = nsf_load_terraform_state,
    [NSF_KIND_TF_RAW] = nsf_load_terraform_raw,
    [NSF_KIND_EFFECTIVE_LIST] = nsf_load_effective_list,
    [NSF_KIND_EFFECTIVE_NSG] = nsf_load_effective,
    [NSF_KIND_SECURITY_VIEW] = nsf_load_security_view,
    [NSF_KIND_NIC] = nsf_load_nic,
    [NSF_KIND_PUBLIC_IP] = nsf_load_public_ip,
    [NSF_KIND_VNET] = nsf_load_vnet,
    [NSF_KIND_SUBNET] = nsf_load_subnet,
    [NSF_KIND_ADMIN_RULE] = nsf_load_admin_rule,
    [NSF_KIND_SCAN] = nsf_load_scan,
    [NSF_KIND_CLOUDSPLOIT] = nsf_load_cloudsploit,
    [NSF_KIND_CHECKOV] = nsf_load_checkov,
    [NSF_KIND_SARIF] = nsf_load_sarif,
    [NSF_KIND_OCSF] = nsf_load_ocsf,
};

static void load_kind(struct nsf_loader *loader, const struct nsf_json *value, enum nsf_kind kind)
{
    if (load_fns[kind] == NULL)
        NSF_BUG("a kind that is refused came to its loader");
    load_fns[kind](loader, value);
}

/* az, ARM, Resource Graph and PowerShell lists differ in spelling alone and share their loaders. */
static enum nsf_input_shape family_of(enum nsf_input_shape shape)
{
    bool is_list =
        shape == NSF_INPUT_SHAPE_ARM || shape == NSF_INPUT_SHAPE_GRAPH || shape == NSF_INPUT_SHAPE_POWERSHELL;
    return is_list ? NSF_INPUT_SHAPE_AZ : shape;
}

static enum nsf_kind find_kind(struct reading *reading, const struct nsf_json *value)
{
    enum nsf_input_shape forced = reading->run->options->shape;
    enum nsf_kind kind = nsf_kind_of(&reading->loader, value);
    if (forced == NSF_INPUT_SHAPE_AUTO || kind == NSF_KIND_EMPTY)
        return kind;
    if (family_of(nsf_kind_shape(kind)) == family_of(forced))
        return kind;
    bool is_nameless = kind == NSF_KIND_UNKNOWN || kind == NSF_KIND_OTHER_RESOURCE;
    enum nsf_kind said = nsf_kind_forced(forced);
    if (is_nameless && said != NSF_KIND_UNKNOWN && nsf_json_is(value, NSF_JSON_MAP))
        return said;
    if (!is_nameless)
        nsf_loader_problem(&reading->loader, NSF_E_SHAPE, value->offset, "this is %s, not what --input-shape %s says",
                           nsf_kind_text(kind), nsf_input_shape_name(forced));
    return NSF_KIND_UNKNOWN;
}

static void refuse(struct reading *reading, enum nsf_kind kind, uint64_t offset)
{
    if (reading->n_refused++ > 0)
        return;
    reading->refused = kind;
    reading->refused_offset = offset;
}

/* Inner lists ([[...],[...]], the pages of `az ... | jq -s`) are read as if their elements stood outside. */
static void load_value(struct reading *reading, const struct nsf_json *value)
{
    if (nsf_json_len(value) > 0) {
        for (size_t i = 0; i < nsf_json_len(value); i++)
            load_value(reading, nsf_json_item(value, i));
        return;
    }
    enum nsf_kind kind = find_kind(reading, value);
    if (kind == NSF_KIND_OTHER_RESOURCE || kind == NSF_KIND_EMPTY) {
        if (reading->n_refused == 0)
            reading->refused = kind;
        return;
    }
    if (kind == NSF_KIND_UNKNOWN && reading->run->options->shape == NSF_INPUT_SHAPE_AUTO &&
        nsf_find_inside(&reading->loader, value, reading->is_root, load_kind) > 0) {
        reading->n_known++;
        return;
    }
    if (nsf_kind_refusal(kind) != NULL) {
        refuse(reading, kind, value->offset);
        return;
    }
    reading->n_known++;
    reading->is_findings |= nsf_kind_shape(kind) == NSF_INPUT_SHAPE_FINDINGS;
    load_kind(&reading->loader, value, kind);
}

static void load_graph_table(struct nsf_loader *loader, const struct nsf_json *value)
{
    const struct nsf_json *columns = nsf_json_path(value, "data.columns"), *rows = nsf_json_path(value, "data.rows");
    for (size_t r = 0; r < nsf_json_len(rows); r++) {
        const struct nsf_json *row = nsf_json_item(rows, r);
        struct nsf_json map = {.type = NSF_JSON_MAP, .offset = row->offset, .line = row->line};
        size_t n = nsf_json_len(row) < nsf_json_len(columns) ? nsf_json_len(row) : nsf_json_len(columns);
        struct nsf_json_member *members = nsf_arena_alloc(loader->arena, nsf_mul_size(n, sizeof(*members)));
        for (size_t c = 0; c < n; c++)
            members[c] = (struct nsf_json_member){nsf_json_get_string(nsf_json_item(columns, c), "name"),
                                                  *nsf_json_item(row, c)};
        map.u.map.members = members;
        map.u.map.n = n;
        load_value(reading_of(loader), &map);
    }
}

/* A root whose list was streamed: {"value": [], "nextLink": ...}. */
static bool is_list_root(struct nsf_loader *loader, const struct nsf_json *value)
{
    if (nsf_json_is(value, NSF_JSON_ARRAY))
        return true;
    if (nsf_kind_of(loader, value) != NSF_KIND_UNKNOWN)
        return false;
    for (const char *const *name = streamed_names; *name != NULL; name++)
        if (nsf_json_is(nsf_json_get_nocase(value, *name), NSF_JSON_ARRAY))
            return true;
    return false;
}

static bool on_value(void *ctx, enum nsf_json_stream_kind kind, struct nsf_slice key, size_t idx NSF_UNUSED,
                     const struct nsf_json *value)
{
    struct reading *reading = ctx;
    reading->loader.arena = nsf_json_stream_arena(reading->stream);
    if (kind == NSF_JSON_STREAM_ROOT && is_list_root(&reading->loader, value))
        return true;
    reading->n_items++;
    reading->is_root = kind == NSF_JSON_STREAM_ROOT && nsf_json_is(value, NSF_JSON_MAP);
    if (nsf_slice_eq_nocase(key, NSF_SLICE_LIT("records"))) {
        refuse(reading, NSF_KIND_FLOW_LOG, value->offset);
        return false;
    }
    load_value(reading, value);
    return reading->refused != NSF_KIND_FLOW_LOG;
}

/* --- One document ---------------------------------------------------------------------------------------------- */

static void add_err(struct reading *reading, const struct nsf_err *err)
{
    reading->n_problems++;
    if (!reading->is_again)
        add_problem(reading->run, reading->loader.file, err);
}

/* Said once a document has been read: what in it was not. */
static void conclude(struct reading *reading)
{
    struct nsf_loader *loader = &reading->loader;
    nsf_finish_effective(loader);
    bool has_read = reading->n_known > 0;
    if (has_read && reading->n_refused > 0)
        nsf_loader_problem(loader, NSF_E_SHAPE, reading->refused_offset,
                           "%zu of the elements cannot be used; the first is %s", reading->n_refused,
                           nsf_kind_text(reading->refused));
    if (!has_read && reading->n_problems == 0) {
        enum nsf_kind kind = reading->n_items == 0 ? NSF_KIND_EMPTY : reading->refused;
        bool is_empty = kind == NSF_KIND_EMPTY || kind == NSF_KIND_OTHER_RESOURCE;
        nsf_loader_problem(loader, is_empty ? NSF_E_EMPTY : NSF_E_SHAPE,
                           reading->n_refused > 0 ? reading->refused_offset : NSF_OFFSET_NONE, "%s",
                           nsf_kind_refusal(kind));
    }
    if (has_read && reading->n_given == 0 && reading->n_problems == 0 && !reading->is_findings)
        nsf_loader_problem(loader, NSF_E_EMPTY, NSF_OFFSET_NONE,
                           loader->n_left_out > 0
                               ? "there is no network security group in it but what its conditions leave out with the "
                                 "values that the parameters have"
                               : "there is no network security group in it");
}

/* Everything behind the first piece. */
static void read_pieces(struct reading *reading, struct nsf_document *doc, struct nsf_slice piece)
{
    struct nsf_err err = NSF_ERR_INIT;
    enum nsf_json_stream_state state = NSF_JSON_STREAM_MORE;
    while (state == NSF_JSON_STREAM_MORE && piece.len > 0) {
        state = nsf_json_stream_write(reading->stream, piece, &err);
        if (state == NSF_JSON_STREAM_MORE && nsf_failed(nsf_document_read(doc, &piece, &err)))
            state = NSF_JSON_STREAM_ERROR;
    }
    if (state == NSF_JSON_STREAM_MORE)
        state = nsf_json_stream_finish(reading->stream, &err);
    if (state == NSF_JSON_STREAM_ERROR)
        add_err(reading, &err);
    conclude(reading);
}

static void read_document(struct reading *reading, struct nsf_document *doc)
{
    static const struct nsf_json_stream_events events = {.streamed = streamed_names, .value = on_value};
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_slice piece;
    if (nsf_failed(nsf_document_read(doc, &piece, &err))) {
        add_err(reading, &err);
        return;
    }
    const char *refusal = nsf_text_refusal(reading->loader.file, piece);
    if (refusal != NULL) {
        bool is_empty = nsf_slice_trim(piece).len == 0;
        nsf_loader_problem(&reading->loader, is_empty ? NSF_E_EMPTY : NSF_E_SHAPE, NSF_OFFSET_NONE, "%s", refusal);
        return;
    }
    struct nsf_arena document_arena;
    nsf_arena_init(&document_arena);
    reading->loader.document_arena = &document_arena;
    reading->stream = nsf_json_stream_new(&events, reading, NSF_RULES_DOCUMENT_MAX_BYTES, doc->start);
    read_pieces(reading, doc, piece);
    nsf_json_stream_free(reading->stream);
    nsf_arena_release(&document_arena);
}

static struct reading begin_reading(struct run *run, struct nsf_file *file, bool is_again)
{
    struct reading reading = {.run = run, .file = file, .is_again = is_again, .refused = NSF_KIND_UNKNOWN};
    reading.loader.ops = &ops;
    reading.loader.file = file->path;
    return reading;
}

static void read_file(struct run *run, struct nsf_file *file)
{
    struct reading reading = begin_reading(run, file, false);
    struct nsf_err err = NSF_ERR_INIT;
    if (nsf_failed(nsf_document_open(&file->doc, file->path.ptr, file->fd, &err))) {
        add_err(&reading, &err);
        return;
    }
    run->summary->n_files++;
    read_document(&reading, &file->doc);
    run->n_left_out += reading.loader.n_left_out;
    run->summary->n_files_read += reading.n_known > 0;
    /* A pipe's copy has to stay; files are opened again. */
    if (!file->is_needed_again || !file->doc.is_copy)
        nsf_document_close(&file->doc);
}

static void read_file_again(struct run *run, struct nsf_file *file)
{
    struct reading reading = begin_reading(run, file, true);
    struct nsf_err err = NSF_ERR_INIT;
    bool is_open = file->doc.fd >= 0;
    nsf_result r =
        is_open ? nsf_document_rewind(&file->doc, &err) : nsf_document_open(&file->doc, file->path.ptr, file->fd, &err);
    if (nsf_failed(r)) {
        add_problem(run, file->path, &err);
        return;
    }
    read_document(&reading, &file->doc);
    nsf_document_close(&file->doc);
}

/* --- All of them ----------------------------------------------------------------------------------------------- */

static void find_files(struct run *run, struct nsf_arena *arena)
{
    for (size_t i = 0; i < run->options->n_inputs; i++) {
        const struct nsf_rules_input *input = &run->options->inputs[i];
        struct nsf_err err = NSF_ERR_INIT;
        if (nsf_failed(nsf_file_list_add(&run->files, arena, input->path, input->fd, &err)))
            add_problem(run, nsf_arena_copy(arena, nsf_slice_str(input->path)), &err);
    }
    nsf_file_list_finish(&run->files);
}

static const char *what_else_there_is(const struct run *run)
{
    if (run->n_left_out > 0)
        return ": only what the conditions of templates leave out with the values that their parameters have";
    return run->summary->n_attachments > 0 ? ": only what they are attached to, or admin rules; give the groups as well"
                                           : "";
}

/* Why there is nothing to start from. */
static nsf_result fail_empty(const struct run *run, struct nsf_err *err)
{
    if (run->n_problems == 0) {
        nsf_result r = NSF_FAIL(err, NSF_E_EMPTY, NSF_OFFSET_NONE,
                                "there are no network security groups in the rules, and no findings about them%s",
                                what_else_there_is(run));
        if (run->files.n == 1)
            nsf_err_set_subject(err, run->files.items[0].path.ptr);
        return r;
    }
    enum nsf_code code = nsf_code_status(run->first.code) == 4 ? run->first.code : NSF_E_SHAPE;
    size_t n_inputs = run->files.n > run->options->n_inputs ? run->files.n : run->options->n_inputs;
    nsf_result r = n_inputs == 1 ? NSF_FAIL(err, code, run->first.offset, "%s", run->first.text)
                                 : NSF_FAIL(err, code, run->first.offset,
                                            "none of %zu inputs holds rules or findings; the first: %s", n_inputs,
                                            run->first.text);
    nsf_err_set_subject(err, run->first.subject);
    return r;
}

static bool is_defined(void *ctx, struct nsf_slice id)
{
    const struct run *run = ctx;
    return nsf_merge_has(&run->merge, id);
}

nsf_result nsf_rules_load(const struct nsf_rules_options *options, const struct nsf_rules_sinks *sinks,
                          struct nsf_arena *files, struct nsf_problems *problems, struct nsf_rules_summary *summary,
                          struct nsf_err *err)
{
    struct run run = {.options = options, .sinks = sinks, .problems = problems, .summary = summary};
    *summary = (struct nsf_rules_summary){0};
    nsf_merge_init(&run.merge, options->held_max_bytes > 0 ? options->held_max_bytes : HELD_DEFAULT_BYTES);
    nsf_peer_findings_init(&run.peers);
    nsf_err_reset(&run.first);
    find_files(&run, files);
    for (size_t i = 0; i < run.files.n; i++)
        read_file(&run, &run.files.items[i]);
    for (size_t i = 0; i < run.files.n; i++)
        if (run.files.items[i].is_needed_again)
            read_file_again(&run, &run.files.items[i]);
    nsf_merge_finish(&run.merge, give_nsg, &run);
    nsf_peer_findings_finish(&run.peers);
    nsf_peers_give_nsgs(&run.peers, is_defined, give_nsg, &run);
    nsf_result r = nsf_ok();
    if (summary->n_nsgs == 0 && summary->n_findings == 0)
        r = fail_empty(&run, err);
    nsf_file_list_release(&run.files);
    nsf_merge_release(&run.merge);
    nsf_peer_findings_release(&run.peers);
    return r;
}
