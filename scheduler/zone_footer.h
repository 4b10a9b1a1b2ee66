// ZoneFooter: the rule at the end of a TZif file (RFC 8536 section 3.3), which holds after the
// file's last transition.
//
// Threads: a value.
#ifndef BIZOND_SCHEDULER_ZONE_FOOTER_H_
#define BIZOND_SCHEDULER_ZONE_FOOTER_H_

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace bizond {

struct ZoneFooter {
  // The day `week` (5: the last) of `weekday` in `month`, and the civil time then, which may be
  // negative or beyond a day.
  struct Date {
    unsigned month = 1;
    unsigned week = 1;
    unsigned weekday = 0;
    std::chrono::seconds time = std::chrono::hours(2);
  };
  struct Change {
    std::chrono::sys_seconds at;
    std::chrono::seconds offset;  // From `at` on.
  };

  std::chrono::seconds standard{0};
  std::chrono::seconds daylight{0};
  Date daylight_begin;
  Date daylight_end;

  // Both changes of `year`, in the order of time.
  std::array<Change, 2> ChangesOf(std::chrono::year year) const;
};

// "CET-1CEST,M3.5.0,M10.5.0/3". Empty for a zone without daylight saving and for what is not of
// this form (Julian day numbers, which no zone of today uses).
std::optional<ZoneFooter> ParseZoneFooter(std::string_view text);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_ZONE_FOOTER_H_
