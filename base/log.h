// Log: structured lines on stderr, as text or JSON, with secrets taken out.
//
// A line has a level, the room that speaks, a message and fields:
//   2026-12-01T00:00:00.000Z INFO scheduler: run started job=flights attempt=1
//   {"at":"2026-12-01T00:00:00.000Z","level":"info","room":"scheduler","message":"run started",...}
// A value may hold any bytes and still makes one line: text escapes control characters and quotes
// what is not a plain word, JSON is always valid; bytes that are no UTF-8 become U+FFFD. Every
// value that was ever resolved from a secret reference (RegisterSecret) is replaced by "***"
// wherever a line, a run's log or an answer is serialized (Redact).
//
// Threads: every function may be called from any thread.
#ifndef BIZOND_BASE_LOG_H_
#define BIZOND_BASE_LOG_H_

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"

namespace bizond {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

std::string_view LogLevelName(LogLevel level);  // "debug", "info", "warning", "error"
// Accepts any case, and "warn", "critical" and "trace" for the nearest level; false: unknown.
bool ParseLogLevel(std::string_view text, LogLevel* level);

struct LogField {
  std::string_view key;
  std::string value;
};

enum class LogFormat { kText, kJson };

// Called once at the start; before it, lines of kInfo and above go to stderr as text.
void ConfigureLog(LogLevel level, LogFormat format);
bool LogEnabled(LogLevel level);
void Log(LogLevel level, std::string_view room, std::string_view message,
         std::initializer_list<LogField> fields = {});

// The line that Log writes, without its end. A field named like one of the four fixed keys gets a
// "_".
std::string FormatLogLine(LogFormat format, UtcTime at, LogLevel level, std::string_view room,
                          std::string_view message, std::span<const LogField> fields);

// From now on Redact() replaces this value, also as JSON escapes it and percent-encoded. Values
// shorter than 4 bytes are not registered: replacing them would garble every text.
void RegisterSecret(std::string_view value);
std::string Redact(std::string_view text);

// Registers a value for as long as it lives: of tokens, which come by the hour and are worth
// nothing once they have expired. A value that is registered otherwise as well stays so.
class TemporarySecret {
 public:
  explicit TemporarySecret(std::string_view value);
  ~TemporarySecret();
  TemporarySecret(const TemporarySecret&) = delete;
  TemporarySecret& operator=(const TemporarySecret&) = delete;

 private:
  std::string value_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_LOG_H_
