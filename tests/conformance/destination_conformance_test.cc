// What sync/destination.h promises, for every row of the catalogue in every mode that it has, and
// for a destination with only the three methods that is defined here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <set>

#include "base/fs.h"
#include "destinations/catalog.h"
#include "destinations/divergence.h"
#include "tests/conformance/destination_harness.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

// ---- a destination with three methods ----

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

// ---- the cases ----

struct Case {
  const DestinationDescriptor* row;
  DestinationFixture (*fixture)();
  PublishMode mode;
};

std::ostream& operator<<(std::ostream& out, const Case& shown) {
  return out << shown.row->name << ' ' << PublishModeName(shown.mode);
}

std::string NameOf(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.row->name) + "_" + std::string(PublishModeName(info.param.mode));
}

// A row without a fixture is left out here and fails EveryRowHasAFixture below.
std::vector<Case> Cases(bool only_exactly_once) {
  std::vector<Case> cases;
  const auto add = [&](const DestinationDescriptor& row, DestinationFixture (*make)()) {
    if (only_exactly_once && !row.exactly_once) return;
    for (const PublishMode mode :
         {PublishMode::kReplace, PublishMode::kAppend, PublishMode::kMerge, PublishMode::kDirect}) {
      if (mode != PublishMode::kMerge || row.merge) cases.push_back({&row, make, mode});
    }
  };
  for (const DestinationDescriptor& row : DestinationCatalog()) {
    for (const FixtureRow& fixture : DestinationFixtures()) {
      if (fixture.name == row.name) add(row, fixture.make);
    }
  }
  add(kThreeMethods, ThreeMethodsFixture);
  return cases;
}

class DestinationConformance : public ::testing::TestWithParam<Case> {
 protected:
  DestinationHarness harness_{*GetParam().row, GetParam().fixture(), GetParam().mode};

  bool exactly_once() const { return GetParam().row->exactly_once; }
  bool replaces() const { return GetParam().mode == PublishMode::kReplace; }

  void MustRun(const std::string& run, const Pages& pages) {
    const Status done = harness_.Run(run, pages);
    ASSERT_TRUE(done) << run << ": " << Describe(done.error());
  }
  // All of these and no others, each once; at least once: all of these at the least.
  void ExpectPublished(const Pages& pages) {
    const std::vector<std::string> expected = DestinationHarness::Hashed(pages);
    const std::vector<std::string> found = harness_.Published();
    if (exactly_once()) {
      EXPECT_EQ(found, expected);
      return;
    }
    const std::set<std::string> distinct(found.begin(), found.end());
    for (const std::string& row : expected) EXPECT_TRUE(distinct.contains(row)) << row;
  }
};

const Pages& ManyPages() {
  static const Pages pages = {HardRecords(), PlainRecords(100, 700), {}, PlainRecords(1000, 3)};
  return pages;
}

TEST_P(DestinationConformance, PublishesEveryRowByKeyAndHash) {
  MustRun("r1", ManyPages());
  ExpectPublished(ManyPages());
  EXPECT_EQ(harness_.Published().size(), DestinationHarness::Hashed(ManyPages()).size());
  EXPECT_THAT(harness_.Leftovers(), IsEmpty());
}

TEST_P(DestinationConformance, ASecondRunReplacesOrAdds) {
  MustRun("r1", ManyPages());
  const Page more = PlainRecords(2000, 20);
  MustRun("r2", {more});
  ExpectPublished(replaces() && exactly_once() ? Pages{more} : [&] {
    Pages all = ManyPages();
    all.push_back(more);
    return all;
  }());
}

TEST_P(DestinationConformance, ARunWithoutRowsIsARun) {
  MustRun("r0", {});
  MustRun("r1", {PlainRecords(1, 3)});
  MustRun("r2", {});
  ExpectPublished(replaces() ? Pages{} : Pages{PlainRecords(1, 3)});
  MustRun("r3", {PlainRecords(4, 3)});
  ExpectPublished(replaces() ? Pages{PlainRecords(4, 3)} : Pages{PlainRecords(1, 6)});
}

