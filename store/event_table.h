// The log of events, and the keys that make a trigger idempotent.
//
// Threads: one thread at a time, as the connection.
#ifndef BIZOND_STORE_EVENT_TABLE_H_
#define BIZOND_STORE_EVENT_TABLE_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/change.h"
#include "store/records.h"

namespace bizond::events {

std::vector<EventRow> After(Connection& db, int64_t id, int limit);
int64_t LastId(Connection& db);
int64_t Append(Change& change, const EventRow& event);

// An event of kind "job" or "run" whose detail is an object of texts.
void Tell(Change& change, std::string_view kind, std::string_view subject, UtcTime at,
          std::initializer_list<std::pair<const char*, std::string>> detail);

std::optional<std::string> IdempotentRun(Connection& db, std::string_view job,
                                         std::string_view key);
void PutIdempotencyKey(Change& change, std::string_view job, std::string_view key,
                       std::string_view run, UtcTime now);

}  // namespace bizond::events

#endif  // BIZOND_STORE_EVENT_TABLE_H_
