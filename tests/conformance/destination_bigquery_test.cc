// The destination bigquery: how the conformance suite reads its rows back from the fake.
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/conformance/destination_harness.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {
namespace {

// A dataset for each target, so that one process of the fake serves all tests.
struct Dataset {
  std::string name;
  std::string Table(const std::string& id) const { return "p1." + name + "." + id; }
};

void StartFake() {
  BigQueryFake& fake = BigQueryFake::Get();
  setenv("BIGQUERY_EMULATOR_HOST", fake.RestUrl().c_str(), 1);
  setenv("STORAGE_EMULATOR_HOST", fake.RestUrl().c_str(), 1);
  // Jobs are done at once, and no test waits for the limits of ten seconds.
  fake.SetOptions({{"job_seconds", 0}, {"metadata_updates_per_10s", 100000}});
}

std::vector<StoredRow> RowsOf(const std::string& table) {
  std::vector<StoredRow> rows;
  if (!BigQueryFake::Get().Tables().contains(table)) return rows;
  for (const std::string& line : BigQueryFake::Get().Rows(table)) {
    const auto row = nlohmann::json::parse(line);
    rows.push_back({row.at("_source_record_id"), row.at("_source_data")});
  }
  return rows;
}

}  // namespace

DestinationFixture MakeBigQueryFixture() {
  const auto dataset = std::make_shared<Dataset>();
  return {
      .place =
          [dataset](const std::string& directory, const std::string& id) {
            (void)directory;
            static int count = 0;
            StartFake();
            if (dataset->name.empty()) {
              dataset->name = "d" + std::to_string(++count);
              BigQueryFake::Get().CreateDataset(dataset->name);
            }
            return Placement{
                nlohmann::json{
                    {"project_id", "p1"}, {"dataset_id", dataset->name}, {"table_prefix", ""}}
                    .dump(),
                id};
          },
      .read = [dataset](const TestTarget& target) { return RowsOf(dataset->Table(target.id)); },
      .leftovers =
          [dataset](const TestTarget& target) {
            (void)target;
            std::vector<std::string> found;
            const nlohmann::json tables = BigQueryFake::Get().Tables();
            for (const auto& [name, resource] : tables.items()) {
              if (!name.starts_with(dataset->Table(""))) continue;
              if (name.find("_temp") != name.npos || name.find("_incremental") != name.npos) {
                found.push_back(name);
              }
            }
            return found;
          },
      .drop =
          [dataset](const TestTarget& target) {
            BigQueryFake::Get().Send("DELETE", "/bigquery/v2/projects/p1/datasets/" +
                                                   dataset->name + "/tables/" + target.id);
          },
      .fences = true,
  };
}

}  // namespace bizond
