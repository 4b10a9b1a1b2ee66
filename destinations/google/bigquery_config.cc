#include "destinations/google/bigquery_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "destinations/record_schemas.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr std::string_view kLoadedAt = "_bizon_loaded_at";
constexpr size_t kTableNameBytesMax = 1000;  // 1,024 to BigQuery; the rest is for staging's suffix.
constexpr size_t kDatasetNameBytesMax = 1024;
constexpr size_t kClusteringMax = 4;

Failure BadConfig(std::string_view key, std::string_view what, std::string_view remedy) {
  return Fail(ErrorKind::kConfig, "bad_config", fmt::format("destination.config.{} {}", key, what),
              std::string(remedy));
}

Failure BadId(std::string_view id, std::string_view why) {
  return Fail(
      ErrorKind::kConfig, "bad_destination_id",
      fmt::format("'{}' is no table of BigQuery: {}", EscapeControls(id.substr(0, 300)), why),
      "set destination.config.destination_id to TABLE or PROJECT.DATASET.TABLE");
}

Failure BadSchema(std::string message) {
  return Fail(ErrorKind::kConfig, "bad_record_schema", std::move(message),
              "see destination.config.record_schemas of this job");
}

// ---- single keys; null stands for one that is left out, as in bizon ----

const json* Find(const json& config, std::string_view key) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? nullptr : &*found;
}

Status ReadText(const json& config, std::string_view key, std::string* out) {
  const json* value = Find(config, key);
  if (value == nullptr) return {};
  if (!value->is_string()) return BadConfig(key, "is not a text", "write it in quotes");
  *out = value->get<std::string>();
  return {};
}

Status ReadFlag(const json& config, std::string_view key, bool* out) {
  const json* value = Find(config, key);
  if (value == nullptr) return {};
  if (!value->is_boolean()) return BadConfig(key, "is neither true nor false", "correct it");
  *out = value->get<bool>();
  return {};
}

Status ReadCount(const json& config, std::string_view key, size_t max, size_t* out) {
  const json* value = Find(config, key);
  if (value == nullptr) return {};
  if (!value->is_number_integer() || *value < 1 || *value > max) {
    return BadConfig(key, fmt::format("is not a number from 1 to {}", max), "correct it");
  }
  *out = value->get<size_t>();
  return {};
}

// ---- names ----

bool IsAsciiAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Letters and digits of ASCII, and `others`.
bool HasOnly(std::string_view text, std::string_view others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return IsAsciiAlnum(c) || others.find(c) != others.npos;
  });
}

// Dots are in a domain alone: "data", "example.com:data".
bool IsProject(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return HasOnly(text, "-");
  return HasOnly(text.substr(0, colon), "-.") && HasOnly(text.substr(colon + 1), "-");
}

bool IsDataset(std::string_view text) {
  return text.size() <= kDatasetNameBytesMax && HasOnly(text, "_");
}

// Why a text is no table's name; empty: it is one.
std::string_view WhyNoTable(std::string_view table) {
  if (table.empty()) return "the table has no name";
  if (table.size() > kTableNameBytesMax) return "the table's name is too long";
  if (!IsUtf8(table)) return "the table's name is not UTF-8";
  for (const char c : table) {
    if (static_cast<signed char>(c) >= 0 && !IsAsciiAlnum(c) && c != '_' && c != '-' && c != ' ') {
      return "a table's name has letters, digits, _, - and spaces";
    }
  }
  for (const std::string_view suffix : {"_temp", "_incremental"}) {
    if (table.ends_with(suffix)) return "it ends as the staging of another one does";
  }
  return "";
}

Result<BigQueryTableName> ParseTable(const BigQueryTableName& in, std::string_view id) {
  BigQueryTableName name = in;
  name.table = id;
  // A project may have dots of its own ("example.com:data"): the last two are what counts.
  if (const size_t last = id.rfind('.'); last != id.npos) {
    const size_t before = last == 0 ? id.npos : id.rfind('.', last - 1);
    if (before == id.npos) return BadId(id, "it has two parts");
    name = {std::string(id.substr(0, before)),
            std::string(id.substr(before + 1, last - before - 1)),
            std::string(id.substr(last + 1))};
  }
  if (!IsProject(name.project)) return BadId(id, "what is before its dataset is no project's id");
  if (!IsDataset(name.dataset)) return BadId(id, "its dataset's name is none");
  if (const auto why = WhyNoTable(name.table); !why.empty()) return BadId(id, why);
  return name;
}

// ---- columns ----

