#include "destinations/bigquery_streaming_v2/row_encoder.h"

#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "destinations/bigquery_streaming_v2/append_request.h"
#include "destinations/bigquery_streaming_v2/row_descriptor.h"
#include "destinations/google/civil_time.h"
#include "destinations/google/json_value.h"
#include "destinations/object_fields.h"
#include "sync/cursor.h"

namespace bizond {
namespace {

constexpr uint32_t kVarint = 0, kFixed64 = 1, kBytes = 2;
constexpr std::string_view kBizonNames[] = {"_source_record_id", "_source_timestamp",
                                            "_source_data",      "_bizon_extracted_at",
                                            "_bizon_loaded_at",  "_bizon_id"};

void AppendTag(uint32_t number, uint32_t wire_type, std::string* out) {
  AppendVarint((uint64_t{number} << 3) | wire_type, out);
}

void AppendInteger(uint32_t number, int64_t value, std::string* out) {
  AppendTag(number, kVarint, out);
  AppendVarint(static_cast<uint64_t>(value), out);
}

void AppendBytes(uint32_t number, std::string_view bytes, std::string* out) {
  AppendTag(number, kBytes, out);
  AppendVarint(bytes.size(), out);
  *out += bytes;
}

void AppendDouble(uint32_t number, double value, std::string* out) {
  AppendTag(number, kFixed64, out);
  auto bits = std::bit_cast<uint64_t>(value);
  for (int i = 0; i < 8; ++i, bits >>= 8) out->push_back(static_cast<char>(bits & 0xff));
}

// BigQuery's years are 1 to 9999.
int64_t TimestampMicros(int64_t micros) {
  constexpr UtcTime kFirst = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);
  constexpr UtcTime kPast = std::chrono::sys_days(std::chrono::year(10000) / 1 / 1);
  return std::clamp(micros, int64_t{kFirst.time_since_epoch().count()},
                    int64_t{kPast.time_since_epoch().count()} - 1);
}

// Of what JsonRows wrote: a string's inside, or the token itself.
std::string_view Plain(std::string_view token) {
  return token.size() >= 2 && token[0] == '"' ? token.substr(1, token.size() - 2) : token;
}

std::string Text(std::string_view token) {
  if (token.find('\\') == std::string_view::npos) return std::string(Plain(token));
  return UnescapeJsonString(token);
}

double ToDouble(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int64_t ToInteger(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string FromBase64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3 + 1, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  bytes.resize(static_cast<size_t>(std::max(size, 0)));
  for (int pad = 0; pad < 2 && text.ends_with('=') && !bytes.empty(); ++pad) {
    text.remove_suffix(1);
    bytes.pop_back();
  }
  return bytes;
}

}  // namespace

std::vector<RowEncoder::Column> RowEncoder::ColumnsOf(const BigQuerySchema& schema) {
  std::vector<Column> columns;
  columns.reserve(schema.size());
  for (size_t i = 0; i < schema.size(); ++i) {
    columns.push_back({.name = schema[i].name,
                       .type = schema[i].type,
                       .repeated = schema[i].mode == ColumnMode::kRepeated,
                       .number = FieldNumber(i),
                       .fields = ColumnsOf(schema[i].fields)});
  }
  return columns;
}

RowEncoder::RowEncoder(const BigQuerySchema& schema, bool unnest, const BizonIdMaker& ids)
    : unnest_(unnest),
      columns_(ColumnsOf(schema)),
      ids_(ids),
      json_rows_(schema, unnest, RowForm::kInsertAll, ids) {
  for (const BigQueryColumn& column : schema) {
    if (column.name == kBizonNames[2]) data_is_json_ = column.type == BigQueryType::kJson;
    if (column.name == kBizonNames[0]) key_required_ = column.mode == ColumnMode::kRequired;
  }
}

void RowEncoder::Begin(const RecordBatch& batch, UtcTime loaded_at) {
  json_rows_.Begin(batch, loaded_at);
  iteration_ = batch.iteration;
  if (unnest_) return;
  // The columns stand in the order of BizonSchema.
  const int64_t extracted = TimestampMicros(batch.extracted_at.time_since_epoch().count());
  const int64_t loaded = TimestampMicros(loaded_at.time_since_epoch().count());
  before_data_.clear();
  AppendInteger(columns_[1].number, extracted, &before_data_);
  AppendTag(columns_[2].number, kBytes, &before_data_);
  before_id_.clear();
  AppendInteger(columns_[3].number, extracted, &before_id_);
  AppendInteger(columns_[4].number, loaded, &before_id_);
  AppendTag(columns_[5].number, kBytes, &before_id_);
  AppendVarint(BizonIdMaker::kLength, &before_id_);
}

std::optional<RowFault> RowEncoder::Append(const Record& record, std::string* out) {
  if (!unnest_) return AppendBizonRow(record, out);
  json_.clear();
  if (auto fault = json_rows_.Append(record, &json_)) return fault;
  AppendObject(columns_, json_, out);
  return std::nullopt;
}

std::optional<RowFault> RowEncoder::AppendBizonRow(const Record& record, std::string* out) {
  if (data_is_json_) {
    if (const auto takes = WhyNoJson(record.data)) {
      return RowFault{.column = std::string(kBizonNames[2]), .reason = std::string(*takes)};
    }
  }
  const size_t begin = out->size();
  char id[BizonIdMaker::kLength];
  ids_.Write(iteration_, record.position, id);
  const std::string_view id_text(id, sizeof(id));
  if (record.has_key || key_required_) {
    AppendBytes(columns_[0].number, record.has_key ? record.key : id_text, out);
  }
  if (record.timestamp_us == Record::kNoTimestamp) {
    *out += before_data_;
  } else {
    AppendInteger(columns_[1].number, TimestampMicros(record.timestamp_us), out);
    AppendTag(columns_[2].number, kBytes, out);
  }
  AppendVarint(record.data.size(), out);
  *out += record.data;
  data_at_ = out->size() - record.data.size() - begin;
  *out += before_id_;
  *out += id_text;
  return std::nullopt;
}

void RowEncoder::AppendObject(const std::vector<Column>& columns, std::string_view object,
                              std::string* out) {
  size_t guess = 0;
  ObjectFields fields(object);
  for (ObjectField field; fields.Next(&field);) {
    if (field.value == "null") continue;
    // JsonRows writes the columns' own names; mostly they come in one order.
    if (guess >= columns.size() || columns[guess].name != field.key) {
      const std::string name = Text(std::string("\"").append(field.key).append("\""));
      guess = static_cast<size_t>(
          std::find_if(columns.begin(), columns.end(),
                       [&](const Column& column) { return column.name == name; }) -
          columns.begin());
      if (guess == columns.size()) continue;
    }
    const Column& column = columns[guess++];
    if (!column.repeated) {
      AppendValue(column, field.value, out);
      continue;
    }
    ArrayElements elements(field.value);
    for (std::string_view element; elements.Next(&element);) AppendValue(column, element, out);
  }
}

void RowEncoder::AppendValue(const Column& column, std::string_view token, std::string* out) {
  switch (column.type) {
    case BigQueryType::kInteger:
      return AppendInteger(column.number, ToInteger(Plain(token)), out);
    case BigQueryType::kBoolean:
      return AppendInteger(column.number, token == "true" ? 1 : 0, out);
    case BigQueryType::kFloat:
      return AppendDouble(column.number, ToDouble(Plain(token)), out);
    case BigQueryType::kDate: {
      const auto date = ParseCivilDate(Plain(token)).value_or(std::chrono::sys_days{});
      return AppendInteger(column.number, date.time_since_epoch().count(), out);
    }
    case BigQueryType::kTimestamp: {
      const auto time = ParseCivilTimestamp(Plain(token)).value_or(UtcTime{});
      return AppendInteger(column.number, time.time_since_epoch().count(), out);
    }
    case BigQueryType::kBytes:
      return AppendBytes(column.number, FromBase64(Plain(token)), out);
    case BigQueryType::kRecord: {
      std::string nested;
      AppendObject(column.fields, token, &nested);
      return AppendBytes(column.number, nested, out);
    }
    default:
      return AppendBytes(column.number, Text(token), out);
  }
}

}  // namespace bizond
