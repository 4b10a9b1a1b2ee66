// The routes, over HTTP.
#include <gmock/gmock.h>

#include "tests/web/web_fixture.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ApiTest : public WebTest {
 protected:
  ApiTest() { Start(); }

  std::vector<std::string> Names(const std::string& path) {
    std::vector<std::string> names;
    const Answer answer = Get(path);
    for (const json& item : answer.body.at("items")) names.push_back(item["name"]);
    return names;
  }
};

TEST_F(ApiTest, AJobIsCreatedReadReplacedAndDeleted) {
  const Answer created = Post("/api/v1/jobs", Definition("a b/c"));
  EXPECT_EQ(created.status, 422) << "a name has no slash";
  const Answer ok = Post("/api/v1/jobs", Definition("a b"));
  EXPECT_EQ(ok.status, 201);
  EXPECT_EQ(ok.Header("location"), "/api/v1/jobs/a%20b");
  EXPECT_EQ(ok.Header("etag"), "\"v1\"");
  EXPECT_EQ(Post("/api/v1/jobs", Definition("a b")).code(), "job_exists");
  const Answer read = Get("/api/v1/jobs/a%20b");
  EXPECT_EQ(read.body["health"], "never_run");
  EXPECT_EQ(read.body["definition"]["name"], "a b");
  EXPECT_EQ(read.body["source"]["streams"], json::array({"creatures"}));

  json changed = Definition("a b");
  changed["tags"] = {"x"};
  EXPECT_EQ(Ask("PUT", "/api/v1/jobs/a%20b", changed.dump(), {{"If-Match", "\"v7\""}}).code(),
            "precondition_failed");
  const Answer replaced =
      Ask("PUT", "/api/v1/jobs/a%20b", changed.dump(), {{"If-Match", "\"v1\""}});
  EXPECT_EQ(replaced.status, 200);
  EXPECT_EQ(replaced.Header("etag"), "\"v2\"");
  EXPECT_EQ(Ask("PUT", "/api/v1/jobs/other", changed.dump()).status, 422) << "another name";
  EXPECT_EQ(Ask("PUT", "/api/v1/jobs/a%20b", changed.dump(), {{"If-None-Match", "*"}}).status, 412);
  EXPECT_EQ(Ask("PUT", "/api/v1/jobs/a%20b", changed.dump(), {{"If-Match", "*"}}).status, 200);
  EXPECT_EQ(Ask("PUT", "/api/v1/jobs/new", Definition("new").dump(), {{"If-Match", "*"}}).status,
            412);
  EXPECT_EQ(Ask("DELETE", "/api/v1/jobs/a%20b", {}, {{"If-Match", "\"v1\""}}).status, 412);
  EXPECT_EQ(Ask("DELETE", "/api/v1/jobs/a%20b").status, 204);
  EXPECT_EQ(Get("/api/v1/jobs/a%20b").code(), "job_missing");
}

TEST_F(ApiTest, AWrongDefinitionIsToldLineByLineAndNothingIsStored) {
  const Answer answer = Ask("POST", "/api/v1/jobs",
                            "name: x\nsource: {name: fil, stream: s}\ndestination:\n  name: file\n"
                            "  config: {formatt: json}\n",
                            {{"Content-Type", "application/yaml"}});
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.Header("content-type"), "application/problem+json");
  ASSERT_GE(answer.body["errors"].size(), 2u) << answer.text;
  EXPECT_EQ(answer.body["errors"][0]["path"], "source.name");
  EXPECT_EQ(answer.body["errors"][0]["line"], 2);
  EXPECT_THAT(answer.body["errors"][0]["remedy"].get<std::string>(), HasSubstr("file"));
  EXPECT_EQ(Get("/api/v1/jobs").body["items"].size(), 0u);
  json secret = Definition("s");
  secret["source"]["authentication"] = {{"type", "api_key"}, {"params", {{"token", "hunter2"}}}};
  EXPECT_EQ(Post("/api/v1/jobs", secret).status, 422) << "no plain secret over the API";
  const Answer valid = Post("/api/v1/validate", Definition("v"));
  EXPECT_EQ(valid.status, 200);
  EXPECT_EQ(valid.body["valid"], true);
  EXPECT_EQ(Get("/api/v1/jobs/v").status, 404) << "validate stores nothing";
}

