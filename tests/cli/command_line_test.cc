// The words of a command: which verb they reach, with which options, and what refuses them.
#include "cli/command_line.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "destinations/catalog.h"
#include "sources/catalog.h"
#include "tests/cli/in_process.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    verbs_.catalog = &catalog_;
    verbs_.serve = [this](const ServeOptions& options, Console&) {
      serve_ = options;
      return kExitDone;
    };
    verbs_.run = [this](const RunOptions& options, Console& console) {
      run_ = options;
      if (throws_) throw std::runtime_error("a promise was broken");
      console.Print(options.json ? "{}" : "done");
      return exit_code_;
    };
    verbs_.stream_reset = [this](const StreamResetOptions& options, Console&) {
      reset_ = options;
      return kExitDone;
    };
    verbs_.backup = [this](const std::string& file, const std::string& state_dir, Console&) {
      backup_ = file + " of " + state_dir;
      return kExitDone;
    };
    verbs_.schedule_preview = [this](const SchedulePreviewOptions& options) -> Result<std::string> {
      preview_ = options.cron;
      for (const auto& [key, value] : options.keys) preview_ += "|" + key + "=" + value;
      preview_ += "|" + options.job + "|" + options.from + "|" + std::to_string(options.count);
      if (options.cron == "x") {
        return Fail(ErrorKind::kConfig, "invalid_cron", "x is no cron expression", "read on");
      }
      return R"({"items":[{"at":"A","local":"L","gap":true,"fold":false,"starts_at":"S"}],
                 "job":null,"depends_on_job":true})";
    };
    verbs_.scaffold = [this](const std::string& kind, const std::string& name) -> Status {
      scaffold_ = kind + "/" + name;
      return {};
    };
  }

  Outcome Call(std::vector<std::string> words) { return CallCommandLine(std::move(words), verbs_); }

  Catalog catalog_{SourceCatalog(), DestinationCatalog(), SourceFiles(), DestinationFiles()};
  LocalVerbs verbs_;
  std::optional<ServeOptions> serve_;
  std::optional<RunOptions> run_;
  std::optional<StreamResetOptions> reset_;
  std::string backup_;
  std::string preview_;
  std::string scaffold_;
  int exit_code_ = kExitDone;
  bool throws_ = false;
};

TEST_F(CommandLineTest, ServeTakesItsOptionsAndTheLastOfEachWins) {
  const Outcome outcome =
      Call({"serve", "--listen", "127.0.0.1:1", "--state-dir", "a", "--root", "r1", "--root", "r2",
            "--listen=127.0.0.1:2", "--log-level", "DEBUG", "--log-format", "json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  ASSERT_TRUE(serve_);
  EXPECT_EQ(serve_->listen, "127.0.0.1:2");
  EXPECT_EQ(serve_->state_dir, "a");
  EXPECT_THAT(serve_->roots, ElementsAre("r1", "r2"));
  EXPECT_EQ(serve_->log_level, LogLevel::kDebug);
  EXPECT_EQ(serve_->log_format, LogFormat::kJson);
  ASSERT_EQ(Call({"serve"}).exit_code, 0);
  EXPECT_EQ(serve_->listen, "127.0.0.1:8787");
  EXPECT_THAT(serve_->state_dir, IsEmpty());
}

TEST_F(CommandLineTest, RunTakesItsOptionsBeforeAndBehind) {
  EXPECT_EQ(
      Call({"--state-dir", "d", "--json", "run", "job.yml", "--reset", "--stream", "s", "--stream",
            "t", "--max-iterations", "3", "--wait", "--env-file", "e", "--state", "keep"})
          .out,
      "{}\n");
  ASSERT_TRUE(run_);
  EXPECT_EQ(run_->job_file, "job.yml");
  EXPECT_EQ(run_->state_dir, "d");
  EXPECT_EQ(run_->env_file, "e");
  EXPECT_TRUE(run_->json && run_->reset && run_->wait);
  EXPECT_EQ(run_->max_iterations, 3u);
  EXPECT_EQ(run_->state, "keep");
  EXPECT_THAT(run_->streams, ElementsAre("s", "t"));
  EXPECT_EQ(Call({"run", "--", "--job.yml"}).out, "done\n");
  EXPECT_EQ(run_->job_file, "--job.yml");
  EXPECT_FALSE(run_->json || run_->reset || run_->wait || run_->max_iterations);
  for (const int code : {1, 3, 4, 130}) {
    exit_code_ = code;
    EXPECT_EQ(Call({"run", "j"}).exit_code, code) << "as the verb says";
  }
}

TEST_F(CommandLineTest, OtherVerbsGetTheirOperands) {
  ASSERT_EQ(Call({"stream", "reset", "j.yml", "--cancel"}).exit_code, 0);
  EXPECT_TRUE(reset_->cancel);
  ASSERT_EQ(Call({"backup", "f", "--state-dir", "d"}).exit_code, 0);
  EXPECT_EQ(backup_, "f of d");
  const Outcome preview =
      Call({"schedule", "preview", "0 3 * * *", "--from=", "--timezone", "Z", "--count", "5"});
  EXPECT_EQ(preview_, "0 3 * * *|timezone=Z|||5") << "an empty value takes no word behind it";
  EXPECT_THAT(preview.out, HasSubstr("moved over a gap"));
  EXPECT_THAT(preview.out, HasSubstr("WITH JITTER"));
  EXPECT_THAT(preview.err, HasSubstr("--job NAME"));
  ASSERT_EQ(Call({"schedule", "preview", "H H * * *", "--job", "a b", "--on-gap", "skip",
                  "--on-fold=both", "--jitter", "5s"})
                .exit_code,
            0);
  EXPECT_EQ(preview_, "H H * * *|on_gap=skip|on_fold=both|jitter=5s|a b||10");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"schedule", "preview"},
           {"schedule", "preview", "0 3", "* * *"},
           {"schedule", "preview", "y", "--count", "0"},
           {"schedule", "preview", "y", "--count", "1001"},
           {"schedule", "preview", "y", "--on-gap", "both"},
           {"schedule", "preview", "--job", "a", "--jitter", "5s"}}) {
    EXPECT_EQ(Call(words).exit_code, 2);
  }
  EXPECT_EQ(Call({"schedule", "preview", "x"}).exit_code, 3);
  ASSERT_EQ(Call({"new", "destination", "mine"}).exit_code, 0);
  EXPECT_EQ(scaffold_, "destination/mine");
  EXPECT_EQ(Call({"new", "target", "mine"}).exit_code, 2);
  EXPECT_EQ(Call({"doctor"}).exit_code, 2) << "this binary has no such part";
}

