// The reading half of the pump, the rejects file and the ids of records.
#include "sync/page_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <unordered_set>

#include "sync/bizon_id.h"
#include "sync/rejects_file.h"
#include "tests/base/temporary_directory.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;

// Pages of one record each; what comes after `pages` is told by `then`.
class PagesSource final : public Source {
 public:
  enum class Then { kExhausted, kError, kThrow, kWait };
  PagesSource(uint64_t pages, Then then) : pages_(pages), then_(then) {}

  Status CheckConnection(std::stop_token) override { return {}; }
  Result<Iteration> Read(const ReadRequest& request, std::string_view pagination,
                         RecordBatch* batch, std::stop_token stop) override {
    const uint64_t page = pagination.empty() ? 0 : std::stoul(std::string(pagination));
    EXPECT_EQ(batch->iteration, page);
    EXPECT_TRUE(batch->records().empty());
    EXPECT_EQ(request.upper_bound, page == 0 ? "" : "bound");
    batches.insert(batch);
    if (page == pages_ && then_ != Then::kExhausted) return AtTheEnd(stop);
    Record record;
    record.data = batch->Store(fmt::format(R"({{"page":{}}})", page));
    batch->records().push_back(record);
    Iteration iteration;
    iteration.next_pagination = std::to_string(page + 1);
    if (page == 0) iteration.upper_bound = "bound";
    iteration.exhausted = then_ == Then::kExhausted && page + 1 == pages_;
    iteration.rows_read = 1;
    return iteration;
  }

  std::set<RecordBatch*> batches;

 private:
  Result<Iteration> AtTheEnd(std::stop_token stop) {
    if (then_ == Then::kThrow) throw std::runtime_error("a promise");
    if (then_ == Then::kError) return Fail(ErrorKind::kTransient, "gone", "it is gone");
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never;
    never.wait(lock, stop, [] { return false; });
    return tl::make_unexpected(StoppedError("waiting"));
  }

  const uint64_t pages_;
  const Then then_;
};

// Pages until the end or an error, whose code is the last entry.
std::vector<std::string> ReadAll(PageReader& reader, std::stop_token stop = {}) {
  std::vector<std::string> read;
  while (true) {
    auto next = reader.Next(stop);
    if (!next) {
      read.push_back(next.error().code);
      return read;
    }
    if (!*next) return read;
    read.push_back(std::to_string((*next)->batch->iteration) + ((*next)->cut_short ? " cut" : ""));
    reader.Recycle(std::move((*next)->batch));
  }
}

TEST(PageReader, HandsPagesOverInOrderAndThenWhatEndedThem) {
  RealClock clock;
  const std::pair<PagesSource::Then, std::vector<std::string>> kEnds[] = {
      {PagesSource::Then::kExhausted, {"0", "1", "2"}},
      {PagesSource::Then::kError, {"0", "1", "2", "gone"}},
      {PagesSource::Then::kThrow, {"0", "1", "2", "internal_error"}},
  };
  for (const auto& [then, expected] : kEnds) {
    for (const size_t queue_bytes : {size_t{1}, size_t{4} << 20}) {
      PagesSource source(3, then);
      PageReader reader(&source, &clock, {}, queue_bytes);
      reader.Run({"", 0, std::nullopt}, {});
      EXPECT_EQ(ReadAll(reader), expected);
      EXPECT_TRUE(ReadAll(reader).empty()) << "the end stays the end";
    }
  }
}

TEST(PageReader, EndsAtItsLimitOfTheWholeRun) {
  RealClock clock;
  PagesSource source(100, PagesSource::Then::kExhausted);
  {
    PageReader reader(&source, &clock, {}, 1);
    reader.Run({"", 0, 3}, {});
    EXPECT_THAT(ReadAll(reader), ElementsAre("0", "1", "2 cut"));
  }
  ReadRequest request;
  request.upper_bound = "bound";
  {
    PageReader reader(&source, &clock, request, 1);
    reader.Run({"2", 2, 4}, {});
    EXPECT_THAT(ReadAll(reader), ElementsAre("2", "3 cut"));
  }
  PageReader reader(&source, &clock, request, 1);
  reader.Run({"4", 4, 4}, {});
  EXPECT_TRUE(ReadAll(reader).empty());
}

TEST(PageReader, UsesItsBatchesAgain) {
  RealClock clock;
  PagesSource source(500, PagesSource::Then::kExhausted);
  PageReader reader(&source, &clock, {}, 300 << 10);
  reader.Run({"", 0, std::nullopt}, {});
  EXPECT_EQ(ReadAll(reader).size(), 500);
  EXPECT_LE(source.batches.size(), 6);
}

