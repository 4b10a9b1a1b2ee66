#include "sources/file/csv_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"

namespace bizond {
namespace {

char* Append(std::string_view text, char* out) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

std::string_view TakeDigits(std::string_view* text) {
  size_t count = 0;
  while (count < text->size() && IsDigit((*text)[count])) ++count;
  const std::string_view digits = text->substr(0, count);
  text->remove_prefix(count);
  return digits;
}

// A number as people write it (+1, 007, .5, 1.) as JSON writes it; nullptr when it is none. The
// digits are kept as they stand: nothing goes through a double.
char* WriteNumber(std::string_view text, bool integer, char* out) {
  if (text.starts_with('-')) *out++ = '-';
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  std::string_view whole = TakeDigits(&text);
  std::string_view fraction;
  const bool has_whole = !whole.empty();
  if (!integer && text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = TakeDigits(&text);
  }
  if (!has_whole && fraction.empty()) return nullptr;
  while (whole.starts_with('0')) whole.remove_prefix(1);
  out = Append(whole.empty() ? "0" : whole, out);
  if (!fraction.empty()) {
    *out++ = '.';
    out = Append(fraction, out);
  }
  if (!integer && (text.starts_with('e') || text.starts_with('E'))) {
    std::string_view exponent = text.substr(1);
    if (exponent.starts_with('-') || exponent.starts_with('+')) exponent.remove_prefix(1);
    if (TakeDigits(&exponent).empty() || !exponent.empty()) return nullptr;
    return Append(text, out);
  }
  return text.empty() ? out : nullptr;
}

char* WriteBoolean(std::string_view text, char* out) {
  constexpr std::string_view kTrue[] = {"true", "t", "yes", "y", "1"};
  constexpr std::string_view kFalse[] = {"false", "f", "no", "n", "0"};
  if (text.size() > 5) return nullptr;
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (std::find(std::begin(kTrue), std::end(kTrue), lower) != std::end(kTrue)) {
    return Append("true", out);
  }
  if (std::find(std::begin(kFalse), std::end(kFalse), lower) != std::end(kFalse)) {
    return Append("false", out);
  }
  return nullptr;
}

std::string_view TypeName(ColumnType type) {
  constexpr std::string_view kNames[] = {"text", "an integer", "a number", "a boolean", "JSON"};
  return kNames[static_cast<size_t>(type)];
}

// True where a byte must be escaped in a JSON string.
constexpr std::array<bool, 256> kEscaped = [] {
  std::array<bool, 256> table{};
  for (size_t i = 0; i < 0x20; ++i) table[i] = true;
  table['"'] = table['\\'] = true;
  return table;
}();

}  // namespace

char* EscapeJson(std::string_view text, char skip_doubled, char* out) {
  constexpr std::string_view kShort = "\b\f\n\r\t\"\\";
  constexpr std::string_view kLetters = "bfnrt\"\\";
  constexpr std::string_view kHex = "0123456789abcdef";
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    const char c = *p++;
    if (!kEscaped[static_cast<unsigned char>(c)]) {
      *out++ = c;
    } else if (const size_t which = kShort.find(c); which != std::string_view::npos) {
      *out++ = '\\';
      *out++ = kLetters[which];
    } else {
      out = Append("\\u00", out);
      *out++ = kHex[static_cast<unsigned char>(c) >> 4];
      *out++ = kHex[static_cast<unsigned char>(c) & 15];
    }
    if (skip_doubled != '\0' && c == skip_doubled && p < end && *p == skip_doubled) ++p;
  }
  return out;
}

