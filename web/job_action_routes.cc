// What is done with a job: runs, pause, reset and its state.
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

Failure BadState(std::string message) {
  return Fail(ErrorKind::kConfig, "invalid_body", std::move(message),
              "send back what GET gave, with the cursors changed");
}

// The JSON token of a cursor that the API shows as text.
Result<std::string> CursorToken(const json& watermark) {
  const json cursor = watermark.value("cursor", json());
  const json type = watermark.value("cursor_type", json());
  if (!cursor.is_string() || !type.is_string()) {
    return BadState("a watermark has a cursor and a cursor_type, both texts");
  }
  if (type == "timestamp" || type == "text") {
    if (type == "timestamp") {
      BIZOND_RETURN_IF_ERROR(ParseUtc(cursor.get<std::string>()));
    }
    return cursor.dump();
  }
  if (type != "number") return BadState("cursor_type is number, timestamp or text");
  auto text = cursor.get<std::string>();
  if (!json::parse(text, nullptr, false).is_number()) {
    return BadState("\"" + text + "\" is not a number");
  }
  return text;
}

Result<std::optional<Watermark>> WatermarkOf(const json& stream,
                                             const std::optional<Watermark>& before) {
  const json watermark = stream.value("watermark", json());
  const json position = stream.value("position", json());
  if (watermark.is_null() && position.is_null()) return std::nullopt;
  Watermark result;
  if (!watermark.is_null()) {
    if (!watermark.is_object()) return BadState("watermark is an object or null");
    BIZOND_ASSIGN_OR_RETURN(result.cursor, CursorToken(watermark));
    result.cursor_type = watermark["cursor_type"].get<std::string>();
    // What was published at exactly this cursor stays known while the cursor stays.
    if (before && before->cursor == result.cursor) {
      result.boundary = before->boundary;
      result.chunks = before->chunks;
      result.window = before->window;
    }
  }
  if (!position.is_null()) result.position = position.dump();
  return result;
}

Status RequireJob(const StoreReader& reader, const std::string& name) {
  BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job, reader.GetJob(name));
  if (job) return {};
  return Fail(ErrorKind::kPermanent, "job_missing", "there is no job " + name, "bizond jobs list");
}

Result<WebResponse> StateAnswer(const WebParts& parts, const std::string& name) {
  BIZOND_ASSIGN_OR_RETURN(const json state,
                          parts.store->Query([&](const StoreReader& reader) -> Result<json> {
                            BIZOND_RETURN_IF_ERROR(RequireJob(reader, name));
                            return StateJson(reader, name);
                          }));
  return JsonResponse(state);
}

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

Result<WebResponse> GetState(const WebParts& parts, const WebRequest& request) {
  return StateAnswer(parts, request.names.at(0));
}

Result<WebResponse> PutState(const WebParts& parts, const WebRequest& request) {
  const std::string& name = request.names.at(0);
  BIZOND_ASSIGN_OR_RETURN(const json body, ObjectBody(request, {"streams"}));
  const json streams = body.value("streams", json());
  if (!streams.is_array()) return BadState("streams is a list");
  // All are read before the first is written.
  std::vector<std::pair<std::string, std::optional<Watermark>>> wanted;
  for (const json& stream : streams) {
    if (!stream.is_object() || !stream.value("stream", json()).is_string()) {
      return BadState("an item of streams has a stream");
    }
    const auto stream_name = stream["stream"].get<std::string>();
    BIZOND_ASSIGN_OR_RETURN(const auto before, parts.store->Query([&](const StoreReader& reader) {
      return reader.StreamState(name, stream_name);
    }));
    BIZOND_ASSIGN_OR_RETURN(auto watermark,
                            WatermarkOf(stream, before ? before->watermark : std::nullopt));
    wanted.emplace_back(stream_name, std::move(watermark));
  }
  for (const auto& [stream_name, watermark] : wanted) {
    BIZOND_RETURN_IF_ERROR(parts.jobs->PutStreamState(name, stream_name, watermark));
  }
  return StateAnswer(parts, name);
}

}  // namespace bizond::handlers