TEST_P(DestinationConformance, CheckingChangesNothing) {
  for (int i = 0; i < 2; ++i) {
    auto made = harness_.Make();
    ASSERT_TRUE(made) << Describe(made.error());
    EXPECT_EQ((*made)->ExactlyOnce(), exactly_once());
    const Status checked = (*made)->CheckConnection({});
    EXPECT_TRUE(checked) << Describe(checked.error());
    made->reset();
    if (i == 0) {
      EXPECT_TRUE(fs::is_empty(harness_.folder()));
      MustRun("r1", {PlainRecords(1, 2)});
    }
  }
  ExpectPublished({PlainRecords(1, 2)});
}

// A name works whole, or the job is told that it cannot be one. Nothing in between.
TEST_P(DestinationConformance, TakesHostileNamesOrRefusesThem) {
  const std::string names[] = {"two words",
                               "na\xc3\xafve \xe2\x98\x83",
                               "x'; DROP TABLE y; --",
                               "a\"b`c[d]",
                               "-rf",
                               "%2e%2e",
                               "100%s{}",
                               "a\\b",
                               "..",
                               ".",
                               "sqlite_master",
                               "_bizond_ledger",
                               "nul\0byte",
                               std::string("nul\0byte", 8),
                               std::string(300, 'n'),
                               "CON.txt"};
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    DestinationHarness harness(*GetParam().row, GetParam().fixture(), GetParam().mode);
    harness.PlaceIn("", name);
    const Status done = harness.Run("r1", {PlainRecords(1, 3)});
    if (done) {
      EXPECT_EQ(harness.Published().size(), 3U);
    } else {
      EXPECT_NE(done.error().kind, ErrorKind::kTransient) << Describe(done.error());
      EXPECT_FALSE(done.error().remedy.empty()) << Describe(done.error());
      EXPECT_THAT(harness.Leftovers(), IsEmpty());
    }
  }
}

TEST_P(DestinationConformance, StaysUnderTheRoots) {
  if (!harness_.fixture().place) GTEST_SKIP() << "it stores nothing that has a place";
  const fs::path outside = harness_.folder().parent_path() / "outside";
  fs::create_directory(outside);
  fs::create_directory_symlink(outside, harness_.folder() / "link");
  for (const std::string& directory : {std::string("../outside"), outside.string(),
                                       std::string("link"), std::string("a/../../outside")}) {
    SCOPED_TRACE(directory);
    harness_.PlaceIn(directory);
    harness_.ForgetRun();
    const Status done = harness_.Run("r1", {PlainRecords(1, 3)});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, "outside_roots") << Describe(done.error());
  }
  EXPECT_TRUE(fs::is_empty(outside));
}

TEST_P(DestinationConformance, AFolderThatGoesAwayIsAnError) {
  if (!harness_.fixture().place) GTEST_SKIP() << "it stores nothing that has a place";
  {
    harness_.PlaceIn("deep/er");
    auto made = harness_.Make();
    ASSERT_TRUE(made);
    ASSERT_TRUE((*made)->Open(harness_.Request("r1"), {}));
    ASSERT_TRUE(harness_.Write(made->get(), PlainRecords(1, 5)));
    fs::remove_all(harness_.folder() / "deep");
    // Which of them notices is the destination's affair; none may pretend, or fall over.
    Result<std::string> done = (*made)->Flush();
    if (done) done = (*made)->Prepare();
    if (done) done = (*made)->Finalize(*done);
    if (done && GetParam().mode == PublishMode::kDirect) {
      // The rows were durable before: then the next run must miss them.
      made->reset();
      harness_.receipt = *done;
      done = harness_.Run("r1b", {}).map([] { return std::string(); });
      ASSERT_FALSE(done);
      EXPECT_EQ(done.error().code, "target_diverged");
    }
    EXPECT_FALSE(done);
    fs::remove_all(harness_.folder() / "deep");
    harness_.receipt.reset();
    harness_.ForgetRun();
  }
  harness_.PlaceIn("");
  MustRun("r2", {PlainRecords(1, 5)});
  ExpectPublished({PlainRecords(1, 5)});
}

