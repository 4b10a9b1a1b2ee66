// The destinations of BigQuery over bqemulator: where their rows are read back, and what of the
// suites it is too unlike BigQuery for.
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "destinations/google/table_schema.h"
#include "tests/conformance/destination_fixtures.h"
#include "tests/fakes/bigquery_emulator.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {
namespace {

using nlohmann::json;

// It has no Cloud Storage of its own and reads the objects from a folder: our fake is the Cloud
// Storage that puts them there. Nothing else of our fake is used.
void UseEmulator() {
  BigQueryEmulator& emulator = BigQueryEmulator::Get();
  BigQueryFake& storage = BigQueryFake::Get();
  storage.SetOptions({{"objects_folder", emulator.objects().string()}});
  setenv("BIGQUERY_EMULATOR_HOST", emulator.RestUrl().c_str(), 1);
  setenv("BIGQUERY_STORAGE_EMULATOR_HOST", emulator.GrpcAddress().c_str(), 1);
  setenv("STORAGE_EMULATOR_HOST", storage.RestUrl().c_str(), 1);
}

// A dataset of a test's own.
class EmulatorDataset {
 public:
  Placement Place(const std::string& id, const json& more, bool make_table) {
    UseEmulator();
    if (name_.empty()) name_ = BigQueryEmulator::Get().NewDataset();
    if (make_table && id.find('\0') == id.npos) {
      // The data as text, so that every byte of a record comes back.
      BigQuerySchema schema = BizonSchema(true);
      schema[2].type = BigQueryType::kString;
      BigQueryEmulator::Get().Send(
          "POST", Tables(),
          {{"tableReference", {{"tableId", id}}}, {"schema", SchemaToRest(schema)}});
    }
    json config = {{"project_id", "p1"}, {"dataset_id", name_}, {"table_prefix", ""}};
    config.update(more);
    return {config.dump(), id};
  }

  std::vector<StoredRow> Rows(const std::string& id) const {
    std::vector<StoredRow> rows;
    BigQueryEmulator& emulator = BigQueryEmulator::Get();
    if (emulator.Send("GET", Tables() + "/" + EncodePathSegment(id)).status == 404) return rows;
    for (const json& row : emulator.Rows("p1." + name_ + "." + id)) {
      rows.push_back({row.at("_source_record_id"), row.at("_source_data")});
    }
    return rows;
  }

  std::vector<std::string> Leftovers() const {
    std::vector<std::string> found;
    const json listed = json::parse(BigQueryEmulator::Get().Send("GET", Tables()).body);
    for (const json& table : listed.value("tables", json::array())) {
      const std::string name = table.at("tableReference").at("tableId");
      if (name.find("_temp") != name.npos || name.find("_incremental") != name.npos) {
        found.push_back(name);
      }
    }
    return found;
  }

  void Drop(const std::string& id) const {
    BigQueryEmulator::Get().Send("DELETE", Tables() + "/" + EncodePathSegment(id));
  }

 private:
  std::string Tables() const { return "/bigquery/v2/projects/p1/datasets/" + name_ + "/tables"; }

