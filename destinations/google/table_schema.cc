#include "destinations/google/table_schema.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace bizond {
namespace {

using nlohmann::json;

// BigQuery nests RECORDs 15 deep; a schema that goes deeper is none of its own.
constexpr int kDepthMax = 15;

struct TypeName {
  std::string_view name;
  BigQueryType type;
};

// The first of a type is the REST API's word for it.
constexpr TypeName kTypeNames[] = {
    {"STRING", BigQueryType::kString},
    {"BYTES", BigQueryType::kBytes},
    {"INTEGER", BigQueryType::kInteger},
    {"INT64", BigQueryType::kInteger},
    {"INT", BigQueryType::kInteger},
    {"SMALLINT", BigQueryType::kInteger},
    {"BIGINT", BigQueryType::kInteger},
    {"TINYINT", BigQueryType::kInteger},
    {"BYTEINT", BigQueryType::kInteger},
    {"FLOAT", BigQueryType::kFloat},
    {"FLOAT64", BigQueryType::kFloat},
    {"NUMERIC", BigQueryType::kNumeric},
    {"DECIMAL", BigQueryType::kNumeric},
    {"BIGNUMERIC", BigQueryType::kBigNumeric},
    {"BIGDECIMAL", BigQueryType::kBigNumeric},
    {"BOOLEAN", BigQueryType::kBoolean},
    {"BOOL", BigQueryType::kBoolean},
    {"TIMESTAMP", BigQueryType::kTimestamp},
    {"DATETIME", BigQueryType::kDatetime},
    {"DATE", BigQueryType::kDate},
    {"TIME", BigQueryType::kTime},
    {"GEOGRAPHY", BigQueryType::kGeography},
    {"JSON", BigQueryType::kJson},
    {"RECORD", BigQueryType::kRecord},
    {"STRUCT", BigQueryType::kRecord},
};

std::string_view ModeName(ColumnMode mode) {
  constexpr std::string_view kNames[] = {"NULLABLE", "REQUIRED", "REPEATED"};
  return kNames[static_cast<size_t>(mode)];
}

bool SameName(std::string_view a, std::string_view b) {
  return FoldColumnName(a) == FoldColumnName(b);
}

const BigQueryColumn* Find(const BigQuerySchema& schema, std::string_view name) {
  for (const BigQueryColumn& column : schema) {
    if (SameName(column.name, name)) return &column;
  }
  return nullptr;
}

Failure Unsupported(std::string_view path, std::string_view what) {
  return Fail(ErrorKind::kPermanent, "unsupported_column_type",
              fmt::format("the column '{}' of the table is {}, which bizond cannot write",
                          EscapeControls(path.substr(0, 300)), what),
              "write to another table, or give the column a type that docs/bigquery.md lists");
}

json ColumnToRest(const BigQueryColumn& column) {
  json rest = column.other.empty() ? json::object() : json::parse(column.other, nullptr, false);
  if (!rest.is_object()) rest = json::object();
  rest["name"] = column.name;
  rest["type"] = BigQueryTypeName(column.type);
  rest["mode"] = ModeName(column.mode);
  if (!column.description.empty()) rest["description"] = column.description;
  if (!column.default_value_expression.empty()) {
    rest["defaultValueExpression"] = column.default_value_expression;
  }
  if (column.type == BigQueryType::kRecord) rest["fields"] = SchemaToRest(column.fields)["fields"];
  return rest;
}

std::string TextOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<BigQuerySchema> FieldsFromRest(const json& fields, const std::string& prefix, int depth);

Result<BigQueryColumn> ColumnFromRest(const json& field, const std::string& prefix, int depth) {
  BigQueryColumn column;
  column.name = TextOf(field, "name");
  const std::string path = prefix + column.name;
  const std::string type = TextOf(field, "type");
  const auto parsed = ParseBigQueryType(type);
  if (!parsed) return Unsupported(path, fmt::format("of type '{}'", EscapeControls(type)));
  column.type = *parsed;
  const std::string mode = TextOf(field, "mode");
  if (mode == "REQUIRED") column.mode = ColumnMode::kRequired;
  if (mode == "REPEATED") column.mode = ColumnMode::kRepeated;
  column.description = TextOf(field, "description");
  column.default_value_expression = TextOf(field, "defaultValueExpression");
  json other = field;
  for (const char* known :
       {"name", "type", "mode", "description", "defaultValueExpression", "fields"}) {
    other.erase(known);
  }
  if (!other.empty()) column.other = other.dump();
  if (column.type == BigQueryType::kRecord) {
    const auto fields = field.find("fields");
    if (fields == field.end()) return Unsupported(path, "a RECORD without fields");
    BIZOND_ASSIGN_OR_RETURN(column.fields, FieldsFromRest(*fields, path + ".", depth + 1));
  }
  return column;
}

Result<BigQuerySchema> FieldsFromRest(const json& fields, const std::string& prefix, int depth) {
  BigQuerySchema schema;
  if (depth > kDepthMax) return Unsupported(prefix, "nested deeper than BigQuery nests");
  if (!fields.is_array()) return schema;
  for (const json& field : fields) {
    if (!field.is_object()) return Unsupported(prefix, "no object");
    BIZOND_ASSIGN_OR_RETURN(BigQueryColumn column, ColumnFromRest(field, prefix, depth));
    schema.push_back(std::move(column));
  }
  return schema;
}

// Every column of `schema` can stay empty: new ones cannot be REQUIRED in a table with rows.
void RelaxAll(BigQueryColumn* column) {
  if (column->mode == ColumnMode::kRequired) column->mode = ColumnMode::kNullable;
}

std::string Described(const BigQueryColumn& column) {
  return column.mode == ColumnMode::kRepeated
             ? fmt::format("{} REPEATED", BigQueryTypeName(column.type))
             : std::string(BigQueryTypeName(column.type));
}

Status MergeInto(BigQuerySchema* table, const BigQuerySchema& wanted, const std::string& prefix,
                 SchemaChange* change) {
  for (BigQueryColumn& column : *table) {
    const BigQueryColumn* want = Find(wanted, column.name);
    const std::string path = prefix + column.name;
    if (want != nullptr) {
      if (want->type != column.type ||
          (want->mode == ColumnMode::kRepeated) != (column.mode == ColumnMode::kRepeated)) {
        return Fail(ErrorKind::kPermanent, "schema_mismatch",
                    fmt::format("the column '{}' of the table is {}, and the job writes {}", path,
                                Described(column), Described(*want)),
                    "change its type in destination.config.record_schemas, or write to another "
                    "table");
      }
      BIZOND_RETURN_IF_ERROR(MergeInto(&column.fields, want->fields, path + ".", change));
    }
    // Without a value of ours a REQUIRED column would refuse every row, unless it makes one itself.
    const bool filled = want != nullptr ? want->mode == ColumnMode::kRequired
                                        : !column.default_value_expression.empty();
    if (column.mode == ColumnMode::kRequired && !filled) {
      column.mode = ColumnMode::kNullable;
      change->relaxed.push_back(path);
    }
  }
  for (const BigQueryColumn& want : wanted) {
    if (Find(*table, want.name) != nullptr) continue;
    change->added.push_back(prefix + want.name);
    table->push_back(want);
    RelaxAll(&table->back());
  }
  return {};
}

}  // namespace

