// What Google's services answer when they refuse: the reason, what it means for a retry, and the
// Error that a person reads.
//
// An answer is {"error": {"code", "message", "errors": [{"reason", "message"}]}}; what is none of
// that (a proxy's page) is judged by its status.
//
// Error codes: bigquery_access_denied, bigquery_billing, bigquery_condition_not_met,
// bigquery_duplicate, bigquery_invalid, bigquery_job_interrupted, bigquery_not_found,
// bigquery_quota_exceeded, bigquery_rate_limited, bigquery_refused, bigquery_resources_exceeded,
// bigquery_stopped, bigquery_unauthorized, bigquery_unavailable.
//
// Reference: https://cloud.google.com/bigquery/docs/error-messages.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_GOOGLE_GOOGLE_ERROR_H_
#define BIZOND_DESTINATIONS_GOOGLE_GOOGLE_ERROR_H_

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/http_client.h"

namespace bizond {

struct GoogleRefusal {
  std::string reason;   // "rateLimitExceeded"; empty: the answer has none.
  std::string message;  // One line, without secrets.
  int status = 0;
};
GoogleRefusal ParseRefusal(const HttpResponse& response);

// The same request may be sent again at once, with backoff.
bool MayRetry(const GoogleRefusal& refusal);
// A failed job may be run again under a new id.
bool NewIdMayMend(std::string_view reason);

// `what` names the request or the job.
Error GoogleError(const GoogleRefusal& refusal, std::string_view what);

// A text of the service, as a line of ours: control characters escaped, secrets hidden, cut.
std::string ServiceText(std::string_view text);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_GOOGLE_ERROR_H_