TEST_F(ApiTest, ListsComeInPagesAndByFilters) {
  for (const char* const name : {"c", "a", "b", "d"}) Submit(name);
  json tagged = Definition("tagged");
  tagged["tags"] = {"Blue"};
  ASSERT_EQ(Post("/api/v1/jobs", tagged).status, 201);
  const Answer first = Get("/api/v1/jobs?limit=2");
  EXPECT_EQ(first.body["items"][1]["name"], "b");
  const std::string cursor = first.body["next_cursor"];
  EXPECT_THAT(Names("/api/v1/jobs?limit=2&cursor=" + EncodePathSegment(cursor)),
              ElementsAre("c", "d"));
  EXPECT_THAT(Names("/api/v1/jobs?tag=Blue"), ElementsAre("tagged"));
  EXPECT_THAT(Names("/api/v1/jobs?q=BLUE"), ElementsAre("tagged"));
  EXPECT_EQ(Post("/api/v1/jobs/b/pause", json::object()).body["health"], "paused");
  EXPECT_THAT(Names("/api/v1/jobs?paused=true"), ElementsAre("b"));
  for (const char* const wrong :
       {"limit=0", "limit=x", "limit=99999", "paused=maybe", "cursor=%21"}) {
    EXPECT_EQ(Get(std::string("/api/v1/jobs?") + wrong).status, 400) << wrong;
  }
}

TEST_F(ApiTest, AQueuedRunSaysWhatItWaitsFor) {
  Submit("j");
  const auto trigger = [this] {
    return Post("/api/v1/jobs/j/runs", json::object()).body["id"].get<std::string>();
  };
  const auto waits = [this](const std::string& id) {
    return Get("/api/v1/runs/" + id).body["waits_for"];
  };
  const std::string first = trigger();
  const std::string second = trigger();
  EXPECT_EQ(waits(first), (json{{"reason", "worker"}, {"runs", json::array()}}));
  EXPECT_EQ(waits(second), (json{{"reason", "job"}, {"runs", {first}}}));
  Post("/api/v1/runs/" + first + "/cancel", json::object());
  EXPECT_TRUE(waits(first).is_null());
  EXPECT_EQ(waits(second)["reason"], "worker");
}

TEST_F(ApiTest, ARunMayBeAskedForAtAnInstant) {
  Submit("j");
  const auto trigger = [this](const json& body) { return Post("/api/v1/jobs/j/runs", body); };
  const Answer at = trigger({{"at", "2100-01-01T01:00:00+01:00"}});
  EXPECT_EQ(at.status, 202);
  EXPECT_EQ(at.body["not_before"], "2100-01-01T00:00:00.000Z");
  EXPECT_EQ(
      at.body["waits_for"],
      (json{{"reason", "time"}, {"until", "2100-01-01T00:00:00.000Z"}, {"runs", json::array()}}));
  EXPECT_EQ(trigger({{"delay", "1h30m"}}).body["waits_for"]["reason"], "time");
  for (const json& wrong :
       {json{{"at", "2020-01-01T00:00:00Z"}}, json{{"at", "tomorrow"}}, json{{"at", 1700000000}},
        json{{"at", nullptr}}, json{{"delay", "soon"}}, json{{"delay", 90}},
        json{{"delay", "1h"}, {"at", "2100-01-01"}}}) {
    const Answer answer = trigger(wrong);
    EXPECT_EQ(answer.status, 422) << wrong;
    EXPECT_EQ(answer.code(), "invalid_start") << wrong;
    EXPECT_FALSE(answer.body["remedy"].get<std::string>().empty());
  }
  EXPECT_EQ(Get("/api/v1/jobs/j/runs").body["items"].size(), 2U);
  const std::string id = at.body["id"];
  EXPECT_EQ(Post("/api/v1/runs/" + id + "/cancel", json::object()).body["state"], "cancelled");
}

TEST_F(ApiTest, ARunIsTriggeredOnceForAKeyReadCancelledAndRetried) {
  Submit("j");
  const Headers key = {{"Idempotency-Key", "k1"}};
  const Answer run = Post("/api/v1/jobs/j/runs", json::object(), key);
  EXPECT_EQ(run.status, 202);
  const std::string id = run.body["id"];
  EXPECT_EQ(Post("/api/v1/jobs/j/runs", json::object(), key).body["id"], id);
  EXPECT_EQ(Ask("POST", "/api/v1/jobs/j/runs", R"({"rest": true})").code(), "invalid_body");
  EXPECT_EQ(Ask("POST", "/api/v1/jobs/j/runs", "{").code(), "invalid_body");
  EXPECT_EQ(Ask("POST", "/api/v1/jobs/nobody/runs").code(), "job_missing") << "without a body";
  EXPECT_EQ(Get("/api/v1/runs/" + id).body["state"], "queued");
  EXPECT_EQ(Get("/api/v1/runs?state=queued&job=j").body["items"].size(), 1u);
  EXPECT_EQ(Get("/api/v1/runs?state=none").status, 400);
  EXPECT_EQ(Get("/api/v1/jobs/j/runs").body["items"][0]["id"], id);
  EXPECT_EQ(Post("/api/v1/runs/" + id + "/cancel", json::object()).body["state"], "cancelled");
  EXPECT_EQ(Post("/api/v1/runs/" + id + "/cancel", json::object()).code(), "run_ended");
  EXPECT_EQ(Post("/api/v1/runs/" + id + "/retry", json::object()).status, 202);
  EXPECT_EQ(Get("/api/v1/runs/none").code(), "run_missing");
  EXPECT_EQ(Get("/api/v1/runs/none/logs").code(), "run_missing");
}

