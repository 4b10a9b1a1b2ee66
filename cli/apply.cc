// `bizond jobs apply`: files to the jobs of a daemon, as far as they differ.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/fs.h"
#include "base/text.h"
#include "cli/daemon_session.h"
#include "cli/json_cells.h"
#include "sync/job_parser.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr uint64_t kJobBytesMax = 1 << 20;

bool IsJobFile(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  return path.filename().string()[0] != '.' &&
         (ending == ".yml" || ending == ".yaml" || ending == ".json");
}

// The files that `given` names: itself, or the job files of a folder in the order of their names.
Result<std::vector<std::filesystem::path>> FilesOf(const std::string& given) {
  std::error_code error;
  if (!std::filesystem::is_directory(given, error)) {
    return std::vector<std::filesystem::path>{given};
  }
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(given, error), end; !error && at != end;
       at.increment(error)) {
    if (IsJobFile(at->path()) && at->is_regular_file(error)) files.push_back(at->path());
  }
  if (error) {
    return tl::make_unexpected(ErrnoError(error.value(), "cannot list " + given));
  }
  if (files.empty()) {
    return Fail(ErrorKind::kConfig, "no_files",
                given + " holds no job: no .yml, .yaml or .json file",
                "name the folder with the job files");
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct JobText {
  std::string file;
  std::string text;
  JobSpec spec;
};

class Apply {
 public:
  explicit Apply(const Invocation& invocation)
      : arguments_(invocation.arguments),
        catalog_(*invocation.local.catalog),
        console_(invocation.console),
        session_(invocation) {}

  int Run() {
    if (!ReadAll()) return exit_code_;
    for (const JobText& job : jobs_) Put(job);
    if (arguments_.Has("--prune") && exit_code_ == kExitDone) Prune();
    if (console_.json()) console_.Print(JsonLine({{"items", outcomes_}}));
    return exit_code_;
  }

 private:
  bool dry_run() const { return arguments_.Has("--dry-run"); }

  // All files are read and checked before the first is sent.
  bool ReadAll() {
    const std::vector<std::string> given = arguments_.All("--file");
    if (given.empty()) {
      Report({ErrorKind::kConfig, "bad_usage", "jobs apply takes -f FILE-OR-DIR",
              "bizond jobs apply -f jobs/"},
             kExitUsage);
      return false;
    }
    for (const std::string& name : given) {
      const auto files = FilesOf(name);
      if (!files) {
        Report(files.error(), kExitInvalid);
        continue;
      }
      for (const auto& file : *files) ReadOne(file.string());
    }
    return exit_code_ == kExitDone;
  }

  void ReadOne(const std::string& file) {
    const Result<std::string> text = ReadWholeFile(file, kJobBytesMax);
    if (!text) return Report(text.error(), kExitInvalid);
    ParsedJob parsed = ParseJob(*text, catalog_, JobOrigin::kApi);
    for (const JobIssue& issue : parsed.warnings) console_.Report(file, issue, true);
    for (const JobIssue& issue : parsed.errors) console_.Report(file, issue, false);
    if (!parsed.spec) {
      exit_code_ = kExitInvalid;
      return;
    }
    if (!names_.insert(parsed.spec->name).second) {
      return Report({ErrorKind::kConfig, "job_exists",
                     file + ": a job named " + parsed.spec->name + " is in another file already",
                     "give one of them another name"},
                    kExitInvalid);
    }
    jobs_.push_back({file, *text, std::move(*parsed.spec)});
  }

  void Put(const JobText& job) {
    const std::string path = "/jobs/" + EncodePathSegment(job.spec.name);
    json before;
    if (!session_.Find(path, &before)) return Remember(session_.exit_code());
    const bool same = before.is_object() && before.value("definition", json()) ==
                                                json::parse(job.spec.definition, nullptr, false);
    const char* const what = before.is_null() ? "created" : same ? "unchanged" : "configured";
    if (!same && dry_run() && !Validate(job)) return;
    if (!same && !dry_run()) {
      DaemonRequest request = RequestOf("PUT", path, job);
      if (arguments_.Has("--state")) request.path += "?state=" + arguments_.Text("--state");
      if (!session_.Send(request, nullptr)) return Remember(session_.exit_code());
    }
    Say(job.spec.name, what);
  }

  // The daemon's own word: what it allows may be less than what the definition says.
  bool Validate(const JobText& job) {
    json answer;
    if (!session_.Send(RequestOf("POST", "/validate", job), &answer)) {
      Remember(session_.exit_code());
      return false;
    }
    if (answer.value("valid", json()) == true) return true;
    session_.ReportIssues(job.file, answer.value("errors", json::array()));
    Remember(kExitInvalid);
    return false;
  }

  static DaemonRequest RequestOf(std::string method, std::string path, const JobText& job) {
    DaemonRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.body = job.text;
    request.content_type = "application/yaml";  // JSON is YAML, too.
    request.file = job.file;
    return request;
  }

  // Jobs of the API that no file holds; those of the daemon's own folder are not ours.
  void Prune() {
    json items;
    if (!session_.List("/jobs", SIZE_MAX, &items)) return Remember(session_.exit_code());
    for (const json& job : items) {
      const std::string name = Cell(job, "/name");
      if (names_.contains(name) || Cell(job, "/managed_by") != "api") continue;
      if (!dry_run()) {
        DaemonRequest request;
        request.method = "DELETE";
        request.path = "/jobs/" + EncodePathSegment(name);
        if (!session_.Send(request, nullptr)) {
          Remember(session_.exit_code());
          continue;
        }
      }
      Say(name, "deleted");
    }
  }

  void Say(const std::string& name, const char* what) {
    outcomes_.push_back({{"name", name}, {"outcome", what}, {"dry_run", dry_run()}});
    if (!console_.json()) console_.Print(name + ": " + what + (dry_run() ? " (dry run)" : ""));
  }
  void Report(const Error& error, int exit_code) {
    console_.Report(error);
    Remember(exit_code);
  }
  // The first thing that went wrong is the exit code; the other files go on.
  void Remember(int exit_code) {
    if (exit_code_ == kExitDone) exit_code_ = exit_code;
  }

  const Arguments& arguments_;
  const Catalog& catalog_;
  Console& console_;
  DaemonSession session_;
  std::vector<JobText> jobs_;
  std::set<std::string> names_;
  json outcomes_ = json::array();
  int exit_code_ = kExitDone;
};

}  // namespace

int JobsApplyVerb(const Invocation& invocation) { return Apply(invocation).Run(); }

}  // namespace bizond
