#include "tests/scheduler/simulated_job.h"

namespace bizond {

cron_oracle::Expression RareExpression(std::mt19937_64& random) {
  const auto draw = [&](int below) {
    return static_cast<int>(random() % static_cast<uint64_t>(below));
  };
  cron_oracle::Expression cron;
  const int minute = 30 * draw(2);
  const int hour = draw(24);
  cron.seconds = {0};
  cron.minutes = {minute};
  cron.hours = {hour};
  for (int day = 1; day <= 31; ++day) cron.days.insert(day);
  for (int month = 1; month <= 12; ++month) cron.months.insert(month);
  for (int weekday = 0; weekday < 7; ++weekday) cron.weekdays.insert(weekday);
  std::string days = "*";
  std::string months = "*";
  if (draw(3) > 0) {
    const int month = 1 + draw(12);
    cron.months = {month};
    months = std::to_string(month);
  }
  const int day = 1 + draw(28);
  cron.days = {day};
  cron.days_restricted = true;
  days = std::to_string(day);
  if (draw(2) == 0) {
    cron.days.insert(day % 28 + 1);
    days += "," + std::to_string(day % 28 + 1);
  }
  cron.text =
      std::to_string(minute) + " " + std::to_string(hour) + " " + days + " " + months + " *";
  return cron;
}

}  // namespace bizond
