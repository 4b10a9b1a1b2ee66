#include "scheduler/jobs_folder.h"

#include <algorithm>
#include <set>

#include "base/log.h"

namespace bizond {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds(1);
constexpr uint64_t kMaxJobBytes = 1 << 20;

bool IsJobFile(const std::filesystem::path& path) {
  constexpr std::string_view kEndings[] = {".yml", ".yaml", ".json"};
  const std::string ending = path.extension().string();
  return path.filename().string()[0] != '.' &&
         std::find(std::begin(kEndings), std::end(kEndings), ending) != std::end(kEndings);
}

bool SameFile(const FileInfo& a, const FileInfo& b) {
  return a.inode == b.inode && a.size_bytes == b.size_bytes && a.modified_at == b.modified_at;
}

void Say(LogLevel level, const std::filesystem::path& path, const JobIssue& issue) {
  std::string where = path.string();
  if (issue.line > 0)
    where += ':' + std::to_string(issue.line) + ':' + std::to_string(issue.column);
  Log(level, "scheduler", issue.message,
      {{"file", where}, {"key", issue.path}, {"remedy", issue.remedy}});
}

}  // namespace

JobsFolder::JobsFolder(const std::filesystem::path& folder, JobService* service, Store* store,
                       Clock* clock)
    : folder_(std::filesystem::absolute(folder).lexically_normal()),
      service_(service),
      store_(store),
      clock_(clock) {}

JobsFolder::~JobsFolder() { Stop(); }

Status JobsFolder::Start() {
  BIZOND_RETURN_IF_ERROR(ApplyChanges(/*first=*/true));
  RemoveJobsWithoutFile();
  thread_ = std::thread([this] {
    std::string said;
    while (clock_->SleepFor(kLookEvery, stopping_.get_token())) {
      const Status applied = ApplyChanges(/*first=*/false);
      const std::string problem = applied ? "" : Describe(applied.error());
      // Said once, not every second.
      if (!problem.empty() && problem != said) Log(LogLevel::kError, "scheduler", problem);
      said = problem;
    }
  });
  return {};
}

void JobsFolder::Stop() {
  stopping_.request_stop();
  if (thread_.joinable()) thread_.join();
}

Status JobsFolder::ApplyChanges(bool first) {
  BIZOND_ASSIGN_OR_RETURN(const Root root, Root::Open(folder_));
  std::error_code error;
  std::set<std::filesystem::path> present;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end;
       it.increment(error)) {
    if (IsJobFile(it->path())) present.insert(it->path());
  }
  if (error) {
    return Fail(ErrorKind::kTransient, "jobs_folder_unreadable",
                "cannot list the jobs folder " + folder_.string() + ": " + error.message(),
                "make it readable for this user; the jobs stay as they are");
  }
  // Before anything is applied: a file that was renamed still has its job, and a name that two
  // files had is free for the one that is left.
  const size_t gone =
      std::erase_if(known_, [&](const auto& item) { return !present.contains(item.first); });
  if (gone > 0) {
    for (auto& [path, known] : known_) {
      if (known.job.empty()) known.info = {};
    }
  }
  bool renamed = false;
  for (const std::filesystem::path& path : present) {
    const Result<std::optional<FileInfo>> info = root.Stat(path.filename().string());
    if (!info || !*info) continue;
    Known& known = known_[path];
    const bool same = SameFile(known.info, **info);
    if (!first && same && !MayTryAgain(known)) continue;
    known.info = **info;
    const std::string before = known.job;
    ApplyFile(path, &known);
    renamed = renamed || known.job != before;
  }
  if (!first && (gone > 0 || renamed)) RemoveJobsWithoutFile();
  return {};
}

bool JobsFolder::MayTryAgain(const Known& known) const {
  if (known.waits_for.empty()) return false;
  const auto held =
      store_->Query([&](const StoreReader& reader) { return reader.HeldRun(known.waits_for); });
  return held && !*held;
}

void JobsFolder::ApplyFile(const std::filesystem::path& path, Known* known) {
  known->waits_for.clear();
  const Result<std::string> text = ReadWholeFile(path, kMaxJobBytes);
  if (!text) {
    Say(LogLevel::kError, path, {"", 0, 0, text.error().message, text.error().remedy});
    return;
  }
  const ParsedJob parsed = service_->Check(*text, JobOrigin::kFile);
  for (const JobIssue& issue : parsed.warnings) Say(LogLevel::kWarning, path, issue);
  for (const JobIssue& issue : parsed.errors) Say(LogLevel::kError, path, issue);
  if (!parsed.spec) return;
  for (const auto& [other, entry] : known_) {
    if (other == path || entry.job != parsed.spec->name) continue;
    Say(LogLevel::kError, path,
        {"name", 0, 0, "the job is defined in " + other.string() + " already",
         "give one of the two another name"});
    return;
  }
  PutOptions options;
  options.managed_by = "file";
  options.origin = path.string();
  const Result<PutOutcome> put = service_->Put(*parsed.spec, options);
  if (!put) {
    Say(LogLevel::kError, path, {"", 0, 0, put.error().message, put.error().remedy});
    // The version in force is still this file's.
    const bool held = put.error().code == "run_held";
    if (held || put.error().code == "state_conflict") known->job = parsed.spec->name;
    if (held) known->waits_for = known->job;
    return;
  }
  known->job = parsed.spec->name;
  if (put->changed) {
    Log(LogLevel::kInfo, "scheduler", put->created ? "a job was added" : "a job was changed",
        {{"job", known->job}, {"file", path.string()}});
  }
}

void JobsFolder::RemoveJobsWithoutFile() {
  std::vector<std::string> orphans;
  const Status read = store_->Read([&](const StoreReader& reader) -> Status {
    Page page;
    do {
      BIZOND_ASSIGN_OR_RETURN(const PageOf<JobRow> jobs, reader.ListJobs(page));
      for (const JobRow& job : jobs.items) {
        const std::filesystem::path origin(job.origin);
        const bool ours = job.managed_by == "file" && origin.parent_path() == folder_;
        if (!ours) continue;
        // A file that holds no valid job at the moment keeps the one in force.
        const auto file = known_.find(origin);
        const bool held =
            file != known_.end() && (file->second.job.empty() || file->second.job == job.name);
        if (!held) orphans.push_back(job.name);
      }
      page.cursor = jobs.next_cursor;
    } while (!page.cursor.empty());
    return {};
  });
  if (!read) Log(LogLevel::kError, "scheduler", Describe(read.error()));
  for (const std::string& job : orphans) {
    const Status deleted = service_->Delete(job, /*by_file=*/true);
    Log(LogLevel::kInfo, "scheduler", "a job is in no file any more",
        {{"job", job}, {"result", deleted ? "deleted" : Describe(deleted.error())}});
  }
}

}  // namespace bizond
