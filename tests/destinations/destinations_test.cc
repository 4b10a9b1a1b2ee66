// The destinations through their interface: every row of the catalogue in every mode it has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "destinations/bizon_columns.h"
#include "destinations/catalog.h"
#include "destinations/json_string.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class QuietLog final : public RunLog {
 public:
  void Write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

class NoRejects final : public RejectSink {
 public:
  Status Reject(uint64_t, RejectedRecord reject) override {
    return Fail(ErrorKind::kPermanent, reject.code, reject.reason, "");
  }
};

// Records whose bytes are hard to carry.
const std::vector<std::string>& HardRecords() {
  static const std::vector<std::string> records = {
      R"({"id":1,"at":1,"v":18446744073709551616})",
      R"({"id":2,"at":2,"v":12345678901234567890123456789012345678})",
      R"({"id":3,"at":3,"v":"\ud800 lone \u0000 \" \\ \/ \b\f\n\r\t"})",
      "{\"id\":4,\t\"at\":4,\"v\":\"quote \\\" and \xc3\xa9 and \xf0\x9f\x98\x80\"}",
      R"({"id":5,"at":5,"v":{"a":[1,2.50,-0,1e400]}})",
      R"({"id":6,"at":6,"v":"'); DROP TABLE x; --"})",
  };
  return records;
}

struct Case {
  std::string name;
  PublishMode mode;
};

class DestinationTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(test->test_suite_name()) + test->name();
    std::replace(name.begin(), name.end(), '/', '_');
    folder_ = fs::path(::testing::TempDir()) / name;
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    job_.source.primary_key = {"id"};
    job_.source.cursor_field = "at";
    if (mode() == PublishMode::kMerge) job_.destination.write = WriteMode::kMerge;
  }

  PublishMode mode() const { return GetParam().mode; }

  std::unique_ptr<Destination> Make() {
    auto roots = Roots::Open(folder_, {});
    EXPECT_TRUE(roots) << Describe(roots.error());
    for (const auto& row : DestinationCatalog()) {
      if (row.name != GetParam().name) continue;
      auto made = row.open({job_, "s", id_, config_, *roots, clock_});
      EXPECT_TRUE(made) << Describe(made.error());
      return std::move(*made);
    }
    return nullptr;
  }

  OpenRequest Request(const std::string& run, std::optional<std::string> receipt = {}) {
    OpenRequest request;
    request.publisher = {"store", 0, "job", "s", run, fence_};
    request.mode = mode();
    request.receipt = std::move(receipt);
    request.ids = BizonIdMaker(run, "s");
    request.log = &log_;
    request.rejects = &rejects_;
    return request;
  }

  Status Write(Destination* destination, const std::vector<std::string>& records,
               uint64_t iteration = 0) {
    RecordBatch batch;
    batch.iteration = iteration;
    uint32_t position = 0;
    for (const std::string& text : records) {
      Record record;
      record.data = batch.Store(text);
      const auto parsed = json::parse(text.substr(0, text.find("\"v\"") - 1) + "}", nullptr, false);
      if (parsed.is_object()) {
        record.key = batch.Store(parsed["id"].dump());
        record.cursor = batch.Store(parsed["at"].dump());
        record.has_key = true;
      }
      record.position = position++;
      batch.records().push_back(record);
    }
    return destination->WriteRecords(batch);
  }

  // What an independent reader finds in source_data, in order.
  std::vector<std::string> Published() {
    std::vector<std::string> found;
    if (GetParam().name == "file") {
      std::ifstream in(folder_ / "target.json");
      for (std::string line; std::getline(in, line);)
        found.push_back(json::parse(line)["source_data"]);
      return found;
    }
    sqlite3* database = nullptr;
    sqlite3_open((folder_ / "target.db").c_str(), &database);
    sqlite3_stmt* query = nullptr;
    if (sqlite3_prepare_v2(database, "SELECT source_data FROM target ORDER BY rowid", -1, &query,
                           nullptr) == SQLITE_OK) {
      while (sqlite3_step(query) == SQLITE_ROW) {
        found.emplace_back(static_cast<const char*>(sqlite3_column_blob(query, 0)),
                           static_cast<size_t>(sqlite3_column_bytes(query, 0)));
      }
    }
    sqlite3_finalize(query);
    sqlite3_close(database);
    return found;
  }

  // A whole run; the receipt.
  std::string Run(const std::string& run, const std::vector<std::string>& records,
                  std::optional<std::string> receipt = {}) {
    auto destination = Make();
    const Status opened = destination->Open(Request(run, std::move(receipt)), {});
    EXPECT_TRUE(opened) << Describe(opened.error());
    const Status written = Write(destination.get(), records);
    EXPECT_TRUE(written) << Describe(written.error());
    auto intent = destination->Prepare();
    EXPECT_TRUE(intent) << Describe(intent.error());
    auto published = destination->Finalize(*intent);
    EXPECT_TRUE(published) << Describe(published.error());
    auto again = destination->Finalize(*intent);
    EXPECT_TRUE(again) << Describe(again.error());
    EXPECT_EQ(*published, *again);
    EXPECT_TRUE(destination->Cleanup());
    EXPECT_TRUE(destination->Cleanup());
    return *published;
  }

  RealClock clock_;
  QuietLog log_;
  NoRejects rejects_;
  JobSpec job_;
  std::string id_ = "target";
  std::string config_ = R"({"path":"target.db"})";
  fs::path folder_;
  int64_t fence_ = 1;
};

