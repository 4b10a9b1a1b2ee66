#include "store/event_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bizond::events {

std::vector<EventRow> After(Connection& db, int64_t id, int limit) {
  Query query = db.Prepare(
      "SELECT id, at, kind, subject, detail FROM events WHERE id > ? ORDER BY id LIMIT ?", id,
      std::max(limit, 0));
  std::vector<EventRow> rows;
  while (query.Step()) {
    rows.push_back({query.Int(0), query.Time(1), query.Text(2), query.Text(3), query.Text(4)});
  }
  return rows;
}

int64_t LastId(Connection& db) { return db.MaybeInt("SELECT max(id) FROM events").value_or(0); }

int64_t Append(Change& change, const EventRow& event) {
  change.db.Run("INSERT INTO events (at, kind, subject, detail) VALUES (?, ?, ?, ?)", event.at,
                event.kind, event.subject, event.detail);
  change.has_events = true;
  return change.db.database().getLastInsertRowid();
}

void Tell(Change& change, std::string_view kind, std::string_view subject, UtcTime at,
          std::initializer_list<std::pair<const char*, std::string>> detail) {
  std::string text = "{";
  for (const auto& [key, value] : detail) {
    if (text.size() > 1) text += ',';
    text.append(1, '"').append(key).append("\":");
    text += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  Append(change, {0, at, std::string(kind), std::string(subject), text + '}'});
}

std::optional<std::string> IdempotentRun(Connection& db, std::string_view job,
                                         std::string_view key) {
  Query query =
      db.Prepare("SELECT run_id FROM idempotency_keys WHERE job = ? AND key = ?", job, key);
  if (!query.Step()) return std::nullopt;
  return query.Text(0);
}

void PutIdempotencyKey(Change& change, std::string_view job, std::string_view key,
                       std::string_view run, UtcTime now) {
  change.db.Run(
      "INSERT OR REPLACE INTO idempotency_keys (job, key, run_id, created_at) VALUES (?, ?, ?, ?)",
      job, key, run, now);
}

}  // namespace bizond::events
