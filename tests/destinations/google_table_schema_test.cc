// Schemas of BigQuery: to the REST API and back, and how a table is brought to the one that is
// wanted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "destinations/google/table_schema.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

BigQuerySchema FromText(const char* fields) {
  const auto schema = SchemaFromRest({{"fields", json::parse(fields)}});
  EXPECT_TRUE(schema) << fields;
  return schema.value_or(BigQuerySchema());
}

TEST(BigQueryTypes, HaveSeveralNamesInAnyCase) {
  const std::pair<const char*, const char*> names[] = {
      {"int64", "INTEGER"},    {"INTEGER", "INTEGER"},       {"Float64", "FLOAT"},
      {"bool", "BOOLEAN"},     {"STRUCT", "RECORD"},         {"decimal", "NUMERIC"},
      {"json", "JSON"},        {"BIGDECIMAL", "BIGNUMERIC"}, {"GEOGRAPHY", "GEOGRAPHY"},
      {"datetime", "DATETIME"}};
  for (const auto& [name, word] : names) {
    const auto type = ParseBigQueryType(name);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(BigQueryTypeName(*type), word);
  }
  for (const char* name : {"", "RANGE", "INTEGERS", "ARRAY<STRING>"}) {
    const auto type = ParseBigQueryType(name);
    ASSERT_FALSE(type) << name;
    EXPECT_EQ(type.error().code, "bad_record_schema");
  }
}

TEST(BigQuerySchemas, GoToRestAndBack) {
  const json fields = json::parse(R"([
    {"name":"id","type":"INTEGER","mode":"REQUIRED","description":"the key"},
    {"name":"price","type":"NUMERIC","mode":"NULLABLE","precision":"10","scale":"2"},
    {"name":"who","type":"STRING","mode":"NULLABLE","policyTags":{"names":["p/t"]},
     "defaultValueExpression":"@@project_id"},
    {"name":"tags","type":"RECORD","mode":"REPEATED","fields":[
      {"name":"on","type":"BOOLEAN","mode":"NULLABLE"}]}])");
  const auto schema = SchemaFromRest({{"fields", fields}});
  ASSERT_TRUE(schema);
  EXPECT_EQ((*schema)[3].fields[0].name, "on");
  EXPECT_EQ(SchemaToRest(*schema)["fields"], fields);
}

TEST(BigQuerySchemas, ATableOfAnUnknownTypeIsNamed) {
  const auto schema = SchemaFromRest(json::parse(
      R"({"fields":[{"name":"a","type":"RECORD","fields":[{"name":"span","type":"RANGE"}]}]})"));
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().code, "unsupported_column_type");
  EXPECT_THAT(schema.error().message, HasSubstr("'a.span'"));
}

TEST(BigQuerySchemas, EndlessNestingIsAnError) {
  json fields = json::array({{{"name", "x"}, {"type", "STRING"}}});
  for (int i = 0; i < 100; ++i) {
    fields = json::array({{{"name", "x"}, {"type", "RECORD"}, {"fields", fields}}});
  }
  EXPECT_FALSE(SchemaFromRest({{"fields", fields}}));
}

TEST(BigQuerySchemas, BizonsOwn) {
  const BigQuerySchema batch = BizonSchema(false);
  const BigQuerySchema streaming = BizonSchema(true);
  std::string names;
  for (const BigQueryColumn& column : batch) {
    EXPECT_EQ(column.mode, ColumnMode::kNullable) << column.name;
    names += column.name + " ";
  }
  EXPECT_EQ(names,
            "_source_record_id _source_timestamp _source_data _bizon_extracted_at "
            "_bizon_loaded_at _bizon_id ");
  EXPECT_EQ(batch[2].type, BigQueryType::kString);
  EXPECT_EQ(streaming[2].type, BigQueryType::kJson);
  EXPECT_EQ(streaming[0].mode, ColumnMode::kRequired);
}

TEST(MergeSchemas, AddsAndRelaxes) {
  const BigQuerySchema table = FromText(R"([
    {"name":"Id","type":"INTEGER","mode":"REQUIRED","policyTags":{"names":["p"]}},
    {"name":"made","type":"TIMESTAMP","mode":"REQUIRED","defaultValueExpression":"@@now"},
    {"name":"gone","type":"STRING","mode":"REQUIRED"},
    {"name":"r","type":"RECORD","fields":[{"name":"a","type":"STRING","mode":"REQUIRED"}]}])");
  const BigQuerySchema wanted = FromText(R"([
    {"name":"id","type":"INT64","mode":"NULLABLE"},
    {"name":"new","type":"STRING","mode":"REQUIRED"},
    {"name":"R","type":"STRUCT","fields":[
      {"name":"a","type":"STRING","mode":"REQUIRED"},{"name":"b","type":"DATE","mode":"REPEATED"}]}])");
  const auto change = MergeSchemas(table, wanted);
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_THAT(change->added, ElementsAre("r.b", "new"));
  EXPECT_THAT(change->relaxed, ElementsAre("Id", "gone"));
  const json rest = SchemaToRest(change->merged)["fields"];
  EXPECT_EQ(rest[0]["mode"], "NULLABLE");
  EXPECT_EQ(rest[0]["policyTags"], (json{{"names", {"p"}}}));
  EXPECT_EQ(rest[1]["mode"], "REQUIRED") << "it fills itself";
  EXPECT_EQ(rest[3]["fields"][0]["mode"], "REQUIRED");
  EXPECT_EQ(rest[3]["fields"][1]["mode"], "REPEATED");
  EXPECT_EQ(rest[4]["name"], "new");
  EXPECT_EQ(rest[4]["mode"], "NULLABLE");
}

TEST(MergeSchemas, TheSameAgainIsNothing) {
  for (const bool streaming : {false, true}) {
    const auto change = MergeSchemas(BizonSchema(streaming), BizonSchema(streaming));
    ASSERT_TRUE(change);
    EXPECT_TRUE(change->empty());
    EXPECT_EQ(change->merged, BizonSchema(streaming));
  }
  // A column cannot become REQUIRED again.
  const auto change = MergeSchemas(FromText(R"([{"name":"a","type":"STRING"}])"),
                                   FromText(R"([{"name":"a","type":"STRING","mode":"REQUIRED"}])"));
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->empty());
  EXPECT_THAT(change->added, IsEmpty());
}

TEST(MergeSchemas, AnotherTypeOrListIsAMismatch) {
  const BigQuerySchema table =
      FromText(R"([{"name":"r","type":"RECORD","fields":[{"name":"a","type":"STRING"}]}])");
  const std::pair<const char*, const char*> cases[] = {
      {R"([{"name":"r","type":"RECORD","fields":[{"name":"A","type":"DATE"}]}])",
       "'r.a' of the table is STRING, and the job writes DATE"},
      {R"([{"name":"r","type":"RECORD","fields":[{"name":"a","type":"STRING","mode":"REPEATED"}]}])",
       "'r.a' of the table is STRING, and the job writes STRING REPEATED"},
      {R"([{"name":"r","type":"JSON"}])", "'r' of the table is RECORD, and the job writes JSON"}};
  for (const auto& [wanted, message] : cases) {
    const auto change = MergeSchemas(table, FromText(wanted));
    ASSERT_FALSE(change) << wanted;
    EXPECT_EQ(change.error().code, "schema_mismatch");
    EXPECT_THAT(change.error().message, HasSubstr(message));
  }
}

}  // namespace
}  // namespace bizond
