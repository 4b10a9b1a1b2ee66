// The helper that starts bqemulator.
#include "tests/fakes/bigquery_emulator.h"

#include <gmock/gmock.h>

#include <fstream>

namespace bizond {
namespace {

TEST(BigQueryEmulatorTest, LoadsAnObjectAndGivesItsRows) {
  BigQueryEmulator& emulator = BigQueryEmulator::Get();
  const std::string dataset = emulator.NewDataset();
  std::filesystem::create_directory(emulator.objects() / "b");
  std::ofstream(emulator.objects() / "b" / "o") << R"({"id":1,"a":{"tags":["x","y"]}})" << "\n";
  nlohmann::json load;
  load["destinationTable"] = {{"projectId", "p1"}, {"datasetId", dataset}, {"tableId", "t"}};
  load["sourceUris"] = {"gs://b/o"};
  load["sourceFormat"] = "NEWLINE_DELIMITED_JSON";
  load["schema"] = nlohmann::json::parse(R"({"fields": [
      {"name": "id", "type": "INTEGER"},
      {"name": "a", "type": "RECORD", "fields": [
          {"name": "tags", "type": "STRING", "mode": "REPEATED"}]}]})");
  const HttpResponse response = emulator.Send("POST", "/bigquery/v2/projects/p1/jobs",
                                              {{"configuration", {{"load", std::move(load)}}}});
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(
      emulator.Rows("p1." + dataset + ".t"),
      testing::ElementsAre(nlohmann::json::parse(R"({"id": "1", "a": {"tags": ["x", "y"]}})")));
}

}  // namespace
}  // namespace bizond