TEST(PageReader, AStopEndsItOnBothSides) {
  RealClock clock;
  PagesSource source(2, PagesSource::Then::kWait);
  PageReader reader(&source, &clock, {}, 1 << 20);
  std::stop_source stop;
  reader.Run({"", 0, std::nullopt}, stop.get_token());
  ASSERT_TRUE(reader.Next(stop.get_token()).value());
  stop.request_stop();
  const auto next = reader.Next(stop.get_token());
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().kind, ErrorKind::kStopped);
}

TEST(PageReader, ItsDestructorEndsAReaderThatWaits) {
  RealClock clock;
  PagesSource waits(0, PagesSource::Then::kWait);
  {
    PageReader(&waits, &clock, {}, 1).Run({"", 0, std::nullopt}, {});
  }
  // The second page does not fit before the first one is taken.
  PagesSource fills(100, PagesSource::Then::kExhausted);
  {
    PageReader(&fills, &clock, {}, 1).Run({"", 0, std::nullopt}, {});
  }
}

TEST(BizonId, IsStableForAPlaceAndOfNoOther) {
  // Format 1: these must never change, or a replayed record gets another id.
  EXPECT_EQ(BizonIdMaker("run", "stream").Make(0, 0), "cf878d2e4fe68c0de67739fc0209ac27");
  EXPECT_EQ(BizonIdMaker("018f3e0a-0000-7000-8000-000000000000", "flights").Make(7, 42),
            "222f8f981dccc2abacd04259ebd1a04a");
  std::unordered_set<std::string> ids;
  for (const char* const run : {"a", "b"}) {
    for (const char* const stream : {"", "x", "y"}) {
      const BizonIdMaker maker(run, stream);
      for (uint64_t iteration = 0; iteration < 40; ++iteration) {
        for (uint32_t position = 0; position < 200; ++position) {
          ids.insert(maker.Make(iteration, position));
        }
      }
    }
  }
  EXPECT_EQ(ids.size(), 2 * 3 * 40 * 200);
  // Names that join to the same text.
  EXPECT_NE(BizonIdMaker("a", "bc").Make(0, 0), BizonIdMaker("ab", "c").Make(0, 0));
  for (const std::string& id : ids) {
    ASSERT_EQ(id.size(), BizonIdMaker::kLength);
    ASSERT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
}

class Rejects : public ::testing::Test {
 protected:
  Location Place() { return {Root::Open(directory_.path()).value(), "deep/run.jsonl"}; }
  std::vector<std::string> Lines() {
    std::vector<std::string> lines;
    std::istringstream text(directory_.Read("deep/run.jsonl"));
    for (std::string line; std::getline(text, line);) {
      lines.push_back(nlohmann::json::parse(line).at("data"));
    }
    return lines;
  }
  static std::vector<RejectedRecord> One(const std::string& data) {
    return {{"file:1", "bad_json", "not valid JSON", data, 3}};
  }
  TemporaryDirectory directory_;
};

TEST_F(Rejects, AreCutBackToTheCheckpoint) {
  uint64_t checkpoint = 0;
  {
    RejectsFile file = std::move(RejectsFile::Open(Place(), 0).value());
    EXPECT_FALSE(std::filesystem::exists(file.path())) << "made with the first reject";
    EXPECT_EQ(file.Flush().value(), 0);
    ASSERT_TRUE(file.Write(0, One("a")));
    checkpoint = file.Flush().value();
    ASSERT_TRUE(file.Write(1, One("b")));
    ASSERT_TRUE(file.Write(1, {}));
  }
  EXPECT_THAT(Lines(), ElementsAre("a", "b"));
  {
    RejectsFile file = std::move(RejectsFile::Open(Place(), checkpoint).value());
    EXPECT_THAT(Lines(), ElementsAre("a"));
    ASSERT_TRUE(file.Write(1, One("b\xFF\n\"")));
    EXPECT_GT(file.Flush().value(), checkpoint);
  }
  EXPECT_THAT(Lines(), ElementsAre("a", "b\xEF\xBF\xBD\n\""));
  ASSERT_TRUE(RejectsFile::Open(Place(), 0));
  EXPECT_TRUE(Lines().empty()) << "a run that starts over rejects anew";
}

TEST_F(Rejects, ThatAreGoneAreAnError) {
  const auto missing = RejectsFile::Open(Place(), 10);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "rejects_lost");
  directory_.Write("deep/run.jsonl", "short");
  const auto cut = RejectsFile::Open(Place(), 10);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, "rejects_lost");
  EXPECT_EQ(directory_.Read("deep/run.jsonl"), "short");
}

}  // namespace
}  // namespace bizond
