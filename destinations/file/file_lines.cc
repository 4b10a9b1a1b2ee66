#include "destinations/file/file_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "destinations/divergence.h"
#include "destinations/json_string.h"
#include "destinations/object_fields.h"
#include "sync/cursor.h"

namespace bizond {
namespace {

char* Put(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// More than all names, quotes, instants and the id of a line.
constexpr size_t kFixedBytes = 512;

}  // namespace

Status FileLines::Write(const RecordBatch& batch, UtcTime loaded_at, BlockWriter* out) {
  columns_.Begin(batch, loaded_at);
  MakeHead();
  for (const Record& record : batch.records()) {
    if (record.operation == Operation::kDelete) return Failure(DeleteUnsupported("file"));
    if (format_.data == LineFormat::Data::kUnnested) {
      if (!format_.keys.empty()) BIZOND_RETURN_IF_ERROR(CheckKeys(record));
      char* at = Put(record.data, out->Room(record.data.size() + 1));
      *at++ = '\n';
      BIZOND_RETURN_IF_ERROR(out->Advance(at));
      continue;
    }
    const size_t room =
        kFixedBytes + EscapedBytesBound(record.key) + EscapedBytesBound(record.data);
    BIZOND_RETURN_IF_ERROR(out->Advance(WriteLine(record, out->Room(room))));
  }
  return {};
}

void FileLines::MakeHead() {
  between_ = fmt::format("\",\"{}\":\"{}\",\"{}\":\"{}\",\"{}\":", kBizonColumns[1],
                         columns_.extracted_at(), kBizonColumns[2], columns_.loaded_at(),
                         kBizonColumns[3]);
}

char* FileLines::WriteLine(const Record& record, char* out) {
  out = Put(R"({"bizon_id":")", out);
  columns_.WriteId(record, out);
  out = Put(between_, out + BizonIdMaker::kLength);
  if (record.has_key) {
    *out++ = '"';
    out = EscapeJson(record.key, out);
    *out++ = '"';
  } else {
    out = Put("null", out);
  }
  out = Put(R"(,"source_timestamp":")", out);
  out = Put(columns_.Timestamp(record), out);
  if (format_.data == LineFormat::Data::kObject) {
    out = Put(R"(","source_data":)", out);
    out = Put(record.data, out);
    return Put("}\n", out);
  }
  out = Put(R"(","source_data":")", out);
  out = EscapeJson(record.data, out);
  return Put("\"}\n", out);
}

Status FileLines::CheckKeys(const Record& record) {
  seen_.assign(format_.keys.size(), false);
  ObjectFields fields(record.data);
  std::string unescaped;
  for (ObjectField field; fields.Next(&field);) {
    std::string_view key = field.key;
    if (key.find('\\') != std::string_view::npos) {
      unescaped = UnescapeJsonString("\"" + std::string(key) + "\"");
      key = unescaped;
    }
    const auto found = std::lower_bound(format_.keys.begin(), format_.keys.end(), key);
    if (found == format_.keys.end() || *found != key) {
      return Fail(ErrorKind::kPermanent, "schema_mismatch",
                  fmt::format("the record has the key '{}', which is not in record_schemas",
                              key.substr(0, 200)),
                  "add it to destination.config.record_schemas, or leave record_schemas out");
    }
    seen_[static_cast<size_t>(found - format_.keys.begin())] = true;
  }
  const auto missing = std::find(seen_.begin(), seen_.end(), false);
  if (missing == seen_.end()) return {};
  return Fail(ErrorKind::kPermanent, "schema_mismatch",
              fmt::format("a record has no key '{}', which record_schemas names",
                          format_.keys[static_cast<size_t>(missing - seen_.begin())]),
              "take it out of destination.config.record_schemas, or leave record_schemas out");
}

}  // namespace bizond