TEST_F(ApiTest, ARunsWarningsAreShownWithItAndWithItsJob) {
  Submit("j");
  const auto trigger = [&]() -> std::string {
    return Post("/api/v1/jobs/j/runs", json::object()).body["id"];
  };
  const auto claim = [&](const std::string& id) {
    return store_->Transact([&](StoreTx& tx) { return tx.ClaimRun(id, "node", clock_.Now()); })
        .value();
  };
  const auto finish = [&](const std::string& id, int64_t fence) {
    ASSERT_TRUE(store_->Write([&](StoreTx& tx) {
      return tx.FinishRun(id, fence, RunPhase::kSucceeded, std::nullopt, clock_.Now());
    }));
  };
  const std::string first = trigger();
  const int64_t fence = claim(first);
  EXPECT_EQ(Get("/api/v1/runs/" + first).body["warnings"], json::array());
  EXPECT_EQ(Get("/api/v1/jobs/j").body["warnings"], json::array());
  ASSERT_TRUE(store_->Write([&](StoreTx& tx) {
    return tx.AddWarning(first, fence, {"bigquery_quota_near", "creatures", "1200 had", "fewer"});
  }));
  const json warnings = {{{"code", "bigquery_quota_near"},
                          {"stream", "creatures"},
                          {"message", "1200 had"},
                          {"remedy", "fewer"}}};
  EXPECT_EQ(Get("/api/v1/runs/" + first).body["warnings"], warnings);
  EXPECT_EQ(Get("/api/v1/runs").body["items"][0]["warnings"], warnings);
  EXPECT_EQ(Get("/api/v1/jobs").body["items"][0]["warnings"], warnings);
  finish(first, fence);
  const std::string second = trigger();
  const int64_t next = claim(second);
  EXPECT_EQ(Get("/api/v1/runs/" + second).body["warnings"], json::array());
  EXPECT_EQ(Get("/api/v1/jobs/j").body["warnings"], warnings) << "the new run may warn yet";
  finish(second, next);
  EXPECT_EQ(Get("/api/v1/jobs/j").body["warnings"], json::array()) << "it did not";
}

TEST_F(ApiTest, ALogIsReadInPagesFromALine) {
  Submit("j");
  const std::string id = Post("/api/v1/jobs/j/runs", json::object()).body["id"];
  const auto log = logs_->OpenRunLog("j", id);
  log->Write(LogLevel::kInfo, "one", {{"a", "b"}});
  log->Write(LogLevel::kDebug, "two", {});
  log->Write(LogLevel::kError, "three", {});
  const std::string path = "/api/v1/runs/" + id + "/logs";
  EXPECT_EQ(Get(path).body["items"][0]["fields"]["a"], "b");
  EXPECT_EQ(Get(path + "?after=1&limit=1").body["items"][0]["message"], "two");
  EXPECT_EQ(Get(path + "?level=error").body["items"][0]["seq"], 3);
  const Answer page = Get(path + "?limit=2");
  EXPECT_EQ(Get(path + "?cursor=" + page.body["next_cursor"].get<std::string>())
                .body["items"][0]["message"],
            "three");
}

TEST_F(ApiTest, TheStateIsSetOnlyWhilePausedAndDigitsSurvive) {
  Submit("j");
  const std::string digits = "12345678901234567890123456789012345678";
  const json state = {{"streams",
                       {{{"stream", "creatures"},
                         {"watermark", {{"cursor", digits}, {"cursor_type", "number"}}}}}}};
  EXPECT_EQ(Ask("PUT", "/api/v1/jobs/j/state", state.dump()).code(), "not_paused");
  Post("/api/v1/jobs/j/pause", json::object());
  const Answer put = Ask("PUT", "/api/v1/jobs/j/state", state.dump());
  EXPECT_EQ(put.status, 200) << put.text;
  EXPECT_EQ(Get("/api/v1/jobs/j/state").body["streams"][0]["watermark"]["cursor"], digits);
  json wrong = state;
  wrong["streams"][0]["watermark"]["cursor"] = "twelve";
  EXPECT_EQ(Ask("PUT", "/api/v1/jobs/j/state", wrong.dump()).status, 400);
}

