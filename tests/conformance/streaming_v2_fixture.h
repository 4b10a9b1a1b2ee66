// What the suites of bigquery_streaming_v2 share: the fake of BigQuery, and tables in it.
//
// Threads: one test at a time.
#ifndef BIZOND_TESTS_CONFORMANCE_STREAMING_V2_FIXTURE_H_
#define BIZOND_TESTS_CONFORMANCE_STREAMING_V2_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/google/table_schema.h"
#include "tests/conformance/destination_harness.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {

inline const std::string kBigQueryTables = "/bigquery/v2/projects/p1/datasets/d/tables";

inline void UseBigQueryFake() {
  BigQueryFake& fake = BigQueryFake::Get();
  setenv("BIGQUERY_EMULATOR_HOST", fake.RestUrl().c_str(), 1);
  setenv("BIGQUERY_STORAGE_EMULATOR_HOST", fake.GrpcAddress().c_str(), 1);
}

inline nlohmann::json StreamingV2Config() {
  return {{"project_id", "p1"}, {"dataset_id", "d"}, {"table_prefix", ""}};
}

// A table whose data are text: it keeps the suite's records byte for byte.
inline nlohmann::json TextTable(const std::string& id) {
  BigQuerySchema schema = BizonSchema(true);
  schema[2].type = BigQueryType::kString;
  return {{"tableReference", {{"tableId", id}}}, {"schema", SchemaToRest(schema)}};
}

class StreamingV2Test : public ::testing::Test {
 protected:
  static constexpr std::string_view kName = "bigquery_streaming_v2";
  StreamingV2Test() { UseBigQueryFake(); }

  // Runs to the end, through deaths of its own if need be (an attempt that lost its stream).
  static void MustRun(DestinationHarness* harness, const std::string& run, const Pages& pages) {
    const Status done = harness->Run(run, pages);
    ASSERT_TRUE(done) << run << ": " << Describe(done.error());
  }
  // The appends of all calls, in their order: {"offset", "rows", "code"}.
  static std::vector<nlohmann::json> Appends() {
    std::vector<nlohmann::json> found;
    for (const nlohmann::json& call : BigQueryFake::Get().Calls()) {
      for (const nlohmann::json& append : call.value("appends", nlohmann::json::array()))
        found.push_back(append);
    }
    return found;
  }
  static nlohmann::json Schema(const nlohmann::json& columns) {
    nlohmann::json config = StreamingV2Config();
    config["unnest"] = true;
    config["record_schemas"] = {{{"destination_id", "typed"}, {"record_schema", columns}}};
    return config;
  }

  BigQueryFake& fake_ = BigQueryFake::Get();
};

}  // namespace bizond

#endif  // BIZOND_TESTS_CONFORMANCE_STREAMING_V2_FIXTURE_H_