const std::vector<std::string> kMore = {R"({"id":7,"at":7,"v":1})", R"({"id":8,"at":8,"v":2})"};

class StagedDestinationTest : public DestinationTest {};
class AddingDestinationTest : public DestinationTest {};

TEST_P(DestinationTest, PublishesBytesAsTheyWere) {
  const std::string receipt = Run("r1", HardRecords());
  EXPECT_EQ(Published(), HardRecords());
  Run("r2", kMore, receipt);
  auto expected = mode() == PublishMode::kReplace ? std::vector<std::string>() : HardRecords();
  expected.insert(expected.end(), kMore.begin(), kMore.end());
  EXPECT_EQ(Published(), expected);
}

TEST_P(DestinationTest, GoesOnFromAMarkWithoutLossOrDouble) {
  std::string mark;
  {
    auto first = Make();
    ASSERT_TRUE(first->Open(Request("r1"), {}));
    ASSERT_TRUE(Write(first.get(), HardRecords(), 0));
    mark = *first->Flush();
    ASSERT_TRUE(Write(first.get(), kMore, 1));
    ASSERT_TRUE(first->Flush());  // Durable, and unknown to the store: the process dies here.
    ASSERT_TRUE(Write(first.get(), kMore, 2));
  }
  fence_ = 2;
  auto second = Make();
  auto request = Request("r1");
  request.mark = mark;
  const Status opened = second->Open(request, {});
  ASSERT_TRUE(opened) << Describe(opened.error());
  ASSERT_TRUE(Write(second.get(), kMore, 1));
  auto intent = second->Prepare();
  ASSERT_TRUE(intent) << Describe(intent.error());
  ASSERT_TRUE(second->Finalize(*intent));
  auto expected = HardRecords();
  expected.insert(expected.end(), kMore.begin(), kMore.end());
  EXPECT_EQ(Published(), expected);
}

TEST_P(DestinationTest, PublishesOnceHoweverOftenItDiesAfterTheIntent) {
  const std::string receipt = Run("r1", HardRecords());
  std::string mark;
  std::string intent;
  {
    auto first = Make();
    ASSERT_TRUE(first->Open(Request("r2", receipt), {}));
    ASSERT_TRUE(Write(first.get(), kMore));
    mark = *first->Flush();
    intent = *first->Prepare();
  }
  const auto finish = [&] {
    fence_ += 1;
    auto again = Make();
    auto request = Request("r2", receipt);
    request.mark = mark;
    request.intent = intent;
    const Status opened = again->Open(request, {});
    EXPECT_TRUE(opened) << Describe(opened.error());
    auto published = again->Finalize(intent);
    EXPECT_TRUE(published) << Describe(published.error());
    return published.value_or("");
  };
  const std::string first = finish();
  EXPECT_EQ(first, finish());
  auto expected = mode() == PublishMode::kReplace ? std::vector<std::string>() : HardRecords();
  expected.insert(expected.end(), kMore.begin(), kMore.end());
  EXPECT_EQ(Published(), expected);
}

