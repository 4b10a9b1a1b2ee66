// LocalVerbs: the verbs that need no daemon, handed to the command line by main.
//
// The command line parses, asks a daemon over HTTP for everything else, prints, and turns outcomes
// into exit codes; it knows no connector and opens no database.
//
// Threads: called on the main thread.
#ifndef BIZOND_CLI_LOCAL_VERBS_H_
#define BIZOND_CLI_LOCAL_VERBS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/console.h"
#include "sync/connector.h"

namespace bizond {

// Exit codes, as in docs/guide.md.
enum ExitCode {
  kExitDone = 0,
  kExitFailed = 1,  // The run failed, is partial or held.
  kExitUsage = 2,
  kExitInvalid = 3,  // The definition is invalid.
  kExitCannotConnect = 4,
  kExitInterrupted = 130,
};

struct ServeOptions {
  std::string state_dir;  // Empty: the default (DefaultStateDir).
  std::string listen = "127.0.0.1:8787";
  std::string jobs_dir;  // Empty: none.
  std::string data_dir;  // Empty: <state_dir>/data
  std::vector<std::string> roots;
  std::vector<std::string> pools;  // "NAME=N"
  std::string config;              // Empty: none.
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

struct JobFileOptions {
  std::string job_file;
  std::string env_file;              // Empty: `.env` beside the working directory, if there is one.
  std::string state_dir;             // Empty: the default.
  std::vector<std::string> streams;  // Empty: all of the job's.
  LogLevel log_level = LogLevel::kInfo;
  bool json = false;
};

struct RunOptions : JobFileOptions {
  bool reset = false;
  std::string state;     // keep or reset: of a job that names another source, cursor or target now.
  bool approve = false;  // Publish what a check held back, and nothing else.
  bool discard = false;  // Drop it first.
  bool wait = false;     // For another run of the same job to end.
  std::optional<uint64_t> max_iterations;
};

struct StreamResetOptions : JobFileOptions {
  bool cancel = false;
};

// Empty: not given.
struct SchedulePreviewOptions {
  std::string cron;
  // Keys of a definition's schedule with their values: timezone, on_gap, on_fold, jitter.
  std::vector<std::pair<std::string, std::string>> keys;
  std::string job;
  std::string from;
  int count = 0;
};

struct LocalVerbs {
  const Catalog* catalog = nullptr;
  std::function<int(const ServeOptions&, Console&)> serve;
  std::function<int(const RunOptions&, Console&)> run;
  std::function<int(const JobFileOptions&, Console&)> check;
  std::function<int(const JobFileOptions&, Console&)> plan;
  std::function<int(const JobFileOptions&, Console&)> secrets_check;
  std::function<int(const StreamResetOptions&, Console&)> stream_reset;
  // `file`, then the state directory (empty: the default).
  std::function<int(const std::string&, const std::string&, Console&)> backup;
  std::function<int(const std::string&, const std::string&, Console&)> restore;
  std::function<int(const std::string& state_dir, Console&)> doctor;
  // The next fires as the API's preview gives them, as JSON text.
  std::function<Result<std::string>(const SchedulePreviewOptions&)> schedule_preview;
  // Lays out a connector's folder: kind "source" or "destination".
  std::function<Status(const std::string& kind, const std::string& name)> scaffold;
};

}  // namespace bizond

#endif  // BIZOND_CLI_LOCAL_VERBS_H_
