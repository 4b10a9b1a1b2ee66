// destination.config of the BigQuery destinations, read as bizon reads it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "destinations/google/bigquery_config.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using enum BigQueryKind;

// `id`: what the job says; empty: nothing, so that "kafka_events" is made.
Result<BigQueryConfig> Read(const json& more, BigQueryKind kind = kBatch,
                            const std::string& id = "") {
  json config = {{"project_id", "my-project"}, {"dataset_id", "sales"}};
  if (!more.is_null()) config.update(more);
  JobSpec job;
  job.source.name = "kafka";
  job.destination.destination_id = id;
  SimulatedClock clock{UtcTime()};
  return ReadBigQueryConfig({.job = job,
                             .stream = "events",
                             .destination_id = job.DestinationIdOf("events"),
                             .config = config.dump(),
                             .roots = *Roots::Unrestricted(::testing::TempDir()),
                             .clock = clock},
                            kind);
}

// The error's code and message.
std::string Refusal(const json& more, BigQueryKind kind = kBatch, const std::string& id = "") {
  const auto read = Read(more, kind, id);
  return read ? "accepted" : read.error().code + ": " + read.error().message;
}

json Schemas(const char* text) { return {{"unnest", true}, {"record_schemas", json::parse(text)}}; }

TEST(BigQueryConfigs, NameTheTableAsBizonDoes) {
  const auto made = Read({});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->target.Dotted(), "my-project.sales._bizon_kafka_events");
  ASSERT_TRUE(made->unprefixed);
  EXPECT_EQ(made->unprefixed->Dotted(), "my-project.sales.kafka_events");
  EXPECT_EQ(made->target.Path(), "projects/my-project/datasets/sales/tables/_bizon_kafka_events");

  const auto bare = Read({{"table_prefix", ""}});
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->target.table, "kafka_events");
  EXPECT_FALSE(bare->unprefixed);

  for (const BigQueryKind kind : {kBatch, kStreaming, kStreamingV2}) {
    const auto named = Read({}, kind, "orders-{stream}");
    ASSERT_TRUE(named);
    EXPECT_EQ(named->target.Dotted(), "my-project.sales.orders-events");
    EXPECT_FALSE(named->unprefixed);
    const auto whole = Read({}, kind, "example.com:data.lake.orders");
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_EQ(whole->target, (BigQueryTableName{"example.com:data", "lake", "orders"}));
  }
  // The only schema names the table when nothing else does.
  const auto only = Read(Schemas(R"([{"destination_id":"p.d.flights","record_schema":
      [{"name":"id","type":"INTEGER"}]}])"),
                         kStreaming);
  ASSERT_TRUE(only) << only.error().message;
  EXPECT_EQ(only->target.Dotted(), "p.d.flights");
}

TEST(BigQueryConfigs, RefuseWhatIsNoTable) {
  for (const char* id : {"sales.orders", "orders$20260101", "a/b", "or`ders", "p.d.", "..x", "p..t",
                         "orders_temp", "orders_incremental", "p.d-d.t", "a\nb", "a.b.c.t"}) {
    EXPECT_THAT(Refusal({}, kBatch, id), HasSubstr("bad_destination_id")) << id;
  }
  EXPECT_THAT(Refusal({}, kBatch, std::string(1001, 'x')), HasSubstr("too long"));
  EXPECT_THAT(Refusal({{"project_id", "p/../x"}}), HasSubstr("project_id"));
  EXPECT_THAT(Refusal({{"project_id", "example.com"}}), HasSubstr("project_id"));
  EXPECT_THAT(Refusal({{"dataset_id", ""}}), HasSubstr("dataset_id"));
  EXPECT_THAT(Refusal({{"dataset_id", std::string(1025, 'd')}}), HasSubstr("dataset_id"));
  EXPECT_THAT(Refusal({{"dataset_location", "US?x=1"}}), HasSubstr("dataset_location"));
  EXPECT_THAT(Refusal({{"table_prefix", "x."}}), HasSubstr("table_prefix"));
}

TEST(BigQueryConfigs, HaveBizonsDefaults) {
  const auto batch = Read({});
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->location, "US");
  EXPECT_EQ(batch->partitioning, (BigQueryPartitioning{"DAY", "_bizon_loaded_at"}));
  EXPECT_EQ(batch->schema, BizonSchema(false));
  EXPECT_FALSE(batch->create_dataset);
  EXPECT_FALSE(batch->async_load);
  EXPECT_FALSE(batch->other_format_asked);
  EXPECT_EQ(batch->load_files_per_job, 10U);
  EXPECT_EQ(batch->load_max_in_flight_jobs, 3U);
  EXPECT_EQ(batch->service_account_key, "");
  const auto streaming = Read({}, kStreaming);
  ASSERT_TRUE(streaming);
  EXPECT_EQ(streaming->schema, BizonSchema(true));
  EXPECT_EQ(streaming->max_rows_per_request, 5000U);
  EXPECT_TRUE(streaming->create_dataset);
}

