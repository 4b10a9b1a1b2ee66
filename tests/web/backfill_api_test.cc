// Backfills over the API.
#include <gmock/gmock.h>

#include "tests/web/web_fixture.h"

namespace bizond {
namespace {

using ::testing::HasSubstr;

class BackfillApiTest : public WebTest {
 protected:
  void SetUp() override {
    Start();
    json job = Definition("j");
    job["source"]["sync_mode"] = "incremental";
    job["source"]["cursor_field"] = "updated_at";
    job["source"]["primary_key"] = "id";
    job["destination"] = {
        {"name", "sqlite"},
        {"config", {{"path", "j.db"}, {"destination_id", "t"}, {"write", "merge"}}}};
    ASSERT_EQ(Post("/api/v1/jobs", job).status, 201);
    job["name"] = "append";
    job["destination"]["config"] = {{"path", "k.db"}, {"destination_id", "t"}};
    ASSERT_EQ(Post("/api/v1/jobs", job).status, 201);
  }
  Answer Backfill(const json& body, const std::string& job = "j") {
    return Post("/api/v1/jobs/" + job + "/backfill", body);
  }
};

TEST_F(BackfillApiTest, ItIsShownFirstThenQueuedThenTakenBack) {
  json body = {{"from", "2026-11-01"}, {"to", "2026-11-08T12:00:00Z"}, {"slice", "3d"}};
  body["dry_run"] = true;
  const Answer shown = Backfill(body);
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.body["id"], nullptr);
  EXPECT_EQ(shown.body["dry_run"], true);
  EXPECT_EQ(shown.body["writes"],
            (json{{"mode", "merge"}, {"destination", "sqlite"}, {"destination_ids", {"t"}}}));
  EXPECT_EQ(shown.body["slices"][0]["from"], "2026-11-01");
  EXPECT_EQ(shown.body["slices"][0]["to"], "2026-11-04T00:00:00.000000Z");
  EXPECT_EQ(shown.body["slices"][2]["to"], "2026-11-08T12:00:00Z");
  EXPECT_TRUE(Get("/api/v1/jobs/j/runs").body["items"].empty());

  body["dry_run"] = false;
  const Answer queued = Backfill(body);
  EXPECT_EQ(queued.status, 202);
  ASSERT_EQ(queued.body["slices"].size(), 3U);
  const std::string id = queued.body["slices"][1]["run"];
  const json run = Get("/api/v1/runs/" + id).body;
  EXPECT_EQ(run["trigger"], "backfill");
  EXPECT_EQ(run["backfill"], queued.body["id"]);
  EXPECT_EQ(run["window"], (json{{"from", "2026-11-04T00:00:00.000000Z"},
                                 {"to", "2026-11-07T00:00:00.000000Z"},
                                 {"cursor_type", "timestamp"}}));
  EXPECT_EQ(run["waits_for"]["reason"], "job");
  EXPECT_EQ(Get("/api/v1/jobs/j").body["last_run"], nullptr) << "no news of the job";
  const Answer again = Backfill(body);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "backfill_active");
  body["overlap"] = "buffer_all";
  EXPECT_EQ(Backfill(body).status, 202);
  const Answer cancelled = Backfill({{"cancel", true}, {"id", queued.body["id"]}});
  EXPECT_EQ(cancelled.status, 200);
  EXPECT_EQ(cancelled.body["cancelled"], 3);
  EXPECT_EQ(Backfill({{"cancel", true}}).body["cancelled"], 3);
  EXPECT_EQ(Get("/api/v1/runs/" + id).body["state"], "cancelled");
  const std::string own = Post("/api/v1/jobs/j/runs", json::object()).body["id"];
  EXPECT_EQ(Get("/api/v1/runs/" + own).body["window"], nullptr);
}

TEST_F(BackfillApiTest, WhatMakesNoSenseIsToldAndNothingIsQueued) {
  const json window = {{"from", "2026-11-01"}, {"to", "2026-12-01"}};
  const auto with = [&](const json& more) {
    json body = window;
    body.merge_patch(more);
    return body;
  };
  const Answer doubling = Backfill(window, "append");
  EXPECT_EQ(doubling.status, 422);
  EXPECT_EQ(doubling.code(), "invalid_backfill");
  EXPECT_THAT(doubling.body["remedy"].get<std::string>(), HasSubstr("allow_duplicates"));
  for (const json& wrong :
       {json::object(), json{{"from", 1}}, json{{"from", 2}, {"to", 1}},
        json{{"from", true}, {"to", false}}, with({{"slice", ""}}), with({{"slice", "1ms"}}),
        with({{"slice", {1}}}), with({{"slice", -5}}), with({{"overlap", "allow_all"}}),
        with({{"overlap", ""}}), with({{"pool", ""}}), with({{"priority", "high"}}),
        with({{"priority", 1e9}}), with({{"priority", 9000000000}}), with({{"id", "x"}})}) {
    const Answer answer = Backfill(wrong);
    EXPECT_EQ(answer.status, 422) << wrong;
    EXPECT_EQ(answer.code(), "invalid_backfill") << wrong;
    EXPECT_FALSE(answer.body["remedy"].get<std::string>().empty()) << wrong;
  }
  EXPECT_EQ(Backfill(with({{"dry_run", "yes"}})).code(), "invalid_body");
  EXPECT_EQ(Backfill(with({{"until", "x"}})).code(), "invalid_body");
  EXPECT_EQ(Backfill(window, "nobody").code(), "job_missing");
  EXPECT_EQ(Backfill({{"cancel", true}}, "nobody").code(), "job_missing");
  EXPECT_TRUE(Get("/api/v1/jobs/j/runs").body["items"].empty());
  const Answer limited = Backfill(with({{"pool", "slow"}, {"priority", -7}}));
  EXPECT_EQ(limited.status, 202);
}

}  // namespace
}  // namespace bizond
