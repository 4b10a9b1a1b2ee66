// What a destination that calls itself exactly once promises: whenever a run dies, each row is
// there once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/conformance/destination_cases.h"

namespace bizond {
namespace {

using ::testing::IsEmpty;

class ExactlyOnceConformance : public DestinationConformance {};

// A death after each call of a run, and then a second one after each call of the attempt that
// follows: the rows are there once, and the next run works.
TEST_P(ExactlyOnceConformance, SurvivesADeathAfterEveryCall) {
  const Pages first = {PlainRecords(1, 5)};
  const Pages pages = {PlainRecords(10, 400), HardRecords(), PlainRecords(3000, 3)};
  Pages expected = replaces() ? pages : first;
  if (!replaces()) expected.insert(expected.end(), pages.begin(), pages.end());
  const int second_most = GetParam().emulator ? 0 : 6;  // It takes its time.
  for (int death = 1; death <= 16; ++death) {
    for (int second = 0; second <= second_most; second += 3) {
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
      if (LeftOut("SurvivesADeathAfterEveryCall.leftovers").empty()) {
        EXPECT_THAT(harness.Leftovers(), IsEmpty());
      }
      if (!LeftOut("SurvivesADeathAfterEveryCall.next").empty()) continue;
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

INSTANTIATE_TEST_SUITE_P(All, ExactlyOnceConformance,
                         ::testing::ValuesIn(DestinationCases(ExactlyOnce)), NameOf);

// ---- what some modes and targets promise beside that ----

class StagedConformance : public DestinationConformance {};

TEST_P(StagedConformance, DiscardLeavesTheTarget) {
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

TEST_P(StagedConformance, ACancelledFirstRunLeavesNoTarget) {
  auto made = harness_.Make();
  ASSERT_TRUE((*made)->Open(harness_.Request("r1"), {}));
  ASSERT_TRUE(harness_.Write(made->get(), PlainRecords(1, 50)));
  ASSERT_TRUE((*made)->Discard());
  EXPECT_THAT(harness_.Published(), IsEmpty());
  EXPECT_THAT(harness_.Leftovers(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, StagedConformance, ::testing::ValuesIn(DestinationCases(Staged)),
                         NameOf);

class FencedConformance : public DestinationConformance {};

TEST_P(FencedConformance, RefusesAnAttemptThatWasOvertaken) {
  MustRun("r1", {PlainRecords(1, 5)});
  harness_.set_fence(7);
  harness_.DieAfter(4);  // Behind the first Flush.
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

INSTANTIATE_TEST_SUITE_P(All, FencedConformance, ::testing::ValuesIn(DestinationCases(Fenced)),
                         NameOf);

class AddingConformance : public DestinationConformance {};

TEST_P(AddingConformance, NoticesATargetThatIsNotTheLastPublication) {
  MustRun("r1", {PlainRecords(1, 5)});
  const auto receipt = harness_.receipt;
  harness_.receipt.reset();
  const Status unknown = harness_.Run("r2", {PlainRecords(10, 5)});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, "target_diverged");
  EXPECT_FALSE(unknown.error().remedy.empty());
  harness_.ForgetRun();
  harness_.receipt = receipt;
  harness_.DropTarget();
  const Status removed = harness_.Run("r3", {PlainRecords(10, 5)});
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, "target_diverged");
  harness_.ForgetRun();
  harness_.job().destination.on_target_changed = OnTargetChanged::kContinue;
  MustRun("r4", {PlainRecords(10, 5)});
  EXPECT_EQ(harness_.Published(), DestinationHarness::Hashed({PlainRecords(10, 5)}));
}

INSTANTIATE_TEST_SUITE_P(All, AddingConformance, ::testing::ValuesIn(DestinationCases(Adds)),
                         NameOf);

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

INSTANTIATE_TEST_SUITE_P(All, MergeConformance, ::testing::ValuesIn(DestinationCases(Merges)),
                         NameOf);

}  // namespace
}  // namespace bizond
