#include "web/request_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace bizond {
namespace {

using nlohmann::json;

Failure BadParameter(std::string_view name, std::string_view wanted) {
  return Fail(ErrorKind::kConfig, "invalid_parameter", fmt::format("{} must be {}", name, wanted));
}

Failure BadBody(std::string message) {
  return Fail(ErrorKind::kConfig, "invalid_body", std::move(message),
              "/openapi.json says what this route takes");
}

}  // namespace

Result<int64_t> IntegerParameter(const WebRequest& request, std::string_view name,
                                 int64_t otherwise, int64_t least, int64_t most) {
  const std::string* const text = request.Query(name);
  if (text == nullptr) return otherwise;
  int64_t value = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end || value < least || value > most) {
    return BadParameter(name, fmt::format("a whole number from {} to {}", least, most));
  }
  return value;
}

Result<std::optional<bool>> BoolParameter(const WebRequest& request, std::string_view name) {
  const std::string* const text = request.Query(name);
  if (text == nullptr) return std::nullopt;
  if (*text == "true" || *text == "1") return true;
  if (*text == "false" || *text == "0") return false;
  return BadParameter(name, "true or false");
}

Result<std::optional<UtcTime>> TimeParameter(const WebRequest& request, std::string_view name) {
  const std::string* const text = request.Query(name);
  if (text == nullptr) return std::nullopt;
  const Result<UtcTime> time = ParseUtc(*text);
  if (!time) return BadParameter(name, "a time as of RFC 3339, like 2026-12-01T00:00:00Z");
  return *time;
}

Result<Page> PageParameters(const WebRequest& request) {
  Page page;
  BIZOND_ASSIGN_OR_RETURN(const int64_t limit,
                          IntegerParameter(request, "limit", page.limit, 1, kPageLimitMax));
  page.limit = static_cast<int>(limit);
  if (const std::string* const cursor = request.Query("cursor")) page.cursor = *cursor;
  return page;
}

Result<json> ObjectBody(const WebRequest& request, std::initializer_list<std::string_view> keys) {
  if (request.body.empty()) return json::object();
  // The parser recurses: what nests deeper than any body of ours is not looked at.
  constexpr int kDepthMax = 32;
  bool too_deep = false;
  const auto callback = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kDepthMax;
    return !too_deep;
  };
  json body = json::parse(request.body, callback, false);
  if (too_deep) return BadBody("the body nests too deep");
  if (body.is_discarded()) return BadBody("the body is not JSON");
  if (!body.is_object()) return BadBody("the body is not a JSON object");
  for (const auto& [key, value] : body.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    return BadBody(fmt::format("unknown key \"{}\"", EscapeControls(key)));
  }
  return body;
}

Result<bool> BoolMember(const json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end() || found->is_null()) return false;
  if (!found->is_boolean()) return BadBody(fmt::format("{} must be true or false", key));
  return found->get<bool>();
}

Result<std::string> TextMember(const json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end() || found->is_null()) return std::string();
  if (!found->is_string()) return BadBody(fmt::format("{} must be a text", key));
  return found->get<std::string>();
}

}  // namespace bizond
