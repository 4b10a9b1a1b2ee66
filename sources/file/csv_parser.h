// CsvParser: RFC 4180, one record at a time, over bytes in memory.
//
// Records end with LF or CRLF. A field that begins with the quote character runs to the closing
// quote and may hold delimiters, line ends and doubled quotes; in any other field a quote is a
// character like others. Text after a closing quote makes the record malformed; its end is still
// found.
//
// Threads: one thread at a time.
#ifndef BIZOND_SOURCES_FILE_CSV_PARSER_H_
#define BIZOND_SOURCES_FILE_CSV_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace bizond {

struct CsvField {
  std::string_view text;  // Between the quotes, if there were any.
  bool doubled = false;   // It holds doubled quotes.
};

class CsvParser {
 public:
  enum class Outcome {
    kRecord,
    kBlank,         // A line with nothing in it.
    kMalformed,     // Text after a closing quote.
    kIncomplete,    // Without `last`: no line end follows.
    kUnterminated,  // With `last`: the input ends inside quotes.
  };

  CsvParser(char delimiter, char quote) : delimiter_(delimiter), quote_(quote) {}

  char quote() const { return quote_; }

  // Reads the record that `input` begins with. `last`: the input ends for good. Not empty.
  Outcome Next(std::string_view input, bool last);

  // Of the record; views into the input.
  const std::vector<CsvField>& fields() const { return fields_; }
  // Bytes of the record with its line end.
  size_t size() const { return size_; }
  // Lines of the file that it takes.
  uint64_t lines() const { return lines_; }

 private:
  // Both return the first byte behind the field: a delimiter, a line feed, or `end`.
  const char* Plain(const char* p, const char* end);
  const char* Quoted(const char* p, const char* end);

  const char delimiter_;
  const char quote_;

  std::vector<CsvField> fields_;
  size_t size_ = 0;
  uint64_t lines_ = 0;
  bool malformed_ = false;
  bool open_ = false;  // The input ended inside quotes.
};

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_CSV_PARSER_H_