TEST_P(StagedDestinationTest, DiscardLeavesTheTarget) {
  const std::string receipt = Run("r1", HardRecords());
  {
    auto destination = Make();
    ASSERT_TRUE(destination->Open(Request("r2", receipt), {}));
    ASSERT_TRUE(Write(destination.get(), kMore));
    ASSERT_TRUE(destination->Flush());
    ASSERT_TRUE(destination->Discard());
  }
  EXPECT_EQ(Published(), HardRecords());
  Run("r3", kMore, receipt);
}

TEST_P(AddingDestinationTest, NoticesATargetThatWasRemoved) {
  const std::string receipt = Run("r1", HardRecords());
  fs::remove(folder_ / "target.json");
  fs::remove(folder_ / "target.db");
  auto destination = Make();
  const Status opened = destination->Open(Request("r2", receipt), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "target_diverged");
}

TEST_P(AddingDestinationTest, NoticesATargetThatItNeverPublished) {
  Run("r1", HardRecords());
  auto destination = Make();
  const Status opened = destination->Open(Request("r2"), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "target_diverged");
}

TEST_P(DestinationTest, KeepsASecondOneOut) {
  auto first = Make();
  auto second = Make();
  ASSERT_TRUE(first->Open(Request("r1"), {}));
  const Status opened = second->Open(Request("r2"), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "target_locked");
}

// Every destination in every mode that it has, but `left_out`.
std::vector<Case> CasesBut(std::optional<PublishMode> left_out) {
  std::vector<Case> cases = {
      {"file", PublishMode::kReplace},  {"file", PublishMode::kAppend},
      {"file", PublishMode::kDirect},   {"sqlite", PublishMode::kReplace},
      {"sqlite", PublishMode::kAppend}, {"sqlite", PublishMode::kMerge},
      {"sqlite", PublishMode::kDirect},
  };
  std::erase_if(cases, [&](const Case& tested) { return tested.mode == left_out; });
  return cases;
}

std::string CaseName(const ::testing::TestParamInfo<Case>& tested) {
  return tested.param.name + "_" + std::string(PublishModeName(tested.param.mode));
}

INSTANTIATE_TEST_SUITE_P(All, DestinationTest, ::testing::ValuesIn(CasesBut(std::nullopt)),
                         CaseName);
// A stream has no staging to throw away.
INSTANTIATE_TEST_SUITE_P(All, StagedDestinationTest,
                         ::testing::ValuesIn(CasesBut(PublishMode::kDirect)), CaseName);
// A replacement needs nothing of what was there.
INSTANTIATE_TEST_SUITE_P(All, AddingDestinationTest,
                         ::testing::ValuesIn(CasesBut(PublishMode::kReplace)), CaseName);

TEST(JsonString, EscapesEveryByteAsAnotherWriterReadsIt) {
  for (size_t length = 0; length < 70; ++length) {
    std::string text;
    for (size_t i = 0; i < length; ++i) text += static_cast<char>((i * 37 + length * 11) % 128);
    std::string quoted;
    AppendJsonString(text, &quoted);
    EXPECT_EQ(json::parse(quoted).get<std::string>(), text);
  }
}

TEST(BizonColumns, TimestampsAreThoseOfTheLibrary) {
  for (const int64_t micros : {int64_t{0}, int64_t{-1}, int64_t{1764547200123456},
                               int64_t{253402300799999999}, int64_t{-62167219200000000}}) {
    char out[kTimestampBytes];
    WriteTimestamp(FromUnixMicros(micros), out);
    EXPECT_EQ(std::string(out, sizeof out), FormatUtcMicros(FromUnixMicros(micros)));
  }
}

}  // namespace
}  // namespace bizond