std::string_view WhyNoColumn(std::string_view name) {
  constexpr std::string_view kBanned = "!\"$()*,./;?@[\\]^`{}~";
  constexpr std::string_view kPrefixes[] = {"_table_",           "_file_",      "_partition",
                                            "_row_timestamp",    "__root__",    "_colidentifier",
                                            "_change_sequence_", "_change_type"};
  if (name.empty()) return "has no name";
  if (name.size() > 300) return "has a name of more than 300 characters";
  if (!IsUtf8(name)) return "has a name that is not UTF-8";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || kBanned.find(c) != kBanned.npos) {
      return "has a character in its name that BigQuery does not take";
    }
  }
  for (const std::string_view prefix : kPrefixes) {
    if (FoldColumnName(name).starts_with(prefix))
      return "has a name that BigQuery keeps for itself";
  }
  return "";
}

Result<BigQuerySchema> ToBigQuery(const std::vector<SchemaColumn>& columns) {
  BigQuerySchema schema;
  for (const SchemaColumn& column : columns) {
    if (const auto why = WhyNoColumn(column.name); !why.empty()) {
      return BadSchema(
          fmt::format("the column '{}' {}", EscapeControls(column.name.substr(0, 300)), why));
    }
    BigQueryColumn made{.name = column.name,
                        .description = column.description,
                        .default_value_expression = column.default_value_expression};
    const Result<BigQueryType> type = ParseBigQueryType(column.type);
    if (!type) {
      Error wrong = type.error();
      wrong.message = fmt::format("the column '{}': {}", column.name, wrong.message);
      return Failure(std::move(wrong));
    }
    made.type = *type;
    if (column.required) made.mode = ColumnMode::kRequired;
    if (column.repeated) made.mode = ColumnMode::kRepeated;
    if ((made.type == BigQueryType::kRecord) == column.fields.empty()) {
      return BadSchema(fmt::format("the column '{}' {}", column.name,
                                   column.fields.empty() ? "is a RECORD without `fields`"
                                                         : "has `fields` and is no RECORD"));
    }
    BIZOND_ASSIGN_OR_RETURN(made.fields, ToBigQuery(column.fields));
    schema.push_back(std::move(made));
  }
  return schema;
}

const BigQueryColumn* FindColumn(const BigQuerySchema& schema, std::string_view name) {
  for (const BigQueryColumn& column : schema) {
    if (FoldColumnName(column.name) == FoldColumnName(name)) return &column;
  }
  return nullptr;
}

Status CheckClustering(const BigQueryConfig& config) {
  if (config.clustering.size() > kClusteringMax) {
    return BadSchema("clustering_keys has more than the 4 columns that BigQuery clusters by");
  }
  for (const std::string& key : config.clustering) {
    const BigQueryColumn* column = FindColumn(config.schema, key);
    if (column == nullptr) {
      return BadSchema(fmt::format("clustering_keys names '{}', which is no column", key));
    }
    using enum BigQueryType;
    const bool fits = column->mode != ColumnMode::kRepeated && column->type != kBytes &&
                      column->type != kFloat && column->type != kTime && column->type != kJson &&
                      column->type != kRecord;
    if (!fits) {
      return BadSchema(
          fmt::format("clustering_keys names '{}', which BigQuery cannot cluster by "
                      "(it is {}{})",
                      key, BigQueryTypeName(column->type),
                      column->mode == ColumnMode::kRepeated ? " REPEATED" : ""));
    }
  }
  return {};
}

// ---- partitioning ----

Status CheckPartitioning(const BigQuerySchema& schema, bool named, BigQueryPartitioning* part) {
  constexpr std::string_view kTypes[] = {"DAY", "HOUR", "MONTH", "YEAR"};
  if (std::find(std::begin(kTypes), std::end(kTypes), part->type) == std::end(kTypes)) {
    return BadConfig("time_partitioning", fmt::format("has the type '{}'", part->type),
                     "use DAY, HOUR, MONTH or YEAR");
  }
  if (part->field.empty()) return {};
  const BigQueryColumn* column = FindColumn(schema, part->field);
  if (column == nullptr && !named) {
    part->field.clear();  // bizon's default, in a table that has no such column.
    return {};
  }
  using enum BigQueryType;
  const bool fits = column != nullptr && column->mode != ColumnMode::kRepeated &&
                    (column->type == kTimestamp || column->type == kDatetime ||
                     (column->type == kDate && part->type != "HOUR"));
  if (!fits) {
    return BadConfig("time_partitioning.field",
                     fmt::format("names '{}', which is no column that can be partitioned by {}",
                                 part->field, part->type),
                     "name a TIMESTAMP, DATETIME or DATE of record_schemas, or set it to null to "
                     "partition by the time of arrival");
  }
  return {};
}

