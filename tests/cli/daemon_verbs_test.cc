// The verbs on jobs and runs, against a real server over a real store.
#include <gmock/gmock.h>

#include <thread>

#include "base/text.h"
#include "tests/cli/in_process.h"
#include "tests/web/web_fixture.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class DaemonVerbsTest : public WebTest {
 protected:
  DaemonVerbsTest() {
    Start();
    verbs_.catalog = &catalog_;
  }

  Outcome Call(std::vector<std::string> words) {
    words.insert(words.end(), {"--url", "127.0.0.1:" + std::to_string(server_->port())});
    return CallCommandLine(std::move(words), verbs_);
  }
  // The one document on standard output.
  json Json(std::vector<std::string> words, int exit_code = 0) {
    words.push_back("--json");
    const Outcome outcome = Call(std::move(words));
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    const json document = json::parse(outcome.out, nullptr, false);
    EXPECT_FALSE(document.is_discarded()) << outcome.out;
    return document;
  }
  std::vector<std::string> JobNames() {
    std::vector<std::string> names;
    const json document = Json({"jobs", "list"});
    for (const json& job : document["items"]) names.push_back(job["name"]);
    return names;
  }
  // What `jobs apply` says of each job.
  std::vector<std::string> Apply(std::vector<std::string> words, int exit_code = 0) {
    words.insert(words.begin(), {"jobs", "apply", "-f", jobs_folder_});
    std::vector<std::string> said;
    const json document = Json(std::move(words), exit_code);
    for (const json& item : document["items"]) {
      said.push_back(item["name"].get<std::string>() + " " + item["outcome"].get<std::string>());
    }
    return said;
  }
  void WriteJob(const std::string& file, const std::string& name, const std::string& more = "") {
    directory_.Write("jobs/" + file, "name: " + name +
                                         "\nsource: {name: dummy, stream: creatures}\n"
                                         "destination: {name: file, config: {destination_id: " +
                                         name + "}}\n" + more);
  }

  LocalVerbs verbs_;
  const std::string jobs_folder_ = (directory_.path() / "jobs").string();
};

TEST_F(DaemonVerbsTest, AFolderIsAppliedAsFarAsItDiffers) {
  WriteJob("a.yml", "a");
  directory_.Write("jobs/b.json", Definition("b").dump());
  directory_.Write("jobs/.hidden.yml", "not: a job");
  directory_.Write("jobs/notes.txt", "no job");
  Submit("of the API");
  EXPECT_THAT(Apply({"--dry-run", "--prune"}),
              ElementsAre("a created", "b created", "of the API deleted"));
  EXPECT_THAT(JobNames(), ElementsAre("of the API")) << "nothing was done";
  EXPECT_THAT(Apply({}), ElementsAre("a created", "b created"));
  EXPECT_THAT(Apply({}), ElementsAre("a unchanged", "b unchanged"));
  WriteJob("a.yml", "a", "tags: [x]\n");
  EXPECT_THAT(Apply({"--prune"}), ElementsAre("a configured", "b unchanged", "of the API deleted"));
  EXPECT_THAT(JobNames(), ElementsAre("a", "b"));
  EXPECT_EQ(Json({"jobs", "show", "a"})["version"], 2);
  const Outcome people = Call({"jobs", "apply", "--file", jobs_folder_ + "/a.yml", "--dry-run"});
  EXPECT_EQ(people.out, "a: unchanged (dry run)\n");
}

TEST_F(DaemonVerbsTest, AJobsOwnScheduleIsPreviewed) {
  json job = Definition("own one");
  job["schedule"] = {{"every", "1h"}};
  ASSERT_EQ(Post("/api/v1/jobs", job).status, 201);
  const json preview = Json({"schedule", "preview", "--job", "own one", "--count", "3"});
  EXPECT_EQ(preview["items"].size(), 3U);
  EXPECT_EQ(preview["items"][0]["at"], Get("/api/v1/jobs/own%20one").body["next_at"]);
  const std::string shown =
      Call({"schedule", "preview", "--job", "own one", "--from", "2026-01-01T00:00:00Z"}).out;
  EXPECT_THAT(shown, HasSubstr("2026-01-01T00:"));
  EXPECT_EQ(Call({"schedule", "preview", "--job", "nobody"}).exit_code, 1);
}

