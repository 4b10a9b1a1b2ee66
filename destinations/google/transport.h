// GoogleTransport: one request to a service of Google's, with its token and the retries that are
// always right.
//
// Sent again, with backoff and jitter: connections that broke, timeouts, and the refusals of
// MayRetry (google_error.h), for as long as the call says. A 401 asks for a new token, once. The
// token goes to the endpoint and to Google's own hosts alone.
//
// Error codes: those of google_error.h and base/http_client.h; bigquery_bad_answer.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_GOOGLE_TRANSPORT_H_
#define BIZOND_DESTINATIONS_GOOGLE_TRANSPORT_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/google/credentials.h"
#include "base/http_client.h"

namespace bizond {

struct GoogleCall {
  std::string method = "GET";
  std::string url = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string content_type = "application/json";  // Of a body.
  std::string body = {};
  // Statuses beside 2xx that are answers to the caller.
  std::vector<int> answers = {};
  Duration timeout = std::chrono::seconds(60);
  uint64_t max_response_bytes = 64 << 20;
  Duration retry_for = std::chrono::minutes(5);  // 0: sent once.
};

class GoogleTransport {
 public:
  // `token` nullptr: none is sent.
  GoogleTransport(std::shared_ptr<GoogleTokenSource> token, Clock* clock);

  // 2xx, or one of call.answers; all else is an error.
  Result<HttpResponse> Send(const GoogleCall& call, std::stop_token stop);
  // The same, and the answer's JSON object; empty for a body that is empty.
  Result<nlohmann::json> SendForJson(const GoogleCall& call, std::stop_token stop);

  // Waits before attempt `attempt` + 1 (from 0): 1 s, 2 s, ... 32 s, less up to a half.
  Status Backoff(int attempt, std::stop_token stop);
  Clock& clock() { return *clock_; }
  // A session's URL that the service named, refused (bigquery_bad_answer) when the token must not
  // go there.
  Status CheckSession(const std::string& session, const std::string& endpoint) const;

 private:
  Result<HttpResponse> SendOnce(const GoogleCall& call, std::string* token, std::stop_token stop);

  const std::shared_ptr<GoogleTokenSource> token_;
  Clock* const clock_;
  HttpClient http_;
  std::minstd_rand random_;
};

// The first header of that name (lower case), or "".
std::string HeaderOf(const HttpResponse& response, std::string_view name);

// ---- what an answer holds, whatever its shape ----
// "" or 0 when it is absent or of another type; Google writes its 64-bit numbers as text.
std::string JsonText(const nlohmann::json& object, const char* key);
int64_t JsonInt(const nlohmann::json& object, const char* key);
// The object under the key, or an empty one.
nlohmann::json JsonObject(const nlohmann::json& object, const char* key);
// Code bigquery_bad_answer.
Error BadAnswer(std::string_view what, std::string_view why);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_TRANSPORT_H_
