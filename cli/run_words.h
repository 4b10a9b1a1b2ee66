// What the verbs on jobs and runs share: a run of the API on a terminal.
//
// Threads: main only.
#ifndef BIZOND_CLI_RUN_WORDS_H_
#define BIZOND_CLI_RUN_WORDS_H_

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "cli/daemon_session.h"

namespace bizond {

// Neither queued nor running.
bool HasEnded(const nlohmann::json& run);
// 0 for a run that succeeded, else 1.
int ExitCodeOfRun(const nlohmann::json& run);
// As JSON with --json, else for people.
void ShowRun(const nlohmann::json& run, Console& console);
// Fetches the run again and again until it has ended. False: reported by the session.
bool AwaitRun(DaemonSession& session, Console& console, nlohmann::json* run);
// A text of several lines.
void PrintLines(std::string_view text, Console& console);

}  // namespace bizond

#endif  // BIZOND_CLI_RUN_WORDS_H_
