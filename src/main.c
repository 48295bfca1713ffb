#include "core/nsf_common.h"

#include "cli/cli.h"

int main(int argc, char **argv)
{
    return nsf_cli_main(argc, argv);
}
