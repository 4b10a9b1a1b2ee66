// CsvRows: a CSV record as a JSON object, by the header's names and the job's types.
//
// A value is text unless `types` asks for more. A text that `null_values` lists is null, and so is
// an empty one of a typed column.
//
// Threads: one thread at a time.
#ifndef BIZOND_SOURCES_FILE_CSV_ROWS_H_
#define BIZOND_SOURCES_FILE_CSV_ROWS_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sources/file/csv_parser.h"
#include "sources/file/file_config.h"

namespace bizond {

class CsvRows {
 public:
  // Codes bad_csv_header (two columns of one name, not UTF-8, no column), unknown_column (a type
  // for a column that is not there).
  static Result<CsvRows> Create(const std::vector<CsvField>& header, const CsvOptions& options,
                                std::string_view path);

  size_t columns() const { return columns_.size(); }
  // No row of `raw` bytes becomes longer than this.
  size_t WorstBytes(size_t raw) const { return fixed_bytes_ + raw * 6; }
  // Writes the object; returns its end, or nullptr with problem() set when a value is not of its
  // column's type. There are as many fields as columns.
  char* Write(const std::vector<CsvField>& fields, char* out);
  const std::string& problem() const { return problem_; }

 private:
  struct Column {
    std::string name;
    std::string prefix;  // `{"name":` or `,"name":`
    ColumnType type = ColumnType::kText;
  };

  explicit CsvRows(const CsvOptions& options)
      : quote_(options.quote), null_values_(options.null_values) {}
  char* WriteValue(const Column& column, const CsvField& field, char* out);
  std::string_view Plain(const CsvField& field);

  char quote_;
  std::vector<std::string> null_values_;
  std::vector<Column> columns_;
  size_t fixed_bytes_ = 2;
  std::string plain_;  // A field without its doubled quotes.
  std::string problem_;
};

// Appends the inside of a JSON string: what RFC 8259 section 7 wants escaped, nothing else. At most
// six bytes for each. `skip_doubled` drops the second of two such characters in a row ('\0': none).
char* EscapeJson(std::string_view text, char skip_doubled, char* out);

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_CSV_ROWS_H_
