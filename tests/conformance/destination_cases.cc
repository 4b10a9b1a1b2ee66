#include "tests/conformance/destination_cases.h"

#include "base/fs.h"
#include "destinations/catalog.h"

namespace bizond {
namespace {

class ThreeMethods final : public Destination {
 public:
  explicit ThreeMethods(Location place) : place_(std::move(place)) {}
  Status CheckConnection(std::stop_token) override { return {}; }
  Status WriteRecords(const RecordBatch& batch) override {
    if (!file_.valid()) {
      BIZOND_ASSIGN_OR_RETURN(file_, place_.root.OpenFile(place_.path, OpenMode::kAppend));
    }
    for (const Record& record : batch.records()) {
      BIZOND_RETURN_IF_ERROR(file_.WriteAll(std::string(record.data) + "\n"));
    }
    return {};
  }
  Status Finalize() override { return file_.valid() ? file_.Sync() : Status{}; }

 private:
  Location place_;
  File file_;
};

constexpr DestinationDescriptor kThreeMethods = {
    .name = "three_methods",
    .summary = "lines of a file",
    .exactly_once = false,
    .merge = false,
    .open = [](const ConnectorArgs& args) -> Result<std::unique_ptr<Destination>> {
      BIZOND_ASSIGN_OR_RETURN(Location place, args.roots.Resolve("three_methods.ndjson"));
      return std::make_unique<ThreeMethods>(std::move(place));
    }};

DestinationFixture ThreeMethodsFixture() {
  return {.place = {},
          .read =
              [](const TestTarget& target) {
                return RowsOfLines(target.folder / "three_methods.ndjson");
              },
          .leftovers = {}};
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const DestinationCase& shown) {
  out << shown.row->name << ' ' << PublishModeName(shown.mode);
  return shown.emulator ? out << " over bqemulator" : out;
}

std::string NameOf(const ::testing::TestParamInfo<DestinationCase>& info) {
  std::string name(info.param.row->name);
  name += "_" + std::string(PublishModeName(info.param.mode));
  return info.param.emulator ? name + "_over_bqemulator" : name;
}

bool ExactlyOnce(const DestinationCase& tested) { return tested.row->exactly_once; }

bool Staged(const DestinationCase& tested) {
  return ExactlyOnce(tested) && tested.mode != PublishMode::kDirect;
}

bool Adds(const DestinationCase& tested) {
  return ExactlyOnce(tested) && tested.mode != PublishMode::kReplace;
}

bool Fenced(const DestinationCase& tested) {
  return ExactlyOnce(tested) && tested.fixture().fences;
}

bool Merges(const DestinationCase& tested) {
  return ExactlyOnce(tested) && tested.mode == PublishMode::kMerge;
}

bool Placed(const DestinationCase& tested) {
  const DestinationFixture fixture = tested.fixture();
  return fixture.place != nullptr && fixture.drop == nullptr;
}

std::vector<DestinationCase> DestinationCases(CaseFilter fits) {
  std::vector<DestinationCase> cases;
  const auto add = [&](const DestinationDescriptor& row, DestinationFixture (*make)(),
                       bool emulator = false) {
    for (const PublishMode mode :
         {PublishMode::kReplace, PublishMode::kAppend, PublishMode::kMerge, PublishMode::kDirect}) {
      if (mode == PublishMode::kMerge && !row.merge) continue;
      const DestinationCase tested{&row, make, mode, emulator};
      if (fits == nullptr || fits(tested)) cases.push_back(tested);
    }
  };
  for (const DestinationDescriptor& row : DestinationCatalog()) {
    for (const FixtureRow& fixture : DestinationFixtures()) {
      if (fixture.name == row.name) add(row, fixture.make);
    }
    for (const FixtureRow& fixture : EmulatorFixtures()) {
      if (fixture.name == row.name) add(row, fixture.make, /*emulator=*/true);
    }
  }
  add(kThreeMethods, ThreeMethodsFixture);
  return cases;
}

}  // namespace bizond
