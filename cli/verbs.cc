// The table of subcommands.
#include "cli/verb.h"

namespace bizond {
namespace {

constexpr OptionKind kFlag = OptionKind::kFlag;
constexpr OptionKind kText = OptionKind::kText;
constexpr OptionKind kRepeated = OptionKind::kRepeated;
constexpr OptionKind kNumber = OptionKind::kNumber;
constexpr OptionKind kCount = OptionKind::kCount;

constexpr OptionRow kEnvFile{"--env-file", "F", "variables for env://, instead of ./.env"};
constexpr OptionRow kStateDir{"--state-dir", "D", "where state is kept"};
constexpr OptionRow kLogLevel{"--log-level", "L", "debug, info, warning or error", kText,
                              "debug|info|warn|warning|error|critical|trace|DEBUG|INFO|WARN|"
                              "WARNING|ERROR|CRITICAL|TRACE"};
constexpr OptionRow kStream{"--stream", "S", "only this stream of the job", kRepeated};

constexpr OptionRow kServe[] = {
    kStateDir,
    {"--listen", "HOST:PORT", "where the API and the page answer (127.0.0.1:8787)"},
    {"--jobs-dir", "D", "a folder of job files, applied at start and whenever they change"},
    {"--data-dir", "D", "where relative paths of jobs begin (<state-dir>/data)"},
    {"--root", "D", "a further folder that jobs may touch", kRepeated},
    {"--pool", "NAME=N", "at most N runs at a time of jobs with `pool: NAME`", kRepeated},
    {"--config", "F", "the daemon's configuration"},
    kLogLevel,
    {"--log-format", "text|json", "how log lines are written", kText, "text|json"},
};
constexpr OptionRow kStateChange{"--state", "keep|reset",
                                 "what becomes of the state when source, cursor or target change",
                                 kText, "keep|reset"};
constexpr OptionRow kRun[] = {
    {"--reset", "", "replace the target instead of going on", kFlag},
    kStateChange,
    kStream,
    kEnvFile,
    kStateDir,
    kLogLevel,
    {"--max-iterations", "N", "stop after this many pages", kCount},
    {"--wait", "", "wait for another run of this job to end", kFlag},
    {"--approve", "", "publish what a check held back, and read nothing", kFlag},
    {"--discard", "", "drop what a check held back, and run anew", kFlag},
};
constexpr OptionRow kJobFile[] = {kEnvFile, kStateDir, kLogLevel, kStream};
constexpr OptionRow kCancel{"--cancel", "", "take a reset back that has not begun", kFlag};
constexpr OptionRow kStreamReset[] = {kEnvFile, kStateDir, kLogLevel, kStream, kCancel};
constexpr OptionRow kOneStreamReset[] = {{"--stream", "S", "only this stream of the job"}, kCancel};
constexpr OptionRow kApply[] = {
    {"-f,--file", "FILE-OR-DIR", "job files, YAML or JSON", kRepeated},
    {"--dry-run", "", "check, and say what would be done", kFlag},
    {"--prune", "", "delete the daemon's jobs that the folder does not hold", kFlag},
    kStateChange,
};
constexpr OptionRow kDelete[] = {
    {"--state", "keep|drop", "its watermarks: kept for 30 days, or gone at once (keep)", kText,
     "keep|drop"},
};
constexpr OptionRow kState[] = {
    {"--set", "FILE", "set it to what --json printed, edited; the job must be paused"},
    {"--if-match", "ETAG", "only if it is still the one that was read"},
};
constexpr OptionRow kTrigger[] = {
    {"--reset", "", "replace the target instead of going on", kFlag},
    {"--at", "T", "not before this instant, RFC 3339"},
    {"--in", "D", "not before so long from now, like 90s or 1h30m"},
    {"--idempotency-key", "K", "the same key gives the same run"},
    {"--wait", "", "wait for the run's end; its outcome is the exit code", kFlag},
};
constexpr OptionRow kBackfill[] = {
    {"--from", "V", "where the window begins, a value of the cursor"},
    {"--to", "V", "where it ends; V itself is not in it"},
    {"--slice", "W", "runs of this width, like 1d or 1000 (one run)"},
    {"--overlap", "P", "while another backfill of the job goes on (skip)", kText,
     "skip|buffer_all|cancel_other"},
    {"--allow-duplicates", "", "also where the job appends: rows come a second time", kFlag},
    {"--pool", "NAME", "the pool of the slices (the job's)"},
    {"--dry-run", "", "show the slices; nothing is done", kFlag},
    {"--wait", "", "wait for the slices; their outcome is the exit code", kFlag},
    {"--cancel", "", "take back what has not ended", kFlag},
    {"--id", "ID", "with --cancel: of this backfill alone"},
};
constexpr OptionRow kRunsList[] = {
    {"--job", "NAME", "only runs of this job"},
    {"--state", "S", "only runs in this state", kText,
     "queued|running|succeeded|failed|partial|held|cancelled"},
    {"--limit", "N", "at most this many, the newest first (50)", kNumber},
};
constexpr OptionRow kOccurrences[] = {
    {"--at", "T", "did it run in this minute, and if not, why? RFC 3339"},
    {"--from", "T", "fires at this time or later"},
    {"--to", "T", "fires before this time"},
    {"--state", "S", "queued, buffered, ran, skipped or missed; several by commas"},
    {"--reason", "R", "fires that did not run for this reason, like overlap"},
    {"--limit", "N", "at most this many, the newest first (50)", kNumber},
};
constexpr OptionRow kLogs[] = {
    {"--follow", "", "go on until the run has ended", kFlag},
};
constexpr OptionRow kPreview[] = {
    {"--job", "NAME", "from whose name H and jitter are drawn; without EXPR its own schedule"},
    {"--timezone", "Z", "a name of the tz database (UTC)"},
    {"--on-gap", "next|skip", "as in a job (next)", kText, "next|skip"},
    {"--on-fold", "first|both", "as in a job (first)", kText, "first|both"},
    {"--jitter", "D", "as in a job, like 30s"},
    {"--from", "T", "RFC 3339; the default is now"},
    {"--count", "N", "how many fires, 1 to 1000 (10)", kNumber},
};
constexpr OptionRow kOnlyStateDir[] = {kStateDir};

constexpr bool kData = true;
constexpr bool kDaemon = true;

constexpr Verb kVerbs[] = {
    {"serve", "", "the daemon: scheduler, API and page", kServe, false, false, ServeVerb},
    {"run", "JOB.yml", "one sync to its end, without a daemon", kRun, kData, false, RunVerb},
    {"check", "JOB.yml", "validate a job, connect both ends, ask for permissions", kJobFile, kData,
     false, CheckVerb},
    {"plan", "JOB.yml", "what a run would make, and ten records; nothing is written", kJobFile,
     kData, false, PlanVerb},
    {"source list", "", "the sources", {}, kData, false, SourceListVerb},
    {"stream list", "SOURCE", "the streams of a source", {}, kData, false, StreamListVerb},
    {"stream reset", "JOB.yml", "the next `bizond run` replaces its target", kStreamReset, false,
     false, StreamResetVerb},
    {"destination list", "", "the destinations", {}, kData, false, DestinationListVerb},
    {"connectors show",
     "KIND/NAME",
     "a connector: schema and example job",
     {},
     kData,
     false,
     ConnectorsShowVerb},
    {"secrets check", "JOB.yml", "whether every secret of a job can be resolved", kJobFile, kData,
     false, SecretsCheckVerb},
    {"jobs list", "", "the daemon's jobs", {}, kData, kDaemon, JobsListVerb},
    {"jobs show", "NAME", "a job with its definition", {}, kData, kDaemon, JobsShowVerb},
    {"jobs apply", "", "create or replace jobs from files", kApply, kData, kDaemon, JobsApplyVerb},
    {"jobs delete", "NAME", "delete a job; its target stays", kDelete, false, kDaemon,
     JobsDeleteVerb},
    {"jobs state", "NAME", "what a job goes on from, by stream: printed, or set", kState, kData,
     kDaemon, JobsStateVerb},
    {"jobs pause", "NAME", "switch a job's schedule off", {}, false, kDaemon, JobsPauseVerb},
    {"jobs resume", "NAME", "switch it on again", {}, false, kDaemon, JobsResumeVerb},
    {"jobs trigger", "NAME", "start a run now, or later", kTrigger, kData, kDaemon,
     JobsTriggerVerb},
    {"jobs reset", "NAME", "the next run replaces its target", kOneStreamReset, false, kDaemon,
     JobsResetVerb},
    {"jobs backfill", "NAME", "read a part of the cursor again, in slices", kBackfill, kData,
     kDaemon, JobsBackfillVerb},
    {"jobs occurrences", "NAME", "every nominal fire of a job, what became of it, and why",
     kOccurrences, kData, kDaemon, JobsOccurrencesVerb},
    {"runs list", "", "runs, the newest first", kRunsList, kData, kDaemon, RunsListVerb},
    {"runs show", "ID", "a run with its streams", {}, kData, kDaemon, RunsShowVerb},
    {"runs logs", "ID", "a run's log", kLogs, kData, kDaemon, RunsLogsVerb},
    {"runs cancel",
     "ID",
     "stop a run at its next checkpoint, or drop what is held",
     {},
     false,
     kDaemon,
     RunsCancelVerb},
    {"runs approve", "ID", "publish what a check held back", {}, kData, kDaemon, RunsApproveVerb},
    {"runs retry", "ID", "another attempt of a run", {}, kData, kDaemon, RunsRetryVerb},
    {"schedule preview", "[EXPR]", "the next fires of a cron expression or of a daemon's job",
     kPreview, kData, kDaemon, SchedulePreviewVerb},
    {"explain", "CODE", "what an error code means and what to do", {}, kData, false, ExplainVerb},
    {"backup", "FILE", "copy the daemon's database, also while it runs", kOnlyStateDir, false,
     false, BackupVerb},
    {"restore", "FILE", "put a copy back, while no daemon runs", kOnlyStateDir, false, false,
     RestoreVerb},
    {"doctor", "", "look for what is wrong: database, disk, clock, permissions", kOnlyStateDir,
     kData, false, DoctorVerb},
    {"new",
     "KIND NAME",
     "lay out a connector's folder in a checkout; KIND is destination",
     {},
     false,
     false,
     NewVerb},
};

}  // namespace

std::span<const Verb> AllVerbs() { return kVerbs; }

}  // namespace bizond
