#include "destinations/google/google_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace bizond {
namespace {

constexpr size_t kTextMax = 600;
// A day's quota comes back bit by bit: asking every minute would only use it up.
constexpr std::chrono::milliseconds kQuotaRest = std::chrono::minutes(15);

struct ReasonRow {
  std::string_view reason;
  ErrorKind kind;
  std::string_view code;
  std::string_view remedy;
};

constexpr std::string_view kWait = "nothing: it is tried again by itself";
constexpr std::string_view kRoles =
    "give the account the roles BigQuery Data Editor (on the dataset) and BigQuery Job User (on "
    "the project), with gcs_buffer_bucket Storage Object Admin, too; the message names what misses";
constexpr std::string_view kReadMessage = "the message is BigQuery's own: change what it names";

constexpr ReasonRow kReasons[] = {
    {"accessDenied", ErrorKind::kPermanent, "bigquery_access_denied", kRoles},
    {"forbidden", ErrorKind::kPermanent, "bigquery_access_denied", kRoles},
    {"authError", ErrorKind::kPermanent, "bigquery_unauthorized",
     "check the service account's key, and that the machine's clock is right"},
    {"required", ErrorKind::kPermanent, "bigquery_unauthorized",
     "give credentials: authentication.service_account_key, or GOOGLE_APPLICATION_CREDENTIALS"},
    {"notFound", ErrorKind::kPermanent, "bigquery_not_found",
     "check project_id, dataset_id and dataset_location; create_dataset: true makes the dataset"},
    {"duplicate", ErrorKind::kPermanent, "bigquery_duplicate", kReadMessage},
    {"invalid", ErrorKind::kPermanent, "bigquery_invalid", kReadMessage},
    {"invalidQuery", ErrorKind::kPermanent, "bigquery_invalid", kReadMessage},
    {"parseError", ErrorKind::kPermanent, "bigquery_invalid", kReadMessage},
    {"badRequest", ErrorKind::kPermanent, "bigquery_invalid", kReadMessage},
    {"conditionNotMet", ErrorKind::kTransient, "bigquery_condition_not_met",
     "somebody else changed it at the same moment; it is looked at again by itself"},
    {"quotaExceeded", ErrorKind::kTransient, "bigquery_quota_exceeded",
     "run the job less often or with a larger buffer_size; quotas: "
     "https://cloud.google.com/bigquery/quotas"},
    {"rateLimitExceeded", ErrorKind::kTransient, "bigquery_rate_limited", kWait},
    {"jobRateLimitExceeded", ErrorKind::kTransient, "bigquery_job_interrupted", kWait},
    {"jobBackendError", ErrorKind::kTransient, "bigquery_job_interrupted", kWait},
    {"jobInternalError", ErrorKind::kTransient, "bigquery_job_interrupted", kWait},
    {"backendError", ErrorKind::kTransient, "bigquery_unavailable", kWait},
    {"internalError", ErrorKind::kTransient, "bigquery_unavailable", kWait},
    {"badGateway", ErrorKind::kTransient, "bigquery_unavailable", kWait},
    {"tableUnavailable", ErrorKind::kTransient, "bigquery_unavailable", kWait},
    {"resourceInUse", ErrorKind::kTransient, "bigquery_unavailable", kWait},
    {"timeout", ErrorKind::kTransient, "bigquery_unavailable", kWait},
    {"billingNotEnabled", ErrorKind::kPermanent, "bigquery_billing",
     "enable billing for the project"},
    {"billingTierLimitExceeded", ErrorKind::kPermanent, "bigquery_billing",
     "raise the project's billing tier"},
    {"resourcesExceeded", ErrorKind::kPermanent, "bigquery_resources_exceeded", kReadMessage},
    {"responseTooLarge", ErrorKind::kPermanent, "bigquery_resources_exceeded", kReadMessage},
    {"stopped", ErrorKind::kTransient, "bigquery_stopped",
     "somebody cancelled the job; it is run again by itself"},
};

// The reason that a status stands for where the answer names none.
std::string_view ReasonOfStatus(int status) {
  switch (status) {
    case 400:
      return "badRequest";
    case 401:
      return "authError";
    case 403:
      return "accessDenied";
    case 404:
      return "notFound";
    case 408:
      return "timeout";
    case 409:
      return "duplicate";
    case 412:
      return "conditionNotMet";
    case 429:
      return "rateLimitExceeded";
    default:
      return status >= 500 ? "backendError" : "";
  }
}

const ReasonRow* FindReason(std::string_view reason) {
  const auto* const found =
      std::find_if(std::begin(kReasons), std::end(kReasons),
                   [reason](const ReasonRow& row) { return row.reason == reason; });
  return found == std::end(kReasons) ? nullptr : found;
}

std::string TextOf(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string ServiceText(std::string_view text) {
  std::string shown = EscapeControls(Redact(text.substr(0, kTextMax)));
  if (text.size() > kTextMax) shown += "...";
  return shown;
}

GoogleRefusal ParseRefusal(const HttpResponse& response) {
  GoogleRefusal refusal{.reason = "", .message = "", .status = response.status};
  const auto answer = nlohmann::json::parse(response.body, nullptr, false);
  if (answer.is_object() && answer.contains("error") && answer["error"].is_object()) {
    const nlohmann::json& error = answer["error"];
    refusal.message = ServiceText(TextOf(error, "message"));
    const auto details = error.find("errors");
    if (details != error.end() && details->is_array() && !details->empty() &&
        details->front().is_object()) {
      refusal.reason = TextOf(details->front(), "reason");
    }
  }
  if (refusal.message.empty()) refusal.message = ServiceText(response.body);
  return refusal;
}

bool MayRetry(const GoogleRefusal& refusal) {
  constexpr std::array<std::string_view, 4> kAgain = {"rateLimitExceeded", "backendError",
                                                      "internalError", "badGateway"};
  if (std::find(kAgain.begin(), kAgain.end(), refusal.reason) != kAgain.end()) return true;
  if (refusal.reason == "quotaExceeded" || NewIdMayMend(refusal.reason)) return false;
  constexpr std::array<int, 6> kStatuses = {408, 429, 500, 502, 503, 504};
  return std::find(kStatuses.begin(), kStatuses.end(), refusal.status) != kStatuses.end();
}

bool NewIdMayMend(std::string_view reason) {
  return reason == "jobBackendError" || reason == "jobInternalError" ||
         reason == "jobRateLimitExceeded";
}

Error GoogleError(const GoogleRefusal& refusal, std::string_view what) {
  const ReasonRow* row = FindReason(refusal.reason);
  if (row == nullptr) row = FindReason(ReasonOfStatus(refusal.status));
  const std::string reason =
      refusal.reason.empty() ? std::to_string(refusal.status) : ServiceText(refusal.reason);
  Error error{.kind = ErrorKind::kPermanent,
              .code = "bigquery_refused",
              .message = fmt::format("{}: {} ({})", what, refusal.message, reason),
              .remedy = std::string(kReadMessage)};
  if (row == nullptr) return error;
  error.kind = row->kind;
  error.code = row->code;
  error.remedy = row->remedy;
  if (row->code == "bigquery_quota_exceeded") error.retry_after = kQuotaRest;
  return error;
}

}  // namespace bizond