// Files may grow to this size only: as a full disk, met in the middle of a write.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_P(DestinationConformance, AFullDiskFailsTheRunAndHarmsNothing) {
  if (!harness_.fixture().place) GTEST_SKIP() << "it stores nothing that has a place";
  MustRun("r1", {PlainRecords(1, 50)});
  const Pages large = {PlainRecords(100, 20'000)};
  Status done;
  {
    const FileSizeLimit limit(256 << 10);
    done = harness_.Run("r2", large);
  }
  ASSERT_FALSE(done);
  EXPECT_FALSE(done.error().remedy.empty()) << Describe(done.error());
  if (exactly_once() && GetParam().mode != PublishMode::kDirect) {
    ExpectPublished({PlainRecords(1, 50)});
  }
  const Status again = harness_.Run("r2", large);  // There is room now.
  ASSERT_TRUE(again) << Describe(again.error());
  ExpectPublished(replaces() && exactly_once() ? large : Pages{PlainRecords(1, 50), large[0]});
  EXPECT_THAT(harness_.Leftovers(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, DestinationConformance, ::testing::ValuesIn(Cases(false)), NameOf);

// ---- exactly once ----

class ExactlyOnceConformance : public DestinationConformance {};

// A death after each call of a run, and then a second one after each call of the attempt that
// follows: the rows are there once, and the next run works.
TEST_P(ExactlyOnceConformance, SurvivesADeathAfterEveryCall) {
  const Pages first = {PlainRecords(1, 5)};
  const Pages pages = {PlainRecords(10, 400), HardRecords(), PlainRecords(3000, 3)};
  Pages expected = replaces() ? pages : first;
  if (!replaces()) expected.insert(expected.end(), pages.begin(), pages.end());
  for (int death = 1; death <= 16; ++death) {
    for (int second = 0; second <= 6; second += 3) {
      SCOPED_TRACE(testing::Message() << "death after call " << death << ", then " << second);
      DestinationHarness harness(*GetParam().row, GetParam().fixture(), GetParam().mode);
      const Pages ordinary = {PlainRecords(1, 5)};
      ASSERT_TRUE(harness.Run("r1", ordinary));
      int64_t fence = 1;
      for (const int calls : {death, second, 0}) {
        harness.set_fence(++fence);
        harness.DieAfter(calls);
        const Status done = harness.Run("r2", pages);
        if (done) break;
        ASSERT_EQ(done.error().code, "died") << Describe(done.error());
      }
      harness.DieAfter(0);
      std::vector<std::string> hashed = DestinationHarness::Hashed(expected);
      if (GetParam().mode == PublishMode::kMerge) {
        // HardRecords have the keys 1 to 9, and the same cursors: they take the places.
        hashed = DestinationHarness::Hashed(pages);
      }
      EXPECT_EQ(harness.Published(), hashed);
      EXPECT_THAT(harness.Leftovers(), IsEmpty());
      const Status next = harness.Run("r3", {PlainRecords(5000, 2)});
      ASSERT_TRUE(next) << Describe(next.error());
    }
  }
}

// The first run of all dies before anything of it was remembered.
TEST_P(ExactlyOnceConformance, TheFirstRunMayDieAnywhere) {
  const Pages pages = {PlainRecords(10, 3000), PlainRecords(9000, 3)};
  for (int death = 1; death <= 14; ++death) {
    SCOPED_TRACE(testing::Message() << "death after call " << death);
    DestinationHarness harness(*GetParam().row, GetParam().fixture(), GetParam().mode);
    harness.DieAfter(death);
    const Status died = harness.Run("r1", pages);
    if (!died) {
      ASSERT_EQ(died.error().code, "died") << Describe(died.error());
      harness.DieAfter(0);
      harness.set_fence(2);
      const Status done = harness.Run("r1", pages);
      ASSERT_TRUE(done) << Describe(done.error());
    }
    EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(pages));
  }
}

TEST_P(ExactlyOnceConformance, DiscardLeavesTheTarget) {
  if (GetParam().mode == PublishMode::kDirect) GTEST_SKIP() << "a stream has no staging";
  MustRun("r1", {HardRecords()});
  {
    auto made = harness_.Make();
    ASSERT_TRUE((*made)->Open(harness_.Request("r2"), {}));
    ASSERT_TRUE(harness_.Write(made->get(), PlainRecords(100, 50)));
    ASSERT_TRUE((*made)->Flush());
    ASSERT_TRUE((*made)->Discard());
    ASSERT_TRUE((*made)->Discard());
  }
  ExpectPublished({HardRecords()});
  EXPECT_THAT(harness_.Leftovers(), IsEmpty());
}

TEST_P(ExactlyOnceConformance, ACancelledFirstRunLeavesNoTarget) {
  if (GetParam().mode == PublishMode::kDirect) GTEST_SKIP() << "a stream has no staging";
  auto made = harness_.Make();
  ASSERT_TRUE((*made)->Open(harness_.Request("r1"), {}));
  ASSERT_TRUE(harness_.Write(made->get(), PlainRecords(1, 50)));
  ASSERT_TRUE((*made)->Discard());
  EXPECT_THAT(harness_.Published(), IsEmpty());
  EXPECT_THAT(harness_.Leftovers(), IsEmpty());
}

TEST_P(ExactlyOnceConformance, KeepsASecondAttemptOut) {
  auto first = harness_.Make();
  auto second = harness_.Make();
  ASSERT_TRUE((*first)->Open(harness_.Request("r1"), {}));
  const Status opened = (*second)->Open(harness_.Request("r2"), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "target_locked");
  EXPECT_EQ((*first)->CanonicalTarget(), (*second)->CanonicalTarget());
  EXPECT_NE((*first)->CanonicalTarget(), "");
}

TEST_P(ExactlyOnceConformance, RefusesAnAttemptThatWasOvertaken) {
  if (!harness_.fixture().fences) GTEST_SKIP() << "its lock is all that keeps attempts apart";
  MustRun("r1", {PlainRecords(1, 5)});
  harness_.set_fence(7);
  harness_.DieAfter(3);
  EXPECT_FALSE(harness_.Run("r2", {PlainRecords(10, 5)}));
  harness_.set_fence(6);
  harness_.DieAfter(0);
  const Status stale = harness_.Run("r2", {PlainRecords(10, 5)});
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, "fenced");
  harness_.set_fence(8);
  MustRun("r2", {PlainRecords(10, 5)});
  EXPECT_EQ(harness_.Published().size(), replaces() ? 5U : 10U);
}

TEST_P(ExactlyOnceConformance, NoticesATargetThatIsNotTheLastPublication) {
  if (replaces()) GTEST_SKIP() << "a replacement needs nothing of the old one";
  MustRun("r1", {PlainRecords(1, 5)});
  const auto receipt = harness_.receipt;
  harness_.receipt.reset();
  const Status unknown = harness_.Run("r2", {PlainRecords(10, 5)});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, "target_diverged");
  EXPECT_FALSE(unknown.error().remedy.empty());
  harness_.ForgetRun();
  harness_.receipt = receipt;
  for (const auto& entry : fs::directory_iterator(harness_.folder())) fs::remove_all(entry.path());
  const Status removed = harness_.Run("r3", {PlainRecords(10, 5)});
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, "target_diverged");
  harness_.ForgetRun();
  harness_.job().destination.on_target_changed = OnTargetChanged::kContinue;
  MustRun("r4", {PlainRecords(10, 5)});
  EXPECT_EQ(harness_.Published(), DestinationHarness::Hashed({PlainRecords(10, 5)}));
}

