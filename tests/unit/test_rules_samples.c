/* Public exports that nobody here wrote: each is read with the number of NSGs and rules it holds, or refused by name.
 * They lie where NSGFLOW_SAMPLES says; without it the test is skipped. */
#include "core/nsf_common.h"

#include "support/rules_text.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct sample {
    const char *name;
    uint64_t n_nsgs, n_rules, n_attachments, n_findings;
    const char *refused; /* part of the sentence, or NULL */
};

static const struct sample samples[] = {
    {"arm_blueprint_artifact_kics.json", 1, 1, 0, 0, NULL},
    {"arm_rest_list_2018-12-01.json", 2, 20, 0, 0, NULL},
    {"arm_rest_list_2024-05-01.json", 3, 23, 0, 0, NULL},
    {"arm_rest_list_with_flowLogs.json", 1, 12, 0, 0, NULL},
    {"arm_rest_nic_list.json", 0, 0, 6, 0, "no network security groups in the rules"},
    {"arm_template_child_rule_params_checkov.json", 1, 2, 1, 0, NULL},
    {"arm_template_export_c7n.json", 1, 12, 0, 0, NULL},
    {"arm_template_inline_rules_checkov.json", 1, 1, 2, 0, NULL},
    {"avnm_active_security_admin_rule_powershell_excerpt.json", 0, 0, 1, 0, "no network security groups in the rules"},
    {"az_nic_list_effective_nsg_rule_excerpt.json", 1, 1, 0, 0, NULL},
    {"az_nsg_create_NewNSG_aaz_2026.json", 1, 6, 0, 0, NULL},
    {"az_nsg_list_flattened_DERIVED.json", 3, 23, 0, 0, NULL},
    {"az_nsg_rule_create_aaz_2026.json", 1, 1, 0, 0, NULL},
    {"az_nsg_rule_multi_port_null_singular.json", 1, 1, 0, 0, NULL},
    {"az_nsg_rule_tag_in_plural_list.json", 1, 1, 0, 0, NULL},
    {"az_nsg_show_2017_no_plurals.json", 1, 1, 0, 0, NULL},
    {"az_nsg_show_2021_with_nulls.json", 1, 8, 0, 0, NULL},
    {"bicep_child_rule_kics.bicep", 0, 0, 0, 0, "this is Bicep source"},
    {"bicep_playground_checkov.bicep", 0, 0, 0, 0, "this is Bicep source"},
    {"powershell_effective_nsg_rule_excerpt.json", 1, 1, 0, 0, NULL},
    {"powershell_get_aznsg.json", 1, 3, 0, 0, NULL},
    {"resource_graph_SYNTHESIZED.json", 3, 23, 0, 0, NULL},
    {"terraform_plan_rule_resource_checkov.json", 2, 1, 0, 0, NULL},
    {"terraform_show_plan_inline_nsg.json", 1, 2, 0, 0, NULL},
    {"terraform_show_plan_separate_rules.json", 1, 5, 0, 0, NULL},
    {"terraform_state_values_pytest_terraform_c7n.json", 0, 0, 0, 0, "this is a pytest-terraform fixture"},
    {"peer_outputs/checkov_sarif_shape_DERIVED.json", 0, 0, 0, 1, NULL},
    {"peer_outputs/cloudsploit.csv", 0, 0, 0, 0, "this is CSV"},
    {"peer_outputs/cloudsploit.json", 3, 1, 0, 3, NULL},
    {"peer_outputs/cloudsploit.junit.xml", 0, 0, 0, 0, "this is XML"},
    {"peer_outputs/prowler_example_output_azure.csv", 0, 0, 0, 0, "this is CSV"},
    {"peer_outputs/prowler_example_output_azure.ocsf.json", 0, 0, 0, 0, "no findings about them"},
};

static const char *samples_folder(void)
{
    const char *folder = getenv("NSGFLOW_SAMPLES");
    if (folder == NULL || folder[0] == '\0') {
        print_message("skipped: NSGFLOW_SAMPLES is not set\n");
        skip();
    }
    return folder;
}

static void check_sample(const char *folder, const struct sample *sample)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/nsg/%s", folder, sample->name);
    struct nsf_rules_text result;
    nsf_rules_text_load_path(path, NULL, &result);
    const struct nsf_rules_summary *got = &result.summary;
    bool is_refused = sample->refused != NULL && strstr(result.err.text, sample->refused) != NULL;
    bool is_right = got->n_nsgs == sample->n_nsgs && got->n_rules == sample->n_rules &&
                    got->n_attachments == sample->n_attachments && got->n_findings == sample->n_findings &&
                    (sample->refused == NULL ? result.code == NSF_E_NONE : is_refused);
    if (!is_right)
        print_error("%s: %u NSGs, %u rules, %u attachments, %u findings, %s %s\n", sample->name, (unsigned)got->n_nsgs,
                    (unsigned)got->n_rules, (unsigned)got->n_attachments, (unsigned)got->n_findings,
                    nsf_code_name(result.code), result.err.text);
    assert_true(is_right);
    nsf_buf_release(&result.out);
}

static void test_samples(void **state)
{
    const char *folder = samples_folder();
    for (size_t i = 0; i < NSF_ARRAY_LEN(samples); i++)
        check_sample(folder, &samples[i]);
}

static bool is_listed(const char *name)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(samples); i++)
        if (strcmp(samples[i].name, name) == 0)
            return true;
    return false;
}

/* A sample that is added later must get its line above. */
static void test_no_sample_is_missing(void **state)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/nsg", samples_folder());
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "peer_outputs") != 0)
            assert_true(is_listed(entry->d_name));
    closedir(dir);
}

/* All at once: what is refused is a problem, the rest is read. The same NSGs in three shapes say the same. */
static void test_all_at_once(void **state)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/nsg", samples_folder());
    struct nsf_rules_text result;
    const struct nsf_rules_text_options options = {.no_rules = true};
    nsf_rules_text_load_path(path, &options, &result);
    assert_int_equal(result.code, NSF_E_NONE);
    assert_int_equal(result.summary.n_files, NSF_ARRAY_LEN(samples));
    const char *text = nsf_buf_str(&result.out);
    assert_null(strstr(text, "nsg-mixed-rules\" is defined differently"));
    assert_non_null(strstr(text, "this is Bicep source"));
    nsf_buf_release(&result.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_no_sample_is_missing),
        cmocka_unit_test(test_all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
