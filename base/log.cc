#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace bizond {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 4> kUpperNames = {"DEBUG", "INFO", "WARNING", "ERROR"};

struct Alias {
  std::string_view name;
  LogLevel level;
};
constexpr Alias kAliases[] = {
    {"trace", LogLevel::kDebug},  {"debug", LogLevel::kDebug},     {"info", LogLevel::kInfo},
    {"warn", LogLevel::kWarning}, {"warning", LogLevel::kWarning}, {"error", LogLevel::kError},
    {"err", LogLevel::kError},    {"critical", LogLevel::kError},
};

size_t IndexOf(LogLevel level) { return static_cast<size_t>(level); }

std::atomic<LogLevel> minimum_level = LogLevel::kInfo;
std::atomic<LogFormat> line_format = LogFormat::kText;

// spdlog writes whole lines, one thread at a time; what stands in them is decided here. Never
// destroyed, since other statics may log in their destructors.
spdlog::logger& Sink() {
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger("bizond", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_level(spdlog::level::trace);
    made->set_pattern("%v");
    return made;
  }();
  return *logger;
}

// Of a key that a line has anyway, so that no field can overwrite it.
std::string FieldKey(std::string_view key) {
  for (const std::string_view reserved : {"at", "level", "room", "message"}) {
    if (key == reserved) return fmt::format("{}_", key);
  }
  return Redact(key);
}

bool NeedsQuotes(std::string_view escaped) {
  return escaped.empty() || escaped.find_first_of(" =\"\\") != std::string_view::npos;
}

std::string Quoted(std::string_view escaped) {
  std::string text = "\"";
  for (const char c : escaped) {
    if (c == '"') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string TextLine(UtcTime at, LogLevel level, std::string_view room, std::string_view message,
                     std::span<const LogField> fields) {
  std::string line = fmt::format("{} {} {}: {}", FormatUtc(at), kUpperNames[IndexOf(level)],
                                 EscapeControls(room), EscapeControls(Redact(message)));
  for (const LogField& field : fields) {
    std::string key = EscapeControls(FieldKey(field.key));
    if (NeedsQuotes(key)) key = Quoted(key);
    const std::string value = EscapeControls(Redact(field.value));
    line += fmt::format(" {}={}", key, NeedsQuotes(value) ? Quoted(value) : value);
  }
  return line;
}

std::string JsonLine(UtcTime at, LogLevel level, std::string_view room, std::string_view message,
                     std::span<const LogField> fields) {
  nlohmann::ordered_json line;
  line["at"] = FormatUtc(at);
  line["level"] = kLevelNames[IndexOf(level)];
  line["room"] = room;
  line["message"] = Redact(message);
  for (const LogField& field : fields) line[FieldKey(field.key)] = Redact(field.value);
  // Bytes that are no UTF-8 become U+FFFD; a throw in a log call would end the run instead.
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string_view LogLevelName(LogLevel level) { return kLevelNames.at(IndexOf(level)); }

bool ParseLogLevel(std::string_view text, LogLevel* level) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (const Alias& alias : kAliases) {
    if (alias.name != lower) continue;
    *level = alias.level;
    return true;
  }
  return false;
}

void ConfigureLog(LogLevel level, LogFormat format) {
  minimum_level = level;
  line_format = format;
}

bool LogEnabled(LogLevel level) { return level >= minimum_level.load(std::memory_order_relaxed); }

std::string FormatLogLine(LogFormat format, UtcTime at, LogLevel level, std::string_view room,
                          std::string_view message, std::span<const LogField> fields) {
  return format == LogFormat::kJson ? JsonLine(at, level, room, message, fields)
                                    : TextLine(at, level, room, message, fields);
}

void Log(LogLevel level, std::string_view room, std::string_view message,
         std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) return;
  const UtcTime now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  const std::string line =
      FormatLogLine(line_format, now, level, room, message, {fields.begin(), fields.size()});
  // As an argument of "%v" alone: a brace in the line means nothing to spdlog.
  Sink().log(spdlog::level::info, spdlog::string_view_t(line));
}

}  // namespace bizond
