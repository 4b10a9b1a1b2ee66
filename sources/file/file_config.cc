#include "sources/file/file_config.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace bizond {
namespace {

using nlohmann::json;

constexpr uint64_t kRecordBytesMin = 1 << 10;
constexpr uint64_t kRecordBytesMax = 256 << 20;
constexpr Duration kPollMin = std::chrono::milliseconds(10);
constexpr Duration kPollMax = std::chrono::hours(1);

template <typename T>
using NameTable = std::initializer_list<std::pair<std::string_view, T>>;

const NameTable<FileFormat> kFormats = {
    {"auto", FileFormat::kAuto}, {"ndjson", FileFormat::kNdjson}, {"csv", FileFormat::kCsv}};
const NameTable<Compression> kCompressions = {{"auto", Compression::kAuto},
                                              {"none", Compression::kNone},
                                              {"gzip", Compression::kGzip},
                                              {"zstd", Compression::kZstd}};
const NameTable<ColumnType> kTypes = {{"text", ColumnType::kText},
                                      {"integer", ColumnType::kInteger},
                                      {"number", ColumnType::kNumber},
                                      {"boolean", ColumnType::kBoolean},
                                      {"json", ColumnType::kJson}};

Failure BadConfig(std::string_view key, std::string_view expected) {
  return Fail(ErrorKind::kConfig, "bad_config",
              fmt::format("source.{}: expected {}", key, expected),
              "see the keys of the file source: bizond connectors show source/file");
}

template <typename T>
Status ReadName(const json& value, std::string_view key, const NameTable<T>& table, T* out) {
  std::string names;
  for (const auto& [name, meaning] : table) {
    if (value.is_string() && value.get_ref<const std::string&>() == name) {
      *out = meaning;
      return {};
    }
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  return BadConfig(key, "one of " + names);
}

// A single ASCII character; `none` allows the empty text, which reads as '\0'.
Status ReadCharacter(const json& value, std::string_view key, bool none, char* out) {
  const std::string text = value.is_string() ? value.get<std::string>() : "\n";
  if (text.empty() && none) {
    *out = '\0';
    return {};
  }
  const bool usable = text.size() == 1 && (text[0] == '\t' || (text[0] >= ' ' && text[0] < 0x7f));
  if (!usable) return BadConfig(key, "one ASCII character");
  *out = text[0];
  return {};
}

Status ReadCsv(const json& config, CsvOptions* csv) {
  if (const auto value = config.find("delimiter"); value != config.end()) {
    BIZOND_RETURN_IF_ERROR(ReadCharacter(*value, "delimiter", false, &csv->delimiter));
  }
  if (const auto value = config.find("quote"); value != config.end()) {
    BIZOND_RETURN_IF_ERROR(ReadCharacter(*value, "quote", true, &csv->quote));
  }
  if (csv->quote != '\0' && csv->quote == csv->delimiter) {
    return BadConfig("quote", "a character other than the delimiter");
  }
  if (const auto types = config.find("types"); types != config.end()) {
    if (!types->is_object()) return BadConfig("types", "an object of column: type");
    for (const auto& [column, type] : types->items()) {
      BIZOND_RETURN_IF_ERROR(ReadName(type, "types." + column, kTypes, &csv->types[column]));
    }
  }
  if (const auto nulls = config.find("null_values"); nulls != config.end()) {
    if (!nulls->is_array()) return BadConfig("null_values", "a list of texts");
    for (const json& text : *nulls) {
      if (!text.is_string()) return BadConfig("null_values", "a list of texts");
      csv->null_values.push_back(text.get<std::string>());
    }
  }
  return {};
}

std::string_view WithoutCompression(std::string_view name) {
  for (const std::string_view extension : {".gz", ".zst"}) {
    if (name.ends_with(extension)) return name.substr(0, name.size() - extension.size());
  }
  return name;
}

}  // namespace

Result<FileConfig> ParseFileConfig(std::string_view text) {
  const json config = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return BadConfig("", "an object");
  FileConfig parsed;
  const json path = config.value("path", json());
  if (!path.is_string() || path.get_ref<const std::string&>().empty()) {
    return BadConfig("path", "the path of a file, or a glob");
  }
  parsed.path = path.get<std::string>();
  if (const auto value = config.find("format"); value != config.end()) {
    BIZOND_RETURN_IF_ERROR(ReadName(*value, "format", kFormats, &parsed.format));
  }
  if (const auto value = config.find("compression"); value != config.end()) {
    BIZOND_RETURN_IF_ERROR(ReadName(*value, "compression", kCompressions, &parsed.compression));
  }
  if (const auto value = config.find("max_record_bytes"); value != config.end()) {
    parsed.max_record_bytes = value->is_number_unsigned() ? value->get<uint64_t>() : 0;
    if (parsed.max_record_bytes < kRecordBytesMin || parsed.max_record_bytes > kRecordBytesMax) {
      return BadConfig("max_record_bytes",
                       fmt::format("an integer from {} to {}", kRecordBytesMin, kRecordBytesMax));
    }
  }
  if (const auto value = config.find("poll_interval"); value != config.end()) {
    const auto interval =
        ParseDuration(value->is_string() ? value->get<std::string>() : value->dump());
    if (!interval || *interval < kPollMin || *interval > kPollMax) {
      return BadConfig("poll_interval", "a duration from 10ms to 1h");
    }
    parsed.poll_interval = *interval;
  }
  BIZOND_RETURN_IF_ERROR(ReadCsv(config, &parsed.csv));
  return parsed;
}

FileFormat FormatOf(const FileConfig& config, std::string_view name) {
  if (config.format != FileFormat::kAuto) return config.format;
  const std::string_view plain = WithoutCompression(name);
  const bool csv = plain.ends_with(".csv") || plain.ends_with(".tsv");
  return csv ? FileFormat::kCsv : FileFormat::kNdjson;
}

char DelimiterOf(const FileConfig& config, std::string_view name) {
  if (config.csv.delimiter != '\0') return config.csv.delimiter;
  return WithoutCompression(name).ends_with(".tsv") ? '\t' : ',';
}

}  // namespace bizond
