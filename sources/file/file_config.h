// FileConfig: the file source's own keys, checked and typed.
//
// Threads: values.
#ifndef BIZOND_SOURCES_FILE_FILE_CONFIG_H_
#define BIZOND_SOURCES_FILE_FILE_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace bizond {

enum class FileFormat { kAuto, kNdjson, kCsv };
enum class Compression { kAuto, kNone, kGzip, kZstd };
enum class ColumnType { kText, kInteger, kNumber, kBoolean, kJson };

struct CsvOptions {
  char delimiter = '\0';  // '\0': a comma, or a tab in a file named .tsv.
  char quote = '"';       // '\0': nothing is quoted.
  std::map<std::string, ColumnType> types;
  std::vector<std::string> null_values;
};

struct FileConfig {
  std::string path;  // One file or a glob, as the job says it.
  FileFormat format = FileFormat::kAuto;
  Compression compression = Compression::kAuto;
  uint64_t max_record_bytes = 16 << 20;
  Duration poll_interval = std::chrono::milliseconds(500);
  CsvOptions csv;
};

// Code bad_config.
Result<FileConfig> ParseFileConfig(std::string_view config);

// What `auto` means for a file of this name: CSV by .csv and .tsv (before .gz or .zst), else
// NDJSON.
FileFormat FormatOf(const FileConfig& config, std::string_view name);
char DelimiterOf(const FileConfig& config, std::string_view name);

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_FILE_CONFIG_H_
