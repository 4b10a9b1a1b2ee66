// Jobs whose last success is too long ago.
#include "scheduler/freshness.h"

#include <gmock/gmock.h>

#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FreshnessTest : public JobFixture {
 protected:
  bool IsLate() { return FreshnessOf(*Job("a")).value().IsLate(clock_.Now()); }
  // The changes that events told of.
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    const auto events =
        store_->Query([](const StoreReader& reader) { return reader.EventsAfter(0, 1000); });
    for (const EventRow& event : events.value()) {
      const auto detail = nlohmann::json::parse(event.detail);
      if (event.kind == "job" && detail.value("change", "") == "late")
        told.push_back(event.subject);
    }
    return told;
  }
};

TEST_F(FreshnessTest, CountsFromTheLastSuccessOrTheJobsBirth) {
  MustPut(DummyJob("a", {{"checks", {{"freshness", "2h"}}}}));
  clock_.Advance(hours(2));
  EXPECT_FALSE(IsLate());
  clock_.Advance(minutes(1));
  EXPECT_TRUE(IsLate());
  Finish(MustTrigger("a").id, RunPhase::kFailed);
  EXPECT_TRUE(IsLate());
  Finish(MustTrigger("a").id, RunPhase::kSucceeded);
  EXPECT_FALSE(IsLate());
  MustPut(DummyJob("a"));
  EXPECT_FALSE(FreshnessOf(*Job("a")));
}

TEST_F(FreshnessTest, EachLatenessIsToldOnce) {
  MustPut(DummyJob("a", {{"checks", {{"freshness", 3600}}}}));
  FreshnessWatch watch(store_.get(), &clock_);
  EXPECT_FALSE(watch.Turn());
  EXPECT_THAT(Told(), IsEmpty());
  clock_.Advance(hours(2));
  watch.Turn();
  clock_.Advance(minutes(2));
  watch.Turn();
  EXPECT_THAT(Told(), ElementsAre("a"));
  Finish(MustTrigger("a").id, RunPhase::kSucceeded);
  clock_.Advance(minutes(2));
  watch.Turn();
  clock_.Advance(hours(2));
  watch.Turn();
  EXPECT_THAT(Told(), ElementsAre("a", "a"));
}

}  // namespace
}  // namespace bizond
