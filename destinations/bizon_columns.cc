#include "destinations/bizon_columns.h"

#include <algorithm>
#include <cstring>

namespace bizond {
namespace {

void WriteDigits(int64_t value, int digits, char* out) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

void WriteTimestamp(UtcTime time, char* out27) {
  using std::chrono::days;
  constexpr UtcTime kFirst = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
  constexpr UtcTime kPast = std::chrono::sys_days(std::chrono::year(10000) / 1 / 1);
  time = std::clamp(time, kFirst, kPast - Duration(1));
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const int64_t micros = (time - day).count();
  std::memcpy(out27, "0000-00-00T00:00:00.000000Z", kTimestampBytes);
  WriteDigits(int{date.year()}, 4, out27);
  WriteDigits(unsigned{date.month()}, 2, out27 + 5);
  WriteDigits(unsigned{date.day()}, 2, out27 + 8);
  const int64_t seconds = micros / 1'000'000;
  WriteDigits(seconds / 3600, 2, out27 + 11);
  WriteDigits(seconds / 60 % 60, 2, out27 + 14);
  WriteDigits(seconds % 60, 2, out27 + 17);
  WriteDigits(micros % 1'000'000, 6, out27 + 20);
}

void BizonColumns::Begin(const RecordBatch& batch, UtcTime loaded_at) {
  iteration_ = batch.iteration;
  WriteTimestamp(batch.extracted_at, extracted_at_.data());
  WriteTimestamp(loaded_at, loaded_at_.data());
}

std::string_view BizonColumns::Timestamp(const Record& record) {
  if (record.timestamp_us == Record::kNoTimestamp) return extracted_at();
  WriteTimestamp(FromUnixMicros(record.timestamp_us), timestamp_.data());
  return {timestamp_.data(), kTimestampBytes};
}

}  // namespace bizond
