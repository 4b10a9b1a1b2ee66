// Held runs and late jobs, as the API shows them.
#include <gmock/gmock.h>

#include "tests/web/web_fixture.h"

namespace bizond {
namespace {

using ::testing::HasSubstr;

class HeldApiTest : public WebTest {
 protected:
  HeldApiTest() { Start(); }

  // A run of the job that a check holds back.
  std::string Hold(const std::string& job) {
    const std::string id = Post("/api/v1/jobs/" + job + "/runs", json::object()).body["id"];
    const Error why{ErrorKind::kPermanent, "held_min_rows", "0 rows are staged", "look",
                    std::nullopt};
    const Status held = store_->Write([&](StoreTx& tx) -> Status {
      BIZOND_ASSIGN_OR_RETURN(const int64_t fence, tx.ClaimRun(id, "test", clock_.Now()));
      return tx.FinishRun(id, fence, RunPhase::kHeld, why, clock_.Now());
    });
    EXPECT_TRUE(held);
    return "/api/v1/runs/" + id;
  }
};

TEST_F(HeldApiTest, AHeldRunIsApprovedOnce) {
  Submit("j");
  const std::string run = Hold("j");
  EXPECT_EQ(Get(run).body["state"], "held");
  EXPECT_EQ(Get(run).body["error"]["code"], "held_min_rows");
  EXPECT_EQ(Get("/api/v1/jobs/j").body["health"], "held");
  EXPECT_THAT(Get("/metrics").text, HasSubstr("bizond_job_held{bizond_job=\"j\"} 1"));
  EXPECT_EQ(Post(run + "/retry", json::object()).code(), "run_held");
  const Answer approved = Post(run + "/approve", json::object());
  EXPECT_EQ(approved.status, 202);
  EXPECT_EQ(approved.body["state"], "queued");
  const Answer again = Post(run + "/approve", json::object());
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "run_not_held");
  EXPECT_EQ(Post("/api/v1/runs/none/approve", json::object()).status, 404);
  EXPECT_EQ(Post(run + "/approve", {{"x", 1}}).status, 400);
  EXPECT_EQ(Get(run + "/approve").status, 405);
}

TEST_F(HeldApiTest, ACancelOfAHeldRunIsAnAttemptThatRemovesItsStaging) {
  Submit("j");
  const std::string run = Hold("j");
  const Answer cancelled = Post(run + "/cancel", json::object());
  EXPECT_EQ(cancelled.status, 200);
  EXPECT_EQ(cancelled.body["state"], "queued");
  EXPECT_EQ(cancelled.body["stop_requested"], true);
}

TEST_F(HeldApiTest, AJobIsLateAgainstItsOwnFreshness) {
  json job = Definition("j");
  job["checks"] = {{"freshness", "1h"}};
  ASSERT_EQ(Post("/api/v1/jobs", job).status, 201);
  const json fresh = Get("/api/v1/jobs/j").body;
  EXPECT_EQ(fresh["late"], false);
  EXPECT_EQ(fresh["freshness"]["limit"], "1h");
  EXPECT_EQ(fresh["freshness"]["since"], fresh["created_at"]);
  job["checks"] = {{"freshness", 0.000001}};
  ASSERT_EQ(Ask("PUT", "/api/v1/jobs/j", job.dump()).status, 200);
  const json late = Get("/api/v1/jobs/j").body;
  EXPECT_EQ(late["late"], true);
  EXPECT_EQ(late["health"], "late");
  EXPECT_THAT(Get("/metrics").text, HasSubstr("bizond_job_late{bizond_job=\"j\"} 1"));
  Submit("without");
  EXPECT_TRUE(Get("/api/v1/jobs/without").body["freshness"].is_null());
  job["checks"] = {{"freshnes", "1h"}};
  const Answer wrong = Ask("PUT", "/api/v1/jobs/j", job.dump());
  EXPECT_EQ(wrong.status, 422);
  EXPECT_THAT(wrong.text, HasSubstr("freshness"));
}

}  // namespace
}  // namespace bizond
