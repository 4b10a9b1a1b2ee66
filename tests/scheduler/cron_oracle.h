// The independent oracle of the cron tests: random expressions whose meaning is known because the
// generator writes text and meaning side by side, and a brute force over every instant, by date-tz.
//
// It shares no code with scheduler/: it never reads a cron text, and it walks where the other
// jumps.
#ifndef BIZOND_TESTS_SCHEDULER_CRON_ORACLE_H_
#define BIZOND_TESTS_SCHEDULER_CRON_ORACLE_H_

#include <array>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace bizond::cron_oracle {

struct Expression {
  std::string text;
  std::set<int> seconds, minutes, hours, days, months, weekdays;
  std::set<int> last_offsets, nearest_days, last_weekdays;
  std::set<std::pair<int, int>> nth_weekdays;  // (weekday, n)
  bool last_workday = false;
  bool days_restricted = false, weekdays_restricted = false, elapsed_hours = false;
  bool both_days = false;

  bool MatchesDate(int year, int month, int day) const;
};

// Five fields, or six with random seconds.
Expression RandomExpression(std::mt19937_64& random, bool with_seconds);

struct Instant {
  int64_t second;  // Unix
  bool gap;
  bool fold;
  friend bool operator==(const Instant&, const Instant&) = default;
};

// Every fire in [begin, end), by trying each multiple of `step` seconds (60 when the expression has
// no seconds). Offsets within the range must be multiples of `step`.
class BruteForce {
 public:
  BruteForce(const std::string& zone, int64_t begin, int64_t end, int64_t step);
  std::vector<Instant> Fires(const Expression& cron, bool gap_next, bool fold_both) const;
  // Unix seconds at which the offset changes.
  const std::vector<int64_t>& changes() const { return changes_; }

 private:
  struct Span {
    int64_t begin, end, offset;
  };
  struct Gap {
    int64_t utc;
    std::vector<int64_t> swallowed;  // Seconds of a calendar without zone.
  };
  std::string zone_;
  int64_t step_;
  std::vector<Span> spans_;
  std::vector<Gap> gaps_;
  std::vector<int64_t> changes_;
};

}  // namespace bizond::cron_oracle

#endif  // BIZOND_TESTS_SCHEDULER_CRON_ORACLE_H_
