// What is done with a job: runs, pause and reset.
#include <nlohmann/json.hpp>

#include "base/http_client.h"
#include "web/job_json.h"
#include "web/problem.h"
#include "web/request_values.h"
#include "web/routes.h"
#include "web/run_json.h"

namespace bizond::handlers {
namespace {

using nlohmann::json;

constexpr size_t kIdempotencyKeyMax = 200;

// A member that says when a run starts; nullopt: it is absent.
template <typename T>
Result<std::optional<T>> StartMember(const json& body, const char* key,
                                     Result<T> (*parse)(std::string_view)) {
  const auto found = body.find(key);
  if (found == body.end()) return std::optional<T>();
  const std::string text = found->is_string() ? found->get<std::string>() : found->dump();
  Result<T> value = parse(text);
  if (value && found->is_string()) return std::optional<T>(*value);
  return Fail(ErrorKind::kConfig, "invalid_start",
              std::string(key) + " makes no sense: " + text.substr(0, 60),
              "at is like \"2026-12-01T00:00:00Z\", delay like \"90s\" or \"1h30m\"");
}

}  // namespace

Result<WebResponse> TriggerRun(const WebParts& parts, const WebRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const json body, ObjectBody(request, {"reset", "at", "delay"}));
  TriggerOptions options;
  BIZOND_ASSIGN_OR_RETURN(options.reset, BoolMember(body, "reset"));
  BIZOND_ASSIGN_OR_RETURN(options.at, StartMember(body, "at", ParseUtc));
  BIZOND_ASSIGN_OR_RETURN(options.delay, StartMember(body, "delay", ParseDuration));
  if (const std::string* const key = request.Header("Idempotency-Key")) {
    if (key->empty() || key->size() > kIdempotencyKeyMax) {
      return Fail(ErrorKind::kConfig, "invalid_parameter",
                  "Idempotency-Key must have 1 to 200 characters");
    }
    options.idempotency_key = *key;
  }
  const std::string* const agent = request.Header("User-Agent");
  if (agent != nullptr && *agent == kCommandLineAgent) options.trigger = "cli";
  BIZOND_ASSIGN_OR_RETURN(const RunRow run, parts.jobs->Trigger(request.names.at(0), options));
  BIZOND_ASSIGN_OR_RETURN(const json document, parts.store->Query([&](const StoreReader& reader) {
    return WholeRunJson(reader, run, parts.control);
  }));
  WebResponse response = JsonResponse(document, 202);
  response.headers.emplace_back("Location", "/api/v1/runs/" + run.id);
  return response;
}

Result<WebResponse> PauseJob(const WebParts& parts, const WebRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const json body, ObjectBody(request, {}));
  BIZOND_RETURN_IF_ERROR(parts.jobs->Pause(request.names.at(0)));
  return GetJob(parts, request);
}

Result<WebResponse> ResumeJob(const WebParts& parts, const WebRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const json body, ObjectBody(request, {}));
  BIZOND_RETURN_IF_ERROR(parts.jobs->Resume(request.names.at(0)));
  return GetJob(parts, request);
}

Result<WebResponse> ResetJob(const WebParts& parts, const WebRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const json body, ObjectBody(request, {"stream", "cancel"}));
  BIZOND_ASSIGN_OR_RETURN(const std::string stream, TextMember(body, "stream"));
  BIZOND_ASSIGN_OR_RETURN(const bool cancel, BoolMember(body, "cancel"));
  BIZOND_RETURN_IF_ERROR(parts.jobs->RequestReset(request.names.at(0), stream, cancel));
  return GetJob(parts, request);
}

}  // namespace bizond::handlers
