// Verb: a row of the command line's table, and what its function is called with.
//
// Threads: the command line runs on the main thread only.
#ifndef BIZOND_CLI_VERB_H_
#define BIZOND_CLI_VERB_H_

#include <span>
#include <string_view>

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/local_verbs.h"

namespace bizond {

struct Invocation {
  const Arguments& arguments;
  const LocalVerbs& local;
  Console& console;
};

struct Verb {
  std::string_view name;      // "jobs list"
  std::string_view operands;  // One word each: "KIND NAME"; "[EXPR]" may be absent.
  std::string_view summary;
  std::span<const OptionRow> options;
  bool prints_data = false;      // Takes --json.
  bool talks_to_daemon = false;  // Takes --url.
  int (*run)(const Invocation& invocation) = nullptr;
};

std::span<const Verb> AllVerbs();

// local_verb_rows.cc: what needs no daemon.
int ServeVerb(const Invocation& invocation);
int RunVerb(const Invocation& invocation);
int CheckVerb(const Invocation& invocation);
int PlanVerb(const Invocation& invocation);
int SecretsCheckVerb(const Invocation& invocation);
int StreamResetVerb(const Invocation& invocation);
int BackupVerb(const Invocation& invocation);
int RestoreVerb(const Invocation& invocation);
int DoctorVerb(const Invocation& invocation);
int NewVerb(const Invocation& invocation);

// catalog_verbs.cc: what the binary knows by itself.
int SourceListVerb(const Invocation& invocation);
int StreamListVerb(const Invocation& invocation);
int DestinationListVerb(const Invocation& invocation);
int ConnectorsShowVerb(const Invocation& invocation);
int ExplainVerb(const Invocation& invocation);

// schedule_verbs.cc: by itself, or a job's own schedule from a daemon.
int SchedulePreviewVerb(const Invocation& invocation);

// occurrence_verbs.cc: what became of a job's fires, by the API of a daemon.
int JobsOccurrencesVerb(const Invocation& invocation);

// state_verb.cc: through the API of a daemon, too.
int JobsStateVerb(const Invocation& invocation);

// job_verbs.cc, backfill_verb.cc, apply.cc and run_verbs.cc: through the API of a daemon.
int JobsListVerb(const Invocation& invocation);
int JobsShowVerb(const Invocation& invocation);
int JobsDeleteVerb(const Invocation& invocation);
int JobsPauseVerb(const Invocation& invocation);
int JobsResumeVerb(const Invocation& invocation);
int JobsTriggerVerb(const Invocation& invocation);
int JobsResetVerb(const Invocation& invocation);
int JobsBackfillVerb(const Invocation& invocation);
int JobsApplyVerb(const Invocation& invocation);
int RunsListVerb(const Invocation& invocation);
int RunsShowVerb(const Invocation& invocation);
int RunsLogsVerb(const Invocation& invocation);
int RunsCancelVerb(const Invocation& invocation);
int RunsApproveVerb(const Invocation& invocation);
int RunsRetryVerb(const Invocation& invocation);

}  // namespace bizond

#endif  // BIZOND_CLI_VERB_H_
