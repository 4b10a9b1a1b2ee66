#include "destinations/google/json_rows.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "destinations/json_string.h"
#include "destinations/object_fields.h"
#include "sync/cursor.h"

namespace bizond {
namespace {

constexpr size_t kIdBytes = 32;
constexpr size_t kShownBytes = 100;  // Of a value, in a fault.

struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};
using NameIndex = std::unordered_map<std::string, size_t, NameHash, std::equal_to<>>;

// Cut where a character ends.
std::string_view Shown(std::string_view text) {
  if (text.size() <= kShownBytes) return text;
  size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

void FoldInto(std::string_view name, std::string* out) {
  out->assign(name);
  for (char& c : *out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

const BigQueryColumn* ColumnNamed(const BigQuerySchema& schema, std::string_view name) {
  for (const BigQueryColumn& column : schema) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

}  // namespace

struct JsonRows::Level {
  std::vector<Column> columns;
  NameIndex by_name;      // Folded.
  size_t next_guess = 0;  // Records of one source mostly have the same keys in the same order.
  std::vector<size_t> required;

  explicit Level(const BigQuerySchema& schema);
  Column* Find(std::string_view key, std::string* scratch);
};

struct JsonRows::Column {
  std::string name;
  std::string prefix;  // "name": with its quotes and the colon.
  BigQueryType type;
  ColumnMode mode;
  std::unique_ptr<Level> fields;  // Of a RECORD.
  uint64_t seen = 0;              // The last object that had it.
};

JsonRows::Level::Level(const BigQuerySchema& schema) {
  for (const BigQueryColumn& column : schema) {
    Column made{.name = column.name,
                .prefix = {},
                .type = column.type,
                .mode = column.mode,
                .fields = nullptr};
    AppendJsonString(column.name, &made.prefix);
    made.prefix += ':';
    if (column.type == BigQueryType::kRecord) made.fields = std::make_unique<Level>(column.fields);
    by_name.emplace(FoldColumnName(column.name), columns.size());
    // One that makes its own value may be left out of a row.
    if (column.mode == ColumnMode::kRequired && column.default_value_expression.empty()) {
      required.push_back(columns.size());
    }
    columns.push_back(std::move(made));
  }
}

JsonRows::Column* JsonRows::Level::Find(std::string_view key, std::string* scratch) {
  if (next_guess < columns.size() && columns[next_guess].name == key) {
    return &columns[next_guess++];
  }
  if (key.find('\\') != key.npos) {
    FoldInto(UnescapeJsonString(fmt::format("\"{}\"", key)), scratch);
  } else {
    FoldInto(key, scratch);
  }
  const auto found = by_name.find(std::string_view(*scratch));
  if (found == by_name.end()) return nullptr;
  next_guess = found->second + 1;
  return &columns[found->second];
}

std::string Describe(const RowFault& fault) {
  return fmt::format("the column '{}' {}", fault.column, fault.reason);
}

JsonRows::JsonRows(const BigQuerySchema& schema, bool unnest, RowForm form, const BizonIdMaker& ids)
    : unnest_(unnest), form_(form), columns_(ids), top_(std::make_unique<Level>(schema)) {
  const BigQueryColumn* data = ColumnNamed(schema, "_source_data");
  const BigQueryColumn* key = ColumnNamed(schema, "_source_record_id");
  data_is_json_ = data != nullptr && data->type == BigQueryType::kJson;
  key_required_ = key != nullptr && key->mode == ColumnMode::kRequired;
}

JsonRows::~JsonRows() = default;
JsonRows::JsonRows(JsonRows&&) noexcept = default;

void JsonRows::Begin(const RecordBatch& batch, UtcTime loaded_at) {
  columns_.Begin(batch, loaded_at);
}

std::optional<RowFault> JsonRows::Append(const Record& record, std::string* out) {
  const size_t before = out->size();
  if (!unnest_) {
    auto fault = AppendBizonRow(record, out);
    if (fault) out->resize(before);
    return fault;
  }
  if (AppendObject(top_.get(), record.data, out)) return std::nullopt;
  out->resize(before);
  return std::exchange(fault_, {});
}

std::optional<RowFault> JsonRows::AppendBizonRow(const Record& record, std::string* out) {
  char id[kIdBytes];
  columns_.WriteId(record, id);
  const std::string_view id_text(id, kIdBytes);
  *out += R"({"_source_record_id":)";
  if (record.has_key) {
    AppendJsonString(record.key, out);
  } else if (key_required_) {
    AppendJsonString(id_text, out);
  } else {
    *out += "null";
  }
  *out += R"(,"_source_timestamp":")";
  *out += columns_.Timestamp(record);
  *out += R"(","_source_data":)";
  if (!data_is_json_) {
    AppendJsonString(record.data, out);
  } else if (const auto takes = AppendJsonValue(record.data, BigQueryType::kJson, form_, out)) {
    return RowFault{.column = "_source_data", .reason = std::string(*takes)};
  }
  *out += R"(,"_bizon_extracted_at":")";
  *out += columns_.extracted_at();
  *out += R"(","_bizon_loaded_at":")";
  *out += columns_.loaded_at();
  *out += R"(","_bizon_id":")";
  *out += id_text;
  *out += "\"}";
  return std::nullopt;
}

bool JsonRows::AppendObject(Level* level, std::string_view object, std::string* out) {
  const uint64_t self = ++objects_;
  level->next_guess = 0;
  *out += '{';
  const size_t begin = out->size();
  ObjectFields fields(object);
  for (ObjectField field; fields.Next(&field);) {
    Column* column = level->Find(field.key, &scratch_);
    if (column == nullptr) {
      fault_.column = EscapeControls(Shown(field.key));
      return Fault("is none of the table's, and the record has it");
    }
    if (std::exchange(column->seen, self) == self) {
      fault_.column = column->name;
      return Fault("is there twice in the record");
    }
    const size_t before = out->size();
    if (before != begin) *out += ',';
    *out += column->prefix;
    const size_t value = out->size();
    if (!AppendField(column, field.value, out)) {
      fault_.column.insert(0, column->name);
      return false;
    }
    if (out->size() == value) out->resize(before);  // A list that is null has no elements.
  }
  for (const size_t index : level->required) {
    if (level->columns[index].seen == self) continue;
    fault_.column = level->columns[index].name;
    return Fault("is REQUIRED, and the record has no value for it");
  }
  *out += '}';
  return true;
}

bool JsonRows::AppendField(Column* column, std::string_view token, std::string* out) {
  fault_.column.clear();
  if (column->mode == ColumnMode::kRepeated) {
    return token == "null" || AppendRepeated(column, token, out);
  }
  if (token == "null") {
    if (column->mode == ColumnMode::kRequired) {
      return Fault("is REQUIRED, and the record has null");
    }
    *out += token;
    return true;
  }
  return AppendOne(column, token, out);
}

bool JsonRows::AppendRepeated(Column* column, std::string_view array, std::string* out) {
  if (array.empty() || array[0] != '[') return Misfit("is REPEATED and takes a list", array);
  *out += '[';
  ArrayElements elements(array);
  size_t index = 0;
  for (std::string_view element; elements.Next(&element); ++index) {
    if (index > 0) *out += ',';
    const bool fits =
        element == "null" ? Fault("takes no null in a list") : AppendOne(column, element, out);
    if (fits) continue;
    fault_.column.insert(0, fmt::format("[{}]", index));
    return false;
  }
  *out += ']';
  return true;
}

bool JsonRows::AppendOne(Column* column, std::string_view token, std::string* out) {
  if (column->type == BigQueryType::kRecord) {
    if (token.empty() || token[0] != '{') return Misfit("is a RECORD and takes an object", token);
    if (AppendObject(column->fields.get(), token, out)) return true;
    fault_.column.insert(0, ".");
    return false;
  }
  const auto takes = AppendJsonValue(token, column->type, form_, out);
  return !takes || Misfit(*takes, token);
}

bool JsonRows::Misfit(std::string_view takes, std::string_view token) {
  fault_.reason = fmt::format("{}, and the record has {}", takes, EscapeControls(Shown(token)));
  return false;
}

bool JsonRows::Fault(std::string_view reason) {
  fault_.reason = reason;
  return false;
}

}  // namespace bizond
