// What sync/destination.h promises, for every row of the catalogue in every mode that it has, and
// for a destination with only the three methods.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <iostream>

#include "tests/base/temporary_directory.h"
#include "tests/conformance/destination_cases.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

TEST_P(DestinationConformance, PublishesEveryRowByKeyAndHash) {
  MustRun("r1", ManyPages());
  ExpectPublished(ManyPages());
  EXPECT_EQ(harness_.Published().size(), DestinationHarness::Hashed(ManyPages()).size());
  EXPECT_THAT(harness_.Leftovers(), IsEmpty());
}

TEST_P(DestinationConformance, ASecondRunReplacesOrAdds) {
  MustRun("r1", ManyPages());
  const RecordPage more = PlainRecords(2000, 20);
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

INSTANTIATE_TEST_SUITE_P(All, DestinationConformance, ::testing::ValuesIn(DestinationCases()),
                         NameOf);

// ---- those that store their rows in a place ----

class PlacedConformance : public DestinationConformance {};

TEST_P(PlacedConformance, StaysUnderTheRoots) {
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

TEST_P(PlacedConformance, AFolderThatGoesAwayIsAnError) {
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

TEST_P(PlacedConformance, AFullDiskFailsTheRunAndHarmsNothing) {
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

TEST_P(PlacedConformance, AReadOnlyFolderIsSaidAndChangesNothing) {
  constexpr fs::perms kRead =
      fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read;
  constexpr fs::perms kEnter =
      fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
  MustRun("r1", {PlainRecords(1, 5)});
  const auto before = harness_.Published();
  for (const auto& entry : fs::directory_iterator(harness_.folder())) {
    fs::permissions(entry.path(), kRead);
  }
  for (fs::path open = harness_.folder().parent_path(); open != fs::temp_directory_path();
       open = open.parent_path()) {
    fs::permissions(open, kRead | kEnter, fs::perm_options::add);
  }
  fs::permissions(harness_.folder(), kRead | kEnter);
  EXPECT_TRUE(HoldsForOrdinaryUser([&] {
    const Status done = harness_.Run("r2", {PlainRecords(10, 5)});
    const bool said = !done && done.error().kind == ErrorKind::kPermanent &&
                      done.error().code == "file_unwritable" && !done.error().remedy.empty();
    if (!said) std::cerr << (done ? "it succeeded" : Describe(done.error())) << '\n';
    return said;
  }));
  fs::permissions(harness_.folder(), fs::perms::owner_all);
  EXPECT_EQ(harness_.Published(), before);
}

INSTANTIATE_TEST_SUITE_P(All, PlacedConformance, ::testing::ValuesIn(DestinationCases(Placed)),
                         NameOf);

}  // namespace
}  // namespace bizond
