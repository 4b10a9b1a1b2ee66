// JobFile: a job read from a file by a verb that needs no daemon.
//
// Threads: main only.
#ifndef BIZOND_APP_JOB_FILE_H_
#define BIZOND_APP_JOB_FILE_H_

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/fs.h"
#include "cli/local_verbs.h"
#include "sync/connector.h"
#include "sync/secrets.h"

namespace bizond {

struct JobFile {
  JobSpec spec;
  SecretResolver secrets;
  Roots roots;  // The working directory for relative paths, and everything.
};

// Reads, checks and reports; an exit code when the verb ends here. `as_new`: by the rules for a job
// that no daemon holds yet, which refuse an `at` that has passed.
struct OpenedJobFile {
  std::optional<JobFile> file;
  int exit_code = 0;
};
OpenedJobFile OpenJobFile(const JobFileOptions& options, Console& console, bool as_new = false);

// One stream's connectors, opened with their secrets resolved.
struct OpenedStream {
  std::unique_ptr<Source> source;
  std::unique_ptr<Destination> destination;
};
Result<OpenedStream> OpenStream(const JobFile& file, const std::string& stream, Clock& clock);

// Where `bizond run` keeps this job's state.
std::filesystem::path RunStateDir(const std::filesystem::path& state_dir, const std::string& job);

// The exit code that tells of this error.
int ExitCodeOf(const Error& error);

}  // namespace bizond

#endif  // BIZOND_APP_JOB_FILE_H_
