// The table of verbs that need no daemon, and those of them that are a few lines.
#include <nlohmann/json.hpp>

#include "app/composition.h"
#include "destinations/scaffold.h"
#include "scheduler/schedule_preview.h"
#include "store/backup.h"
#include "store/doctor.h"

namespace bizond {
namespace {

using nlohmann::json;

int Refuse(const Error& error, Console& console) {
  console.Report(error);
  return kExitFailed;
}

int Backup(const std::string& file, const std::string& state_dir, Console& console) {
  const Result<std::filesystem::path> directory = StateDir(state_dir);
  if (!directory) return Refuse(directory.error(), console);
  if (const Status done = BackupStateDir(*directory, file); !done) {
    return Refuse(done.error(), console);
  }
  console.Note("backed up to " + file);
  return kExitDone;
}

int Restore(const std::string& file, const std::string& state_dir, Console& console) {
  const Result<std::filesystem::path> directory = StateDir(state_dir);
  if (!directory) return Refuse(directory.error(), console);
  const Result<RestoreReport> report = RestoreStore(file, *directory);
  if (!report) return Refuse(report.error(), console);
  if (!report->replaced.empty())
    console.Note("the database before it is kept as " + report->replaced);
  console.Note("restored; what was published after the backup is found out as target_diverged");
  return kExitDone;
}

int Doctor(const std::string& state_dir, Console& console) {
  const Result<std::filesystem::path> directory = StateDir(state_dir);
  if (!directory) return Refuse(directory.error(), console);
  RealClock clock;
  bool all_well = true;
  json items = json::array();
  for (const DoctorCheck& check : ExamineStore(*directory, clock)) {
    all_well = all_well && check.ok;
    items.push_back({{"name", check.name},
                     {"ok", check.ok},
                     {"detail", check.detail},
                     {"remedy", check.remedy}});
    if (console.json()) continue;
    console.Print((check.ok ? "ok    " : "wrong ") + check.name + ": " + check.detail);
    if (!check.ok && !check.remedy.empty()) console.Print("      " + check.remedy);
  }
  if (console.json()) console.Print(json{{"ok", all_well}, {"items", items}}.dump());
  return all_well ? kExitDone : kExitFailed;
}

Result<std::string> Preview(const SchedulePreviewOptions& options) {
  RealClock clock;
  UtcTime start = clock.Now();
  if (!options.from.empty()) {
    BIZOND_ASSIGN_OR_RETURN(start, ParseUtc(options.from));
  }
  json block = {{"cron", options.cron}};
  for (const auto& [key, value] : options.keys) block[key] = value;
  BIZOND_ASSIGN_OR_RETURN(const json preview,
                          PreviewSchedule(block, options.job, start, options.count));
  return preview.dump();
}

}  // namespace

const LocalVerbs& BuiltInVerbs() {
  static const LocalVerbs verbs = [] {
    LocalVerbs table;
    table.catalog = &BuiltInCatalog();
    table.serve = Serve;
    table.run = RunJobFile;
    table.check = CheckJobFile;
    table.plan = PlanJobFile;
    table.secrets_check = CheckSecrets;
    table.stream_reset = ResetStream;
    table.backup = Backup;
    table.restore = Restore;
    table.doctor = Doctor;
    table.schedule_preview = Preview;
    table.scaffold = ScaffoldConnector;
    return table;
  }();
  return verbs;
}

}  // namespace bizond