TEST_F(ApiTest, AStateThatIsSentBackUnchangedKeepsWhatItDoesNotShow) {
  Submit("j");
  Post("/api/v1/jobs/j/pause", json::object());
  Watermark watermark;
  watermark.cursor = "7";
  watermark.cursor_type = "number";
  watermark.boundary = "what was published at 7";
  watermark.resume = EncodeCheckpoint({});
  const StreamStateRow row{"creatures", watermark, "receipt", clock_.Now()};
  ASSERT_TRUE(
      store_->Write([&](StoreTx& tx) { return tx.PutStreamState("j", row, clock_.Now()); }));
  const std::string path = "/api/v1/jobs/j/state";
  const auto stored = [&] {
    return *store_->Query([](const StoreReader& r) { return r.StreamState("j", "creatures"); });
  };
  const Answer read = Get(path);
  const std::string tag = read.Header("etag");
  EXPECT_EQ(read.body["streams"][0]["resumes"], true);
  EXPECT_EQ(Ask("PUT", path, read.text, {{"If-Match", tag}}).status, 200);
  EXPECT_EQ(stored()->watermark, watermark);
  json changed = read.body;
  changed["streams"][0]["resumes"] = false;
  ASSERT_EQ(Ask("PUT", path, changed.dump(), {{"If-Match", tag}}).status, 200);
  EXPECT_EQ(stored()->watermark->resume, "");
  EXPECT_EQ(stored()->watermark->boundary, watermark.boundary);
  EXPECT_EQ(stored()->receipt, "receipt");
  EXPECT_EQ(Ask("PUT", path, changed.dump(), {{"If-Match", tag}}).code(), "precondition_failed");
  changed["streams"][0]["watermark"]["cursor"] = "6";
  ASSERT_EQ(Ask("PUT", path, changed.dump()).status, 200);
  EXPECT_EQ(stored()->watermark->boundary, "") << "it was of another cursor";
}

TEST_F(ApiTest, AWrongStateIsRefusedWithItsPathAndNothingOfItIsWritten) {
  Submit("j");
  Post("/api/v1/jobs/j/pause", json::object());
  const std::string path = "/api/v1/jobs/j/state";
  const std::string good =
      R"({"stream":"creatures","watermark":{"cursor":"5","cursor_type":"number"}})";
  const auto refused = [&](const std::string& second) {
    const Answer answer = Ask("PUT", path, R"({"streams":[)" + good + "," + second + "]}");
    EXPECT_GE(answer.status, 400) << second;
    EXPECT_NE(answer.body["remedy"], "") << second;
    return answer.body["detail"].get<std::string>();
  };
  EXPECT_THAT(refused("7"), HasSubstr("streams[1]"));
  EXPECT_THAT(refused("{}"), HasSubstr("streams[1].stream"));
  EXPECT_THAT(refused(good), HasSubstr("twice"));
  EXPECT_THAT(refused(R"({"stream":"a","watermrk":null})"), HasSubstr("streams[1].watermrk"));
  EXPECT_THAT(refused(R"({"stream":"a","watermark":{"cursor":5,"cursor_type":"number"}})"),
              HasSubstr("streams[1].watermark.cursor"));
  EXPECT_THAT(refused(R"({"stream":"a","watermark":{"cursor":" 5","cursor_type":"number"}})"),
              HasSubstr("is not a number"));
  EXPECT_THAT(refused(R"({"stream":"a","watermark":{"cursor":"noon","cursor_type":"timestamp"}})"),
              HasSubstr("streams[1].watermark.cursor"));
  EXPECT_THAT(refused(R"({"stream":"a","watermark":{"cursor":"5","cursor_type":"float"}})"),
              HasSubstr("cursor_type"));
  EXPECT_THAT(refused(R"({"stream":"a","watermark":{"cursor":")" + std::string(5000, 'x') +
                      R"(","cursor_type":"text"}})"),
              HasSubstr("longer"));
  EXPECT_THAT(refused(R"({"stream":"dragons","watermark":{"cursor":"5","cursor_type":"number"}})"),
              HasSubstr("dragons"));
  EXPECT_EQ(Get(path).body["streams"][0]["watermark"], nullptr);
}