Result<CsvRows> CsvRows::Create(const std::vector<CsvField>& header, const CsvOptions& options,
                                std::string_view path) {
  constexpr std::string_view kRemedy = "the first line of a CSV file names its columns, each once";
  CsvRows rows(options);
  std::set<std::string> seen;
  for (const CsvField& field : header) {
    Column column;
    column.name = rows.Plain(field);
    if (!IsUtf8(column.name)) {
      return Fail(ErrorKind::kPermanent, "bad_csv_header",
                  fmt::format("{}:1: the header is not valid UTF-8", path),
                  fmt::format("convert the file: iconv -f latin1 -t utf-8 {}", ShellQuote(path)));
    }
    const size_t bare = column.name.find('\r');
    if (bare != std::string::npos && column.name.substr(bare, 2) != "\r\n") {
      return Fail(
          ErrorKind::kPermanent, "bad_csv_header",
          fmt::format("{}:1: a column's name holds a carriage return: the lines end in CR "
                      "alone, so that the whole file would be its header",
                      path),
          fmt::format("convert the file: tr '\\r' '\\n' < {} > converted.csv", ShellQuote(path)));
    }
    if (!seen.insert(column.name).second) {
      return Fail(
          ErrorKind::kPermanent, "bad_csv_header",
          fmt::format("{}:1: two columns are named \"{}\"", path, EscapeControls(column.name)),
          std::string(kRemedy));
    }
    std::string escaped(column.name.size() * 6, '\0');
    const char* const end = EscapeJson(column.name, '\0', escaped.data());
    escaped.resize(static_cast<size_t>(end - escaped.data()));
    column.prefix = fmt::format("{}\"{}\":", rows.columns_.empty() ? '{' : ',', escaped);
    if (const auto type = options.types.find(column.name); type != options.types.end()) {
      column.type = type->second;
    }
    // Quotes around a text, `null` for a delimiter, `0` before a fraction.
    rows.fixed_bytes_ += column.prefix.size() + 5;
    rows.columns_.push_back(std::move(column));
  }
  for (const auto& [name, type] : options.types) {
    if (seen.contains(name)) continue;
    return Fail(ErrorKind::kConfig, "unknown_column",
                fmt::format("source.types names the column \"{}\", which {} does not have",
                            EscapeControls(name), path),
                fmt::format("see its columns: head -n 1 {}", ShellQuote(path)));
  }
  return rows;
}

std::string_view CsvRows::Plain(const CsvField& field) {
  if (!field.doubled) return field.text;
  plain_.clear();
  for (size_t i = 0; i < field.text.size(); ++i) {
    plain_ += field.text[i];
    if (field.text[i] == quote_) ++i;
  }
  return plain_;
}

char* CsvRows::WriteValue(const Column& column, const CsvField& field, char* out) {
  if (!null_values_.empty()) {
    const std::string_view plain = Plain(field);
    const auto found = std::find(null_values_.begin(), null_values_.end(), plain);
    if (found != null_values_.end()) return Append("null", out);
  }
  if (column.type == ColumnType::kText) {
    *out++ = '"';
    out = EscapeJson(field.text, field.doubled ? quote_ : '\0', out);
    *out++ = '"';
    return out;
  }
  const std::string_view text = Trim(Plain(field), " \t");
  if (text.empty()) return Append("null", out);
  switch (column.type) {
    case ColumnType::kInteger:
      return WriteNumber(text, true, out);
    case ColumnType::kNumber:
      return WriteNumber(text, false, out);
    case ColumnType::kBoolean:
      return WriteBoolean(text, out);
    default:
      // Checked by itself: `1,"other":2` would be valid inside of the row.
      return nlohmann::json::accept(text) ? Append(text, out) : nullptr;
  }
}

char* CsvRows::Write(const std::vector<CsvField>& fields, char* out) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    out = Append(columns_[i].prefix, out);
    out = WriteValue(columns_[i], fields[i], out);
    if (out == nullptr) {
      problem_ = fmt::format("the column \"{}\" must hold {}, and holds \"{}\"",
                             EscapeControls(columns_[i].name), TypeName(columns_[i].type),
                             EscapeControls(Plain(fields[i]).substr(0, 100)));
      return nullptr;
    }
  }
  *out++ = '}';
  return out;
}

}  // namespace bizond
