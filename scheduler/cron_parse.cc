// CronExpression::Parse: from text to masks.
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/text.h"
#include "scheduler/cron.h"
#include "scheduler/schedule_words.h"

namespace bizond {
namespace {

constexpr size_t kLongestExpression = 500;

constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays = {"SUN", "MON", "TUE", "WED",
                                                       "THU", "FRI", "SAT"};

enum FieldId : size_t { kSecond, kMinute, kHour, kDay, kMonth, kWeekday };

struct FieldRule {
  std::string_view name;
  int min;
  int max;
  int hash_max;  // The largest value that `H` draws: every month has a 28th.
  std::span<const std::string_view> names;
};

constexpr std::array<FieldRule, 6> kFields = {
    FieldRule{"second", 0, 59, 59, {}},     FieldRule{"minute", 0, 59, 59, {}},
    FieldRule{"hour", 0, 23, 23, {}},       FieldRule{"day of month", 1, 31, 28, {}},
    FieldRule{"month", 1, 12, 12, kMonths}, FieldRule{"day of week", 0, 6, 6, kWeekdays},
};

struct Alias {
  std::string_view name;
  std::string_view expression;
};

constexpr std::array kAliases = {
    Alias{"@YEARLY", "0 0 1 1 *"}, Alias{"@ANNUALLY", "0 0 1 1 *"}, Alias{"@MONTHLY", "0 0 1 * *"},
    Alias{"@WEEKLY", "0 0 * * 0"}, Alias{"@DAILY", "0 0 * * *"},    Alias{"@MIDNIGHT", "0 0 * * *"},
    Alias{"@HOURLY", "0 * * * *"},
};

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

bool IsLetter(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace

// One pass over the upper-case text. A method that can fail returns a Status and leaves `at_` where
// the problem is.
class CronParser {
 public:
  CronParser(std::string_view shown, std::string_view upper, std::string_view seed)
      : shown_(shown), text_(upper), seed_(seed) {}

  Result<CronExpression> Parse() {
    std::vector<std::pair<size_t, size_t>> words;  // [begin, end)
    for (size_t i = 0; i < text_.size();) {
      const size_t begin = text_.find_first_not_of(" \t", i);
      if (begin == std::string_view::npos) break;
      i = std::min(text_.find_first_of(" \t", begin), text_.size());
      words.emplace_back(begin, i);
    }
    if (words.size() != 5 && words.size() != 6) return WrongCount(words.size());
    std::array<bool, 6> restricted{};
    bool both_days = false;
    for (size_t word = 0, first = 6 - words.size(); word < words.size(); ++word) {
      field_ = first + word;
      at_ = words[word].first;
      end_ = words[word].second;
      if (field_ == kWeekday && Take('+')) {
        both_days = true;
        if (at_ == end_) return Problem("a day is missing after '+'", "Write it like +FRI", at_);
      }
      restricted[field_] = text_[at_] != '*' && text_[at_] != '?';
      if (field_ == kSecond) out_.seconds_ = 0;
      BIZOND_RETURN_IF_ERROR(ParseField());
    }
    out_.either_day_ = restricted[kDay] && restricted[kWeekday] && !both_days;
    if (!out_.CanFire()) {
      return Fail(ErrorKind::kConfig, "invalid_cron",
                  fmt::format("the cron expression '{}' can never fire: no date has that day of "
                              "month, month and day of week",
                              Printable(shown_)),
                  "Write a day that the month has; `L` is its last");
    }
    return out_;
  }

 private:
  const FieldRule& rule() const { return kFields[field_]; }
  bool AtEnd() const { return at_ >= end_ || text_[at_] == ','; }
  char Peek() const { return at_ < end_ ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c || c == '\0') return false;
    ++at_;
    return true;
  }

  Failure Problem(std::string_view what, std::string remedy, size_t at) const {
    return Fail(ErrorKind::kConfig, "invalid_cron",
                fmt::format("the cron expression '{}' has a wrong {} at character {}: {}",
                            Printable(shown_), rule().name, at + 1, what),
                std::move(remedy));
  }

  Failure WrongCount(size_t count) const {
    return Fail(ErrorKind::kConfig, "invalid_cron",
                fmt::format("the cron expression '{}' has {} fields, not five or six",
                            Printable(shown_), count),
                count == 7 ? "Leave the year out: second minute hour day-of-month month day-of-week"
                           : "Write minute, hour, day of month, month, day of week, like "
                             "'*/5 * * * *'; seconds may stand before them");
  }

  Status ParseField() {
    while (true) {
      BIZOND_RETURN_IF_ERROR(ParseItem());
      if (at_ >= end_) return {};
      if (!Take(',')) {
        return Problem(fmt::format("'{}' does not belong here", Printable(text_.substr(at_, 1))),
                       Expected(), at_);
      }
    }
  }

  Status ParseItem() {
    const size_t begin = at_;
    if (AtEnd()) return Problem("an empty list item", "Remove the extra comma", at_);
    if (field_ == kDay || field_ == kWeekday) {
      BIZOND_ASSIGN_OR_RETURN(const bool taken, ParseDayForm());
      if (taken) return {};
      at_ = begin;
    }
    int from = rule().min;
    int to = rule().max;
    bool open = false;  // A single value: a step after it goes on to the end.
    bool hashed = false;
    if (Take('*')) {
      if (field_ == kHour) out_.elapsed_hours_ = true;
    } else if (Peek() == 'H') {
      hashed = out_.hashed_ = true;
      to = rule().hash_max;
      BIZOND_RETURN_IF_ERROR(ParseHashRange(from, to));
    } else {
      BIZOND_RETURN_IF_ERROR(ParseRange(from, to, open));
    }
    int step = 0;
    BIZOND_RETURN_IF_ERROR(ParseStep(step));
    if (hashed) {
      const int size = std::min(to - from + 1, rule().max - rule().min + 1);
      const auto draw =
          static_cast<int>(Hash() % static_cast<uint64_t>(step == 0 ? size : std::min(step, size)));
      from += draw;
      if (step == 0) to = from;
    } else if (open && step != 0) {
      to = rule().max;
    }
    Fill(from, to, std::max(step, 1));
    return {};
  }

  // `?`, and the forms with L, W and #. False: something else stands here.
  Result<bool> ParseDayForm() {
    const size_t begin = at_;
    if (Take('?')) {
      if (at_ < end_ || (begin > 0 && text_[begin - 1] == ',')) {
        return Problem("'?' stands alone in its field", "Write '?' or '*' alone", begin);
      }
      Fill(rule().min, rule().max, 1);
      return true;
    }
    return field_ == kDay ? ParseMonthDayForm() : ParseWeekdayForm();
  }

  Result<bool> ParseMonthDayForm() {
    const size_t begin = at_;
    if (Take('L')) {
      if (Take('W')) {
        out_.last_workday_ = true;
      } else if (Take('-')) {
        BIZOND_ASSIGN_OR_RETURN(const int back, Number(1, 30));
        out_.last_offsets_ |= uint32_t{1} << back;
      } else {
        out_.last_offsets_ |= 1;
      }
      return true;
    }
    size_t digits = at_;
    while (digits < end_ && IsDigit(text_[digits])) ++digits;
    if (digits == begin || digits == end_ || text_[digits] != 'W') return false;
    BIZOND_ASSIGN_OR_RETURN(const int day, Number(1, 31));
    Take('W');
    out_.nearest_days_ |= uint32_t{1} << day;
    return true;
  }

  Result<bool> ParseWeekdayForm() {
    const size_t begin = at_;
    const std::string_view item = text_.substr(at_, std::min(text_.find(',', at_), end_) - at_);
    if (item == "L") {
      return Problem("'L' needs a day before it", "Write 5L for the last Friday of the month",
                     begin);
    }
    if (item.find('#') == std::string_view::npos && item.back() != 'L') return false;
    BIZOND_ASSIGN_OR_RETURN(int day, Value());
    day %= 7;
    if (Take('L')) {
      out_.last_weekdays_ = static_cast<uint8_t>(out_.last_weekdays_ | 1 << day);
      return true;
    }
    if (!Take('#')) return false;
    BIZOND_ASSIGN_OR_RETURN(const int nth, Number(1, 5));
    uint8_t& mask = out_.nth_weekdays_[static_cast<size_t>(day)];
    mask = static_cast<uint8_t>(mask | 1 << nth);
    return true;
  }

  // After `H`: nothing, or (from-to).
  Status ParseHashRange(int& from, int& to) {
    const size_t begin = at_;
    Take('H');
    if (!Take('(')) return {};
    BIZOND_ASSIGN_OR_RETURN(from, Value());
    if (!Take('-')) return Problem("a range belongs into H(...)", "Write it like H(0-29)", at_);
    BIZOND_ASSIGN_OR_RETURN(to, Value());
    if (!Take(')')) return Problem("the ')' of H(...) is missing", "Write it like H(0-29)", at_);
    if (from > to) {
      return Problem("the range of H(...) runs backwards", "Write the smaller value first", begin);
    }
    return {};
  }

  Status ParseRange(int& from, int& to, bool& open) {
    BIZOND_ASSIGN_OR_RETURN(from, Value());
    open = Peek() != '-';
    if (open) {
      to = from;
    } else {
      Take('-');
      BIZOND_ASSIGN_OR_RETURN(to, Value());
    }
    if (field_ == kWeekday) {  // Sunday is 7 as well: 5-7 goes around the end, 0-7 is the week.
      if (to == 7) to = from == 0 && !open ? 6 : 0;
      from %= 7;
    }
    return {};
  }

  Status ParseStep(int& step) {
    if (!Take('/')) return {};
    const size_t begin = at_;
    const int values = rule().max - rule().min + 1;
    const auto number = Number(1, values);
    if (!number) {
      return Problem(fmt::format("a step is a number from 1 to {}", values),
                     "Write it like */5; for a longer interval use `every`, like every: 90m",
                     begin);
    }
    step = *number;
    if (field_ == kHour) out_.elapsed_hours_ = true;
    return {};
  }

  std::string Expected() const {
    const FieldRule& r = rule();
    if (r.names.empty()) return fmt::format("Write values from {} to {}", r.min, r.max);
    return fmt::format("Write values from {} to {} or {} to {}", r.min, r.max, r.names.front(),
                       r.names.back());
  }

  Result<int> Number(int min, int max) {
    const size_t begin = at_;
    int value = 0;
    while (IsDigit(Peek())) value = std::min(value * 10 + (text_[at_++] - '0'), 1'000'000);
    if (at_ == begin) {
      const std::string found = at_ < end_ ? Printable(text_.substr(at_, 1)) : "the end";
      return Problem(fmt::format("a number is missing before '{}'", found), Expected(), begin);
    }
    if (value >= min && value <= max) return value;
    std::string remedy = fmt::format("Write a number from {} to {}", min, max);
    if (value == 24 && field_ == kHour) remedy += "; midnight is 0";
    return Problem(
        fmt::format("{} is not within {}-{}", text_.substr(begin, at_ - begin), min, max),
        std::move(remedy), begin);
  }

  // A number or a name. A weekday may be 7.
  Result<int> Value() {
    const FieldRule& r = rule();
    if (!IsLetter(Peek())) return Number(r.min, field_ == kWeekday ? 7 : r.max);
    const size_t begin = at_;
    size_t end = at_;
    while (end < end_ && IsLetter(text_[end])) ++end;
    const std::string_view word = text_.substr(begin, end - begin);
    for (size_t i = 0; i < r.names.size(); ++i) {
      // `FRIL` is the name and the L of "last".
      if (word == r.names[i] || (field_ == kWeekday && word.size() == 4 && word.back() == 'L' &&
                                 word.substr(0, 3) == r.names[i])) {
        at_ = begin + 3;
        return static_cast<int>(i) + r.min;
      }
    }
    std::string remedy = DidYouMean(NearestNames(word, r.names, 2));
    if (remedy.empty()) remedy = Expected();
    return Problem(fmt::format("'{}' is not a {}", Printable(word), r.name), std::move(remedy),
                   begin);
  }

  // From `from` to `to`, around the end of the field where `to` is smaller.
  void Fill(int from, int to, int step) {
    const int size = rule().max - rule().min + 1;
    const int span = to >= from ? to - from : to - from + size;
    for (int i = 0; i <= span; i += step) Set(rule().min + (from - rule().min + i) % size);
  }

  void Set(int value) {
    switch (field_) {
      case kSecond:
        out_.seconds_ |= uint64_t{1} << value;
        break;
      case kMinute:
        out_.minutes_ |= uint64_t{1} << value;
        break;
      case kHour:
        out_.hours_ |= uint32_t{1} << value;
        break;
      case kDay:
        out_.days_ |= uint32_t{1} << value;
        break;
      case kMonth:
        out_.months_ = static_cast<uint16_t>(out_.months_ | 1 << value);
        break;
      default:
        out_.weekdays_ = static_cast<uint8_t>(out_.weekdays_ | 1 << value);
        break;
    }
  }

  // XXH3's values are stable across versions, so `H` means the same after an upgrade.
  uint64_t Hash() const { return XXH3_64bits_withSeed(seed_.data(), seed_.size(), field_); }

  const std::string_view shown_;  // As it was written.
  const std::string_view text_;   // In upper case, of the same length.
  const std::string_view seed_;
  size_t field_ = kMinute;
  size_t at_ = 0;
  size_t end_ = 0;  // Of the field.
  CronExpression out_;
};

Result<CronExpression> CronExpression::Parse(std::string_view text, std::string_view hash_seed) {
  const auto refuse = [&](std::string_view why, std::string remedy) {
    return Fail(ErrorKind::kConfig, "invalid_cron",
                fmt::format("the cron expression '{}' {}", Printable(text), why),
                std::move(remedy));
  };
  if (text.size() > kLongestExpression) {
    return refuse(fmt::format("is longer than {} bytes", kLongestExpression),
                  "Write a shorter one");
  }
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  const size_t end = text.find_last_not_of(" \t") + 1;
  const std::string upper = Upper(text);
  if (begin == text.size() || upper[begin] != '@')
    return CronParser(text, upper, hash_seed).Parse();
  const std::string_view word = std::string_view(upper).substr(begin, end - begin);
  std::vector<std::string_view> names;
  for (const Alias& alias : kAliases) {
    if (word == alias.name) return CronParser(text, alias.expression, hash_seed).Parse();
    names.push_back(alias.name);
  }
  if (word == "@REBOOT") {
    return refuse("means a start of the machine, which is not a time",
                  "Trigger the job from a unit that runs at boot: bizond jobs trigger NAME");
  }
  std::string remedy = DidYouMean(NearestNames(word, names, 2));
  if (remedy.empty()) {
    remedy = "Write @yearly, @monthly, @weekly, @daily, @hourly or @every 90s, or five fields";
  }
  return refuse("is not a known name", std::move(remedy));
}

}  // namespace bizond