TEST_F(ApiTest, AJobIsDeletedWithOrWithoutItsState) {
  const json state = {
      {"streams",
       {{{"stream", "creatures"}, {"watermark", {{"cursor", "5"}, {"cursor_type", "number"}}}}}}};
  const auto after = [&](const std::string& query) {
    Submit("j");
    Post("/api/v1/jobs/j/pause", json::object());
    EXPECT_EQ(Ask("PUT", "/api/v1/jobs/j/state", state.dump()).status, 200);
    EXPECT_EQ(Ask("DELETE", "/api/v1/jobs/j" + query).status, 204);
    Submit("j");
    const json found = Get("/api/v1/jobs/j/state").body["streams"][0]["watermark"];
    EXPECT_EQ(Ask("DELETE", "/api/v1/jobs/j?state=drop").status, 204);
    return !found.is_null();
  };
  EXPECT_TRUE(after(""));
  EXPECT_TRUE(after("?state=keep"));
  EXPECT_FALSE(after("?state=drop"));
  Submit("j");
  EXPECT_EQ(Ask("DELETE", "/api/v1/jobs/j?state=burn").code(), "invalid_parameter");
}

// A file's change that needs a word on the state gets it over the API, and stays the file's.
TEST_F(ApiTest, AFilesChangeIsBroughtIntoForceByAWordOnItsState) {
  PutOptions by_file;
  by_file.managed_by = "file";
  by_file.origin = "/jobs/j.yml";
  const auto put = [&](const json& definition) {
    return jobs_->Put(*jobs_->Check(definition.dump(), JobOrigin::kFile).spec, by_file);
  };
  json definition = Definition("j");
  ASSERT_TRUE(put(definition));
  Watermark watermark;
  watermark.cursor = "7";
  watermark.cursor_type = "number";
  ASSERT_TRUE(store_->Write([&](StoreTx& tx) {
    return tx.PutStreamState("j", {"creatures", watermark, std::nullopt, clock_.Now()},
                             clock_.Now());
  }));
  definition["source"]["stream"] = "plants";
  EXPECT_EQ(put(definition).error().code, "state_conflict");
  json other = definition;
  other["tags"] = {"x"};
  EXPECT_EQ(Ask("PUT", "/api/v1/jobs/j?state=keep", other.dump()).code(), "managed_by_file");
  EXPECT_EQ(Ask("PUT", "/api/v1/jobs/j", definition.dump()).code(), "managed_by_file");
  const Answer word = Ask("PUT", "/api/v1/jobs/j?state=keep", definition.dump());
  EXPECT_EQ(word.status, 200) << word.text;
  EXPECT_EQ(word.body["managed_by"], "file");
  EXPECT_EQ(word.body["origin"], "/jobs/j.yml");
  EXPECT_EQ(word.body["source"]["streams"], json::array({"plants"}));
}

TEST_F(ApiTest, WhatTheBinaryKnowsIsListed) {
  EXPECT_EQ(Get("/api/v1/connectors").body["items"].size(),
            catalog_.sources.size() + catalog_.destinations.size());
  EXPECT_EQ(Get("/api/v1/connectors/destination/bigquery_streaming").body["replace"], false);
  EXPECT_EQ(Get("/api/v1/connectors/destination/sqlite").body["replace"], true);
  EXPECT_TRUE(Get("/api/v1/connectors/source/file").body["schema"].is_object());
  EXPECT_EQ(Get("/api/v1/connectors/source/sqlite9").status, 404);
  EXPECT_THAT(Get("/metrics").text, HasSubstr("bizond_jobs 0"));
  EXPECT_EQ(Get("/readyz").body["status"], "ok");
}

// Every route and every reference of the document leads somewhere.
TEST_F(ApiTest, TheOpenApiDocumentIsWhole) {
  const json document = Get("/openapi.json").body;
  ASSERT_EQ(document["openapi"], "3.1.0");
  for (const Route& route : Routes()) {
    std::string path(route.pattern);
    if (const size_t star = path.find('*'); star != std::string::npos) path.erase(star, 1);
    ASSERT_TRUE(document["paths"].contains(path)) << path;
  }
  const std::string text = document.dump();
  constexpr std::string_view kRef = "\"$ref\":\"#/components/schemas/";
  for (size_t at = text.find(kRef); at != std::string::npos; at = text.find(kRef, at + 1)) {
    const size_t begin = at + kRef.size();
    const std::string name = text.substr(begin, text.find('"', begin) - begin);
    EXPECT_TRUE(document["components"]["schemas"].contains(name)) << name;
  }
}

}  // namespace
}  // namespace bizond