TEST_P(ExactlyOnceConformance, StopsWhenAsked) {
  std::stop_source stop;
  auto made = harness_.Make();
  ASSERT_TRUE((*made)->Open(harness_.Request("r1"), stop.get_token()));
  stop.request_stop();
  const Status written = harness_.Write(made->get(), PlainRecords(1, 5));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kStopped);
}

TEST_P(ExactlyOnceConformance, RefusesWordsThatItDoesNotKnow) {
  for (const std::string bad : {"garbage", "{}", "{\"v\":99}", "[1]", "null"}) {
    SCOPED_TRACE(bad);
    auto made = harness_.Make();
    OpenRequest request = harness_.Request("r1");
    request.mark = bad;
    const Status opened = (*made)->Open(request, {});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kPermanent);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExactlyOnceConformance, ::testing::ValuesIn(Cases(true)), NameOf);

// ---- merge ----

class MergeConformance : public DestinationConformance {};

TEST_P(MergeConformance, KeepsTheGreatestCursorOfEachKey) {
  MustRun("r1", {{R"({"id":1,"at":10,"v":"a"})", R"({"id":2,"at":10,"v":"a"})",
                  R"({"id":3,"at":10,"v":"a"})", R"({"id":4,"at":9,"v":"older"})"},
                 {R"({"id":4,"at":10,"v":"newer"})", R"({"id":4,"at":8,"v":"oldest"})"}});
  MustRun("r2", {{R"({"id":1,"at":9,"v":"late"})", R"({"id":2,"at":10,"v":"same cursor"})",
                  R"({"id":3,"at":11,"v":"newer"})", R"({"id":5,"at":1,"v":"new"})"}});
  ExpectPublished({{R"({"id":1,"at":10,"v":"a"})", R"({"id":2,"at":10,"v":"same cursor"})",
                    R"({"id":3,"at":11,"v":"newer"})", R"({"id":4,"at":10,"v":"newer"})",
                    R"({"id":5,"at":1,"v":"new"})"}});
}

