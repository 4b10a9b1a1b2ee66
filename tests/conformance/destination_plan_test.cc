// What destinations say before a run: a plan that holds, every permission that a run needs, and
// nothing written by the asking.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "destinations/catalog.h"
#include "destinations/google/access.h"
#include "tests/conformance/destination_harness.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

constexpr PublishMode kPlanModes[] = {PublishMode::kReplace, PublishMode::kAppend,
                                      PublishMode::kDirect};

bool IsBigQuery(std::string_view name) { return name.starts_with("bigquery"); }

std::vector<std::string> FilesIn(const std::filesystem::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// One of the BigQuery destinations in a dataset of its own.
class Placed {
 public:
  Placed(std::string_view name, PublishMode mode) : harness_(name, mode) {
    BigQueryFake& fake = BigQueryFake::Get();
    fake.Reset();
    fake.SetOptions({{"job_seconds", 0}, {"metadata_updates_per_10s", 100000}});
    setenv("BIGQUERY_EMULATOR_HOST", fake.RestUrl().c_str(), 1);
    setenv("STORAGE_EMULATOR_HOST", fake.RestUrl().c_str(), 1);
    setenv("BIGQUERY_STORAGE_EMULATOR_HOST", fake.GrpcAddress().c_str(), 1);
    fake.CreateDataset("d");
    harness_.job().source.sync_mode = mode == PublishMode::kReplace  ? SyncMode::kFullRefresh
                                      : mode == PublishMode::kAppend ? SyncMode::kIncremental
                                                                     : SyncMode::kStream;
    Configure({});
  }

  ~Placed() {
    Deny({});
    fake().Send("DELETE", "/_fake/faults");
  }
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;

  void Configure(const json& more) {
    json config = {{"project_id", "p1"}, {"dataset_id", "d"}, {"table_prefix", ""}};
    if (!more.is_null()) config.update(more);
    harness_.set_config(config.dump());
  }

  DestinationHarness& harness() { return harness_; }
  BigQueryFake& fake() { return BigQueryFake::Get(); }
  PublishMode mode() const { return harness_.mode(); }

  void Deny(const std::vector<std::string>& permissions) {
    fake().SetOptions({{"denied", permissions}});
  }
  std::vector<AccessCheck> Access() {
    auto made = harness_.Make();
    EXPECT_TRUE(made) << made.error().message;
    auto checks = (*made)->CheckAccess(mode(), {});
    EXPECT_TRUE(checks) << Describe(checks.error());
    return checks ? *checks : std::vector<AccessCheck>();
  }
  Result<DestinationPlan> Plan() {
    BIZOND_ASSIGN_OR_RETURN(const auto made, harness_.Make());
    return made->Plan(mode(), {});
  }
  void MustRun(const std::string& run, int first) {
    const Status done = harness_.Run(run, {PlainRecords(first, 3)});
    EXPECT_TRUE(done) << Describe(done.error());
  }

 private:
  DestinationHarness harness_;
};

std::vector<std::string> InState(const std::vector<AccessCheck>& checks, AccessCheck::State state) {
  std::vector<std::string> found;
  for (const AccessCheck& check : checks) {
    if (check.state == state) found.push_back(check.permission);
  }
  return found;
}

const PlannedPlace* Find(const DestinationPlan& plan, std::string_view role) {
  const auto found = std::find_if(plan.places.begin(), plan.places.end(),
                                  [&](const PlannedPlace& place) { return place.role == role; });
  return found == plan.places.end() ? nullptr : &*found;
}

std::string Fact(const std::vector<PlannedFact>& facts, std::string_view name) {
  for (const PlannedFact& fact : facts) {
    if (fact.name == name) return fact.value;
  }
  return "";
}

std::string Column(const PlannedPlace& place, std::string_view name) {
  for (const PlannedColumn& column : place.columns) {
    if (column.name == name) return column.type + " " + column.mode + " " + column.change;
  }
  return "";
}

const char* const kGoogle[] = {"bigquery", "bigquery_streaming", "bigquery_streaming_v2"};
// A build without gRPC has two of them.
bool IsThere(std::string_view name) {
  return std::any_of(DestinationCatalog().begin(), DestinationCatalog().end(),
                     [&](const DestinationDescriptor& row) { return row.name == name; });
}

void ForEachOfGoogle(const std::function<void(Placed*)>& test) {
  for (const char* name : kGoogle) {
    if (!IsThere(name)) continue;
    for (const PublishMode mode : kPlanModes) {
      SCOPED_TRACE(std::string(name) + " " + std::string(PublishModeName(mode)));
      Placed placed(name, mode);
      test(&placed);
    }
  }
}

TEST(DestinationPlans, WriteNothing) {
  for (const DestinationDescriptor& row : DestinationCatalog()) {
    for (const PublishMode mode : kPlanModes) {
      SCOPED_TRACE(std::string(row.name) + " " + std::string(PublishModeName(mode)));
      DestinationHarness harness(row.name, mode);
      const auto files = FilesIn(harness.folder());
      const json tables = IsBigQuery(row.name) ? BigQueryFake::Get().Tables() : json();
      const auto made = harness.Make();
      ASSERT_TRUE(made) << made.error().message;
      const auto plan = (*made)->Plan(mode, {});
      EXPECT_TRUE(plan) << Describe(plan.error());
      EXPECT_TRUE((*made)->CheckAccess(mode, {}));
      EXPECT_EQ(FilesIn(harness.folder()), files);
      EXPECT_EQ(IsBigQuery(row.name) ? BigQueryFake::Get().Tables() : json(), tables);
    }
  }
}

TEST(DestinationPlans, AskGoogleOnlyWhatChangesNothing) {
  ForEachOfGoogle([](Placed* placed) {
    placed->MustRun("run-1", 1);
    const size_t jobs = placed->fake().Jobs().size();
    placed->fake().Send("DELETE", "/_fake/calls");
    EXPECT_TRUE(placed->Plan());
    EXPECT_THAT(InState(placed->Access(), AccessCheck::State::kMissing), IsEmpty());
    for (const json& call : placed->fake().Calls()) {
      if (call["method"] == "GET") continue;
      const std::string path = call["path"];
      const bool dry = path.ends_with("/jobs") && call["json"]["configuration"]["dryRun"] == true;
      EXPECT_TRUE(dry || path.ends_with(":testIamPermissions")) << call;
    }
    EXPECT_EQ(placed->fake().Jobs().size(), jobs);
  });
}

TEST(DestinationPlans, SayWhetherTheTargetIsThere) {
  ForEachOfGoogle([](Placed* placed) {
    auto plan = placed->Plan();
    ASSERT_TRUE(plan) << Describe(plan.error());
    const PlannedPlace* target = Find(*plan, "target");
    ASSERT_NE(target, nullptr);
    EXPECT_FALSE(target->exists);
    EXPECT_EQ(Fact(target->facts, "partitioning"), "DAY of _bizon_loaded_at");
    EXPECT_FALSE(target->columns.empty());
    placed->MustRun("run-1", 1);
    // What the plan announced is what came.
    const json made = placed->fake().Tables().at(target->name);
    for (const json& field : made["schema"]["fields"]) {
      const std::string mode = field.value("mode", "NULLABLE");
      EXPECT_EQ(Column(*target, field["name"].get<std::string>()),
                field["type"].get<std::string>() + " " + mode + " ");
    }
    plan = placed->Plan();
    ASSERT_TRUE(plan) << Describe(plan.error());
    EXPECT_TRUE(Find(*plan, "target")->exists);
  });
}

TEST(DestinationPlans, NameTheJobsAndTheirDispositions) {
  Placed batch("bigquery", PublishMode::kReplace);
  batch.Configure({{"gcs_buffer_bucket", "b"}});
  auto plan = batch.Plan();
  ASSERT_TRUE(plan) << Describe(plan.error());
  ASSERT_EQ(plan->steps.size(), 2u);
  EXPECT_EQ(plan->steps[0].what, "load job");
  EXPECT_EQ(Fact(plan->steps[0].facts, "source"), "gs://b/bizond/");
  EXPECT_EQ(Fact(plan->steps[0].facts, "destinationTable"), "p1.d.target_temp_<n>");
  EXPECT_EQ(Fact(plan->steps[0].facts, "createDisposition"), "CREATE_NEVER");
  EXPECT_EQ(plan->steps[1].what, "copy job");
  EXPECT_EQ(Fact(plan->steps[1].facts, "writeDisposition"), "WRITE_TRUNCATE");
  EXPECT_EQ(Fact(plan->steps[1].facts, "destinationTable"), "p1.d.target");

  if (!IsThere("bigquery_streaming_v2")) return;
  Placed streamed("bigquery_streaming_v2", PublishMode::kReplace);
  plan = streamed.Plan();
  ASSERT_TRUE(plan) << Describe(plan.error());
  ASSERT_EQ(plan->steps.size(), 3u);
  EXPECT_EQ(Fact(plan->steps[0].facts, "type"), "PENDING");
  EXPECT_EQ(Fact(plan->steps[0].facts, "table"), "p1.d.target_temp");
  EXPECT_EQ(plan->steps[2].what, "query job");
  EXPECT_EQ(Fact(plan->steps[2].facts, "timePartitioning"), "DAY of _bizon_loaded_at");
  EXPECT_EQ(Fact(plan->steps[2].facts, "writeDisposition"), "WRITE_TRUNCATE");
}

json Unnested(const json& columns) {
  return {{"unnest", true},
          {"record_schemas", {{{"destination_id", "target"}, {"record_schema", columns}}}}};
}

TEST(DestinationPlans, ShowWhatBecomesOfTheColumns) {
  for (const char* name : kGoogle) {
    if (!IsThere(name)) continue;
    SCOPED_TRACE(name);
    Placed placed(name, PublishMode::kAppend);
    placed.fake().Send(
        "POST", "/bigquery/v2/projects/p1/datasets/d/tables",
        {{"tableReference", {{"tableId", "target"}}}, {"schema", {{"fields", json::parse(R"([
                          {"name": "id", "type": "INTEGER", "mode": "REQUIRED"},
                          {"name": "old", "type": "STRING", "mode": "REQUIRED"}])")}}}});
    placed.Configure(Unnested(json::parse(R"([
        {"name": "id", "type": "INTEGER", "mode": "REQUIRED"}, {"name": "new", "type": "DATE"}])")));
    auto plan = placed.Plan();
    ASSERT_TRUE(plan) << Describe(plan.error());
    const PlannedPlace& target = *Find(*plan, "target");
    EXPECT_EQ(Column(target, "id"), "INTEGER REQUIRED ");
    EXPECT_EQ(Column(target, "old"), "STRING NULLABLE relaxed");
    EXPECT_EQ(Column(target, "new"), "DATE NULLABLE added");
    // What the run would refuse, the plan refuses.
    placed.Configure(Unnested(json::parse(R"([{"name": "id", "type": "DATE"}])")));
    plan = placed.Plan();
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, "schema_mismatch");
  }
  Placed replaced("bigquery", PublishMode::kReplace);
  replaced.fake().Send(
      "POST", "/bigquery/v2/projects/p1/datasets/d/tables",
      {{"tableReference", {{"tableId", "target"}}}, {"schema", {{"fields", json::parse(R"([
                          {"name": "old", "type": "STRING"}])")}}}});
  const auto plan = replaced.Plan();
  ASSERT_TRUE(plan) << Describe(plan.error());
  EXPECT_EQ(Column(*Find(*plan, "target"), "old"), "STRING NULLABLE removed");
}

TEST(DestinationPlans, SayThatADatasetIsMade) {
  for (const char* name : kGoogle) {
    if (!IsThere(name)) continue;
    SCOPED_TRACE(name);
    Placed placed(name, PublishMode::kAppend);
    json more = {{"dataset_id", "fresh"}};
    if (std::string_view(name) == "bigquery") more["create_dataset"] = true;
    placed.Configure(more);
    const auto plan = placed.Plan();
    ASSERT_TRUE(plan) << Describe(plan.error());
    ASSERT_NE(Find(*plan, "container"), nullptr);
    EXPECT_EQ(Find(*plan, "container")->name, "p1.fresh");
    EXPECT_THAT(InState(placed.Access(), AccessCheck::State::kGranted),
                Contains("bigquery.datasets.create"));
    placed.Deny({"bigquery.datasets.create"});
    EXPECT_THAT(InState(placed.Access(), AccessCheck::State::kMissing),
                ElementsAre("bigquery.datasets.create"));
  }
}

// ---- permissions ----

TEST(DestinationAccess, IsAskedForAllThatARunNeeds) {
  ForEachOfGoogle([](Placed* placed) {
    const bool batch = placed->harness().row().name == "bigquery";
    if (batch) placed->Configure({{"gcs_buffer_bucket", "b"}});
    for (int run = 1; run <= 2; ++run) {  // Into a new table, and into one that is there.
      const std::vector<AccessCheck> checks = placed->Access();
      std::vector<std::string> asked;
      asked.reserve(checks.size());
      for (const AccessCheck& check : checks) asked.push_back(check.permission);
      placed->fake().Send("DELETE", "/_fake/permissions");
      placed->MustRun("run-" + std::to_string(run), run * 10);
      const json used = json::parse(placed->fake().Send("GET", "/_fake/permissions").body);
      EXPECT_THAT(asked, IsSupersetOf(used["permissions"].get<std::vector<std::string>>()))
          << "run " << run;
    }
  });
}

TEST(DestinationAccess, NamesTheOneThatIsMissing) {
  ForEachOfGoogle([](Placed* placed) {
    if (placed->harness().row().name == "bigquery") {
      placed->Configure({{"gcs_buffer_bucket", "b"}});
    }
    placed->MustRun("run-1", 1);
    const std::vector<std::string> all = InState(placed->Access(), AccessCheck::State::kGranted);
    EXPECT_THAT(all, Contains("bigquery.tables.updateData"));
    for (const std::string& permission : all) {
      SCOPED_TRACE(permission);
      placed->Deny({permission});
      const std::vector<AccessCheck> checks = placed->Access();
      EXPECT_THAT(InState(checks, AccessCheck::State::kMissing), ElementsAre(permission));
      for (const AccessCheck& check : checks) {
        EXPECT_EQ(check.error.has_value(), check.permission == permission);
        if (!check.error) continue;
        EXPECT_EQ(check.error->code, "permission_missing");
        EXPECT_THAT(check.error->message, HasSubstr(permission + " on the " + check.on));
        EXPECT_THAT(check.error->remedy, HasSubstr("roles/"));
      }
    }
  });
}

TEST(DestinationAccess, NamesTheAccountAndTheCommand) {
  Placed placed("bigquery", PublishMode::kAppend);
  placed.Deny({"bigquery.tables.create"});
  const std::vector<AccessCheck> checks = placed.Access();
  const auto missing = std::find_if(checks.begin(), checks.end(), [](const AccessCheck& check) {
    return check.state == AccessCheck::State::kMissing;
  });
  ASSERT_NE(missing, checks.end());
  EXPECT_EQ(
      missing->error->message,
      "fake@example.com lacks bigquery.tables.create on the dataset p1.d, which is needed for "
      "making the staging");
  EXPECT_THAT(
      missing->error->remedy,
      HasSubstr("bq query --project_id=p1 --use_legacy_sql=false 'GRANT "
                "`roles/bigquery.dataEditor` ON SCHEMA `p1.d` TO \"user:fake@example.com\"'"));
}

// A table that is not there tells nothing: that is said, and no failure.
TEST(DestinationAccess, SaysWhatCannotBeTested) {
  Placed placed("bigquery", PublishMode::kAppend);
  const std::vector<AccessCheck> checks = placed.Access();
  EXPECT_THAT(InState(checks, AccessCheck::State::kMissing), IsEmpty());
  EXPECT_THAT(InState(checks, AccessCheck::State::kUntested),
              ElementsAre("bigquery.tables.updateData", "bigquery.tables.update",
                          "bigquery.tables.delete", "bigquery.tables.getData"));
  // Without bigquery.jobs.create nobody may ask by a dry run.
  placed.Deny({"bigquery.jobs.create"});
  const auto without = placed.Access();
  EXPECT_THAT(InState(without, AccessCheck::State::kMissing), ElementsAre("bigquery.jobs.create"));
  EXPECT_THAT(InState(without, AccessCheck::State::kUntested), Contains("bigquery.tables.create"));
}

// An emulator may know none of the questions.
TEST(DestinationAccess, IsNotMissingWhereNobodyAnswers) {
  Placed placed("bigquery", PublishMode::kAppend);
  placed.MustRun("run-1", 1);
  for (const int status : {404, 405, 501}) {
    placed.fake().Send("DELETE", "/_fake/faults");
    placed.fake().Fault({{"on", "rest"},
                         {"method", "POST"},
                         {"path", "(/jobs|:testIamPermissions)$"},
                         {"times", 1000},
                         {"status", status},
                         {"reason", "unknown"}});
    EXPECT_THAT(InState(placed.Access(), AccessCheck::State::kMissing), IsEmpty()) << status;
  }
}

TEST(DestinationAccess, FindsThePermissionInARefusal) {
  EXPECT_EQ(PermissionNamedIn("Access Denied: Project p: User does not have bigquery.jobs.create "
                              "permission in project p."),
            "bigquery.jobs.create");
  EXPECT_EQ(
      PermissionNamedIn("Access Denied: Dataset p:d: Permission bigquery.tables.create denied "
                        "on dataset p:d (or it may not exist)."),
      "bigquery.tables.create");
  EXPECT_EQ(PermissionNamedIn("enable bigquery.googleapis.com first"), "");
  EXPECT_EQ(PermissionNamedIn("needs storage.objects.get."), "storage.objects.get");
  EXPECT_EQ(PermissionNamedIn(""), "");
}

}  // namespace
}  // namespace bizond