TEST_F(CommandLineTest, HelpComesByEveryName) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--help"}, {"-h"}, {"help"}, {"help", "--help"}, {"--json", "--help"}}) {
    const Outcome outcome = Call(words);
    EXPECT_EQ(outcome.exit_code, 0) << words[0];
    EXPECT_THAT(outcome.out, HasSubstr("jobs trigger NAME")) << words[0];
  }
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"help", "jobs", "apply"}, {"jobs", "apply", "-h"}, {"jobs", "apply", "x", "--help"}}) {
    const Outcome outcome = Call(words);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_THAT(outcome.out, StartsWith("Usage: bizond jobs apply [OPTIONS]"));
    EXPECT_THAT(outcome.out, HasSubstr("--prune"));
  }
  const Outcome group = Call({"help", "runs"});
  EXPECT_EQ(group.exit_code, 0);
  EXPECT_THAT(group.out, HasSubstr("runs logs ID"));
  EXPECT_EQ(Call({"help", "nonsense"}).exit_code, 2);
  const Outcome version = Call({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, StartsWith("bizond "));
}

TEST_F(CommandLineTest, WhatMakesNoSenseIsRefusedWithAHint) {
  const struct {
    std::vector<std::string> words;
    const char* hint;
  } kRows[] = {
      {{"sevre"}, "bizond serve"},
      {{"jobs", "triger", "x"}, "bizond jobs trigger"},
      {{"quite different"}, "--help"},
      {{"run", "a", "--rest"}, "--reset"},
      {{"run", "a", "b"}, "quote"},
      {{"run", ""}, "empty"},
      {{"run", "a", "--wait=no"}, "no value"},
      {{"run", "a", "--max-iterations", "many"}, "whole number"},
      {{"run", "a", "--max-iterations", "99999999999999999999"}, "whole number"},
      {{"run", "a", "--env-file"}, "--env-file takes a value"},
      {{"serve", "--log-format", "xml"}, "text|json"},
      {{"source", "list", "extra"}, "no argument"},
      {{"connectors", "show", "file"}, "source/file"},
      {{"connectors", "show", "source/fil"}, "file"},
      {{"stream", "list", "dumy"}, "dummy"},
      {{"explain", "bad_jsn"}, "bad_json"},
      {{"jobs", "pause", "x", "--json"}, "--json"},
  };
  for (const auto& row : kRows) {
    const Outcome outcome = Call(row.words);
    EXPECT_EQ(outcome.exit_code, 2) << row.hint;
    EXPECT_THAT(outcome.err, HasSubstr(row.hint));
    EXPECT_THAT(outcome.out, IsEmpty()) << "data only";
  }
  EXPECT_EQ(Call({}).exit_code, 2);
  EXPECT_EQ(Call({"jobs"}).exit_code, 2);
  EXPECT_FALSE(run_ || serve_);
}

TEST_F(CommandLineTest, ABrokenPromiseIsReportedAndFails) {
  throws_ = true;
  const Outcome outcome = Call({"run", "j"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("a promise was broken (internal_error)"));
}

TEST_F(CommandLineTest, ConnectorsAreShownForPeopleAndForPrograms) {
  const Outcome shown = Call({"connectors", "show", "destination/sqlite"});
  EXPECT_THAT(shown.out, HasSubstr("destination_id"));
  EXPECT_THAT(shown.out, HasSubstr("\nname: ")) << "the example job";
  for (const SourceDescriptor& source : catalog_.sources) {
    const std::string name = "source/" + std::string(source.name);
    const auto document =
        nlohmann::json::parse(Call({"connectors", "show", name, "--json"}).out, nullptr, false);
    EXPECT_TRUE(document.is_object() && document["schema"].is_object()) << name;
    EXPECT_FALSE(document["example"].get<std::string>().empty()) << name;
  }
}

}  // namespace
}  // namespace bizond
