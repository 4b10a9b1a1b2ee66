#include "destinations/bigquery_streaming/row_inserter.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/failpoint.h"
#include "destinations/google/google_error.h"
#include "destinations/google/transport.h"

namespace bizond {
namespace {

// BigQuery knows a new table or column everywhere within minutes.
constexpr Duration kPatience = std::chrono::minutes(10);

bool ContainsNoCase(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

// Whether the row may be taken when it is sent again. A row has columns of the table alone, so that
// one which "does not exist" was added a moment ago.
bool PassesByItself(const InsertFault& fault) {
  if (fault.reason == "stopped" || fault.reason == "timeout") return true;
  if (MayRetry({.reason = fault.reason, .message = "", .status = 0})) return true;
  return fault.reason == "invalid" && ContainsNoCase(fault.message, "no such field");
}

}  // namespace

RowInserter::RowInserter(BigQueryApi* api, BigQueryTableName table, RejectSink* rejects,
                         std::stop_token stop)
    : api_(api), table_(std::move(table)), rejects_(rejects), stop_(std::move(stop)) {}

Status RowInserter::Insert(const RowBuffer& rows) {
  Places all(rows.size());
  std::iota(all.begin(), all.end(), size_t{0});
  std::vector<Places> waiting;  // The last one is next.
  if (!all.empty()) waiting.push_back(std::move(all));
  Clock& clock = api_->transport().clock();
  const Duration begun = clock.Steady();
  for (int attempt = 0; !waiting.empty();) {
    const Places places = std::move(waiting.back());
    waiting.pop_back();
    rejected_ = false;
    Result<Places> again = InsertOnce(rows, places);
    if (!again && again.error().code == "bigquery_request_too_large" && places.size() > 1) {
      const auto half = places.begin() + static_cast<std::ptrdiff_t>(places.size() / 2);
      waiting.emplace_back(half, places.end());
      waiting.emplace_back(places.begin(), half);
      continue;
    }
    if (!again) {
      BIZOND_RETURN_IF_ERROR(MayWait(again.error()));
      last_fault_ = again.error().message;
      again = places;
    }
    if (again->empty()) continue;
    const bool progress = rejected_ || again->size() < places.size();
    waiting.push_back(*std::move(again));
    if (progress) continue;
    if (clock.Steady() - begun >= kPatience) {
      return Fail(ErrorKind::kTransient, "bigquery_unavailable",
                  fmt::format("{} still refuses {} rows: {}", table_.Dotted(),
                              waiting.back().size(), last_fault_),
                  "nothing: it is tried again by itself; see that the table was not changed by "
                  "somebody else");
    }
    BIZOND_RETURN_IF_ERROR(api_->transport().Backoff(attempt++, stop_));
  }
  return {};
}

Status RowInserter::MayWait(const Error& error) {
  if (error.code != "bigquery_not_found") return Failure(error);
  BIZOND_ASSIGN_OR_RETURN(const auto table, api_->GetTable(table_, stop_));
  if (table) return {};
  return Fail(ErrorKind::kTransient, "bigquery_not_found",
              fmt::format("the table {} is gone: {}", table_.Dotted(), error.message),
              "nothing: the next attempt makes it again");
}

Result<RowInserter::Places> RowInserter::InsertOnce(const RowBuffer& rows, const Places& places) {
  WriteInsertRows(rows, places, &body_);
  Failpoint("bigquery_streaming.before_insert");
  auto faults = api_->InsertAll(table_, body_, stop_);
  Failpoint("bigquery_streaming.after_insert");
  if (!faults) {
    if (faults.error().code == "bigquery_request_too_large" && places.size() == 1) {
      BIZOND_RETURN_IF_ERROR(
          rejects_->Reject(rows.iteration(places[0]),
                           rows.Rejected(places[0], "row_too_large", faults.error().message)));
      rejected_ = true;
      return Places();
    }
    return Failure(faults.error());
  }
  bytes_sent_ += body_.size();
  return Settle(rows, places, *faults);
}

Result<RowInserter::Places> RowInserter::Settle(const RowBuffer& rows, const Places& places,
                                                const std::vector<InsertFault>& faults) {
  Places again;
  std::vector<bool> told(places.size(), false);
  for (const InsertFault& fault : faults) {
    if (fault.index >= places.size()) {
      return Failure(
          BadAnswer("insertAll", fmt::format("it names row {} of {}", fault.index, places.size())));
    }
    if (told[fault.index]) continue;
    told[fault.index] = true;
    const size_t place = places[fault.index];
    const std::string what =
        fault.location.empty() ? fault.message
                               : fmt::format("the column '{}': {}", fault.location, fault.message);
    if (PassesByItself(fault)) {
      again.push_back(place);
      if (fault.reason != "stopped" || last_fault_.empty()) {
        last_fault_ = fmt::format("{} ({})", what, fault.reason);
      }
      continue;
    }
    BIZOND_RETURN_IF_ERROR(rejects_->Reject(
        rows.iteration(place),
        rows.Rejected(place, "bigquery_row_refused", fmt::format("{} ({})", what, fault.reason))));
    rejected_ = true;
  }
  std::sort(again.begin(), again.end());
  return again;
}

}  // namespace bizond