TEST_F(DaemonVerbsTest, ARunIsAskedForLater) {
  Submit("j");
  const json run = Json({"jobs", "trigger", "j", "--at", "2100-01-01T00:00:00Z"});
  EXPECT_EQ(run["waits_for"]["until"], "2100-01-01T00:00:00.000Z");
  EXPECT_EQ(Json({"jobs", "trigger", "j", "--in", "2h"})["waits_for"]["reason"], "time");
  EXPECT_THAT(Call({"runs", "show", run["id"]}).out,
              HasSubstr("waits until 2100-01-01T00:00:00.000Z"));
  const Outcome past = Call({"jobs", "trigger", "j", "--at", "2020-01-01T00:00:00Z"});
  EXPECT_EQ(past.exit_code, 3);
  EXPECT_THAT(past.err, HasSubstr("invalid_start"));
  EXPECT_EQ(Call({"jobs", "trigger", "j", "--in", "soon"}).exit_code, 3);
}

TEST_F(DaemonVerbsTest, APartOfTheCursorIsReadAgain) {
  json job = Definition("j");
  job["source"]["sync_mode"] = "incremental";
  job["source"]["cursor_field"] = "id";
  ASSERT_EQ(Post("/api/v1/jobs", job).status, 201);
  const std::vector<std::string> window = {"jobs", "backfill", "j", "--from", "1", "--to", "30"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = window;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const Outcome doubling = Call(window);
  EXPECT_EQ(doubling.exit_code, 3);
  EXPECT_THAT(doubling.err, HasSubstr("--allow-duplicates"));
  const Outcome shown = Call(with({"--slice", "10", "--allow-duplicates", "--dry-run"}));
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.out, HasSubstr("dry run: each slice would be appended to j (file)"));
  EXPECT_THAT(shown.err, HasSubstr("doubled"));
  const json queued = Json(with({"--slice", "10", "--allow-duplicates", "--pool", "slow"}));
  ASSERT_EQ(queued["slices"].size(), 3U);
  EXPECT_EQ(queued["slices"][2]["from"], "21");
  const std::string run = queued["slices"][0]["run"];
  EXPECT_THAT(Call({"runs", "show", run}).out, HasSubstr("from 1 up to, and without, 11"));
  EXPECT_EQ(Call(with({"--allow-duplicates"})).exit_code, 1) << "one goes on";
  EXPECT_EQ(Json({"jobs", "backfill", "j", "--cancel", "--id", queued["id"]})["cancelled"], 3);
  EXPECT_EQ(Json({"runs", "show", run})["state"], "cancelled");
  EXPECT_EQ(Call({"jobs", "backfill", "j", "--from", "1"}).exit_code, 2);
  EXPECT_EQ(Call({"jobs", "backfill", "j", "--cancel"}).exit_code, 0);
}

