// What a scrape says of fires that did not run, and of runs that wait.
#include <gmock/gmock.h>

#include <functional>

#include "tests/web/web_fixture.h"

namespace bizond {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public WebTest {
 protected:
  void SetUp() override {
    Start();
    now_ = clock_.Now();
    Must([&](StoreTx& tx) -> Status {
      JobRow job;
      job.name = "j";
      job.definition = "{}";
      job.managed_by = "api";
      job.created_at = job.updated_at = now_;
      BIZOND_RETURN_IF_ERROR(tx.PutJob(job));
      return {};
    });
  }
  void Must(const std::function<Status(StoreTx&)>& change) {
    const Status written = store_->Write(change);
    ASSERT_TRUE(written) << Describe(written.error());
  }
  // Of a metric without labels.
  static double Value(const std::string& text, const std::string& name) {
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }
  UtcTime now_;
};

TEST_F(MetricsTest, FiresAreCountedByStateAndReason) {
  Must([&](StoreTx& tx) -> Status {
    for (int i = 1; i <= 3; ++i) {
      BIZOND_RETURN_IF_ERROR(
          tx.InsertOccurrence({"j", now_ - seconds(i), "missed", "downtime", "", now_}));
    }
    BIZOND_RETURN_IF_ERROR(
        tx.InsertOccurrence({"j", now_ - seconds(9), "skipped", "overlap", "", now_}));
    return {};
  });
  const std::string text = Get("/metrics").text;
  EXPECT_THAT(text, HasSubstr("# TYPE bizond_job_occurrences_total counter"));
  EXPECT_THAT(text, HasSubstr("bizond_job_occurrences_total{bizond_job=\"j\",state=\"missed\","
                              "reason=\"downtime\"} 3"));
  EXPECT_THAT(text, HasSubstr("bizond_job_occurrences_total{bizond_job=\"j\",state=\"skipped\","
                              "reason=\"overlap\"} 1"));
  EXPECT_THAT(text, HasSubstr("bizond_job_last_occurrence_timestamp_seconds{bizond_job=\"j\","
                              "state=\"missed\",reason=\"downtime\"}"));
  EXPECT_THAT(text, Not(HasSubstr("{job="))) << "a scrape renames it";
}

TEST_F(MetricsTest, RunsThatWaitAndFiresThatAreDueAreSeen) {
  Must([&](StoreTx& tx) -> Status {
    RunRow run;
    run.id = "r";
    run.job = "j";
    run.job_version = 1;
    run.trigger = "api";
    run.queued_at = run.not_before = now_ - seconds(40);
    BIZOND_RETURN_IF_ERROR(tx.InsertRun(run));
    return tx.PutSchedule({"j", now_ - seconds(90), std::nullopt, ""});
  });
  const std::string text = Get("/metrics").text;
  EXPECT_THAT(text, HasSubstr("bizond_runs_active{state=\"queued\"} 1"));
  EXPECT_THAT(text, HasSubstr("bizond_runs_waiting{waits_for=\"pool\"} 0"));
  EXPECT_THAT(text, Not(HasSubstr("bizond_runs_waiting_oldest_seconds 0")));
  EXPECT_GE(Value(text, "bizond_scheduler_lag_seconds"), 90);
}

TEST_F(MetricsTest, AFollowersLagCountsFromTheEndThatMadeItDue) {
  EXPECT_EQ(Value(Get("/metrics").text, "bizond_scheduler_lag_seconds"), 0);
  Must([&](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(
        tx.InsertOccurrence({"j", now_ - seconds(5), "queued", "", "", now_ - seconds(5)}));
    return tx.PutSchedule({"j", kDueAtOnce, std::nullopt, "upstream"});
  });
  const double lag = Value(Get("/metrics").text, "bizond_scheduler_lag_seconds");
  EXPECT_GE(lag, 5);
  EXPECT_LT(lag, 3600);
}

}  // namespace
}  // namespace bizond
