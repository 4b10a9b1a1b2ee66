// Civil dates and times in the forms that BigQuery reads: to its own precision, a microsecond, and
// never rounded.
//
// Reference: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types. Months,
// days, hours, minutes and seconds have one or two digits, a year four; years are 1 to 9999. A
// fraction has up to six digits, and more only when they are zeros.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_GOOGLE_CIVIL_TIME_H_
#define BIZOND_DESTINATIONS_GOOGLE_CIVIL_TIME_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace bizond {

// "2026-12-01". nullopt: it is none.
std::optional<std::chrono::sys_days> ParseCivilDate(std::string_view text);
// "23:59:59.999999": microseconds since midnight.
std::optional<int64_t> ParseCivilTime(std::string_view text);
// "2026-12-01T23:59:59.5", with a space in place of the T, or a date alone. No zone.
std::optional<UtcTime> ParseCivilDatetime(std::string_view text);
// A datetime with Z, " UTC" or an offset (+1, +01, +01:00, +0100) behind it; without one it is UTC.
std::optional<UtcTime> ParseCivilTimestamp(std::string_view text);
// Seconds since 1970 as a decimal number, "1764547200.25".
std::optional<UtcTime> ParseEpochSeconds(std::string_view number);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_CIVIL_TIME_H_