TEST_F(DaemonVerbsTest, NothingIsSentWhileOneFileIsWrong) {
  WriteJob("a.yml", "a");
  directory_.Write("jobs/b.yml",
                   "name: b\nsource: {name: dumy, stream: creatures}\n"
                   "destination: {name: file}\n");
  const Outcome outcome = Call({"jobs", "apply", "-f", jobs_folder_, "--prune"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr(jobs_folder_ + "/b.yml:2:"));
  EXPECT_THAT(outcome.err, HasSubstr("dummy"));
  EXPECT_THAT(JobNames(), IsEmpty());
  WriteJob("b.yml", "a");
  EXPECT_EQ(Call({"jobs", "apply", "-f", jobs_folder_}).exit_code, 3) << "two jobs of one name";
  EXPECT_EQ(Call({"jobs", "apply", "-f", jobs_folder_ + "/none.yml"}).exit_code, 3);
  EXPECT_EQ(Call({"jobs", "apply"}).exit_code, 2);
}

TEST_F(DaemonVerbsTest, AChangedTargetAsksWhatBecomesOfTheState) {
  const auto write = [&](const std::string& target) {
    directory_.Write("jobs/a.yml",
                     "name: a\nsource: {name: dummy, stream: creatures, sync_mode: incremental,\n"
                     "  cursor_field: updated_at}\n"
                     "destination: {name: file, config: {destination_id: " +
                         target + "}}\n");
  };
  write("one");
  ASSERT_THAT(Apply({}), ElementsAre("a created"));
  ASSERT_EQ(Post("/api/v1/jobs/a/pause", json::object()).status, 200);
  const json watermark = {{"cursor", "2026-01-01T00:00:00.000Z"}, {"cursor_type", "timestamp"}};
  const json state = {{"streams", {{{"stream", "creatures"}, {"watermark", watermark}}}}};
  ASSERT_EQ(Ask("PUT", "/api/v1/jobs/a/state", state.dump()).status, 200);
  write("two");
  const Outcome conflict = Call({"jobs", "apply", "-f", jobs_folder_});
  EXPECT_EQ(conflict.exit_code, 1);
  EXPECT_THAT(conflict.err, HasSubstr("state_conflict"));
  EXPECT_EQ(Call({"jobs", "apply", "-f", jobs_folder_, "--state", "lose"}).exit_code, 2);
  EXPECT_EQ(Json({"jobs", "show", "a"})["version"], 1);
  EXPECT_THAT(Apply({"--state", "keep"}), ElementsAre("a configured"));
  EXPECT_EQ(Get("/api/v1/jobs/a/state").body["streams"][0]["watermark"]["cursor"],
            watermark["cursor"]);
  write("three");
  EXPECT_THAT(Apply({"--state", "reset"}), ElementsAre("a configured"));
  EXPECT_EQ(Get("/api/v1/jobs/a/state").body["streams"][0]["watermark"], nullptr);
}

TEST_F(DaemonVerbsTest, AJobIsShownPausedResumedResetAndDeleted) {
  json definition = Definition("a b");
  definition["source"]["sync_mode"] = "incremental";
  definition["source"]["cursor_field"] = "updated_at";
  ASSERT_EQ(Post("/api/v1/jobs", definition).status, 201);
  EXPECT_THAT(Call({"jobs", "list"}).out, HasSubstr("dummy -> file"));
  EXPECT_THAT(Call({"jobs", "show", "a b"}).out, HasSubstr("\"destination_id\": \"a b\""));
  EXPECT_EQ(Call({"jobs", "pause", "a b"}).exit_code, 0);
  EXPECT_EQ(Json({"jobs", "show", "a b"})["paused"], true);
  EXPECT_EQ(Call({"jobs", "resume", "a b"}).exit_code, 0);
  EXPECT_EQ(Json({"jobs", "show", "a b"})["paused"], false);
  EXPECT_EQ(Call({"jobs", "reset", "a b"}).exit_code, 0);
  EXPECT_THAT(Json({"jobs", "show", "a b"})["pending_resets"], Not(IsEmpty()));
  EXPECT_THAT(Call({"jobs", "reset", "a b", "--cancel"}).err, HasSubstr("taken back"));
  EXPECT_THAT(Json({"jobs", "show", "a b"})["pending_resets"], IsEmpty());
  EXPECT_EQ(Call({"jobs", "delete", "a b"}).exit_code, 0);
  for (const char* const verb : {"show", "pause", "resume", "reset", "trigger", "delete"}) {
    const Outcome gone = Call({"jobs", verb, "a b"});
    EXPECT_EQ(gone.exit_code, 1) << verb;
    EXPECT_THAT(gone.err, HasSubstr("job_missing")) << verb;
    EXPECT_THAT(gone.out, IsEmpty()) << verb;
  }
}

TEST_F(DaemonVerbsTest, ARunIsTriggeredListedCancelledAndAwaited) {
  Submit("a");
  const json run = Json({"jobs", "trigger", "a", "--idempotency-key", "k"});
  EXPECT_EQ(run["trigger"], "cli");
  EXPECT_EQ(run["state"], "queued");
  EXPECT_EQ(Json({"jobs", "trigger", "a", "--idempotency-key", "k"})["id"], run["id"]);
  const std::string id = run["id"];
  EXPECT_EQ(Json({"runs", "list"})["items"].size(), 1u);
  EXPECT_EQ(Json({"runs", "list", "--job", "a", "--state", "queued"})["items"].size(), 1u);
  EXPECT_EQ(Json({"runs", "list", "--state", "failed"})["items"].size(), 0u);
  EXPECT_EQ(Call({"runs", "list", "--job", "other"}).exit_code, 1);
  EXPECT_EQ(Call({"runs", "list", "--state", "odd"}).exit_code, 2);
  EXPECT_THAT(Call({"runs", "show", id}).out, HasSubstr("run " + id + " of a, attempt"));
  EXPECT_EQ(Call({"runs", "cancel", id}).exit_code, 0);
  EXPECT_EQ(Json({"runs", "show", id})["state"], "cancelled");
  EXPECT_EQ(Json({"jobs", "trigger", "a", "--idempotency-key", "k", "--wait"}, 1)["state"],
            "cancelled")
      << "the run's outcome is the exit code";
  EXPECT_EQ(Json({"runs", "retry", id})["state"], "queued");
  EXPECT_EQ(Call({"runs", "cancel", "no-such-run"}).exit_code, 1);
}

TEST_F(DaemonVerbsTest, AListGoesOnOverPages) {
  Submit("a");
  for (int i = 0; i < 205; ++i) {
    ASSERT_EQ(Post("/api/v1/jobs/a/runs", json::object()).status, 202);
  }
  EXPECT_EQ(Json({"runs", "list", "--limit", "203"})["items"].size(), 203u);
  EXPECT_EQ(Json({"runs", "list"})["items"].size(), 50u);
}

TEST_F(DaemonVerbsTest, ALogIsFollowedToTheEndOfItsRun) {
  Submit("a");
  const std::string id = Post("/api/v1/jobs/a/runs", json::object()).body["id"];
  logs_->OpenRunLog("a", id)->Write(LogLevel::kInfo, "first", {{"rows", "7"}});
  EXPECT_THAT(Call({"runs", "logs", id}).out, HasSubstr(" info    first rows=7\n"));
  Outcome outcome;
  std::thread follower([&] { outcome = Call({"runs", "logs", id, "--follow"}); });
  logs_->OpenRunLog("a", id)->Write(LogLevel::kWarning, "second\nline", {});
  EXPECT_EQ(Post("/api/v1/runs/" + id + "/cancel", json::object()).status, 200);
  follower.join();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("first"));
  EXPECT_THAT(outcome.out, HasSubstr(" warning second\\nline\n"));
  EXPECT_EQ(Json({"runs", "logs", id, "--follow"})["items"].size(), 2u);
  EXPECT_EQ(Call({"runs", "logs", "no-such-run"}).exit_code, 1);
}