Status ReadPartitioning(const json& config, BigQueryConfig* out) {
  const auto found = config.find("time_partitioning");
  if (found != config.end() && found->is_null()) return {};
  BigQueryPartitioning part{.type = "DAY", .field = std::string(kLoadedAt)};
  bool named = false;
  if (found != config.end() && found->is_string()) {
    part.type = found->get<std::string>();
  } else if (found != config.end() && found->is_object()) {
    BIZOND_RETURN_IF_ERROR(ReadText(*found, "type", &part.type));
    BIZOND_RETURN_IF_ERROR(ReadText(*found, "field", &part.field));
    named = found->contains("field");
    if (named && Find(*found, "field") == nullptr) part.field.clear();
  } else if (found != config.end()) {
    return BadConfig("time_partitioning", "is neither a word nor a block",
                     "write time_partitioning: {type: DAY}");
  }
  BIZOND_RETURN_IF_ERROR(CheckPartitioning(out->schema, named, &part));
  out->partitioning = std::move(part);
  return {};
}

// ---- the parts of a config ----

Status ReadKey(const json& config, std::string* key) {
  const json* block = Find(config, "authentication");
  if (block == nullptr) return {};
  if (!block->is_object()) return BadConfig("authentication", "is no block", "correct it");
  const json* value = Find(*block, "service_account_key");
  if (value == nullptr) return {};
  if (!value->is_string() && !value->is_object()) {
    return BadConfig("authentication.service_account_key", "is no text",
                     "write the key's JSON as a text, or refer to it: env://NAME, file://PATH");
  }
  *key = value->is_string() ? value->get<std::string>() : value->dump();
  return {};
}

// The target, and the name it would have without a prefix.
Status ReadTarget(const ConnectorArgs& args, const json& config,
                  const std::vector<RecordSchema>& schemas, BigQueryConfig* out) {
  BigQueryTableName in;
  BIZOND_RETURN_IF_ERROR(ReadText(config, "project_id", &in.project));
  BIZOND_RETURN_IF_ERROR(ReadText(config, "dataset_id", &in.dataset));
  if (!IsProject(in.project)) {
    return BadConfig("project_id", "is not the id of a project",
                     "set it to the project's id, as `gcloud projects list` shows it");
  }
  if (!IsDataset(in.dataset)) {
    return BadConfig("dataset_id", "is not the name of a dataset",
                     "a dataset's name has letters, digits and _, 1,024 at most");
  }
  std::string id = args.destination_id;
  bool named = !args.job.destination.destination_id.empty();
  // As in bizon: the only schema that there is says where the records go.
  if (!named && out->unnest && schemas.size() == 1 && !schemas[0].destination_id.empty()) {
    id = schemas[0].destination_id;
    named = true;
  }
  BIZOND_ASSIGN_OR_RETURN(out->target, ParseTable(in, id));
  if (named) return {};
  std::string prefix = "_bizon_";
  BIZOND_RETURN_IF_ERROR(ReadText(config, "table_prefix", &prefix));
  if (prefix.empty()) return {};
  if (!HasOnly(prefix, "_- ")) {
    return BadConfig("table_prefix", "has characters that a table's name cannot have",
                     "use letters, digits, _, - and spaces");
  }
  out->unprefixed = out->target;
  out->target.table = prefix + out->target.table;
  return {};
}

Status ReadColumns(std::string_view id, const std::vector<RecordSchema>& schemas, BigQueryKind kind,
                   BigQueryConfig* out) {
  const RecordSchema* schema = FindRecordSchema(schemas, id);
  if (schema == nullptr && schemas.size() == 1 &&
      out->target.Dotted() == schemas[0].destination_id) {
    schema = &schemas[0];
  }
  out->schema = BizonSchema(kind != BigQueryKind::kBatch);
  if (out->unnest) {
    if (schemas.empty()) {
      return BadConfig("unnest", "needs record_schemas, which name the columns",
                       "add destination.config.record_schemas, or leave unnest out");
    }
    if (schema == nullptr) {
      return BadSchema(fmt::format("record_schemas has no entry for the destination_id '{}'", id));
    }
    BIZOND_ASSIGN_OR_RETURN(out->schema, ToBigQuery(schema->columns));
    if (out->schema.empty()) return BadSchema("record_schema has no column");
  }
  if (schema != nullptr) out->clustering = schema->clustering_keys;
  return CheckClustering(*out);
}

