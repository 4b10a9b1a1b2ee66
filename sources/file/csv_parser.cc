#include "sources/file/csv_parser.h"

#include <cstring>

namespace bizond {

const char* CsvParser::Plain(const char* p, const char* end) {
  const char* const start = p;
  while (p < end && *p != delimiter_ && *p != '\n') ++p;
  const bool line_end = p == end || *p == '\n';
  const char* stop = p;
  if (line_end && stop > start && stop[-1] == '\r') --stop;
  fields_.push_back({{start, static_cast<size_t>(stop - start)}, false});
  return p;
}

const char* CsvParser::Quoted(const char* p, const char* end) {
  const char* const start = ++p;
  bool doubled = false;
  for (;; ++p) {
    while (p < end && *p != quote_) lines_ += *p++ == '\n';
    if (p == end) {
      open_ = true;
      return end;
    }
    if (p + 1 == end || p[1] != quote_) break;
    doubled = true;
    ++p;
  }
  fields_.push_back({{start, static_cast<size_t>(p - start)}, doubled});
  ++p;
  const char* const after = p;
  while (p < end && *p != delimiter_ && *p != '\n') ++p;
  const bool line_end = p == end || *p == '\n';
  const bool carriage_return = line_end && p == after + 1 && *after == '\r';
  malformed_ |= p != after && !carriage_return;
  return p;
}

CsvParser::Outcome CsvParser::Next(std::string_view input, bool last) {
  fields_.clear();
  malformed_ = open_ = false;
  lines_ = 1;
  const char* p = input.data();
  const char* const end = p + input.size();
  while (true) {
    p = p < end && quote_ != '\0' && *p == quote_ ? Quoted(p, end) : Plain(p, end);
    if (p == end || *p == '\n') break;
    ++p;
  }
  if (p == end && !last) return Outcome::kIncomplete;
  if (open_) return Outcome::kUnterminated;
  size_ = static_cast<size_t>(p - input.data()) + (p < end ? 1 : 0);
  if (malformed_) return Outcome::kMalformed;
  const bool blank = fields_.size() == 1 && fields_[0].text.empty() &&
                     (input.empty() || input[0] != quote_ || quote_ == '\0');
  return blank ? Outcome::kBlank : Outcome::kRecord;
}

}  // namespace bizond