TEST_F(DaemonVerbsTest, ARunIsShownWithWhatItWarnedOf) {
  Submit("a");
  const std::string id = Post("/api/v1/jobs/a/runs", json::object()).body["id"];
  ASSERT_TRUE(store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const int64_t fence, tx.ClaimRun(id, "node", clock_.Now()));
    return tx.AddWarning(id, fence, {"quota_near", "s", "it had 1200", "run it less often"});
  }));
  const Outcome shown = Call({"runs", "show", id});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.err, HasSubstr("warning: it had 1200 (quota_near)\n  run it less often\n"));
  EXPECT_EQ(Json({"runs", "show", id})["warnings"][0]["code"], "quota_near");
}

TEST_F(DaemonVerbsTest, AFireIsExplained) {
  Submit("a");
  ASSERT_TRUE(store_->Write([&](StoreTx& tx) -> Status {
    for (const auto& [minute, state, reason] :
         {std::tuple{0, "ran", ""}, {5, "skipped", "overlap"}, {10, "missed", "downtime"}}) {
      const UtcTime at = ParseUtc("2026-03-01T10:00:00Z").value() + std::chrono::minutes(minute);
      BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence({"a", at, state, reason, "", at}));
    }
    return {};
  }));
  const Outcome all = Call({"jobs", "occurrences", "a"});
  EXPECT_EQ(all.exit_code, 0) << all.err;
  EXPECT_THAT(all.out, HasSubstr("the daemon was not running"));
  EXPECT_EQ(Json({"jobs", "occurrences", "a", "--state", "skipped,missed"})["items"].size(), 2u);
  EXPECT_EQ(Json({"jobs", "occurrences", "a", "--reason", "overlap", "--from",
                  "2026-03-01T10:05:00Z", "--limit", "1"})["items"]
                .size(),
            1u);
  const Outcome minute = Call({"jobs", "occurrences", "a", "--at", "2026-03-01T10:05:30Z"});
  EXPECT_EQ(minute.exit_code, 0) << minute.err;
  EXPECT_THAT(minute.out, HasSubstr("2026-03-01T10:05:00.000Z: It did not run: an earlier run"));
  EXPECT_THAT(minute.out, HasSubstr("What to do: let it fire less often"));
  EXPECT_THAT(minute.out, HasSubstr("Fire after: 2026-03-01T10:10:00.000Z, missed"));
  EXPECT_EQ(Json({"jobs", "occurrences", "a", "--at", "2026-03-01T10:07:00Z"})["answer"]["outcome"],
            "nothing");
  EXPECT_EQ(
      Call({"jobs", "occurrences", "a", "--at", "2026-03-01T10:07:00Z", "--limit", "3"}).exit_code,
      2);
  EXPECT_EQ(Call({"jobs", "occurrences", "a", "--state", "lost"}).exit_code, 2);
  EXPECT_EQ(Call({"jobs", "occurrences", "none"}).exit_code, 1);
}

TEST_F(DaemonVerbsTest, WithoutTheTokenThereIsNoConnection) {
  WebOptions options;
  options.token = "a-token-of-the-daemon";
  server_.reset();
  Start(options);
  const Outcome refused = Call({"jobs", "list"});
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_THAT(refused.err, HasSubstr("BIZOND_TOKEN"));
  setenv("BIZOND_TOKEN", "a-token-of-the-daemon", 1);
  EXPECT_EQ(Call({"jobs", "list"}).exit_code, 0);
  unsetenv("BIZOND_TOKEN");
}

}  // namespace
}  // namespace bizond
