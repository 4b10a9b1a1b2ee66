// BigQueryApi: tabledata.insertAll.
#include <fmt/format.h>

#include "destinations/google/bigquery_api_impl.h"
#include "destinations/google/google_error.h"

namespace bizond {
namespace {

// A new table answers notFound for a while: https://cloud.google.com/bigquery/docs/error-messages.
constexpr Duration kNewTableWait = std::chrono::minutes(2);

Error TooLarge(const HttpResponse& response) {
  return {.kind = ErrorKind::kPermanent,
          .code = "bigquery_request_too_large",
          .message = fmt::format("insertAll: {}", ParseRefusal(response).message),
          .remedy = "send fewer rows at once"};
}

Result<std::vector<InsertFault>> ReadFaults(const HttpResponse& response) {
  std::vector<InsertFault> faults;
  const auto answer = nlohmann::json::parse(response.body, nullptr, false);
  if (!answer.is_object()) {
    return Failure(
        BadAnswer("insertAll", fmt::format("the answer is no JSON object: {}", response.body)));
  }
  const auto listed = answer.find("insertErrors");
  if (listed == answer.end()) return faults;
  if (!listed->is_array()) return Failure(BadAnswer("insertAll", answer.dump()));
  for (const nlohmann::json& row : *listed) {
    const int64_t index = JsonInt(row, "index");
    InsertFault fault{.index = static_cast<size_t>(std::max<int64_t>(0, index)),
                      .reason = "invalid",
                      .location = "",
                      .message = "refused without a reason"};
    if (row.is_object() && row.contains("errors") && row["errors"].is_array() &&
        !row["errors"].empty()) {
      const nlohmann::json& first = row["errors"].front();
      fault.reason = ServiceText(JsonText(first, "reason"));
      fault.location = ServiceText(JsonText(first, "location"));
      fault.message = ServiceText(JsonText(first, "message"));
    }
    faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace

Result<std::vector<InsertFault>> BigQueryApi::InsertAll(const BigQueryTableName& table,
                                                        std::string_view rows,
                                                        std::stop_token stop) {
  GoogleCall call{
      .method = "POST",
      .url = fmt::format("{}/bigquery/v2/projects/{}/datasets/{}/tables/{}/insertAll",
                         impl_->endpoints.rest, EncodePathSegment(table.project),
                         EncodePathSegment(table.dataset), EncodePathSegment(table.table)),
      .body = fmt::format(R"({{"rows":{}}})", rows)};
  call.answers = {413};
  const Duration begun = impl_->transport.clock().Steady();
  for (int attempt = 0;; ++attempt) {
    const auto answer = impl_->transport.Send(call, stop);
    if (answer && answer->status == 413) return Failure(TooLarge(*answer));
    if (answer) return ReadFaults(*answer);
    const bool waits = answer.error().code == "bigquery_not_found" &&
                       impl_->transport.clock().Steady() - begun < kNewTableWait;
    if (!waits) return Failure(answer.error());
    BIZOND_RETURN_IF_ERROR(impl_->transport.Backoff(attempt, stop));
  }
}

}  // namespace bizond