TEST(BigQueryConfigs, ReadEveryKeyOfABatch) {
  const auto batch = Read({{"dataset_location", "europe-west1"},
                           {"create_dataset", true},
                           {"gcs_buffer_bucket", "my-bucket"},
                           {"gcs_buffer_format", "parquet"},
                           {"time_partitioning", "MONTH"},
                           {"async_load", true},
                           {"load_files_per_job", 3},
                           {"load_max_in_flight_jobs", 2},
                           {"authentication", {{"service_account_key", "{\"type\":\"x\"}"}}}});
  ASSERT_TRUE(batch) << batch.error().message;
  EXPECT_EQ(batch->location, "europe-west1");
  EXPECT_TRUE(batch->create_dataset);
  EXPECT_EQ(batch->gcs_bucket, "my-bucket");
  EXPECT_TRUE(batch->other_format_asked);
  EXPECT_EQ(batch->partitioning->type, "MONTH");
  EXPECT_TRUE(batch->async_load);
  EXPECT_EQ(batch->load_files_per_job, 3U);
  EXPECT_EQ(batch->load_max_in_flight_jobs, 2U);
  EXPECT_EQ(batch->service_account_key, "{\"type\":\"x\"}");
}

TEST(BigQueryConfigs, NullStandsForNothing) {
  const auto read = Read({{"authentication", nullptr},
                          {"record_schemas", nullptr},
                          {"dataset_location", nullptr},
                          {"bq_max_rows_per_request", nullptr},
                          {"time_partitioning", {{"type", "HOUR"}, {"field", nullptr}}}},
                         kStreaming);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->location, "US");
  EXPECT_EQ(read->partitioning, (BigQueryPartitioning{"HOUR", ""}));
  const auto plain = Read({{"time_partitioning", nullptr}}, kStreaming);
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->partitioning);
}

TEST(BigQueryConfigs, RefuseWrongValues) {
  EXPECT_THAT(Refusal({{"bq_max_rows_per_request", 10001}}, kStreaming), HasSubstr("1 to 10000"));
  EXPECT_THAT(Refusal({{"bq_max_rows_per_request", 0}}, kStreamingV2), HasSubstr("1 to 10000"));
  EXPECT_THAT(Refusal({{"load_files_per_job", -1}}), HasSubstr("load_files_per_job"));
  EXPECT_THAT(Refusal({{"gcs_buffer_bucket", "gs://x"}}), HasSubstr("gcs_buffer_bucket"));
  EXPECT_THAT(Refusal({{"gcs_buffer_format", "avro"}}), HasSubstr("gcs_buffer_format"));
  EXPECT_THAT(Refusal({{"time_partitioning", "WEEK"}}), HasSubstr("WEEK"));
  EXPECT_THAT(Refusal({{"time_partitioning", 3}}), HasSubstr("time_partitioning"));
  EXPECT_THAT(Refusal({{"time_partitioning", {{"field", "_source_data"}}}}, kStreaming),
              HasSubstr("time_partitioning.field names '_source_data'"));
  EXPECT_THAT(Refusal({{"unnest", true}}), HasSubstr("needs record_schemas"));
  EXPECT_THAT(Refusal({{"create_dataset", "yes"}}), HasSubstr("create_dataset"));
  EXPECT_THAT(Refusal({{"authentication", {{"service_account_key", 3}}}}),
              HasSubstr("service_account_key"));
}

