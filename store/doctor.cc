#include "store/doctor.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "base/fs.h"
#include "base/text.h"
#include "embedded/migrations.h"
#include "store/connection.h"
#include "store/database_file.h"
#include "store/migrate.h"
#include "store/opening.h"
#include "store/wal_file.h"
#include "sync/job_parser.h"

namespace bizond {
namespace {

constexpr uint64_t kLeastFreeBytes = 256 << 20;
constexpr uint64_t kLargestWalBytes = 64 << 20;
// Clocks are corrected by a little all the time.
constexpr Duration kClockTolerance = std::chrono::minutes(5);
// The scheduler wakes once a minute at the least.
constexpr Duration kLagTolerance = std::chrono::minutes(2);

// What the checks share.
struct Patient {
  const Root& root;
  const Clock& clock;
  bool in_use = false;           // A daemon holds the lock.
  std::optional<Connection> db;  // Empty when the file is not a database of ours.
};

DoctorCheck Well(std::string name, std::string detail) {
  return {std::move(name), true, std::move(detail), ""};
}

DoctorCheck Ill(std::string name, std::string detail, std::string remedy) {
  return {std::move(name), false, std::move(detail), std::move(remedy)};
}

std::string CommandOn(const Patient& patient, std::string_view command) {
  return fmt::format("{} {}", command, ShellQuote(patient.root.path().string()));
}

DoctorCheck CheckIntegrity(Patient& patient) {
  std::string first;
  {
    Query query = patient.db->Prepare("PRAGMA integrity_check(1)");
    if (query.Step()) first = query.Text(0);
  }
  if (first == "ok") return Well("integrity", "every page of the database is in order");
  return Ill("integrity", first,
             CommandOn(patient, "stop the daemon, then bizond restore FILE --state-dir"));
}

DoctorCheck CheckOrphans(Patient& patient) {
  struct Kind {
    const char* what;
    const char* count;
  };
  static constexpr Kind kKinds[] = {
      {"schedules without a job",
       "SELECT count(*) FROM schedules WHERE job NOT IN (SELECT name FROM jobs)"},
      {"jobs without their definition",
       "SELECT count(*) FROM jobs j WHERE NOT EXISTS (SELECT 1 FROM job_versions v WHERE "
       "v.job = j.name AND v.version = j.version)"},
      {"attempts without a run",
       "SELECT count(*) FROM attempts WHERE run_id NOT IN (SELECT id FROM runs)"},
      {"run streams without a run",
       "SELECT count(*) FROM run_streams WHERE run_id NOT IN (SELECT id FROM runs)"},
      {"checkpoints without an active run",
       "SELECT count(*) FROM checkpoints WHERE run_id NOT IN (SELECT id FROM runs WHERE phase < 2 "
       "OR phase = 5)"},
      {"chunks of a boundary set without an active run",
       "SELECT count(*) FROM boundary_chunks WHERE run_id <> '' AND run_id NOT IN (SELECT id FROM "
       "runs WHERE phase < 2 OR phase = 5)"},
      {"occurrences that wait for no run",
       "SELECT count(*) FROM occurrences WHERE state IN ('queued', 'buffered') AND run_id IS NOT "
       "NULL AND run_id NOT IN (SELECT id FROM runs WHERE phase < 2)"},
  };
  std::string found;
  for (const Kind& kind : kKinds) {
    const int64_t count = patient.db->MaybeInt(kind.count).value_or(0);
    if (count > 0) found += fmt::format("{}{} {}", found.empty() ? "" : ", ", count, kind.what);
  }
  if (found.empty()) return Well("orphans", "every row has what it belongs to");
  return Ill("orphans", found,
             "the store was changed from outside; take a backup, and report it with this output");
}

DoctorCheck CheckRunning(Patient& patient) {
  const int64_t running =
      patient.db->MaybeInt("SELECT count(*) FROM runs WHERE phase < 2 AND phase = 1").value_or(0);
  if (running == 0) return Well("running", "no run is marked running");
  if (patient.in_use) return Well("running", fmt::format("{} running under the daemon", running));
  return Ill("running", fmt::format("{} runs were left running and nobody runs them", running),
             CommandOn(patient, "they go on with the next start: bizond serve --state-dir"));
}

DoctorCheck CheckDue(Patient& patient) {
  if (!patient.in_use) return Well("due", "no daemon runs; its next start looks after what is due");
  const UtcTime before = patient.clock.Now() - kLagTolerance;
  const int64_t late = patient.db
                           ->MaybeInt(
                               "SELECT count(*) FROM (SELECT 1 FROM schedules WHERE next_at IS "
                               "NOT NULL AND next_at < ? AND next_at > 0 LIMIT 1001)",
                               before)
                           .value_or(0);
  if (late == 0) return Well("due", "no fire waits for the scheduler");
  return Ill(
      "due",
      fmt::format("{} schedules have been due for more than {}",
                  late > 1000 ? "more than 1000" : std::to_string(late),
                  FormatDuration(kLagTolerance)),
      "the daemon does not keep up, or hangs: see its log, and: curl http://127.0.0.1:8787/readyz");
}

DoctorCheck CheckHeld(Patient& patient) {
  Query query = patient.db->Prepare(
      "SELECT id, job FROM runs WHERE phase > 2 AND phase = 5 ORDER BY queued_at LIMIT 1");
  if (!query.Step()) return Well("held", "no run is held back by a check");
  return Ill("held",
             fmt::format("run {} of job \"{}\" waits for somebody to judge it", query.Text(0),
                         query.Text(1)),
             fmt::format("bizond runs show {0}, then bizond runs approve {0}, or runs cancel {0}",
                         query.Text(0)));
}

DoctorCheck CheckFreshness(Patient& patient) {
  Query query = patient.db->Prepare(
      "SELECT j.name, coalesce(j.last_success_at, j.created_at), v.definition FROM jobs j JOIN "
      "job_versions v ON v.job = j.name AND v.version = j.version ORDER BY j.name");
  const UtcTime now = patient.clock.Now();
  std::string late;
  int count = 0;
  while (query.Step()) {
    const std::optional<Duration> limit = FreshnessLimitOf(query.Text(2));
    if (!limit || now <= query.Time(1) + *limit) continue;
    if (count++ == 0) {
      late = fmt::format("job \"{}\" has had no success since {}", query.Text(0),
                         FormatUtc(query.Time(1)));
    }
  }
  if (count == 0) return Well("freshness", "no job is late by its checks.freshness");
  if (count > 1) late += fmt::format(", and {} more are late", count - 1);
  return Ill("freshness", late, "see its runs: bizond runs list --job NAME");
}

DoctorCheck CheckClock(Patient& patient) {
  const auto newest = patient.db->MaybeInt(
      "SELECT max(at) FROM (SELECT max(queued_at) AS at FROM runs UNION ALL "
      "SELECT (SELECT at FROM events ORDER BY id DESC LIMIT 1))");
  const UtcTime now = patient.clock.Now();
  if (!newest || FromUnixMicros(*newest) <= now + kClockTolerance) {
    return Well("clock", fmt::format("it is {}, after everything that was stored", FormatUtc(now)));
  }
  return Ill("clock",
             fmt::format("it is {}, but the store holds {}", FormatUtc(now),
                         FormatUtc(FromUnixMicros(*newest))),
             "set the machine's clock: timedatectl status");
}

DoctorCheck CheckDisk(const Patient& patient) {
  const Result<uint64_t> free = FreeBytes(patient.root.path());
  if (!free) return Ill("disk", Describe(free.error()), CommandOn(patient, "df -h"));
  const std::string detail = fmt::format("{} MB are free", *free >> 20);
  if (*free >= kLeastFreeBytes) return Well("disk", detail);
  return Ill("disk", detail, CommandOn(patient, "make room: df -h"));
}

DoctorCheck CheckPermissions(const Patient& patient) {
  struct stat raw;
  const std::string path = patient.root.path().string();
  if (stat(path.c_str(), &raw) != 0)
    return Ill("permissions", "cannot look at " + path, "ls -ld " + path);
  if ((raw.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Ill("permissions", "others than its owner may write to " + path,
               CommandOn(patient, "chmod go-w"));
  }
  for (const std::string_view file : {kStoreFile, kHistoryFile, kStoreLockFile}) {
    const std::string name = (patient.root.path() / file).string();
    struct stat one;
    if (stat(name.c_str(), &one) != 0) continue;
    if (one.st_uid != raw.st_uid) {
      return Ill(
          "permissions",
          fmt::format("{} belongs to user {}, its folder to user {}", name, one.st_uid, raw.st_uid),
          fmt::format("chown --reference={} {}", ShellQuote(path), ShellQuote(name)));
    }
    if (access(name.c_str(), R_OK | W_OK) != 0) {
      return Ill("permissions", fmt::format("this user may not read and write {}", name),
                 fmt::format("run it as its owner, or: chmod u+rw {}", ShellQuote(name)));
    }
  }
  return Well("permissions", "the folder is its owner's, who may read and write its files");
}

DoctorCheck CheckWal(const Patient& patient) {
  const auto info = patient.root.Stat(std::string(kStoreFile) + "-wal");
  const uint64_t bytes = info && *info ? (*info)->size_bytes : 0;
  const std::string detail = fmt::format("the write-ahead log has {} MB", bytes >> 20);
  if (bytes <= kLargestWalBytes) return Well("wal", detail);
  return Ill("wal", detail, "something reads the database without an end; restart the daemon");
}

// The file by its header; opens it when it is ours.
DoctorCheck CheckHeader(Patient& patient) {
  const std::string path = (patient.root.path() / kStoreFile).string();
  const auto header = ReadDatabaseHeader(patient.root, kStoreFile);
  if (!header) return Ill("database", header.error().message, header.error().remedy);
  if (!*header) return Ill("database", path + " is not there", "bizond serve makes a new one");
  const int newest = NewestVersion(MigrationsOf(embedded::migrations(), ""));
  const Status checked = CheckDatabaseHeader(**header, kStoreApplicationId, newest, path);
  if (!checked) return Ill("database", checked.error().message, checked.error().remedy);
  // Opening it would make SQLite forget what its log should hold.
  if (!patient.in_use) {
    for (const std::string_view file : {kStoreFile, kHistoryFile}) {
      const Status log = CheckWal(patient.root, file);
      if (!log) return Ill("database", log.error().message, log.error().remedy);
    }
  }
  patient.db.emplace(path, Connection::Role::kReader, nullptr);
  return Well("database", fmt::format("{}, version {}", path, (*header)->user_version));
}

DoctorCheck Run(const char* name, DoctorCheck (*check)(Patient&), Patient& patient) {
  try {
    return check(patient);
  } catch (const SQLite::Exception& exception) {
    const Error error = SqliteError(exception, (patient.root.path() / kStoreFile).string());
    return Ill(name, error.message, error.remedy);
  }
}

}  // namespace

std::vector<DoctorCheck> ExamineStore(const std::filesystem::path& directory, const Clock& clock) {
  const Result<Root> root = Root::Open(directory);
  if (!root) return {Ill("directory", root.error().message, root.error().remedy)};
  Patient patient{*root, clock, false, std::nullopt};
  // A lock that is free is held only for the moment of asking.
  const auto info = root->Stat(kStoreLockFile);
  if (info && *info) patient.in_use = !LockStore(*root).has_value();

  std::vector<DoctorCheck> checks;
  checks.push_back(Run("database", CheckHeader, patient));
  if (patient.db) {
    checks.push_back(Run("integrity", CheckIntegrity, patient));
    checks.push_back(Run("orphans", CheckOrphans, patient));
    checks.push_back(Run("running", CheckRunning, patient));
    checks.push_back(Run("due", CheckDue, patient));
    checks.push_back(Run("held", CheckHeld, patient));
    checks.push_back(Run("freshness", CheckFreshness, patient));
    checks.push_back(Run("clock", CheckClock, patient));
  }
  checks.push_back(CheckWal(patient));
  checks.push_back(CheckDisk(patient));
  checks.push_back(CheckPermissions(patient));
  return checks;
}

}  // namespace bizond
