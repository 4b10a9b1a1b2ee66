#include "store/row_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace bizond {
namespace {

Failure InvalidCursor() {
  return Fail(ErrorKind::kConfig, "invalid_cursor_token",
              "the page cursor is not one that this list has answered",
              "take `next_cursor` of the previous page as it is, or leave the cursor out");
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<std::string> Unhex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string text;
  text.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexDigit(hex[i]);
    const int low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    text.push_back(static_cast<char>(high * 16 + low));
  }
  return text;
}

std::string TextField(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A peer's message may hold any bytes.
std::string DumpText(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::optional<std::string> EncodeError(const std::optional<Error>& error) {
  if (!error) return std::nullopt;
  nlohmann::json json = {{"kind", ErrorKindName(error->kind)},
                         {"code", error->code},
                         {"message", Redact(error->message)},
                         {"remedy", Redact(error->remedy)}};
  if (error->retry_after) json["retry_after_ms"] = error->retry_after->count();
  return DumpText(json);
}

std::optional<Error> DecodeError(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  Error error;
  const nlohmann::json json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) {
    return Error{ErrorKind::kPermanent, "unreadable_error",
                 "the stored error cannot be read: " + *text, "bizond doctor"};
  }
  error.kind = ParseErrorKind(TextField(json, "kind")).value_or(ErrorKind::kPermanent);
  error.code = TextField(json, "code");
  error.message = TextField(json, "message");
  error.remedy = TextField(json, "remedy");
  if (const auto after = json.find("retry_after_ms");
      after != json.end() && after->is_number_integer()) {
    error.retry_after = std::chrono::milliseconds(after->get<int64_t>());
  }
  return error;
}

std::optional<std::string> EncodeWarnings(const std::vector<RunWarningRow>& warnings) {
  if (warnings.empty()) return std::nullopt;
  nlohmann::json list = nlohmann::json::array();
  for (const RunWarningRow& warning : warnings) {
    list.push_back({{"code", warning.code},
                    {"stream", warning.stream},
                    {"message", Redact(warning.message)},
                    {"remedy", Redact(warning.remedy)}});
  }
  return DumpText(list);
}

std::vector<RunWarningRow> DecodeWarnings(const std::optional<std::string>& text) {
  std::vector<RunWarningRow> warnings;
  if (!text) return warnings;
  const nlohmann::json list = nlohmann::json::parse(*text, nullptr, false);
  if (!list.is_array()) return warnings;
  for (const nlohmann::json& json : list) {
    if (!json.is_object()) continue;
    warnings.push_back({TextField(json, "code"), TextField(json, "stream"),
                        TextField(json, "message"), TextField(json, "remedy")});
  }
  return warnings;
}

std::string EncodePageKey(char kind, const PageKey& key) {
  std::string cursor = fmt::format("{}{}.", kind, key.micros);
  for (const char c : key.text) {
    fmt::format_to(std::back_inserter(cursor), "{:02x}", static_cast<unsigned char>(c));
  }
  return cursor;
}

Result<std::optional<PageKey>> DecodePageKey(char kind, std::string_view cursor) {
  if (cursor.empty()) return std::optional<PageKey>();
  const size_t dot = cursor.find('.');
  if (cursor.front() != kind || dot == std::string_view::npos || cursor.size() > 1000) {
    return InvalidCursor();
  }
  PageKey key;
  const char* const end = cursor.data() + dot;
  const auto [stopped, failure] = std::from_chars(cursor.data() + 1, end, key.micros);
  std::optional<std::string> text = Unhex(cursor.substr(dot + 1));
  if (failure != std::errc() || stopped != end || !text) return InvalidCursor();
  key.text = std::move(*text);
  return std::optional<PageKey>(std::move(key));
}

int PageLimit(const Page& page) { return std::clamp(page.limit, 1, 1000); }

}  // namespace bizond