std::string FoldColumnName(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

Result<BigQueryType> ParseBigQueryType(std::string_view name) {
  for (const TypeName& row : kTypeNames) {
    if (SameName(row.name, name)) return row.type;
  }
  return Fail(
      ErrorKind::kConfig, "bad_record_schema",
      fmt::format("'{}' is no type of a column", EscapeControls(name.substr(0, 100))),
      "the types are STRING, BYTES, INTEGER, FLOAT, NUMERIC, BIGNUMERIC, BOOLEAN, TIMESTAMP, "
      "DATETIME, DATE, TIME, GEOGRAPHY, JSON and RECORD");
}

std::string_view BigQueryTypeName(BigQueryType type) {
  for (const TypeName& row : kTypeNames) {
    if (row.type == type) return row.name;
  }
  return "";
}

json SchemaToRest(const BigQuerySchema& schema) {
  json fields = json::array();
  for (const BigQueryColumn& column : schema) fields.push_back(ColumnToRest(column));
  return {{"fields", std::move(fields)}};
}

Result<BigQuerySchema> SchemaFromRest(const json& schema) {
  if (!schema.is_object()) return BigQuerySchema();
  const auto fields = schema.find("fields");
  if (fields == schema.end()) return BigQuerySchema();
  return FieldsFromRest(*fields, "", 1);
}

BigQuerySchema BizonSchema(bool streaming) {
  const auto mode = streaming ? ColumnMode::kRequired : ColumnMode::kNullable;
  const auto column = [&](const char* name, BigQueryType type) {
    return BigQueryColumn{.name = name, .type = type, .mode = mode};
  };
  BigQuerySchema schema = {column("_source_record_id", BigQueryType::kString),
                           column("_source_timestamp", BigQueryType::kTimestamp),
                           column("_source_data", BigQueryType::kString),
                           column("_bizon_extracted_at", BigQueryType::kTimestamp),
                           column("_bizon_loaded_at", BigQueryType::kTimestamp),
                           column("_bizon_id", BigQueryType::kString)};
  if (streaming) {
    schema[2].type = BigQueryType::kJson;
    schema[2].mode = ColumnMode::kNullable;
  }
  schema[4].default_value_expression = "CURRENT_TIMESTAMP()";
  return schema;
}

Result<SchemaChange> MergeSchemas(const BigQuerySchema& table, const BigQuerySchema& wanted) {
  SchemaChange change{.merged = table, .added = {}, .relaxed = {}};
  BIZOND_RETURN_IF_ERROR(MergeInto(&change.merged, wanted, "", &change));
  return change;
}

}  // namespace bizond
