#include "sync/cursor_window.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "base/time.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr size_t kRejectedBytes = 64 << 10;
constexpr int64_t kMicros = 1'000'000;

Failure InvalidWindow(std::string message, std::string remedy) {
  return Fail(ErrorKind::kConfig, "invalid_backfill", std::move(message), std::move(remedy));
}

Failure WrongEnd(std::string_view token, CursorType wanted) {
  return InvalidWindow("the stream's cursor is a " + std::string(CursorTypeName(wanted)) +
                           ", and " + std::string(token.substr(0, 60)) + " is none",
                       "write from and to as the source writes its cursor: 12 or 2026-12-01");
}

// The token as one of the wanted type.
std::string TokenOf(std::string_view token, CursorType wanted) {
  const bool quoted = token.starts_with('"');
  if (wanted == CursorType::kNumber && quoted) {
    const std::string text = UnescapeJsonString(token);
    if (json::parse(text, nullptr, false).is_number()) return text;
  }
  const bool number = !token.empty() && (token[0] == '-' || IsDigit(token[0]));
  if (wanted == CursorType::kText && number) return json(token).dump();
  return std::string(token);
}

Result<CursorValue> EndOf(const std::string& token, CursorType wanted) {
  Result<CursorValue> value = CursorValue::Parse(token, wanted);
  if (!value || value->type() == CursorType::kNone) {
    return InvalidWindow("from and to are a number, an instant or a text, and not " +
                             (token.empty() ? "absent" : token.substr(0, 60)),
                         "name both: {\"from\": \"2026-11-01\", \"to\": \"2026-12-01\"}");
  }
  if (wanted != CursorType::kNone && value->type() != wanted) return WrongEnd(token, wanted);
  return value;
}

