// ParseJob: a job's text, YAML or JSON, to a checked JobSpec.
//
// One JSON Schema (sync/job.schema.json, draft 7) holds the common keys; the named connectors'
// schemas are merged into its `source` and `destination.config` before it is compiled. Every
// problem is found in one go and says path, line and column in the text, what was expected and the
// nearest name.
//
// Threads: the functions may be called from any thread.
#ifndef BIZOND_SYNC_JOB_PARSER_H_
#define BIZOND_SYNC_JOB_PARSER_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/connector.h"
#include "sync/job_spec.h"

namespace bizond {

struct JobIssue {
  std::string path;  // "source.cursor_field"; empty: the whole document
  int line = 0;      // 1-based; 0: unknown
  int column = 0;
  std::string message;
  std::string remedy;
};

struct ParsedJob {
  std::optional<JobSpec> spec;  // Set exactly when `errors` is empty.
  std::vector<JobIssue> errors;
  std::vector<JobIssue> warnings;  // Keys that are accepted and mean nothing here, plain secrets.
};

// Who wrote the text: the API may hold no plain secret, a file may (with a warning).
enum class JobOrigin { kApi, kFile };

// `text` is at most 1 MiB, nested at most 64 deep, its YAML aliases expand to at most 1 MiB.
ParsedJob ParseJob(std::string_view text, const Catalog& catalog, JobOrigin origin);

// For a definition that this parser made itself (from the store). It parses, or the error says what
// a newer or older version does not understand.
Result<JobSpec> ParseStoredJob(std::string_view definition, const Catalog& catalog);

// checks.freshness of such a definition, which is not checked; nullopt: it asks for none. At little
// cost, for those who look at all jobs.
std::optional<Duration> FreshnessLimitOf(std::string_view definition);

// Where a path stands in the text, for checks that come after ParseJob (the schedule's).
JobIssue IssueAt(std::string_view text, std::string_view path, std::string message,
                 std::string remedy);

// The schema that ParseJob would check a job of these connectors with, as JSON text.
std::string JobSchema(const Catalog& catalog, std::string_view source,
                      std::string_view destination);

// The names nearest to `wrong`, best first, at most three, none that is far off.
std::vector<std::string> NearestNames(std::string_view wrong,
                                      const std::vector<std::string>& names);

}  // namespace bizond

#endif  // BIZOND_SYNC_JOB_PARSER_H_
