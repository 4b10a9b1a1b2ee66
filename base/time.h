// Instants, durations and their text form.
//
// Every instant in bizond is UTC with microseconds; people and the API see RFC 3339 with
// milliseconds. Only Clock (base/clock.h) reads the current time.
#ifndef BIZOND_BASE_TIME_H_
#define BIZOND_BASE_TIME_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bizond {

using Duration = std::chrono::microseconds;
using UtcTime = std::chrono::sys_time<std::chrono::microseconds>;

inline int64_t ToUnixMicros(UtcTime time) { return time.time_since_epoch().count(); }
inline UtcTime FromUnixMicros(int64_t micros) { return UtcTime(Duration(micros)); }

// "2026-12-01T00:00:00.000Z", rounded down. Years outside 0..9999 are clamped to that range.
std::string FormatUtc(UtcTime time);
// The same with microseconds, as the destinations' columns have it.
std::string FormatUtcMicros(UtcTime time);

// RFC 3339 with any offset, `T` or a space, 0 to 9 digits of a second; a date alone is its midnight
// UTC. A time without an offset is UTC. Digits after the sixth are dropped; a leap second (23:59:60
// UTC) is the second after it. Code `invalid_time`.
Result<UtcTime> ParseUtc(std::string_view text);

// "90s", "10m", "2h", "1d", "1w", "1h30m", "250ms"; a bare number is seconds. Not negative; at most
// 1,000 years. Code `invalid_duration`.
Result<Duration> ParseDuration(std::string_view text);
// The form with the largest units, which ParseDuration reads back: "1h30m", "0s".
std::string FormatDuration(Duration duration);

}  // namespace bizond

#endif  // BIZOND_BASE_TIME_H_