std::optional<int64_t> WholeNumber(std::string_view text) {
  int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<CursorWindow> CursorWindow::Make(std::string_view from, std::string_view to,
                                        CursorType wanted) {
  CursorWindow window;
  window.from_token_ = TokenOf(from, wanted);
  window.to_token_ = TokenOf(to, wanted);
  BIZOND_ASSIGN_OR_RETURN(window.from_, EndOf(window.from_token_, wanted));
  BIZOND_ASSIGN_OR_RETURN(window.to_, EndOf(window.to_token_, wanted));
  if (window.from_.type() != window.to_.type()) {
    return InvalidWindow("from is a " + std::string(CursorTypeName(window.from_.type())) +
                             " and to is a " + std::string(CursorTypeName(window.to_.type())),
                         "write both as the source writes its cursor");
  }
  if (CursorValue::Compare(window.from_, window.to_) >= 0) {
    return InvalidWindow(
        "there is nothing from " + window.from_token_ + " up to, and without, " + window.to_token_,
        "from is less than to; to itself is not read");
  }
  return window;
}

std::string CursorWindow::Encode() const {
  const json value = {
      {"from", from_token_}, {"to", to_token_}, {"type", CursorTypeName(from_.type())}};
  return value.dump();
}

Result<CursorWindow> CursorWindow::Decode(std::string_view text) {
  const json value = json::parse(text, nullptr, false);
  const auto member = [&](const char* key) {
    const json found = value.is_object() ? value.value(key, json()) : json();
    return found.is_string() ? found.get<std::string>() : std::string();
  };
  Result<CursorWindow> window = Make(member("from"), member("to"), ParseCursorType(member("type")));
  if (window) return window;
  return Fail(ErrorKind::kPermanent, "bad_window",
              "the stored window of the run does not read: " + window.error().message,
              "it was written by a newer bizond or was damaged: ask for the backfill again");
}

bool CursorWindow::Contains(const CursorValue& value) const {
  return CursorValue::Compare(value, from_) >= 0 && CursorValue::Compare(value, to_) < 0;
}

bool CursorWindow::EndsAbove(const CursorValue& value) const {
  return CursorValue::Compare(to_, value) > 0;
}

CursorWindow CursorWindow::Part(std::string from, std::string to) const {
  CursorWindow part;
  part.from_token_ = std::move(from);
  part.to_token_ = std::move(to);
  // Of tokens that were made or parsed here.
  part.from_ = CursorValue::Parse(part.from_token_, type()).value();
  part.to_ = CursorValue::Parse(part.to_token_, type()).value();
  return part;
}

Result<std::vector<CursorWindow>> CursorWindow::Split(std::string_view width, size_t most) const {
  if (type() == CursorType::kTimestamp) {
    const Result<Duration> duration = ParseDuration(width);
    if (!duration || duration->count() <= 0) {
      return InvalidWindow("a slice of instants is as long as a duration, and not \"" +
                               std::string(width.substr(0, 60)) + "\"",
                           "write it like 1d or 6h");
    }
    // Down to whole microseconds: the first slice may be shorter by less than one.
    return SplitAt(from_.seconds() * kMicros + from_.nanos() / 1000,
                   to_.seconds() * kMicros + to_.nanos() / 1000, duration->count(), most);
  }
  if (type() == CursorType::kNumber) {
    const std::optional<int64_t> step = WholeNumber(width);
    const std::optional<int64_t> first = WholeNumber(from_token_);
    const std::optional<int64_t> last = WholeNumber(to_token_);
    if (step && *step > 0 && first && last) return SplitAt(*first, *last, *step, most);
    return InvalidWindow("slices of numbers want a whole number for from, to and slice",
                         "write it like 1000, or leave the slice away for one run");
  }
  return InvalidWindow("a cursor of texts has no width to slice it by",
                       "leave the slice away, or ask for several backfills");
}

Result<std::vector<CursorWindow>> CursorWindow::SplitAt(int64_t first, int64_t last, int64_t width,
                                                        size_t most) const {
  // Unsigned: a window may be wider than half of all numbers.
  const uint64_t whole = static_cast<uint64_t>(last) - static_cast<uint64_t>(first);
  const uint64_t count =
      whole / static_cast<uint64_t>(width) + (whole % static_cast<uint64_t>(width) == 0 ? 0 : 1);
  if (count > most) {
    return InvalidWindow("that makes " + std::to_string(count) + " slices; at most " +
                             std::to_string(most) + " are made at once",
                         "take a wider slice, or ask for a part of the window");
  }
  std::vector<CursorWindow> slices;
  std::string from = from_token_;
  for (uint64_t i = 1; i < count; ++i) {
    const auto at =
        static_cast<int64_t>(static_cast<uint64_t>(first) + i * static_cast<uint64_t>(width));
    std::string to = type() == CursorType::kTimestamp
                         ? '"' + FormatUtcMicros(FromUnixMicros(at)) + '"'
                         : std::to_string(at);
    slices.push_back(Part(std::move(from), to));
    from = std::move(to);
  }
  slices.push_back(Part(std::move(from), to_token_));
  return slices;
}

Result<bool> CursorWindow::Keeps(const Record& record, const std::string& cursor_field) const {
  BIZOND_ASSIGN_OR_RETURN(const CursorValue value, CursorValue::Parse(record.cursor, type()));
  if (value.type() == type()) return Contains(value);
  return Fail(ErrorKind::kPermanent, "cursor_type_changed",
              cursor_field + " holds " + std::string(record.cursor.substr(0, 60)) + ", a " +
                  std::string(CursorTypeName(value.type())) + ", and the backfill is over a " +
                  std::string(CursorTypeName(type())) + "; nothing of this run is published",
              "mend the source, or ask for the backfill with from and to as the source writes its "
              "cursor");
}

Result<uint64_t> CursorWindow::Apply(const std::string& cursor_field, OnNullCursor on_null,
                                     RecordBatch* batch) const {
  std::vector<Record>& records = batch->records();
  size_t kept = 0;
  uint64_t left_out = 0;
  for (const Record& record : records) {
    if (record.cursor.empty() || record.cursor == "null") {
      if (on_null == OnNullCursor::kFail) {
        return Fail(
            ErrorKind::kPermanent, "null_cursor",
            "a record has no " + cursor_field + ": " + std::string(record.data.substr(0, 200)),
            "set source.cursor.on_null to include or reject, or choose another "
            "cursor_field");
      }
      if (on_null == OnNullCursor::kInclude) {
        ++left_out;
        continue;
      }
      batch->rejects().push_back(
          {"", "null_cursor", "the cursor field " + cursor_field + " is null or absent",
           std::string(record.data.substr(0, kRejectedBytes)), record.position});
      continue;
    }
    BIZOND_ASSIGN_OR_RETURN(const bool keeps, Keeps(record, cursor_field));
    if (keeps) {
      records[kept++] = record;
    } else {
      ++left_out;
    }
  }
  records.resize(kept);
  return left_out;
}

}  // namespace bizond