TEST(BigQueryConfigs, TakeColumnsFromRecordSchemas) {
  const json schemas = Schemas(R"([
    {"destination_id":"other","record_schema":[{"name":"x","type":"STRING","mode":"NULLABLE"}]},
    {"destination_id":"orders","clustering_keys":["Id"],"record_schema":[
      {"name":"id","type":"INT64","mode":"REQUIRED","description":"the key"},
      {"name":"day","type":"date","default_value_expression":"CURRENT_DATE"},
      {"name":"lines","type":"RECORD","mode":"REPEATED","fields":[
        {"name":"price","type":"NUMERIC"}]}]
}])");
  const auto read = Read(schemas, kStreaming, "orders");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->schema.size(), 3U);
  EXPECT_EQ(read->schema[0].type, BigQueryType::kInteger);
  EXPECT_EQ(read->schema[0].mode, ColumnMode::kRequired);
  EXPECT_EQ(read->schema[0].description, "the key");
  EXPECT_EQ(read->schema[1].default_value_expression, "CURRENT_DATE");
  EXPECT_EQ(read->schema[2].mode, ColumnMode::kRepeated);
  EXPECT_EQ(read->schema[2].fields[0].type, BigQueryType::kNumeric);
  EXPECT_THAT(read->clustering, ElementsAre("Id"));
  // bizon's default column is none of these: by the time of arrival then.
  EXPECT_EQ(read->partitioning, (BigQueryPartitioning{"DAY", ""}));

  json by_day = schemas;
  by_day["time_partitioning"] = {{"type", "MONTH"}, {"field", "day"}};
  EXPECT_EQ(Read(by_day, kStreaming, "orders")->partitioning,
            (BigQueryPartitioning{"MONTH", "day"}));
  by_day["time_partitioning"]["type"] = "HOUR";
  EXPECT_THAT(Refusal(by_day, kStreaming, "orders"), HasSubstr("by HOUR"));
  EXPECT_THAT(Refusal(schemas, kStreaming, "third"), HasSubstr("no entry for"));
}

TEST(BigQueryConfigs, RefuseColumnsThatBigQueryCannotHave) {
  const std::pair<const char*, const char*> cases[] = {
      {R"([{"name":"a","type":"TEXT"}])", "the column 'a': 'TEXT' is no type"},
      {R"([{"name":"a.b","type":"STRING"}])", "'a.b' has a character"},
      {R"([{"name":"","type":"STRING"}])", "has no name"},
      {R"([{"name":"_PARTITIONTIME","type":"STRING"}])", "keeps for itself"},
      {R"([{"name":"a","type":"STRING"},{"name":"A","type":"STRING"}])", "twice"},
      {R"([{"name":"a","type":"RECORD"}])", "without `fields`"},
      {R"([{"name":"a","type":"STRING","fields":[{"name":"b","type":"STRING"}]}])", "no RECORD"},
      {R"([{"name":"a","type":"STRING","mode":"MAYBE"}])", "'MAYBE'"},
      {R"([{"name":3,"type":"STRING"}])", "cannot be read"},
      {R"([])", "no column"}};
  for (const auto& [columns, message] : cases) {
    const json schemas = {
        {"unnest", true},
        {"record_schemas", {{{"destination_id", "t"}, {"record_schema", json::parse(columns)}}}}};
    EXPECT_THAT(Refusal(schemas, kBatch, "t"), HasSubstr("bad_record_schema")) << columns;
    EXPECT_THAT(Refusal(schemas, kBatch, "t"), HasSubstr(message)) << columns;
  }
  for (const char* key : {"none", "f", "l"}) {
    json schemas = Schemas(R"([{"destination_id":"t","record_schema":[
        {"name":"f","type":"FLOAT"},{"name":"l","type":"STRING","mode":"REPEATED"}]}])");
    schemas["record_schemas"][0]["clustering_keys"] = {key};
    EXPECT_THAT(Refusal(schemas, kBatch, "t"), HasSubstr("clustering_keys")) << key;
  }
}

TEST(BigQueryEndpointsTest, AreGooglesOrAnEmulators) {
  for (const char* name :
       {"BIGQUERY_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "BIGQUERY_STORAGE_EMULATOR_HOST"}) {
    unsetenv(name);
  }
  const BigQueryEndpoints google = BigQueryEndpointsFromEnvironment();
  EXPECT_EQ(google.rest, "https://bigquery.googleapis.com");
  EXPECT_FALSE(google.rest_emulated || google.storage_emulated || google.write_api_emulated);
  setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9050/", 1);
  setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:4443", 1);
  setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "http://127.0.0.1:9060", 1);
  const BigQueryEndpoints at = BigQueryEndpointsFromEnvironment();
  EXPECT_EQ(at.rest, "http://127.0.0.1:9050");
  EXPECT_EQ(at.storage, "http://127.0.0.1:4443");
  EXPECT_EQ(at.write_api, "127.0.0.1:9060");
  EXPECT_TRUE(at.rest_emulated && at.storage_emulated && at.write_api_emulated);
  for (const char* name :
       {"BIGQUERY_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "BIGQUERY_STORAGE_EMULATOR_HOST"}) {
    unsetenv(name);
  }
}

}  // namespace
}  // namespace bizond
