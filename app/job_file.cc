#include "app/job_file.h"

#include <nlohmann/json.hpp>

#include "app/composition.h"
#include "base/text.h"
#include "scheduler/job_check.h"
#include "scheduler/job_service.h"
#include "web/problem.h"
#include "web/run_json.h"

namespace bizond {
namespace {

constexpr uint64_t kMaxJobBytes = 1 << 20;
constexpr const char* kDotEnv = ".env";

Result<std::map<std::string, std::string>> Environment(const JobFileOptions& options) {
  if (!options.env_file.empty()) return ReadEnvFile(options.env_file);
  std::error_code error;
  if (std::filesystem::is_regular_file(kDotEnv, error)) return ReadEnvFile(kDotEnv);
  return std::map<std::string, std::string>();
}

// With --json a program reads standard output, whatever the outcome.
OpenedJobFile Refuse(const Error& error, int exit_code, Console& console) {
  console.Report(error);
  if (console.json()) console.Print(Serialize({{"error", ErrorJson(error)}}));
  return {std::nullopt, exit_code};
}

OpenedJobFile RefuseDefinition(const ParsedJob& parsed, Console& console) {
  if (console.json()) {
    const Error error{ErrorKind::kConfig, "invalid_job", "the definition is not valid",
                      "mend what `errors` lists", std::nullopt};
    console.Print(Serialize({{"error", ErrorJson(error)},
                             {"errors", IssuesJson(parsed.errors)},
                             {"warnings", IssuesJson(parsed.warnings)}}));
  }
  return {std::nullopt, kExitInvalid};
}

}  // namespace

OpenedJobFile OpenJobFile(const JobFileOptions& options, Console& console, bool as_new) {
  const Result<std::string> text = ReadWholeFile(options.job_file, kMaxJobBytes);
  if (!text) return Refuse(text.error(), kExitInvalid, console);
  // By the same rules as a daemon's: what it would refuse is no job here either.
  RealClock clock;
  ParsedJob parsed = JobService(nullptr, &BuiltInCatalog(), &clock, nullptr, nullptr)
                         .Check(*text, JobOrigin::kFile, /*submitted=*/false);
  if (as_new && parsed.spec) RefusePast(*text, clock.Now(), &parsed);
  for (const JobIssue& issue : parsed.warnings) console.Report(options.job_file, issue, true);
  for (const JobIssue& issue : parsed.errors) console.Report(options.job_file, issue, false);
  if (!parsed.errors.empty() || !parsed.spec) return RefuseDefinition(parsed, console);
  for (const std::string& stream : options.streams) {
    const auto& known = parsed.spec->source.streams;
    if (std::find(known.begin(), known.end(), stream) != known.end()) continue;
    return Refuse({ErrorKind::kConfig, "unknown_stream", "the job has no stream " + stream,
                   "its definition lists its streams", std::nullopt},
                  kExitUsage, console);
  }
  if (!options.streams.empty()) parsed.spec->source.streams = options.streams;
  Result<std::map<std::string, std::string>> environment = Environment(options);
  if (!environment) return Refuse(environment.error(), kExitInvalid, console);
  Result<Roots> roots = Roots::Unrestricted(std::filesystem::current_path());
  if (!roots) return Refuse(roots.error(), kExitFailed, console);
  SecretPolicy policy;
  policy.allow_all = true;
  return {JobFile{std::move(*parsed.spec), SecretResolver(policy, std::move(*environment)),
                  std::move(*roots)},
          kExitDone};
}

Result<OpenedStream> OpenStream(const JobFile& file, const std::string& stream, Clock& clock) {
  const JobSpec& spec = file.spec;
  const SourceDescriptor* const source = BuiltInCatalog().FindSource(spec.source.name);
  const DestinationDescriptor* const destination =
      BuiltInCatalog().FindDestination(spec.destination.name);
  BIZOND_ASSIGN_OR_RETURN(std::string source_config,
                          file.secrets.Resolve(spec.source.config, spec));
  BIZOND_ASSIGN_OR_RETURN(std::string destination_config,
                          file.secrets.Resolve(spec.destination.config, spec));
  OpenedStream opened;
  const std::string id = spec.DestinationIdOf(stream);
  BIZOND_ASSIGN_OR_RETURN(
      opened.source, source->open({spec, stream, id, std::move(source_config), file.roots, clock}));
  BIZOND_ASSIGN_OR_RETURN(
      opened.destination,
      destination->open({spec, stream, id, std::move(destination_config), file.roots, clock}));
  return opened;
}

std::filesystem::path RunStateDir(const std::filesystem::path& state_dir, const std::string& job) {
  return state_dir / "run" / EncodePathSegment(job);
}

int ExitCodeOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kConfig:
      return kExitInvalid;
    case ErrorKind::kStopped:
      return kExitInterrupted;
    case ErrorKind::kTransient:
    case ErrorKind::kPermanent:
      break;
  }
  return kExitFailed;
}

}  // namespace bizond
