#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "sources/file/csv_parser.h"
#include "sources/file/csv_rows.h"
#include "sources/file/page_reader.h"

namespace bizond {
namespace {

// A row as JSON repeats the column names, so a page of rows is larger than its CSV.
constexpr size_t kRawBytes = 256 << 10;
constexpr size_t kCsvPageBytes = 1 << 20;

std::string_view WithoutLineEnd(std::string_view record) {
  if (record.ends_with('\n')) record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

class CsvPages final : public FilePages {
 public:
  CsvPages(const FileConfig& config, std::string_view name)
      : options_(config.csv),
        record_bytes_max_(config.max_record_bytes),
        parser_(DelimiterOf(config, name), config.csv.quote) {}

  Result<FilePage> Read(ByteSource* bytes, LinePlace from, LastLine last_line, RecordSink* sink,
                        std::stop_token stop) override {
    if (!rows_) {
      BIZOND_ASSIGN_OR_RETURN(const uint64_t unread, ReadHeader(bytes, last_line, sink, stop));
      if (!rows_) return FilePage{from, true, unread};
    }
    if (from.offset < data_.offset) from = data_;
    BIZOND_RETURN_IF_ERROR(Fill(bytes, from.offset, 0, kRawBytes, stop));
    out_ = sink->batch()->PageBuffer(kCsvPageBytes);
    out_room_ = kCsvPageBytes;
    out_used_ = 0;
    size_t used = 0;
    bool complete = true;
    while (used < raw_.size() && !sink->full()) {
      const std::string_view rest(raw_.data() + used, raw_.size() - used);
      const auto outcome = parser_.Next(rest, at_end_ && last_line == LastLine::kTake);
      if (outcome == CsvParser::Outcome::kIncomplete) {
        if (used > 0 || at_end_) {
          complete = at_end_;
          break;
        }
        BIZOND_RETURN_IF_ERROR(Grow(bytes, from, sink, stop));
        continue;
      }
      BIZOND_ASSIGN_OR_RETURN(const bool taken, Take(outcome, rest, from.line, sink));
      if (!taken) {
        complete = false;
        break;
      }
      used += parser_.size();
      from.line += parser_.lines();
    }
    from.offset += used;
    const size_t left = raw_.size() - used;
    if (left > 0) bytes->Unread({raw_.data() + used, left}, from.offset);
    const bool all = at_end_ && complete && (left == 0 || !sink->full());
    return FilePage{from, all, all ? left : 0};
  }

 private:
  // Reads on from `offset` until `raw_` holds `size` bytes; its first `have` stay.
  Status Fill(ByteSource* bytes, uint64_t offset, size_t have, size_t size,
              const std::stop_token& stop) {
    raw_.resize(size);
    BIZOND_ASSIGN_OR_RETURN(const size_t got,
                            bytes->ReadAt(raw_.data() + have, size - have, offset + have, stop));
    at_end_ = got < size - have;
    raw_.resize(have + got);
    return {};
  }

  // The record at the beginning of `raw_` goes on behind its end.
  Status Grow(ByteSource* bytes, LinePlace from, RecordSink* sink, const std::stop_token& stop) {
    const size_t longest = static_cast<size_t>(record_bytes_max_) + 2;
    if (raw_.size() >= longest) {
      return sink->Fatal(
          "record_too_large",
          fmt::format("the record is longer than max_record_bytes ({}); a quote that "
                      "is never closed makes a record run on, so on_error: reject "
                      "cannot pass over it",
                      record_bytes_max_),
          from.line);
    }
    return Fill(bytes, from.offset, raw_.size(), std::min(raw_.size() * 4, longest), stop);
  }

  // Bytes of an unfinished header; `rows_` is set when it was complete.
  Result<uint64_t> ReadHeader(ByteSource* bytes, LastLine last_line, RecordSink* sink,
                              const std::stop_token& stop) {
    BIZOND_RETURN_IF_ERROR(Fill(bytes, 0, 0, kRawBytes, stop));
    LinePlace place;
    if (std::string_view(raw_.data(), raw_.size()).starts_with(kByteOrderMark)) {
      place.offset = kByteOrderMark.size();
    }
    while (place.offset < raw_.size()) {
      const std::string_view rest(raw_.data() + place.offset, raw_.size() - place.offset);
      const auto outcome = parser_.Next(rest, at_end_ && last_line == LastLine::kTake);
      if (outcome == CsvParser::Outcome::kIncomplete) {
        if (at_end_) break;
        BIZOND_RETURN_IF_ERROR(Grow(bytes, {}, sink, stop));
        continue;
      }
      if (outcome == CsvParser::Outcome::kMalformed ||
          outcome == CsvParser::Outcome::kUnterminated) {
        return sink->Fatal("bad_csv_header", "the header's quotes do not match", place.line);
      }
      place.offset += parser_.size();
      place.line += parser_.lines();
      if (outcome == CsvParser::Outcome::kBlank) continue;
      BIZOND_ASSIGN_OR_RETURN(rows_, CsvRows::Create(parser_.fields(), options_, sink->path()));
      data_ = place;
      break;
    }
    bytes->Unread({raw_.data(), raw_.size()}, 0);
    return last_line == LastLine::kLeave ? raw_.size() : 0;
  }

  // False when the page has no room for it.
  Result<bool> Take(CsvParser::Outcome outcome, std::string_view rest, uint64_t line,
                    RecordSink* sink) {
    if (outcome == CsvParser::Outcome::kBlank) return true;
    if (outcome == CsvParser::Outcome::kUnterminated) {
      return sink->Fatal("bad_csv",
                         "a quote that opens in this record is never closed, so where the next "
                         "record begins is unknown (on_error: reject cannot pass over it)",
                         line);
    }
    const std::string_view raw = WithoutLineEnd(rest.substr(0, parser_.size()));
    const auto bad = [&](std::string_view code, const std::string& reason) -> Result<bool> {
      BIZOND_RETURN_IF_ERROR(sink->Bad(code, reason, raw, line));
      return true;
    };
    if (raw.size() > record_bytes_max_) {
      return bad("record_too_large",
                 fmt::format("the record is longer than max_record_bytes ({})", record_bytes_max_));
    }
    if (outcome == CsvParser::Outcome::kMalformed) {
      return bad("bad_csv", "text follows a closing quote; inside quotes a quote is doubled");
    }
    if (parser_.fields().size() != rows_->columns()) {
      return bad("bad_csv", fmt::format("{} fields, and the header has {}", parser_.fields().size(),
                                        rows_->columns()));
    }
    const size_t worst = rows_->WorstBytes(raw.size());
    if (worst > out_room_ - out_used_) {
      if (out_used_ > 0) return false;
      out_ = sink->batch()->PageBuffer(worst);
      out_room_ = worst;
    }
    char* const begin = out_ + out_used_;
    const char* const end = rows_->Write(parser_.fields(), begin);
    if (end == nullptr) return bad("bad_value", rows_->problem());
    const auto size = static_cast<size_t>(end - begin);
    const size_t before = sink->batch()->records().size();
    BIZOND_RETURN_IF_ERROR(sink->Add({begin, size}, raw, line));
    if (sink->batch()->records().size() > before) out_used_ += size;
    return true;
  }

  const CsvOptions options_;
  const uint64_t record_bytes_max_;
  CsvParser parser_;

  std::optional<CsvRows> rows_;  // Set by the header.
  LinePlace data_;               // Behind the header.
  std::vector<char> raw_;        // What the file holds at the page's place.
  bool at_end_ = false;          // The file ends with `raw_`.
  char* out_ = nullptr;          // The page buffer, its size and what is used of it.
  size_t out_room_ = 0;
  size_t out_used_ = 0;
};

}  // namespace

std::unique_ptr<FilePages> NewCsvPages(const FileConfig& config, std::string_view name) {
  return std::make_unique<CsvPages>(config, name);
}

}  // namespace bizond