Status ReadBatchKeys(const json& config, BigQueryConfig* out) {
  std::string format = "ndjson";
  BIZOND_RETURN_IF_ERROR(ReadText(config, "gcs_buffer_bucket", &out->gcs_bucket));
  BIZOND_RETURN_IF_ERROR(ReadText(config, "gcs_buffer_format", &format));
  if (!out->gcs_bucket.empty() && !HasOnly(out->gcs_bucket, "_-.")) {
    return BadConfig("gcs_buffer_bucket", "is not the name of a bucket",
                     "write the name alone, without gs:// and a folder: letters, digits, -, _ and "
                     "dots");
  }
  if (format != "ndjson" && format != "parquet" && format != "csv") {
    return BadConfig("gcs_buffer_format", fmt::format("is '{}'", format),
                     "use ndjson, parquet or csv");
  }
  out->other_format_asked = format != "ndjson";
  BIZOND_RETURN_IF_ERROR(ReadFlag(config, "create_dataset", &out->create_dataset));
  BIZOND_RETURN_IF_ERROR(ReadFlag(config, "async_load", &out->async_load));
  BIZOND_RETURN_IF_ERROR(ReadCount(config, "load_files_per_job", 10'000, &out->load_files_per_job));
  return ReadCount(config, "load_max_in_flight_jobs", 100, &out->load_max_in_flight_jobs);
}

std::string HostFromEnvironment(const char* name, std::string fallback, bool* emulated) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return fallback;
  *emulated = true;
  std::string host = value;
  if (host.find("://") == host.npos) host = "http://" + host;
  while (host.ends_with('/')) host.pop_back();
  return host;
}

}  // namespace

std::string BigQueryTableName::Path() const {
  return "projects/" + project + "/datasets/" + dataset + "/tables/" + table;
}

json BigQueryTableName::Reference() const {
  return {{"projectId", project}, {"datasetId", dataset}, {"tableId", table}};
}

Result<BigQueryConfig> ReadBigQueryConfig(const ConnectorArgs& args, BigQueryKind kind) {
  const json config = json::parse(args.config, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return BadConfig("", "is no block", "see docs/bigquery.md");
  BIZOND_ASSIGN_OR_RETURN(const std::vector<RecordSchema> schemas, RecordSchemasIn(args.config));
  BigQueryConfig out;
  BIZOND_RETURN_IF_ERROR(ReadText(config, "dataset_location", &out.location));
  if (!HasOnly(out.location, "-")) {
    return BadConfig("dataset_location", "is no location", "use one such as US, EU, europe-west1");
  }
  BIZOND_RETURN_IF_ERROR(ReadFlag(config, "unnest", &out.unnest));
  BIZOND_RETURN_IF_ERROR(ReadKey(config, &out.service_account_key));
  BIZOND_RETURN_IF_ERROR(ReadTarget(args, config, schemas, &out));
  const bool only =
      out.unnest && args.job.destination.destination_id.empty() && schemas.size() == 1;
  BIZOND_RETURN_IF_ERROR(
      ReadColumns(only ? schemas[0].destination_id : args.destination_id, schemas, kind, &out));
  BIZOND_RETURN_IF_ERROR(ReadPartitioning(config, &out));
  if (kind == BigQueryKind::kBatch) {
    BIZOND_RETURN_IF_ERROR(ReadBatchKeys(config, &out));
  } else {
    out.create_dataset = true;  // Both of bizon's streaming destinations do, without asking.
    BIZOND_RETURN_IF_ERROR(
        ReadCount(config, "bq_max_rows_per_request", 10'000, &out.max_rows_per_request));
  }
  return out;
}

json NewTableResource(const BigQueryConfig& config) {
  json resource = {{"schema", SchemaToRest(config.schema)}};
  if (config.partitioning) {
    resource["timePartitioning"] = {{"type", config.partitioning->type}};
    if (!config.partitioning->field.empty()) {
      resource["timePartitioning"]["field"] = config.partitioning->field;
    }
  }
  if (!config.clustering.empty()) resource["clustering"] = {{"fields", config.clustering}};
  return resource;
}

BigQueryEndpoints BigQueryEndpointsFromEnvironment() {
  BigQueryEndpoints at;
  at.rest = HostFromEnvironment("BIGQUERY_EMULATOR_HOST", at.rest, &at.rest_emulated);
  at.storage = HostFromEnvironment("STORAGE_EMULATOR_HOST", at.storage, &at.storage_emulated);
  const std::string write_api =
      HostFromEnvironment("BIGQUERY_STORAGE_EMULATOR_HOST", at.write_api, &at.write_api_emulated);
  const size_t scheme = write_api.find("://");
  at.write_api = scheme == write_api.npos ? write_api : write_api.substr(scheme + 3);
  return at;
}

}  // namespace bizond
