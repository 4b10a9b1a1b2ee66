#include "store/boundary_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

namespace bizond::boundaries {
namespace {

// For json_each: a list has no other way into a statement.
std::string ListOf(const std::vector<int64_t>& ids) { return nlohmann::json(ids).dump(); }

}  // namespace

int64_t Put(Change& change, const RunRow& run, std::string_view stream, std::string_view chunk) {
  change.db.Run("INSERT INTO boundary_chunks (job, stream, run_id) VALUES (?, ?, ?)", run.job,
                stream, run.id);
  const int64_t id = change.db.MaybeInt("SELECT last_insert_rowid()").value_or(0);
  change.db.Run("INSERT INTO boundary_entries (chunk, entries) VALUES (?, ?)", id, Blob{chunk});
  return id;
}

std::optional<std::string> Get(Connection& db, std::string_view job, std::string_view stream,
                               int64_t id) {
  Query query = db.Prepare(
      "SELECT e.entries FROM boundary_chunks c JOIN boundary_entries e ON e.chunk = c.id WHERE "
      "c.id = ? AND c.job = ? AND c.stream = ?",
      id, job, stream);
  if (!query.Step()) return std::nullopt;
  return query.Text(0);
}

void KeepOfRun(Change& change, std::string_view run, std::string_view stream,
               const std::vector<int64_t>& named) {
  change.db.Run(
      "DELETE FROM boundary_chunks WHERE run_id <> '' AND run_id = ? AND stream = ? AND id NOT IN "
      "(SELECT value FROM json_each(?))",
      run, stream, ListOf(named));
}

void ForgetRun(Change& change, std::string_view run) {
  change.db.Run("DELETE FROM boundary_chunks WHERE run_id <> '' AND run_id = ?", run);
}

Status Record(Change& change, std::string_view job, std::string_view stream, std::string_view run,
              const std::vector<int64_t>& named) {
  const std::string list = ListOf(named);
  const auto there = change.db.MaybeInt(
      "SELECT count(*) FROM boundary_chunks WHERE job = ? AND stream = ? AND id IN "
      "(SELECT value FROM json_each(?))",
      job, stream, list);
  const size_t wanted = std::set<int64_t>(named.begin(), named.end()).size();
  if (static_cast<size_t>(there.value_or(0)) != wanted) {
    return Fail(ErrorKind::kPermanent, "bad_watermark",
                fmt::format("the boundary set of stream \"{}\" names {} chunks, but only {} are "
                            "stored",
                            stream, wanted, there.value_or(0)),
                "the store was changed from outside: restore a backup, or reset the job");
  }
  change.db.Run(
      "DELETE FROM boundary_chunks WHERE job = ? AND stream = ? AND id NOT IN "
      "(SELECT value FROM json_each(?))",
      job, stream, list);
  change.db.Run(
      "UPDATE boundary_chunks SET run_id = '' WHERE run_id <> '' AND run_id = ? AND stream = ?",
      run, stream);
  return {};
}

void KeepOfWatermark(Change& change, std::string_view job, std::string_view stream,
                     const std::vector<int64_t>& named) {
  change.db.Run(
      "DELETE FROM boundary_chunks WHERE job = ? AND stream = ? AND run_id = '' AND id NOT IN "
      "(SELECT value FROM json_each(?))",
      job, stream, ListOf(named));
}

void ForgetJob(Change& change, std::string_view job) {
  change.db.Run("DELETE FROM boundary_chunks WHERE job = ? AND run_id = ''", job);
}

}  // namespace bizond::boundaries