  std::string name_;
};

DestinationFixture Fixture(const json& more, bool make_table, bool fences) {
  const auto dataset = std::make_shared<EmulatorDataset>();
  return {
      .place = [=](const std::string&,
                   const std::string& id) { return dataset->Place(id, more, make_table); },
      .read = [=](const TestTarget& target) { return dataset->Rows(target.id); },
      .leftovers = [=](const TestTarget&) { return dataset->Leftovers(); },
      .drop = [=](const TestTarget& target) { dataset->Drop(target.id); },
      .fences = fences,
  };
}

// By way of a bucket: a job that brings its data along gets an id of the emulator's choice.
DestinationFixture MakeBatch() {
  return Fixture({{"gcs_buffer_bucket", "b"}, {"load_files_per_job", 1}}, false, true);
}
DestinationFixture MakeStreaming() { return Fixture(json::object(), true, false); }
#ifndef BIZOND_NO_GRPC
DestinationFixture MakeStreamingV2() { return Fixture(json::object(), true, true); }
#endif

constexpr FixtureRow kFixtures[] = {
    {"bigquery", MakeBatch},
    {"bigquery_streaming", MakeStreaming},
#ifndef BIZOND_NO_GRPC
    {"bigquery_streaming_v2", MakeStreamingV2},
#endif
};

constexpr std::string_view kV2 = "bigquery_streaming_v2";
constexpr std::string_view kUploadIds =
    "a row of a megabyte goes by a job that brings it along, and the emulator gives such a job an "
    "id of its own choice";
constexpr std::string_view kNoLabels =
    "the emulator's tables.list says no labels, by which a run's staging is known again";
constexpr std::string_view kOldCount =
    "the emulator's numRows of a table stay what they were before a copy into it";
constexpr std::string_view kNoTarget =
    "the emulator runs a query job and does not write its destinationTable";
constexpr std::string_view kFlushesLess =
    "the emulator's FlushRows leaves out the row at the offset, which BigQuery shows";

struct LeftOut {
  std::string_view destination;
  std::optional<PublishMode> mode;  // nullopt: each.
  std::string_view test;            // Or "test.part" of it.
  std::string_view why;
};

constexpr PublishMode kReplace = PublishMode::kReplace;
constexpr PublishMode kDirect = PublishMode::kDirect;
constexpr LeftOut kLeftOut[] = {
    {"bigquery", {}, "SurvivesADeathAfterEveryCall.leftovers", kNoLabels},
    {"bigquery", {}, "SurvivesADeathAfterEveryCall.next", kOldCount},
    {"bigquery_streaming", {}, "ManyPages.large", kUploadIds},
    {kV2, kReplace, "PublishesEveryRowByKeyAndHash", kNoTarget},
    {kV2, kReplace, "ASecondRunReplacesOrAdds", kNoTarget},
    {kV2, kReplace, "ARunWithoutRowsIsARun", kNoTarget},
    {kV2, kReplace, "CheckingChangesNothing", kNoTarget},
    {kV2, kReplace, "TakesHostileNamesOrRefusesThem", kNoTarget},
    {kV2, kReplace, "SurvivesADeathAfterEveryCall", kNoTarget},
    {kV2, kReplace, "TheFirstRunMayDieAnywhere", kNoTarget},
    {kV2, kReplace, "DiscardLeavesTheTarget", kNoTarget},
    {kV2, kReplace, "RefusesAnAttemptThatWasOvertaken", kNoTarget},
    {kV2, kDirect, "PublishesEveryRowByKeyAndHash", kFlushesLess},
    {kV2, kDirect, "ASecondRunReplacesOrAdds", kFlushesLess},
    {kV2, kDirect, "ARunWithoutRowsIsARun", kFlushesLess},
    {kV2, kDirect, "CheckingChangesNothing", kFlushesLess},
    {kV2, kDirect, "TakesHostileNamesOrRefusesThem", kFlushesLess},
    {kV2, kDirect, "SurvivesADeathAfterEveryCall", kFlushesLess},
    {kV2, kDirect, "TheFirstRunMayDieAnywhere", kFlushesLess},
    {kV2, kDirect, "RefusesAnAttemptThatWasOvertaken", kFlushesLess},
    {kV2, kDirect, "NoticesATargetThatIsNotTheLastPublication", kFlushesLess},
};

}  // namespace

std::span<const FixtureRow> EmulatorFixtures() { return kFixtures; }

std::string_view UnlikeBigQuery(std::string_view destination, PublishMode mode,
                                std::string_view test) {
  for (const LeftOut& left_out : kLeftOut) {
    const bool meant = left_out.destination == destination && left_out.mode.value_or(mode) == mode;
    if (meant && left_out.test == test) return left_out.why;
  }
  return "";
}

}  // namespace bizond
