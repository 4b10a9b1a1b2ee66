// RunCommandLine: from the words of a command to its exit code (ExitCode, cli/local_verbs.h).
//
// A subcommand is a row of the table in verbs.cc. Verbs that need no daemon come from `verbs`; the
// rest go through the API of the daemon at --url, $BIZOND_URL or http://127.0.0.1:8787, with
// $BIZOND_TOKEN.
//
// Threads: main only.
#ifndef BIZOND_CLI_COMMAND_LINE_H_
#define BIZOND_CLI_COMMAND_LINE_H_

#include "cli/local_verbs.h"

namespace bizond {

int RunCommandLine(int argc, char** argv, const LocalVerbs& verbs);

}  // namespace bizond

#endif  // BIZOND_CLI_COMMAND_LINE_H_