TEST_P(MergeConformance, AResetPublishesEachKeyOnce) {
  MustRun("r1", {PlainRecords(1, 5)});
  harness_.set_mode(PublishMode::kReplace);
  MustRun("r2", {{R"({"id":1,"at":2,"v":"b"})", R"({"id":1,"at":1,"v":"a"})"}});
  ExpectPublished({{R"({"id":1,"at":2,"v":"b"})"}});
  harness_.set_mode(PublishMode::kMerge);
  MustRun("r3", {{R"({"id":1,"at":3,"v":"c"})"}});
  ExpectPublished({{R"({"id":1,"at":3,"v":"c"})"}});
}

std::vector<Case> MergeCases() {
  std::vector<Case> cases = Cases(true);
  std::erase_if(cases, [](const Case& one) { return one.mode != PublishMode::kMerge; });
  return cases;
}
INSTANTIATE_TEST_SUITE_P(All, MergeConformance, ::testing::ValuesIn(MergeCases()), NameOf);

// ---- permissions: as a user who is not root ----

class DestinationUnprivileged : public DestinationConformance {};

TEST_P(DestinationUnprivileged, AReadOnlyFolderIsSaidAndChangesNothing) {
  if (!harness_.fixture().place) GTEST_SKIP() << "it stores nothing that has a place";
  MustRun("r1", {PlainRecords(1, 5)});
  const auto before = harness_.Published();
  for (const auto& entry : fs::directory_iterator(harness_.folder())) {
    fs::permissions(entry.path(), fs::perms::owner_read);
  }
  fs::permissions(harness_.folder(), fs::perms::owner_read | fs::perms::owner_exec);
  const Status done = harness_.Run("r2", {PlainRecords(10, 5)});
  fs::permissions(harness_.folder(), fs::perms::owner_all);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kPermanent) << Describe(done.error());
  EXPECT_EQ(done.error().code, "file_unwritable") << Describe(done.error());
  EXPECT_FALSE(done.error().remedy.empty());
  EXPECT_EQ(harness_.Published(), before);
}

INSTANTIATE_TEST_SUITE_P(All, DestinationUnprivileged, ::testing::ValuesIn(Cases(false)), NameOf);

}  // namespace
}  // namespace bizond
